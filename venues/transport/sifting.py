"""Which of many are refused, where a venue answers for all of them at once.

They are asked for by halves, so that one market that the venue does not know stops no other. A refusal may be
about none of them (a maintenance refuses everything for a while), and end while their parts are being asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from venues.errors import TransientError, VenueError

K = TypeVar("K", bound=Hashable)

Probe = Callable[[Sequence[K], Sequence[K]], Awaitable[VenueError | None]]
"""Asks for some beside those that stand, which it gets first; returns the refusal, None where they stand too."""


async def sift(
    keys: Sequence[K], error: VenueError, probe: Probe[K], *, beside: Sequence[K] = ()
) -> dict[K, VenueError]:
    """Returns which of `keys` are refused, by halves; `error` is what was said to all of them.

    A TransientError says nothing about any of them: those that have one were not judged.
    """
    if len(keys) < 2 or isinstance(error, TransientError):
        return dict.fromkeys(keys, error)
    middle = len(keys) // 2
    refused: dict[K, VenueError] = {}
    good = list(beside)
    for half in (keys[:middle], keys[middle:]):
        reason = await probe(good, half)
        found = {} if reason is None else await sift(half, reason, probe, beside=good)
        refused |= found
        good += [key for key in half if key not in found]
    return refused


def is_judged(error: VenueError) -> bool:
    """Whether a refusal is about what was asked for, and not about the moment."""
    return not isinstance(error, TransientError)


async def to_give_up(
    keys: Sequence[K], found: Mapping[K, VenueError], others: Sequence[K], probe: Probe[K]
) -> dict[K, VenueError]:
    """Returns which of `keys`, which stood before, are to be given up, each with the reason.

    `found` and `others` are what `sift` found refused and found to stand. Nothing is given up unless all were
    judged, others stand, and it is refused once more beside them: else the refusal was no matter of the keys, or
    is over.
    """
    if not keys or not others or not all(map(is_judged, found.values())):
        return {}
    reason = await probe(others, keys)
    if reason is None:
        return {}
    again = await sift(keys, reason, probe, beside=others)
    return {key: why for key, why in again.items() if is_judged(why)}
