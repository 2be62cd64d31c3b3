"""Client order ids: made at the moment of intent, never repeated, rising in the order they were made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from venues.port import Capabilities, Mode

_TIME_BITS = 47  # milliseconds since 1970: enough until the year 6429
_LEAST_RANDOM_BITS = 32
_MOST_RANDOM_BITS = 80  # as in a ULID; more buys nothing
_MILLISECOND = 1_000_000


class Random(Protocol):
    """What is needed of `random.Random` or `random.SystemRandom`."""

    def getrandbits(self, k: int, /) -> int: ...


class ClientOrderIds:
    """Makes the ids of one venue: the mode's letter, the time, then a random part.

    Two ids made within the same millisecond, or while the clock stands or runs back, differ in the last part,
    which then counts up. `clock` returns nanoseconds UTC.

    Raises:
        ValueError: the venue's ids are too short, or its alphabet lacks the mode's letter.
    """

    def __init__(self, mode: Mode, capabilities: Capabilities, clock: Callable[[], int], random: Random) -> None:
        self._alphabet = "".join(sorted(set(capabilities.client_id_alphabet)))
        if mode.prefix not in self._alphabet:
            raise ValueError(f"the venue's client order ids can not hold the letter {mode.prefix!r}")
        self._prefix = mode.prefix
        self._time_digits = self._digits_for(_TIME_BITS)
        room = capabilities.client_id_length - len(self._prefix) - self._time_digits
        if room < self._digits_for(_LEAST_RANDOM_BITS):
            raise ValueError(f"client order ids of {capabilities.client_id_length} characters are too short")
        self._random_digits = min(room, self._digits_for(_MOST_RANDOM_BITS))
        self._random_end: int = len(self._alphabet) ** self._random_digits
        self._clock = clock
        self._random = random
        self._time = 0
        self._tail = 0

    def __call__(self) -> str:
        """Makes the next id."""
        now = self._clock() // _MILLISECOND
        if now > self._time:
            self._time = now
            # The upper half is left free to count up into.
            self._tail = self._random.getrandbits(self._random_end.bit_length() + 8) % (self._random_end // 2)
        else:
            self._tail += 1
            if self._tail == self._random_end:
                self._time += 1
                self._tail = 0
        return (
            self._prefix
            + self._spell(self._time, self._time_digits)
            + self._spell(self._tail, self._random_digits)
        )

    def _digits_for(self, bits: int) -> int:
        digits = 1
        while len(self._alphabet) ** digits < 1 << bits:
            digits += 1
        return digits

    def _spell(self, number: int, digits: int) -> str:
        spelt = []
        for _ in range(digits):
            number, digit = divmod(number, len(self._alphabet))
            spelt.append(self._alphabet[digit])
        return "".join(reversed(spelt))
