"""The trader's wishes, carried out: guards, then journal, then the venue; the rest comes back as facts.

Each wish returns as soon as the desk itself has decided. Sending goes on in tasks of `Tasks`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Protocol, TypeAlias

import msgspec

from tui.desk.control import AmendIntent, CancelScope, OrderIntent, Outcome, Verdict, denied
from tui.desk.dispatch import Answer, Dispatcher, Fate
from tui.desk.editing import Editing, as_intent, is_less, request_of
from tui.desk.exits import is_exit
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.guards import Guards, MarketNow, notional_of
from tui.desk.journal import CancelAllRequest
from tui.desk.leverage import Leverage
from tui.desk.link import Link
from tui.desk.margin_modes import with_mode
from tui.desk.order_states import OrderNews
from tui.desk.orders import Tracked
from tui.desk.perpetual_guards import about_position
from tui.desk.sequels import Sequel, Sequels
from tui.desk.settling import UNSETTLED
from tui.desk.store import Store, Topic
from tui.desk.wallet_closes import Closes
from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import UnknownInstrument
from venues.model import InstrumentId, MarginMode, Order, OrderStatus, OrderType, Position, Side
from venues.port import Mode
from venues.rounding import floor_to


class Tasks(Protocol):
    """Where work goes that outlives the wish that began it."""

    def begin(self, work: Coroutine[Any, Any, None]) -> None: ...


Prepared: TypeAlias = tuple[Outcome, Tracked | None, Coroutine[Any, Any, None] | None]
"""What the desk decided about an order, the order, and the work of sending it."""


class Trader:
    """Carries out wishes on the venues of `links`. `settle` is told of orders whose fate is to be looked up.

    `sleep` takes seconds; `edit_patience` is how many an edit waits for the proof of its cancel.
    """

    def __init__(
        self,
        store: Store,
        links: Mapping[str, Link],
        guards: Guards,
        dispatcher: Dispatcher,
        tasks: Tasks,
        clock: Callable[[], int],
        settle: Callable[[Link, Tracked], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        edit_patience: float = 10.0,
    ) -> None:
        self._store = store
        self._links = links
        self._guards = guards
        self._dispatcher = dispatcher
        self.tasks = tasks
        self._clock = clock
        self._settle = settle
        self.sequels = Sequels(guards, clock)
        self.closes = Closes()
        self._leverage = Leverage(store, guards, dispatcher, clock)
        self._editing = Editing(self, store, guards, dispatcher, clock, sleep, edit_patience)

    def note_order(self, tracked: Tracked) -> None:
        """Hears of every change of an order; wakes who waits for its end."""
        self.sequels.note_order(tracked)
        self._editing.note_order(tracked)

    def check(self, intent: OrderIntent) -> Outcome:
        """Asks the guards. Raises UnknownInstrument."""
        intent, link, market = self._meant(intent)
        return self._guards.check(intent, market, self._unknown_orders(link), self._clock())

    async def submit(self, intent: OrderIntent) -> Outcome:
        """Sends an order that the guards let pass. Raises UnknownInstrument."""
        outcome, tracked, work = await self._prepare(intent)
        if work is not None and tracked is not None:
            self.tasks.begin(work)
        return outcome

    async def amend(self, intent: AmendIntent) -> Outcome:
        """Changes an order that rests; where its venue can not, by cancel and new. Raises UnknownInstrument."""
        if (refusal := self._guards.refusal()) is not None:
            return refusal
        tracked = self._store.orders.get(intent.key)
        if tracked is None or tracked.status.is_terminal:
            return denied("order", "the order is over")
        link, market = self.market(tracked.order.instrument)
        if tracked.status in UNSETTLED or tracked.status is OrderStatus.PENDING_NEW:
            return denied("order", "the order is on its way: wait for the venue's word")
        if not market.capabilities.amend:
            return await self._editing.run(intent, tracked, link, market)
        order = tracked.order
        price = intent.price if intent.price is not None else order.price
        quantity = intent.quantity if intent.quantity is not None else order.quantity
        trigger = intent.trigger_price if intent.trigger_price is not None else order.trigger_price
        if quantity <= order.filled_quantity:
            return denied("size", f"{order.filled_quantity:f} are filled already: cancel the rest instead")
        now = as_intent(order)
        wish = msgspec.structs.replace(now, price=price, quantity=quantity, trigger_price=trigger)
        wish = msgspec.structs.replace(wish, overrides=intent.overrides)
        before = notional_of(now, market, self._guards.limits)
        outcome = self._guards.check(
            wish, market, (), self._clock(), is_amend=True, notional_before=before, is_less=is_less(wish, now)
        )
        if outcome.verdict is not Verdict.SENT:
            return outcome
        try:
            request = AmendRequest(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                price=intent.price,
                quantity=intent.quantity,
                trigger_price=intent.trigger_price,
            )
        except ValueError as error:
            return denied("order", str(error))
        self._store.orders.command_sent(tracked, OrderNews.REPLACE_SENT)
        added = notional_of(wish, market, self._guards.limits) - before
        counted = added if added > 0 and not order.reduce_only else None
        if words := await self._written(request, partial(self._refuse_change, tracked), counted):
            return denied("journal", words)
        if counted is not None:
            self._guards.budget_used += added
            self.show_budget()
        sent_at = self._clock()

        async def send() -> None:
            answer = await self._dispatcher.amend(link.venue, request, tracked)
            if answer.fate is Fate.NOT_SENT and counted is not None:
                self._guards.give_back(counted, sent_at)
                self.show_budget()
            self._look_after(link, tracked)

        self.tasks.begin(send())
        return Outcome(verdict=Verdict.SENT, order_key=tracked.key)

    async def cancel(self, key: str) -> Outcome:
        """Cancels one order. Never locked, and allowed while nobody knows what became of the order."""
        if (refusal := self._guards.refusal()) is not None:
            return refusal
        if self._store.funds.get(key) is not None:
            return denied("funds", "a loan, a repayment, a transfer or a change of margin can not be cancelled")
        tracked = self._store.orders.get(key)
        was_waited_for = self.sequels.stop("you cancelled it", key=key)
        if tracked is None or tracked.status.is_terminal:
            if was_waited_for:  # what was to follow it is what is cancelled
                return Outcome(verdict=Verdict.SENT, order_key=key)
            return denied("order", "the order is over")
        return await self.send_cancel(self._links[tracked.order.instrument.venue], tracked)

    async def send_cancel(
        self, link: Link, tracked: Tracked, then: Callable[[Answer], None] | None = None
    ) -> Outcome:
        """Sends the cancel of one order; `then` hears what became of it."""
        order = tracked.order
        if link.venue.capabilities.mode is Mode.READ_ONLY:
            return denied("read-only", f"{link.name} is open for reading only")
        request = CancelRequest(
            instrument=order.instrument,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
        )
        self._store.orders.command_sent(tracked, OrderNews.CANCEL_SENT)
        if words := await self._written(request, partial(self._refuse_change, tracked)):
            return denied("journal", f"{words} (panic cancels without it)")

        async def send() -> None:
            answer = await self._dispatcher.cancel(link.venue, request, tracked)
            self._look_after(link, tracked)
            if then is not None:
                then(answer)

        self.tasks.begin(send())
        return Outcome(verdict=Verdict.SENT, order_key=tracked.key)

    async def cancel_all(self, scope: CancelScope) -> Outcome:
        """Cancels what rests within `scope`, external orders included, each venue in a task of its own."""
        if (refusal := self._guards.refusal()) is not None:
            return refusal
        venue = scope.instrument.venue if scope.instrument is not None else scope.venue
        if venue is not None and venue not in self._links:
            return denied("venue", f"there is no venue {venue}")
        self.sequels.stop("you cancelled it", venue=venue, instrument=scope.instrument, side=scope.side)
        for link in self._links.values():
            if venue in (None, link.name) and link.takes_orders:
                self.tasks.begin(self.cancel_venue(link, scope.instrument, scope.side))
        return Outcome(verdict=Verdict.SENT)

    async def cancel_venue(
        self, link: Link, instrument: InstrumentId | None = None, side: Side | None = None
    ) -> None:
        """Cancels on one venue, and has looked up what the venue did not answer about."""
        request = CancelAllRequest(venue=link.name, instrument=instrument, side=side)
        if words := await self._dispatcher.prepare(request):
            self._tell(FactKind.NOT_SENT, f"{link.name}: orders were not cancelled: {words}")
            return
        targets = [
            tracked
            for tracked in self._store.orders.open_orders(link.name)
            if instrument in (None, tracked.order.instrument) and side in (None, tracked.order.side)
        ]
        for tracked in targets:
            self._store.orders.command_sent(tracked, OrderNews.CANCEL_SENT)
        await self._dispatcher.cancel_all(link.venue, request, targets)
        for tracked in targets:
            self._look_after(link, tracked)

    async def close_position(self, instrument: InstrumentId, position_id: str, percent: int) -> Outcome:
        """Sends a reduce-only market order for `percent` of a position, rounded down to the lot."""
        position = self._store.ledger.positions.get((instrument, position_id))
        if position is None:
            return denied("position", "there is no such position")
        intent = self._closing(position, percent)
        if isinstance(intent, Outcome):
            return intent
        outcome = await self.submit(intent)
        if (tracked := self._store.orders.get(outcome.order_key)) is not None:
            self.closes.note_position(position, tracked, self._clock())
        return outcome

    async def reverse_position(self, instrument: InstrumentId, position_id: str, patience: float) -> Outcome:
        """Closes, and opens the other way once the close is FILLED; waits for that `patience` seconds at most."""
        position = self._store.ledger.positions.get((instrument, position_id))
        if position is None:
            return denied("position", "there is no such position")
        closing = self._closing(position, 100)
        if isinstance(closing, Outcome):
            return closing
        if position.in_margin_wallet and (words := self._why_not_short(position, closing.quantity)):
            return denied("position", words)
        keeps_mode = self._links[instrument.venue].venue.capabilities.margin_mode_of_order
        opening = msgspec.structs.replace(
            closing, reduce_only=False, position_id=None, overrides=frozenset(),
            margin_mode=position.margin_mode if keeps_mode else None,
        )  # fmt: skip
        allowed = self.check(opening)
        if allowed.verdict is not Verdict.SENT:
            return allowed
        outcome, tracked, work = await self._prepare(closing)
        if work is None or tracked is None:
            return outcome
        sequel = self.sequels.begin(tracked, self._links[instrument.venue])

        async def run() -> None:
            await work
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await sequel.until(lambda: tracked.status.is_terminal or tracked.status is OrderStatus.UNKNOWN)
            await self._open_after(sequel, opening)

        self.tasks.begin(run())
        return outcome

    def _why_not_short(self, position: Position, quantity: Decimal) -> str:
        """Says why what a margin wallet holds can not be sold twice; empty where it can. None lends by itself."""
        instrument = self._store.instrument(position.instrument)
        wallet = self._store.margins.get(position.instrument.venue)
        asset = wallet.asset(instrument.base) if wallet is not None and instrument is not None else None
        if position.quantity < 0 or asset is None or asset.available >= 2 * quantity:
            return ""
        return (
            f"{asset.available:f} {asset.currency} is free: close it, borrow {asset.currency} (M), and sell that"
        )

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> Outcome:
        """Sets leverage at the venue and waits for its word, since nothing rests on the book meanwhile."""
        return await self._leverage.set(*self.market(instrument), leverage, margin_mode)

    def closing_request(self, link: Link, position: Position, quantity: Decimal) -> OrderRequest:
        """Makes the reduce-only market order that closes `quantity` of a position."""
        return OrderRequest(
            instrument=position.instrument,
            client_order_id=link.next_id(),
            side=Side.SELL if position.quantity > 0 else Side.BUY,
            type=OrderType.MARKET,
            quantity=quantity,
            reduce_only=True,
            position_id=None if position.position_id == "net" else position.position_id,
            in_margin_wallet=position.in_margin_wallet,
        )

    def _closing(self, position: Position, percent: int) -> OrderIntent | Outcome:
        instrument = self._store.instrument(position.instrument)
        if instrument is None or not 1 <= percent <= 100:
            return denied("size", "a part of 1 to 100 % can be closed")
        if position.in_margin_wallet and self.closes.is_pending(
            instrument.id.venue, instrument.base, position.quantity,
            self._links[instrument.id.venue].venue.capabilities.settle, self._clock(),
        ):  # fmt: skip
            return denied("duplicate", "a close of it is on its way, or is not shown yet in what the wallet holds")
        if self._links[instrument.id.venue].venue.capabilities.position_sides and self.closes.is_unshown(
            position, self._clock()
        ):
            return denied("duplicate", "a part of it was closed, and its size here is that of before: wait for it")
        quantity = floor_to(abs(position.quantity) * percent / 100, instrument.lot_size)
        if not quantity:
            return denied("size", f"{percent} % of the position is less than one lot")
        return OrderIntent(
            instrument=position.instrument,
            side=Side.SELL if position.quantity > 0 else Side.BUY,
            type=OrderType.MARKET,
            quantity=quantity,
            reduce_only=True,
            position_id=None if position.position_id == "net" else position.position_id,
            in_margin_wallet=position.in_margin_wallet,
            overrides=frozenset() if self._is_closing(position) else frozenset({"duplicate"}),
        )

    def _is_closing(self, position: Position) -> bool:
        """Whether something that reduces the position is on its way; if not, a twin of the last close is a new
        wish: its size is a part of what is held now, half of 0.4 and then all of the 0.2 left.
        """
        return any(
            tracked.order.reduce_only
            and tracked.order.instrument == position.instrument
            and tracked.order.position_id in ("", position.position_id)
            and not is_exit(tracked.order)
            for tracked in self._store.orders.open_orders(position.instrument.venue)
        )

    def _meant(self, intent: OrderIntent) -> tuple[OrderIntent, Link, MarketNow]:
        """Returns the wish with what it leaves open, which position or which margin mode, and what it is about."""
        link, market = self.market(intent.instrument)
        intent = with_mode(intent, market.capabilities, market.instrument, market.positions)
        intent, market = about_position(intent, market, self._store.orders.open_orders(link.name))
        return intent, link, market

    async def _prepare(self, intent: OrderIntent, hindrance: Callable[[], str] = str) -> Prepared:
        """Guards, then `prepare_order`."""
        intent, link, market = self._meant(intent)
        outcome = self._guards.check(intent, market, self._unknown_orders(link), self._clock())
        notional = notional_of(intent, market, self._guards.limits)
        if outcome.verdict is Verdict.NEEDS_YES:
            return msgspec.structs.replace(outcome, notional=notional, currency=market.counted_in), None, None
        if outcome.verdict is not Verdict.SENT:
            return outcome, None, None
        return await self.prepare_order(link, intent, notional, link.next_id(), hindrance)

    async def prepare_order(
        self, link: Link, intent: OrderIntent, notional: Decimal, key: str, hindrance: Callable[[], str] = str
    ) -> Prepared:
        """Journal; returns the work of sending an order that the guards have let pass, where nothing forbids it.

        `notional` is what it counts in the budget. `hindrance` is asked when the journal has it, and says what has
        come between by then.
        """
        try:
            request = request_of(intent, key)
        except ValueError as error:
            return denied("order", str(error)), None, None
        now = self._clock()
        # From here on a second press of the same key meets the duplicate guard, however slow the journal is.
        self._guards.note_sent(intent, notional, now)
        self.show_budget()
        tracked = self._store.orders.submitted(request, now)
        if intent.reduce_only and intent.in_margin_wallet and (base := self._base_of(intent.instrument)):
            held = self._store.ledger.in_margin_wallet(intent.instrument)
            self.closes.note(link.name, base, tracked, held, now)
        counted = None if intent.reduce_only else notional

        def take_back(words: str) -> None:
            self._dispatcher.refuse(tracked, Fate.NOT_SENT, words)
            self._guards.note_not_sent(intent, notional)
            self.show_budget()

        if words := await self._written(request, take_back, counted):
            return denied("journal", words), None, None
        if words := hindrance():
            take_back(words)
            return denied("stopped", words), None, None

        async def send() -> None:
            answer = await self._dispatcher.submit(link.venue, request, tracked)
            if answer.fate is Fate.NOT_SENT:
                self._guards.note_not_sent(intent, notional)
                self.show_budget()
            self._look_after(link, tracked)

        return Outcome(verdict=Verdict.SENT, order_key=key), tracked, send()

    async def _written(
        self,
        request: OrderRequest | AmendRequest | CancelRequest,
        undo: Callable[[str], None],
        notional: Decimal | None = None,
    ) -> str:
        """Writes the journal ahead of `request`; says why it is denied, after `undo` was told so."""
        try:
            words = await self._dispatcher.prepare(request, notional)
        except asyncio.CancelledError:
            undo("nobody waited for it")
            raise
        if words:
            undo(words)
        return words

    def _refuse_change(self, tracked: Tracked, _words: str) -> None:
        self._store.orders.command_ended(tracked, OrderNews.COMMAND_REFUSED)

    async def _open_after(self, sequel: Sequel, opening: OrderIntent) -> None:
        closing = sequel.first
        self.sequels.end(sequel)
        if why := sequel.hindrance(self._clock()):
            self._tell(FactKind.NOT_SENT, f"reverse stopped, {why}: the other side was not opened")
            return
        if closing.status is not OrderStatus.FILLED:
            state = closing.status.value.replace("_", " ")
            self._tell(
                FactKind.UNKNOWN if closing.status is OrderStatus.UNKNOWN else FactKind.NOT_SENT,
                f"reverse stopped: the close is {state}, the other side was not opened",
            )
            return
        outcome, _, work = await self._prepare(opening, lambda: sequel.hindrance(self._clock()))
        if work is not None:
            await work
        if outcome.verdict is not Verdict.SENT:
            words = "; ".join(reason.text for reason in outcome.reasons)
            self._tell(FactKind.NOT_SENT, f"closed, but the other side was not opened: {words}")

    def _base_of(self, instrument: InstrumentId) -> str:
        known = self._store.instrument(instrument)
        return known.base if known is not None else ""

    def _look_after(self, link: Link, tracked: Tracked) -> None:
        if tracked.in_flight == 0:
            self._settle(link, tracked)

    def market(self, instrument: InstrumentId) -> tuple[Link, MarketNow]:
        market = self._store.markets.get(instrument)
        link = self._links.get(instrument.venue)
        if market is None or link is None:
            raise UnknownInstrument(instrument.venue, f"there is no instrument {instrument.symbol}")
        book = market.book if market.book is not None and market.book.is_valid else None
        bid, ask = (book.best_bid(), book.best_ask()) if book is not None else (None, None)
        ticker = market.ticker
        has_book = bid is not None and ask is not None
        rate, currency = self._store.rates.counted(instrument.venue, market.instrument.quote, self._store.currency)
        can = link.venue.capabilities
        if self._store.margins.is_absent(link.name):
            can = msgspec.structs.replace(can, margin_wallet="")
        return link, MarketNow(
            instrument=market.instrument,
            capabilities=can,
            mid=market.mid(),
            best_bid=bid[0] if bid is not None else ticker.bid if ticker is not None else None,
            best_ask=ask[0] if ask is not None else ticker.ask if ticker is not None else None,
            # An instrument that is not shown has no book here: its ticker is what the trader sees of it.
            is_book_valid=has_book or (market.book is None and market.last is not None),
            ts_recv=market.book_ts_recv if has_book else market.quote_ts_recv,
            is_reconciling=not link.is_reconciled,
            fault=link.fault,
            mark=market.fresh_mark(self._clock()),
            is_leverage_changing=self._leverage.is_changing(instrument),
            leverage_doubt=self._leverage.doubt(instrument, of_order=can.margin_mode_of_order),
            positions=self._store.ledger.held_in(instrument),
            in_wallet=self._store.ledger.in_margin_wallet(instrument),
            rate=rate,
            currency=currency,
        )

    def _unknown_orders(self, link: Link) -> Iterator[Order]:
        for tracked in self._store.orders.open_orders(link.name):
            if tracked.status is OrderStatus.UNKNOWN:
                yield tracked.order

    def show_budget(self) -> None:
        """Shows how much of the session's budget is used."""
        self._store.budget_used = self._guards.budget_used
        self._store.mark_dirty(Topic.ACCOUNTS)

    def _tell(self, kind: FactKind, text: str) -> None:
        self._store.tell(Fact(ts=self._clock(), kind=kind, severity=Severity.ALARM, text=text))
