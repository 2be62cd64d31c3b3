"""The type-ahead guard, on times alone."""

from __future__ import annotations

from tui.key_guard import KeyGuard


def test_fast_typing_is_no_burst() -> None:
    guard = KeyGuard()
    for number in range(8):
        guard.saw(number * 0.03)
    assert not any(guard.is_burst(number * 0.03) for number in range(8))


def test_three_keys_at_once_pass_and_four_do_not() -> None:
    guard = KeyGuard()
    for _ in range(3):
        guard.saw(1.0)
    assert not guard.is_burst(1.0)
    guard.saw(1.004)
    assert guard.is_burst(1.0)
    assert guard.is_burst(1.004)


def test_every_key_of_a_long_paste_is_of_the_burst() -> None:
    guard = KeyGuard()
    times = [5 + number * 0.001 for number in range(30)]
    for time in times:
        guard.saw(time)
    assert all(guard.is_burst(time) for time in times)
    guard.saw(6.0)
    assert not guard.is_burst(6.0)


def test_a_burst_is_remembered_while_its_keys_wait_behind_each_other() -> None:
    guard = KeyGuard()
    times = [7 + number * 0.0001 for number in range(4_000)]
    for time in [*times, 7.45, 7.49]:
        guard.saw(time)
    assert all(guard.is_burst(time) for time in times)
    assert not guard.is_burst(7.45)


def test_a_key_that_waited_out_a_stall_is_stale() -> None:
    guard = KeyGuard(stale=0.5)
    assert not guard.is_stale(10.0, 10.4)
    assert guard.is_stale(10.0, 10.6)
