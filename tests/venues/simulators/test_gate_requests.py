"""Each kind of fault of a request, as a client sees it on the wire, and whether the venue carried it out."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.simulators.gate_rig import PLACED, RawClient, Rig, tiny_rig, until
from venues.simulators.http_bytes import Body


async def submit(rig: Rig, client: RawClient | None = None) -> RawClient:
    client = client or await rig.connect()
    await client.request("POST", "/order", b'{"amount":"1"}')
    return client


async def ended(client: RawClient) -> str:
    """Returns how it ended, or the bytes that came before."""
    try:
        data = await client.rest()
    except ConnectionResetError:
        return "reset"
    return data.decode("latin-1") if data else "closed"


async def test_without_faults_requests_go_through_on_one_connection() -> None:
    async with tiny_rig() as rig:
        client = await rig.connect()
        for method in ("POST", "GET", "DELETE", "POST"):
            await client.request(method, "/order", b"x" * 70_000 if method == "POST" else b"")
            assert await client.answer() == (200, PLACED)
        assert rig.venue.executed == ["POST", "GET", "DELETE", "POST"]
        assert rig.venue.bodies == [b"x" * 70_000, b"", b"", b"x" * 70_000]
        assert rig.practice.requests == 4
        assert rig.practice.connections == 1


async def test_requests_that_come_in_pieces_or_at_once_are_told_apart() -> None:
    async with tiny_rig() as rig:
        client = await rig.connect()
        one = b"POST /order HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        one += b"3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"
        for at in range(len(one)):
            await client.send(one[at : at + 1])
        assert await client.answer() == (200, PLACED)
        await client.send(one + b"GET /order HTTP/1.1\r\nHost: t\r\n\r\n" + one)
        raw = b""
        while raw.count(PLACED) < 3:
            raw += await client.reader.read(65536)
        assert rig.venue.bodies == [b"abcde", b"abcde", b"", b"abcde"]


async def test_a_chunked_answer_and_one_of_an_old_client_go_through() -> None:
    async with tiny_rig() as rig:
        client = await rig.connect()
        await client.request("GET", "/chunked")
        assert (await client.answer())[1] == b"4\r\none,\r\n4\r\ntwo,\r\n5\r\nthree\r\n0\r\n\r\n"
        await client.request("GET", "/fails")
        assert await client.answer() == (418, b"no")
        old = await rig.connect()
        await old.send(b"GET /chunked HTTP/1.0\r\n\r\n")
        assert (await old.rest()).endswith(b"\r\n\r\none,two,three")


async def test_what_is_not_http_is_answered_by_the_server() -> None:
    async with tiny_rig("502") as rig:
        client = await rig.connect()
        await client.send(b"\x16\x03\x01\x00\xa5 hello\r\n\r\n")
        assert b" 400 " in await client.rest()


@pytest.mark.parametrize("size", [b"zz", b"-5", b"+5", b"0x5", b"5_0", b"123456789"])
async def test_a_body_of_senseless_chunks_is_answered_once_and_not_carried_out(
    size: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    async with tiny_rig() as rig:
        client = await rig.connect()
        await client.send(b"POST /order HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.send(size + b"\r\nabcde\r\n0\r\n\r\n")
        assert (await client.rest()).count(b" 400 ") == 1
        assert rig.venue.executed == []
    assert capfd.readouterr().err == ""
    with pytest.raises(ValueError, match="chunk"):
        Body(None, is_chunked=True).take(size + b"\r\n")


@pytest.mark.parametrize(
    ("spec", "end", "executed"),
    [
        ("reset-before", "reset", 0),
        ("closed-before", "closed", 0),
        ("reset-after", "reset", 0),
        ("reset-after=executed", "reset", 1),
        ("closed-after", "closed", 0),
        ("closed-after=executed", "closed", 1),
        ("lost-reply=reset", "reset", 1),
        ("lost-reply=close", "closed", 1),
    ],
)
async def test_a_connection_that_ends_without_an_answer(spec: str, end: str, executed: int) -> None:
    async with tiny_rig(spec) as rig:
        assert await ended(await submit(rig)) == end
        assert rig.venue.executed == ["POST"] * executed
        assert rig.faults.done(spec.partition("=")[0]) == 1


async def test_before_means_before_the_body_was_read() -> None:
    async with tiny_rig("reset-before@submit,closed-before@cancel") as rig:
        for method, end in (("POST", "reset"), ("DELETE", "closed")):
            client = await rig.connect()
            await client.request(method, "/order", b"", "Content-Length: 5")
            assert await ended(client) == end


@pytest.mark.parametrize(
    ("spec", "executed"), [("lost-reply", 1), ("never-executed", 0), ("black-hole", 0), ("black-hole=stall", 0)]
)
async def test_a_request_that_is_never_answered(spec: str, executed: int) -> None:
    async with tiny_rig(spec) as rig:
        client = await submit(rig)
        if executed:
            await until(lambda: rig.venue.executed)
        assert await client.is_silent()
        assert len(rig.venue.executed) == executed
        rig.faults.heal()
        assert await rig.ask("POST", "/order") == (200, PLACED)  # a new connection works at once
        await submit(rig, client)
        assert await client.is_silent()  # the old one is dead for good
        assert len(rig.venue.executed) == executed + 1
        client.close()
        await until(lambda: rig.practice.connections == 0)


@pytest.mark.parametrize(("spec", "executed"), [("keep-alive-reset", 1), ("keep-alive-reset=executed", 2)])
async def test_a_kept_connection_is_reset_on_reuse(spec: str, executed: int) -> None:
    async with tiny_rig(spec) as rig:
        client = await submit(rig)
        assert await client.answer() == (200, PLACED)
        assert await ended(await submit(rig, client)) == "reset"
        assert len(rig.venue.executed) == executed


async def test_half_the_headers() -> None:
    async with tiny_rig("half-headers") as rig:
        part = await ended(await submit(rig))
        assert part.startswith("HTTP/1.1 200 OK\r\n")
        assert "\r\n\r\n" not in part
        assert rig.venue.executed == ["POST"]


async def test_half_the_body() -> None:
    async with tiny_rig("half-body") as rig:
        head, _, body = (await ended(await submit(rig))).partition("\r\n\r\n")
        assert f"content-length: {len(PLACED)}" in head
        assert body.encode() == PLACED[: len(PLACED) // 2]
        assert rig.venue.executed == ["POST"]


async def test_garbage() -> None:
    async with tiny_rig("garbage") as rig:
        assert "HTTP" not in await ended(await submit(rig))
        assert rig.venue.executed == ["POST"]


@pytest.mark.parametrize(
    ("spec", "status", "executed"),
    [
        ("502", 502, 1), ("503", 503, 1), ("504", 504, 1), ("html-200", 200, 1), ("redirect", 307, 1),
        ("502=unexecuted", 502, 0), ("redirect=unexecuted", 307, 0),
    ],
)  # fmt: skip
async def test_a_page_of_a_proxy_and_the_connection_lives_on(spec: str, status: int, executed: int) -> None:
    async with tiny_rig(f"{spec}*1") as rig:
        client = await submit(rig)
        got, page = await client.answer()
        assert got == status
        assert page.startswith(b"<html>")
        assert client.head.headers["content-type"] == "text/html"
        assert client.head.headers.get("location") == ("http://tiny/elsewhere/order" if status == 307 else None)
        assert len(rig.venue.executed) == executed
        await submit(rig, client)
        assert await client.answer() == (200, PLACED)


async def test_a_body_that_drips() -> None:
    async with tiny_rig("drip=500") as rig:
        client = await submit(rig)
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert b"200 OK" in head
        assert [await client.reader.read(100) for _ in range(9)] == [PLACED[at : at + 1] for at in range(9)]
        rig.faults.heal()
        assert await client.reader.readexactly(len(PLACED) - 9) == PLACED[9:]
        await submit(rig, client)
        assert await client.answer() == (200, PLACED)


async def test_an_answer_that_comes_late() -> None:
    async with tiny_rig("delay=0.1@submit") as rig:
        began = asyncio.get_running_loop().time()
        client = await submit(rig)
        await until(lambda: rig.venue.executed)
        assert await client.answer() == (200, PLACED)
        assert asyncio.get_running_loop().time() - began >= 0.1
        await client.request("GET", "/order")
        assert await client.answer() == (200, PLACED)


async def test_only_the_named_calls_are_struck() -> None:
    async with tiny_rig("502@submit+cancel") as rig:
        statuses = [(await rig.ask(method, "/order"))[0] for method in ("POST", "DELETE", "GET")]
        assert statuses == [502, 502, 200]
        assert (await rig.ask("GET", "/fails"))[0] == 418
        assert rig.faults.done("502") == 2
        assert rig.practice.requests == 4


async def test_a_share_strikes_that_share_and_the_same_ones_again() -> None:
    async def struck(seed: int) -> list[int]:
        async with tiny_rig("503:0.3", seed=seed) as rig:
            client = await rig.connect()
            statuses = []
            for _ in range(60):
                await client.request("GET", "/order")
                statuses.append((await client.answer())[0])
            return statuses

    first = await struck(3)
    assert 8 <= first.count(503) <= 30
    assert await struck(3) == first
    assert await struck(4) != first


@pytest.mark.parametrize(
    "spec", ["reset-before", "never-executed", "black-hole", "502", "drip", "garbage", "keep-alive-reset"]
)
async def test_the_control_api_is_never_touched(spec: str) -> None:
    async with tiny_rig() as rig:
        kept = await rig.connect()
        await kept.request("GET", "/order")
        assert await kept.answer() == (200, PLACED)
        rig.faults.switch(spec)
        for _ in range(2):
            await kept.request("GET", "/practice/faults")
            status, body = await kept.answer()
            assert status == 200
            assert b'"faults":"' + spec.encode() in body
        await kept.request("DELETE", "/practice/faults")
        assert (await kept.answer())[0] == 200
        await kept.request("POST", "/order")
        assert await kept.answer() == (200, PLACED)
        assert rig.practice.requests == 2
        assert rig.faults.done(spec) == 0
