"""The paper venue: an embedded exchange behind the same port as every other, at the pace of the wall clock.

The market runs in slices of at most `_SLICE` on the event loop. Where the machine is late the paper clock is
moved more slowly: nothing is skipped, it only happens later. A market that stood still for a minute or more (the
machine was suspended) is moved to the present with nobody having traded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec

from venues.commands import AmendRequest, CancelRequest, Channel, OrderRequest, Subscription
from venues.errors import (
    BadRequest,
    ConfigurationError,
    NotSent,
    OrderRejected,
    RequestError,
    UnknownInstrument,
    VenueUnavailable,
)
from venues.events import BookSnapshot, Event, LinkState, Notice, StreamStatus, Ticker, Trade
from venues.model import (
    NANOSECONDS,
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
from venues.paper.bars import INTERVALS
from venues.paper.exchange import TRADER, PaperExchange
from venues.paper.feed import MOST_BEHIND
from venues.paper.flow import DEFAULT_RATE, check_rate
from venues.paper.instruments import VENUE, instruments_of, listings
from venues.paper.keeping import Keeper, Telling
from venues.paper.session import Session
from venues.paper.state import BrokenState, Kept
from venues.port import Capabilities, Depart, Departure, Mode, VenueTime

_ORDER_LIFE = 1.0  # seconds; a command reaches the exchange within its latency, or never
_SETTLE = 0.1
_TICK = 0.015  # seconds between two looks at the clock
_SLICE = 8_000_000  # nanoseconds that the market may take of the loop at a time
_ACTIONS = 32  # between two looks at the clock within a slice, about 1 ms
_LATEST = 2 * NANOSECONDS  # how late the market may be before its clock is moved more slowly
_STANDSTILL = 60 * NANOSECONDS
_STATUS_EVERY = NANOSECONDS
_UNPACED_STEP = 100_000_000  # paper time of one step where the pace is not the wall's
_UNPACED_BACKLOG = 2_000  # events that may wait for the consumer then: none is ever conflated away

Answer = TypeVar("Answer")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the paper market runs. `rate` is in messages a second, `speed` in paper seconds a second."""

    seed: int = 1
    rate: float = DEFAULT_RATE
    speed: float | None = 1.0  # None or 0: as fast as the consumer takes it, for tests
    fresh: bool = False
    state_path: str = ""  # empty: nothing is kept
    start: int | None = None  # nanoseconds UTC; None: now
    account: str = "main"
    latency_ms: float = 0.2
    most_behind: int = MOST_BEHIND  # market events of an instrument that may wait before its book is sent anew


def create(settings: Settings) -> PaperVenue:
    """Makes the venue, unconnected.

    Raises:
        ConfigurationError: a setting is out of its range.
    """
    return PaperVenue(settings)


class PaperVenue:
    """The port's `Venue`, played by `PaperExchange` and a seeded crowd."""

    name = VENUE

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        try:
            check_rate(settings.rate)
        except ValueError as error:
            raise ConfigurationError(VENUE, str(error)) from error
        if settings.latency_ms < 0 or (settings.speed or 0) < 0 or settings.most_behind < 1:
            raise ConfigurationError(VENUE, "latency_ms and speed must not be negative, most_behind at least 1")
        self.settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._speed = settings.speed or 0.0
        self._is_wall_paced = self._speed == 1.0 and settings.start is None
        self._market = listings()
        self._instruments = instruments_of(self._market)
        self._subscriptions: dict[Subscription, None] = {}
        self._keeper = Keeper(Path(settings.state_path)) if settings.state_path else None
        self._session: Session | None = None
        self._opened = asyncio.Event()  # or closed before it was
        self._is_closed = False
        self._pacing: asyncio.Task[None] | None = None
        self._target = 0  # paper time up to which the market should have come
        self._status_at = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            mode=Mode.PAPER,
            order_types=frozenset(OrderType),
            times_in_force=frozenset(TimeInForce),
            post_only=True,
            reduce_only=True,
            amend=True,
            leverage=True,
            margin_modes=frozenset(MarginMode),
            attached_exits=True,
            positions=True,
            order_life=_ORDER_LIFE,
            settle=_SETTLE,
            forgets_unfilled=True,  # a program that was killed takes the last seconds with it
            bar_intervals=INTERVALS,
        )

    def venue_time(self) -> VenueTime | None:
        return VenueTime(self._session.exchange.now, 0) if self._session is not None else None

    async def connect(self) -> None:
        """Opens the market. Raises ConfigurationError where the kept account can not be used or set aside."""
        if self._is_closed:
            raise VenueUnavailable(VENUE, "the paper market was closed")
        if self._session is not None:
            return
        settings = self.settings
        kept: Kept | None = None
        notices: tuple[Telling, ...] = ()
        if self._keeper is not None:
            kept, notices = await asyncio.to_thread(self._keeper.open, settings.seed, is_fresh=settings.fresh)
        start = self._clock() if settings.start is None else settings.start
        try:
            session = await asyncio.to_thread(self._open, start, kept)
        except BrokenState as fault:
            if self._keeper is not None:
                notices = await asyncio.to_thread(self._keeper.reject, fault)
            session = await asyncio.to_thread(self._open, start, None)
        self._session = session
        # Opening took time that the market has not lived through yet: left out, it would be late for good.
        self._target = self._clock() if self._is_wall_paced else session.exchange.now
        self._tell_status(session, is_open=False)
        for text, is_alarm in notices:
            session.feed.tell(Notice(VENUE, text, is_alarm, session.exchange.now))
        for subscription in self._subscriptions:
            session.feed.subscribe(subscription)
        self._pacing = asyncio.create_task(self._pace(session), name="paper market")
        # A fault of the market itself: `events` tells it.
        self._pacing.add_done_callback(lambda task: None if task.cancelled() else session.feed.end())
        self._opened.set()

    def _open(self, start: int, kept: Kept | None) -> Session:
        return Session(
            self._market,
            seed=self.settings.seed,
            number=kept.session + 1 if kept else 1,
            rate=self.settings.rate,
            start=start,
            kept=kept,
            most_behind=self.settings.most_behind,
        )

    async def aclose(self) -> None:
        """Cancels what rests, keeps the account and ends `events()`.

        Raises:
            ConfigurationError: the account can not be written to its file; all else is done.
        """
        if self._is_closed:
            return
        self._is_closed = True
        session = self._session
        try:
            if self._pacing is not None:
                self._pacing.cancel()
                await asyncio.wait([self._pacing])
            if session is not None:
                kept = session.keep(closing=True)
                if self._keeper is not None:
                    await self._keeper.close(kept)
        finally:
            self._opened.set()
            if session is not None:
                session.feed.end()

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises UnknownInstrument, and BadRequest for an interval that there is not."""
        if subscription.instrument is not None:
            self._known(subscription.instrument)
        if subscription.channel is Channel.BARS:
            self._interval(subscription.interval)
        self._subscriptions[subscription] = None
        if self._session is not None:
            self._session.feed.subscribe(subscription)

    async def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.pop(subscription, None)
        if self._session is not None:
            self._session.feed.unsubscribe(subscription)

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        """Yields batches, the last ones after `aclose`; a fault of the market's own ends it as an exception."""
        await self._opened.wait()
        session = self._session
        if session is None:
            return
        while True:
            batch = await session.feed.batch()
            if batch:
                yield batch
                continue
            if self._pacing is not None and not self._is_closed:
                await self._pacing
            return

    async def fetch_instruments(self) -> Sequence[Instrument]:
        return tuple(self._instruments.values())

    async def fetch_order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        self._known(instrument)
        return (await self._read()).exchange.snapshot(instrument, depth)

    async def fetch_trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        self._known(instrument)
        return (await self._read()).feed.trades(instrument, limit)

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        self._known(instrument)
        self._interval(interval)
        return (await self._read()).feed.bars(instrument, interval, limit)

    async def fetch_tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        for instrument in instruments:
            self._known(instrument)
        feed = (await self._read()).feed
        return tuple(feed.ticker(instrument) for instrument in instruments)

    async def fetch_balances(self) -> Sequence[Balance]:
        return (await self._read()).exchange.balances(TRADER)

    async def fetch_positions(self) -> Sequence[Position]:
        return (await self._read()).exchange.positions(TRADER)

    async def fetch_open_orders(self) -> Sequence[Order]:
        return (await self._read()).exchange.open_orders(TRADER)

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        exchange = (await self._read()).exchange
        return exchange.order(TRADER, instrument, client_order_id, venue_order_id)

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        return (await self._read()).exchange.fills(TRADER, since)

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return await self._command(lambda exchange: exchange.submit(TRADER, request), depart)

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        return await self._command(lambda exchange: exchange.amend(TRADER, request), depart)

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        return await self._command(lambda exchange: exchange.cancel(TRADER, request), depart)

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        return await self._command(lambda exchange: exchange.cancel_all(TRADER, instrument, side), depart)

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        await self._command(lambda exchange: exchange.set_leverage(TRADER, instrument, leverage, margin_mode))

    async def _command(self, act: Callable[[PaperExchange], Answer], depart: Depart | None = None) -> Answer:
        """Carries out a command at the paper time at which it arrives, `latency_ms` from now."""
        if self._session is None or self._is_closed:
            raise NotSent(VENUE, "the paper market is not open")
        if depart is not None:
            await depart(Departure(deadline=self._session.exchange.now + int(_ORDER_LIFE * NANOSECONDS)))
        await self._sleep(self.settings.latency_ms / 1000)
        session = self._session
        if self._is_closed:
            raise NotSent(VENUE, "the paper market was closed before the command reached it")
        try:
            return act(session.exchange)
        except RequestError as error:
            raise OrderRejected(VENUE, error.message, error.code) from error
        finally:
            session.feed.publish(session.exchange.drain())

    async def _read(self) -> Session:
        if self._session is None or self._is_closed:
            raise VenueUnavailable(VENUE, "the paper market is not open")
        await self._sleep(self.settings.latency_ms / 1000)
        return self._session

    def _known(self, instrument: InstrumentId) -> Instrument:
        try:
            return self._instruments[instrument]
        except KeyError:
            raise UnknownInstrument(VENUE, f"{instrument.symbol} is not listed here") from None

    def _interval(self, interval: int | None) -> None:
        if interval not in INTERVALS:
            raise BadRequest(VENUE, f"there are candles of {', '.join(map(str, INTERVALS))} seconds only")

    async def _pace(self, session: Session) -> None:
        """Lets the market happen, until it is cancelled."""
        last = self._monotonic()
        while True:
            now = self._monotonic()
            self._aim(session, now - last)
            last = now
            is_done = self._work(session)
            if now >= self._status_at:
                self._tell_status(session)
                self._status_at = now + _STATUS_EVERY
            if self._keeper is not None:
                self._keeper.tend(session, now)
            if is_done and self._speed:
                await self._sleep(_TICK)
            else:
                await self._sleep(0)

    def _aim(self, session: Session, elapsed: int) -> None:
        """Sets the paper time that the market should reach now."""
        exchange = session.exchange
        if not self._speed:
            if session.feed.backlog < _UNPACED_BACKLOG:
                self._target = exchange.now + _UNPACED_STEP
            return
        self._target += int(elapsed * self._speed)
        # The monotonic clock does not count a suspended machine's hours, so it is the wall's that tells of them.
        behind = self._clock() - exchange.now if self._is_wall_paced else 0
        if behind > _STANDSTILL:
            session.pause(behind)
            self._target = exchange.now
            words = f"the market stood still for {behind // (60 * NANOSECONDS)} min"
            session.feed.tell(Notice(VENUE, words, ts_event=exchange.now))
        self._target = min(self._target, exchange.now + int(_LATEST * self._speed))

    def _work(self, session: Session) -> bool:
        """Does what is due, for one slice at most; says whether all of it is done."""
        end = self._monotonic() + _SLICE
        while not (is_done := session.step(self._target, _ACTIONS)) and self._monotonic() < end:
            pass
        session.feed.conflate(session.exchange.now)
        return is_done

    def _tell_status(self, session: Session, *, is_open: bool = True) -> None:
        now = session.exchange.now
        session.feed.tell(
            StreamStatus(
                venue=VENUE,
                state=LinkState.LIVE,
                round_trip=int(self.settings.latency_ms * 1_000_000),
                clock_offset=now - self._clock() if self._is_wall_paced and is_open else None,
                ts_event=now,
            )
        )
