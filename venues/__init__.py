"""Talk to exchanges: one port, an adapter a venue, and no user interface anywhere below here.

`open_venue` makes a venue, `venues.port` says what every venue can be asked, `venues.events` what it tells, and
`venues.errors` what can go wrong. A program that prints some trades, rests an order far below them and cancels it:

    import asyncio
    from decimal import Decimal
    from uuid import uuid4

    from venues import open_venue
    from venues.commands import CancelRequest, Channel, OrderRequest, Subscription
    from venues.events import Trade
    from venues.model import InstrumentKind, OrderType, Side
    from venues.rounding import floor_to

    async def main(name="paper", **where):
        venue = open_venue(name, **where)
        try:
            await venue.connect()
            market = next(
                each
                for each in await venue.fetch_instruments()
                if (each.base, each.quote, each.kind) == ("BTC", "USDT", InstrumentKind.SPOT)
            )
            await venue.subscribe(Subscription(Channel.TRADES, market.id))
            async for batch in venue.events():
                trades = [event for event in batch if isinstance(event, Trade)]
                for trade in trades:
                    print(trade.side, trade.quantity, "at", trade.price)
                if trades:
                    break
            request = OrderRequest(
                instrument=market.id,
                client_order_id=uuid4().hex,
                side=Side.BUY,
                type=OrderType.LIMIT,
                quantity=Decimal("0.001"),
                price=floor_to(trades[-1].price * 9 / 10, market.tick_size),
            )
            order = await venue.submit_order(request)
            print(order.status, await venue.fetch_open_orders())
            cancel = CancelRequest(
                instrument=market.id,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
            )
            return await venue.cancel_order(cancel)
        finally:
            await venue.aclose()

    if __name__ == "__main__":
        print(asyncio.run(main()))

The same with `main("coinex", rest_url=..., ws_url=..., credentials=...)` runs on the exchange that
`pitside practice coinex` starts, and needs no account anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venues.port import Credentials, Venue

__all__ = ["open_venue"]


def open_venue(
    name: str,
    *,
    rest_url: str | None = None,
    ws_url: str | None = None,
    credentials: Credentials | None = None,
) -> Venue:
    """Makes a venue, not connected yet; its adapter is imported only now.

    Without URLs it is the venue itself. `rest_url` is an origin ("http://127.0.0.1:8000"): the adapter adds the
    venue's own paths. Without `credentials` only its public half works; with them it is LIVE, wherever it is.

    Raises:
        UnknownVenue: no venue has this name.
        ConfigurationError: only one URL, or one that can not be used; or the venue takes none of what was given.
    """
    # Whoever only imports a module below this package needs nothing of it.
    from venues.errors import ConfigurationError
    from venues.registry import create_venue

    if name == "replay":
        raise ConfigurationError(name, "a recording needs its file: venues.registry.create_venue takes its path")
    given = {"rest_url": rest_url, "ws_url": ws_url, "credentials": credentials}
    settings = {key: value for key, value in given.items() if value is not None}
    if name == "paper" and settings:
        raise ConfigurationError(name, f"it runs inside this program: give it no {' and no '.join(settings)}")
    if (rest_url is None) is not (ws_url is None):
        # Half of it would be the real venue: the orders on one side, and the prices of the other.
        raise ConfigurationError(name, "give both rest_url and ws_url, or neither")
    return create_venue(name, settings)
