"""MAX (MaiCoin), spot and its cross-margin M-wallet, by the third version of its protocol: REST below `/api/v3`.

`Client` is the whole REST surface, typed, and stands alone:

    import asyncio

    from venues.errors import OrderNotFound
    from venues.max import Client
    from venues.max.models import OrderState
    from venues.rounding import ceil_to, floor_to

    async def settled(client, order_id):
        while True:  # commands are queued: what one answers was accepted, and no more
            try:
                order = await client.order(order_id=order_id)
                if order.state != OrderState.WAIT:
                    return order
            except OrderNotFound:
                pass
            await asyncio.sleep(0.2)

    async def main(**where):
        async with Client(**where) as client:
            market = next(each for each in await client.markets() if each.id == "btctwd")
            book = await client.depth(market.id, limit=5)
            (bid, _), (ask, _) = book.best_bid, book.best_ask
            print(bid, "to", ask)
            price = floor_to(bid * 9 / 10, market.tick_size)
            least = max(market.min_base_amount, market.min_quote_amount / price)
            order = await client.create_order(
                market.id, "buy", ceil_to(least, market.lot_size), price=price, client_oid="a-name-of-yours"
            )
            await client.cancel_order(order_id=order.id)
            return await settled(client, order.id)

    if __name__ == "__main__":
        print(asyncio.run(main(api_key="...", api_secret="...")))

Without a key only the public half works. It is imported only when it is asked for.

    auth            the signature of REST calls and of the stream's login
    limits          the request limits, and what a call draws from them
    codes           what the numbers in an answer prove
    parameters      what may be sent: checked, and written as the venue reads it
    models          the answers
    client          the calls, by group

The adapter stands on it, and on what every venue does alike, which is in `venues.transport`:

    venue, settings
                    the venue behind the port
    connection      the session, the streams' heartbeat, limits, login and calls
    timekeeping, remedies
                    what nonces are drawn by, and what a person can do about a refused key
    listing, profile, public
                    the instruments, what is true of the account, and the other public reads
    market_feed, subscriptions, books, depth, tape
                    the market's stream as events: what is asked for, proven books, trades and bars
    account_feed, account
                    the account's stream, and what is ours: reads, commands, the messages of that stream
    memory, lookups, open_orders, executions, doubts, audit
                    what is known of orders and trades, and how the rest of it is found
    means, trading, cancels, sweep
                    orders placed, cancelled one by one, and all at once, and what these work with
    margin, margin_book, margin_positions, liquidations, funds, loan_terms
                    the M-wallet: what it holds and owes, as positions; loans, repayments, transfers
    wire, channels, figures, parse, parse_account
                    the shapes of the stream, and wire -> `venues.model` and `venues.events`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venues.max.client import Client

__all__ = ["PREFIX", "REST_ORIGIN", "STREAM_URL", "VENUE", "Client"]

VENUE = "max"
REST_ORIGIN = "https://max-api.maicoin.com"
STREAM_URL = "wss://max-stream.maicoin.com/ws"
PREFIX = "/api/v3"

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "Client":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from venues.max.client import Client

        return Client
