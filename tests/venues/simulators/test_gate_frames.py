"""Each kind of fault of a whole frame, as a client sees it on the wire."""

from __future__ import annotations

import asyncio
import json
import struct

import pytest
import websockets.asyncio.client

from tests.venues.simulators.gate_rig import RawClient, Rig, tiny_rig, until

NUMBERS = [str(number) for number in range(8)]


async def pushed(rig: Rig, client: RawClient, *texts: str) -> list[str]:
    """Pushes, and returns what comes up to the answer to a question that is asked last."""
    await rig.venue.push(*(texts or NUMBERS))
    await client.say("end")
    heard = [await client.hear()]
    while heard[-1] != "echo end":
        heard.append(await client.hear())
    return heard[:-1]


async def test_duplicates() -> None:
    async with tiny_rig("duplicate:1") as rig:
        assert await pushed(rig, await rig.stream()) == [number for number in NUMBERS for _ in "12"]


async def test_one_push_changes_places_with_the_next() -> None:
    async with tiny_rig("reorder:1") as rig:
        assert await pushed(rig, await rig.stream()) == ["1", "0", "3", "2", "5", "4", "7", "6"]


async def test_a_push_that_nothing_follows_comes_all_the_same() -> None:
    async with tiny_rig("reorder:1") as rig:
        client = await rig.stream()
        await rig.venue.push("only")
        assert await client.hear() == "only"


async def test_a_push_that_was_kept_comes_with_the_next_after_healing() -> None:
    async with tiny_rig("reorder:1") as rig:
        client = await rig.stream()
        await rig.venue.push("one")
        rig.faults.heal()
        assert await pushed(rig, client, "two", "three") == ["two", "one", "three"]


async def test_dropped() -> None:
    async with tiny_rig("drop:0.5") as rig:
        texts = [str(number) for number in range(60)]
        heard = await pushed(rig, await rig.stream(), *texts)
        assert heard == [text for text in texts if text in heard]
        assert 15 < len(heard) < 45
        assert rig.faults.done("drop") == 60 - len(heard)


async def test_late_and_in_order_while_answers_are_on_time() -> None:
    async with tiny_rig("delay=0.2*2") as rig:
        client = await rig.stream()
        began = asyncio.get_running_loop().time()
        await rig.venue.push("one", "two")
        rig.faults.heal()
        await rig.venue.push("three")
        await client.say("on time")
        assert await client.hear() == "echo on time"
        assert await client.hears(3) == ["one", "two", "three"]
        assert asyncio.get_running_loop().time() - began >= 0.2


async def test_a_huge_frame_is_still_the_same_message() -> None:
    async with tiny_rig("huge-frame=3000000:1") as rig:
        client = await rig.stream()
        await rig.venue.push('{"a":1}')
        opcode, data = await client.frame()
        assert (opcode, len(data)) == (1, 3_000_000)
        assert json.loads(data) == {"a": 1}


async def test_a_binary_frame() -> None:
    async with tiny_rig("binary:1") as rig:
        client = await rig.stream()
        await rig.venue.push("text")
        assert await client.frame() == (2, b"text")


async def test_text_that_is_not_utf8() -> None:
    async with tiny_rig("bad-utf8:1") as rig:
        client = await rig.stream()
        await rig.venue.push("text")
        opcode, data = await client.frame()
        assert opcode == 1
        with pytest.raises(UnicodeDecodeError):
            data.decode()


async def test_json_deeper_than_any_parser_goes() -> None:
    async with tiny_rig("deep-json:1") as rig:
        client = await rig.stream()
        await rig.venue.push("text")
        opcode, data = await client.frame()
        assert (opcode, len(data)) == (1, 200_000)
        with pytest.raises(RecursionError):
            json.loads(data)


@pytest.mark.parametrize("code", [1001, 1008, 1011, 1012, 1013])
async def test_a_close_code_with_its_reason(code: int) -> None:
    async with tiny_rig(f"close-codes={code}*1") as rig:
        client = await rig.stream()
        await rig.venue.push("text", "nothing more")
        opcode, data = await client.frame()
        assert opcode == 8
        assert struct.unpack("!H", data[:2]) == (code,)
        assert data[2:].decode()
        again = await rig.stream()
        assert await pushed(rig, again) == NUMBERS


async def test_1006_is_an_end_without_a_close_frame_and_codes_take_turns() -> None:
    async with tiny_rig("close-codes=1006") as rig:
        client = await rig.stream()
        await rig.venue.push("text")
        assert await client.rest() == b""
        await until(lambda: rig.venue.open_streams == 0)
        rig.faults.switch("close-codes")
        codes = []
        for _ in range(3):
            client = await rig.stream()
            await rig.venue.push("text")
            _, data = await client.frame()
            codes.append(struct.unpack("!H", data[:2])[0])
            client.close()
            await until(lambda: rig.venue.open_streams == 0)
        assert codes == [1011, 1012, 1013]


async def test_faults_of_the_account_leave_the_market_alone() -> None:
    async with tiny_rig("drop@account:1") as rig:
        client = await rig.stream()
        await rig.venue.push("order", call="account")
        await rig.venue.push("book", call="market")
        assert await client.hear() == "book"


async def test_a_client_that_asks_for_compression_gets_it_and_faults_too() -> None:
    async with tiny_rig() as rig:
        url = rig.practice.ws_url
        async with websockets.asyncio.client.connect(url, compression="deflate", proxy=None) as client:
            assert "permessage-deflate" in str(client.response and client.response.headers)
            await until(lambda: rig.venue.senders)
            await rig.venue.push("x" * 5000)
            assert await client.recv() == "x" * 5000
            rig.faults.switch("duplicate:1")
            await rig.venue.push("twice")
            assert [await client.recv(), await client.recv()] == ["twice", "twice"]
            rig.faults.heal()
            await rig.venue.push("once")
            assert await client.recv() == "once"
        raw = await rig.stream(Sec_WebSocket_Extensions="permessage-deflate")
        await until(lambda: rig.venue.senders)
        await rig.venue.push("x" * 5000)
        first, size = await raw.reader.readexactly(2)
        assert first & 0x40  # compressed, since the client asked
        assert size < 100


async def test_nothing_is_sent_to_who_is_gone() -> None:
    async with tiny_rig() as rig:
        client = await rig.stream()
        (sender,) = rig.venue.senders
        client.close()
        await until(lambda: sender.is_closed)
        await sender.send("lost")
        await sender.close()
