"""Cancel many: every order and every stop of a market, of a side, or of all markets.

What rests is listed first, since no answer of these cancels tells what it cancelled. A market of which all is
meant is swept whole, orders that are not listed yet included. Everything else goes by ids: the one call that
cancels without an id is never sent where a side is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from venues.coinex import VENUE, orders
from venues.coinex.codes import judge_change
from venues.coinex.limits import MOST_A_BATCH
from venues.coinex.lookups import Lookups
from venues.coinex.memory import OrderMemory
from venues.coinex.parse_orders import parse_vanished
from venues.errors import NotSent, OrderNotFound, OutcomeUnknown, VenueError, VenueUnavailable
from venues.model import InstrumentId, Order, Side
from venues.port import Depart
from venues.transport.asides import Asides
from venues.transport.exchange import Request
from venues.transport.sending import HttpSender

_LIST_FIRST = 1.5  # seconds; a market that is swept whole is not listed for any longer
_LIST_AFTER = 5.0


class Sweep:
    """Cancels many orders of one account."""

    def __init__(self, sender: HttpSender, asides: Asides, lookups: Lookups, memory: OrderMemory) -> None:
        self._sender = sender
        self._asides = asides
        self._lookups = lookups
        self._memory = memory

    async def run(self, instrument: InstrumentId | None, side: Side | None, depart: Depart | None) -> list[Order]:
        """Cancels what rests now; returns the orders as they then are, as far as they could be read."""
        self._sender.require_key()
        market = instrument.symbol if instrument is not None else ""
        try:
            resting = await self._list(market, _LIST_FIRST if side is None else None)
        except VenueError as error:
            if side is not None:
                raise NotSent(VENUE, f"what rests could not be listed: {error.message}", error.code) from None
            resting = self._remembered(instrument)
            if instrument is None and not resting:
                raise NotSent(VENUE, f"what rests could not be listed: {error.message}", error.code) from None
        meant = [order for order in resting if side in (None, order.side)]
        cancels = self._cancels(meant, instrument, side)
        await self._send(cancels, depart)
        return await self._as_they_are(meant, market)

    async def _list(self, market: str, seconds: float | None) -> list[Order]:
        """Returns what rests. Raises VenueError, also where that takes longer than `seconds`."""
        read = self._lookups.open_orders(market, is_urgent=True)
        if seconds is None:
            return await read
        found = await self._asides.find(read, seconds)
        if found is None:
            raise VenueUnavailable(VENUE, "no answer in time")
        return found

    def _remembered(self, instrument: InstrumentId | None) -> list[Order]:
        return [
            known.last
            for known in self._memory.open_orders()
            if known.last is not None and instrument in (None, known.instrument)
        ]

    def _cancels(
        self, meant: Sequence[Order], instrument: InstrumentId | None, side: Side | None
    ) -> list[Request]:
        """Returns the requests, orders before stops."""
        listed = {(order.instrument.symbol, self._account_of(order)): None for order in meant}
        if side is None:
            plain = {(o.instrument.symbol, self._account_of(o)): None for o in meant if not self._is_stop(o)}
            stops = {(o.instrument.symbol, self._account_of(o)): None for o in meant if self._is_stop(o)}
            if instrument is not None:  # whether or not anything is listed there
                plain.setdefault((instrument.symbol, 0))
                stops.setdefault((instrument.symbol, 0))
            whole = [orders.cancel_every_order(market, account) for market, account in plain]
            return whole + [orders.cancel_every_stop(market, account) for market, account in stops]
        cancels: list[Request] = []
        for market, account in listed:
            ids = [
                order.venue_order_id
                for order in meant
                if (order.instrument.symbol, self._account_of(order)) == (market, account)
                and not self._is_stop(order)
            ]
            cancels += [
                orders.cancel_batch(market, ids[start : start + MOST_A_BATCH], account)
                for start in range(0, len(ids), MOST_A_BATCH)
            ]
        for order in meant:
            if self._is_stop(order):
                market, account = order.instrument.symbol, self._account_of(order)
                cancels.append(orders.cancel_stop(market, order.venue_order_id, account))
        return cancels

    async def _send(self, cancels: Sequence[Request], depart: Depart | None) -> None:
        """Sends all of them, whatever becomes of each. Raises NotSent, OrderError or OutcomeUnknown."""
        done = 0
        worst: VenueError | None = None
        for cancel in cancels:
            try:
                await self._sender.send(cancel, orders.Done, judge_change, depart)
                done += 1
            except OrderNotFound:
                done += 1  # there was nothing to cancel
            except VenueError as error:
                if worst is None or isinstance(error, OutcomeUnknown):
                    worst = error
        if worst is None:
            return
        if done and not isinstance(worst, OutcomeUnknown):
            raise OutcomeUnknown(VENUE, f"some were cancelled, others not: {worst.message}", worst.code)
        raise worst

    async def _as_they_are(self, meant: Sequence[Order], market: str) -> list[Order]:
        """Returns what became of the orders; those of which that could not be read are left out."""
        if not meant:
            return []
        read = await self._asides.find(self._read(meant, market), _LIST_AFTER)
        if read is None:
            return []
        left, states = read
        found: list[Order] = []
        for order in meant:
            now = left.get(order.venue_order_id)
            if now is not None:
                found.append(now)
            elif self._is_stop(order):
                found.append(self._gone(order))
            elif order.venue_order_id in states:
                state = states[order.venue_order_id]
                if state is not None or not order.filled_quantity:  # one that has traded does not vanish
                    found.append(state or self._gone(order))
        return found

    async def _read(
        self, meant: Sequence[Order], market: str
    ) -> tuple[dict[str, Order], Mapping[str, Order | None]]:
        """Returns what still rests, and how those that were no stops stand. Raises VenueError."""
        left = {order.venue_order_id: order for order in await self._lookups.open_orders(market)}
        return left, await self._states([order for order in meant if not self._is_stop(order)])

    async def _states(self, resting: Sequence[Order]) -> Mapping[str, Order | None]:
        states: dict[str, Order | None] = {}
        for market in dict.fromkeys(order.instrument.symbol for order in resting):
            ids = [order.venue_order_id for order in resting if order.instrument.symbol == market]
            states |= await self._lookups.states(market, ids)
        return states

    def _gone(self, order: Order) -> Order:
        known = self._memory.by_id(order.venue_order_id)
        if (
            known is not None
            and known.order_id
            and known.order_id != order.venue_order_id
            and known.last is not None
        ):
            return known.last  # a stop that was triggered meanwhile
        gone = parse_vanished(order)
        gone = msgspec.structs.replace(gone, ts_event=max(order.ts_event, self._lookups.now()), reason="")
        if known is not None:
            known.last = gone
        return gone

    def _is_stop(self, order: Order) -> bool:
        known = self._memory.by_id(order.venue_order_id)
        return known is not None and known.stop_id == order.venue_order_id and not known.order_id

    def _account_of(self, order: Order) -> int:
        known = self._memory.by_id(order.venue_order_id)
        return known.account_id if known is not None else 0
