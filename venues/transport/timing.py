"""How long things may take: over HTTP, and on a stream."""

from __future__ import annotations

import msgspec


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long things may take over HTTP, in seconds."""

    command: float = 5.0  # the whole of a command, its connection included
    patience: float = 0.5  # of a new order, for its share of the request limit: later it is not what was meant
    cancel_patience: float = 5.0  # of a cancel, for the same: it goes first, and is late rather than never
    read: float = 15.0  # the whole of a read, every attempt and every pause
    attempt: float = 5.0  # one attempt of a read
    attempts: int = 4
    pause: float = 0.25  # the ceiling of the first pause; doubled each time
    longest_pause: float = 4.0
    connect: float = 3.0
    pool: float = 1.0
    keep_alive: float = 50.0  # below the 60 s after which common gateways close an idle connection
    warm_every: float = 20.0
    penalty: float = 1.0  # after a 429 that names no time; a ban is `ban`
    ban: float = 60.0

    def scaled(self, factor: float) -> Timing:
        """Returns the same with all multiplied but how long a limit is waited for: the limits are the venue's."""
        scaled = {
            name: value * factor
            for name in self.__struct_fields__
            if not name.endswith("patience") and isinstance(value := getattr(self, name), float)
        }
        return msgspec.structs.replace(self, **scaled)


class StreamTiming(msgspec.Struct, frozen=True, kw_only=True):
    """How long things may take on a stream. All in seconds, but `down_after`.

    A link that dies is known to be dead after `every` + `answer` of the heartbeat at most: 5 + 5 s.
    """

    open: float = 5.0  # TCP, TLS and the WebSocket handshake together
    ask: float = 5.0  # until a login or a subscription is acknowledged
    quiet: float = 2.0  # silence of the data, after which it is shown with its age and a heartbeat is sent
    answer: float = 5.0  # until a heartbeat is answered; also until the kernel takes what we send
    close: float = 1.0  # the closing handshake
    health: float = 30.0  # after so long without a fault the pauses begin anew
    at_once: float = 60.0  # the first attempt of a series comes without a pause, once in so long
    floor: float = 0.25  # the shortest pause
    base: float = 0.5  # the ceiling of the first pause; doubled each time
    ceiling: float = 30.0
    ban: float = 60.0  # after a refusal with 429 or 418 that names no time
    down_after: int = 3  # failed attempts in a row, after which the link is called down

    def scaled(self, factor: float) -> StreamTiming:
        """Returns the same with every length of time multiplied."""
        lengths = {name: getattr(self, name) * factor for name in self.__struct_fields__ if name != "down_after"}
        return msgspec.structs.replace(self, **lengths)


DESK = StreamTiming(ceiling=10.0, close=0.5, quiet=1.8)
"""What a desk asks of a stream.

Silence has to be seen within 2 s, painting included: it counts a little earlier. A link that is back has to be
healthy within 15 s: no pause may be longer than 10. Closing takes half of the one second in which a desk wants to
be gone.
"""
