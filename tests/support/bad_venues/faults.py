"""What goes wrong at a bad venue, and how often: drawn from one seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from tests.support.bad_venues.rules import Happening


class Fault(StrEnum):
    NONE = "none"
    SILENT = "carried out, never answered"
    RESET_UNREAD = "reset before reading"
    RESET = "read, then reset"
    HTML = "200 with HTML"
    BAD_GATEWAY = "502 with HTML"
    HALF = "half the answer"
    DRIP = "the answer dripped"
    LATE = "carried out and answered late"
    WRONG_REFUSAL = "a 4xx for what it then carries out"


_OF_BOTH = tuple(fault for fault in Fault if fault not in (Fault.NONE, Fault.LATE, Fault.WRONG_REFUSAL))
_OF_COMMANDS = (*_OF_BOTH, Fault.LATE, Fault.LATE, Fault.WRONG_REFUSAL, Fault.WRONG_REFUSAL)
_IS_LATE_TOO = 0.7  # of the commands with a fault of the answer are also carried out late
_OF_PAGES = ("twice", "twice", "mixed", "mixed", "mixed", "held back", "lost")


class Faults:
    """Draws the faults. `rate` is the share of requests, and of pages of events, that have one."""

    def __init__(self, rate: float, rng: random.Random) -> None:
        self.rate = rate
        self.drawn: Counter[str] = Counter()
        self._rng = rng
        self._held: list[Happening] = []

    def draw(self, *, is_command: bool) -> Fault:
        """Returns what goes wrong with one request."""
        if self._rng.random() >= self.rate:
            return Fault.NONE
        fault = self._rng.choice(_OF_COMMANDS if is_command else _OF_BOTH)
        self.drawn[fault.value] += 1
        return fault

    def delay(self, fault: Fault, most: float) -> float:
        """Returns how many seconds pass before a command is carried out."""
        if fault is Fault.LATE or (fault is not Fault.NONE and self._rng.random() < _IS_LATE_TOO):
            self.drawn["booked late"] += 1
            return self._rng.uniform(0, most)
        return self._rng.uniform(0, 0.005)

    def deliver(self, events: Sequence[Happening], before: Sequence[Happening]) -> tuple[Happening, ...]:
        """Returns a page's events as they go out; `before` are some that went out earlier."""
        page = [*self._held, *events]
        self._held = []
        if page and self._rng.random() < self.rate:
            fault = self._rng.choice(_OF_PAGES)
            self.drawn[f"events {fault}"] += 1
            match fault:
                case "twice":
                    page += [self._rng.choice(page), *before]
                case "mixed":
                    self._rng.shuffle(page)
                case "held back":
                    self._held = [page.pop(self._rng.randrange(len(page)))]
                case _:
                    page.pop(self._rng.randrange(len(page)))
        return tuple(page)
