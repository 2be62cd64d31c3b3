"""What a simulator does wrong at the moment, switched on and off while it runs, by any thread.

A spec is a list with commas: `kind`, and behind it in any order `@call` (only for these calls: submit, cancel,
query, read, stream; of the stream only market or account, of submit only plan, exit, margin or leverage where a
venue has them; several with `+`), `:0.1` (a share of the occasions), `=value` and `*3` (three times at most). For
example `lost-reply@submit*1,drop:0.1,drip=20`.
"""

from __future__ import annotations

import difflib
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from venues.simulators.fault_kinds import (
    KINDS,
    REQUEST_CALLS,
    STREAM_CALLS,
    SUBMIT_CALLS,
    FaultKind,
    Place,
    Reach,
)

_SPEC = re.compile(r"([a-z0-9_-]+)((?:[@:=*][^@:=*]*)*)")
_SUFFIX = re.compile(r"([@:=*])([^@:=*]*)")
_SUFFIX_NAMES = {"@": "call", ":": "share", "=": "value", "*": "count"}


class Fault(msgspec.Struct, frozen=True):
    """One fault of a spec. `calls` is empty where it was not named; `most` 0 means without end."""

    kind: FaultKind
    calls: frozenset[str]
    share: float
    value: str
    most: int

    def strikes(self, call: str) -> bool:
        """Whether it is meant for this call at all; no call means that the question is of the whole venue."""
        if not call:
            return True
        group = "submit" if call in SUBMIT_CALLS else call
        if self.calls:
            return (
                call in self.calls
                or group in self.calls
                or (call in ("market", "account") and "stream" in self.calls)
            )
        return self.kind.reach is Reach.BOTH or (group in REQUEST_CALLS) == (self.kind.reach is Reach.HTTP)

    def __str__(self) -> str:
        calls = f"@{'+'.join(sorted(self.calls))}" if self.calls else ""
        share = "" if self.share == self.kind.share else f":{self.share:g}"
        value = "" if self.value == self.kind.default else f"={self.value}"
        return f"{self.kind.name}{calls}{share}{value}{f'*{self.most}' if self.most else ''}"


def parse_faults(spec: str) -> tuple[Fault, ...]:
    """Reads a spec; an empty one has no faults.

    Raises:
        ValueError: it can not be read; the message names what is near, or what may stand there.
    """
    return tuple(_parse_fault(text.strip()) for text in spec.split(",") if text.strip())


def _parse_fault(text: str) -> Fault:
    match = _SPEC.fullmatch(text.lower())
    if match is None:
        raise ValueError(f"{text!r} is no fault; write kind, kind@submit, kind:0.1, kind=value or kind*3")
    kind = KINDS.get(match[1])
    if kind is None:
        near = difflib.get_close_matches(match[1], KINDS, n=4, cutoff=0.5)
        remedy = f"near are: {', '.join(near)}" if near else f"known are: {', '.join(KINDS)}"
        raise ValueError(f"there is no fault {match[1]!r}; {remedy}")
    given: dict[str, str] = {}
    for sign, what in _SUFFIX.findall(match[2]):
        if sign in given:
            raise ValueError(f"{text!r} names its {_SUFFIX_NAMES[sign]} twice")
        given[sign] = what
    if not kind.has_filter and ("@" in given or ":" in given):
        raise ValueError(f"{kind.name} strikes the whole listener: it takes neither a call nor a share")
    return Fault(
        kind,
        _parse_calls(given.get("@"), kind),
        _parse_share(given.get(":"), kind),
        _parse_value(given.get("="), kind),
        _parse_most(given.get("*"), kind.name),
    )


def _parse_calls(text: str | None, kind: FaultKind) -> frozenset[str]:
    if text is None:
        return frozenset()
    calls = frozenset(text.split("+"))
    known = _calls_of(kind)
    if wrong := sorted(calls - known):
        raise ValueError(f"{kind.name}@{text}: it has no call {wrong[0]!r}; it can be {', '.join(sorted(known))}")
    return calls


def _calls_of(kind: FaultKind) -> frozenset[str]:
    """Returns the calls that can be named: the gate sees that something is a stream, not whose."""
    streams = frozenset({"stream"}) if kind.place is Place.GATE else STREAM_CALLS
    return streams if kind.reach is Reach.STREAM else streams | REQUEST_CALLS | SUBMIT_CALLS


def _parse_share(text: str | None, kind: FaultKind) -> float:
    if text is None:
        return kind.share
    share = float(text) if re.fullmatch(r"\d{0,3}\.?\d{1,9}", text) else 0.0
    if not 0 < share <= 1:
        raise ValueError(f"{kind.name}:{text}: a share is above 0 and at most 1, such as {kind.name}:0.1")
    return share


def _parse_value(text: str | None, kind: FaultKind) -> str:
    if text is None:
        return kind.default
    if not kind.value:
        raise ValueError(f"{kind.name} takes no value")
    if kind.words:
        if text not in kind.words:
            raise ValueError(f"{kind.name}={text}: it may be {', '.join(kind.words)} ({kind.value})")
    elif not re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text):
        raise ValueError(f"{kind.name}={text}: it must be a number ({kind.value}), such as {kind.default}")
    return text


def _parse_most(text: str | None, name: str) -> int:
    if text is None:
        return 0
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise ValueError(f"{name}*{text}: a count is a whole number from 1, such as {name}*3")
    return int(text)


class _Switched:
    """A fault that is on, its own dice, and how often it was done."""

    __slots__ = ("dice", "done", "fault")

    def __init__(self, fault: Fault, seed: int) -> None:
        self.fault = fault
        self.done = 0
        self.dice = random.Random(f"{seed}:{fault}")

    def draw(self) -> bool:
        fault = self.fault
        if fault.most and self.done >= fault.most:
            return False
        if fault.share < 1 and self.dice.random() >= fault.share:
            return False
        self.done += 1
        return True


class Faults:
    """The faults of one simulator. The same seed and the same occasions give the same draws.

    Raises:
        ValueError: the spec can not be read.
    """

    def __init__(self, spec: str = "", *, seed: int = 1) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._on: dict[str, list[_Switched]] = {}
        self._done: Counter[str] = Counter()
        self._listeners: list[Callable[[], None]] = []
        self.switch(spec)

    def switch(self, spec: str) -> None:
        """Switches on what the spec says, in place of what was on. Raises ValueError, and changes nothing."""
        switched: dict[str, list[_Switched]] = {}
        for fault in parse_faults(spec):
            switched.setdefault(fault.kind.name, []).append(_Switched(fault, self._seed))
        self._replace(lambda _: switched)

    def heal(self) -> None:
        """Switches all of them off."""
        self.switch("")

    def end(self, kind: str) -> None:
        """Switches one kind off, and leaves the others."""
        self._replace(lambda on: {name: several for name, several in on.items() if name != kind})

    def _replace(self, change: Callable[[dict[str, list[_Switched]]], dict[str, list[_Switched]]]) -> None:
        with self._lock:
            self._on = change(self._on)
            listeners = tuple(self._listeners)
        for told in listeners:
            told()

    @property
    def is_quiet(self) -> bool:
        """Nothing is switched on: the quick way past every other question."""
        return not self._on

    def on(self, kind: str, call: str = "") -> bool:
        """Whether this is to be done now: draws the share, and counts it when so.

        Raises:
            KeyError: there is no such kind.
        """
        if not self._on:
            return False
        with self._lock:
            for switched in self._on.get(KINDS[kind].name, ()):
                if switched.fault.strikes(call) and switched.draw():
                    self._done[kind] += 1
                    return True
        return False

    def first(self, kinds: Iterable[str], call: str = "") -> str:
        """Returns the first of `kinds` that is to be done now, empty for none; draws as `on` does."""
        if not self._on:
            return ""
        return next((kind for kind in kinds if self.on(kind, call)), "")

    def is_on(self, kind: str, call: str = "") -> bool:
        """Whether it is switched on for this call; neither draws nor counts."""
        return any(switched.fault.strikes(call) for switched in self._on.get(kind, ()))

    def value(self, kind: str, call: str = "") -> str:
        """Returns the value of a kind as it is switched on, its default otherwise."""
        for switched in self._on.get(kind, ()):
            if switched.fault.strikes(call):
                return switched.fault.value
        return KINDS[kind].default

    def number(self, kind: str, call: str = "") -> float:
        """Returns the value of a kind whose value is a number: seconds, bytes per second, bytes, a depth."""
        return float(self.value(kind, call))

    def done(self, kind: str) -> int:
        """Returns how often a kind was done since the simulator started."""
        return self._done[kind]

    def subscribe(self, told: Callable[[], None]) -> None:
        """Calls `told` after every change, in the thread that made it."""
        with self._lock:
            self._listeners.append(told)

    def unsubscribe(self, told: Callable[[], None]) -> None:
        """Forgets `told`; unknown is fine."""
        with self._lock:
            if told in self._listeners:
                self._listeners.remove(told)

    @property
    def spec(self) -> str:
        """What is switched on, as a spec that can be switched on again."""
        return ",".join(str(switched.fault) for switched in self._each())

    def report(self) -> dict[str, object]:
        """Returns what GET /practice/faults says: what is on, how often each was done, and all kinds there are."""
        return {
            "faults": self.spec,
            "on": [
                {
                    "kind": switched.fault.kind.name,
                    "calls": sorted(switched.fault.calls),
                    "share": switched.fault.share,
                    "value": switched.fault.value,
                    "done": switched.done,
                }
                for switched in self._each()
            ],
            "done": dict(sorted(self._done.items())),
            "kinds": {kind.name: kind.does for kind in KINDS.values()},
        }

    def _each(self) -> Sequence[_Switched]:
        return [switched for several in self._on.values() for switched in several]
