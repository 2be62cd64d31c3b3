"""Open positions as they go out: with a liquidation price, by the venue's word or computed, each change once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from venues.events import Event, PositionUpdate
from venues.liquidation import PositionKey, key_of, liquidation_prices
from venues.model import ZERO, Instrument, InstrumentId, MarginMode, Position


class ToldPositions:
    """The open positions of one account as they were told last.

    `now` is the venue's clock in nanoseconds, which never goes back: what looks older is passed over by a desk.
    `wallets` returns whole balances by currency, `mark` a mark price; None where it is not known.
    """

    def __init__(
        self,
        *,
        instrument: Callable[[InstrumentId], Instrument | None],
        wallets: Callable[[], Mapping[str, Decimal]],
        mark: Callable[[InstrumentId], Decimal | None],
        now: Callable[[], int],
    ) -> None:
        self._instrument = instrument
        self._wallets = wallets
        self._mark = mark
        self._now = now
        self._told: dict[PositionKey, Position] = {}

    def open(self) -> list[Position]:
        """Returns the open positions."""
        return list(self._told.values())

    def tell(self, whole: Sequence[Position]) -> list[Event]:
        """Takes all open positions; returns those that differ from what was told.

        A liquidation price that the venue tells stays; where there is none it is computed, and an estimate.
        """
        prices = liquidation_prices(whole, self._wallets(), self._mark, self._instrument)
        now = self._now()
        events: list[Event] = []
        for each in whole:
            known = self._told.get(key_of(each))
            ts_event = known.ts_event if known is not None else 0
            price = each.liquidation_price
            if price is None:
                price = prices.get(key_of(each))
                each = msgspec.structs.replace(
                    each, liquidation_price=price, liquidation_is_estimate=price is not None
                )
            each = msgspec.structs.replace(each, ts_event=ts_event)
            if each != known:
                told = msgspec.structs.replace(each, ts_event=now)
                self._told[key_of(each)] = told
                events.append(PositionUpdate(told))
        return events

    def close(self, position: Position) -> Event:
        """Takes a position that is closed, as it was last; returns what tells of its end."""
        self._told.pop(key_of(position), None)
        return PositionUpdate(
            msgspec.structs.replace(
                position, quantity=ZERO, margin=ZERO, liquidation_price=None, ts_event=self._now()
            )
        )


def crossed(positions: Iterable[tuple[InstrumentId, MarginMode]]) -> set[InstrumentId]:
    """Returns the instruments of cross positions: of several, each is liquidated by the others' marks as well."""
    return {instrument for instrument, mode in positions if mode is MarginMode.CROSS}


def words_of(listed: Instrument | None, symbol: str, quantity: Decimal) -> str:
    """Returns a position as a person names it: "long 0.01 BTC/USDT perp"."""
    side = "long" if quantity > 0 else "short"
    return f"{side} {abs(quantity).normalize():f} {listed.name if listed is not None else symbol}"


def funding_words(listed: Instrument | None, symbol: str, quantity: Decimal, amount: Decimal) -> str:
    """Returns what a position has received, or paid where `amount` is below zero, as funding."""
    verb = "received" if amount > 0 else "paid"
    settle = listed.settle if listed is not None else ""
    return f"funding: {verb} {abs(amount).normalize():f} {settle} for {words_of(listed, symbol, quantity)}"


def price_words(listed: Instrument | None, price: Decimal) -> str:
    """Returns an average price, one digit finer than the tick."""
    return f"{round(price, listed.price_decimals + 1 if listed is not None else 8).normalize():f}"


def money_words(amount: Decimal) -> str:
    """Returns money as a person reads it: eight digits after the point tell nobody more."""
    return f"{(round(amount, 2) if abs(amount) >= 1 else round(amount, 6)).normalize():f}"
