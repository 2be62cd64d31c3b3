"""A venue that plays a recording: its prices are the recording's, its orders are paper.

The clock is the recording's, and it stands still while nobody reads the events: none is lost, however slow the
reader. Playing begins with the first subscription to a market. Orders are filled by the rule that
`venues.recording.queue` and `venues.recording.orders` state.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from venues.book import is_number_text
from venues.commands import AmendRequest, CancelRequest, Channel, OrderRequest, Subscription
from venues.errors import BadRequest, ConfigurationError, ConnectionLost, NotSent, UnknownInstrument
from venues.events import (
    BarUpdate,
    BookSnapshot,
    Event,
    LinkState,
    Notice,
    StreamStatus,
    Ticker,
    Trade,
)
from venues.model import (
    Balance,
    Bar,
    Fill,
    Instrument,
    InstrumentId,
    MarginMode,
    Order,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.paper.account import Account
from venues.paper.ledger import Ledger
from venues.port import Capabilities, Depart, Departure, Mode, VenueTime
from venues.recording.format import (
    MAX_TEXT,
    MILLISECOND,
    VENUE,
    InstrumentRow,
    NoticeRow,
    PlayedRow,
    RecordingError,
    Row,
    TradeRow,
)
from venues.recording.market import INTERVALS, Market
from venues.recording.orders import ReplayOrders
from venues.recording.play import Pace, parse_speed
from venues.recording.reader import RecordingReader
from venues.recording.survey import Survey, Terms, survey_recording

_BATCH = 256  # rows

CAPABILITIES = Capabilities(
    mode=Mode.REPLAY,
    order_types=frozenset(OrderType),
    times_in_force=frozenset(TimeInForce),
    post_only=True,
    reduce_only=True,
    amend=True,
    leverage=True,
    margin_modes=frozenset(MarginMode),
    positions=True,
    bar_intervals=INTERVALS,
)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a replay. Numbers are text, as everywhere in settings that are money."""

    path: str
    speed: str = "1"  # times faster than recorded, or "max"
    account: str = "main"
    deposit: dict[str, str] | None = None  # currency -> amount; None: 100,000 of each currency that is settled in
    lots: dict[str, str] = {}  # symbol -> lot size, where the recording does not say it
    # Assumed where the recording does not say them:
    maker_fee: str = "0.0002"
    taker_fee: str = "0.0005"
    max_leverage: str = "20"
    maintenance_margin: str = "0.01"


def create(settings: Settings) -> ReplayVenue:
    """Makes the venue; nothing is read before `connect`.

    Raises:
        ConfigurationError: a setting is not a number.
    """
    return ReplayVenue(settings)


class ReplayVenue:
    """The `Venue` of one recording.

    `clock` and `sleep` are in seconds and set the pace; `run` is a word that differs from run to run.
    """

    name = VENUE

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        run: str | None = None,
    ) -> None:
        self.path = Path(settings.path).expanduser()
        self._settings = settings
        self._pace = Pace(parse_speed(settings.speed), clock)
        self._sleep = sleep
        self._run = f"{time.time_ns():x}" if run is None else run
        self._lots = {symbol: _positive("lots", text) for symbol, text in settings.lots.items()}
        self._deposit = {name: _positive("deposit", text) for name, text in (settings.deposit or {}).items()}
        self._terms = Terms(
            _number("maker_fee", settings.maker_fee),
            _number("taker_fee", settings.taker_fee),
            _positive("max_leverage", settings.max_leverage),
            _number("maintenance_margin", settings.maintenance_margin),
        )
        self._survey: Survey | None = None
        self._rows: Generator[Row] | None = None
        self._next: PlayedRow | None = None
        self._markets: dict[InstrumentId, Market] = {}
        self._orders: ReplayOrders | None = None
        self._subscriptions: set[Subscription] = set()
        self._pending: list[Event] = []
        self._ending: list[Event] = []  # told after everything that the last row caused
        self._wake = asyncio.Event()
        self._now = 0
        self._is_playing = False
        self._is_closed = False
        self._has_ended = False

    def venue_time(self) -> VenueTime | None:
        return None  # a recording has a clock of its own, and answers every command at once

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def now(self) -> int:
        """The recording's time, in nanoseconds UTC."""
        return self._now

    @property
    def survey(self) -> Survey:
        """What the recording holds. Raises ConnectionLost before `connect`."""
        if self._survey is None:
            raise ConnectionLost(VENUE, "the recording is not open")
        return self._survey

    async def connect(self) -> None:
        """Reads the recording once, for its instruments. Raises RecordingError where there is nothing to play."""
        if self._survey is not None:
            return
        survey = await asyncio.to_thread(survey_recording, self.path, self._lots, self._terms)
        tradable = {one.id: one for one in survey.instruments.values() if one.is_tradable}
        account = Account(self._settings.account, Ledger(), tradable, venue=VENUE)
        deposit = self._deposit or {one.settle: Decimal(100_000) for one in tradable.values()}
        for currency, amount in deposit.items():
            account.deposit(currency, amount)
        self._markets = {one.id: Market(one) for one in survey.instruments.values()}
        self._orders = ReplayOrders(self._markets, account, lambda: self._now, self._tell_account, self._run)
        self._rows = iter(RecordingReader(self.path))
        self._survey = survey
        self._now = survey.first_ts * MILLISECOND
        self._tell(StreamStatus(VENUE, LinkState.LIVE, self.path.name, ts_event=self._now))
        if survey.quarantined:
            names = ", ".join(sorted(survey.quarantined)[:5])
            words = (
                f"{self.path.name}: {survey.quarantined.total()} rows left out, their symbols are none: {names}"
            )
            self._tell(Notice(VENUE, words, ts_event=self._now))

    async def aclose(self) -> None:
        self._is_closed = True
        self._wake.set()
        if self._rows is not None:
            self._rows.close()

    async def subscribe(self, subscription: Subscription) -> None:
        """A book or ticker that exists already is told at once. Raises UnknownInstrument, BadRequest."""
        if subscription.instrument is not None:
            self._market(subscription.instrument)
            if subscription.interval is not None and subscription.interval not in INTERVALS:
                raise BadRequest(VENUE, f"there are no bars of {subscription.interval} s")
            self._is_playing = True
        if subscription not in self._subscriptions:
            self._subscriptions.add(subscription)
            self._tell_standing(subscription)
        self._wake.set()

    async def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        """Plays on. At the end ENDED is told; what commands cause is told until the venue is closed."""
        while not self._is_closed:
            if not self._pending:
                await self._advance()
            if self._pending:
                batch, self._pending = self._pending, []
                yield batch
            # A reader that never waits would else keep the loop from everything else.
            await asyncio.sleep(0)

    async def fetch_instruments(self) -> Sequence[Instrument]:
        return tuple(self.survey.instruments.values())

    async def fetch_order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        """Raises InvalidBook."""
        return self._market(instrument).book.snapshot(depth)

    async def fetch_trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        trades = tuple(self._market(instrument).trades)
        return trades[max(0, len(trades) - limit) :]

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        """Raises BadRequest: there is no such interval."""
        if interval not in INTERVALS:
            raise BadRequest(VENUE, f"there are no bars of {interval} s")
        return self._market(instrument).bars.fetch(interval, limit)

    async def fetch_tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        tickers = (self._market(instrument).ticker() for instrument in instruments)
        return tuple(ticker for ticker in tickers if ticker is not None)

    async def fetch_balances(self) -> Sequence[Balance]:
        return self._trading().account.balances()

    async def fetch_positions(self) -> Sequence[Position]:
        return self._trading().account.positions()

    async def fetch_open_orders(self) -> Sequence[Order]:
        return self._trading().open_orders()

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        return self._trading().find(instrument, client_order_id, venue_order_id)

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        return self._trading().fills(since)

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return (await self._commanding(depart)).submit(request)

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        return (await self._commanding(depart)).amend(request)

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        return (await self._commanding(depart)).cancel(request)

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        return (await self._commanding(depart)).cancel_all(instrument, side)

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        """Raises OrderRejected."""
        self._market(instrument)
        self._trading().account.set_leverage(instrument, leverage, margin_mode)

    async def _advance(self) -> None:
        """Plays the rows that are due, or waits until one is, or until something else is to be told."""
        row = self._peek() if self._is_playing else None
        self._tell_ending()
        if row is None:
            self._wake.clear()
            if not self._pending and not self._is_closed:
                await self._wake.wait()
            return
        delay = self._pace.delay(row.ts)
        if delay > 0:
            await self._wait(delay)
            return
        touched: dict[Market, bool] = {}  # whether it had a trade
        for _ in range(_BATCH):
            self._apply(row, touched)
            self._next = None
            following = self._peek()
            if following is None or self._pace.delay(following.ts) > 0:
                break
            row = following
        self._conclude(touched)
        self._tell_ending()

    def _peek(self) -> PlayedRow | None:
        """Returns the next row without playing it; at the end, or where the recording breaks off, ends."""
        if self._next is None and self._rows is not None and not self._has_ended:
            detail = "the recording has been played to its end"
            try:
                self._next = next((row for row in self._rows if not isinstance(row, InstrumentRow)), None)
            except RecordingError as error:
                detail = error.message
                self._ending.append(Notice(VENUE, detail, is_alarm=True, ts_event=self._now))
            if self._next is None:
                self._has_ended = True
                self._ending.append(StreamStatus(VENUE, LinkState.ENDED, detail, ts_event=self._now))
        return self._next

    async def _wait(self, delay: float) -> None:
        self._wake.clear()
        waits = [asyncio.ensure_future(self._sleep(delay)), asyncio.ensure_future(self._wake.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    def _apply(self, row: PlayedRow, touched: dict[Market, bool]) -> None:
        # A clock that was set back while recording does not set the replay back.
        self._now = max(self._now, row.ts * MILLISECOND)
        if isinstance(row, NoticeRow):
            # Told whatever is subscribed: it was announced to everybody.
            self._tell(Notice(VENUE, row.text[:MAX_TEXT], row.alarm, self._now))
            return
        market, orders = self._markets[InstrumentId(VENUE, row.symbol)], self._trading()
        place = market.instrument.id
        if isinstance(row, TradeRow):
            trade = market.apply_trade(row)
            touched[market] = True
            if Subscription(Channel.TRADES, place) in self._subscriptions:
                self._tell(trade)
            orders.on_trade(market, trade)
            return
        was_valid = market.book.is_valid
        event = market.apply_levels(row)
        touched.setdefault(market, False)
        if Subscription(Channel.BOOK, place) in self._subscriptions:
            self._tell(event)
        if was_valid and not market.book.is_valid:
            words = f"the recorded book of {market.instrument.name} is broken: {market.book.detail}"
            self._tell(Notice(VENUE, words, is_alarm=True, ts_event=self._now))
        orders.on_levels(market)

    def _conclude(self, touched: Mapping[Market, bool]) -> None:
        """Tells the summaries of a batch once, however many rows it had."""
        for market, has_traded in touched.items():
            place = market.instrument.id
            self._tell_standing(Subscription(Channel.TICKER, place))
            self._tell_standing(Subscription(Channel.MARK, place))
            for interval in INTERVALS if has_traded else ():
                self._tell_standing(Subscription(Channel.BARS, place, interval))
            mark = market.mark()
            if mark is not None and market.instrument.is_perpetual and market.instrument.is_tradable:
                self._trading().on_mark(market, mark)

    def _tell_standing(self, subscription: Subscription) -> None:
        """Tells the state of what is subscribed, where there is one."""
        if subscription not in self._subscriptions or subscription.instrument is None:
            return
        market = self._market(subscription.instrument)
        told: Event | None = None
        if subscription.channel is Channel.BOOK and market.book.is_valid:
            told = market.book.snapshot(max(market.book.depth()))
        elif subscription.channel is Channel.TICKER:
            told = market.ticker()
        elif subscription.channel is Channel.MARK and market.instrument.is_perpetual:
            told = market.mark_price()
        elif subscription.channel is Channel.BARS and subscription.interval is not None:
            bars = market.bars.fetch(subscription.interval, 1)
            told = BarUpdate(bars[0]) if bars else None
        if told is not None:
            self._tell(told)

    def _tell(self, event: Event) -> None:
        self._pending.append(event)
        self._wake.set()

    def _tell_ending(self) -> None:
        while self._ending:
            self._tell(self._ending.pop(0))

    def _tell_account(self, event: Event) -> None:
        if Subscription(Channel.ACCOUNT) in self._subscriptions:
            self._tell(event)

    def _market(self, instrument: InstrumentId) -> Market:
        if self._survey is None:
            raise ConnectionLost(VENUE, "the recording is not open")
        market = self._markets.get(instrument)
        if market is None:
            raise UnknownInstrument(VENUE, f"{instrument.symbol} is not in this recording")
        return market

    def _trading(self) -> ReplayOrders:
        if self._orders is None:
            raise ConnectionLost(VENUE, "the recording is not open")
        return self._orders

    async def _commanding(self, depart: Depart | None) -> ReplayOrders:
        if depart is not None:
            await depart(Departure())
        if self._orders is None or self._is_closed:
            raise NotSent(VENUE, "the recording is not open")
        return self._orders


def _number(name: str, text: str) -> Decimal:
    if not is_number_text(text):
        raise ConfigurationError(VENUE, f"the setting `{name}` is not a number: {text[:40]!r}")
    return Decimal(text)


def _positive(name: str, text: str) -> Decimal:
    value = _number(name, text)
    if value <= 0:
        raise ConfigurationError(VENUE, f"the setting `{name}` must be above zero")
    return value
