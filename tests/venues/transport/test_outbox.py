"""What waits for the consumer: in order, bounded for the market, never dropped."""

from __future__ import annotations

import asyncio

from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.events import Event, LinkState, Notice, StreamStatus
from venues.transport.outbox import Outbox


def notice(number: int) -> Notice:
    return Notice("here", str(number))


def status(state: LinkState, detail: str = "") -> StreamStatus:
    return StreamStatus("here", state, detail)


async def drained(outbox: Outbox) -> list[Event]:
    outbox.close()
    return [event async for batch in outbox.batches() for event in batch]


@in_virtual_time
async def test_market_data_waits_for_room_and_the_account_does_not() -> None:
    outbox = Outbox(limit=4, largest_batch=3)
    await outbox.put([notice(n) for n in range(6)])  # a batch is never torn apart
    late = asyncio.create_task(outbox.put([notice(8)]))
    await passes(1)
    assert not late.done()
    outbox.push([notice(6), notice(7)])
    assert len(outbox) == 8
    seen: list[Event] = []
    sizes: list[int] = []
    batches = outbox.batches()
    while len(seen) < 9:
        batch = await anext(batches)
        seen += batch
        sizes.append(len(batch))
        await asyncio.wait({late}, timeout=0.1)
    assert seen == [notice(n) for n in range(9)]
    assert max(sizes) == 3
    assert late.done()


@in_virtual_time
async def test_it_ends_after_what_was_told_and_lets_nobody_wait() -> None:
    outbox = Outbox(limit=1)
    outbox.push([notice(1)])
    waiting = asyncio.create_task(outbox.put([notice(2)]))
    await passes(1)
    outbox.close()
    outbox.close()
    await until(waiting.done)
    outbox.push([notice(3)])
    assert await drained(outbox) == [notice(1)]


@in_virtual_time
async def test_a_state_that_says_no_more_takes_the_place_of_the_last() -> None:
    outbox = Outbox()
    for number in range(100):
        outbox.push_status(status(LinkState.RECONNECTING))
        outbox.push_status(status(LinkState.DOWN, str(number)))
    assert len(outbox) == 1
    outbox.push_status(status(LinkState.LIVE))
    outbox.push_status(status(LinkState.LIVE, "again"))
    outbox.push([notice(1)])
    outbox.push_status(status(LinkState.LIVE))
    outbox.push_status(status(LinkState.RECONNECTING))
    told = await drained(outbox)
    assert told == [
        status(LinkState.DOWN, "99"), status(LinkState.LIVE, "again"), notice(1), status(LinkState.LIVE),
        status(LinkState.RECONNECTING),
    ]  # fmt: skip


@in_virtual_time
async def test_the_consumer_is_woken() -> None:
    outbox = Outbox()
    batches = outbox.batches()
    first = asyncio.ensure_future(anext(batches))
    await passes(1)
    outbox.push([])
    await passes(1)
    assert not first.done()
    outbox.push([notice(1)])
    assert await first == [notice(1)]
