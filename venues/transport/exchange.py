"""One request and what became of it: what an adapter asks, how it was signed, how far it got, what came back.

None of these shows a header, a query or a body in its repr: they hold keys and signatures.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

import msgspec

from venues.errors import VenueError
from venues.transport.ratelimit import Weight

T = TypeVar("T")

Headers = tuple[tuple[str, str], ...]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter asks for, before it is signed.

    `what` names it in errors ("place order"); `query` is percent-encoded already, since signatures cover bytes.
    `weight` is what it draws from the venue's request limits. `is_cancel` lets it use what is kept of them for
    cancels, and for what panic sends beside them.
    """

    what: str
    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Headers = ()
    is_private: bool = False
    weight: Weight = ()
    is_cancel: bool = False

    def __repr__(self) -> str:
        return f"Request({self.what!r})"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """The request as it goes out, as a signer returns it. `headers` are added to the request's own.

    `nonce` is filled in by the transport.
    """

    query: str = ""
    body: bytes = b""
    headers: Headers = ()
    nonce: int = 0

    @property
    def body_hash(self) -> str:
        """The SHA-256 of query and body in hex: it tells two requests apart without keeping what they say."""
        return hashlib.sha256(self.query.encode() + b"\n" + self.body).hexdigest()

    def __repr__(self) -> str:
        return f"Signed(nonce={self.nonce})"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A complete answer of the venue; the header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


# Gets the request and a nonce drawn for it. Raises VenueError where it must not be signed (ClockSkew).
Signer = Callable[[Request, int], Signed]

# Gets the status and the decoded body; returns the error that these prove, None where they prove none.
Judge = Callable[[int, object], VenueError | None]


class Dispatch:
    """One command on its way. The caller keeps it: it tells what happened where an exception can not.

    A cancelled task gets nothing but CancelledError; `has_begun` then says whether the order may exist.
    `on_signed` is awaited after signing and before any byte leaves: the journal commits there. It denies the
    command by raising a VenueError, which the caller gets as NotSent.
    """

    __slots__ = ("answer", "began_at", "clock", "on_signed", "signed")

    def __init__(
        self,
        on_signed: Callable[[Signed], Awaitable[None]] | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.on_signed = on_signed
        self.clock = clock
        self.signed: Signed | None = None
        self.began_at: int | None = (
            None  # `clock`'s nanoseconds, just before the first byte was handed to the socket
        )
        self.answer: Answer | None = None  # complete, whatever it says

    @property
    def has_begun(self) -> bool:
        """From here on nothing that goes wrong on this side proves anything."""
        return self.began_at is not None

    def begin(self) -> None:
        """Marks that the bytes are about to leave; called by the transport."""
        if self.began_at is None:
            self.began_at = self.clock()

    def never_left(self) -> None:
        """Takes `begin` back: what failed proves that no byte of the request was handed over."""
        self.began_at = None

    def __repr__(self) -> str:
        return f"Dispatch(has_begun={self.has_begun}, answer={self.answer!r})"


class Session(Protocol):
    """What the calls of a client go through: the HTTP client, or another that sends a command at most once.

    Whoever writes another signs each attempt of a read anew.
    """

    async def fetch(self, request: Request, into: type[T], *, judge: Judge | None = None) -> T:
        """Returns the answer to a GET. Raises VenueError."""
        ...

    async def command(
        self, request: Request, into: type[T], *, refusals: Judge, dispatch: Dispatch | None = None
    ) -> T:
        """Returns the acknowledgement. Raises OrderError, NotSent or OutcomeUnknown."""
        ...

    async def aclose(self) -> None: ...
