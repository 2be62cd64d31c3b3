"""A market laid out by hand: three crowd orders a side, and nothing else, so that every fill can be foretold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.contract.rig import Rig
from venues.commands import OrderRequest
from venues.model import Instrument, OrderType, Side
from venues.rounding import ceil_to, floor_to

LEVELS = 3
_NOTIONAL = Decimal(
    60
)  # of one unit, in the quote currency: above every venue's minimum, far below the demo funds
_STEP = Decimal("0.0005")  # between two levels, as a fraction of the price


class Scene:
    """Asks at `price` + 1, 2, 3 steps, bids at `price` - 1, 2, 3, each of four units."""

    def __init__(self, rig: Rig, instrument: Instrument, price: Decimal) -> None:
        self.rig = rig
        self.instrument = instrument
        tick, lot = instrument.tick_size, instrument.lot_size
        self.step = max(tick, ceil_to(price * _STEP, tick))
        self.price = floor_to(price, tick)
        least = max(_NOTIONAL / price, 2 * instrument.min_quantity, 2 * instrument.min_notional / price)
        self.unit = ceil_to(least, lot)

    @property
    def symbol(self) -> str:
        return self.instrument.id.symbol

    def at(self, steps: int) -> Decimal:
        """Returns the price so many steps above the middle (below, where negative)."""
        return self.price + steps * self.step

    def against(self, side: Side, level: int = 1) -> Decimal:
        """Returns the price of the `level`-th crowd order that an order of `side` can trade with."""
        return self.at(side.sign * level)

    def away(self, side: Side) -> Decimal:
        """Returns a price behind the crowd's at which an order of `side` rests."""
        return self.at(-side.sign * (LEVELS + 1))

    async def lay(self) -> None:
        """Takes away what the crowd has, and puts the six orders there."""
        await self.rig.control.act(do="clear", symbol=self.symbol)
        for level in range(1, LEVELS + 1):
            for side in Side:
                await self.quote(side, self.at(-side.sign * level), 4)

    async def quote(self, side: Side, price: Decimal, units: int) -> None:
        """Has the crowd place an order."""
        await self._crowd("quote", side, units, price=f"{price:f}")

    async def trade(self, side: Side, units: int) -> None:
        """Has the crowd take from the other side, whatever it costs."""
        await self._crowd("trade", side, units)

    async def _crowd(self, do: str, side: Side, units: int, **more: str) -> None:
        quantity = f"{units * self.unit:f}"
        await self.rig.control.act(do=do, symbol=self.symbol, side=side.value, quantity=quantity, **more)

    async def place_elsewhere(self, side: Side, price: Decimal, units: int = 2) -> str:
        """Places an order of our account with another program; returns the venue's id of it."""
        placed = await self.rig.control.act(
            do="place", symbol=self.symbol, side=side.value, type="limit",
            price=f"{price:f}", quantity=f"{units * self.unit:f}",
        )  # fmt: skip
        return str(placed["order"]["id"])

    async def cancel_elsewhere(self, order_id: str) -> None:
        """Cancels it, unless it has traded: where its book is thin the crowd comes that far."""
        try:
            await self.rig.control.act(do="cancel", symbol=self.symbol, id=order_id)
        except ValueError as error:
            state = await self.rig.state()
            assert not any(order.id == order_id for order in state.open_orders), error

    def order(
        self, side: Side = Side.BUY, kind: OrderType = OrderType.LIMIT, units: int = 2, **more: Any
    ) -> OrderRequest:
        """Makes a request; a limit order rests behind the crowd's, unless it has a price of its own."""
        if kind.has_price:
            more.setdefault("price", self.away(side))
        return OrderRequest(
            instrument=self.instrument.id,
            client_order_id=more.pop("client_order_id", "") or self.rig.next_id(),
            side=side,
            type=kind,
            quantity=units * self.unit,
            **more,
        )

    async def closing(
        self, side: Side, kind: OrderType = OrderType.MARKET, units: int = 2, **more: Any
    ) -> OrderRequest:
        """Makes a request that closes what is held: where long and short stand side by side it has to name it.

        Raises ValueError where there is not one position that it could close.
        """
        if self.rig.can.position_sides:
            (held,) = [
                one
                for one in await self.rig.venue.fetch_positions()
                if one.instrument == self.instrument.id and one.quantity * side.sign < 0
            ]
            more |= {"position_id": held.position_id, "reduce_only": True}
        return self.order(side, kind, units, **more)


async def scene_of(rig: Rig, instrument: Instrument | None = None) -> Scene:
    """Lays out a market around the price at which it stands."""
    instrument = instrument or rig.main()
    book = (await rig.state()).books[instrument.id.symbol]
    prices = [Decimal(side[0][0]) for side in (book.bids, book.asks) if side]
    if not prices:
        (ticker,) = await rig.venue.fetch_tickers([instrument.id])
        prices = [ticker.last]
    scene = Scene(rig, instrument, sum(prices, Decimal(0)) / len(prices))
    await scene.lay()
    return scene
