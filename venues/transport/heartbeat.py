"""The heartbeats of a venue as data, and what they tell about one connection."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import msgspec

from venues.transport.frames import Frame
from venues.transport.timing import StreamTiming

_MOST_AWAITED = 8  # a venue that answers none must not make us remember all


class Form(Enum):
    """What our heartbeat is."""

    PING = "a protocol ping"
    MESSAGE = "a message of the venue's own"
    NONE = "the venue begins, or there is none"


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Who begins, in what form, and whether a missing answer proves that the link is dead.

    With `learns` no answer is due until the first has come by this connection: a venue that answers at all answers
    the next one too. To know it soon the first heartbeat is sent at once.
    `message` makes a MESSAGE from a number that rises; `read_answer` returns the number that a frame answers, 0
    for "the oldest", None where the frame is no answer. `call` is the venue's own heartbeat, word for word, and
    `reply` what it wants to hear. Neither answers nor calls are handed over, and they are no data.
    """

    form: Form = Form.PING
    every: float = 5.0  # seconds between ours
    must_answer: bool = True
    learns: bool = False
    patience: float = 45.0  # seconds of complete silence that are death where no answer is due
    message: Callable[[int], str] | None = None
    read_answer: Callable[[Frame], int | None] | None = None
    call: str = ""
    reply: str = ""


def text_heartbeat(text: str, answer: str, *, every: float = 5.0, call: str = "", reply: str = "") -> Heartbeat:
    """Returns a heartbeat of one text and one answer, both word for word ("ping", "pong")."""
    expected = answer.encode()
    return Heartbeat(
        form=Form.MESSAGE,
        every=every,
        message=lambda _: text,
        read_answer=lambda frame: 0 if frame.data == expected else None,
        call=call,
        reply=reply,
    )


class Pulse:
    """The signs of life of one connection. All times are the loop's seconds.

    Any complete frame after a heartbeat proves that the link lives: an answer that stands in line behind a burst
    of data is late, not missing. Bytes that make up no frame prove nothing.
    """

    def __init__(self, heartbeat: Heartbeat, timing: StreamTiming, now: float) -> None:
        self._heartbeat = heartbeat
        self._timing = timing
        self._number = 0
        self._awaited: dict[int, float] = {}  # number: when it was sent
        self._sent_at = now - heartbeat.every if heartbeat.learns else now
        self._unheard_since: float | None = None  # when the oldest heartbeat went out that nothing followed
        self._has_answered = False
        self.heard_at = now
        self.data_at = now

    def hear(self, now: float) -> None:
        """Notes a frame of any kind, or that silence proves nothing now."""
        self.heard_at = now
        self._unheard_since = None

    def next_number(self) -> int:
        """Returns the number of the next heartbeat."""
        self._number += 1
        return self._number

    def sent(self, number: int, now: float) -> None:
        """Notes a heartbeat that is about to leave."""
        self._sent_at = now
        self._awaited[number] = now
        if len(self._awaited) > _MOST_AWAITED:
            del self._awaited[next(iter(self._awaited))]
        if self._unheard_since is None:
            self._unheard_since = now

    @property
    def is_awaiting(self) -> bool:
        """A heartbeat of ours is unanswered."""
        return bool(self._awaited)

    def answer(self, number: int, now: float) -> float | None:
        """Returns the round trip in seconds; None for a heartbeat that we do not wait for."""
        if number == 0 and self._awaited:
            number = next(iter(self._awaited))
        sent_at = self._awaited.pop(number, None)
        self._has_answered = self._has_answered or sent_at is not None
        return None if sent_at is None else now - sent_at

    @property
    def beat_at(self) -> float:
        """When the next heartbeat of ours is due."""
        if self._heartbeat.form is Form.NONE:
            return float("inf")
        due = self._sent_at + self._heartbeat.every
        if self._sent_at <= self.data_at:  # not yet asked in this silence
            due = min(due, self.data_at + self._timing.quiet)
        return due

    @property
    def stale_at(self) -> float:
        """When the data is no longer fresh."""
        return self.data_at + self._timing.quiet

    @property
    def dead_at(self) -> float:
        """When the link counts as dead if nothing is heard until then."""
        if self._heartbeat.form is Form.NONE or not self._is_answer_due:
            return self.heard_at + self._heartbeat.patience
        if self._unheard_since is None:
            return float("inf")
        return self._unheard_since + self._timing.answer

    @property
    def _is_answer_due(self) -> bool:
        heartbeat = self._heartbeat
        return heartbeat.must_answer and (self._has_answered or not heartbeat.learns)
