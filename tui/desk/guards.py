"""What stands between a wish and the wire: the lock, hard limits that no dialog overrides, and soft questions.

Hard ones deny, the most severe first, and no answer lifts them. Soft ones ask for a yes that names them. What
takes risk off (reduce-only) passes the lock, the caps, the freshness gate, the budget, the day's loss and the
recovery: a limit must never keep a trader in a position.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec

from tui.desk.control import OrderIntent, Outcome, Reason, Verdict, denied
from tui.desk.ledger import midnight
from tui.desk.perpetual_guards import (
    band_faults,
    exit_faults,
    margin_faults,
    position_faults,
    trigger_faults,
)
from venues.model import NANOSECONDS, ZERO, Instrument, InstrumentKind, Order, OrderType, Position, Side
from venues.port import Capabilities, Mode
from venues.rounding import is_multiple, nearest_to, order_faults

_MOST_REASONS = 3  # a desk once showed 711 warnings in one box, 18 of them visible, and one key overrode them all
_DAY = 86_400 * NANOSECONDS


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The guards' settings. Notionals are in the account's currency, or where no market tells what an instrument's
    quote currency is worth in it, in that one. Times are in seconds.

    `max_quantity` is per symbol, in base units; a symbol that it does not name has no such cap. The budget is
    counted over the UTC day, so that a restart does not renew it. `day_loss` is in the account's currency.
    """

    max_quantity: Mapping[str, Decimal] = {}
    max_notional: Decimal = Decimal(100_000)
    session_budget: Decimal = Decimal(250_000)
    day_loss: Decimal | None = None
    band_asks: Decimal = Decimal("0.05")  # distance from the mid, as a fraction, from which on it asks
    band_denies: Decimal = Decimal("0.20")
    market_protection: Decimal = Decimal("0.01")  # how much worse than the best price a market order is reckoned
    stale_after: float = 10.0
    duplicate_window: float = 2.0


class MarketNow(msgspec.Struct, frozen=True, kw_only=True):
    """What the guards need to know of a market at the moment of a wish."""

    instrument: Instrument
    capabilities: Capabilities
    mid: Decimal | None = None
    best_bid: Decimal | None = None
    best_ask: Decimal | None = None
    is_book_valid: bool = False
    ts_recv: int = 0  # engine's clock, of the newest of what a price is taken from
    is_reconciling: bool = False
    fault: str = ""  # why nothing can be sent to the venue at all
    mark: Decimal | None = None
    positions: tuple[Position, ...] = ()  # of the instrument, open ones
    is_leverage_changing: bool = False
    leverage_doubt: str = ""  # what nobody knows of its leverage and margin mode
    bound: Decimal = ZERO  # how much of the position that the order closes rests in other orders that close it
    in_wallet: Decimal = ZERO  # what the margin wallet has of the base currency, less what it owes
    rate: Decimal | None = Decimal(1)  # of the quote currency into `currency`; None while it is not known
    currency: str = ""  # what limits are counted in; empty: the quote currency

    @property
    def counted_in(self) -> str:
        """What an order's value is in; while no rate is known that is the quote currency."""
        return self.currency if self.currency and self.rate is not None else self.instrument.quote


Body: TypeAlias = tuple[object, ...]


def body_of(order: OrderIntent | Order) -> Body:
    """Returns what makes two orders the same to a trader: everything but their ids."""
    return (
        order.instrument, order.side, order.type, order.quantity, order.price, order.trigger_price,
        order.reduce_only, order.in_margin_wallet, order.position_id or "",
    )  # fmt: skip


class Guards:
    """Judges wishes. The lock, the budget and the day's loss are its own state; everything else is given.

    `is_busy` holds while panic runs, `is_recovering` while orders of the run before wait to be settled: then
    nothing that adds risk is sent, armed or not. `read_only_reason` says why this desk only watches, and is empty
    where it trades. Times are nanoseconds UTC.
    """

    def __init__(self, limits: Limits, is_armed: bool) -> None:
        self.limits = limits
        self.is_armed = is_armed
        self.lock_reason = "" if is_armed else "a LIVE desk starts locked"
        self.locks = 0  # how often it was locked
        self.is_busy = False
        self.is_recovering = False
        self.read_only_reason = ""
        self.arming_refusals: dict[str, str] = {}  # venue -> why nothing that adds risk is armed with its key
        self.budget_used = ZERO
        self.locked_until = 0  # by the day's loss, which nothing lifts: neither arming nor a recovered P&L
        self.loss_reason = ""
        self._day: int | None = None  # the midnight that began the budget's day
        self._sent: deque[tuple[int, Body]] = deque(maxlen=1_000)

    @property
    def is_read_only(self) -> bool:
        return bool(self.read_only_reason)

    def inherit(self, budget_used: Decimal, locked_until: int = 0, reason: str = "") -> None:
        """Takes over what was used of today's budget before, and the loss lock. Call it before any order."""
        self.budget_used = budget_used
        self.locked_until = locked_until
        self.loss_reason = reason

    def roll_day(self, now: int) -> bool:
        """Renews the budget after midnight UTC, and says whether it did. A clock that goes back renews nothing.

        `check` and `note_sent` call it; others need to only to show the new budget before anything is sent.
        """
        today = midnight(now)
        begun, self._day = self._day, today if self._day is None else max(self._day, today)
        if begun is None or begun >= today:
            return False
        self.budget_used = ZERO
        return True

    def note_day(self, pnl: Decimal | None, now: int, currency: str = "") -> str | None:
        """Hears the day's P&L, fees and funding in it, as it stood at `now`; None while it is not known.

        Returns the words when it locks the desk by that: they are to be kept with `locked_until`, over restarts.
        """
        most = self.limits.day_loss
        if most is None or pnl is None or not pnl.is_finite() or pnl > -most or now < self.locked_until:
            return None
        self.locked_until = midnight(now) + _DAY
        amount = f"{-pnl:,.2f} {currency}".strip()
        self.loss_reason = (
            f"today's loss of {amount} reached your limit of {most:,.2f}: "
            f"nothing that adds risk until {_moment(self.locked_until)}"
        )
        return self.loss_reason

    def arm(self) -> None:
        self.is_armed = True
        self.lock_reason = ""

    def lock(self, reason: str) -> None:
        self.is_armed = False
        self.lock_reason = reason
        self.locks += 1

    def note_sent(self, intent: OrderIntent, notional: Decimal, now: int) -> None:
        """Remembers that an order leaves: it counts into the budget, and its twin will be asked about."""
        self.roll_day(now)
        self._sent.append((now, body_of(intent)))
        if not intent.reduce_only:
            self.budget_used += notional

    def note_not_sent(self, intent: OrderIntent, notional: Decimal) -> None:
        """Takes back what `note_sent` remembered of an order that never left."""
        body, sent_at = body_of(intent), None
        for index in range(len(self._sent) - 1, -1, -1):
            if self._sent[index][1] == body:
                sent_at = self._sent[index][0]
                del self._sent[index]
                break
        if not intent.reduce_only:
            self.give_back(notional, sent_at)

    def give_back(self, notional: Decimal, sent_at: int | None = None) -> None:
        """Takes back what was counted into the budget at `sent_at`, unless the budget is of a later day by now."""
        if sent_at is None or self._day is None or midnight(sent_at) >= self._day:
            self.budget_used = max(ZERO, self.budget_used - notional)

    def check(
        self,
        intent: OrderIntent,
        market: MarketNow,
        unknown: Iterable[Order],
        now: int,
        is_amend: bool = False,
        notional_before: Decimal = ZERO,
        is_less: bool = False,
    ) -> Outcome:
        """Judges one order. `unknown` are the orders of which nobody knows what became; `now` in nanoseconds.

        Of an amendment, only what it adds to `notional_before` counts into the budget, and it has no twin. One
        that `is_less`, a smaller size and nothing else, takes risk off: what stands against risk lets it pass.
        """
        self.roll_day(now)
        denials = list(self._denials(intent, market, notional_before, now, is_less))
        if denials:
            return Outcome(verdict=Verdict.DENIED, reasons=tuple(denials[:_MOST_REASONS]))
        questions = list(self._questions(intent, market, now))
        if not is_amend:
            questions.extend(self._twins(intent, unknown, now))
        asked = [reason for reason in questions if reason.guard not in intent.overrides]
        if asked:
            return Outcome(verdict=Verdict.NEEDS_YES, reasons=tuple(asked[:_MOST_REASONS]))
        return Outcome(verdict=Verdict.SENT)

    def refusal(self) -> Outcome | None:
        """Returns what stands against every command, cancels too: a desk that only watches writes no journal."""
        if not self.read_only_reason:
            return None
        return denied("read-only", self.read_only_reason)

    def against_risk(self, now: int) -> tuple[Reason, ...]:
        """Returns what stands against everything that adds risk, whatever it is; the most severe first."""
        return tuple(self._standstill(now))

    def _standstill(self, now: int) -> Iterator[Reason]:
        if self.read_only_reason:
            yield Reason("read-only", self.read_only_reason)
        if now < self.locked_until:
            until = _moment(self.locked_until)
            yield Reason("loss", self.loss_reason or f"the day's loss limit was reached: locked until {until}")
        if self.is_recovering:
            yield Reason("recovery", "orders of the run before are not settled yet")
        if self.is_busy:
            yield Reason("panic", "panic is running")
        if not self.is_armed:
            yield Reason("lock", f"the desk is locked: {self.lock_reason or 'arm it first'}")

    def _denials(
        self, intent: OrderIntent, market: MarketNow, notional_before: Decimal, now: int, is_less: bool
    ) -> Iterator[Reason]:
        """Yields what no order passes, then what none that adds risk passes, then how far this one goes beyond
        the limits, and last what the venue would not take.
        """
        if self.read_only_reason or market.capabilities.mode is Mode.READ_ONLY:
            yield Reason("read-only", self.read_only_reason or "this venue is open for reading only")
            return
        if (nonsense := _nonsense(intent)) is not None:
            yield nonsense
            return
        if market.fault:
            yield Reason("venue", market.fault)
        if not intent.reduce_only and not is_less:
            yield from self._standstill(now)
            if market.is_reconciling:
                yield Reason("reconciling", "orders and fills are being read back from the venue")
            if market.is_leverage_changing:
                yield Reason("leverage", "a change of its leverage is on its way: wait for it")
        expected = expected_price(intent, market, self.limits)
        distance = self._distance(intent, market)
        if distance is not None and distance > self.limits.band_denies:
            yield Reason("band", f"the price is {_percent(distance)} from the market")
        yield from self._caps(intent, market, expected, notional_before)
        yield from band_faults(intent, market)
        yield from position_faults(intent, market)
        yield from margin_faults(intent, market)
        yield from self._unfit(intent, market)
        yield from self._steps(intent, market.instrument, expected)
        yield from exit_faults(intent, market.best_ask if intent.side is Side.BUY else market.best_bid)
        yield from trigger_faults(intent, market)

    def _unfit(self, intent: OrderIntent, market: MarketNow) -> Iterator[Reason]:
        instrument, can = market.instrument, market.capabilities
        if not instrument.is_tradable or instrument.kind is InstrumentKind.INVERSE_PERPETUAL:
            yield Reason(
                "instrument", f"{instrument.name} can not be traded here: {instrument.note or 'view only'}"
            )
        if intent.type not in can.order_types:
            yield Reason("supported", f"the venue has no {intent.type.replace('_', ' ')} orders")
        if intent.type.has_price and intent.time_in_force not in can.times_in_force:
            yield Reason("supported", f"the venue has no {intent.time_in_force.value.upper()}")
        if intent.post_only and not can.post_only:
            yield Reason("supported", "the venue has no post-only orders")
        if intent.in_margin_wallet and not (can.margin_wallet and instrument.takes_margin):
            wallet = can.margin_wallet or "margin wallet"
            yield Reason("supported", f"{instrument.name} is not traded in a {wallet} here")
        if intent.reduce_only and intent.in_margin_wallet:
            if (reason := _not_reducing(intent, market)) is not None:
                yield reason
        elif intent.reduce_only and not (can.reduce_only and instrument.is_perpetual):
            yield Reason("supported", "there are no reduce-only orders here")
        if (intent.take_profit is not None or intent.stop_loss is not None) and not can.attached_exits:
            yield Reason("supported", "the venue takes no take-profit or stop-loss along with an order")

    def _steps(self, intent: OrderIntent, instrument: Instrument, expected: Decimal | None) -> Iterator[Reason]:
        price = intent.price
        if price is None and expected is not None:
            price = nearest_to(expected, instrument.tick_size)
        for fault in order_faults(instrument, intent.quantity, price):
            # Venues let a reduce-only order be smaller than their least notional.
            if not (intent.reduce_only and fault.startswith("order is below")):
                yield Reason("steps", fault)
        for what, value in (
            ("trigger", intent.trigger_price),
            ("take profit", intent.take_profit),
            ("stop loss", intent.stop_loss),
        ):
            if value is not None and not is_multiple(value, instrument.tick_size):
                yield Reason("steps", f"{what} must be a multiple of {instrument.tick_size:f}")

    def _caps(
        self, intent: OrderIntent, market: MarketNow, expected: Decimal | None, notional_before: Decimal
    ) -> Iterator[Reason]:
        if intent.reduce_only:
            return
        limits, instrument = self.limits, market.instrument
        # Venues write their symbols in either case: a limit must not be lost by how it was typed.
        symbol = instrument.id.symbol.upper()
        most = min((size for name, size in limits.max_quantity.items() if name.upper() == symbol), default=None)
        if most is not None and intent.quantity > most:
            yield Reason("size", f"{intent.quantity:f} {instrument.base} is above your limit of {most:f}")
        if expected is None:
            yield Reason("notional", "no price is known, so the order's value can not be checked")
            return
        notional = notional_of(intent, market, limits)
        if notional > limits.max_notional:
            yield Reason(
                "notional",
                f"{notional:,.2f} {market.counted_in} is above your limit of {limits.max_notional:,.2f} an order",
            )
        added = max(ZERO, notional - notional_before)
        if added and self.budget_used + added > limits.session_budget:
            left = max(ZERO, limits.session_budget - self.budget_used)
            yield Reason("budget", f"{left:,.2f} {market.counted_in} are left of today's budget")

    def _questions(self, intent: OrderIntent, market: MarketNow, now: int) -> Iterator[Reason]:
        distance = self._distance(intent, market)
        if distance is not None and distance > self.limits.band_asks:
            yield Reason("band", f"the price is {_percent(distance)} from the market")
        if intent.reduce_only:
            return
        if market.leverage_doubt:
            yield Reason("leverage", market.leverage_doubt)
        if market.rate is None:
            quote, into = market.instrument.quote, market.currency
            yield Reason("value", f"what {quote} is worth in {into} is not known: your limits say nothing here")
        age = (now - market.ts_recv) / NANOSECONDS
        if not market.is_book_valid and market.mid is None:
            yield Reason("fresh", "there is no price to compare with")
        elif not market.is_book_valid:
            yield Reason("fresh", "the order book is not valid now")
        elif age > self.limits.stale_after:
            yield Reason("fresh", f"the market data is {age:.0f} s old")

    def _twins(self, intent: OrderIntent, unknown: Iterable[Order], now: int) -> Iterator[Reason]:
        body = body_of(intent)
        if any(body_of(order) == body for order in unknown):
            yield Reason("duplicate", "the same order was sent, and nobody knows yet what became of it")
            return
        since = now - int(self.limits.duplicate_window * NANOSECONDS)
        if any(ts >= since and sent == body for ts, sent in self._sent):
            yield Reason("duplicate", "the same order was sent a moment ago")

    def _distance(self, intent: OrderIntent, market: MarketNow) -> Decimal | None:
        """How far the limit price is from the mid, or from its own trigger; None where it has none."""
        reference = intent.trigger_price if intent.trigger_price is not None else market.mid
        if intent.price is None or reference is None or reference <= 0:
            return None
        return abs(intent.price - reference) / reference


def expected_price(intent: OrderIntent, market: MarketNow, limits: Limits) -> Decimal | None:
    """Returns the price an order is reckoned at: its limit, its trigger, or the best price with the protection."""
    if intent.price is not None:
        return intent.price
    if intent.trigger_price is not None and intent.type is not OrderType.MARKET:
        base: Decimal | None = intent.trigger_price
    else:
        base = market.best_ask if intent.side is Side.BUY else market.best_bid
        base = base if base is not None else market.mid
    return base * (1 + limits.market_protection) if base is not None else None


def notional_of(intent: OrderIntent, market: MarketNow, limits: Limits) -> Decimal:
    """Returns what an order is reckoned to be worth in the account's currency; zero without a price.

    While no rate is known it is what it is in the quote currency.
    """
    price = expected_price(intent, market, limits)
    rate = Decimal(1) if market.rate is None else market.rate
    return intent.quantity * price * rate if price is not None else ZERO


def _nonsense(intent: OrderIntent) -> Reason | None:
    """Returns the reason against a number that is none, or not above zero: nothing can be compared with it."""
    for what, value in (
        ("size", intent.quantity),
        ("price", intent.price),
        ("trigger", intent.trigger_price),
        ("take profit", intent.take_profit),
        ("stop loss", intent.stop_loss),
    ):
        if value is not None and (not value.is_finite() or value <= 0):
            return Reason("steps", f"the {what} must be above zero")
    return None


def _not_reducing(intent: OrderIntent, market: MarketNow) -> Reason | None:
    """Returns the reason against a close of what a margin wallet holds that would do more than that.

    No venue holds such an order to reducing, and it passes the lock: so the desk does.
    """
    held, base = market.in_wallet, market.instrument.base
    if market.is_reconciling:
        return Reason("reconciling", "what the wallet holds is being read back (panic reads it itself)")
    if held * intent.side.sign >= 0:
        verb = "buying" if intent.side is Side.BUY else "selling"
        return Reason("position", f"{verb} {base} closes nothing of what the wallet holds")
    if intent.quantity > abs(held):
        return Reason("position", f"{abs(held):f} {base} is all that there is to close")
    return None


def _percent(fraction: Decimal) -> str:
    return f"{fraction * 100:.1f} %"


def _moment(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // NANOSECONDS, UTC):%Y-%m-%d %H:%M} UTC"
