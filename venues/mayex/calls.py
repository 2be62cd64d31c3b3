"""What is said over Mayex's streams, and the heartbeat of both.

Of the heartbeat the document says nothing. Protocol pings are sent, and a missing pong proves nothing until one
has come; two clients of the platform do without, one sends a text instead. Silence of 45 s ends a connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from venues.errors import BadRequest, VenueError
from venues.mayex import VENUE
from venues.mayex.wire import Reply, is_pong, read_reply
from venues.transport.asks import Ask, NumberedAsks
from venues.transport.frames import Frame
from venues.transport.heartbeat import Form, Heartbeat

PATIENCE = 45.0  # seconds
_BEAT = 5.0
_TEXT = '{"event":"ping"}'
_LONGEST_WORDS = 200


def heartbeat(*, is_text: bool = False, time_scale: float = 1.0) -> Heartbeat:
    """Returns protocol pings, or with `is_text` the ping of the platform's clients."""
    return Heartbeat(
        form=Form.MESSAGE if is_text else Form.PING,
        every=_BEAT * time_scale,
        learns=True,
        patience=PATIENCE * time_scale,
        message=(lambda _: _TEXT) if is_text else None,
        read_answer=(lambda frame: 0 if is_pong(frame.data) else None) if is_text else None,
    )


class Calls:
    """Makes the asks of one stream; the numbers are unique within it (section "Live Subscribing")."""

    def __init__(self) -> None:
        self._numbered: NumberedAsks[Reply] = NumberedAsks(_read, lambda reply: reply.id)

    def subscribe(self, names: Sequence[str]) -> Ask:
        """Returns the subscription of streams such as "btcusdt@depth10"; they are added to those that stand."""
        return self._ask("subscribe", "SUBSCRIBE", names)

    def unsubscribe(self, names: Sequence[str]) -> Ask:
        return self._ask("unsubscribe", "UNSUBSCRIBE", names)

    def list_subscriptions(self) -> Ask:
        """Returns the question what stands; `wire.read_reply` reads the names from its answer."""
        return self._numbered.ask("list", lambda number: _command("LIST_SUBSCRIPTIONS", number), _judge)

    def login(
        self, names: Callable[[], Awaitable[Sequence[str]]], judge: Callable[[VenueError], VenueError]
    ) -> Ask:
        """Returns the subscription of the private stream, whose name is a token, asked for each time.

        `judge` gets a refusal, and returns what it is.
        """

        async def frame(number: int) -> str:
            return _command("SUBSCRIBE", number, await names())

        def judged(reply: Reply) -> bool | VenueError:
            error = stream_error(reply)
            return True if error is None else judge(error)

        return self._numbered.ask("subscribe the account", frame, judged)

    def _ask(self, what: str, method: str, names: Sequence[str]) -> Ask:
        return self._numbered.ask(what, lambda number: _command(method, number, names), _judge)


def stream_error(reply: Reply) -> VenueError | None:
    """Returns what a refusal says; None for a success."""
    if reply.is_success:
        return None
    words = reply.words[:_LONGEST_WORDS].strip() or "the venue gave no reason"
    return BadRequest(VENUE, words, str(reply.code) if reply.code is not None else None)


def _judge(reply: Reply) -> bool | VenueError:
    return stream_error(reply) or True


def _read(frame: Frame) -> Reply | None:
    return read_reply(frame.data)


def _command(method: str, number: int, names: Sequence[str] | None = None) -> str:
    body = {"method": method} | ({} if names is None else {"params": list(names)}) | {"id": number}
    return msgspec.json.encode(body).decode()
