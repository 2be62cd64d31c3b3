"""The account, read again and again: all there is without the private topics, and what proves them with them.

A round reads positions and balances (weight 4). What it finds moved, each third one and those after a command of
ours go on to what rests and waits (6) and to executions (2): nothing of ours trades or rests without moving either
a balance or a position, but plan orders and exits. A round of its own comes every ten seconds while the stream is
there. All of it together is meant to take a quarter of the quota a minute; the pauses grow by themselves while
commands use the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

from venues.events import Event
from venues.model import InstrumentId
from venues.pumpkin.balances import Balances
from venues.pumpkin.bills import parse_bill
from venues.pumpkin.client import Client
from venues.pumpkin.figures import instrument_id
from venues.pumpkin.fills import Fills
from venues.pumpkin.liquidations import Liquidations
from venues.pumpkin.memory import Kind
from venues.pumpkin.models import BillType
from venues.pumpkin.orders import Orders
from venues.pumpkin.parameters import MOST_A_PAGE
from venues.pumpkin.positions import Positions
from venues.pumpkin.readings import Readings
from venues.transport.asked_marks import AskedMarks
from venues.transport.together import together

_SHORTEST = 2.0  # seconds between two rounds
_AUDIT_EVERY = 10.0  # while the stream tells
_DEEP_EVERY = 3  # rounds
_AFTER = 2  # whole rounds after a command: the venue books late
_MEAN_WEIGHT = 7  # of a round: 4, and 8 more each third time
_SHARE = 4  # one part in so many of the quota is for the account's rounds
_BILLS = 50


def pause_for(readings: Readings) -> float:
    """Returns the seconds between two rounds that the stated quotas allow."""
    minute = float(readings.minute_quota)
    if readings.day_quota is not None:
        minute = min(minute, readings.day_quota / 1_440)
    return max(_SHORTEST, _MEAN_WEIGHT * _SHARE * 60 / minute)


class AccountRounds:
    """Reads the account in rounds. `hears` says whether the private topics stand; `monotonic` is in seconds."""

    def __init__(
        self,
        client: Client,
        orders: Orders,
        positions: Positions,
        balances: Balances,
        fills: Fills,
        liquidations: Liquidations,
        emit: Callable[[Sequence[Event]], None],
        *,
        hears: Callable[[], bool],
        fresh_mark: Callable[[InstrumentId], Decimal | None],
        asked_marks: AskedMarks,
        monotonic: Callable[[], float],
        time_scale: float = 1.0,
    ) -> None:
        self._client = client
        self._orders = orders
        self._positions = positions
        self._balances = balances
        self._fills = fills
        self._liquidations = liquidations
        self._emit = emit
        self._hears = hears
        self._fresh_mark = fresh_mark
        self._asked_marks = asked_marks
        self._monotonic = monotonic
        self._audit_every = _AUDIT_EVERY * time_scale
        self._began_at = float("-inf")
        self._rounds = 0
        self._wanted = 0
        self._turn = asyncio.Lock()
        self._read_at = 0  # the venue's clock before the last read of positions

    def want(self) -> None:
        """Has the next rounds read everything: something was commanded, or could not be read."""
        self._wanted = _AFTER

    @property
    def age(self) -> float:
        """Seconds since the last round began."""
        return self._monotonic() - self._began_at

    @property
    def is_due(self) -> bool:
        if self._wanted or not self._hears() or self._liquidations.is_open:
            return True
        if self._positions.newest.wants_read or self._balances.newest.wants_read:
            return True
        return self.age >= self._audit_every

    async def money(self) -> bool:
        """Reads positions and balances, and tells what has changed; returns whether anything has.

        Raises VenueError.
        """
        async with self._turn:  # what was asked first must not come last
            read = self._orders.lookups.read
            began, at = self._monotonic(), self._orders.lookups.as_of()
            rows, purses = await read(together(self._client.positions(), self._client.balances()))
            held = self._positions.parsed(rows)  # what can not be read leaves neither of the two half taken
            events = self._balances.take_read(purses, began)
            events += self._positions.take_read(held, began)
            self._read_at = at
            self._emit(events)  # whatever becomes of the marks: nobody says it again
            if self._positions.is_unmarked(self._fresh_mark):
                asked = self._monotonic()
                for one in await read(self._client.mark_prices()):
                    self._asked_marks.note(instrument_id(one.symbol), one.price, asked)
                self._emit(self._positions.reprice())
            return bool(events)

    async def round(self) -> None:
        """Raises VenueError; what it did not come to, the next one does."""
        self._began_at = self._monotonic()
        self._rounds += 1
        is_deep = bool(self._wanted) or self._rounds % _DEEP_EVERY == 1 or self._hears()
        is_deep |= await self.money()
        is_deep |= self._liquidations.is_open
        if is_deep:
            self._wanted = max(1, self._wanted)
            await self._compare_orders()
            self._emit(await self._fills.read())
            self._wanted -= 1
        await self._read_bills()
        self._emit(self._liquidations.news())

    async def begin(self) -> None:
        """Reads what there is when the account is first followed, and what positions of before have received.

        Raises VenueError.
        """
        await self.money()
        funding, read = self._positions.funding, self._orders.lookups.read
        funding.skip([parse_bill(row) for row in (await read(self._client.bills(bill_type=BillType.FUND))).items])
        for facts in self._positions.facts():
            if facts.realized and len(self._positions.facts(facts.instrument)) == 1:
                page = await read(self._client.bills(symbol=facts.instrument.symbol, limit=MOST_A_PAGE))
                funding.begin(facts.key, facts.realized, [parse_bill(row) for row in page.items])
        self._emit(self._positions.reprice())

    async def _compare_orders(self) -> None:
        """Raises VenueError."""
        memory, lookups = self._orders.memory, self._orders.lookups
        there, gone = await memory.compare(lookups.open_orders())
        for known in there:
            self._fills.want(known)
        plain = [known.number for known in gone if known.kind is Kind.ORDER]
        if plain:
            await lookups.by_numbers(plain)
        for known in gone:
            self._fills.want(known)
            if known.last is not None and known.last.is_open:
                self._orders.doubts.about(known)
        self._emit(self._fills.untold_orders())

    async def _read_bills(self) -> None:
        """Raises VenueError."""
        funding = self._positions.funding
        if not (self._liquidations.is_open or funding.wants_bills):
            return
        kind = None if self._liquidations.is_open else BillType.FUND
        page = await self._orders.lookups.read(self._client.bills(bill_type=kind, limit=_BILLS))
        bills = [parse_bill(row) for row in page.items]
        self._liquidations.take_bills(bills)
        # What was booked after the positions were read is in none of them yet: the next look ascribes it.
        if funding.take_bills(bill for bill in bills if not bill.ts_event > self._read_at > 0):
            self._emit(self._positions.reprice())
