"""Edits where a venue can not change an order: cancelled, and placed anew once the cancel is proven.

The new order is sent only after the venue has said that the old one is cancelled, and has been asked once more how
much of it had traded: what trades while the cancel is on its way is taken off what is sent. Whatever else comes,
a lost answer, a refusal, a fill of all of it, a lock or a panic between the two: nothing new is sent, and it is
said what is so. The two commands are rows of the journal of their own, each before its first byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from tui.desk.control import AmendIntent, OrderIntent, Outcome, Verdict, denied
from tui.desk.dispatch import Answer, Dispatcher, Fate
from tui.desk.exits import is_bound
from tui.desk.facts import describe_tracked, figure
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.guards import Guards, MarketNow, notional_of
from tui.desk.inheritance import EDIT_BEGAN, EDIT_ENDED
from tui.desk.link import Link
from tui.desk.orders import Tracked
from tui.desk.sequels import Sequel
from tui.desk.store import Store
from venues.commands import OrderRequest
from venues.errors import OrderNotFound, RateLimited, VenueError
from venues.model import ZERO, Order, OrderStatus, OrderType

if TYPE_CHECKING:
    from tui.desk.trading import Trader

_NOTHING = "nothing new was sent"
_RESTS = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})
_PAUSES = (0.05, 0.1, 0.2, 0.3)  # seconds, between questions about an order whose end the venue has told
_WATCHED = 200  # edits whose old order is watched for executions that come late
_KEPT = ("leverage", "margin_mode", "take_profit", "stop_loss", "position_id")  # not every venue tells them


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is to become. `wish` has the new total; what has traded of it is taken off when it is sent."""

    link: Link
    tracked: Tracked
    wish: OrderIntent
    before: Decimal  # what the order is reckoned to be worth as it is, in the account's currency
    is_less: bool  # a smaller size, and nothing else: it takes risk off
    was_triggered: bool
    old: str  # both in words
    new: str


class _Course:
    """How far an edit has come. `key` is the new order's."""

    def __init__(self, change: Change, sequel: Sequel, key: str) -> None:
        self.change = change
        self.sequel = sequel
        self.key = key
        self.answer: Answer | None = None  # to the cancel
        self.is_found = False  # after a refusal, by asking the venue

    @property
    def tracked(self) -> Tracked:
        return self.change.tracked

    def take(self, answer: Answer) -> None:
        self.answer = answer
        self.sequel.news.set()

    @property
    def refusal(self) -> Answer | None:
        """The answer, where the cancel was provably not carried out."""
        answer = self.answer
        return answer if answer is not None and answer.fate in (Fate.REFUSED, Fate.NOT_SENT) else None

    @property
    def is_over(self) -> bool:
        """Whether the order is over, and an answer that has come is heard of.

        The stream may prove it before the answer comes; one that came may be a refusal, and is in the journal
        before it is heard of here.
        """
        return self.tracked.status.is_terminal and (self.answer is not None or self.tracked.in_flight > 0)


class Editing:
    """Carries out edits in two steps. `clock` returns nanoseconds UTC; `sleep` and `patience` are in seconds."""

    def __init__(
        self,
        trader: Trader,
        store: Store,
        guards: Guards,
        dispatcher: Dispatcher,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        patience: float,
    ) -> None:
        self._trader = trader
        self._store = store
        self._guards = guards
        self._dispatcher = dispatcher
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._replaced: dict[str, tuple[Decimal, str]] = {}  # key -> what had traded of it, and what came after it

    def note_order(self, tracked: Tracked) -> None:
        """Hears of every change of an order; tells where a replaced one has traded more than was counted."""
        counted, new = self._replaced.get(tracked.key, (None, ""))
        more = tracked.order.filled_quantity - counted if counted is not None else ZERO
        if more > 0:
            self._replaced[tracked.key] = (tracked.order.filled_quantity, new)
            old = self._words(tracked)
            words = f"{figure(more)} of {old} traded after its cancel was proven, and {new} was sent without it"
            self._say(words, tracked, FactKind.NOTICE, Severity.ALARM)

    async def run(self, intent: AmendIntent, tracked: Tracked, link: Link, market: MarketNow) -> Outcome:
        """Begins an edit of an order that rests: all guards first, then its cancel; the rest comes as facts."""
        found = self._change(intent, tracked, link, market)
        if isinstance(found, Outcome):
            return found
        outcome = self._judge(found, market, found.wish.quantity - tracked.order.filled_quantity)
        if outcome.verdict is not Verdict.SENT:
            return outcome
        sequel = self._trader.sequels.begin(tracked, link, takes_risk_off=found.is_less or found.wish.reduce_only)
        is_under_way = False
        try:
            outcome = await self._begin(_Course(found, sequel, link.next_id()))
            is_under_way = outcome.verdict is Verdict.SENT
        finally:
            if not is_under_way:
                self._trader.sequels.end(sequel)
        return outcome

    async def _begin(self, course: _Course) -> Outcome:
        change = course.change
        words = f"{change.old} was to become {change.new}, by cancel and new: look what rests of it"
        await self._dispatcher.note(words, f"{EDIT_BEGAN}{course.key}")
        if why := course.sequel.hindrance(self._clock()):
            outcome = denied("stopped", why)
        elif course.tracked.status.is_terminal:
            outcome = denied("order", "the order is over")
        else:
            outcome = await self._trader.send_cancel(change.link, course.tracked, course.take)
        if outcome.verdict is Verdict.SENT:
            words = f"edit: {change.old} is being cancelled, {change.new} follows once that is proven"
            self._say(words, course.tracked, severity=Severity.INFO)
            self._trader.tasks.begin(self._follow(course))
        else:
            await self._dispatcher.note("nothing was sent", f"{EDIT_ENDED}{course.key}")
        return outcome

    def _change(self, intent: AmendIntent, tracked: Tracked, link: Link, market: MarketNow) -> Change | Outcome:
        order, request = tracked.order, tracked.request
        if self._trader.sequels.after(tracked.key) is not None:
            return denied("order", "another command waits for the end of this order")
        if self._guards.is_busy:
            return denied("panic", "panic is running")
        if market.is_reconciling:
            return denied("reconciling", "orders and fills are being read back from the venue")
        can = market.capabilities
        is_known = request is not None or is_bound(order)
        if not is_known and (can.margin_modes or can.attached_exits or order.reduce_only):
            return denied("order", "all that it was placed with is not known here: cancel it, then place it anew")
        if order.is_triggered and not order.type.has_price:
            return denied("order", "its trigger has been reached")
        price = intent.price if intent.price is not None else order.price
        trigger = intent.trigger_price if intent.trigger_price is not None else order.trigger_price
        quantity = intent.quantity if intent.quantity is not None else order.quantity
        if (price, trigger, quantity) == (order.price, order.trigger_price, order.quantity):
            return denied("order", "an edit needs a new price, size or trigger")
        if quantity <= order.filled_quantity:
            return denied("size", f"{order.filled_quantity:f} are filled already: cancel the rest instead")
        now = as_intent(order)
        if request is not None:
            kept = {name: getattr(request, name) for name in _KEPT}
            # What the venue tells of it is newer than what it was placed with.
            now = msgspec.structs.replace(now, **{name: getattr(now, name) or kept[name] for name in _KEPT})
        if order.is_triggered:  # what rests is its limit order, and the trigger would be reached again at once
            now, trigger = msgspec.structs.replace(now, type=OrderType.LIMIT, trigger_price=None), None
        wish = msgspec.structs.replace(
            now, price=price, quantity=quantity, trigger_price=trigger, overrides=intent.overrides
        )
        try:
            request_of(wish, "any")
        except ValueError as error:
            return denied("order", str(error))
        after = msgspec.structs.replace(order, price=price, quantity=quantity, trigger_price=trigger)
        return Change(
            link=link,
            tracked=tracked,
            wish=wish,
            before=notional_of(now, market, self._guards.limits),
            is_less=is_less(wish, now),
            was_triggered=order.is_triggered,
            old=self._words(tracked),
            new=self._words(tracked, after),
        )

    def _judge(self, change: Change, market: MarketNow, left: Decimal) -> Outcome:
        """Judges the whole as an amendment is judged, and the size of what would be sent."""
        outcome = self._check(change, change.wish, market, change.before)
        if outcome.verdict is not Verdict.SENT or left == change.wish.quantity:
            return outcome
        rest = msgspec.structs.replace(change.wish, quantity=left)
        return self._check(change, rest, market, notional_of(rest, market, self._guards.limits))

    def _check(self, change: Change, wish: OrderIntent, market: MarketNow, before: Decimal) -> Outcome:
        return self._guards.check(
            wish, market, (), self._clock(), is_amend=True, notional_before=before, is_less=change.is_less
        )

    async def _follow(self, course: _Course) -> None:
        """Waits for the proof that the old order is cancelled, and sends the new one."""
        change, tracked, ended = course.change, course.tracked, _NOTHING
        try:
            if not await self._is_decided(course):
                self._say(self._given_up(change), tracked, FactKind.NOT_SENT, Severity.ALARM)
            elif why := self._why_not(course):
                is_gone = tracked.status is OrderStatus.CANCELED
                severity = Severity.ALARM if is_gone else Severity.WARNING
                self._say(f"{why}{_NOTHING}", tracked, FactKind.NOT_SENT, severity)
            else:
                ended = await self._place(course)
        finally:
            self._trader.sequels.end(course.sequel)
        await self._dispatcher.note(ended, f"{EDIT_ENDED}{course.key}")

    async def _is_decided(self, course: _Course) -> bool:
        """Waits until the old order is over and what it had traded is read, or nothing new may be sent.

        Says whether that came in time.
        """
        tracked, attempt = course.tracked, 0
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    await course.sequel.until(lambda: course.is_over or course.refusal is not None)
                    pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
                    attempt += 1
                    if (refusal := course.refusal) is not None and not tracked.status.is_terminal:
                        # Most are refused since the order has just traded: it is asked about before it is told.
                        course.is_found = await self._read(course) is not None
                        is_doubtful = isinstance(refusal.error, OrderNotFound) and not course.is_found
                        if not is_doubtful or course.sequel.why:
                            return True
                    elif self._why_not(course):
                        return True
                    elif (more := await self._read_back(course)) is not None:
                        pause = max(pause, more)
                    elif course.is_over:
                        return True
                    await self._sleep(pause)
        except TimeoutError:
            return False

    async def _read(self, course: _Course) -> Order | None:
        """Asks about the old order; None where there is no answer, or it is not found."""
        order, venue = course.tracked.order, course.change.link.venue
        try:
            found = await venue.fetch_order(order.instrument, order.client_order_id, order.venue_order_id)
        except VenueError:
            return None
        self._store.confirm(found)
        return found

    async def _read_back(self, course: _Course) -> float | None:
        """Asks once more about the cancelled order; returns the least seconds until asking again, None if done."""
        order, venue = course.tracked.order, course.change.link.venue
        can = venue.capabilities
        try:
            found = await venue.fetch_order(order.instrument, order.client_order_id, order.venue_order_id)
        except OrderNotFound:
            may_miss = can.forgets_unfilled and not order.filled_quantity
            return None if may_miss or not can.lookup_covers_closed else 0.0
        except RateLimited as error:
            return error.retry_after or 0.0
        except VenueError:
            return 0.0
        self._store.confirm(found)
        return None if found.status.is_terminal else 0.0

    def _why_not(self, course: _Course) -> str:
        """Says, in words for the trader, why nothing new is sent; empty where the cancel is proven."""
        old, status, refusal = course.change.old, course.tracked.status, course.refusal
        if status is OrderStatus.FILLED:
            return f"edit: {old} was filled before it could be cancelled: "
        if status.is_terminal and status is not OrderStatus.CANCELED:
            return f"edit: {old} has ended as {status.value}, not by its cancel: "
        if status is OrderStatus.CANCELED and refusal is not None:
            return f"edit: {old} was cancelled, but not by this edit ({refusal.words}): "
        if refusal is not None:
            stays = ", it rests as it was" if course.is_found and status in _RESTS else ""
            return f"edit: {old} was not cancelled ({refusal.words}){stays}: "
        if why := course.sequel.hindrance(self._clock()):
            return f"edit stopped, {why}: {_state(course)}, "
        if status is not OrderStatus.CANCELED:
            return f"edit: {_state(course)}: "
        if course.tracked.order.is_triggered is not course.change.was_triggered:
            return f"edit: {old} is cancelled, but its trigger was reached: "
        return ""

    def _given_up(self, change: Change) -> str:
        after = f"edit given up after {self._patience:g} s"
        match change.tracked.status:
            case OrderStatus.CANCELED:
                words = f"{after}: {change.old} is cancelled, but what had traded of it could not be read back"
            case OrderStatus.NEW | OrderStatus.PARTIALLY_FILLED:
                words = f"{after}: {change.old} still rests"
            case _:
                words = f"{after}: nobody has said what became of the cancel of {change.old}"
        return f"{words}. Nothing new was sent: look at it, then place it anew yourself"

    async def _place(self, course: _Course) -> str:
        """Sends what is left of the wish; returns how that ended, for the journal."""
        change, tracked, old = course.change, course.tracked, course.change.old
        done = tracked.order.filled_quantity
        left = change.wish.quantity - done
        if left <= 0:
            words = f"{figure(done)} of {figure(change.wish.quantity)} had traded"
            self._say(f"edit: {old} is cancelled, {words}: {_NOTHING}", tracked, FactKind.NOT_SENT)
            return _NOTHING
        _, market = self._trader.market(change.wish.instrument)
        outcome = self._judge(change, market, left)
        work = new = None
        if outcome.verdict is Verdict.SENT:
            # As of an amendment, only what it adds counts into the budget.
            added = max(ZERO, notional_of(change.wish, market, self._guards.limits) - change.before)
            wish = msgspec.structs.replace(change.wish, quantity=left)
            outcome, new, work = await self._trader.prepare_order(
                change.link, wish, added, course.key, lambda: course.sequel.hindrance(self._clock())
            )
        if work is None or new is None:
            reasons = "; ".join(reason.text for reason in outcome.reasons)
            traded = f" with {figure(done)} filled" if done else ""
            words = f"edit: {old} is cancelled{traded}, and {figure(left)} was not placed anew: {reasons}"
            self._say(words, tracked, FactKind.NOT_SENT, Severity.ALARM)
            return _NOTHING
        traded = f", of which {figure(done)} had traded" if done else ""
        words = f"edit: {self._words(new)} goes out in the place of {old}{traded}"
        self._say(words, new, severity=Severity.INFO)
        self._replaced[tracked.key] = (done, self._words(new))
        if len(self._replaced) > _WATCHED:
            del self._replaced[next(iter(self._replaced))]
        # Sent from here on: what stops a sequel can no longer reach it, but panic and cancel can.
        self._trader.sequels.end(course.sequel)
        await work
        if new.status is OrderStatus.REJECTED:
            self._replaced.pop(tracked.key, None)
            words = f"edit: {old} is cancelled, and {self._words(new)} was refused: nothing rests of it"
            self._say(words, new, FactKind.NOTICE, Severity.ALARM)
        return "the new order was sent"

    def _words(self, tracked: Tracked, order: Order | None = None) -> str:
        return describe_tracked(tracked, self._store.instrument(tracked.order.instrument), order)

    def _say(
        self,
        text: str,
        tracked: Tracked,
        kind: FactKind = FactKind.ORDER,
        severity: Severity = Severity.WARNING,
    ) -> None:
        self._store.tell(
            Fact(
                ts=self._clock(),
                kind=kind,
                severity=severity,
                text=text,
                instrument=tracked.order.instrument,
                order_key=tracked.key,
            )
        )


def as_intent(order: Order) -> OrderIntent:
    """Returns the wish that an order, as its venue tells of it, would come of."""
    return OrderIntent(
        instrument=order.instrument,
        side=order.side,
        type=order.type,
        quantity=order.quantity,
        price=order.price,
        trigger_price=order.trigger_price,
        time_in_force=order.time_in_force,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        in_margin_wallet=order.in_margin_wallet,
        position_id=None if order.position_id in ("", "net") else order.position_id,
        take_profit=order.take_profit,
        stop_loss=order.stop_loss,
    )


def request_of(intent: OrderIntent, key: str) -> OrderRequest:
    """Returns the command that a wish becomes. Raises ValueError where it makes no sense on any venue."""
    wanted = {name: getattr(intent, name) for name in OrderIntent.__struct_fields__ if name != "overrides"}
    return OrderRequest(client_order_id=key, **wanted)


def is_less(wish: OrderIntent, now: OrderIntent) -> bool:
    """Says whether `wish` differs from what rests by nothing but a smaller size, so that it takes risk off."""
    return wish.quantity < now.quantity and (wish.price, wish.trigger_price) == (now.price, now.trigger_price)


def _state(course: _Course) -> str:
    old = course.change.old
    match course.tracked.status:
        case OrderStatus.CANCELED:
            return f"{old} is cancelled"
        case OrderStatus.NEW | OrderStatus.PARTIALLY_FILLED:
            return f"{old} still rests"
        case OrderStatus.PENDING_CANCEL:
            return f"the cancel of {old} is on its way"
    return f"nobody has said what became of {old}"
