"""Cancel everything, flatten, prove it: repeated until the venue has twice said that nothing is left.

Spot balances stay. The rest is closed reduce-only, so that a close that arrives twice can not open anything. A
failed read is not an empty one, and whatever breaks at one venue, order or position, an adapter's own fault too,
stops nothing elsewhere. This is the one place where a journal that can not be written stops nothing: what leaves
here only takes risk off, and the receipt says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from tui.desk.dispatch import Dispatcher, Fate
from tui.desk.exits import bound_by
from tui.desk.facts import describe_funds, figure
from tui.desk.frame import Fact, FactKind, PanicLine, PanicReceipt, Severity
from tui.desk.funds_book import UNKNOWN
from tui.desk.inert import sanitise
from tui.desk.journal import CancelAllRequest
from tui.desk.link import Link
from tui.desk.order_states import OrderNews
from tui.desk.store import Store
from tui.desk.tasks import cancelled
from tui.desk.trading import Trader
from venues.commands import CancelRequest
from venues.errors import AuthenticationError, RateLimited, VenueError
from venues.model import NANOSECONDS, ZERO, Instrument, InstrumentId, Order, OrderStatus, Position
from venues.port import HasMarginWallet
from venues.rounding import floor_to

logger = logging.getLogger(__name__)
T = TypeVar("T")

EMPTY_READS = 2
_MOST_DOUBLED = 4  # pauses, while a venue refuses the key: what calls on is banned, and no more is learnt of why
_CANCEL_SECONDS = 1.0  # after which positions are closed although the cancel is not answered
_RESERVE = Decimal("1.02")  # of what a market order may cost: the book is not flat, and there is a fee


class Panic:
    """Runs the procedure on the venues of `links`. `pause` is between two reads, `patience` in all; in seconds."""

    def __init__(
        self,
        store: Store,
        links: Mapping[str, Link],
        trader: Trader,
        dispatcher: Dispatcher,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        pause: float = 0.25,
        patience: float = 15.0,
    ) -> None:
        self._store = store
        self._links = links
        self._trader = trader
        self._dispatcher = dispatcher
        self._clock = clock
        self._sleep = sleep
        self._pause = pause
        self._patience = patience

    async def run(self, instrument: InstrumentId | None = None) -> PanicReceipt:
        """Cancels and flattens `instrument`, or everything, on all venues at once."""
        began = self._clock()
        self._trader.sequels.stop("everything is cancelled", instrument=instrument)
        links = [
            link
            for link in self._links.values()
            if link.takes_orders and (instrument is None or instrument.venue == link.name)
        ]
        states = [_State() for _ in links]
        ends = await asyncio.gather(
            *(self._clear(link, instrument, state) for link, state in zip(links, states, strict=True)),
            return_exceptions=True,
        )
        for state, end in zip(states, ends, strict=True):
            if isinstance(end, BaseException):
                state.forget()
                state.note = _words_of(end)
        lines = [self._line(link, instrument, state) for link, state in zip(links, states, strict=True)]
        return PanicReceipt(ts=began, duration=self._clock() - began, lines=tuple(lines))

    async def _clear(self, link: Link, instrument: InstrumentId | None, state: _State) -> None:
        for tracked in self._store.orders.open_orders(link.name):
            if instrument in (None, tracked.order.instrument):
                state.seen[_name(tracked.order)] = tracked.order
        try:
            async with asyncio.timeout(self._patience):
                await self._repeat(link, instrument, state)
                if state.cancelling is not None:
                    await asyncio.wait({state.cancelling})
                if instrument is None:
                    await self._read_debts(link, state)
        except TimeoutError:
            state.note = state.note or f"not finished within {self._patience:.0f} s"
        finally:
            if state.cancelling is not None:
                await cancelled({state.cancelling})

    async def _repeat(self, link: Link, instrument: InstrumentId | None, state: _State) -> None:
        # An order whose command is still on its way can reach the venue after it was read empty twice.
        while state.empty_reads < EMPTY_READS or self._count_unsettled(link, instrument, is_moving=True):
            if state.orders is None or state.orders:
                await self._begin_cancel(link, instrument, state)
            await self._close_all(link, instrument, state)
            ban = await _contained(self._read(link, instrument, state))
            if ban is not None and not isinstance(ban, RateLimited):
                state.note = _words_of(ban)
            elif ban is not None:
                wait = ban.retry_after or 0.0
                state.note = sanitise(f"banned {_until(self._clock(), wait)}: {ban.message}")
                if wait > self._patience:  # calling on would only prolong it
                    return
                await self._sleep(wait)
            if state.empty_reads < EMPTY_READS or self._count_unsettled(link, instrument, is_moving=True):
                # What the first read found is acted on at once; after that the venue gets time to catch up.
                pause = self._pause * 2 ** min(_MOST_DOUBLED, state.refused)
                await self._sleep(pause if state.rounds or state.empty_reads else 0.0)
            state.rounds += 1

    async def _begin_cancel(self, link: Link, instrument: InstrumentId | None, state: _State) -> None:
        """Cancels, one command at a time: one whose answer is lost must not keep positions from being closed."""
        if state.cancelling is not None and not state.cancelling.done():
            return

        async def cancel() -> None:
            ended = await _contained(self._cancel(link, instrument, state))
            if ended is not None:
                state.note = _words_of(ended)

        state.cancelling = asyncio.create_task(cancel())
        await asyncio.wait({state.cancelling}, timeout=_CANCEL_SECONDS)

    async def _cancel(self, link: Link, instrument: InstrumentId | None, state: _State) -> None:
        request = CancelAllRequest(venue=link.name, instrument=instrument)
        state.fault = await self._dispatcher.prepare(request) or state.fault
        targets = [
            tracked
            for tracked in self._store.orders.open_orders(link.name)
            if instrument in (None, tracked.order.instrument)
        ]
        for tracked in targets:
            self._store.orders.command_sent(tracked, OrderNews.CANCEL_SENT)
        answer = await self._dispatcher.cancel_all(link.venue, request, targets, is_urgent=True)
        state.fault = answer.fault or state.fault
        state.seen |= {_name(order): order for order in answer.orders}
        if answer.fate is not Fate.ANSWERED:
            state.note = answer.words
        for tracked in targets:
            # The venue may hold an order that it does not list yet: one that was sent and never answered.
            if tracked.status is OrderStatus.UNKNOWN and tracked.in_flight == 0:
                order = tracked.order
                single = CancelRequest(
                    instrument=order.instrument,
                    client_order_id=order.client_order_id,
                    venue_order_id=order.venue_order_id,
                )
                await self._dispatcher.prepare(single)
                self._store.orders.command_sent(tracked, OrderNews.CANCEL_SENT)
                await self._dispatcher.cancel(link.venue, single, tracked, is_urgent=True)

    async def _read_debts(self, link: Link, state: _State) -> None:
        """Reads what the margin wallet owes: panic never pays anything back, and the receipt says what is left."""
        venue, began = link.venue, self._clock()
        if isinstance(venue, HasMarginWallet) and venue.capabilities.margin_wallet:
            account = await _contained(venue.fetch_margin_account())
            if isinstance(account, BaseException):
                logger.warning("what the margin wallet of %s owes: %s", link.name, _words_of(account))
                return
            self._store.replace_margin(account, began)
            state.has_read_debts = True

    async def _close_all(self, link: Link, instrument: InstrumentId | None, state: _State) -> None:
        """Closes what was read, all at once: one answer that is lost must not hold up the others."""
        held = state.positions or ()
        if state.positions is None and state.rounds and not state.has_guessed:
            # They can not be read: what was last heard of them is closed, once, since that can open nothing.
            state.has_guessed = True
            held = [
                one
                for (of, _), one in self._store.ledger.positions.items()
                if of.venue == link.name and instrument in (None, of) and not one.in_margin_wallet
            ]
            state.held |= {(p.instrument, p.position_id) for p in held}

        async def close_in_turn(positions: Iterable[Position]) -> None:
            for position in positions:
                ended = await _contained(self._close(link, position, state))
                if ended is not None:
                    state.note = _words_of(ended)

        # Those of a margin wallet are paid for with the same money, one after the other.
        turns = [[one] for one in held if not one.in_margin_wallet]
        turns.append([one for one in held if one.in_margin_wallet])
        await asyncio.gather(*(close_in_turn(turn) for turn in turns))

    async def _close(self, link: Link, position: Position, state: _State) -> None:
        instrument = self._store.instrument(position.instrument)
        if instrument is None:
            state.note = f"{sanitise(position.instrument.symbol, 32)} is not known here, it was not closed"
            return
        closes, settle = self._trader.closes, link.venue.capabilities.settle
        if position.in_margin_wallet and closes.is_pending(
            link.name, instrument.base, position.quantity, settle, self._clock()
        ):
            return
        quantity = floor_to(abs(position.quantity), instrument.lot_size)
        if instrument.max_quantity is not None:
            quantity = min(quantity, floor_to(instrument.max_quantity, instrument.lot_size))
        if link.venue.capabilities.position_sides:
            left = floor_to(abs(position.quantity) - bound_by(state.orders or (), position), instrument.lot_size)
            quantity = min(quantity, left) if left > 0 else quantity  # the rest follows, once that is cancelled
        if position.in_margin_wallet and position.quantity < 0:
            payable = floor_to(self._payable(link, instrument), instrument.lot_size)
            # An order for more than the money there would be refused; the rest follows, where there is some.
            quantity = min(quantity, payable) if payable else quantity
        if not quantity:
            state.note = f"less than one lot of {instrument.name} is left"
            return
        request = self._trader.closing_request(link, position, quantity)
        tracked = self._store.orders.submitted(request, self._clock())
        if position.in_margin_wallet:
            closes.note(link.name, instrument.base, tracked, position.quantity, self._clock())
        state.fault = await self._dispatcher.prepare(request) or state.fault
        answer = await self._dispatcher.submit(link.venue, request, tracked, is_urgent=True)
        state.fault = answer.fault or state.fault
        if answer.fate is not Fate.ANSWERED:
            state.note = answer.words

    def _payable(self, link: Link, instrument: Instrument) -> Decimal:
        """Returns how much of its base the margin wallet's free money buys; zero where that is not known."""
        wallet, market = self._store.margins.get(link.name), self._store.markets.get(instrument.id)
        money = wallet.asset(instrument.quote) if wallet is not None else None
        price = market.mid() if market is not None else None
        return money.available / (price * _RESERVE) if money is not None and price else ZERO

    async def _read(self, link: Link, instrument: InstrumentId | None, state: _State) -> RateLimited | None:
        """Reads what is left, positions also where orders can not be read; returns a ban."""
        venue = link.venue
        # What is on its way meanwhile may rest there by the end of a read that did not have it.
        is_still = not self._count_unsettled(link, instrument, is_moving=True)
        orders = await _contained(venue.fetch_open_orders())
        state.refused = state.refused + 1 if isinstance(orders, AuthenticationError) else 0
        if isinstance(orders, RateLimited):
            state.forget()
            return orders
        began, held = self._clock(), None
        if venue.capabilities.positions:
            held = await _contained(venue.fetch_positions())
        if isinstance(held, BaseException):
            state.positions, state.note = None, _words_of(held)
        else:
            state.positions = [p for p in held or () if p.quantity and instrument in (None, p.instrument)]
            state.held |= {(p.instrument, p.position_id) for p in state.positions}
        if isinstance(orders, BaseException):
            state.orders, state.note = None, _words_of(orders)
        else:
            state.orders = [order for order in orders if instrument in (None, order.instrument)]
            state.seen |= {_name(order): order for order in state.orders}
        state.empty_reads = state.empty_reads + 1 if state.orders == [] == state.positions and is_still else 0
        if held is not None and not isinstance(held, BaseException):
            self._store.ledger.replace_positions(link.name, held, began)
            self._store.note_positions()
        for order in state.orders or ():
            if self._store.instrument(order.instrument) is not None:
                self._store.orders.confirm(order)
        return held if isinstance(held, RateLimited) else None

    def _line(self, link: Link, instrument: InstrumentId | None, state: _State) -> PanicLine:
        left = {_name(order) for order in state.orders or ()}
        held = {(p.instrument, p.position_id) for p in state.positions or ()}
        unknown = self._count_unsettled(link, instrument)
        is_read, are_told = state.orders is not None, state.positions is not None
        note = state.note if state.empty_reads < EMPTY_READS else ""
        if unknown:
            why = f" ({note})" if note else ""
            note = f"{unknown} sent, and nobody knows what became of it: look again{why}"
        if state.fault:  # also where all is proven: what was done here stands in no journal
            note = f"{note}; {state.fault}" if note else state.fault
        if instrument is None and (owed := self._owed(link, state)):
            note = f"{note}; {owed}" if note else owed
        return PanicLine(
            venue=link.name,
            account=link.account,
            cancelled=sum(self._is_cancelled(name, state) for name in state.seen.keys() - left) if is_read else 0,
            closed=len(state.held - held) if are_told else 0,
            orders_left=len(left) if is_read else len(state.seen),
            positions_left=len(held) if are_told else len(state.held) or self._count_positions(link, instrument),
            is_proven=state.empty_reads >= EMPTY_READS and not unknown,
            note=note,
        )

    def _owed(self, link: Link, state: _State) -> str:
        """Says what the margin wallet of a venue owes, as far as anybody knows; empty where it owes nothing."""
        name, wallet = link.venue.capabilities.margin_wallet, self._store.margins.get(link.name)
        if not name:
            return ""
        if wallet is None:
            return f"what the {name} owes is not known"
        debts = [f"{figure(asset.debt)} {sanitise(asset.currency, 32)}" for asset in wallet.assets if asset.debt]
        said = f"{name} still owes {', '.join(debts)}{'' if state.has_read_debts else ', as last heard'}"
        unknown = [
            describe_funds(move.request) for move in self._store.funds.open(link.name) if move.state == UNKNOWN
        ]
        doubts = [f"nobody knows what became of {what}" for what in unknown]
        return "; ".join([said, *doubts] if debts else doubts)

    def _count_unsettled(self, link: Link, instrument: InstrumentId | None, *, is_moving: bool = False) -> int:
        """Counts orders with a command on its way and, unless only those are meant, those that are UNKNOWN."""
        return sum(
            instrument in (None, tracked.order.instrument)
            and (tracked.in_flight > 0 or (tracked.status is OrderStatus.UNKNOWN and not is_moving))
            for tracked in self._store.orders.open_orders(link.name)
        )

    def _is_cancelled(self, name: str, state: _State) -> bool:
        tracked = self._store.orders.find(state.seen[name])
        return tracked is None or tracked.status not in (OrderStatus.FILLED, OrderStatus.REJECTED)

    def _count_positions(self, link: Link, instrument: InstrumentId | None) -> int:
        return sum(
            held.venue == link.name and instrument in (None, held) for held, _ in self._store.ledger.positions
        )


class _State:
    """How far one venue has come. None: not read, or the last read failed."""

    def __init__(self) -> None:
        self.orders: list[Order] | None = None
        self.positions: list[Position] | None = None
        self.seen: dict[str, Order] = {}
        self.held: set[tuple[InstrumentId, str]] = set()
        self.empty_reads = 0
        self.rounds = 0
        self.refused = 0  # reads in a row
        self.note = ""
        self.has_read_debts = False
        self.has_guessed = False  # what was held was closed by what was last heard of it
        self.fault = ""  # of the journal, which stops nothing here
        self.cancelling: asyncio.Task[None] | None = None

    def forget(self) -> None:
        self.orders = self.positions = None
        self.empty_reads = 0


async def _contained(work: Coroutine[Any, Any, T]) -> T | BaseException:
    """Returns what `work` returned or raised: nothing that an adapter may raise ends a panic."""
    outcomes: Sequence[T | BaseException] = await asyncio.gather(work, return_exceptions=True)
    return outcomes[0]


def _words_of(error: BaseException) -> str:
    if isinstance(error, VenueError):
        return sanitise(error.message)
    logger.error("something in a panic ended unexpectedly", exc_info=error)
    return type(error).__name__


def _name(order: Order) -> str:
    return order.client_order_id or order.venue_order_id


def _until(now: int, seconds: float) -> str:
    at = datetime.fromtimestamp(now / NANOSECONDS + seconds, UTC)
    return f"until {at:%H:%M:%S}"


def flatten_words(line: PanicLine) -> str:
    """Returns what flattening achieved on one venue."""
    left = "" if line.is_proven else f"; left: {line.orders_left} orders, {line.positions_left} positions"
    note = f" ({line.note})" if line.note else ""
    return f"flatten {line.venue}: {line.cancelled} cancelled, {line.closed} closed{left}{note}"


def panic_fact(receipt: PanicReceipt, ts: int) -> Fact:
    """Returns a receipt as it is told to everybody; `ts` in nanoseconds UTC."""
    is_flat = all(line.is_proven for line in receipt.lines)
    severity, text = Severity.GOOD, "panic: nothing is left"
    if not receipt.lines:
        severity, text = Severity.WARNING, "panic: nothing was done: no venue of this desk takes orders"
    elif not is_flat:
        severity, text = Severity.ALARM, "panic: SOMETHING IS LEFT, read the receipt"
    return Fact(ts=ts, kind=FactKind.PANIC, severity=severity, text=text, receipt=receipt)
