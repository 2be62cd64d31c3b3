"""Mayex: linear perpetual contracts in hedge mode, and the market data of spot pairs.

`Client` is the whole REST surface, typed, and stands alone:

    import asyncio
    from decimal import Decimal

    from venues.mayex import Client
    from venues.mayex.requests import NewOrder

    async def main(**where):
        async with Client(**where) as client:
            order = await client.place_order(
                NewOrder(
                    symbol="btcusdt", client_order_id="AnameOfYours1", side="BUY", position_side="LONG",
                    isolated=True, quantity=Decimal("0.01"), type="LIMIT", price=Decimal("42601.5"),
                )
            )
            print("placed", order.order_id, "of", [row.symbol for row in await client.open_orders()])
            await client.cancel_order("btcusdt", order.order_id)
            return (await client.order_history("btcusdt")).rows

    if __name__ == "__main__":
        print(asyncio.run(main(api_key="...", api_secret="...")))

The document has neither authentication nor a product list nor a private stream: these are inferred from the
platform that the venue is a white label of, and gathered in `profile`. Quantities are in the base coin, prices and
money Decimal, moments milliseconds. A 5xx proves nothing, and no order is looked up by an id: whoever lost an
answer scans `open_orders` and `order_history`. It is imported only when it is asked for.

    profile         what the document leaves open, and how it is read
    auth            the signature
    limits          the weights of the calls, and the quota that they draw from
    codes           what an answer proves
    parameters, requests
                    what may be sent: checked, and written as the venue reads it
    models          the answers
    client          the calls

`venue` is the adapter that the desk uses: `settings` says where it is, the market comes by `market_feed` from two
streams, the account by `account`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venues.mayex.client import Client

__all__ = ["BASE_URL", "VENUE", "Client"]

VENUE = "mayex"
BASE_URL = "https://www.mayex.com/api"

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "Client":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from venues.mayex.client import Client

        return Client
