"""The only state of the desk: one writer, `Store.apply(event)`, and frames of what has changed since the last.

Synchronous and not thread-safe: it lives on the engine's loop. Texts of venues are made inert on their way out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum, auto
from typing import Any

import msgspec

from tui.desk import facts as words
from tui.desk.frame import (
    AccountView,
    DeskView,
    Fact,
    FillView,
    Frame,
    FundsView,
    LogLine,
    MarginView,
    OrderView,
    QuoteView,
    RecoveryView,
    Severity,
    VenueView,
)
from tui.desk.funds_book import FundsBook, Move, Place
from tui.desk.inert import is_symbol, sanitise
from tui.desk.ledger import Ledger
from tui.desk.margin import MarginWallets
from tui.desk.market import Market
from tui.desk.orders import OrderTracker, Tracked
from tui.desk.rates import Rates
from tui.desk.valuation import Valuation
from tui.desk.views import book_view, in_watch_order, inert_instrument, order_view
from venues.book import Book
from venues.events import (
    BalanceUpdate,
    BarUpdate,
    BookDelta,
    BookSnapshot,
    Event,
    FillUpdate,
    LinkState,
    MarginUpdate,
    MarkPrice,
    Notice,
    OrderUpdate,
    PositionUpdate,
    StreamStatus,
    Ticker,
    Trade,
)
from venues.margin import MarginAccount
from venues.model import NANOSECONDS, ZERO, Fill, Instrument, InstrumentId, Order, OrderStatus

LOG_LINES = 1_000


class Topic(Enum):
    """One field of a frame."""

    DESK = auto()
    VENUES = auto()
    INSTRUMENTS = auto()
    BOOK = auto()
    TAPE = auto()
    BARS = auto()
    QUOTES = auto()
    ORDERS = auto()
    POSITIONS = auto()
    FILLS = auto()
    BALANCES = auto()
    ACCOUNTS = auto()
    MARGINS = auto()
    LOG = auto()
    RECOVERY = auto()


class Store:
    """The desk's state. `clock` returns nanoseconds UTC; facts go to `tell`, in order, each one.

    `currency` is what accounts are valued in. `on_order` hears of every change of an order's status, `keep` of
    each fact about an order that told something new, and whether the venue was asked for it.
    """

    def __init__(
        self,
        clock: Callable[[], int],
        tell: Callable[[Fact], None],
        currency: str = "USDT",
        on_order: Callable[[Tracked, OrderStatus | None], None] | None = None,
        keep: Callable[[Order | Fill, bool], None] | None = None,
    ) -> None:
        self._clock = clock
        self._tell = tell
        self._on_order = on_order
        self._keep = keep or (lambda *_: None)
        self.currency = currency
        self.desk = DeskView()
        self.interval = 60
        self.budget: Decimal | None = None
        self.budget_used = ZERO
        self.provable: Callable[[Tracked], int | None] = lambda _: None
        self.recovery: Callable[[], RecoveryView | None] = lambda: None
        self.venues: dict[str, VenueView] = {}
        self.is_counting_anew = False  # an account has come, gone or changed, and is not read back yet
        self.markets: dict[InstrumentId, Market] = {}
        self.shown: Market | None = None
        self.orders = OrderTracker(clock, self._note_order)
        self.ledger = Ledger(clock())
        self.margins = MarginWallets(clock, self.tell, self._wallet_name)
        self.funds = FundsBook(lambda _: self.mark_dirty(Topic.MARGINS, Topic.POSITIONS, Topic.RECOVERY))
        self.provable_funds: Callable[[Move], int | None] = lambda _: None
        self._log: deque[LogLine] = deque(maxlen=LOG_LINES)
        self._dirty: set[Topic] = set(Topic)
        self.rates = Rates()
        self._valuation = Valuation(
            self.ledger, self.margins, self.markets, self.rates, currency, self._is_wallet_awaited
        )
        self._held: set[InstrumentId] = set()  # instruments with a position: their mark moves the P&L
        self._quarantined: set[InstrumentId] = set()
        self._live: set[str] = set()  # venues that were told as live, and not as lost since
        self._book_keepers: dict[str, Callable[[InstrumentId], Book | None]] = {}
        self._number = 0
        self._messages = 0
        self._second = 0
        self._takes: dict[type, Callable[[Any], None]] = {
            BookSnapshot: self._take_book,
            BookDelta: self._take_book,
            Trade: self._take_trade,
            Ticker: self._take_ticker,
            BarUpdate: self._take_bar,
            MarkPrice: self._take_mark,
            OrderUpdate: self._take_order,
            FillUpdate: self._take_fill,
            BalanceUpdate: self._take_balances,
            PositionUpdate: self._take_position,
            MarginUpdate: self._take_margin,
            StreamStatus: self._take_status,
            Notice: self._take_notice,
        }

    def apply(self, event: Event) -> None:
        """Takes one event. What is about an instrument that the store does not know is left aside, and logged."""
        self._messages += 1
        self._takes[type(event)](event)

    def mark_dirty(self, *topics: Topic) -> None:
        self._dirty.update(topics)

    def tell(self, fact: Fact) -> None:
        """Passes a fact on to whoever shows it, and keeps it in the log."""
        if fact.instrument is not None and len(self.venues) > 1:  # the same symbol may be on each of them
            fact = msgspec.structs.replace(fact, text=f"{fact.text} · {fact.instrument.venue}")
        self._log.append(LogLine(fact.ts, fact.severity, fact.text))
        self._dirty.add(Topic.LOG)
        self._tell(fact)

    def log(self, text: str, severity: Severity = Severity.INFO) -> None:
        """Keeps a line in the log, without telling it."""
        self._log.append(LogLine(self._clock(), severity, sanitise(text)))
        self._dirty.add(Topic.LOG)

    def set_venue(self, view: VenueView) -> None:
        self.venues[view.venue] = view
        self._dirty.add(Topic.VENUES)

    def change_venue(self, venue: str, **changes: Any) -> None:
        """Changes fields of a venue's view."""
        self.set_venue(msgspec.structs.replace(self.venues[venue], **changes))

    def change_desk(self, **changes: Any) -> None:
        """Changes fields of the desk's view."""
        self.desk = msgspec.structs.replace(self.desk, **changes)
        self._dirty.add(Topic.DESK)

    def set_instruments(self, instruments: Iterable[Instrument]) -> None:
        """Takes the instruments of a venue. What is known of a market stays."""
        for instrument in instruments:
            inert = inert_instrument(instrument)
            if inert is None:
                self._quarantine(instrument.id)
            elif (market := self.markets.get(inert.id)) is None:
                self.markets[inert.id] = market = Market(inert)
                if not inert.is_perpetual:
                    self.rates.add(market)
            else:
                market.instrument = inert
                market.shown_quote = None
        if self.shown is not None:
            self.change_desk(shown=self.shown.instrument)
        self._dirty.update(Topic)

    def instrument(self, instrument: InstrumentId) -> Instrument | None:
        market = self.markets.get(instrument)
        return market.instrument if market is not None else None

    def show(self, instrument: InstrumentId) -> None:
        """Makes `instrument` the shown one. Raises KeyError."""
        self.shown = self.markets[instrument]
        self.change_desk(shown=self.shown.instrument)
        self._dirty.update((Topic.BOOK, Topic.TAPE, Topic.BARS))

    def set_favourite(self, instrument: InstrumentId, is_favourite: bool) -> None:
        market = self.markets[instrument]
        market.is_favourite = is_favourite
        market.is_quoted = market.is_quoted or is_favourite
        market.shown_quote = None
        self._dirty.add(Topic.QUOTES)

    def account_of(self, venue: str) -> str:
        view = self.venues.get(venue)
        return view.account if view is not None else ""

    def confirm(self, order: Order) -> None:
        """Takes an order as its venue described it when asked."""
        if self.orders.confirm(order) is not None:
            self._keep(order, True)

    def take_order(self, order: Order) -> None:
        """Takes an order as its venue told of it."""
        if self._market(order.instrument) is not None and self.orders.apply(order) is not None:
            self._keep(order, False)

    def take_fill(self, fill: Fill, is_told: bool) -> None:
        """Takes an execution; one that was read back from before the desk was started is not told."""
        if (market := self._market(fill.instrument)) is None:
            return
        news = self.orders.add_fill(fill)
        if not news.is_new:
            return
        self._keep(fill, False)
        self._begin_day_if_due(self._clock())
        self.ledger.take_fill(fill)
        self.mark_dirty(Topic.FILLS, Topic.TAPE, Topic.ACCOUNTS)
        if is_told:
            self.tell(words.fill_fact(fill, news.tracked, news.is_late, market.instrument, self._clock()))

    def frame(self, now: int) -> Frame | None:
        """Builds a frame of what has changed since the last one; None where nothing has."""
        self._count_messages(now)
        self._begin_day_if_due(now)
        dirty, self._dirty = self._dirty, set()
        if not dirty:
            return None
        self._number += 1
        shown = self.shown
        mine = self.ledger.mine.get(shown.instrument.id, {}) if shown is not None else set()
        return Frame(
            number=self._number,
            ts=now,
            desk=self.desk if Topic.DESK in dirty else None,
            venues=tuple(self.venues.values()) if Topic.VENUES in dirty else None,
            instruments=self._instruments() if Topic.INSTRUMENTS in dirty else None,
            book=book_view(shown.instrument, shown.book, shown.book_ts_recv)
            if shown is not None and Topic.BOOK in dirty
            else None,
            tape=shown.tape_view(mine) if shown is not None and Topic.TAPE in dirty else None,
            bars=shown.bars_view(self.interval) if shown is not None and Topic.BARS in dirty else None,
            quotes=self._quotes() if Topic.QUOTES in dirty else None,
            orders=self._orders() if Topic.ORDERS in dirty else None,
            positions=self._valuation.positions(self.account_of, self._funds_of)
            if Topic.POSITIONS in dirty
            else None,
            fills=self._fills() if Topic.FILLS in dirty else None,
            balances=self._valuation.balances(self.account_of) if Topic.BALANCES in dirty else None,
            accounts=self._accounts() if Topic.ACCOUNTS in dirty else None,
            margins=self._margins() if Topic.MARGINS in dirty else None,
            log=tuple(self._log) if Topic.LOG in dirty else None,
            recovery=self.recovery() if Topic.RECOVERY in dirty else None,
        )

    def _begin_day_if_due(self, now: int) -> None:
        """Begins the day that has come: before any money counts, since funding is paid at midnight sharp."""
        if self.ledger.is_over(now):
            self.ledger.begin_day(now, None if self.funds.is_money_moving(now) else self.worth())
            self._dirty.add(Topic.ACCOUNTS)

    def _instruments(self) -> tuple[Instrument, ...]:
        return tuple(market.instrument for market in self.markets.values())

    def _quotes(self) -> tuple[QuoteView, ...]:
        return in_watch_order(market.quote_view() for market in self.markets.values() if market.is_quoted)

    def _orders(self) -> tuple[OrderView, ...]:
        return tuple(
            order_view(
                tracked,
                market.instrument,
                self.account_of(market.instrument.id.venue),
                self.provable(tracked) if tracked.status is OrderStatus.UNKNOWN else None,
            )
            for tracked in reversed(list(self.orders.open_orders()))
            if (market := self.markets.get(tracked.order.instrument)) is not None
        )

    def _fills(self) -> tuple[FillView, ...]:
        return tuple(
            FillView(fill=fill, instrument=market.instrument, account=self.account_of(fill.instrument.venue))
            for fill in self.ledger.fills
            if (market := self.markets.get(fill.instrument)) is not None
        )

    def worth(self) -> Decimal | None:
        """Returns the equity; None while something held can not be valued."""
        equity = self._valuation.equity()
        return equity.value if equity is not None and equity.is_complete else None

    def day_pnl(self) -> Decimal | None:
        """Returns today's P&L, fees and funding in it; None while something held can not be valued, or moves."""
        if not self.ledger.basis.is_known or self.is_counting_anew or self.funds.is_money_moving(self._clock()):
            return None
        worth, opened = self.worth(), self.ledger.day_open
        return worth - opened if worth is not None and opened is not None else None

    def _accounts(self) -> tuple[AccountView, ...]:
        is_still = not self.funds.is_money_moving(self._clock())
        return (self._valuation.account(self.desk.account, self.budget_used, self.budget, is_still=is_still),)

    def _margins(self) -> tuple[MarginView, ...]:
        views = self.margins.views(self.account_of, lambda venue: self.funds.views(venue, self.provable_funds))
        return tuple(msgspec.structs.replace(view, values=self._valuation.wallet(view.wallet)) for view in views)

    def _funds_of(self, place: Place) -> tuple[FundsView, ...]:
        return self.funds.views(place[0].venue, self.provable_funds, place)

    def _is_wallet_awaited(self, venue: str) -> bool:
        is_open = self.margins.get(venue) is None and not self.margins.is_absent(venue)
        return is_open and bool(self._wallet_name(venue))

    def _wallet_name(self, venue: str) -> str:
        view = self.venues.get(venue)
        return view.capabilities.margin_wallet if view is not None else ""

    def _market(self, instrument: InstrumentId) -> Market | None:
        market = self.markets.get(instrument)
        if market is None:
            self._quarantine(instrument)
        return market

    def _quarantine(self, instrument: InstrumentId) -> None:
        if instrument not in self._quarantined and len(self._quarantined) < LOG_LINES:
            self._quarantined.add(instrument)
            why = "unknown" if is_symbol(instrument.symbol) else "unreadable"
            self.log(f"{instrument.venue}: left aside, {why} instrument {instrument.symbol}", Severity.WARNING)

    def share_books(self, venue: str, keeper: Callable[[InstrumentId], Book | None]) -> None:
        """Has the books of a venue read where the venue keeps and proves them, not kept here once more."""
        self._book_keepers[venue] = keeper

    def _take_book(self, event: BookSnapshot | BookDelta) -> None:
        market = self.markets.get(event.instrument)
        if market is None:
            self._quarantine(event.instrument)
            return
        if self.shown is not None and market is not self.shown and market.book is None:
            return  # what was still on its way when the desk moved on: nobody would keep that book
        keeper = self._book_keepers.get(event.instrument.venue)
        if keeper is None:
            was_valid = market.book is not None and market.book.is_valid
            is_valid = market.take_book(event, self._clock())
        else:
            was_valid = market.had_valid_book
            is_valid = market.share_book(keeper(event.instrument), self._clock())
        if was_valid and not is_valid and market.book is not None:
            name = f"{sanitise(market.instrument.name, 32)}@{event.instrument.venue}"
            self.log(f"{name}: book is invalid, {market.book.detail}", Severity.WARNING)
        if market is self.shown:
            self._dirty.add(Topic.BOOK)

    def _take_trade(self, trade: Trade) -> None:
        market = self.markets.get(trade.instrument)
        if market is None:
            self._quarantine(trade.instrument)
            return
        market.take_trade(trade, self._clock())
        self._dirty.add(Topic.QUOTES)
        if market is self.shown:
            self._dirty.add(Topic.TAPE)

    def _take_ticker(self, ticker: Ticker) -> None:
        if (market := self._market(ticker.instrument)) is not None:
            market.take_ticker(ticker, self._clock())
            self._dirty.update((Topic.QUOTES, Topic.BALANCES, Topic.ACCOUNTS))

    def _take_bar(self, update: BarUpdate) -> None:
        if (market := self._market(update.bar.instrument)) is not None:
            market.take_bar(update)
            if market is self.shown and update.bar.interval == self.interval:
                self._dirty.add(Topic.BARS)

    def _take_mark(self, mark: MarkPrice) -> None:
        if (market := self._market(mark.instrument)) is not None:
            market.take_mark(mark, self._clock())
            self._dirty.add(Topic.QUOTES)
            if mark.instrument in self._held:
                self._dirty.update((Topic.POSITIONS, Topic.ACCOUNTS))

    def _take_order(self, update: OrderUpdate) -> None:
        self.take_order(update.order)

    def _take_fill(self, update: FillUpdate) -> None:
        self.take_fill(update.fill, is_told=True)

    def _take_balances(self, update: BalanceUpdate) -> None:
        self._begin_day_if_due(self._clock())
        named = [balance for balance in update.balances if is_symbol(balance.currency.upper())]
        self.ledger.take_balances(update.venue, named, self._clock(), update.ts_event)
        self._dirty.update((Topic.BALANCES, Topic.ACCOUNTS))

    def _take_position(self, update: PositionUpdate) -> None:
        if self._market(update.position.instrument) is not None:
            self._begin_day_if_due(self._clock())
            self.ledger.take_position(update.position, self._clock())
            self.note_positions()

    def _take_margin(self, update: MarginUpdate) -> None:
        self._begin_day_if_due(self._clock())
        self.margins.take(update.account)
        self._dirty.update((Topic.MARGINS, Topic.ACCOUNTS))

    def replace_margin(self, account: MarginAccount, since: int) -> None:
        """Takes a margin wallet as its venue answered; what a stream told after `since` is newer."""
        self.margins.replace(account, since)
        self._dirty.update((Topic.MARGINS, Topic.ACCOUNTS))

    def note_positions(self) -> None:
        """Has the positions shown anew, after the ledger took some."""
        self._held = {instrument for instrument, _ in self.ledger.positions}
        self._dirty.update((Topic.POSITIONS, Topic.ACCOUNTS))

    def forget_account(self, venue: str) -> None:
        """Shows no balances, positions and margin wallet of a venue whose account can not be read any more."""
        now = self._clock()
        self.ledger.replace_balances(venue, (), now)
        self.ledger.replace_positions(venue, (), now)
        self.note_positions()
        self.margins.forget(venue)
        self.mark_dirty(Topic.BALANCES, Topic.MARGINS)

    def held(self) -> set[InstrumentId]:
        """Returns the instruments that have a position."""
        return self._held

    def _take_status(self, status: StreamStatus) -> None:
        view = self.venues.get(status.venue)
        if view is None:
            return
        now = self._clock()
        fact = words.link_fact(status, view.state, now, was_live=status.venue in self._live)
        if status.state is LinkState.LIVE:
            self._live.add(status.venue)
        elif status.state in (LinkState.RECONNECTING, LinkState.DOWN):
            self._live.discard(status.venue)
        self.change_venue(
            status.venue,
            state=status.state,
            detail=sanitise(status.detail),
            round_trip=status.round_trip if status.round_trip is not None else view.round_trip,
            clock_offset=status.clock_offset if status.clock_offset is not None else view.clock_offset,
        )
        if status.state in (LinkState.RECONNECTING, LinkState.DOWN) and status.venue not in self._book_keepers:
            self.distrust_books(status.venue)
        if fact is not None:
            self.tell(fact)

    def distrust_books(self, venue: str) -> None:
        """A book of a lost connection must not be read: what changed meanwhile is not in it."""
        for instrument, market in self.markets.items():
            if instrument.venue == venue and market.book is not None and market.book.is_valid:
                market.book.invalidate("the connection was lost")
        self._dirty.add(Topic.BOOK)

    def _take_notice(self, notice: Notice) -> None:
        self.tell(words.notice_fact(notice, self._clock()))

    def _note_order(self, tracked: Tracked, before: OrderStatus | None) -> None:
        self._dirty.add(Topic.ORDERS)
        name = tracked.order.instrument
        can = view.capabilities if (view := self.venues.get(name.venue)) is not None else None
        fact = words.order_fact(tracked, before, self.instrument(name), self._clock(), can)
        if fact is not None:
            self.tell(fact)
        if self._on_order is not None:
            self._on_order(tracked, before)

    def _count_messages(self, now: int) -> None:
        second = now // NANOSECONDS
        if second != self._second:
            passed = max(1, second - self._second) if self._second else 1
            rate = self._messages // passed
            self._second, self._messages = second, 0
            if rate != self.desk.messages_per_second:
                self.change_desk(messages_per_second=rate)
