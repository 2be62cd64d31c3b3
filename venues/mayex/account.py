"""What is ours at Mayex, behind the port: orders, executions, positions, balances, margin, leverage.

It is polled from `open` to `close`, and told by the private stream besides where there is one: `take` gets what
that pushes. What is found out later comes through `emit`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal

from venues.errors import VenueError
from venues.events import Event, Notice, OrderUpdate, StreamStatus
from venues.mayex import VENUE
from venues.mayex.account_polling import AccountRounds, pause_for
from venues.mayex.balances import Balances
from venues.mayex.client import Client
from venues.mayex.expiry import ExpiryProof
from venues.mayex.fills import Execution, Fills
from venues.mayex.limits import pools
from venues.mayex.liquidations import Liquidations
from venues.mayex.margins import MarginCommands
from venues.mayex.orders import Orders
from venues.mayex.positions import Positions
from venues.mayex.pushes import AccountPush, OrderPush
from venues.mayex.settings import Settings
from venues.model import (
    InstrumentId,
    MarginMode,
    Side,
)
from venues.transport.asked_marks import AskedMarks
from venues.transport.clock import ServerClock
from venues.transport.listing import InstrumentList
from venues.transport.perpetual_account import PerpetualAccount, available_of
from venues.transport.ratelimit import RateLimiter

_FRESH_MARK = 15.0  # seconds
_HURRIED = 0.5  # seconds between two rounds at least, where something is known to have happened


class Account(PerpetualAccount):
    """The private half of the venue, for one event loop and one API key; without one, every call says so."""

    _orders: Orders
    _positions: Positions
    _balances: Balances
    _fills: Fills
    _rounds: AccountRounds

    def __init__(
        self,
        client: Client,
        listing: InstrumentList,
        clock: ServerClock,
        settings: Settings,
        *,
        emit: Callable[[Sequence[Event]], None],
        mark: Callable[[InstrumentId], Decimal | None],
        last: Callable[[InstrumentId], Decimal | None],
        find_mark: Callable[[InstrumentId], Awaitable[Decimal | None]],
        find_last: Callable[[InstrumentId], Awaitable[Decimal | None]],
        show: Callable[[StreamStatus | None], None],
        limiter: RateLimiter,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_fault: Callable[[BaseException], None] | None = None,
    ) -> None:
        """`emit` never waits and never drops; `mark` and `last` return a fresh price, or none.

        `find_mark` and `find_last` ask for what nobody has told; `show` is the chip's line. `on_fault` gets what
        breaks the polls, which is a fault of ours; without it a notice says so.
        """
        facts, scale = settings.facts, settings.time_scale
        super().__init__(
            VENUE,
            listing,
            clock,
            has_stream=facts.private_stream != "none" and bool(facts.token_path),
            emit=emit,
            limiter=limiter,
            pool=pools(facts)[0],
            time_scale=scale,
            wall=wall,
            monotonic=monotonic,
            sleep=sleep,
        )
        self._fresh_mark = mark
        self._find_mark = find_mark
        has_key = settings.credentials is not None
        self._stream_words = ""  # what was said of the private stream last
        self._traded: dict[InstrumentId, None] = {}
        self._asked_marks = AskedMarks(monotonic, _FRESH_MARK)
        self._balances = Balances(self.stamp, monotonic, time_scale=scale)
        self._positions = positions = Positions(
            instrument=listing.known,
            wallets=lambda: self._balances.totals(),
            mark=self._mark,
            now=self.stamp,
            monotonic=monotonic,
            time_scale=scale,
            on_loss=lambda facts, quantity: self._liquidations.take_change(facts, quantity),
        )
        self._liquidations = liquidations = Liquidations(positions, listing.known, self.now)
        self._expiry = ExpiryProof(client, is_wanted=settings.expiry_proof == "probe", time_scale=scale)
        self._sender = sender = self._expiry.make_sender(has_credentials=has_key)
        self._orders = orders = Orders(
            client,
            sender,
            listing,
            clock,
            emit=emit,
            terms=self,
            mark=mark,
            last=last,
            expiry=self._expiry,
            settings=settings,
            has_credentials=has_key,
            free=self._free,
            hears=self._is_told,
            find_mark=find_mark,
            find_last=find_last,
            time_scale=scale,
            sleep=sleep,
        )
        self._fills = Fills(
            client,
            orders.memory,
            orders.lookups,
            listing.known,
            active=self._active,
            on_fill=self._filled,
            now=self.now,
        )
        self._margins = MarginCommands(
            client,
            sender,
            listing,
            positions,
            available=lambda currency: available_of(self._balances.newest.values, currency),
            lookups=orders.lookups,
            changed=lambda: self._commanded(of_positions=True),
        )
        self._rounds = AccountRounds(
            client,
            orders,
            positions,
            self._balances,
            self._fills,
            liquidations,
            emit,
            hears=self._is_told,
            free=self._free,
            monotonic=monotonic,
            time_scale=scale,
        )
        self._follow(pause=pause_for(facts.minute_quota), hurried=_HURRIED, show=show, on_fault=on_fault)

    # Its life.

    async def _begin(self, at: int) -> None:
        await self._read_held()
        past = await self._fills.begin(at)
        self._liquidations.begin(at, past)
        self._positions.begin([(one.fill, one.position_id, one.closes) for one in past])
        self._emit(self._positions.reprice())
        if self._clock.best is not None:  # what has expired by our clock may be far from it by the venue's
            await self._expiry.verify()

    async def _read_held(self) -> None:
        await self._rounds.begin()

    def resynced(self) -> None:
        """Is told each time the private stream has been subscribed: what was told meanwhile is read."""
        self._stream_words = ""
        super().resynced()

    def stream_failed(self, error: VenueError) -> None:
        """Is told that there is no token for a private stream, which is said once: the account is polled."""
        if error.message != self._stream_words:
            self._stream_words = error.message
            words = f"no private stream, the account is polled: {error.message}"
            self._emit([Notice(VENUE, words, False, self.now())])

    def take(self, push: OrderPush | AccountPush) -> Sequence[Event]:
        """Returns what a push tells. Raises DecodeError."""
        self._following.spoke()
        if isinstance(push, OrderPush):
            return self._take_order(push)
        events: list[Event] = []
        for balance in push.rows.balances:
            events += self._balances.take_push(balance)
        for position in push.rows.positions:
            events += self._positions.take_push(position)
        return events

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        """Sets the leverage of a contract's positions of one mode, open ones too.

        Raises:
            BadRequest: the leverage is none; nothing was sent.
            OrderError, NotSent, OutcomeUnknown: as commands for orders do.
        """
        await super().set_leverage(instrument, leverage, margin_mode)
        self._emit(self._positions.reprice())

    @property
    def order_life(self) -> float | None:
        """The seconds after which a request is dead at the venue; None while that is not proven."""
        return self._expiry.life

    # What the orders' half asks of the positions'.

    def margin_mode_of(self, instrument: InstrumentId, side: Side) -> MarginMode | None:
        """Returns the mode of the only position that an order of this side would add to; None without one."""
        found = [one.mode for one in self._positions.facts(instrument) if one.closing_side is side.opposite]
        return found[0] if len(found) == 1 else None

    def leverage_of(self, instrument: InstrumentId, margin_mode: MarginMode) -> Decimal | None:
        return self._positions.leverage_of(instrument, margin_mode)

    def quantity_of(self, instrument: InstrumentId, position_id: str) -> Decimal | None:
        """Returns what a position holds, without a sign; None where there is none, or nobody knows."""
        found = self._positions.find(instrument, position_id)
        return abs(found.quantity) if found is not None else None

    # What only concerns this.

    def _changed(self) -> None:
        self._commanded()

    def _commanded(self, *, of_positions: bool = False) -> None:
        """A command of ours has changed something: the private stream tells it, or it is read."""
        if not self._following.is_told:
            self._rounds.expect(of_positions=of_positions)
            self._following.hurry()

    def _take_order(self, push: OrderPush) -> list[Event]:
        known = self._orders.take_push(push.order)
        if known is None:
            self._rounds.want()  # it tells too little of an order that nobody here knows
            return []
        self._fills.want(known)
        self._fills.is_wanted |= bool(push.order.last_quantity) or known.is_short
        if known.last is None or known.last is known.shown:
            return []
        self._liquidations.take_order(known.last)
        known.shown = known.last
        return [OrderUpdate(known.last)]

    def _filled(self, execution: Execution) -> None:
        self._liquidations.take_fill(execution)
        self._positions.take_fill(execution.fill, execution.position_id, closes=execution.closes)

    def _active(self) -> Iterable[InstrumentId]:
        """Returns the contracts in which something of ours may trade, or may have traded since it began."""
        self._traded |= {one.instrument: None for one in self._positions.facts()}
        self._traded |= {known.instrument: None for known in self._orders.memory.open_orders()}
        return list(self._traded)

    def _mark(self, instrument: InstrumentId) -> Decimal | None:
        fresh = self._fresh_mark(instrument)
        return self._asked_marks.mark(instrument) if fresh is None else fresh

    async def _find_marks(self) -> None:
        for instrument in {one.instrument for one in self._positions.facts()}:
            if self._mark(instrument) is None and (price := await self._find_mark(instrument)) is not None:
                self._asked_marks.note(instrument, price, self._monotonic())
