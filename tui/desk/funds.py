"""Loans, repayments, transfers and changes of margin: guards, then journal, then the venue, and never sent again.

A venue knows no name of ours for one, so that nothing protects from a second loan but that it is not sent twice.
One that nobody has answered for is UNKNOWN, and looked up in what the venue has written down of its kind: until it
is found, or until it could no longer arrive and everything that the venue took has come to light there. A change
of a position's margin has no history: it is found where the margin is by exactly so much another one, and nothing
else can have made it so. Where nothing bounds a request's life, only a person ends what is not found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

import msgspec

from tui.desk.clientid import Random
from tui.desk.control import FundsIntent, Outcome, Verdict, denied
from tui.desk.dispatch import Answer, Dispatcher, Fate
from tui.desk.facts import describe_funds, figure
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.funds_book import DONE, MOOT, PROCESSING, REFUSED, UNKNOWN, Move, Place
from tui.desk.funds_guards import check_funds
from tui.desk.guards import Guards
from tui.desk.inert import sanitise
from tui.desk.inheritance import Inherited
from tui.desk.journal import BY_TRADER, Resolution
from tui.desk.keeping import Keeper
from tui.desk.link import Link
from tui.desk.margin_moves import effect_words
from tui.desk.patience import ask_once, pause_before, until_provable
from tui.desk.reconcile import read_money
from tui.desk.store import Store
from tui.desk.trading import Tasks
from venues.commands import FundsKind, FundsRequest
from venues.errors import NotSent, NotSupported, VenueError
from venues.margin import FundsReceipt, FundsState
from venues.model import NANOSECONDS
from venues.port import Departure, MovesFunds

_GONE = "it was not carried out: {history} did not have it when it could no longer arrive"
_CLOSED = "its position is closed: it changes nothing any more, whatever became of it"
_UNBOUNDED = "nothing bounds it, so that a miss proves nothing: look at the venue, then decide"
_HISTORIES = {
    FundsKind.BORROW: "the loan history",
    FundsKind.REPAY: "the repayment history",
    FundsKind.ADD_MARGIN: "the position's margin",
    FundsKind.REMOVE_MARGIN: "the position's margin",
}


class Work(Tasks, Protocol):
    """Where work goes: what a wish began, and what no wish waits for."""

    def begin_background(self, work: Coroutine[Any, Any, None]) -> None: ...


class Funds:
    """Carries out funds requests on the venues of `links`. `clock` is nanoseconds UTC, `sleep` takes seconds."""

    def __init__(
        self,
        store: Store,
        links: Mapping[str, Link],
        guards: Guards,
        dispatcher: Dispatcher,
        keeper: Keeper,
        work: Work,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        random: Random,
    ) -> None:
        self._store = store
        self._book = store.funds
        self._links = links
        self._guards = guards
        self._dispatcher = dispatcher
        self._keeper = keeper
        self._work = work
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._running: set[str] = set()  # what is being looked up, by request id
        self._misread: set[str] = set()  # venues whose money could not be read after the last change
        store.provable_funds = self.provable

    async def move(self, intent: FundsIntent) -> Outcome:
        """Sends a request that the guards let pass, once the journal has it."""
        link = self._links.get(intent.venue)
        outcome = check_funds(intent, link, self._store, self._guards, self._clock())
        if outcome.verdict is not Verdict.SENT or link is None:
            return outcome
        request = FundsRequest(
            venue=intent.venue,
            request_id=link.next_id(),
            kind=intent.kind,
            currency=intent.currency,
            amount=intent.amount,
            instrument=intent.instrument,
            position_id=intent.position_id,
            held_before=self._held(link, intent),
        )
        # From here on a second press of the same key meets the duplicate guard, however slow the journal is.
        move = Move(request, self._clock())
        self._book.add(move)
        venue, locks = link.venue, self._guards.locks
        try:
            words = await self._dispatcher.prepare(request)
        except asyncio.CancelledError:
            self._book.take_back(move)
            raise
        refusal = denied("journal", words) if words else None
        if refusal is None and (venue is not link.venue or locks != self._guards.locks):
            refusal = denied("stopped", f"the desk was locked, or {link.name} opened anew, meanwhile")
        if refusal is None and intent.kind.adds_risk and (against := self._guards.against_risk(self._clock())):
            refusal = Outcome(verdict=Verdict.DENIED, reasons=against[:3])
        if refusal is not None:
            self._book.take_back(move)
            return refusal
        self._work.begin(self._send(link, move))
        return Outcome(verdict=Verdict.SENT, order_key=move.key)

    def inherit(self, found: Inherited, link: Link) -> None:
        """Takes over what the run before left unanswered at a venue; none of it is ever sent."""
        self._book.inherit(found.receipts)
        for row in found.unresolved:
            if isinstance(row.command, FundsRequest) and row.command.venue == link.name:
                move = Move(row.command, row.ts)
                move.in_flight = False
                move.bound_by(row.deadline)
                move.sent_after = row.sent_after
                move.was_blurred = row.is_blurred
                self._book.add(move)
                self._look_after(link, move)

    def decide_gone(self, key: str) -> Outcome:
        """Takes the trader's word that a request that is UNKNOWN was not carried out."""
        move = self._book.get(key)
        if move is None or move.state != UNKNOWN or move.in_flight:
            return denied("funds", "only what is UNKNOWN can be decided about")
        move.was_decided = True
        self._settle(move, REFUSED, "it was not carried out, by your own word", BY_TRADER)
        return Outcome(verdict=Verdict.SENT, order_key=key)

    def provable(self, move: Move) -> int | None:
        """Returns when the venue's word about a request will be a proof, on our clock; None where it never is."""
        link = self._links.get(move.request.venue)
        left = self._seconds_to_proof(link, move) if link is not None else None
        return None if left is None else self._clock() + round(left * NANOSECONDS)

    async def _send(self, link: Link, move: Move) -> None:
        venue = link.venue
        if not isinstance(venue, MovesFunds):
            raise TypeError(f"{link.name} moves no funds")

        def note(departure: Departure) -> Departure:
            # An adapter may have to read something first: what stands against risk by now stops it here.
            against = self._guards.against_risk(self._clock()) if move.request.kind.adds_risk else ()
            if against:
                raise NotSent(link.name, against[0].text)
            time = venue.venue_time()
            move.bound_by(departure.deadline)
            move.sent_after = time.now - time.uncertainty if time is not None else None
            return msgspec.structs.replace(departure, sent_after=move.sent_after)

        try:
            answer = await self._dispatcher.move_funds(venue, move.request, note)
        except asyncio.CancelledError:
            move.in_flight = False
            self._book.change(move, UNKNOWN, "the desk stopped waiting")
            raise
        move.in_flight = False
        self._take(link, move, answer)

    def _take(self, link: Link, move: Move, answer: Answer) -> None:
        what = self._what(move)
        if answer.receipt is not None:
            self._book.claim(move, answer.receipt)
            self._follow_state(link, move, answer.receipt, "")
        elif answer.fate is Fate.REFUSED:
            self._book.change(move, REFUSED, answer.words)
            self._tell(FactKind.REJECTED, Severity.WARNING, f"rejected: {what}: {answer.words}")
        elif answer.fate is Fate.NOT_SENT:
            self._book.change(move, REFUSED, f"not sent: {answer.words}")
            self._tell(FactKind.NOT_SENT, Severity.WARNING, f"not sent: {what}: {answer.words}")
        else:
            self._doubt(link, move, answer.words)

    def _doubt(self, link: Link, move: Move, why: str) -> None:
        """Says that nobody knows what became of a request, and begins to look it up."""
        self._look_after(link, move)
        what, history = self._what(move), _history(move.request)
        text = f"{what}: UNKNOWN, nobody has said what became of it ({why}): looked up in {history}"
        if move.deadline is None:
            text = f"{text}; {_UNBOUNDED}"
        self._tell(FactKind.UNKNOWN, Severity.ALARM, text)

    def _look_after(self, link: Link, move: Move) -> None:
        bound = "" if move.deadline is not None else f": {_UNBOUNDED}"
        self._book.change(move, UNKNOWN, f"looked up in {_history(move.request)}, not sent again{bound}")
        self._work.begin_background(self._look_up(link, move))

    def _follow_state(self, link: Link, move: Move, receipt: FundsReceipt, found: str) -> None:
        """Goes on by what the venue has written down; `found` says where, if it was looked up."""
        what = self._what(move)
        match receipt.state:
            case FundsState.DONE:
                parts = (_parts(receipt), effect_words(move.request, self._store), found)
                words = "; ".join(part for part in parts if part)
                self._book.change(move, DONE, words)
                self._tell(FactKind.ORDER, Severity.GOOD, f"{what}: done{f' ({words})' if words else ''}")
            case FundsState.FAILED:
                words = f"the venue says that it was not carried out {found}".strip()
                self._book.change(move, REFUSED, words)
                self._tell(FactKind.REJECTED, Severity.WARNING, f"{what}: {words}")
            case FundsState.PROCESSING:
                if move.state != PROCESSING:
                    self._book.change(move, PROCESSING, "the venue has it, and works on it")
                    self._tell(FactKind.ORDER, Severity.INFO, f"{what}: the venue works on it")
                    self._work.begin_background(self._look_up(link, move))
        self._read_money(link)

    async def _look_up(self, link: Link, move: Move) -> None:
        """Asks for one request until it is over."""
        if move.key in self._running:
            return
        self._running.add(move.key)
        attempt = 0
        try:
            while not move.is_over:
                await self._sleep(self._pause(link, move, attempt))
                attempt += 1
                await ask_once(partial(self._ask, link, move), self._store, self._sleep)
        finally:
            self._running.discard(move.key)

    async def _ask(self, link: Link, move: Move) -> None:
        """Asks for one request, and for all that look the same with it. Raises VenueError."""
        venue, alike = link.venue, self._book.alike(move)
        if not isinstance(venue, MovesFunds):
            raise NotSupported(link.name, "there is nothing here to look it up in")
        self._blur(alike)
        if not alike or self._book.is_blurred(move):
            self._end_if_moot(link, move)
            return
        asked = venue.venue_time()
        found = await venue.find_funds(move.request, min(one.since for one in alike))
        self._blur(alike)
        now = [one for one in self._book.alike(move) if not self._book.is_blurred(one)]
        if any(one.in_flight for one in now):
            return  # what is found may be of one whose own answer is still to come, and names it
        settle = venue.capabilities.settle
        given = self._book.assign(now, found, settle, asked.uncertainty if asked is not None else 0)
        listed = {receipt.venue_id: receipt for receipt in found}
        for one in now:
            if one.receipt is not None:
                if (receipt := listed.get(one.receipt.venue_id)) is not None:
                    self._follow(link, one, receipt)
            elif (receipt := given.get(one.key)) is not None:
                self._find(link, one, receipt)
            elif one in alike and one.is_provable(asked, settle):
                self._settle(one, REFUSED, _GONE.format(history=_history(one.request)), "lookup")
                self._read_money(link)
            else:
                self._end_if_moot(link, one)

    def _blur(self, moves: Sequence[Move]) -> None:
        """Takes the margin as no evidence where something has traded since: that changes it as well."""
        fills = self._store.ledger.fills
        for one in moves:
            if one.place is not None and any(
                fill.instrument == one.place[0] and fill.ts_event >= one.since for fill in fills
            ):
                one.was_blurred = True

    def _end_if_moot(self, link: Link, move: Move) -> None:
        """Ends a change of the margin of a position that is closed: a venue never gives its id again."""
        place = move.place
        if place is None or move.state != UNKNOWN or move.in_flight or not link.venue.capabilities.position_sides:
            return
        if link.is_reconciled and place not in self._store.ledger.positions:
            self._book.change(move, MOOT, _CLOSED)
            self._keeper.resolved(move.request, Resolution("lookup", _CLOSED))
            self._tell(FactKind.NOTICE, Severity.WARNING, f"{self._what(move)}: {_CLOSED}")

    def _held(self, link: Link, intent: FundsIntent) -> Decimal | None:
        """Returns what is compared with afterwards; None where the margin may have changed since it was read."""
        if intent.instrument is None or self._book.unread.get(link.name) or link.name in self._misread:
            return None
        place: Place = (intent.instrument, intent.position_id)
        position = self._store.ledger.positions.get(place)
        return position.margin if position is not None else None

    def _find(self, link: Link, move: Move, receipt: FundsReceipt) -> None:
        where = _history(move.request)
        self._book.claim(move, receipt)
        self._keeper.resolved(
            move.request, Resolution("lookup", f"{where}: {receipt.state.value}", receipt=receipt)
        )
        self._follow_state(link, move, receipt, f"found in {where}")

    def _follow(self, link: Link, move: Move, receipt: FundsReceipt) -> None:
        """Takes what has become of one that the venue was working on."""
        if receipt.state is not FundsState.PROCESSING:
            self._keeper.note(f"{self._what(move)}: {receipt.state.value}", "funds")
            self._follow_state(link, move, receipt, "")

    def _settle(self, move: Move, state: str, words: str, by: str) -> None:
        self._book.change(move, state, words)
        self._keeper.resolved(move.request, Resolution(by, words, was_never_placed=True))
        self._tell(FactKind.REJECTED, Severity.WARNING, f"{self._what(move)}: {words}")

    def _read_money(self, link: Link) -> None:
        """Has what it moved read again; until then no P&L is made of it."""
        unread = self._book.unread
        unread[link.name] = unread.get(link.name, 0) + 1

        async def read() -> None:
            try:
                await read_money(link, self._store, self._clock)
                self._misread.discard(link.name)
            except VenueError as error:
                self._misread.add(link.name)
                self._store.log(f"{error}; reading all of it back", Severity.WARNING)
                link.reconcile_wanted.set()
            finally:
                unread[link.name] -= 1

        self._work.begin_background(read())

    def _seconds_to_proof(self, link: Link, move: Move) -> float | None:
        until, time = move.until(link.venue.capabilities.settle), link.venue.venue_time()
        if until is None or time is None:
            return None
        return max(0.0, (until + time.uncertainty - time.now) / NANOSECONDS)

    def _pause(self, link: Link, move: Move, attempt: int) -> float:
        pause = pause_before(attempt, self._random)
        if move.deadline is None or move.state != UNKNOWN:
            return pause
        return until_provable(pause, self._seconds_to_proof(link, move))

    def _what(self, move: Move) -> str:
        place = move.place
        return describe_funds(move.request, self._store.instrument(place[0]) if place is not None else None)

    def _tell(self, kind: FactKind, severity: Severity, text: str) -> None:
        self._store.tell(Fact(ts=self._clock(), kind=kind, severity=severity, text=text))


def _history(request: FundsRequest) -> str:
    return _HISTORIES.get(request.kind, "the transfer history")


def _parts(receipt: FundsReceipt) -> str:
    """Says what of a repayment went into the loan and into its interest."""
    if receipt.principal is None or receipt.interest is None:
        return ""
    currency = sanitise(receipt.request.currency, 32)
    return f"{figure(receipt.principal)} {currency} of the loan, {figure(receipt.interest)} of interest"
