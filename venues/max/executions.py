"""Our executions, each told once, with their fees.

The venue computes a fee after the trade, so that a push may lack it, and a push may be lost. What is missing is
asked for by the order's own list of trades, as often as it takes until the executions of each order add up to what
the venue says has traded. A trade with ourselves is two executions that share a number.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from venues.errors import OrderNotFound
from venues.events import Event, FillUpdate, Notice
from venues.max import VENUE
from venues.max.lookups import Lookups
from venues.max.memory import Known, OrderMemory
from venues.max.models import PrivateTrade
from venues.max.parse_account import Execution, parse_executions
from venues.model import ZERO, Fill, Instrument, InstrumentId
from venues.transport.pursuit import MOST_MISSES, Pursuit

logger = logging.getLogger(__name__)

_MOST_TOLD = 20_000


class _Told(NamedTuple):
    """What an execution was told by: its name, and its fee as far as it was known."""

    name: str
    fee: Decimal = ZERO
    currency: str = ""


class Executions:
    """Makes `Fill`s, each once. `emit` gets those that had to be asked for; `wall` is ours, nanoseconds UTC."""

    def __init__(
        self,
        memory: OrderMemory,
        lookups: Lookups,
        instrument: Callable[[InstrumentId], Instrument | None],
        emit: Callable[[Sequence[Event]], None],
        *,
        wall: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        time_scale: float,
    ) -> None:
        self._memory = memory
        self._lookups = lookups
        self._instrument = instrument
        self._emit = emit
        self._wall = wall
        self._told: dict[tuple[int, str], _Told] = {}
        self._names: set[str] = set()
        self._held: dict[tuple[int, str], Execution] = {}  # told by the stream without a fee
        self._missing: dict[str, int] = {}  # order id -> reads in which something of it was still missing
        self._pursuit = Pursuit(
            VENUE, "our executions", self._is_wanting, self._read_missing, sleep=sleep, time_scale=time_scale
        )

    def take(self, executions: Iterable[Execution], since: int = 0) -> list[Fill]:
        """Takes trades; returns those that are new and whole. What is older than `since` is passed over."""
        fills: list[Fill] = []
        # Of the two halves of a trade with ourselves the sale comes first, as in REST's order.
        for each in sorted(executions, key=lambda one: (one.ts_event, one.number, one.side.sign)):
            if each.key in self._told or each.ts_event < since:
                continue
            if each.fee is None:
                self._held[each.key] = each
                self._want(each.order_id)
            else:
                fills.append(self._tell(each))
        return fills

    def want(self, known: Known) -> None:
        """Has the executions read that the order is short of."""
        if known.order_id:
            self._want(known.order_id)

    def parse(self, trades: Iterable[PrivateTrade], since: int = 0) -> list[Fill]:
        """Returns the executions of a read from `since` on, oldest first, whether they were told or not.

        One without a fee is left out, and told once it has one. Raises DecodeError.
        """
        fills = []
        for each in parse_executions(trades):
            if each.ts_event < since:
                continue
            if each.fee is None and each.key not in self._told:
                self._held.setdefault(each.key, each)
                self._want(each.order_id)
                continue
            known = self._memory.find("", each.order_id)
            told = self._told.get(each.key)
            # A list may lack the fee for a moment longer than the stream.
            fills.append(self._fill(each, told or _Told(self._name(each)), known))
        return fills

    def take_untold(self, trades: Iterable[PrivateTrade], since: int = 0) -> list[Fill]:
        """Returns the executions of a read from `since` on that were not told, each once. Raises DecodeError."""
        return self.take(parse_executions(trades), since)

    def resynced(self) -> None:
        """Asks at once for what is missing: the stream was away."""
        if self._missing:
            self._missing = dict.fromkeys(self._missing, 0)
            self._pursuit.wake()

    async def aclose(self) -> None:
        """Ends the reads under way."""
        await self._pursuit.aclose()

    def _want(self, order_id: str) -> None:
        self._missing.setdefault(order_id, 0)
        self._pursuit.wake()

    def _is_wanting(self) -> bool:
        self._held = {key: each for key, each in self._held.items() if key not in self._told}
        held = {each.order_id for each in self._held.values()}
        for order_id in list(self._missing):
            known = self._memory.find("", order_id)
            if order_id not in held and (known is None or not known.is_short):
                del self._missing[order_id]
        return bool(self._missing)

    async def _read_missing(self) -> None:
        """Raises VenueError."""
        for order_id in list(self._missing):
            await self._read(order_id)

    async def _read(self, order_id: str) -> None:
        """Reads once what is missing of an order, and tells it. Raises VenueError."""
        try:
            trades = await self._lookups.order_trades(order_id)
        except OrderNotFound:
            trades = []
        mine = [each for each in parse_executions(trades) if each.order_id == order_id]
        fills = self.take(mine)
        if fills:
            self._emit([FillUpdate(fill) for fill in fills])
        if order_id in self._missing:
            self._missing[order_id] += 1
            if self._missing[order_id] >= MOST_MISSES:
                self._give_up(order_id)

    def _give_up(self, order_id: str) -> None:
        """What the venue does not complete after all is told with no fee, which a person has to know."""
        for each in [each for each in self._held.values() if each.order_id == order_id]:
            fill = self._tell(each)
            words = f"the fee of trade {fill.trade_id} is not known: the venue does not tell it"
            self._emit([FillUpdate(fill), Notice(VENUE, words, False, self._wall())])
        known = self._memory.find("", order_id)
        if known is not None and known.is_short:
            logger.warning("the venue does not list all executions of order %s", order_id)
            known.forgive()

    def _tell(self, each: Execution) -> Fill:
        known = self._memory.find("", each.order_id)
        fill = self._fill(each, _Told(self._note(each)), known)
        if known is not None:
            known.told += fill.quantity
        return fill

    def _fill(self, each: Execution, told: _Told, known: Known | None) -> Fill:
        instrument = self._instrument(each.instrument)
        currency = told.currency or (instrument.quote if instrument is not None else "")
        return each.fill(told.name, known.client_id if known is not None else "", told.fee, currency)

    def _note(self, each: Execution) -> str:
        """Takes an execution for told, and returns its name."""
        name = self._name(each)
        self._told[each.key] = _Told(name, each.fee or ZERO, each.fee_currency)
        self._names.add(name)
        self._held.pop(each.key, None)
        if len(self._told) > _MOST_TOLD:
            self._names.discard(self._told.pop(next(iter(self._told))).name)
        return name

    def _name(self, each: Execution) -> str:
        """Returns the venue's number, with the side behind it for the other half of a trade with ourselves."""
        plain = str(each.number)
        is_other = each.is_second or (plain in self._names and each.key not in self._told)
        return f"{plain}-{each.side.value}" if is_other else plain
