"""Looks up orders of which nobody knows what became, until the venue has said it for good.

An answer is for good when it was asked for after everything that we sent had died at the venue (`tui.desk.proof`).
Until then a hit is shown as it is found and asked for again, and a miss proves nothing. Where nothing bounds the
life of a request a miss never settles anything: the order stays UNKNOWN until the venue tells of it or a person
decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from tui.desk.clientid import Random
from tui.desk.exits import is_bound
from tui.desk.journal import BY_TRADER, Command, Resolution
from tui.desk.keeping import Keeper
from tui.desk.link import Link
from tui.desk.orders import Tracked
from tui.desk.patience import LONGEST_PAUSE, ask_once, pause_before, until_provable
from tui.desk.proof import Proof, is_answer_final, proof_of_miss, provable_at
from tui.desk.store import Store
from venues.commands import CancelRequest, OrderRequest
from venues.errors import OrderNotFound
from venues.model import NANOSECONDS, OrderStatus

UNSETTLED = frozenset({OrderStatus.UNKNOWN, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE})

_PAUSE_WHEN_FOUND = 300.0  # seconds: it rests, only a cancel without bound may still arrive
_OVERLAP = 60 * NANOSECONDS
_CLOSED = "ended by the venue: its position is closed"
_WORDS = {
    Proof.NEVER_PLACED: (
        OrderStatus.REJECTED,
        "never placed: the venue did not have it when it could no longer arrive",
    ),
    Proof.NOT_RESTING: (OrderStatus.CANCELED, "not resting, 0 filled: the venue has it no more"),
}


class Settler:
    """Settles orders of all venues. `clock` returns nanoseconds UTC, `sleep` takes seconds."""

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        random: Random,
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._running: set[str] = set()

    def wants(self, tracked: Tracked) -> bool:
        """Says whether something about the order is open, and nobody looks it up yet."""
        return tracked.key not in self._running and self.is_open(tracked)

    def is_open(self, tracked: Tracked) -> bool:
        """Says whether something about the order is open that no command on its way will answer."""
        if tracked.status.is_terminal:
            return False
        return tracked.status in UNSETTLED or bool(_pending(tracked))

    async def run(self, link: Link, tracked: Tracked) -> None:
        """Asks for one order until it is settled."""
        if tracked.key in self._running:
            return
        self._running.add(tracked.key)
        try:
            attempt = 0
            while self.is_open(tracked):
                await self._sleep(self._pause(link, tracked, attempt))
                attempt += 1
                if tracked.in_flight or not self.is_open(tracked):
                    continue
                await ask_once(partial(self.ask, link, tracked), self._store, self._sleep)
        finally:
            # Also after a fault of ours, or the order would never be asked about again.
            self._running.discard(tracked.key)
        if not tracked.is_concluded:  # by a person, who has not told what became of the commands
            self.note_settled(tracked, "told", "the venue told what became of it")

    async def ask(self, link: Link, tracked: Tracked) -> None:
        """Asks the venue for one order, and draws the conclusion. Raises VenueError."""
        order, can = tracked.order, link.venue.capabilities
        asked, now = link.venue.venue_time(), self._clock()
        try:
            found = await link.venue.fetch_order(order.instrument, order.client_order_id, order.venue_order_id)
        except OrderNotFound:
            if tracked.status.is_terminal:
                return
            proof = proof_of_miss(tracked, can, asked, now)
            if proof is None and await self._is_position_closed(link, tracked):
                self.conclude(tracked, OrderStatus.CANCELED, "lookup", _CLOSED)
            elif proof is None:
                self._store.orders.missing(tracked)
            else:
                status, words = _WORDS[proof]
                self.conclude(tracked, status, "lookup", words)
            return
        self._store.confirm(found)
        if is_answer_final(tracked, can, asked):
            self.note_settled(tracked, "lookup", f"the venue said: {found.status.value.replace('_', ' ')}")
        await self._read_missing_fills(link, tracked)

    async def _is_position_closed(self, link: Link, tracked: Tracked) -> bool:
        """Says whether an order has ended with the position that it was to close. Raises VenueError."""
        order = tracked.order
        if not is_bound(order) or not tracked.is_confirmed or not link.venue.capabilities.position_sides:
            return False
        held = await link.venue.fetch_positions()
        is_held = any(
            p.quantity and (p.instrument, p.position_id) == (order.instrument, order.position_id) for p in held
        )
        return not is_held and not tracked.in_flight and not tracked.status.is_terminal

    def conclude(self, tracked: Tracked, status: OrderStatus, by: str, words: str) -> None:
        """Ends an order by proof or by a person's word, and keeps that in the journal."""
        commands = list(tracked.commands)
        self._store.orders.conclude(tracked, status, words, is_proven=by != BY_TRADER)
        order = tracked.order
        if not commands:  # it was told of before, and is missing since
            commands = [CancelRequest(**{name: getattr(order, name) for name in CancelRequest.__struct_fields__})]
        was_never_placed = status is OrderStatus.REJECTED
        self._keep(tracked, commands, Resolution(by, words, order, was_never_placed, is_concluded=True))

    def note_settled(self, tracked: Tracked, by: str, words: str) -> None:
        """Keeps that nothing that was sent about the order is open any more."""
        commands = list(tracked.commands)
        self._store.orders.settled(tracked, commands)
        self._keep(tracked, commands, Resolution(by, words, tracked.order))

    def _keep(self, tracked: Tracked, commands: Sequence[Command], resolution: Resolution) -> None:
        others = self._store.orders.open_orders(tracked.order.instrument.venue)
        still_open = {command for other in others for command in other.commands}
        for command in commands:
            if command not in still_open:  # a cancel of many is settled with the last of them
                self._keeper.resolved(command, resolution)

    def seconds_to_proof(self, link: Link, tracked: Tracked) -> float | None:
        """Returns how long it takes until the venue's answer is for good; None where it never will be."""
        at, time = provable_at(tracked, link.venue.capabilities), link.venue.venue_time()
        if at is None or time is None:
            return None
        return max(0.0, (at + time.uncertainty - time.now) / NANOSECONDS)

    def provable_on(self, link: Link, tracked: Tracked, now: int) -> int | None:
        """Returns the same as a moment of the desk's clock, `now` being the present one; in nanoseconds."""
        if not link.venue.capabilities.lookup_covers_closed:
            return None
        left = self.seconds_to_proof(link, tracked)
        return None if left is None else now + round(left * NANOSECONDS)

    async def _read_missing_fills(self, link: Link, tracked: Tracked) -> None:
        """Reads the executions of an order that the venue says has traded more than we have heard of."""
        heard = sum(fill.quantity for fill in tracked.fills.values())
        if tracked.order.filled_quantity <= heard or not tracked.order.ts_created:
            return
        for fill in await link.venue.fetch_fills(tracked.order.ts_created - _OVERLAP):
            self._store.take_fill(fill, is_told=True)

    def _pause(self, link: Link, tracked: Tracked, attempt: int) -> float:
        longest = LONGEST_PAUSE if tracked.status in UNSETTLED else _PAUSE_WHEN_FOUND
        pause = pause_before(attempt, self._random, longest)
        can = link.venue.capabilities
        if not can.lookup_covers_closed or provable_at(tracked, can) is None:
            return pause
        return until_provable(pause, self.seconds_to_proof(link, tracked))


def _pending(tracked: Tracked) -> list[Command]:
    """Returns the unanswered commands that may still change something: an order that was seen needs no proof."""
    return [
        command for command in tracked.commands if not (isinstance(command, OrderRequest) and tracked.is_confirmed)
    ]
