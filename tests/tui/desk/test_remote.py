"""The control socket, attacked and misused: sizes, times, garbage, crowds, strangers, and files in the way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.tui.desk.rig import FIVE, PERP, Rig, intent, until, update
from tui.desk.instance import InstanceLock
from tui.desk.remote import RemoteControl
from tui.desk.remote_client import NoDesk, SilentDesk, ask
from tui.desk.remote_messages import (
    LONGEST_REQUEST,
    SOCKET_FILE,
    Answer,
    DeskLine,
    Done,
    Failed,
    Heard,
    OrderLine,
    Receipt,
    Request,
    VenueLine,
    Working,
    encode,
    parse_answer,
    peer_uid,
)
from tui.desk.remote_socket import SocketError
from venues.model import OrderStatus
from venues.transport.clock import boottime_ns

LATER = 30 * 1_000_000_000


@asynccontextmanager
async def desk(folder: Path, rig: Rig | None = None, **settings: Any) -> AsyncIterator[Rig]:
    """A desk that trades, holds the lock of `folder`, and answers there."""
    async with rig if rig is not None else Rig() as made:
        lock = InstanceLock(folder)
        lock.acquire("PAPER", ("test",))
        remote = RemoteControl(made.session, folder, lock, **settings)
        await remote.start()
        try:
            yield made
        finally:
            await remote.aclose()
            await remote.aclose()
            lock.release()


async def asked(folder: Path, *words: Any, **more: Any) -> list[Answer]:
    """Asks as the commands do, on a thread of its own."""
    return await asyncio.to_thread(lambda: list(ask(folder, *words, **more)))


async def send(folder: Path, raw: bytes) -> list[Answer]:
    """Sends bytes, and reads to the end."""
    reader, writer = await asyncio.open_unix_connection(folder / SOCKET_FILE)
    writer.write(raw)
    lines = [parse_answer(line) async for line in reader]
    writer.close()
    return lines


def request(verb: Any = "status", deadline: int | None = None, **more: Any) -> bytes:
    return encode(Request(verb=verb, deadline=boottime_ns() + LATER if deadline is None else deadline, **more))


async def test_the_state_of_the_desk_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as rig:
        rig.venue.tell(update("a", reason="no \x1b]0;owned\x07 margin", is_external=True))
        await until(lambda: rig.store.orders.get("a") is not None)
        lines = await asked(tmp_path, "status")
        assert [type(line) for line in lines] == [DeskLine, VenueLine]
        told = lines[1]
        assert isinstance(told, VenueLine)
        assert (told.orders, told.external, told.positions, told.state) == (1, 1, 0, "live")
        (line,) = await asked(tmp_path, "orders")
        assert isinstance(line, OrderLine)
        assert (line.key, line.symbol, line.is_external) == ("a", PERP.symbol, True)
        assert line.reason.isprintable()
        assert await asked(tmp_path, "positions") == []


async def test_a_venue_of_which_nothing_was_read_is_named(tmp_path: Path) -> None:
    async with desk(tmp_path) as rig:
        (view,) = rig.store.venues.values()
        rig.store.venues[view.venue] = msgspec.structs.replace(view, fault="the key was not accepted")
        rig.store.ledger.balances.clear()
        for verb in ("orders", "positions"):
            (line,) = await asked(tmp_path, verb)
            assert isinstance(line, VenueLine) and not line.is_read


async def test_panic_is_heard_gives_signs_of_life_and_a_receipt(tmp_path: Path) -> None:
    async with desk(tmp_path) as rig:
        await rig.place()
        rig.venue.hold = asyncio.Event()
        holding = asyncio.create_task(rig.session.submit(intent(quantity=FIVE)))
        await until(lambda: rig.venue.called("submit_order") == 2)
        release = asyncio.get_running_loop().call_later(0.8, rig.venue.hold.set)
        first, second = await asyncio.gather(send(tmp_path, request("panic")), send(tmp_path, request("panic")))
        await holding
        release.cancel()
        for answers in (first, second):
            assert isinstance(answers[0], Heard)
            assert answers[0].pid == os.getpid()
            assert isinstance(answers[-1], Done)
            assert {type(one) for one in answers[1:-2]} <= {Working}
        assert first[-2] == second[-2]
        assert rig.texts().count("panic: nothing is left") == 1, "who asks while one runs gets its receipt"
        receipt = first[-2]
        assert isinstance(receipt, Receipt)
        assert receipt.receipt.lines[0].is_proven
        assert not list(rig.store.orders.open_orders())


async def test_who_hangs_up_does_not_stop_what_he_began(tmp_path: Path) -> None:
    async with desk(tmp_path) as rig:
        await rig.place()
        reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET_FILE)
        writer.write(request("panic"))
        assert isinstance(parse_answer(await reader.readline()), Heard)
        writer.transport.abort()
        await until(lambda: not list(rig.store.orders.open_orders()))
        await until(lambda: "panic: nothing is left" in rig.texts())


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\n", "no request"),
        (b"panic\n", "no request"),
        (b"\xff\x00\xfe\n", "no request"),
        (b'{"verb": "panic"}\n', "deadline"),
        (b'{"verb": "sell everything", "deadline": 1}\n', "Invalid enum"),
        (b'{"verb": "panic", "deadline": "soon"}\n', "deadline"),
        (b'{"verb": "panic", "deadline": 1, "and": 2}\n', "unknown field"),
        (b'{"verb": "panic", "deadline": 1, "version": 2}\n', "version 2"),
        (b"[" * 4_000 + b"\n", "no request"),
        (b"x" * 100_000, "no request"),
        (b"x" * LONGEST_REQUEST + b"\n", "no request"),
        (b'{"verb": "panic", "deadline": 99999999999999999999, "argument": "\\u001b[31m"}\n', "too far"),
    ],
)
async def test_what_is_no_request_is_answered_and_does_nothing(raw: bytes, words: str, tmp_path: Path) -> None:
    async with desk(tmp_path, request_seconds=0.3) as rig:
        key = await rig.place()
        (answer,) = await send(tmp_path, raw)
        assert isinstance(answer, Failed)
        assert words in answer.text
        assert answer.remedy
        assert answer.text.isprintable()
        assert rig.status(key) is OrderStatus.NEW
        assert len(await asked(tmp_path, "status")) == 2


async def test_a_line_that_never_ends_is_left_and_told(tmp_path: Path) -> None:
    async with desk(tmp_path, request_seconds=0.2):
        (answer,) = await send(tmp_path, request()[:-1])
        assert isinstance(answer, Failed)
        assert "no request came within 0.2 s" in answer.text
        reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET_FILE)
        writer.write(request()[:-1])
        writer.write_eof()
        cut = parse_answer(await reader.readline())
        assert isinstance(cut, Failed)
        assert "has no end" in cut.text
        writer.close()


async def test_a_request_that_comes_too_late_is_dropped(tmp_path: Path) -> None:
    async with desk(tmp_path) as rig:
        key = await rig.place()
        for verb in ("panic", "cancel-all", "do"):
            (answer,) = await send(tmp_path, request(verb, boottime_ns() - 1, argument="lock"))
            assert isinstance(answer, Failed)
            assert "too late" in answer.text
        assert rig.status(key) is OrderStatus.NEW
        assert rig.store.desk.is_armed


async def test_fifty_at_once_are_all_answered(tmp_path: Path) -> None:
    async with desk(tmp_path) as rig:
        await rig.place()
        found = await asyncio.gather(*(send(tmp_path, request("orders")) for _ in range(50)))
        assert [[type(one) for one in lines] for lines in found] == [[Heard, OrderLine, Done]] * 50


async def test_a_crowd_that_asks_nothing_does_not_keep_panic_out(tmp_path: Path) -> None:
    async with desk(tmp_path, most_clients=8, request_seconds=30.0) as rig:
        key = await rig.place()
        idle = [await asyncio.open_unix_connection(tmp_path / SOCKET_FILE) for _ in range(20)]
        lines = await asked(tmp_path, "panic")
        assert [type(line) for line in lines] == [Receipt]
        assert rig.status(key) is OrderStatus.CANCELED
        # The first came first, and went first.
        assert await idle[0][0].read() == b""
        for _, writer in idle:
            writer.close()


async def test_where_all_are_busy_a_request_is_turned_away_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path, most_clients=2) as rig:
        rig.venue.hold = asyncio.Event()
        line = request("do", argument="buy BTC-PERP 1 @ 100")
        busy = []
        for number in range(2):
            reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET_FILE)
            writer.write(line.replace(b"PERP 1 ", b"PERP %d " % (number + 1)))
            assert isinstance(parse_answer(await reader.readline()), Heard)
            busy.append(writer)
        (turned,) = await asked(tmp_path, "panic", patience=0.3)
        assert isinstance(turned, Failed)
        assert turned.is_busy
        rig.venue.hold.set()
        for writer in busy:
            writer.close()
        assert isinstance((await asked(tmp_path, "status"))[0], DeskLine)


async def test_who_does_not_read_is_left(tmp_path: Path) -> None:
    async with desk(tmp_path, write_seconds=0.3) as rig:
        rig.venue.tell(*(update(f"k{number}", reason="r" * 190) for number in range(4_000)))
        await until(lambda: rig.store.orders.get("k3999") is not None)
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.setblocking(False)
            deaf.connect(os.fspath(tmp_path / SOCKET_FILE))
            deaf.send(request("orders"))
            lines = await asked(tmp_path, "orders")
            assert len(lines) == 4_000
            await until(lambda: _is_hung_up(deaf))
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while part := deaf.recv(65_536):
                    received += part
            assert received.count(b"\n") < 4_000


def _is_hung_up(connection: socket.socket) -> bool:
    try:
        connection.send(b"\n")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


async def test_another_users_process_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path, uid_of=lambda _: os.getuid() + 1):
        with pytest.raises(SilentDesk, match=r"hung up|reset|pipe"):
            await asked(tmp_path, "panic")


def test_the_other_end_of_a_socket_is_known() -> None:
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        assert peer_uid(left) == os.getuid()


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
async def test_the_socket_is_private_whatever_the_umask(mask: int, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir(mode=0o700)
    lock = InstanceLock(folder)
    lock.acquire("PAPER")
    async with Rig() as rig:
        remote = RemoteControl(rig.session, folder, lock)
        before = os.umask(mask)
        try:
            await remote.start()
        finally:
            os.umask(before)
        status = (folder / SOCKET_FILE).stat()
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert len(await asked(folder, "status")) == 2
        await remote.aclose()
    assert sorted(path.name for path in folder.iterdir()) == ["desk.lock"]
    lock.release()


def _stale(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(os.fspath(path))


def _file(path: Path) -> None:
    path.write_text("not a socket")


def _link(path: Path) -> None:
    path.symlink_to("/nowhere")


@pytest.mark.parametrize("there", [_stale, _file, _link])
async def test_what_lies_in_its_place_is_replaced_by_the_holder_only(
    there: Callable[[Path], None], tmp_path: Path
) -> None:
    there(tmp_path / SOCKET_FILE)
    with pytest.raises(NoDesk):
        await asked(tmp_path, "status")
    async with Rig() as rig:
        with pytest.raises(SocketError, match="another desk holds the profile"):
            await RemoteControl(rig.session, tmp_path, InstanceLock(tmp_path)).start()
    before = (tmp_path / SOCKET_FILE).lstat().st_ino
    async with desk(tmp_path):
        assert (tmp_path / SOCKET_FILE).lstat().st_ino != before
        assert len(await asked(tmp_path, "status")) == 2


async def test_a_socket_of_the_next_desk_is_not_taken_away(tmp_path: Path) -> None:
    async with desk(tmp_path):
        (tmp_path / SOCKET_FILE).unlink()
        _stale(tmp_path / SOCKET_FILE)
    assert (tmp_path / SOCKET_FILE).exists()


async def test_a_folder_that_others_may_write_to_has_no_socket(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    lock = InstanceLock(folder)
    lock.acquire("PAPER")
    folder.chmod(0o777)
    async with Rig() as rig:
        with pytest.raises(SocketError, match="may be written by others"):
            await RemoteControl(rig.session, folder, lock).start()
    lock.release()


async def test_a_runtime_folder_that_others_may_change_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setattr("tempfile.tempdir", os.fspath(shared))
    folder = tmp_path / ("d" * 100)
    lock = InstanceLock(folder)
    lock.acquire("PAPER")
    async with Rig() as rig:
        with pytest.raises(SocketError, match="set TMPDIR to a folder of your own"):
            await RemoteControl(rig.session, folder, lock).start()
    lock.release()
