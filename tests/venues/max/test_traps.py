"""Traps of the venue, end to end: at a venue that does as it is told, and at the local exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.max.client_rig import client_at, place, shared_tls
from tests.venues.transport.stream_rig import until
from venues.commands import Channel, OrderRequest, Subscription
from venues.errors import BadRequest, InsufficientFunds
from venues.events import Event, FillUpdate
from venues.max.venue import MaxVenue, Settings
from venues.model import Fill, InstrumentId, Liquidity, OrderType, Side
from venues.port import Credentials
from venues.simulators.serving import served_in_thread

BTC = InstrumentId("max", "BTCTWD")


@pytest.mark.parametrize("status", [200, 201, 400])
@pytest.mark.parametrize("beside", [{}, {"success": False}, {"success": False, "info": {}}, {"id": 7}])
async def test_an_error_is_one_whatever_the_status_and_whatever_stands_beside_it(
    status: int, beside: dict[str, Any]
) -> None:
    """Some endpoints leave out `success` and `info`, and some answer with 200."""
    async with client_at() as (client, venue):
        venue.answer({**beside, "error": {"code": 2018, "message": "cannot lock funds"}}, status)
        with pytest.raises(InsufficientFunds, match="cannot lock funds"):
            await place(client)
        with pytest.raises(BadRequest, match="cannot lock funds"):
            await client.accounts()


async def test_a_trade_with_ourselves_is_two_fills_at_the_local_exchange() -> None:
    with served_in_thread("max", seed=3, rate=0, time_scale=0.05, symbols=("BTCTWD",)) as practice:
        settings = Settings(
            rest_url=practice.rest_url,
            ws_url=practice.ws_url,
            credentials=Credentials(practice.api_key, practice.api_secret),
            is_practice=True,
            time_scale=0.05,
        )
        venue = MaxVenue(settings, tls=shared_tls())
        events: list[Event] = []

        async def consume() -> None:
            async for batch in venue.events():
                events.extend(batch)

        consumer = asyncio.create_task(consume())
        try:
            await venue.connect()
            (instrument,) = await venue.fetch_instruments()
            await venue.subscribe(Subscription(Channel.ACCOUNT))
            best = Decimal((await venue.fetch_order_book(BTC, 1)).bids[0][0])
            for name, side in (("ours-1", Side.BUY), ("ours-2", Side.SELL)):
                await venue.submit_order(
                    OrderRequest(
                        instrument=BTC, client_order_id=name, side=side, type=OrderType.LIMIT,
                        quantity=Decimal("0.01"), price=best + instrument.tick_size,
                    )
                )  # fmt: skip
            await until(lambda: len(told(events)) == 2, 20)
            read = [one.trade_id for one in await venue.fetch_fills(0)]
        finally:
            await venue.aclose()
            await consumer
    fills = told(events)
    assert sorted(read) == sorted(fill.trade_id for fill in fills)
    assert len(set(read)) == 2
    assert {(fill.client_order_id, fill.side, fill.liquidity, fill.quantity) for fill in fills} == {
        ("ours-1", Side.BUY, Liquidity.MAKER, Decimal("0.01")),
        ("ours-2", Side.SELL, Liquidity.TAKER, Decimal("0.01")),
    }
    assert all(fill.fee > 0 for fill in fills)
    assert len({fill.venue_order_id for fill in fills}) == 2


def told(events: Iterable[Event]) -> list[Fill]:
    return [event.fill for event in events if isinstance(event, FillUpdate)]
