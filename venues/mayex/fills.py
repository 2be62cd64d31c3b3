"""Our executions, each told once, by `tradeId`: only trade-histories has it, a push prompts the read.

A row says all but our own id of its order. `fee` below zero is charged (-0.448948 is 0.035 % of 0.030 at 42757.0).
A page holds the newest. Where it does not reach back far enough the pages behind it are read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from venues.errors import DecodeError, NotSupported, OrderNotFound, RequestError, UnknownInstrument, VenueError
from venues.events import Event, FillUpdate, Notice, OrderUpdate
from venues.mayex import VENUE
from venues.mayex.client import Client
from venues.mayex.figures import instrument_id, milliseconds_of, neat, ns_of_milliseconds, side_of, symbol_of
from venues.mayex.histories import Reach, read_back
from venues.mayex.lookups import Lookups, Undecided
from venues.mayex.memory import Known, OrderMemory
from venues.mayex.models import Fill as Row
from venues.mayex.models.figures import Rows
from venues.mayex.sides import closes, position_id_of
from venues.model import ZERO, Fill, Instrument, InstrumentId, Liquidity
from venues.transport.pursuit import MOST_MISSES
from venues.transport.recent import Recent
from venues.transport.short_orders import ShortOrders

logger = logging.getLogger(__name__)

_MOST_TOLD = 20_000
_MISSES = (OrderNotFound, Undecided, DecodeError, UnknownInstrument)  # nothing is known of an order
_AHEAD = 60_000  # milliseconds that the venue's clock may be ahead of what we take for it
_LATE = 600_000  # milliseconds by which an execution may be listed after a later one
_MOST_LOOKS = 3  # at an order of which nothing but an execution is known, and that can not be ours


class Execution:
    """A row, and what it is: the fill, the position's id, whether it closed, and whether by force."""

    __slots__ = ("closes", "fill", "liquidation", "position_id")

    def __init__(self, row: Row, fill: Fill) -> None:
        self.fill = fill
        self.position_id = position_id_of(row.position_side, isolated=bool(row.isolated))
        self.closes = closes(fill.side, row.position_side)
        kind = row.liquidation_type
        self.liquidation = kind if kind not in (None, "", "L_NONE") else ""


class Fills:
    """Makes `Fill`s, each once. `on_fill` hears of each before it is told.

    `active` returns the contracts in which something of ours may trade: they are asked for one by one where the
    venue lists executions of one contract only.
    """

    def __init__(
        self,
        client: Client,
        memory: OrderMemory,
        lookups: Lookups,
        instrument: Callable[[InstrumentId], Instrument | None],
        *,
        active: Callable[[], Iterable[InstrumentId]],
        on_fill: Callable[[Execution], None],
        now: Callable[[], int],
    ) -> None:
        self._client = client
        self._memory = memory
        self._lookups = lookups
        self._instrument = instrument
        self._active = active
        self._on_fill = on_fill
        self._now = now
        self._turn = asyncio.Lock()
        self._by_contract = False
        self._told: Recent[int, None] = Recent(_MOST_TOLD)
        self._newest: dict[str, int] = {}  # moments of the newest rows that were read, by contract; "" for all
        self._first: dict[str, int] = {}  # the first execution that a list has
        self._looks: dict[int, int] = {}  # orders of which only executions are known -> looks at them
        self._short = ShortOrders(memory)
        self.began = 0  # the venue's clock: what was executed before is no news
        self.is_wanted = False  # a push has told of an execution, or a read of something that moved

    async def begin(self, at: int) -> list[Execution]:
        """Returns what was executed before we looked, oldest first; `at` is the venue's time, nanoseconds.

        None of it is news: whoever wants it asks for it. Raises VenueError.
        """
        rows = (await self._page("")).rows
        if not self.began:
            self.began = at - at % 1_000_000  # the venue tells milliseconds, and its clock may be ahead of itself
            for row in rows:
                self._told[row.trade_id] = None
        past = [row for row in reversed(rows) if row.trade_id in self._told]
        return [one for row in past if (one := self._readable(row)) is not None]

    def want(self, known: Known) -> None:
        """Has executions read until they add up to what the venue says of an order."""
        self._short.want(known)

    @property
    def wants_read(self) -> bool:
        """Whether something is known to be executed that is not told yet, or may be."""
        return self.is_wanted or bool(self._looks) or self._short.is_any()

    async def read(self) -> list[Event]:
        """Reads what was executed since the last read, and returns what of it is new. Raises VenueError."""
        async with self._turn:  # two at once would both meet the same orders
            self.is_wanted = False  # what is pushed from here on may not be in the answer
            try:
                lists = await self._lists(self._newest, self.began // 1_000_000)
                for rows, _ in lists.values():
                    await self._meet(rows)
            except VenueError:
                self.is_wanted = True
                raise
            events: list[Event] = []
            for symbol, (rows, is_whole) in lists.items():
                if not is_whole:
                    words = "more was executed than the venue lists at once: executions before may be missing"
                    events.append(Notice(VENUE, words, True, self._now()))
                events += self._take(rows)
                since, latest = self._newest.get(symbol, 0), self._now() // 1_000_000 + _AHEAD
                waiting = [_at(row) for row in rows if row.order_id in self._looks]
                newest = max(map(_at, rows), default=since)
                # What claims to be of the future must not hide what comes before it.
                self._newest[symbol] = max(since, min(min(waiting, default=newest), latest))
            self._short.count()
            return [*self.untold_orders(), *events]

    async def fetch(self, since: int) -> list[Fill]:
        """Returns our fills from `since` on, oldest first, whether they were told or not. Raises VenueError."""
        found: dict[int, Row] = {}
        for rows, _ in (await self._lists({}, since // 1_000_000)).values():
            found.update((row.trade_id, row) for row in rows if _at(row) >= since // 1_000_000)
        strangers = {row.symbol: row for row in found.values() if self._known(row) is None}
        for row in strangers.values():  # one look brings all that a contract's list of orders has
            with suppress(*_MISSES):
                await self._look_up(row)
        fills = [one.fill for row in found.values() if (one := self._readable(row)) is not None]
        return sorted(
            (one for one in fills if one.ts_event >= since), key=lambda one: (one.ts_event, one.trade_id)
        )

    def untold_orders(self) -> list[Event]:
        """Returns the orders of which a command, a push or a read has learnt what no event has told."""
        return [OrderUpdate(order) for order in self._memory.news()]

    def resynced(self) -> None:
        """Asks anew for what is missing: the stream was away."""
        self._short.restart()

    # What is read.

    async def _lists(self, since: Mapping[str, int], default: int) -> dict[str, tuple[list[Row], bool]]:
        """Returns what was executed since then (milliseconds), by contract or all under "". Raises VenueError."""
        if not self._by_contract:
            found = await self._since("", since.get("", default))
            if not self._by_contract:
                return {"": found}
        symbols = dict.fromkeys(symbol_of(instrument) for instrument in self._active())
        return {each: await self._since(each, since.get(each, default)) for each in symbols}

    async def _since(self, symbol: str, since: int) -> tuple[list[Row], bool]:
        """Returns the rows from `since` (milliseconds) on, oldest first, and whether they are all.

        Of the same millisecond more may come, so that it is read again. What those pages have from shortly before
        comes along: it may have been listed since.

        Raises:
            VenueError: they can not be read.
        """
        found: dict[int, Row] = {}

        def is_enough(rows: Sequence[Row]) -> bool:
            found.update((row.trade_id, row) for row in rows)
            is_past = min(map(_at, rows), default=since) < since
            return is_past or self._first.get(symbol) in found

        reach = await read_back(partial(self._page, symbol), lambda row: row.trade_id, is_enough)
        if reach is Reach.END:
            self._first[symbol] = min(found, default=0)
        kept = [row for row in found.values() if not 0 < _at(row) < since - _LATE and _is_of(row, symbol)]
        return sorted(kept, key=lambda row: (_at(row), row.trade_id)), reach is not Reach.CUT

    async def _page(self, symbol: str, index: int | None = None) -> Rows[Row]:
        """Returns a page of executions, the newest first, of one contract or of all. Raises VenueError."""
        if not symbol and self._by_contract:
            return Rows(rows=[])
        try:
            return await self._lookups.read(self._client.trade_history(symbol or None, page_index=index))
        except (RequestError, NotSupported) as error:
            if symbol:
                raise
            logger.warning("executions are read contract by contract: %s", error)
            self._by_contract = True
            return Rows(rows=[])

    def _take(self, rows: Sequence[Row]) -> list[Event]:
        """Returns what is new of a read."""
        events: list[Event] = []
        for row in self._new(rows):
            known = self._known(row)
            if known is None and self._is_looked_for(row):
                continue  # it is read again, until it is known whose it is; in the end it is told without our id
            self._looks.pop(row.order_id, None)
            self._told[row.trade_id] = None
            found = self._readable(row)
            if found is None:
                continue
            if known is not None:
                known.note(found.fill)
                if found.liquidation and known.last is not None:  # a push of the order does not tell it
                    known.last = msgspec.structs.replace(known.last, is_liquidation=True)
            self._on_fill(found)
            events.append(FillUpdate(found.fill))
        return events

    def _new(self, rows: Iterable[Row]) -> list[Row]:
        since = self.began // 1_000_000
        return [row for row in rows if row.trade_id not in self._told and not 0 < _at(row) < since]

    async def _meet(self, rows: Iterable[Row]) -> None:
        """Looks for the orders of which nothing but executions are known. Raises VenueError."""
        for row in self._new(rows):
            if self._known(row) is None and self._is_looked_for(row):
                await self._look(row)

    def _is_looked_for(self, row: Row) -> bool:
        """Whether an order is worth another look: longer where one of ours has not been answered."""
        unanswered = (one for one in self._memory.open_orders() if one.asked is not None and not one.number)
        may_be_ours = any(one.instrument == instrument_id(row.symbol) for one in unanswered)
        return self._looks.get(row.order_id, 0) < (MOST_MISSES if may_be_ours else _MOST_LOOKS)

    async def _look(self, row: Row) -> None:
        """Looks for an order of which an execution was met. Raises VenueError."""
        try:
            await self._look_up(row)
        except _MISSES:  # a list that can not be read so far hides no execution for ever
            self._looks[row.order_id] = self._looks.get(row.order_id, 0) + 1
        else:
            self._looks.pop(row.order_id, None)

    async def _look_up(self, row: Row) -> None:
        """Raises VenueError; Undecided where what is listed does not go back to the execution."""
        at = ns_of_milliseconds(_at(row))
        await self._lookups.order(instrument_id(row.symbol), "", str(row.order_id), changed_after=at)

    # What a row is.

    def _known(self, row: Row) -> Known | None:
        known = self._memory.find("", str(row.order_id))
        return known if known is not None and known.last is not None else None

    def _readable(self, row: Row) -> Execution | None:
        """Returns what a row is; None, and a warning, for one that is none: it must not hide the others."""
        try:
            return self._parse(row)
        except DecodeError as error:
            logger.warning("execution %s of order %s: %s", row.trade_id, row.order_id, error.message)
            return None

    def _parse(self, row: Row) -> Execution:
        """Raises DecodeError."""
        instrument, known = instrument_id(row.symbol), self._known(row)
        listed = self._instrument(instrument)
        if row.last_qty <= 0 or row.last_price <= 0 or not position_id_of(row.position_side, isolated=False):
            raise DecodeError(VENUE, "an execution that can not be")
        fill = Fill(
            instrument=instrument,
            trade_id=str(row.trade_id),
            client_order_id=known.client_id if known is not None else "",
            venue_order_id=str(row.order_id),
            side=side_of(row.side),
            price=row.last_price if listed is None else neat(row.last_price, listed.tick_size),
            quantity=row.last_qty if listed is None else neat(row.last_qty, listed.lot_size),
            fee=row.fee_paid,
            fee_currency=(row.settled_ccy or (listed.settle if listed is not None else "")).upper(),
            liquidity=Liquidity.MAKER if row.maker else Liquidity.TAKER,
            ts_event=ns_of_milliseconds(_at(row) or self._now() // 1_000_000),
            realized_pnl=row.realized_pnl or ZERO,
        )
        return Execution(row, fill)


def _at(row: Row) -> int:
    """Returns when it was executed, in milliseconds."""
    return milliseconds_of(row.transaction_time)


def _is_of(row: Row, symbol: str) -> bool:
    """Says whether a row is of a contract, or any is meant: ?symbol=eth is answered by how a name begins."""
    return not symbol or row.symbol.lower() == symbol
