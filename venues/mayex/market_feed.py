"""The market's half of Mayex: contracts by one host's stream, spot pairs by another's, opened when needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal

from venues.book import Book
from venues.commands import Channel, Subscription
from venues.errors import BadRequest
from venues.events import StreamStatus
from venues.mayex import VENUE
from venues.mayex.figures import instrument_id, is_spot, spot_id, symbol_of
from venues.mayex.host import Host
from venues.mayex.listing import Listing
from venues.mayex.parse import INTERVALS
from venues.mayex.public import PublicReads
from venues.mayex.settings import Settings
from venues.mayex.streams import mark_name, ticker_name
from venues.mayex.timekeeping import DateClock
from venues.model import InstrumentId
from venues.transport.connections import Connections
from venues.transport.link import Stream

_FRESH = 3.0  # seconds that a mark or a ticker counts, which are told every second
_LOOK = 1.0  # seconds that one is looked for


class MarketFeed:
    """Feeds the outbox of `connections` from its streams, for one event loop."""

    def __init__(
        self,
        connections: Connections,
        listing: Listing,
        clock: DateClock,
        settings: Settings,
        *,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        del monotonic  # the loop's time is what streams are timed by
        self._connections = connections
        self._listing = listing
        self._clock = clock
        self._settings = settings
        self._wall = wall
        self._sleep = sleep
        listing.emit = connections.outbox.push
        self._spot: Host | None = None
        self._is_started = False
        self.contracts = self._host(
            lambda _: connections.market_stream(), instrument_id, self._show_contracts, has_marks=True
        )
        self.reads = PublicReads(self.host, listing)

    @property
    def stream(self) -> Stream:
        """The contracts' stream, which is the venue's own."""
        return self.contracts.stream

    def start(self) -> None:
        """Connects, and again after every loss, until `aclose`."""
        self._is_started = True
        self.contracts.start()
        if self._spot is not None:
            self._spot.start()

    def opened(self, connection: int) -> None:
        """Is told of each connection of the contracts that is open."""
        self.contracts.opened(connection)

    def lost(self) -> None:
        """Is told when a connection of the contracts is lost."""
        self.contracts.lost()

    def hears(self, status: StreamStatus) -> None:
        """Takes the states of the contracts' stream, and passes on to the chip what is news."""
        self.contracts.hears(status)

    async def aclose(self) -> None:
        """Ends everything. May be called twice."""
        hosts = [self.contracts] + ([self._spot] if self._spot is not None else [])
        await asyncio.gather(*(host.aclose() for host in hosts))

    def host(self, instrument: InstrumentId) -> Host:
        """Returns where an instrument is told of; that of spot pairs is opened now.

        Raises:
            ConfigurationError: its address is none.
        """
        if not is_spot(instrument):
            return self.contracts
        if self._spot is None:
            self._spot = self._host(self._spot_stream, spot_id, self._show_spot, has_marks=False)
            if self._is_started:
                self._spot.start()
        return self._spot

    async def subscribe(self, wish: Subscription) -> None:
        """Begins to tell of it. Twice is once.

        Raises:
            VenueError: UnknownInstrument, BadRequest, or what is listed can not be read.
        """
        instrument = check_wish(wish)
        await self._listing.one(instrument)
        self.host(instrument).subscribe(wish, symbol_of(instrument))

    def unsubscribe(self, wish: Subscription) -> None:
        """Ends it, without waiting for the venue."""
        if wish.instrument is not None and wish.instrument.venue == VENUE:
            host = self._spot if is_spot(wish.instrument) else self.contracts
            if host is not None:
                host.unsubscribe(wish, symbol_of(wish.instrument))

    def book(self, instrument: InstrumentId) -> Book | None:
        """Returns the book as it now stands, valid or not; None where it is not subscribed."""
        host = self._spot if is_spot(instrument) else self.contracts
        return host.wished_book(instrument) if host is not None else None

    def fresh_mark(self, instrument: InstrumentId) -> Decimal | None:
        """Returns the mark price where it was told within three seconds."""
        known = self.contracts.marks.get(instrument)
        is_fresh = known is not None and self.contracts.is_fresh(mark_name(instrument.symbol), _FRESH)
        return known.mark if known is not None and is_fresh else None

    def last(self, instrument: InstrumentId) -> Decimal | None:
        """Returns the price of the last trade where it was told within three seconds."""
        known = self.contracts.tickers.get(instrument)
        is_fresh = known is not None and self.contracts.is_fresh(ticker_name(instrument.symbol), _FRESH)
        return known.last if known is not None and is_fresh else None

    async def find_mark(self, instrument: InstrumentId) -> Decimal | None:
        """Returns a mark price of now, subscribed for where none is; None where none comes within a second."""
        return self.fresh_mark(instrument) or await self._found(instrument, mark_name, self.fresh_mark)

    async def find_last(self, instrument: InstrumentId) -> Decimal | None:
        """Returns the last price of now, subscribed for where none is; None where none comes within a second."""
        return self.last(instrument) or await self._found(instrument, ticker_name, self.last)

    async def _found(
        self,
        instrument: InstrumentId,
        name: Callable[[str], str],
        of: Callable[[InstrumentId], Decimal | None],
    ) -> Decimal | None:
        found: list[Decimal | None] = []

        def is_enough() -> bool:
            found[:] = [of(instrument)]
            return found[0] is not None

        has_found = await self.contracts.glimpse(name(symbol_of(instrument)), _LOOK, is_enough, stands=_LOOK)
        return found[0] if has_found else None

    def _host(
        self,
        make_stream: Callable[[Host], Stream],
        instrument: Callable[[str], InstrumentId],
        tell: Callable[[StreamStatus | None], None],
        *,
        has_marks: bool,
    ) -> Host:
        settings = self._settings
        return Host(
            make_stream,
            self._connections.outbox,
            self._clock,
            instrument=instrument,
            has_marks=has_marks,
            is_spare=not has_marks,
            depth=settings.depth,
            levels=settings.depth_levels,
            tell=tell,
            time_scale=settings.time_scale,
            wall=self._wall,
            sleep=self._sleep,
        )

    def _spot_stream(self, host: Host) -> Stream:
        return self._connections.further_stream(
            self._settings.spot_address, show=host.hears, opened=host.opened, lost=host.lost
        )

    def _show_contracts(self, status: StreamStatus | None) -> None:
        if status is not None:
            self._connections.chip.market(status)

    def _show_spot(self, status: StreamStatus | None) -> None:
        self._connections.chip.further("spot", status)


def check_wish(wish: Subscription) -> InstrumentId:
    """Returns the instrument of a wish. Raises BadRequest, UnknownInstrument."""
    if wish.instrument is None:
        raise BadRequest(VENUE, "a subscription that is none of the market's")
    symbol_of(wish.instrument)
    if wish.channel is Channel.BARS and wish.interval not in INTERVALS:
        raise BadRequest(VENUE, f"there are no bars of {wish.interval} s")
    if wish.channel is Channel.MARK and is_spot(wish.instrument):
        raise BadRequest(VENUE, "there is no mark price of a spot pair")
    return wish.instrument
