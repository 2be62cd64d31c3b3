"""How long things may take, and what is multiplied of it."""

from __future__ import annotations

import pytest

from venues.transport.timing import DESK, StreamTiming, Timing


def test_every_time_but_that_of_a_limit_is_scaled() -> None:
    plain, tenth = Timing(), Timing().scaled(0.1)
    kept = {"attempts", "patience", "cancel_patience"}
    assert all(getattr(tenth, name) == getattr(plain, name) for name in kept)
    for name in plain.__struct_fields__:
        if name not in kept:
            assert getattr(tenth, name) == pytest.approx(getattr(plain, name) / 10)


def test_a_count_of_a_stream_is_no_time() -> None:
    tenth = StreamTiming().scaled(0.1)
    assert tenth.down_after == 3
    assert [tenth.open, tenth.ceiling] == pytest.approx([0.5, 3.0])


def test_a_desk_sees_silence_comes_back_and_leaves_in_time() -> None:
    assert DESK.quiet < 2.0
    assert DESK.ceiling + DESK.open <= 15.0
    assert DESK.close < 1.0
