"""What the desk asks venues to send: the shown instrument's book, tape and candles, and everyone's tickers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tui.desk.frame import Severity
from tui.desk.inert import sanitise
from tui.desk.link import Link, shown_channels
from tui.desk.market import Market
from tui.desk.store import Store, Topic
from venues.commands import Channel, Subscription
from venues.errors import UnknownInstrument, VenueError
from venues.model import NANOSECONDS, InstrumentId

_WATCHED = 40  # tickers of a venue that are subscribed without being asked for
_MOST_PRICED = 100  # currencies of an account whose prices are followed
_AFTER_REFUSAL = 30 * NANOSECONDS  # a market that is gone stays refused: that is not told once a second
_SEED_TRADES = 200
_SEED_BARS = 300
_OF_SHOWN = frozenset({Channel.BOOK, Channel.TRADES, Channel.BARS})


class Watch:
    """Keeps subscriptions in step with what is shown, watched and held. `clock` returns nanoseconds UTC."""

    def __init__(
        self,
        store: Store,
        links: Mapping[str, Link],
        clock: Callable[[], int],
        wanted: InstrumentId | None,
        favourites: Sequence[InstrumentId],
    ) -> None:
        self._store = store
        self._links = links
        self._clock = clock
        self._wanted = wanted
        self._favourites = frozenset(favourites)
        self._showing = asyncio.Lock()

    async def show(self, instrument: InstrumentId) -> None:
        """Makes book, tape and candles those of `instrument`. Raises VenueError."""
        async with self._showing:
            await self._show(instrument)

    async def set_bar_interval(self, seconds: int) -> None:
        """Raises ValueError where the shown venue has no such candles, and VenueError."""
        async with self._showing:
            shown = self._store.shown
            if shown is None:
                self._store.interval = seconds
                return
            link = self._links[shown.instrument.id.venue]
            if seconds not in link.venue.capabilities.bar_intervals:
                raise ValueError(f"{link.name} has no candles of {seconds} s")
            before, self._store.interval = self._store.interval, seconds
            self._store.mark_dirty(Topic.BARS)
            await link.unsubscribe(Subscription(Channel.BARS, shown.instrument.id, before))
            await link.subscribe(*shown_channels(shown.instrument.id, seconds))
            await self._seed_bars(link, shown)

    async def set_favourite(self, instrument: InstrumentId, is_favourite: bool) -> None:
        """Raises UnknownInstrument and VenueError."""
        link = self._link_of(instrument)
        self._store.set_favourite(instrument, is_favourite)
        if is_favourite:
            await link.subscribe(Subscription(Channel.TICKER, instrument))

    async def subscribe_all(self, link: Link) -> None:
        """Reads a venue's instruments and subscribes to what is watched of them. Raises VenueError."""
        instruments = [i for i in await link.venue.fetch_instruments() if i.id.venue == link.name]
        self._store.set_instruments(instruments)
        known = [i.id for i in instruments if i.id in self._store.markets]
        favourites = [i for i in known if i in self._favourites]
        for instrument in favourites:
            self._store.set_favourite(instrument, True)
        watched = dict.fromkeys((*favourites, *known[:_WATCHED]))
        await link.subscribe(*(Subscription(Channel.TICKER, instrument) for instrument in watched))
        async with self._showing:  # what is being shown meanwhile is what the trader wants by now
            wanted = self._wanted
            if wanted is not None and wanted in known:
                await self._show(wanted)
                return
            may_begin = wanted is None or wanted.venue not in self._others(link)
            if known and self._store.shown is None and may_begin:
                await self._show(self._first_of(known))

    def _first_of(self, known: Sequence[InstrumentId]) -> InstrumentId:
        """Returns what a desk begins with: a perpetual where there is one, on which every action can be tried."""
        markets = (self._store.markets[instrument].instrument for instrument in known)
        return next((i.id for i in markets if i.is_perpetual and i.is_tradable), known[0])

    def wanted_work(self, link: Link, now: int) -> Iterator[Coroutine[Any, Any, None]]:
        """Yields what has to be asked of a venue after what it told: a new book, marks of positions."""
        shown = self._store.shown
        is_broken = shown is not None and shown.is_book_broken and shown.instrument.id.venue == link.name
        is_broken = is_broken and not link.keeps_books
        if shown is not None and is_broken and now - shown.ts_mended > NANOSECONDS:  # at most once a second
            shown.ts_mended = now
            yield self._mend(link, shown.instrument.id)
        elif (
            shown is not None
            and shown.instrument.id.venue == link.name
            and Subscription(Channel.BOOK, shown.instrument.id) not in link.subscribed
            and now - shown.ts_mended > NANOSECONDS
            and not self._showing.locked()
        ):
            shown.ts_mended = now
            yield self._show_again(shown.instrument.id)
        if now - link.ts_marked > NANOSECONDS and (missing := self._missing(link, self._store.held())):
            link.ts_marked = now
            yield self._subscribe_prices(link, missing)
        if now - link.ts_priced > NANOSECONDS:  # what is owned may be much: it is gone through once a second
            link.ts_priced = now
            if missing := self._missing(link, self._pricing(link)):
                yield self._subscribe_prices(link, missing)

    async def _show(self, instrument: InstrumentId) -> None:
        link = self._link_of(instrument)
        self._wanted = instrument
        self._store.show(instrument)
        market = self._store.markets[instrument]
        await self._leave_others(instrument)
        channels = [
            *shown_channels(instrument, self._interval_for(link)),
            Subscription(Channel.TICKER, instrument),
        ]
        if market.instrument.is_perpetual:
            channels.append(Subscription(Channel.MARK, instrument))
        await link.subscribe(*channels)
        await self._seed_bars(link, market)
        # What the quote currency is worth: limits and the account count in the account's.
        needed = self._store.rates.needed(instrument.venue, market.instrument.quote, self._store.currency)
        try:
            await link.subscribe(*(Subscription(Channel.TICKER, other) for other in needed))
        except VenueError as error:
            self._store.log(f"{error}", Severity.WARNING)
        try:
            market.seed_trades(await link.venue.fetch_trades(instrument, _SEED_TRADES), self._clock())
        except VenueError as error:
            self._store.log(f"{error}", Severity.WARNING)
        self._store.mark_dirty(Topic.TAPE)

    async def _show_again(self, instrument: InstrumentId) -> None:
        """Subscribes to what the shown instrument lacks, after a venue did not take it the first time."""
        try:
            async with self._showing:
                if self._store.shown is not None and self._store.shown.instrument.id == instrument:
                    await self._show(instrument)
        except VenueError as error:
            self._store.log(f"{error}", Severity.WARNING)

    async def _leave_others(self, shown: InstrumentId) -> None:
        """Ends what only a shown instrument needs, for all but this one."""
        for link in self._links.values():
            for old in [one for one in link.subscribed if one.channel in _OF_SHOWN and one.instrument != shown]:
                if old.instrument is not None:
                    self._store.markets[old.instrument].book = None  # nobody keeps it any more
                try:
                    await link.unsubscribe(old)
                except VenueError as error:
                    self._store.log(f"{error}", Severity.WARNING)

    async def _seed_bars(self, link: Link, market: Market) -> None:
        interval = self._store.interval
        try:
            bars = await link.venue.fetch_bars(market.instrument.id, interval, _SEED_BARS)
        except VenueError as error:
            self._store.log(f"{error}", Severity.WARNING)
        else:
            market.seed_bars(interval, bars)
        self._store.mark_dirty(Topic.BARS)

    def _interval_for(self, link: Link) -> int:
        """Returns the candles' interval, the venue's first one where it does not have the one in use."""
        intervals = link.venue.capabilities.bar_intervals
        if self._store.interval not in intervals and intervals:
            self._store.interval = intervals[0]
        return self._store.interval

    def _link_of(self, instrument: InstrumentId) -> Link:
        if instrument not in self._store.markets:
            raise UnknownInstrument(instrument.venue, f"there is no instrument {sanitise(instrument.symbol, 32)}")
        return self._links[instrument.venue]

    async def _mend(self, link: Link, instrument: InstrumentId) -> None:
        try:
            await link.resubscribe(Subscription(Channel.BOOK, instrument))
        except VenueError as error:  # the next batch asks again
            self._store.log(f"{error}", Severity.WARNING)

    def _missing(self, link: Link, priced: Iterable[InstrumentId]) -> list[Subscription]:
        """Returns what is not subscribed of the prices of a venue's instruments."""
        wanted = (self._price_of(instrument) for instrument in priced if instrument.venue == link.name)
        return [one for one in wanted if one not in link.subscribed]

    def _price_of(self, instrument: InstrumentId) -> Subscription:
        # What is held on spot or in a margin wallet is priced by a spot market, which has no mark.
        market = self._store.markets.get(instrument)
        is_spot = market is not None and not market.instrument.is_perpetual
        return Subscription(Channel.TICKER if is_spot else Channel.MARK, instrument)

    async def _subscribe_prices(self, link: Link, missing: Sequence[Subscription]) -> None:
        try:
            await link.subscribe(*missing)
        except VenueError as error:
            self._store.log(f"{error}", Severity.WARNING)
            link.ts_priced = self._clock() + _AFTER_REFUSAL

    def _pricing(self, link: Link) -> set[InstrumentId]:
        """Returns what tells the value of the money at a venue: while any is open, no day's P&L begins."""
        store = self._store
        owned = [one.currency for one in store.ledger.balances.get(link.name, {}).values() if one.total]
        if (wallet := store.margins.get(link.name)) is not None:
            owned += [asset.currency for asset in wallet.assets if asset.net]
        found: set[InstrumentId] = set()
        for currency in owned[:_MOST_PRICED]:
            found.update(store.rates.needed(link.name, currency, store.currency))
        return found

    def _others(self, link: Link) -> set[str]:
        return {name for name in self._links if name != link.name}
