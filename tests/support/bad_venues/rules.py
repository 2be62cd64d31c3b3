"""The four bad venues, and what both sides of the wire know of them: rules, keys, and the shape of messages."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

import msgspec

SYMBOL = "BTCUSDT"
VENUE = "bad"


class Kind(StrEnum):
    """How a venue lets one find out what became of an order."""

    BY_ID = "by_id"  # asked by client id, whether open or closed
    BY_SCAN = "by_scan"  # only lists: of what rests, and of the history
    UNBOUNDED = "unbounded"  # a request may be carried out however late
    VANISHING = "vanishing"  # what ended unfilled is not found any more


class Lane(StrEnum):
    """One API key for each kind of traffic: a slow read never stands before an order's nonce."""

    TRADE = "trade"
    READ = "read"
    STREAM = "stream"

    @property
    def secret(self) -> bytes:
        return f"canary-secret-of-{self.value}".encode()


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How one bad venue behaves. Times are in seconds, shares are fractions of all requests."""

    kind: Kind
    seed: int = 1
    fault_rate: float = 0.25
    most_delay: float = 2.0  # until a late order is booked
    order_life: float = 1.5  # after its nonce, a request is refused when it comes to be carried out
    settle: float = 0.5  # what its reads lag behind at most
    clock_offset: float = 0.0  # its clock minus this machine's

    @property
    def life(self) -> float | None:
        """The bound of a request's life, None where nothing bounds it."""
        return None if self.kind is Kind.UNBOUNDED else self.order_life


class Code(StrEnum):
    """What the venue documents as a refusal. Anything else proves nothing."""

    NOT_FOUND = "not_found"
    EXPIRED = "expired"
    NO_FUNDS = "no_funds"
    BAD_NONCE = "bad_nonce"
    BAD_SIGNATURE = "bad_signature"


class Create(msgspec.Struct, frozen=True):
    """The body of POST /order."""

    client_id: str
    side: str
    price: str
    quantity: str


class OrderState(msgspec.Struct, frozen=True):
    """An order as the venue tells it. `closed` rises from order to order in which they ended; 0: it rests."""

    id: str
    client_id: str
    side: str
    price: str
    quantity: str
    filled: str
    status: str  # new, canceled, filled
    created: int
    changed: int
    closed: int = 0


class Execution(msgspec.Struct, frozen=True):
    id: str
    order_id: str
    client_id: str
    side: str
    price: str
    quantity: str
    fee: str
    ts: int


class Happening(msgspec.Struct, frozen=True):
    """One event of the stream."""

    number: int
    order: OrderState | None = None
    fill: Execution | None = None


class Page(msgspec.Struct, frozen=True):
    """What GET /events answers. All up to `last` have happened, whether they are in it or not."""

    last: int
    events: tuple[Happening, ...] = ()


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What the control port tells: all that really happened."""

    orders: tuple[OrderState, ...]
    fills: tuple[Execution, ...]
    arrivals: dict[str, int]  # by client order id, how many times its creation was read off a socket
    never_booked: dict[str, str]  # client order id -> the code that it was refused with
    pending: int  # commands that are yet to be carried out, and fills that will come
    violations: tuple[str, ...]  # nonces that did not rise, signatures that did not fit
    faults: dict[str, int]
    requests: int


def signature(lane: Lane, method: str, target: str, nonce: int, body: bytes) -> str:
    text = f"{method}\n{target}\n{nonce}\n".encode() + body
    return hmac.new(lane.secret, text, hashlib.sha256).hexdigest()
