"""What we ask over a stream, and how its acknowledgement is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Generic, TypeAlias, TypeVar

import msgspec

from venues.errors import VenueError
from venues.transport.frames import Frame

R = TypeVar("R")

Payload: TypeAlias = str | bytes
"""Text goes out as a text frame, bytes as a binary one."""

# What an adapter's function does with a frame of an unforeseen shape. It is never trusted to be total.
STUMBLED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A login, a subscription or a question.

    `what` names it in errors. `make` is called each time it is sent, so that nonce and signature are fresh; it may
    be awaited, and raise VenueError. `judge` gets the frames that follow: True for the acknowledgement, an error
    for the refusal (also one that it raises), None for a frame that is neither. An acknowledgement is not handed
    over with the other frames.
    """

    what: str
    make: Callable[[], Payload | Awaitable[Payload]]
    judge: Callable[[Frame], bool | VenueError | None]
    deadline: float | None = None  # seconds; None is the stream's own

    def __repr__(self) -> str:
        return f"Ask({self.what!r})"


class NumberedAsks(Generic[R]):
    """Makes asks whose answers repeat a number, which is unique within one stream.

    `read` returns the answer that a frame is, None for a push and for what can not be read; `number_of` returns
    the number that an answer repeats.
    """

    def __init__(self, read: Callable[[Frame], R | None], number_of: Callable[[R], int | None]) -> None:
        self._read = read
        self._number_of = number_of
        self._numbers = count(1)

    def ask(
        self,
        what: str,
        make: Callable[[int], Payload | Awaitable[Payload]],
        judge: Callable[[R], bool | VenueError],
    ) -> Ask:
        """Returns an ask; `make` gets a number each time it is sent, `judge` the answer to the last sending."""
        sent = 0

        def numbered() -> Payload | Awaitable[Payload]:
            nonlocal sent
            sent = next(self._numbers)
            return make(sent)

        def hear(frame: Frame) -> bool | VenueError | None:
            reply = self._read(frame)
            if reply is None or self._number_of(reply) != sent:
                return None
            return judge(reply)

        return Ask(what=what, make=numbered, judge=hear)


class PendingAsks:
    """The asks that nothing has answered yet."""

    def __init__(self) -> None:
        self._pending: dict[asyncio.Future[Frame], Ask] = {}
        self.stumbles = 0  # frames that a judge could not read

    def __bool__(self) -> bool:
        return bool(self._pending)

    def add(self, ask: Ask) -> asyncio.Future[Frame]:
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._pending[future] = ask
        return future

    def remove(self, future: asyncio.Future[Frame]) -> None:
        self._pending.pop(future, None)
        if future.done() and not future.cancelled():
            future.exception()  # nobody may be left to hear it

    def settle(self, frame: Frame) -> bool:
        """Returns whether the frame answers one of them; the oldest that recognises it gets it."""
        for future, ask in self._pending.items():
            if future.done():
                continue
            try:
                verdict = ask.judge(frame)
            except VenueError as error:
                verdict = error
            except STUMBLED:
                self.stumbles += 1
                continue
            if isinstance(verdict, VenueError):
                future.set_exception(verdict)
                return True
            if verdict:
                future.set_result(frame)
                return True
        return False

    def fail(self, error: VenueError) -> None:
        """Ends all of them."""
        for future in self._pending:
            if not future.done():
                future.set_exception(error)
