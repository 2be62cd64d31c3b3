"""The pauses between attempts."""

from __future__ import annotations

import random
from itertools import pairwise

from venues.transport.backoff import Backoff
from venues.transport.closing import closing_words
from venues.transport.timing import StreamTiming


def test_the_first_is_at_once_and_the_rest_is_full_jitter_below_a_ceiling_that_doubles() -> None:
    ceilings = [0.5, 1, 2, 4, 8, 16, 30, 30]
    longest = [0.0] * len(ceilings)
    for seed in range(500):
        backoff = Backoff(StreamTiming(), random.Random(seed))
        assert backoff.next_pause(0.0) == 0.0
        for at, ceiling in enumerate(ceilings):
            pause = backoff.next_pause(1.0)
            assert 0.25 <= pause <= ceiling
            longest[at] = max(longest[at], pause)
    assert all(found > 0.95 * ceiling for found, ceiling in zip(longest, ceilings, strict=True))
    assert all(earlier <= later + 0.5 for earlier, later in pairwise(longest))


def test_at_once_is_once_in_a_minute_and_only_after_health() -> None:
    backoff = Backoff(StreamTiming(), random.Random(1))
    assert backoff.next_pause(100.0) == 0.0
    assert backoff.next_pause(200.0) > 0  # still the same series
    backoff.reset()
    assert backoff.next_pause(210.0) == 0.0
    backoff.reset()
    assert 0.25 <= backoff.next_pause(269.0) <= 0.5
    backoff.reset()
    assert backoff.next_pause(270.0) == 0.0


def test_a_weekend_of_failures_is_no_overflow() -> None:
    backoff = Backoff(StreamTiming(), random.Random(1))
    pauses = [backoff.next_pause(float(n)) for n in range(20_000)]
    assert max(pauses) <= 30.0
    assert backoff.failures == 20_000


def test_scaled_timing_scales_every_length_and_no_count() -> None:
    whole, tenth = StreamTiming(), StreamTiming().scaled(0.1)
    for name in whole.__struct_fields__:
        factor = 1 if name == "down_after" else 0.1
        assert getattr(tenth, name) == getattr(whole, name) * factor


def test_close_codes_in_words() -> None:
    assert closing_words(1006, "") == "the venue closed the connection: broken off (1006)"
    assert closing_words(2999, "") == "the venue closed the connection: an unknown code (2999)"
    assert closing_words(1008, f"key {'a' * 16} is\nbad") == (
        'the venue closed the connection: policy violation (1008), "key … is bad"'
    )
    assert len(closing_words(4000, "so " * 500)) < 220
