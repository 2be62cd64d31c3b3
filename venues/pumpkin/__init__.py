"""Pumpkin perpetual futures, by the second version of its protocol: REST below `/futures/v2`.

`Client` is the whole REST surface, typed, and stands alone:

    import asyncio

    from venues.pumpkin import Client
    from venues.pumpkin.requests import NewOrder
    from venues.rounding import floor_to

    async def main(**where):
        async with Client(**where) as client:
            contract = await client.symbol("btc_usdt")
            mark = await client.mark_price(contract.symbol)
            print("one contract is worth", mark.price * contract.contract_size, contract.quote_coin)
            order_id = await client.create_order(
                NewOrder(
                    symbol=contract.symbol, order_side="BUY", position_side="LONG", orig_qty=contract.min_qty,
                    price=floor_to(mark.price * 95 / 100, contract.min_step_price), time_in_force="GTC",
                    leverage=contract.init_leverage, client_order_id="AnameOfYours1",
                )
            )
            await client.cancel_order(order_id)
            return await client.order(order_id)

    if __name__ == "__main__":
        print(asyncio.run(main(api_key="...", api_secret="...")))

Quantities are whole contracts, prices and money Decimal, moments milliseconds. Nothing bounds a request's life,
and no order is looked up by our own id: whoever lost an answer scans `open_orders_of`, `orders` and
`order_history` for the id that they echo. It is imported only when it is asked for.

    readings        what the document leaves open, and how it is read: every inference that can be switched
    auth            the signature
    limits          the weights of the calls, and the quotas that they draw from
    codes           what an answer proves
    parameters      what may be sent: checked, and written as the venue reads it
    requests        what takes many parameters: orders, plan orders, take-profit and stop-loss
    models          the answers
    client          the calls, by group

`venue` is the adapter that the desk uses: `settings` says where it is, the market comes by `market_feed` from the
stream and by `market_polls` without one, the account by `account`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venues.pumpkin.client import Client

__all__ = ["BASE_URL", "PREFIX", "REST_ORIGIN", "VENUE", "Client"]

VENUE = "pumpkin"
REST_ORIGIN = "https://openapi.pumpkin.xyz"
PREFIX = "/futures"
BASE_URL = REST_ORIGIN + PREFIX

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "Client":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from venues.pumpkin.client import Client

        return Client
