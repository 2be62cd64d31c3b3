"""Each kind of fault that the gate does to a stream or to the listener, as a client sees it on the wire."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.simulators.gate_rig import SILENCE, RawClient, Rig, tiny_rig, until


async def talks(client: RawClient) -> bool:
    await client.say("hello")
    return await client.hear() == "echo hello"


async def is_reset(client: RawClient) -> bool:
    try:
        await client.rest()
    except ConnectionResetError:
        return True
    return False


async def test_without_faults_frames_go_through_both_ways() -> None:
    async with tiny_rig() as rig:
        client = await rig.stream()
        assert await talks(client)
        await rig.venue.push("one", "two" * 30_000, "three")
        assert await client.hears(3) == ["one", "two" * 30_000, "three"]
        assert rig.practice.connections == 1
        client.close()
        await until(lambda: rig.venue.open_streams == 0 and rig.practice.connections == 0)


async def test_2000_messages_to_4_clients_come_whole_and_in_order() -> None:
    texts = [f'{{"method":"depth.update","id":{number},"params":["{"9" * 280}"]}}' for number in range(2000)]
    async with tiny_rig() as rig:
        clients = [await rig.stream() for _ in range(4)]
        heard = asyncio.gather(*(client.hears(len(texts)) for client in clients))
        await rig.venue.push(*texts)
        assert await heard == [texts] * 4


async def test_a_black_hole_swallows_both_ways_and_the_old_connection_stays_dead() -> None:
    async with tiny_rig() as rig:
        old = await rig.stream()
        assert await talks(old)
        rig.faults.switch("black-hole@stream")
        await old.say("lost")
        await rig.venue.push("lost")
        assert await old.is_silent()
        assert rig.venue.heard == ["hello"]
        new = await rig.connect()
        await new.ask_for_stream()
        assert await new.is_silent()
        assert (await rig.ask("GET", "/order"))[0] == 200  # only streams were named
        rig.faults.heal()
        await rig.venue.push("too late")
        assert await old.is_silent()
        assert await new.is_silent()
        assert await talks(await rig.stream())
        assert rig.venue.open_streams == 1  # the venue has lost the old one by now
        assert rig.faults.done("black-hole") == 2


async def test_a_stall_gives_everything_once_it_is_healed() -> None:
    async with tiny_rig() as rig:
        client = await rig.stream()
        rig.faults.switch("black-hole=stall")
        await client.say("one")
        await rig.venue.push("two")
        assert await client.is_silent()
        rig.faults.heal()
        assert await client.hears(2) == ["two", "echo one"]
        assert await talks(client)


async def test_a_half_open_connection_takes_everything_and_says_nothing() -> None:
    async with tiny_rig() as rig:
        client = await rig.stream()
        rig.faults.switch("half-open")
        await until(lambda: rig.venue.open_streams == 0)  # the venue has forgotten it
        for _ in range(40):
            await client.send(b"\x00" * 65536)  # 2.6 MB: more than the system would hold for a reader that sleeps
        assert await client.is_silent()
        rig.faults.heal()
        assert await client.is_silent()
        assert await talks(await rig.stream())


async def test_open_streams_are_reset_and_later_ones_after_the_handshake() -> None:
    async with tiny_rig() as rig:
        open_one = await rig.stream()
        rig.faults.switch("reset")
        assert await is_reset(open_one)
        assert await is_reset(await rig.stream())
        assert rig.faults.done("reset") == 2
        rig.faults.heal()
        assert await talks(await rig.stream())


async def test_a_reconnect_loop_shakes_hands_and_closes() -> None:
    async with tiny_rig("reconnect-loop") as rig:
        for _ in range(3):
            client = await rig.stream()
            assert await client.rest() == b""
        await until(lambda: rig.venue.open_streams == 0)
        rig.faults.heal()
        assert await talks(await rig.stream())


async def test_a_count_is_spent_once_and_later_connections_live() -> None:
    async with tiny_rig("reset*1") as rig:
        assert await is_reset(await rig.stream())
        assert await talks(await rig.stream())


async def test_a_stream_that_drips() -> None:
    async with tiny_rig() as rig:
        client = await rig.stream()
        rig.faults.switch("drip=400")
        await rig.venue.push("0123456789" * 20)
        assert [len(await client.reader.read(100)) for _ in range(6)] == [1] * 6
        rig.faults.heal()
        rest = await client.reader.readexactly(4 + 200 - 6)
        assert rest.endswith(b"0123456789")
        assert await talks(client)


async def test_drops_can_come_faster() -> None:
    async with tiny_rig("drip=0.01") as rig:
        client = await rig.stream()
        await rig.venue.push("0123456789")
        rig.faults.switch("drip=2000")
        assert await client.hear() == "0123456789"
        assert await talks(client)


async def test_a_venue_waits_for_a_client_that_gets_only_drops() -> None:
    async with tiny_rig("drip=100") as rig:
        await rig.stream()
        pushing = asyncio.ensure_future(rig.venue.push(*["x" * 60_000] * 20))
        done, _ = await asyncio.wait([pushing], timeout=SILENCE)
        assert not done
        rig.faults.heal()
        await asyncio.wait_for(pushing, 5)


@pytest.mark.parametrize(("spec", "status"), [("502@stream", b"502 Bad Gateway"), ("html-200@stream", b"200 OK")])
async def test_a_handshake_that_a_proxy_answers(spec: str, status: bytes) -> None:
    async with tiny_rig(spec) as rig:
        client = await rig.connect()
        await client.ask_for_stream()
        assert (await client.reader.readuntil(b"\r\n")) == b"HTTP/1.1 " + status + b"\r\n"
        assert (await rig.ask("GET", "/order"))[0] == 200
        rig.faults.heal()
        assert await talks(await rig.stream())


async def refused(rig: Rig) -> bool:
    try:
        await rig.connect()
    except ConnectionRefusedError:
        return True
    return False


async def test_refused_connections_and_a_control_api_that_stays_reachable() -> None:
    async with tiny_rig() as rig:
        kept = await rig.connect()
        await kept.request("GET", "/practice/state")
        await kept.answer()
        stream, idle = await rig.stream(), await rig.connect()
        await kept.request("PUT", "/practice/faults", b'{"faults":"refuse"}')
        assert (await kept.answer())[0] == 200
        assert await is_reset(stream)
        assert await is_reset(idle)
        assert await refused(rig)
        assert await refused(rig)
        await kept.request("DELETE", "/practice/faults")
        assert (await kept.answer())[0] == 200
        assert await talks(await rig.stream())
        assert rig.faults.done("refuse") == 1


async def test_it_listens_again_by_itself() -> None:
    async with tiny_rig("refuse=0.5") as rig:
        assert await refused(rig)
        await until(lambda: rig.faults.is_quiet)
        assert await talks(await rig.stream())


async def test_connecting_is_never_answered_and_open_connections_live_on() -> None:
    async with tiny_rig() as rig:
        stream = await rig.stream()
        rig.faults.switch("connect-timeout")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await rig.connect()
        assert await talks(stream)
        rig.faults.heal()
        assert await talks(await rig.stream())


async def test_faults_switched_by_another_thread_are_in_force_when_it_goes_on() -> None:
    async with tiny_rig() as rig:
        client = await rig.stream()

        def switch_and_count() -> int:
            rig.faults.switch("half-open")
            return rig.faults.done("half-open")

        assert await asyncio.to_thread(switch_and_count) == 1
        assert await client.is_silent()
