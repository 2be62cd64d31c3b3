"""What came last is kept, and no more of it than fits."""

from __future__ import annotations

from venues.transport.recent import Recent


def test_the_oldest_key_goes_first() -> None:
    kept: Recent[str, int] = Recent(2)
    kept["a"] = 1
    kept["b"] = 2
    kept["a"] = 3  # it keeps its place
    assert kept == {"a": 3, "b": 2}
    kept["c"] = 4
    assert list(kept.items()) == [("b", 2), ("c", 4)]
