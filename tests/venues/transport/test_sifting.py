"""Asking by halves: exactly the bad are found, and what stood is given up only where nothing else explains it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.errors import BadRequest, RateLimited, VenueError, VenueUnavailable
from venues.transport.sifting import sift, to_give_up

NO = BadRequest("here", "no such market")
AWAY = VenueUnavailable("here", "maintenance")
KEYS = tuple("abcdefgh")


class Venue:
    """Refuses what names a bad key; `first` are its answers before that, one by one."""

    def __init__(self, bad: set[str], first: Sequence[VenueError | None] = ()) -> None:
        self.bad = bad
        self.first = list(first)
        self.standing: list[Sequence[str]] = []
        self.asked: list[Sequence[str]] = []

    async def probe(self, standing: Sequence[str], keys: Sequence[str]) -> VenueError | None:
        self.standing.append(tuple(standing))
        self.asked.append(tuple(keys))
        if self.first:
            return self.first.pop(0)
        return NO if self.bad & {*standing, *keys} else None

    async def give_up(self, keys: Sequence[str] = KEYS) -> set[str]:
        """Has all of them refused once, and returns what is given up."""
        found = await sift(keys, NO, self.probe)
        others = [key for key in keys if key not in found]
        return set(await to_give_up(list(found), found, others, self.probe))


@given(bad=st.sets(st.sampled_from(KEYS), min_size=1), count=st.integers(1, len(KEYS)))
async def test_exactly_the_bad_are_found(bad: set[str], count: int) -> None:
    keys = KEYS[:count]
    venue = Venue(bad)
    found = await sift(keys, NO, venue.probe, beside=("z",))
    # The last one of all is not asked for: what was said to it alone was said already.
    assert set(found) == ({*keys} & bad if count > 1 else {*keys})
    assert all(each[0] == "z" and not {*each} & bad for each in venue.standing)
    assert len(venue.asked) <= 2 * max(1, len(found)) * 3  # three times halved


async def test_what_stands_already_is_told_to_each_question() -> None:
    venue = Venue({"c"})
    assert set(await sift(KEYS[:4], NO, venue.probe)) == {"c"}
    assert list(zip(venue.standing, venue.asked, strict=True)) == [
        ((), ("a", "b")),
        (("a", "b"), ("c", "d")),
        (("a", "b"), ("c",)),
        (("a", "b"), ("d",)),
    ]


async def test_what_says_nothing_of_them_is_asked_no_further() -> None:
    venue = Venue({"a"}, [AWAY])
    found = await sift(KEYS, NO, venue.probe)
    assert found == dict.fromkeys("abcd", AWAY)
    assert venue.asked == [("a", "b", "c", "d"), ("e", "f", "g", "h")]
    assert await sift(KEYS, AWAY, venue.probe) == dict.fromkeys(KEYS, AWAY)
    assert len(venue.asked) == 2


@given(bad=st.sets(st.sampled_from(KEYS), min_size=1, max_size=len(KEYS) - 1))
async def test_the_bad_are_given_up(bad: set[str]) -> None:
    assert await Venue(bad).give_up() == bad


@pytest.mark.parametrize("times", range(20))
async def test_a_refusal_that_ends_gives_nothing_up(times: int) -> None:
    """Wherever in the asking it ends; beyond fourteen all were refused, and it was no matter of any."""
    assert await Venue(set(), [NO] * times).give_up() == set()


@pytest.mark.parametrize("error", [AWAY, RateLimited("here", "too many")])
@pytest.mark.parametrize("before", range(8))
async def test_nothing_is_given_up_where_one_was_not_judged(before: int, error: VenueError) -> None:
    answers = [None, NO, NO, None, NO, NO, None, NO]  # of eight halves, in which a whole one was refused
    venue = Venue({"f"}, [*answers[:before], error])
    assert not await venue.give_up() - {"f"}
    assert await venue.give_up() == {"f"}


async def test_a_refusal_of_all_gives_nothing_up() -> None:
    venue = Venue(set(KEYS))
    assert await venue.give_up() == set()
    assert len(venue.asked) == 14, "and they are not asked for once more"


async def test_the_second_refusal_has_to_be_about_them_too() -> None:
    found = {"a": NO, "b": NO}
    assert await to_give_up("ab", found, "cd", Venue({"a"}).probe) == {"a": NO}
    assert await to_give_up("ab", found, "cd", Venue({"a", "b"}, [NO, AWAY]).probe) == {"b": NO}
    assert await to_give_up("ab", found, "cd", Venue(set(), [AWAY]).probe) == {}
    assert await to_give_up("ab", {"a": AWAY, "b": NO}, "cd", Venue({"a", "b"}).probe) == {}, (
        "all have to be judged"
    )
    assert await to_give_up("", found, "cd", Venue({"a"}).probe) == {}
