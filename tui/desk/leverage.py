"""A change of leverage and margin mode: guards first, then the venue, and what became of it in words.

Nothing rests on the book by it, so that it is no command of the journal's: two notes there say that it was wished
for and how it ended. An answer that was lost is UNKNOWN. The same again does no harm: it sets what is wished for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from tui.desk.control import Outcome, Reason, Verdict, denied
from tui.desk.dispatch import Dispatcher, outcome_of
from tui.desk.facts import describe_order, describe_position, figure
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.guards import Guards, MarketNow
from tui.desk.inert import sanitise
from tui.desk.link import Link
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
_MOST_NAMED = 3
_REFUSALS = (OrderError, RequestError, ConfigurationError, AuthenticationError, RateLimited)


class Leverage:
    """Sets leverage and margin modes, one change of an instrument at a time. `clock` is nanoseconds UTC."""

    def __init__(self, store: Store, guards: Guards, dispatcher: Dispatcher, clock: Callable[[], int]) -> None:
        self._store = store
        self._guards = guards
        self._dispatcher = dispatcher
        self._clock = clock
        self._running: set[InstrumentId] = set()
        self._doubts: dict[InstrumentId, str] = {}  # what nobody knows the outcome of

    def is_changing(self, instrument: InstrumentId) -> bool:
        """Says whether a change is on its way: an order that leaves now could have the leverage of before."""
        return instrument in self._running

    def doubt(self, instrument: InstrumentId) -> str:
        """Says what nobody knows of the leverage of an instrument; empty where a position tells it."""
        return "" if any(self._positions(instrument)) else self._doubts.get(instrument, "")

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
            return await self._told(answer, what, instrument)
        finally:
            self._running.discard(instrument.id)

    async def _told(self, answer: BaseException | None, what: str, instrument: Instrument) -> Outcome:
        if answer is None:
            self._doubts.pop(instrument.id, None)
            await self._dispatcher.note(f"{what}: done", TOPIC)
            return Outcome(verdict=Verdict.SENT)
        words = sanitise(answer.message if isinstance(answer, VenueError) else type(answer).__name__)
        if isinstance(answer, NotSent):
            await self._dispatcher.note(f"{what}: not sent: {words}", TOPIC)
            return denied("not sent", f"not sent: {words}")
        if isinstance(answer, _REFUSALS):
            await self._dispatcher.note(f"{what}: refused: {words}", TOPIC)
            return denied("venue", words)
        self._doubts[instrument.id] = f"nobody knows whether it has {what}: ask for that again first"
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
            size = self._size(instrument.id, side)
            if size and leverage > (most := most_leverage(instrument, size)):
                yield Reason(
                    "leverage",
                    f"{figure(size)} {instrument.base} {_word(side)} takes {figure(most)}x at most"
                    if most
                    else f"{figure(size)} {instrument.base} {_word(side)} is more than any bracket takes",
                )

    def _in_the_way(self, instrument: Instrument, link: Link) -> Iterator[Reason]:
        """Yields what stands against it where the venue wants neither a position nor an order there."""
        held = [one for one in self._positions(instrument.id) if one.quantity]
        resting = [
            tracked.order
            for tracked in self._store.orders.open_orders(link.name)
            if tracked.order.instrument == instrument.id
        ]
        changes = f"{link.name} changes neither leverage nor margin mode over"
        if held:
            named = _listed([describe_position(one, instrument) for one in held])
            yield Reason("flat", f"{changes} a position: close {named} first")
        if resting:
            named = _listed([describe_order(one, instrument) for one in resting])
            yield Reason("flat", f"{changes} an open order: cancel {named} first")

    def _size(self, instrument: InstrumentId, side: Side) -> Decimal:
        """Returns what is held on a side, and what open orders would add to it."""
        held = sum((abs(p.quantity) for p in self._positions(instrument) if p.quantity * side.sign > 0), ZERO)
        orders = (tracked.order for tracked in self._store.orders.open_orders(instrument.venue))
        return held + sum(
            (o.remaining for o in orders if (o.instrument, o.side) == (instrument, side) and not o.reduce_only),
            ZERO,
        )

    def _positions(self, instrument: InstrumentId) -> list[Position]:
        return [one for (of, _), one in self._store.ledger.positions.items() if of == instrument]


def _word(side: Side) -> str:
    return "long" if side is Side.BUY else "short"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
