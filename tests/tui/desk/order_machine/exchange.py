"""A bad venue and its truth: what reached it, what it booked, and what it tells, late, twice or never."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tests.tui.desk.rig import PERP, START, ScriptedVenue, capabilities, fill, order
from tui.desk.journal_events import hash_of
from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import DuplicateClientOrderId, NotSent, OrderNotFound, OrderRejected, OutcomeUnknown
from venues.model import NANOSECONDS, ZERO, Fill, InstrumentId, Order, OrderStatus
from venues.port import Capabilities, Depart, Departure, VenueTime

S = OrderStatus
LIFE = 30 * NANOSECONDS
SETTLE = 2 * NANOSECONDS
LAG = SETTLE * 95 // 100  # how far the reads may be behind
UNCERTAINTY = NANOSECONDS // 2
OneCommand: TypeAlias = OrderRequest | AmendRequest | CancelRequest


class Kind(StrEnum):
    """How a venue lets one find out what became of an order."""

    BY_ID = "lookup by client id"
    OPEN_ONLY = "scan of what rests"
    UNBOUNDED = "nothing bounds a request's life"
    VANISHING = "what ended unfilled is not found"


class Fate(StrEnum):
    """What happens to a request that is on its way, and to its answer."""

    ANSWERED = "carried out and answered"
    LOST_BEFORE = "lost before the venue"
    LOST_AFTER = "carried out, answer lost"
    LATE = "answer lost, carried out later"
    REFUSED = "refused with a listed code"
    LIE = "refused with a listed code, carried out later"
    GARBLED = "carried out, answer unreadable"
    TASK_CANCELLED = "call cancelled, carried out later"


class Packet:
    """One signed request. `reply` is None once nobody waits for the answer."""

    def __init__(self, command: OneCommand, deadline: int | None, reply: asyncio.Future[Order]) -> None:
        self.command = command
        self.deadline = deadline
        self.reply: asyncio.Future[Order] | None = reply

    @property
    def is_waited_for(self) -> bool:
        return self.reply is not None and not self.reply.done()

    @property
    def key(self) -> str:
        return self.command.client_order_id


class Exchange:
    """The venue. `now` is its clock; `error` is what our estimate of that is wrong by."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.capabilities: Capabilities = capabilities(
            positions=False,
            lookup_by_client_id=kind is not Kind.OPEN_ONLY,
            lookup_covers_closed=kind is not Kind.OPEN_ONLY,
            order_life=None if kind is Kind.UNBOUNDED else LIFE / NANOSECONDS,
            settle=SETTLE / NANOSECONDS,
            forgets_unfilled=kind is Kind.VANISHING,
        )
        self.now = START
        self.error = 0
        self.view = START  # the reads show what had happened by then
        self.wire: list[Packet] = []
        self.versions: dict[str, list[Order]] = {}  # by client order id, oldest first
        self.fills: dict[str, list[Fill]] = {}
        self.pushes: list[Order | Fill] = []
        self.creates: Counter[str] = Counter()
        self.deadlines: dict[str, int] = {}  # of all requests about an order, the last
        self.create_deadlines: dict[str, int | None] = {}
        self.refused: set[str] = set()  # orders whose creation the venue refused, or that never left
        self.violations: list[str] = []
        self.written: Callable[[str], int] = lambda _: 0  # how many `sending` rows a command has
        self._left: Counter[str] = Counter()
        self._last = START

    @property
    def is_provable(self) -> bool:
        """Says whether every order can be settled by looking it up."""
        return self.kind in (Kind.BY_ID, Kind.VANISHING)

    def truth(self, key: str) -> Order | None:
        versions = self.versions.get(key)
        return versions[-1] if versions else None

    def was(self, key: str, status: OrderStatus) -> bool:
        return any(version.status is status for version in self.versions.get(key, ()))

    def time(self) -> VenueTime:
        return VenueTime(self.now + self.error, UNCERTAINTY)

    def depart(self, packet: Packet) -> None:
        """Takes a request on its way, whose first byte leaves now."""
        command, name = packet.command, hash_of(packet.command)
        self._left[name] += 1
        if self.written(name) < self._left[name]:
            self.violations.append(f"a {type(command).__name__} of {packet.key} left before its row")
        if isinstance(command, OrderRequest):
            self.creates[packet.key] += 1
            self.create_deadlines[packet.key] = packet.deadline
            if self.creates[packet.key] > 1:
                self.violations.append(f"{packet.key} was sent twice")
        if packet.deadline is not None:
            self.deadlines[packet.key] = max(packet.deadline, self.deadlines.get(packet.key, 0))
        self.wire.append(packet)

    def decide(self, packet: Packet, fate: Fate) -> None:
        """Has `fate` happen to a request. One whose answer nobody waits for arrives or is lost."""
        reply, packet.reply = packet.reply, None
        is_new = isinstance(packet.command, OrderRequest)
        if fate not in (Fate.LATE, Fate.LIE, Fate.TASK_CANCELLED) or (fate is Fate.LIE and not is_new):
            self.wire.remove(packet)
        answer: Order | BaseException = OutcomeUnknown("test", "ReadTimeout")
        if fate in (Fate.ANSWERED, Fate.LOST_AFTER, Fate.GARBLED):
            done = self._carry_out(packet)
            if fate is Fate.ANSWERED:
                answer = done
            elif fate is Fate.GARBLED:
                answer = ValueError("an answer of HTML")
        elif fate in (Fate.REFUSED, Fate.LIE):
            answer = OrderRejected("test", "not enough funds", "2001")
        if reply is None or reply.done():
            return
        if fate is Fate.TASK_CANCELLED:
            reply.cancel()
        elif isinstance(answer, BaseException):
            if is_new and isinstance(answer, OrderRejected):
                self.refused.add(packet.key)
            reply.set_exception(answer)
        else:
            reply.set_result(answer)

    def _carry_out(self, packet: Packet) -> Order | BaseException:
        if packet.deadline is not None and self.now > packet.deadline:
            return OrderRejected("test", "the request is too old", "1005")
        command, before = packet.command, self.truth(packet.key)
        if isinstance(command, OrderRequest):
            if before is not None:
                return DuplicateClientOrderId("test", "the id was used", "1006")
            self.fills[packet.key] = []
            return self._tell(order(packet.key, S.NEW, quantity=command.quantity, price=command.price))
        if before is None or not before.is_open:
            return OrderNotFound("test", "no such order", "1007")
        if isinstance(command, CancelRequest):
            return self._tell(msgspec.structs.replace(before, status=S.CANCELED))
        # A quantity below what has been filled cuts off the rest: the order is filled.
        quantity = max(command.quantity or before.quantity, before.filled_quantity)
        status = S.FILLED if quantity == before.filled_quantity else before.status
        changed = msgspec.structs.replace(
            before, price=command.price or before.price, quantity=quantity, status=status
        )
        return self._tell(changed)

    def trade(self, key: str, quantity: Decimal) -> None:
        """Executes a part of an order that rests, or that was cancelled while it traded."""
        before = self.truth(key)
        if before is None or before.status not in (S.NEW, S.PARTIALLY_FILLED, S.CANCELED) or not before.remaining:
            return
        done = min(quantity, before.remaining)
        made = fill(key, f"t{self._tick()}", done, ts_event=self._last)
        self.fills[key].append(made)
        self.pushes.append(made)
        total = before.filled_quantity + done
        is_gone = before.status is S.CANCELED
        status = S.FILLED if total == before.quantity else S.CANCELED if is_gone else S.PARTIALLY_FILLED
        self._tell(msgspec.structs.replace(before, filled_quantity=total, status=status))

    def end(self, key: str, status: OrderStatus) -> None:
        """Ends an order by itself, or by somebody else's hand."""
        before = self.truth(key)
        if before is not None and before.is_open:
            self._tell(msgspec.structs.replace(before, status=status))

    def look(self, lag: int = LAG) -> None:
        """Lets the reads show what had happened `lag` ago, or what they showed already."""
        self.view = max(self.view, self.now - lag)

    def read(self, key: str) -> Order | None:
        """Returns an order as a read shows it."""
        seen = [version for version in self.versions.get(key, ()) if version.ts_event <= self.view]
        if not seen:
            return None
        found = seen[-1]
        if self.kind is Kind.OPEN_ONLY and not found.is_open:
            return None
        if self.kind is Kind.VANISHING and not found.is_open and not found.filled_quantity:
            return None
        return found

    def read_fills(self, since: int) -> list[Fill]:
        made = (one for several in self.fills.values() for one in several)
        found = [one for one in made if since <= one.ts_event <= self.view]
        return sorted(found, key=lambda one: one.ts_event)

    def _tell(self, changed: Order) -> Order:
        changed = msgspec.structs.replace(
            changed, ts_event=self._tick(), ts_created=changed.ts_created or self.now
        )
        self.versions.setdefault(changed.client_order_id, []).append(changed)
        self.pushes.append(changed)
        return changed

    def _tick(self) -> int:
        self._last = max(self._last + 1, self.now)
        return self._last


class Connection(ScriptedVenue):
    """A desk's way to the venue. It ends with its desk. While `is_slow` the answers to reads wait."""

    def __init__(self, exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(caps=exchange.capabilities)
        self.exchange = exchange
        self.is_dead = False
        self.is_slow = False
        self.newest: dict[str, Order] = {}  # what this desk was told last of each order, by the venue's time
        self.waiting: list[asyncio.Future[None]] = []
        self._loop = loop

    def venue_time(self) -> VenueTime | None:
        return self.exchange.time()

    def note(self, told: Order) -> None:
        """Notes that the desk hears of an order."""
        known = self.newest.get(told.client_order_id)
        if known is None or told.ts_event >= known.ts_event:
            self.newest[told.client_order_id] = told

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return await self._send(request, depart)

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        return await self._send(request, depart)

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        return await self._send(request, depart)

    async def _send(self, command: OneCommand, depart: Depart | None) -> Order:
        nonce = self.exchange.time().now
        deadline = None if self.exchange.kind is Kind.UNBOUNDED else nonce + LIFE
        assert depart is not None
        await depart(Departure(nonce=nonce, deadline=deadline))
        if self.is_dead:
            raise NotSent("test", "this process is dead")
        packet = Packet(command, deadline, self._loop.create_future())
        assert packet.reply is not None
        self.exchange.depart(packet)
        answer = await packet.reply
        self.note(answer)
        return answer

    async def fetch_open_orders(self) -> Sequence[Order]:
        self.exchange.look()
        seen = [found for key in self.exchange.versions if (found := self.exchange.read(key)) is not None]
        await self._answered()
        resting = [found for found in seen if found.is_open]
        for found in resting:
            self.note(found)
        return resting

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        assert instrument == PERP
        self.exchange.look()
        found = self.exchange.read(client_order_id)
        await self._answered()
        if found is None:
            raise OrderNotFound("test", "no such order", "1007")
        self.note(found)
        return found

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        self.exchange.look()
        found = self.exchange.read_fills(since)
        await self._answered()
        return found

    async def _answered(self) -> None:
        if self.is_slow:
            self.waiting.append(self._loop.create_future())
            await self.waiting[-1]

    def answer_reads(self) -> None:
        """Lets the answers of all reads so far arrive."""
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)


def filled_of(truth: Order | None) -> Decimal:
    return truth.filled_quantity if truth is not None else ZERO
