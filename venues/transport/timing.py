"""How long things may take on a stream."""

from __future__ import annotations

import msgspec


class StreamTiming(msgspec.Struct, frozen=True, kw_only=True):
    """All in seconds, but `down_after`.

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
