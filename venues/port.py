"""The venue port: what the desk may ask of any exchange, and what it gets.

A venue runs on one asyncio loop. Its commands await `depart` before their first byte leaves; they return an
`Order` as acknowledgement, or raise `OrderError` (a code that proves refusal), `NotSent` (it provably never left)
or `OutcomeUnknown` (all else). Its reads raise any `VenueError`; they are idempotent, and the only thing that is
ever tried again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, NoReturn, Protocol, TypeAlias, runtime_checkable

import msgspec

from venues.bills import Bill
from venues.book import Book
from venues.commands import AmendRequest, CancelRequest, FundsRequest, OrderRequest, Subscription
from venues.events import BookSnapshot, Event, Ticker, Trade
from venues.margin import FundsReceipt, MarginAccount
from venues.model import (
    Balance,
    Bar,
    Fill,
    Instrument,
    InstrumentId,
    MarginMode,
    Order,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.secret import Secret


class Mode(StrEnum):
    """What happens to an order: shown as a word in the header, and kept in every client order id."""

    LIVE = "LIVE"
    PAPER = "PAPER"
    REPLAY = "REPLAY"
    PRACTICE = "PRACTICE"
    READ_ONLY = "READ-ONLY"

    @property
    def prefix(self) -> str:
        """The letter that begins a client order id made in this mode."""
        return {"LIVE": "l", "PAPER": "p", "REPLAY": "r", "PRACTICE": "s", "READ-ONLY": "o"}[self.value]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue can do. The ticket shows the fields that this allows, and no other."""

    mode: Mode
    order_types: frozenset[OrderType] = frozenset({OrderType.LIMIT, OrderType.MARKET})
    times_in_force: frozenset[TimeInForce] = frozenset({TimeInForce.GTC})
    post_only: bool = False
    reduce_only: bool = False
    amend: bool = False  # else an edit is a cancel followed by a new order
    leverage: bool = False
    leverage_of_order: bool = True  # where there is any, an order may bring one of its own
    margin_modes: frozenset[MarginMode] = frozenset()
    attached_exits: bool = False  # take-profit and stop-loss sent together with the order
    positions: bool = False
    lookup_by_client_id: bool = True
    lookup_covers_closed: bool = True  # a miss can be proof only where closed orders are found too
    order_life: float | None = None  # seconds after which an unexecuted request is provably dead
    settle: float = 2.0  # seconds after which a lookup finds whatever the venue had taken by then
    forgets_unfilled: bool = False  # an order that ended without a fill is not found any more
    client_id_length: int = 32
    client_id_alphabet: str = "0123456789abcdefghijklmnopqrstuvwxyz"
    bar_intervals: tuple[int, ...] = (60,)  # seconds
    margin_wallet: str = ""  # what the venue calls its margin wallet beside spot; empty where it has none
    reads_account: bool = True  # its private half can be read; of a READ-ONLY venue only with a key
    position_sides: bool = False  # long and short stand side by side: what is not reduce-only opens, never closes
    leverage_needs_flat: bool = False  # neither leverage nor margin mode can be changed over a position
    position_margin: bool = False  # an isolated position's margin can be added to and taken from
    margin_mode_of_order: bool = False  # each order says whether its position is isolated or cross
    usual_margin_mode: MarginMode = MarginMode.ISOLATED  # of an order that names none and adds to no position
    unverified: tuple[str, ...] = ()  # what rests on an inference, since the venue's document does not say
    authentication_unverified: bool = False  # how it signs is inferred, and no signed call has succeeded yet
    authentication_settings: tuple[str, ...] = ()  # of [venues.NAME], what to try where it is refused meanwhile


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """A command that is signed, and whose first byte is about to leave.

    `deadline` is the moment after which the venue no longer takes it, in nanoseconds UTC of the venue's own clock
    (which is what it compares the nonce with); None where nothing bounds its life.
    """

    nonce: int = 0
    deadline: int | None = None
    body_hash: str = ""  # SHA-256 of what goes out
    sent_after: int | None = None  # the desk's: what the venue wrote down before this, by its clock, is not of it


Depart: TypeAlias = Callable[[Departure], Awaitable[None]]
"""Awaited by a venue once a command is signed and before any byte of it leaves: the journal commits there.

It may raise NotSent; then nothing leaves, and the venue lets the error through. A command that takes several
requests awaits it before each.
"""


class VenueTime(NamedTuple):
    """The venue's clock, in nanoseconds UTC, and the most by which `now` can be wrong."""

    now: int
    uncertainty: int


class Credentials:
    """An API key: the key's own id, its secret, and what some venues need besides. None of it is ever shown."""

    __slots__ = ("key", "passphrase", "secret", "sub_account")

    key: Secret
    secret: Secret
    passphrase: Secret
    sub_account: str  # the venue's own number or name of it; empty for the main account

    def __init__(
        self,
        key: str | Secret,
        secret: str | Secret,
        passphrase: str | Secret = "",
        sub_account: str = "",
    ) -> None:
        for name, value in (("key", key), ("secret", secret), ("passphrase", passphrase)):
            object.__setattr__(self, name, Secret(value))
        object.__setattr__(self, "sub_account", sub_account)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"credentials do not change: {name}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credentials):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.key, self.secret))

    def __repr__(self) -> str:
        return "Credentials(***)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("credentials are not pickled")


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """What an API key may do; None where nobody has told."""

    trade: bool | None = None
    withdraw: bool | None = None
    told_by: str = ""  # "the venue" or "you"; empty where nobody has told


UNTOLD = Permissions()
"""Nobody has told anything."""


@runtime_checkable
class MarketData(Protocol):
    """The public half of a venue."""

    name: str

    @property
    def capabilities(self) -> Capabilities: ...

    def venue_time(self) -> VenueTime | None:
        """Returns the venue's clock now; None while it is not known, when no deadline counts as passed."""
        ...

    async def connect(self) -> None:
        """Opens what is needed. Raises VenueError; reconnecting later is the venue's own affair."""
        ...

    async def aclose(self) -> None:
        """Closes everything and ends `events()`. May be called twice."""
        ...

    async def subscribe(self, subscription: Subscription) -> None:
        """Asks for live data; kept, and asked for again after each reconnect. Twice is once."""
        ...

    async def unsubscribe(self, subscription: Subscription) -> None: ...

    def events(self) -> AsyncIterator[Sequence[Event]]:
        """Yields batches of events in the order they happened, never an empty one; one consumer only."""
        ...

    async def fetch_instruments(self) -> Sequence[Instrument]: ...

    async def fetch_order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot: ...

    async def fetch_trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        """Returns the newest public trades, oldest first."""
        ...

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        """Returns the newest bars of `interval` seconds, oldest first; the last one is still forming."""
        ...

    async def fetch_tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]: ...


@runtime_checkable
class Trading(Protocol):
    """The private half of a venue."""

    async def fetch_balances(self) -> Sequence[Balance]: ...

    async def fetch_positions(self) -> Sequence[Position]: ...

    async def fetch_open_orders(self) -> Sequence[Order]:
        """Returns every order that rests, untriggered stops and those placed elsewhere included."""
        ...

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        """Raises OrderNotFound, which right after a lost answer proves nothing."""
        ...

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        """Returns our fills with `ts_event` >= `since` (nanoseconds UTC), oldest first."""
        ...

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order: ...

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order: ...

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order: ...

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        """Cancels what rests now, external orders included; returns the orders as they then are."""
        ...

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None: ...


@runtime_checkable
class Venue(MarketData, Trading, Protocol):
    """Both halves."""


@runtime_checkable
class KeepsBooks(Protocol):
    """A venue that proves its books itself, by checksums of its own; whoever consumes its events may read them.

    Such a venue invalidates them when a connection is lost, and mends them: a book that is not valid, also one
    that the consumer has invalidated, becomes valid by itself as soon as the venue allows.
    """

    def book(self, instrument: InstrumentId) -> Book | None:
        """Returns the book as it now stands, valid or not; None where it is not subscribed."""
        ...


@runtime_checkable
class TellsPermissions(Protocol):
    """A venue that tells what the key it was opened with may do."""

    async def fetch_permissions(self) -> Permissions:
        """Raises VenueError."""
        ...


@runtime_checkable
class MovesFunds(Protocol):
    """A venue on which loans, transfers or the margin of a position can be changed."""

    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        """Carries out one of its kinds; raises as the commands for orders do, and is never tried again."""
        ...

    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        """Returns what the venue has written down of this kind, currency and amount at or after `since`.

        `since` is in nanoseconds of the venue's own clock. A miss proves nothing before the request's deadline and
        the venue's `settle` are over. Raises VenueError.
        """
        ...


@runtime_checkable
class HasMarginWallet(MovesFunds, Protocol):
    """A venue with a margin wallet beside spot.

    It tells changes by `MarginUpdate`, once the account is subscribed.
    """

    async def fetch_margin_account(self) -> MarginAccount:
        """Raises VenueError."""
        ...


@runtime_checkable
class HasBills(Protocol):
    """A venue that writes down each change of a balance, and tells it."""

    async def fetch_bills(self, limit: int) -> Sequence[Bill]:
        """Returns the newest, newest first. Raises VenueError."""
        ...
