"""What is ours at MAX: orders, executions, balances and the M-wallet, read, commanded, told by the stream.

The methods of `venues.port.Trading`, and `take` for the messages of the private stream. What a message tells is
returned at once; what has to be looked up first (a fee, what became of an order) comes later through `emit`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal

from venues.commands import AmendRequest, CancelRequest, FundsRequest, OrderRequest
from venues.errors import DecodeError, NotSent, NotSupported
from venues.events import Event, FillUpdate, OrderUpdate
from venues.margin import FundsReceipt, MarginAccount
from venues.max import VENUE
from venues.max.audit import Audit
from venues.max.auth import ORDER_LIFE
from venues.max.cancels import Cancels
from venues.max.channels import RESOLUTIONS
from venues.max.client import Client
from venues.max.doubts import Doubts
from venues.max.executions import Executions
from venues.max.figures import ns_of_milliseconds
from venues.max.funds import Funds
from venues.max.listing import Listing
from venues.max.lookups import Lookups
from venues.max.margin import MarginWallet
from venues.max.means import Means
from venues.max.memory import OrderMemory
from venues.max.open_orders import MarketsToAsk
from venues.max.parameters import LONGEST_CLIENT_OID
from venues.max.parse_account import parse_stream_balance, parse_stream_execution, parse_stream_order
from venues.max.profile import MARGIN, SPOT, Profile
from venues.max.remedies import REMEDIES
from venues.max.sweep import Sweep
from venues.max.trading import Commands
from venues.max.wire import Message, WireBalance, WireDebt, WireFill, WireOrder, WireRatio, decode_part
from venues.model import (
    Balance,
    Fill,
    InstrumentId,
    MarginMode,
    Order,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Depart, Mode
from venues.transport.asides import Asides
from venues.transport.clock import ServerClock
from venues.transport.sending import Sender

_SETTLE = 5.0  # seconds; orders are queued
_MARGIN = "mwallet_"
MARGIN_NAME = "M-wallet"


def capabilities(mode: Mode, time_scale: float = 1.0, *, reads_account: bool = True) -> Capabilities:
    """Returns what this venue can do; `time_scale` multiplies the time it is given to show what it took."""
    return Capabilities(
        mode=mode,
        order_types=frozenset({OrderType.LIMIT, OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT}),
        times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC}),
        post_only=True,
        amend=False,
        margin_wallet=MARGIN_NAME if reads_account else "",
        positions=reads_account,
        lookup_by_client_id=True,
        lookup_covers_closed=True,
        order_life=ORDER_LIFE,
        settle=_SETTLE * time_scale,
        client_id_length=LONGEST_CLIENT_OID,
        bar_intervals=tuple(RESOLUTIONS),
        reads_account=reads_account,
    )


class Account:
    """The private half of the venue, for one event loop and one API key; without one, every call says so."""

    def __init__(
        self,
        client: Client,
        profile: Profile,
        listing: Listing,
        clock: ServerClock,
        *,
        emit: Callable[[Sequence[Event]], None],
        has_credentials: bool = True,
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        last_price: Callable[[InstrumentId], Decimal | None] = lambda _: None,
        hears: Callable[[], bool] = lambda: False,
        watched: Callable[[], Iterable[InstrumentId]] = tuple,
    ) -> None:
        """`emit` never waits and never drops. `last_price` is the newest known, None where it is not fresh.

        `hears` says whether the stream is there, which tells what becomes of an order that was accepted; `watched`
        are the markets that are shown.
        """
        self._emit = emit
        self._memory = memory = OrderMemory()
        self._lookups = lookups = Lookups(
            client,
            profile,
            memory,
            clock,
            MarketsToAsk(client, memory, listing, emit, watched=watched, wall=wall),
            has_credentials=has_credentials,
            on_short=lambda known: self._executions.want(known),
        )
        self._executions = Executions(
            memory, lookups, listing.known, emit, wall=wall, sleep=sleep, time_scale=time_scale
        )
        self._doubts = doubts = Doubts(lookups, emit, sleep=sleep, time_scale=time_scale)
        self._margin = MarginWallet(
            client,
            lookups,
            listing,
            profile,
            emit,
            last_price=last_price,
            time_scale=time_scale,
            monotonic=monotonic,
        )
        self._audit = Audit(
            memory,
            lookups,
            self._executions,
            doubts,
            emit,
            wall=wall,
            sleep=sleep,
            time_scale=time_scale,
            compare_margin=self._margin.compare,
        )
        self._asides = asides = Asides(time_scale)
        sender = Sender(VENUE, REMEDIES, life=ORDER_LIFE, has_credentials=has_credentials)
        self._funds = Funds(client, sender, lookups, profile, self._margin)
        means = Means(client, sender, asides, memory, lookups, doubts, sleep, time_scale)
        self._commands = Commands(means, listing, last_price=last_price, hears=hears)
        self._cancels = Cancels(means)
        self._sweep = Sweep(means, profile)

    def take(self, message: Message) -> Sequence[Event]:
        """Returns what a message of the private stream tells. Raises DecodeError."""
        wallet = MARGIN if message.event.startswith(_MARGIN) else SPOT
        match message.event.removeprefix(_MARGIN):
            case "order_snapshot" | "order_update" as kind:
                rows = decode_part(message.orders, list[WireOrder])
                return self._take_orders(rows, wallet, message.time if kind == "order_snapshot" else 0)
            case "trade_snapshot":  # the last hundred, most of which are old
                return self._take_trades(decode_part(message.trades, list[WireFill]), wallet, self._audit.began)
            case "trade_update" | "fast_trade_update":
                return self._take_trades(decode_part(message.trades, list[WireFill]), wallet)
            case "account_snapshot" | "account_update":
                return self._take_balances(decode_part(message.balances, list[WireBalance]), wallet, message.time)
            case "borrowing_snapshot" | "borrowing_update":
                self._margin.take_debts(decode_part(message.debts, list[WireDebt]), message.time)
            case "ad_ratio_snapshot" | "ad_ratio_update":
                self._margin.take_ratio(decode_part(message.ratio, WireRatio), message.time)
        return []

    def settled(self) -> Sequence[Event]:
        """Returns what all the messages that came together have made of the M-wallet."""
        return self._margin.news()

    def resynced(self) -> None:
        """Is told each time the private stream has been opened and signed in."""
        self._executions.resynced()
        self._audit.start()
        self._margin.resynced()

    def unsubscribed(self) -> None:
        """Is told when the private stream is closed, and nobody wants to hear of the account any more."""
        self._audit.stop()
        self._margin.unsubscribed()

    def missed(self) -> None:
        """Is told that a message could not be read: what it told is read."""
        self._audit.hurry()

    async def aclose(self) -> None:
        """Ends the look-ups under way. May be called twice."""
        await self._audit.aclose()
        await self._margin.aclose()
        await self._doubts.aclose()
        await self._executions.aclose()
        await self._asides.aclose()

    async def fetch_balances(self) -> Sequence[Balance]:
        """Returns what the spot wallet holds; a currency of which there is nothing is left out."""
        return await self._lookups.balances()

    async def fetch_positions(self) -> Sequence[Position]:
        """Returns what the M-wallet holds of each currency, where it owes anything."""
        return await self._margin.positions()

    async def fetch_margin_account(self) -> MarginAccount:
        """Returns the M-wallet as a whole. Raises VenueError: NotSupported where the account has none."""
        return await self._margin.fetch()

    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        return await self._funds.move(request, depart)

    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        return await self._funds.find(request, since)

    async def fetch_open_orders(self) -> Sequence[Order]:
        """Returns every order that rests and every stop that waits, in both wallets."""
        return await self._lookups.open_orders(is_whole=True)

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        """Raises OrderNotFound, which proves nothing before the order's life is over."""
        return await self._lookups.order(instrument, client_order_id, venue_order_id)

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        """Returns our fills from `since` on, oldest first; one whose fee is not computed yet is told later."""
        return self._executions.parse(await self._lookups.trades(since), since)

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return await self._commands.submit(request, depart)

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        """Raises NotSent: the venue amends nothing, and two commands in its place are the desk's to make."""
        del depart  # nothing leaves
        symbol = request.instrument.symbol
        raise NotSent(VENUE, f"{symbol}: orders are not amended here: cancel it, then place it anew")

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        return await self._cancels.cancel(request, depart)

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        return await self._sweep.run(instrument, side, depart)

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        """Raises NotSupported."""
        words = f"{instrument.symbol}: {leverage}x {margin_mode} can not be set: the M-wallet has no leverage"
        raise NotSupported(VENUE, words)

    def _take_orders(self, rows: Sequence[WireOrder], wallet: str, snapshot_at: int) -> list[Event]:
        """Takes orders; of a snapshot, which lists what rests, those that are missing are looked up."""
        events: list[Event] = []
        is_margin = wallet == MARGIN
        # All of them, or none is taken.
        parsed = [parse_stream_order(row, in_margin_wallet=is_margin) for row in rows]
        for order in parsed:
            known = self._memory.learn(order, wallet)
            known.heard.set()
            news = known.take(order)
            if news is not None:
                events.append(OrderUpdate(news))
            if known.is_short:
                self._executions.want(known)
        if snapshot_at:
            listed, at = {order.venue_order_id for order in parsed}, ns_of_milliseconds(snapshot_at)
            for known in self._memory.open_orders():
                if known.wallet != wallet or not known.order_id or known.order_id in listed:
                    continue
                if known.last is not None and known.last.ts_created < at:
                    self._doubts.about(known)
        return events

    def _take_trades(self, rows: Sequence[WireFill], wallet: str, since: int = 0) -> list[Event]:
        try:
            told = [parse_stream_execution(row, in_margin_wallet=wallet == MARGIN) for row in rows]
        except DecodeError:
            self._audit.hurry()  # a trade with ourselves may bear a side of its own here
            raise
        return [FillUpdate(fill) for fill in self._executions.take(told, since)]

    def _take_balances(self, rows: Sequence[WireBalance], wallet: str, time: int) -> list[Event]:
        if wallet == MARGIN:
            self._margin.take_balances(rows, time)
            return []
        parsed = [(parse_stream_balance(row), ns_of_milliseconds(row.updated or time)) for row in rows]
        events = [self._audit.take_balance(balance, ts_event) for balance, ts_event in parsed]
        return [event for event in events if event is not None]
