"""Sends one command: journal first, then the venue, then the verdict, which is never a guess.

The venue's call runs in a task of its own. Whatever comes out of it that is not an answer, a proven refusal or
a proof that nothing left, an exception nobody expected and a cancellation included, is UNKNOWN.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from enum import Enum, auto
from typing import Any, NamedTuple, TypeAlias, TypeVar

from tui.desk.facts import describe_tracked
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.inert import sanitise
from tui.desk.journal import CancelAllRequest, Command, Journal
from tui.desk.order_states import OrderNews
from tui.desk.orders import Tracked
from tui.desk.store import Store
from venues.commands import AmendRequest, CancelRequest, FundsRequest, OrderRequest
from venues.errors import NotSent, OrderError, OrderNotFound, VenueError
from venues.margin import FundsReceipt
from venues.model import InstrumentId, Order
from venues.port import Departure, MovesFunds, Venue

logger = logging.getLogger(__name__)
T = TypeVar("T")
Result: TypeAlias = Order | Sequence[Order] | FundsReceipt


class Fate(Enum):
    """What became of a command."""

    ANSWERED = auto()
    REFUSED = auto()
    NOT_SENT = auto()
    UNKNOWN = auto()


class Answer(NamedTuple):
    """A command's fate, the orders that the venue answered with, and its words or ours."""

    fate: Fate
    orders: tuple[Order, ...] = ()
    words: str = ""
    error: BaseException | None = None
    fault: str = ""  # of the journal, where the command left without it
    receipt: FundsReceipt | None = None  # of a loan, repayment or transfer


async def outcome_of(work: Coroutine[Any, Any, T]) -> T | BaseException:
    """Runs `work` in a task of its own, and returns what it returned or raised. Raises CancelledError for us."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        raise
    if task.cancelled():
        return asyncio.CancelledError()
    error = task.exception()
    return error if error is not None else task.result()


class _Departing:
    """One command on its way to its venue, which awaits this before the first byte leaves."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        venue: str,
        command: Command,
        targets: Sequence[Tracked],
        is_urgent: bool,
        note: Callable[[Departure], Departure] = lambda departure: departure,
    ) -> None:
        self._dispatcher = dispatcher
        self.venue = venue
        self.command = command
        self.targets = targets
        self.is_urgent = is_urgent
        self.note = note  # hears of the departure, and adds to it what the desk knows
        self.has_left = False
        self.fault = ""

    async def __call__(self, departure: Departure) -> None:
        await self._dispatcher.depart(self, departure)


class Dispatcher:
    """Carries commands to venues and their fates into the store. `clock` returns nanoseconds UTC."""

    def __init__(self, store: Store, journal: Journal, clock: Callable[[], int]) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock

    def use(self, journal: Journal) -> None:
        """Goes on with another journal."""
        self._journal = journal

    async def prepare(self, command: Command, notional: Decimal | None = None) -> str:
        """Writes the journal ahead of `command`. Returns why it is denied, empty when it may go to its venue."""
        error = await outcome_of(self._journal.intent(command, self._clock(), notional=notional))
        return _words_of(error) if isinstance(error, BaseException) else ""

    async def note(self, text: str, topic: str) -> None:
        """Keeps what the desk does by itself, and returns when that is durable; what fails is told."""
        await self._write(self._journal.note(text, self._clock(), topic=topic))

    async def submit(
        self, venue: Venue, request: OrderRequest, tracked: Tracked, *, is_urgent: bool = False
    ) -> Answer:
        """Sends a prepared order. `tracked` is PENDING_NEW until this says otherwise.

        What `is_urgent` takes risk off in a panic, and leaves even where the journal can not be written.
        """
        departing = _Departing(self, venue.name, request, (tracked,), is_urgent)
        answer = await self._exchange(departing, venue.submit_order(request, depart=departing))
        orders = self._store.orders
        if answer.fate is Fate.ANSWERED:
            orders.command_ended(tracked, None)
            self._take(answer.orders)
        elif answer.fate is Fate.UNKNOWN:
            orders.command_ended(tracked, OrderNews.AMBIGUOUS, answer.words)
        else:
            self.refuse(tracked, answer.fate, answer.words)
        await self._note(request, answer)
        return answer

    def refuse(self, tracked: Tracked, fate: Fate, words: str) -> None:
        """Ends a new order that the venue refused or that never left."""
        if fate is Fate.NOT_SENT:
            order = tracked.order
            what = describe_tracked(tracked, self._store.instrument(order.instrument))
            self._tell(FactKind.NOT_SENT, f"not sent: {what}: {words}", tracked)
            tracked.was_not_sent = True
            words = f"not sent: {words}"
        self._store.orders.command_ended(tracked, OrderNews.REJECTED, words)

    async def amend(self, venue: Venue, request: AmendRequest, tracked: Tracked) -> Answer:
        """Sends a prepared amendment of an order that is PENDING_REPLACE."""
        departing = _Departing(self, venue.name, request, (tracked,), False)
        answer = await self._exchange(departing, venue.amend_order(request, depart=departing))
        self._end_change(tracked, answer, "amendment")
        await self._note(request, answer)
        return answer

    async def cancel(
        self, venue: Venue, request: CancelRequest, tracked: Tracked, *, is_urgent: bool = False
    ) -> Answer:
        """Sends a prepared cancel of an order that is PENDING_CANCEL."""
        departing = _Departing(self, venue.name, request, (tracked,), is_urgent)
        answer = await self._exchange(departing, venue.cancel_order(request, depart=departing))
        self._end_change(tracked, answer, "cancel")
        await self._note(request, answer)
        return answer

    async def cancel_all(
        self, venue: Venue, request: CancelAllRequest, targets: Sequence[Tracked], *, is_urgent: bool = False
    ) -> Answer:
        """Sends a prepared cancel of many. `targets` are PENDING_CANCEL, those the answer names are settled."""
        departing = _Departing(self, venue.name, request, targets, is_urgent)
        work = venue.cancel_all_orders(request.instrument, request.side, depart=departing)
        answer = await self._exchange(departing, work)
        for tracked in targets:
            if answer.fate is Fate.ANSWERED:
                self._store.orders.command_ended(tracked, None)
            elif answer.fate is Fate.UNKNOWN:
                self._store.orders.command_ended(tracked, OrderNews.AMBIGUOUS, answer.words)
            else:
                self._store.orders.command_ended(tracked, OrderNews.COMMAND_REFUSED)
        for order in answer.orders:
            self._store.take_order(order)  # the answer's row names one at most
        if answer.fate in (Fate.REFUSED, Fate.NOT_SENT):
            kind = FactKind.REJECTED if answer.fate is Fate.REFUSED else FactKind.NOT_SENT
            self._tell(kind, f"{request.venue}: orders were not cancelled: {answer.words}")
        await self._note(request, answer)
        return answer

    async def move_funds(
        self, venue: MovesFunds, request: FundsRequest, note: Callable[[Departure], Departure]
    ) -> Answer:
        """Sends a prepared request about funds, once; `note` hears of its departure."""
        departing = _Departing(self, request.venue, request, (), False, note)
        answer = await self._exchange(departing, venue.move_funds(request, depart=departing))
        await self._note(request, answer)
        return answer

    def _end_change(self, tracked: Tracked, answer: Answer, what: str) -> None:
        orders = self._store.orders
        if answer.fate is Fate.ANSWERED:
            self._take(answer.orders)  # first: an order that is full by its old quantity may have a new one
            orders.command_ended(tracked, OrderNews.REPLACED if what == "amendment" else None)
        elif answer.fate is Fate.UNKNOWN:
            orders.command_ended(tracked, OrderNews.AMBIGUOUS, f"{what}: {answer.words}")
        elif isinstance(answer.error, OrderNotFound):
            # It may be filled, cancelled, or not have arrived yet: to be looked up, not concluded.
            orders.command_ended(tracked, OrderNews.MISSING, answer.words)
        else:
            orders.command_ended(tracked, OrderNews.COMMAND_REFUSED)
            kind = FactKind.REJECTED if answer.fate is Fate.REFUSED else FactKind.NOT_SENT
            self._tell(
                kind, f"{what} {'refused' if kind is FactKind.REJECTED else 'not sent'}: {answer.words}", tracked
            )

    async def depart(self, departing: _Departing, departure: Departure) -> None:
        """Commits that a command is about to leave. Raises NotSent where it can not be kept."""
        departure = departing.note(departure)
        for tracked in departing.targets:
            is_new = isinstance(departing.command, OrderRequest)
            self._store.orders.departed(tracked, departure.deadline, is_new=is_new)
        if departing.has_left:  # a further request of the same command
            return
        error = await outcome_of(self._journal.sending(departing.command, departure, self._clock()))
        if isinstance(error, BaseException):
            departing.fault = _words_of(error)
            if not departing.is_urgent:
                raise NotSent(departing.venue, departing.fault)
        departing.has_left = True

    async def _exchange(self, departing: _Departing, work: Coroutine[Any, Any, Result]) -> Answer:
        command = departing.command
        try:
            result = await outcome_of(work)
        except asyncio.CancelledError:
            for one in departing.targets:
                one.keep_unanswered(command)
                self._store.orders.command_ended(one, OrderNews.AMBIGUOUS, "the desk stopped waiting")
            raise
        answer = self._judge(command, result)
        if answer.fate is Fate.UNKNOWN:
            for one in departing.targets:
                one.keep_unanswered(command)
        is_told = answer.fate in (Fate.ANSWERED, Fate.UNKNOWN)
        is_empty = answer.fate is Fate.ANSWERED and not result  # there was nothing to cancel
        if is_told and not departing.has_left and not is_empty:
            logger.error("%s sent a %s without the journal", departing.venue, type(command).__name__)
        return answer._replace(fault=departing.fault)

    def _judge(self, command: Command, result: Result | BaseException) -> Answer:
        if isinstance(result, Order):
            return Answer(Fate.ANSWERED, (result,))
        if isinstance(result, FundsReceipt):
            return Answer(Fate.ANSWERED, receipt=result)
        if not isinstance(result, BaseException):
            return Answer(Fate.ANSWERED, tuple(result))
        words = result.message if isinstance(result, VenueError) else type(result).__name__
        words = sanitise(words) or type(result).__name__
        if isinstance(result, OrderError):
            return Answer(Fate.REFUSED, (), words, result)
        if isinstance(result, NotSent):
            return Answer(Fate.NOT_SENT, (), words, result)
        if not isinstance(result, VenueError):
            logger.error("a %s ended unexpectedly", type(command).__name__, exc_info=result)
        return Answer(Fate.UNKNOWN, (), words, result)

    def _take(self, answered: Sequence[Order]) -> None:
        for order in answered:
            if self._store.instrument(order.instrument) is not None:
                self._store.orders.apply(order)

    async def _note(self, command: Command, answer: Answer) -> None:
        now = self._clock()
        if answer.fate is Fate.UNKNOWN:
            await self._write(self._journal.ambiguous(command, answer.words, now))
        elif isinstance(answer.error, VenueError):
            await self._write(self._journal.answered(command, answer.error, now))
        else:
            order = answer.orders[0] if len(answer.orders) == 1 else None
            await self._write(self._journal.answered(command, answer.receipt or order, now))

    async def _write(self, work: Coroutine[Any, Any, None]) -> None:
        error = await outcome_of(work)
        if isinstance(error, BaseException):
            self._tell(FactKind.NOTICE, f"the journal can not be written: {sanitise(str(error))}")

    def _tell(self, kind: FactKind, text: str, tracked: Tracked | None = None) -> None:
        instrument: InstrumentId | None = tracked.order.instrument if tracked is not None else None
        self._store.tell(
            Fact(
                ts=self._clock(),
                kind=kind,
                severity=Severity.ALARM if kind is FactKind.NOTICE else Severity.WARNING,
                text=text,
                instrument=instrument,
                order_key=tracked.key if tracked is not None else "",
            )
        )


def _words_of(error: BaseException) -> str:
    return f"the journal can not be written: {sanitise(str(error) or type(error).__name__)}"
