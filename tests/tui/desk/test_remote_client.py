"""The asking side against desks that are silent, break off, talk nonsense, or never come to an end."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tui.desk.remote_client import LostDesk, NoDesk, SilentDesk, ask
from tui.desk.remote_messages import (
    LONGEST_ANSWER,
    SOCKET_FILE,
    Answer,
    Done,
    Failed,
    Heard,
    Working,
    encode,
    find_socket,
    parse_request,
)

HEARD = encode(Heard(pid=1))
FAILED = Failed(text="no", remedy="yes")
BUSY = Failed(text="full", remedy="again", is_busy=True)


@contextmanager
def desk(folder: Path, *scripts: Callable[[socket.socket], object]) -> Iterator[list[bytes]]:
    """Answers one request after the other as the scripts say; hands out what was asked."""
    asked: list[bytes] = []
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.fspath(folder / SOCKET_FILE))
    listening.listen()

    def serve() -> None:
        for script in scripts:
            connection, _ = listening.accept()
            with connection:
                asked.append(connection.recv(65_536))
                try:
                    script(connection)
                except (BrokenPipeError, ConnectionResetError):
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        thread.join(10)
        listening.close()


def until_gone(connection: socket.socket) -> None:
    assert connection.recv(1) == b""


def saying(*parts: bytes, then: Callable[[socket.socket], object] = lambda _: None) -> Callable[..., object]:
    def script(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        then(connection)

    return script


def asked_of(folder: Path, patience: float = 0.3, silence: float = 0.2, whole: float = 5.0) -> list[Answer]:
    return list(ask(folder, "orders", patience=patience, silence=silence, whole=whole))


def test_an_answer_is_taken_to_its_end_however_it_is_cut(tmp_path: Path) -> None:
    whole = HEARD + encode(Working()) + encode(Done())
    with desk(tmp_path, saying(*(whole[index : index + 1] for index in range(len(whole))))) as asked:
        assert asked_of(tmp_path) == []
    request = parse_request(asked[0])
    assert (request.verb, request.is_sure) == ("orders", False)


def test_a_refusal_is_the_last_word(tmp_path: Path) -> None:
    with desk(tmp_path, saying(HEARD, encode(FAILED), encode(Done()))):
        assert asked_of(tmp_path) == [FAILED]


def test_no_desk_is_known_at_once(tmp_path: Path) -> None:
    with pytest.raises(NoDesk, match="no desk runs"):
        asked_of(tmp_path)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(os.fspath(tmp_path / SOCKET_FILE))
    with pytest.raises(NoDesk, match="refused"):
        asked_of(tmp_path)


def test_a_silent_desk_is_given_up_after_its_time(tmp_path: Path) -> None:
    with desk(tmp_path, until_gone):
        began = time.monotonic()
        with pytest.raises(SilentDesk):
            asked_of(tmp_path)
        assert 0.3 <= time.monotonic() - began < 1.5


def test_a_desk_that_takes_nothing_any_more_is_silent(tmp_path: Path) -> None:
    """A stopped process: the system takes requests for it until its queue is full."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fspath(tmp_path / SOCKET_FILE))
        listening.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(os.fspath(tmp_path / SOCKET_FILE))
        with pytest.raises(SilentDesk):
            asked_of(tmp_path)
        for one in waiting:
            one.close()


@pytest.mark.parametrize(
    "script",
    [
        saying(HEARD, then=until_gone),
        saying(HEARD),
        saying(HEARD, b"nonsense\n"),
        saying(HEARD, b'{"type": "order"}\n'),
        saying(HEARD, b'{"type": "done"', then=until_gone),
        saying(HEARD, b"x" * (LONGEST_ANSWER + 70_000), then=until_gone),
        saying(HEARD, b"[" * 50_000 + b"\n"),
    ],
)
def test_an_answer_that_breaks_off_is_never_called_none(script: Callable[..., object], tmp_path: Path) -> None:
    with desk(tmp_path, script), pytest.raises(LostDesk):
        asked_of(tmp_path)


@pytest.mark.parametrize("script", [saying(), saying(b"nonsense\n"), saying(b"\xff\xfe\n")])
def test_nonsense_before_it_began_is_silence(script: Callable[..., object], tmp_path: Path) -> None:
    with desk(tmp_path, script), pytest.raises(SilentDesk):
        asked_of(tmp_path)


def test_signs_of_life_without_end_come_to_one(tmp_path: Path) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(HEARD)
        while True:
            connection.sendall(encode(Working()))

    with desk(tmp_path, script), pytest.raises(LostDesk):
        asked_of(tmp_path, whole=0.5)


def test_a_full_desk_is_asked_again_and_what_it_says_last_is_told(tmp_path: Path) -> None:
    with desk(tmp_path, saying(encode(BUSY)), saying(encode(BUSY)), saying(HEARD, encode(Done()))) as asked:
        assert asked_of(tmp_path, patience=5.0) == []
    assert len(asked) == 3
    assert len(set(asked)) == 1, "the same deadline, however often"
    (tmp_path / SOCKET_FILE).unlink()
    with desk(tmp_path, saying(encode(BUSY))):
        assert asked_of(tmp_path, patience=0.0) == [BUSY]


def test_a_link_leads_to_a_socket_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / SOCKET_FILE).symlink_to(elsewhere / SOCKET_FILE)
    assert find_socket(tmp_path) == elsewhere / SOCKET_FILE
    with pytest.raises(NoDesk):
        asked_of(tmp_path)
    with desk(elsewhere, saying(HEARD, encode(Done()))):
        assert asked_of(tmp_path) == []
