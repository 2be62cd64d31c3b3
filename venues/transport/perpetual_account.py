"""An account of perpetuals behind the port, for a venue's own to inherit: its life, its reads, its commands.

The venue makes the parts, says what it begins with and what is read where nothing is known of what is held, and
takes its own pushes. What is found out later goes out through `emit`.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from venues.commands import AmendRequest, CancelRequest, FundsRequest, OrderRequest
from venues.errors import NotSent, VenueError
from venues.events import Event, StreamStatus
from venues.margin import FundsReceipt
from venues.model import Balance, Fill, InstrumentId, MarginMode, Order, Position, Side
from venues.port import Depart
from venues.transport.clock import ServerClock
from venues.transport.following import Following, Rounds
from venues.transport.listing import InstrumentList
from venues.transport.ratelimit import Pool, RateLimiter
from venues.transport.sending import Sender
from venues.transport.signed_reads import SignedReads

_REPRICE_EVERY = 1.0  # seconds, while liquidation prices move with the marks of others


class AccountOrders(Protocol):
    """Everything that commands and finds orders."""

    @property
    def lookups(self) -> SignedReads: ...

    async def submit(self, request: OrderRequest, depart: Depart | None = None) -> Order: ...

    async def amend(self, request: AmendRequest, depart: Depart | None = None) -> Order: ...

    async def cancel(self, request: CancelRequest, depart: Depart | None = None) -> Order: ...

    async def cancel_all(
        self, instrument: InstrumentId | None = None, side: Side | None = None, depart: Depart | None = None
    ) -> Sequence[Order]: ...

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order: ...

    async def fetch_open_orders(self) -> Sequence[Order]: ...

    async def aclose(self) -> None: ...


class AccountPositions(Protocol):
    """The positions. `is_read` says whether they have been read at all."""

    is_read: bool

    @property
    def moves_with_marks(self) -> bool: ...

    def open(self) -> Sequence[Position]: ...

    def reprice(self) -> Sequence[Event]: ...

    def forget_stream(self) -> None: ...


class AccountBalances(Protocol):
    """The balances."""

    def held(self) -> Sequence[Balance]: ...

    def forget_stream(self) -> None: ...


class AccountFills(Protocol):
    """The executions."""

    async def fetch(self, since: int) -> Sequence[Fill]: ...

    def resynced(self) -> None: ...


class AccountMargins(Protocol):
    """What changes margin and leverage."""

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, mode: MarginMode) -> None: ...

    async def move(self, request: FundsRequest, depart: Depart | None) -> FundsReceipt: ...

    async def find(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]: ...


class AccountReads(Rounds, Protocol):
    """The rounds, and the light part of one."""

    async def money(self) -> bool: ...


class PerpetualAccount(ABC):
    """The private half of a venue, for one event loop and one API key; without one, every call says so."""

    # What the venue sets, of types of its own, before it calls `_follow`.
    _sender: Sender
    _orders: AccountOrders
    _positions: AccountPositions
    _balances: AccountBalances
    _fills: AccountFills
    _margins: AccountMargins
    _rounds: AccountReads

    def __init__(
        self,
        venue: str,
        listing: InstrumentList,
        clock: ServerClock,
        *,
        has_stream: bool,
        emit: Callable[[Sequence[Event]], None],
        limiter: RateLimiter,
        pool: Pool,
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`emit` never waits and never drops; `pool` is what the account's reads draw from."""
        self._venue = venue
        self._listing = listing
        self._clock = clock
        self._has_stream = has_stream
        self._emit = emit
        self._limiter = limiter
        self._pool = pool
        self._scale = time_scale
        self._wall = wall
        self._monotonic = monotonic
        self._sleep = sleep
        self._opening = asyncio.Lock()
        self._stamp = 0

    def _follow(
        self,
        *,
        pause: float,
        hurried: float | None = None,
        show: Callable[[StreamStatus | None], None],
        on_fault: Callable[[BaseException], None] | None,
    ) -> None:
        """Makes what follows the account by its rounds; the arguments are those of `Following`."""
        self._following = Following(
            self._venue,
            self._rounds,
            pause=pause,
            hurried=hurried,
            free=self._free,
            lost=self._forget_stream,
            emit=self._emit,
            show=show,
            on_fault=on_fault,
            time_scale=self._scale,
            wall=self._wall,
            monotonic=self._monotonic,
            sleep=self._sleep,
        )

    # What venues differ in.

    @abstractmethod
    async def _begin(self, at: int) -> None:
        """Reads what there is when the account is first followed, `at` by the venue's clock. Raises VenueError."""

    @abstractmethod
    async def _read_held(self) -> None:
        """Reads positions, and what their liquidation prices stand on. Raises VenueError."""

    @abstractmethod
    async def _find_marks(self) -> None:
        """Asks for marks that nobody tells, where no round does."""

    async def _submit(self, request: OrderRequest, depart: Depart | None) -> Order:
        """Raises as `submit_order` does."""
        return await self._orders.submit(request, depart)

    def _changed(self) -> None:
        """A command of ours has changed something: the private stream tells it, or it is read."""
        self._following.changed()

    # Its life.

    async def open(self) -> None:
        """Reads what there is, and goes on by itself until `close`. Twice is once.

        Raises:
            AuthenticationError: the venue does not take the key.
            VenueError: it could not be read; nothing goes on.
        """
        async with self._opening:
            if self._following.is_open:
                return
            self._orders.lookups.require_key()
            await self._prepare()
            await self._begin(self._orders.lookups.as_of() or self._wall())
            self._following.begin(has_stream=self._has_stream, beside={"liquidation prices": self._follow_marks})

    async def close(self) -> None:
        """Ends the polls: nobody wants to hear of the account any more. May be called twice."""
        await self._following.close()

    async def aclose(self) -> None:
        """Ends everything under way. May be called twice."""
        await self.close()
        await self._orders.aclose()

    def resynced(self) -> None:
        """Is told each time the private stream has been subscribed: what was told meanwhile is read."""
        self._following.resynced()
        self._fills.resynced()

    def unsubscribed(self) -> None:
        """Is told when the private stream is closed."""
        self._following.lose()

    def missed(self) -> None:
        """Is told that a push could not be read: what it told is read."""
        self._following.read_all()

    def hears(self, status: StreamStatus) -> None:
        """Takes the state of the private stream."""
        self._following.heard(status)

    def settled(self) -> Sequence[Event]:
        """Returns what all pushes that came together have made of liquidation prices."""
        if self._rounds.is_due:
            self._following.hurry()
        return self._positions.reprice()

    # The reads of the port.

    async def fetch_balances(self) -> Sequence[Balance]:
        """Returns what there is of each currency; positions and open orders lock a part of it."""
        self._orders.lookups.require_key()
        await self._rounds.money()
        return self._balances.held()

    async def fetch_positions(self) -> Sequence[Position]:
        """Returns the open positions, with an estimate of where each is liquidated."""
        self._orders.lookups.require_key()
        await self._prepare()
        await self._read_held()
        return self._positions.open()

    async def fetch_open_orders(self) -> Sequence[Order]:
        """Returns every order that rests, or waits for its trigger."""
        return await self._orders.fetch_open_orders()

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        """Raises OrderNotFound, which is proof only after the request's deadline, where the venue keeps one."""
        return await self._orders.fetch_order(instrument, client_order_id, venue_order_id)

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        """Returns our fills from `since` on, oldest first."""
        self._orders.lookups.require_key()
        await self._prepare()
        return await self._fills.fetch(since)

    # The commands of the port.

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        await self._prepare_command()
        try:
            return await self._submit(request, depart)
        finally:
            self._changed()

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        return await self._orders.amend(request, depart)

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        try:
            return await self._orders.cancel(request, depart)
        finally:
            self._changed()

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        try:
            return await self._orders.cancel_all(instrument, side, depart)
        finally:
            self._changed()

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        """Sets the leverage of a contract's positions of one mode, where it has but one mode that as well.

        Raises:
            BadRequest: it would be refused, or makes no sense; nothing was sent.
            OrderError, NotSent, OutcomeUnknown: as commands for orders do.
        """
        await self._prepare_command()
        await self._margins.set_leverage(instrument, leverage, margin_mode)

    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        """Adds margin to an isolated position, or takes some out. Raises as commands for orders do."""
        await self._prepare_command()
        return await self._margins.move(request, depart)

    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        """Returns the receipt of a change that the position's margin proves; a miss never proves anything."""
        return await self._margins.find(request, since)

    def now(self) -> int:
        """Returns the venue's clock, or ours while that is not known; nanoseconds."""
        return self._clock.now_if_known() or self._wall()

    def stamp(self) -> int:
        """Returns the same for what is told and names no moment of its own: never one before the last.

        The venue's clock is an estimate that may be corrected backwards, and what seems older than what is known
        is passed over.
        """
        self._stamp = max(self._stamp, self.now())
        return self._stamp

    # What only concerns this.

    async def _prepare(self) -> None:
        """Reads once what commands stand on. Raises VenueError."""
        await self._orders.lookups.read(self._listing.all())

    async def _prepare_command(self) -> None:
        """Raises NotSent where what a command stands on can not be read."""
        self._sender.require_key()
        try:
            await self._prepare()
            if not self._positions.is_read:
                await self._read_held()
        except VenueError as error:
            raise NotSent(self._venue, error.message, error.code) from None

    def _is_told(self) -> bool:
        """Whether the private stream tells what happens: it may stand and stay silent."""
        return self._following.is_told

    def _forget_stream(self) -> None:
        self._positions.forget_stream()
        self._balances.forget_stream()

    def _free(self) -> float:
        return self._limiter.free(self._pool.name) / self._pool.unreserved

    async def _follow_marks(self) -> None:
        """Reprices while liquidation prices move with marks."""
        while True:
            await self._sleep(_REPRICE_EVERY * self._scale)
            if self._positions.moves_with_marks:
                await self._find_marks()
                self._emit(self._positions.reprice())


def available_of(balances: Mapping[str, Balance], currency: str) -> Decimal | None:
    """Returns what of a currency may still be used; None where that is not known."""
    found = balances.get(currency)
    return None if found is None else found.available
