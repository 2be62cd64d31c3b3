"""One owner's account: balances, what open orders hold, perpetual positions and their margin.

`total` of a balance is cash; unrealised profit is not in it. `locked` is what resting orders hold, plus the
margin of open positions. A new order is paid from `free`: what is available, less the unrealised loss of the
cross positions. Spot fees are in the quote currency, a perpetual's in its settle currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any, NamedTuple

import msgspec

from venues.errors import InsufficientFunds, OrderRejected, UnknownInstrument
from venues.model import (
    ZERO,
    Balance,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    MarginMode,
    Position,
    Side,
)
from venues.paper.ledger import FEES, HOUSE, INSURANCE, Ledger, money
from venues.paper.margin import Hold, Leverage, OpenPosition, liquidation_price, perpetual_lock, spot_locks

_NO_POSITION = OpenPosition()
_SHOWN = Decimal("1e-8")
_WIDE = Context(prec=100)  # a need may be absurd, and is to be refused with words


class Settlement(NamedTuple):
    """What a fill did to the account. `fee` as in `Fill`: positive is paid."""

    fee: Decimal
    fee_currency: str
    realized_pnl: Decimal  # in the settle currency, before the fee; zero on spot


class Account:
    """Everything one owner has. Cash moves through the ledger only, against the house, fees and insurance.

    Raises:
        ValueError: an instrument is an inverse perpetual.
    """

    def __init__(
        self, owner: str, ledger: Ledger, instruments: Mapping[InstrumentId, Instrument], *, venue: str = "paper"
    ) -> None:
        if any(one.kind is InstrumentKind.INVERSE_PERPETUAL for one in instruments.values()):
            raise ValueError("inverse perpetuals are not supported")
        self.owner = owner
        self.venue = venue
        self._ledger = ledger
        self._instruments = instruments
        self._holds: dict[InstrumentId, tuple[Hold, ...]] = {}
        self._locks: dict[InstrumentId, dict[str, Decimal]] = {}
        self._positions: dict[InstrumentId, OpenPosition] = {}
        self._leverage: dict[InstrumentId, Leverage] = {}
        self._marks: dict[InstrumentId, Decimal] = {}

    def deposit(self, currency: str, amount: Decimal) -> None:
        """Brings money in from outside; negative takes it out."""
        self._ledger.deposit(self.owner, currency, amount)

    def total(self, currency: str) -> Decimal:
        return self._ledger.cash(self.owner, currency)

    def locked(self, currency: str) -> Decimal:
        locked = sum((locks.get(currency, ZERO) for locks in self._locks.values()), ZERO)
        for name, position in self._positions.items():
            if position.quantity and self._instruments[name].settle == currency:
                locked += position.margin(self._terms(name))
        return locked

    def available(self, currency: str) -> Decimal:
        return self.total(currency) - self.locked(currency)

    def free(self, currency: str) -> Decimal:
        """Returns what a new order may use: what is available, less the unrealised loss of cross positions."""
        loss = ZERO
        for name in self._open(currency, MarginMode.CROSS):
            loss += self._pnl(name)
        return self.available(currency) + min(ZERO, loss)

    def balance(self, currency: str) -> Balance:
        total, locked = self.total(currency), self.locked(currency)
        return Balance(currency=currency, total=total, available=total - locked, locked=locked)

    def balances(self) -> tuple[Balance, ...]:
        return tuple(self.balance(currency) for currency in self._ledger.currencies(self.owner))

    def equity(self, currency: str) -> Decimal:
        """Returns cash plus the unrealised profit of all positions settled in `currency`."""
        return self.total(currency) + sum((self._pnl(name) for name in self._open(currency)), ZERO)

    def position_quantity(self, instrument: InstrumentId) -> Decimal:
        return self._positions.get(instrument, _NO_POSITION).quantity

    def position(self, instrument: InstrumentId) -> Position | None:
        """Returns the position, with a quantity of zero once it is closed, or None if there never was one."""
        kept = self._positions.get(instrument)
        if kept is None:
            return None
        listed, terms = self._instrument(instrument), self._terms(instrument)
        entry, margin, liquidation = ZERO, ZERO, None
        if kept.quantity:
            entry = round(kept.cost / kept.quantity, listed.price_decimals + 4)
            margin = kept.margin(terms)
            liquidation = liquidation_price(listed, kept.quantity, kept.cost, self._backing(instrument))
        return Position(
            instrument=instrument,
            quantity=kept.quantity,
            entry_price=entry,
            leverage=terms.value,
            margin_mode=terms.mode,
            margin=margin,
            liquidation_price=liquidation,
            liquidation_is_estimate=terms.mode is MarginMode.CROSS,
            realized_pnl=kept.realized_pnl,
            fees=kept.fees,
            funding=kept.funding,
            ts_opened=kept.ts_opened,
            ts_event=kept.ts_event,
        )

    def positions(self) -> tuple[Position, ...]:
        """Returns the open positions."""
        found = (self.position(name) for name, kept in self._positions.items() if kept.quantity)
        return tuple(position for position in found if position is not None)

    def leverage(self, instrument: InstrumentId) -> tuple[Decimal, MarginMode]:
        terms = self._terms(instrument)
        return terms.value, terms.mode

    def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        """Sets both for an instrument and re-margins its position and its orders.

        Raises:
            OrderRejected: not a perpetual, out of range, or the mode would change under an open position.
            InsufficientFunds: the position or the orders would need more margin than there is.
        """
        listed, before = self._instrument(instrument), self._terms(instrument)
        after = Leverage(leverage, margin_mode)
        if after == before:
            return
        if not listed.is_perpetual:
            raise OrderRejected(self.venue, f"{listed.name} is spot: it has no leverage", "NO_LEVERAGE")
        if not 1 <= leverage <= listed.max_leverage:
            words = f"leverage must be from 1 to {listed.max_leverage:f}"
            raise OrderRejected(self.venue, words, "LEVERAGE_RANGE")
        kept = self._positions.get(instrument, _NO_POSITION)
        if kept.quantity and margin_mode is not before.mode:
            raise OrderRejected(self.venue, "close the position before changing the margin mode", "MARGIN_MODE")
        locked = self.locked(listed.settle)
        self.restore_leverage(instrument, leverage, margin_mode)
        more = self.locked(listed.settle) - locked
        short = more > 0 and self.free(listed.settle) < 0
        if short or (margin_mode is MarginMode.ISOLATED and self.is_isolated_due(instrument)):
            self.restore_leverage(instrument, before.value, before.mode)
            if short:
                raise self._insufficient(listed.settle, more)
            raise OrderRejected(self.venue, "the position would be liquidated at this leverage", "LEVERAGE_RANGE")

    def restore_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        """Sets both without any check: back to what they were before an order that was refused."""
        terms = Leverage(leverage, margin_mode)
        if terms == Leverage():
            self._leverage.pop(instrument, None)
        else:
            self._leverage[instrument] = terms
        self._relock(instrument)

    def set_mark(self, instrument: InstrumentId, mark: Decimal) -> None:
        self._marks[instrument] = mark

    def require(
        self,
        instrument: InstrumentId,
        side: Side,
        holds: Iterable[Hold],
        *,
        taken: Decimal = ZERO,
        value: Decimal = ZERO,
        peak: Decimal = ZERO,
    ) -> None:
        """Checks that an order can be paid, and changes nothing.

        `holds` are all resting orders of the instrument as they would be afterwards. `taken` base units would be
        filled at once for `value` quote units, the highest price being `peak`. What only closes always passes.

        Raises:
            InsufficientFunds: says what is needed and what is there.
        """
        listed, after = self._instrument(instrument), tuple(holds)
        locked = self._locks.get(instrument, {})
        if not listed.is_perpetual:
            currency = listed.quote if side is Side.BUY else listed.base
            need = money(value * (1 + max(ZERO, listed.taker_fee))) if side is Side.BUY else taken
            more = spot_locks(listed, after)[currency] - locked.get(currency, ZERO)
        else:
            currency = listed.settle
            kept, terms = self._positions.get(instrument, _NO_POSITION), self._terms(instrument)
            closing = min(taken, max(ZERO, -kept.quantity * side.sign))
            opening = taken - closing
            lock = perpetual_lock(listed, after, kept.quantity + side.sign * taken, terms.value)
            more = lock - locked.get(currency, ZERO)
            if not opening and more <= 0:
                return
            need = money(opening * peak / terms.value) + money(value * max(ZERO, listed.taker_fee))
            if closing:
                part = closing / abs(kept.quantity)
                got = value - opening * peak if side is Side.SELL else -closing * peak
                need += max(ZERO, money(kept.cost * part) - got) - money(kept.margin(terms) * part)
        need += more
        if need > 0 and need > self.free(currency):
            raise self._insufficient(currency, need)

    def hold(self, instrument: InstrumentId, holds: Iterable[Hold]) -> None:
        """Replaces the resting orders of one instrument, and with them what is locked."""
        self._holds[instrument] = tuple(holds)
        self._relock(instrument)

    def apply_fill(
        self,
        instrument: InstrumentId,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        liquidity: Liquidity,
        now: int,
    ) -> Settlement:
        """Books one execution. The caller then says with `hold` what still rests."""
        listed = self._instrument(instrument)
        rate = listed.maker_fee if liquidity is Liquidity.MAKER else listed.taker_fee
        notional = price * quantity
        fee, profit = money(notional * rate), ZERO
        if listed.is_perpetual:
            profit = self._change_position(instrument, side, price, quantity, fee, now)
            self._ledger.transfer(HOUSE, self.owner, listed.settle, profit)
            self._relock(instrument)
            currency = listed.settle
        else:
            currency = listed.quote
            self._ledger.transfer(self.owner, HOUSE, listed.quote, side.sign * notional)
            self._ledger.transfer(HOUSE, self.owner, listed.base, side.sign * quantity)
        self._ledger.transfer(self.owner, FEES, currency, fee)
        return Settlement(fee, currency, profit)

    def apply_funding(self, instrument: InstrumentId, rate: Decimal, mark: Decimal, now: int) -> Decimal:
        """Pays funding on a position and returns what was received (negative: paid). Longs pay a positive rate."""
        kept = self._positions.get(instrument, _NO_POSITION)
        amount = money(-kept.quantity * mark * rate)
        if amount:
            self._ledger.transfer(HOUSE, self.owner, self._instrument(instrument).settle, amount)
            kept.funding += amount
            kept.ts_event = now
            if self._terms(instrument).mode is MarginMode.ISOLATED:
                kept.isolated_funding += amount
        return amount

    def is_isolated_due(self, instrument: InstrumentId) -> bool:
        """Says whether an isolated position's margin and profit are down to its maintenance margin."""
        kept, terms = self._positions.get(instrument, _NO_POSITION), self._terms(instrument)
        if not kept.quantity or terms.mode is not MarginMode.ISOLATED:
            return False
        return kept.margin(terms) + self._pnl(instrument) <= self._maintenance(instrument)

    def is_cross_due(self, currency: str) -> bool:
        """Says whether the equity behind the cross positions is down to their maintenance margin."""
        names = self._open(currency, MarginMode.CROSS)
        return bool(names) and self.cross_equity(currency) <= sum(map(self._maintenance, names), ZERO)

    def cross_equity(self, currency: str) -> Decimal:
        """Returns the cash that no isolated position holds, plus the profit of the cross positions."""
        equity = self.total(currency)
        for name in self._open(currency, MarginMode.ISOLATED):
            equity -= self._positions[name].margin(self._terms(name))
        return equity + sum(map(self._pnl, self._open(currency, MarginMode.CROSS)), ZERO)

    def cross_positions(self, currency: str) -> tuple[InstrumentId, ...]:
        """Returns the cross positions, the one with the greatest loss first."""
        return tuple(sorted(self._open(currency, MarginMode.CROSS), key=self._pnl))

    def liquidate(self, instrument: InstrumentId, price: Decimal, rate: Decimal, now: int) -> Settlement:
        """Closes a position at `price` against the house; insurance takes a fee and covers what is missing.

        The fee is `rate` of the notional, at most what is left behind the position. What a position loses beyond
        its backing is covered, so that a liquidated isolated position never costs more than its margin.
        """
        listed, kept, terms = self._instrument(instrument), self._positions[instrument], self._terms(instrument)
        self._marks[instrument] = price
        isolated = terms.mode is MarginMode.ISOLATED
        left = kept.margin(terms) + kept.pnl(price) if isolated else self.cross_equity(listed.settle)
        fee = min(max(ZERO, left), money(abs(kept.quantity) * price * rate))
        side = Side.SELL if kept.quantity > 0 else Side.BUY
        profit = self._change_position(instrument, side, price, abs(kept.quantity), fee, now)
        self._ledger.transfer(HOUSE, self.owner, listed.settle, profit)
        self._ledger.transfer(self.owner, INSURANCE, listed.settle, fee)
        if isolated:
            self._ledger.transfer(INSURANCE, self.owner, listed.settle, max(ZERO, -left))
        self._relock(instrument)
        return Settlement(fee, listed.settle, profit)

    def cover(self, currency: str) -> Decimal:
        """Lets the insurance fund pay a debt that no open cross position is behind; returns what it paid."""
        debt = max(ZERO, -self.cross_equity(currency))
        if not debt or self._open(currency, MarginMode.CROSS):
            return ZERO
        self._ledger.transfer(INSURANCE, self.owner, currency, debt)
        return debt

    def to_state(self) -> dict[str, Any]:
        """Returns positions and leverages as plain values; the cash is in the ledger's state."""
        return {
            "positions": {n.symbol: msgspec.to_builtins(p) for n, p in self._positions.items() if p.quantity},
            "leverage": {n.symbol: msgspec.to_builtins(terms) for n, terms in self._leverage.items()},
            "marks": {n.symbol: str(mark) for n, mark in self._marks.items()},
        }

    @classmethod
    def from_state(
        cls,
        state: Mapping[str, Any],
        owner: str,
        ledger: Ledger,
        instruments: Mapping[InstrumentId, Instrument],
        *,
        venue: str = "paper",
    ) -> Account:
        """Makes the account again; what belongs to an instrument that is no longer listed is left out.

        Raises:
            ValueError: the state is not one that `to_state` has made.
        """
        account = cls(owner, ledger, instruments, venue=venue)
        names = {name.symbol: name for name in instruments}
        for symbol, value in state["positions"].items():
            if symbol in names:
                account._positions[names[symbol]] = msgspec.convert(value, OpenPosition)
        for symbol, value in state["leverage"].items():
            if symbol in names:
                account._leverage[names[symbol]] = msgspec.convert(value, Leverage)
        for symbol, value in state["marks"].items():
            if symbol in names:
                account._marks[names[symbol]] = Decimal(value)
        return account

    def _change_position(
        self, instrument: InstrumentId, side: Side, price: Decimal, quantity: Decimal, fee: Decimal, now: int
    ) -> Decimal:
        kept = self._positions.get(instrument)
        if kept is None or not kept.quantity:
            kept = self._positions[instrument] = OpenPosition(ts_opened=now)
        closing = min(quantity, max(ZERO, -kept.quantity * side.sign))
        opening = quantity - closing
        profit = kept.reduce(closing, price) if closing else ZERO
        if closing and opening:
            fee = money(fee * opening / quantity)
            kept = self._positions[instrument] = OpenPosition(ts_opened=now)
        kept.quantity += side.sign * opening
        kept.cost += side.sign * opening * price
        kept.fees += fee
        kept.ts_event = now
        return profit

    def _instrument(self, instrument: InstrumentId) -> Instrument:
        try:
            return self._instruments[instrument]
        except KeyError:
            raise UnknownInstrument(self.venue, f"{instrument.symbol} is not listed here") from None

    def _terms(self, instrument: InstrumentId) -> Leverage:
        return self._leverage.get(instrument) or Leverage()

    def _open(self, currency: str, mode: MarginMode | None = None) -> list[InstrumentId]:
        return [
            name
            for name, kept in self._positions.items()
            if kept.quantity
            and self._instruments[name].settle == currency
            and (mode is None or self._terms(name).mode is mode)
        ]

    def _mark(self, instrument: InstrumentId) -> Decimal:
        mark = self._marks.get(instrument)
        if mark is not None:
            return mark
        kept = self._positions[instrument]
        return kept.cost / kept.quantity

    def _pnl(self, instrument: InstrumentId) -> Decimal:
        return self._positions[instrument].pnl(self._mark(instrument))

    def _maintenance(self, instrument: InstrumentId) -> Decimal:
        size = abs(self._positions[instrument].quantity)
        return size * self._mark(instrument) * self._instruments[instrument].maintenance_margin

    def _backing(self, instrument: InstrumentId) -> Decimal:
        """Returns what stands behind a position besides its own profit."""
        kept, terms = self._positions[instrument], self._terms(instrument)
        if terms.mode is MarginMode.ISOLATED:
            return kept.margin(terms)
        currency = self._instruments[instrument].settle
        others = [name for name in self._open(currency, MarginMode.CROSS) if name != instrument]
        return self.cross_equity(currency) - self._pnl(instrument) - sum(map(self._maintenance, others), ZERO)

    def _relock(self, instrument: InstrumentId) -> None:
        listed, holds = self._instrument(instrument), self._holds.get(instrument, ())
        if not holds:
            self._locks.pop(instrument, None)
        elif listed.is_perpetual:
            terms = self._terms(instrument)
            lock = perpetual_lock(listed, holds, self.position_quantity(instrument), terms.value)
            self._locks[instrument] = {listed.settle: lock}
        else:
            self._locks[instrument] = spot_locks(listed, holds)

    def _insufficient(self, currency: str, need: Decimal) -> InsufficientFunds:
        wanted = f"{need.quantize(_SHOWN, ROUND_CEILING, _WIDE).normalize(_WIDE):f}"
        there = f"{max(ZERO, self.free(currency)).quantize(_SHOWN, context=_WIDE).normalize(_WIDE):f}"
        words = f"needs {wanted} {currency}, {there} {currency} is available"
        return InsufficientFunds(self.venue, words, "INSUFFICIENT_FUNDS")
