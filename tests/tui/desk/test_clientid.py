"""Client order ids never repeat and rise, whatever the clock does."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.desk.rig import START, capabilities
from tui.desk.clientid import ClientOrderIds
from venues.port import Mode

ALPHABETS = [
    string.digits + string.ascii_lowercase,
    string.ascii_letters + string.digits + "-_",
    "0123456789abcdefp",
]


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("length", [22, 24, 32, 36, 64])
@given(steps=st.lists(st.integers(-5_000_000, 5_000_000), min_size=2, max_size=50), seed=st.integers())
def test_ids_rise_and_fit_the_venue(alphabet: str, length: int, steps: list[int], seed: int) -> None:
    times = iter([START] + [START + sum(steps[:n]) for n in range(len(steps))])
    can = capabilities(client_id_alphabet=alphabet, client_id_length=length)
    make = ClientOrderIds(Mode.PAPER, can, lambda: next(times), random.Random(seed))
    made = [make() for _ in steps]
    assert made == sorted(set(made))
    assert all(one[0] == "p" and len(one) <= length and set(one) <= set(alphabet) for one in made)


def test_a_hundred_thousand_in_a_standing_millisecond_are_all_different() -> None:
    make = ClientOrderIds(Mode.LIVE, capabilities(), lambda: START, random.Random(1))
    assert len({make() for _ in range(100_000)}) == 100_000


def test_two_desks_started_at_the_same_moment_do_not_collide() -> None:
    one = ClientOrderIds(Mode.PAPER, capabilities(), lambda: START, random.Random(1))
    other = ClientOrderIds(Mode.PAPER, capabilities(), lambda: START, random.Random(2))
    assert not {one() for _ in range(1000)} & {other() for _ in range(1000)}


def test_each_mode_has_its_letter() -> None:
    letters = {ClientOrderIds(mode, capabilities(), lambda: START, random.Random(1))()[0] for mode in Mode}
    assert letters == {"l", "p", "r", "s", "o"}


@pytest.mark.parametrize("changes", [{"client_id_length": 12}, {"client_id_alphabet": string.digits}])
def test_a_venue_whose_ids_can_not_hold_ours_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="client order ids"):
        ClientOrderIds(Mode.PAPER, capabilities(**changes), lambda: START, random.Random(1))
