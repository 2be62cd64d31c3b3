"""A change of leverage and margin mode: guards first, then the venue, and what became of it in words.

Nothing rests on the book by it, so that it is no command of the journal's: two notes there say that it was wished
for and how it ended. An answer that was lost is UNKNOWN. The same again does no harm: it sets what is wished for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from tui.desk.control import Outcome, Reason, Verdict, denied
from tui.desk.dispatch import Dispatcher, outcome_of
from tui.desk.facts import figure
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.guards import Guards, MarketNow
from tui.desk.inert import sanitise
from tui.desk.link import Link
from tui.desk.orders import Tracked
from tui.desk.perpetual_guards import word_of
from tui.desk.position_estimate import in_the_way
from tui.desk.store import Store
from venues.errors import (
    AuthenticationError,
    ConfigurationError,
    NotSent,
    OrderError,
    RateLimited,
    RequestError,
    VenueError,
)
from venues.liquidation import most_leverage
from venues.model import ZERO, Instrument, InstrumentId, MarginMode, Position, Side
from venues.port import Mode

TOPIC = "leverage"  # of its notes in the journal
_MOST_REASONS = 3
_REFUSALS = (OrderError, RequestError, ConfigurationError, AuthenticationError, RateLimited)


class _Doubt(NamedTuple):
    words: str
    told: tuple[Position, ...]  # the positions as they were told until then


class Leverage:
    """Sets leverage and margin modes, one change of an instrument at a time. `clock` is nanoseconds UTC."""

    def __init__(self, store: Store, guards: Guards, dispatcher: Dispatcher, clock: Callable[[], int]) -> None:
        self._store = store
        self._guards = guards
        self._dispatcher = dispatcher
        self._clock = clock
        self._running: set[InstrumentId] = set()
        self._doubts: dict[InstrumentId, dict[MarginMode, _Doubt]] = {}  # what nobody knows the outcome of

    def is_changing(self, instrument: InstrumentId) -> bool:
        """Says whether a change is on its way: an order that leaves now could have the leverage of before."""
        return instrument in self._running

    def doubt(self, instrument: InstrumentId, *, of_order: bool = False) -> str:
        """Says what nobody knows of the leverage of an instrument; empty where a position has told it since.

        `of_order`: each order has a margin mode of its own, so that a position tells only of those of its mode.
        """
        held = [one for one in self._positions(instrument) if one.leverage]
        for mode, (words, then) in self._doubts.get(instrument, {}).items():
            # One that was told before is as it was then, whatever became of the change.
            since = (one for one in held if not any(one is before for before in then))
            if not any(not of_order or one.margin_mode is mode for one in since):
                return words
        return ""

    async def set(self, link: Link, market: MarketNow, leverage: Decimal, margin_mode: MarginMode) -> Outcome:
        """Asks the guards, then the venue, and waits for its word.

        An outcome that is SENT and has a reason "unknown" is one of which nobody knows.
        """
        instrument = market.instrument
        denials = tuple(self._denials(link, market, leverage, margin_mode))
        if denials:
            return Outcome(verdict=Verdict.DENIED, reasons=denials[:_MOST_REASONS])
        what = f"leverage {figure(leverage)}x {margin_mode.value} of {instrument.name} at {link.name}"
        venue, locks = link.venue, self._guards.locks
        self._running.add(instrument.id)
        try:
            await self._dispatcher.note(f"{what} is asked for", TOPIC)
            if venue is not link.venue or locks != self._guards.locks:
                return denied("stopped", f"the desk was locked, or {link.name} opened anew, meanwhile")
            answer = await outcome_of(venue.set_leverage(instrument.id, leverage, margin_mode))
            keeps_others = market.capabilities.margin_mode_of_order
            return await self._told(answer, what, instrument, margin_mode, keeps_others=keeps_others)
        finally:
            self._running.discard(instrument.id)

    async def _told(
        self,
        answer: BaseException | None,
        what: str,
        instrument: Instrument,
        mode: MarginMode,
        *,
        keeps_others: bool,
    ) -> Outcome:
        """`keeps_others`: the other margin mode has a leverage of its own, of which this answer says nothing."""
        doubts = self._doubts.setdefault(instrument.id, {})
        if answer is None:
            if keeps_others:
                doubts.pop(mode, None)
            else:
                doubts.clear()
            await self._dispatcher.note(f"{what}: done", TOPIC)
            return Outcome(verdict=Verdict.SENT)
        words = sanitise(answer.message if isinstance(answer, VenueError) else type(answer).__name__)
        if isinstance(answer, NotSent):
            await self._dispatcher.note(f"{what}: not sent: {words}", TOPIC)
            return denied("not sent", f"not sent: {words}")
        if isinstance(answer, _REFUSALS):
            await self._dispatcher.note(f"{what}: refused: {words}", TOPIC)
            return denied("venue", words)
        if not keeps_others:
            doubts.clear()
        told = tuple(self._positions(instrument.id))
        doubts[mode] = _Doubt(f"nobody knows whether it has {what}: ask for that again first", told)
        text = f"UNKNOWN whether it is now {what} ({words}): ask for it again, which does no harm"
        await self._dispatcher.note(text, TOPIC)
        self._store.tell(
            Fact(
                ts=self._clock(),
                kind=FactKind.UNKNOWN,
                severity=Severity.ALARM,
                text=text,
                instrument=instrument.id,
            )
        )
        return Outcome(verdict=Verdict.SENT, reasons=(Reason("unknown", text),))

    def _denials(self, link: Link, market: MarketNow, leverage: Decimal, mode: MarginMode) -> Iterator[Reason]:
        can, instrument = market.capabilities, market.instrument
        if not can.leverage or not instrument.is_perpetual:
            yield Reason("supported", f"{instrument.name} has no leverage that could be set at {link.name}")
            return
        if can.mode is Mode.READ_ONLY:
            yield Reason("read-only", f"{link.name} is open for reading only")
        if can.margin_modes and mode not in can.margin_modes:
            yield Reason("supported", f"{link.name} has no {mode.value} margin")
        if link.fault:
            yield Reason("venue", link.fault)
        yield from self._guards.against_risk(self._clock())
        if instrument.id in self._running:
            yield Reason("duplicate", f"a change of the leverage of {instrument.name} is on its way")
        if not leverage.is_finite() or not 1 <= leverage <= instrument.max_leverage:
            yield Reason("leverage", f"leverage must be from 1 to {figure(instrument.max_leverage)}")
            return
        if can.leverage_needs_flat:
            if not link.is_reconciled:
                yield Reason("reconciling", "positions and orders are being read back from the venue")
            yield from self._in_the_way(instrument, link)
        for side in Side:
            size = self._size(instrument.id, side, mode if can.margin_mode_of_order else None)
            if size and leverage > (most := most_leverage(instrument, size)):
                yield Reason(
                    "leverage",
                    f"{figure(size)} {instrument.base} {word_of(side)} takes {figure(most)}x at most"
                    if most
                    else f"{figure(size)} {instrument.base} {word_of(side)} is more than any bracket takes",
                )

    def _in_the_way(self, instrument: Instrument, link: Link) -> Iterator[Reason]:
        held = [one for one in self._positions(instrument.id) if one.quantity]
        open_orders = (tracked.order for tracked in self._store.orders.open_orders(link.name))
        resting = [order for order in open_orders if order.instrument == instrument.id]
        yield from (Reason("flat", words) for words in in_the_way(instrument, held, resting))

    def _size(self, instrument: InstrumentId, side: Side, mode: MarginMode | None) -> Decimal:
        """Returns what is held on a side, and what open orders would add to it; where `mode` is given, of that."""
        same = (p for p in self._positions(instrument) if p.quantity * side.sign > 0)
        held = sum((abs(p.quantity) for p in same if mode in (None, p.margin_mode)), ZERO)
        orders = self._store.orders.open_orders(instrument.venue)
        return held + sum((one.order.remaining for one in orders if _adds(one, instrument, side, mode)), ZERO)

    def _positions(self, instrument: InstrumentId) -> list[Position]:
        return [one for (of, _), one in self._store.ledger.positions.items() if of == instrument]


def _adds(tracked: Tracked, instrument: InstrumentId, side: Side, mode: MarginMode | None) -> bool:
    """Whether an order adds to what is held on a side; one whose mode is not known may add to either."""
    order, request = tracked.order, tracked.request
    if (order.instrument, order.side) != (instrument, side) or order.reduce_only:
        return False
    return mode is None or request is None or request.margin_mode in (None, mode)
