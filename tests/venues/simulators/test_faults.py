"""What is switched on: the spec, its mistakes, shares, counts and who is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.simulators.fault_kinds import KINDS, REQUEST_CALLS, Place, Reach
from venues.simulators.faults import Faults, parse_faults

# The stream kinds, and the request kinds that a server can do: the others are the client's own network.
STREAM_KINDS = (
    "black-hole", "half-open", "reset", "drip", "duplicate", "reorder", "drop", "gap", "wrong-checksum",
    "zero-checksum", "crossed", "empty-snapshot", "stale-snapshot", "huge-frame", "binary", "bad-utf8",
    "deep-json", "nan", "login-refused", "subscribe-refused", "ban", "heartbeats-only", "reconnect-loop",
    "close-codes",
)  # fmt: skip
REQUEST_KINDS = (
    "refuse", "connect-timeout", "reset-before", "closed-before", "reset-after", "closed-after", "half-headers",
    "keep-alive-reset", "half-body", "garbage", "lost-reply", "never-executed", "drip", "502", "503", "504",
    "html-200", "redirect", "late-booking",
)  # fmt: skip


def test_every_kind_is_in_the_list_with_what_it_does() -> None:
    assert len(STREAM_KINDS) == 24
    assert {KINDS[name].reach for name in STREAM_KINDS} == {Reach.STREAM, Reach.BOTH}
    assert {KINDS[name].reach for name in REQUEST_KINDS} == {Reach.HTTP, Reach.BOTH}
    assert all(kind.does and kind.place in Place for kind in KINDS.values())
    assert all(kind.value or not (kind.default or kind.words) for kind in KINDS.values())


@pytest.mark.parametrize(
    ("spec", "written"),
    [
        ("", ""),
        (" lost-reply , drop ", "lost-reply,drop"),
        ("lost-reply@submit", "lost-reply@submit"),
        ("502=unexecuted:0.25*3@query+submit", "502@query+submit:0.25=unexecuted*3"),
        ("drop:0.1,drip=20,skewed-clock=-12.5", "drop,drip=20,skewed-clock=-12.5"),
        ("502@submit,502@cancel:0.5", "502@submit,502@cancel:0.5"),
        ("drop@market,delay@account=0.2", "drop@market,delay@account=0.2"),
        ("REFUSE=3,close-codes=1012*1", "refuse=3,close-codes=1012*1"),
    ],
)
def test_a_spec_is_read_and_written_again(spec: str, written: str) -> None:
    faults = Faults(spec)
    assert faults.spec == written
    assert Faults(written).spec == written
    assert parse_faults(written) == parse_faults(spec)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("dorp", "there is no fault 'dorp'; near are: drop"),
        ("lost_reply", "near are: lost-reply"),
        ("wrong-cheksum", "near are: wrong-checksum"),
        ("xyzzyq", "known are: reset-before, "),
        ("drop rate", "is no fault; write kind, kind@submit"),
        ("drop:2", "a share is above 0 and at most 1"),
        ("drop:0", "a share is above 0"),
        ("drop:nan", "a share is above 0"),
        ("drop:", "a share is above 0"),
        ("drop=3", "drop takes no value"),
        ("drip=fast", "it must be a number (bytes per second), such as 2"),
        ("drip=1e9", "it must be a number"),
        ("502=maybe", "it may be executed, unexecuted"),
        ("close-codes=1000", "it may be 1001, 1006"),
        ("502@order", "it has no call 'order'; it can be cancel, exit, leverage, margin, plan, query, read,"),
        ("drop@submit", "it has no call 'submit'; it can be account, market, stream"),
        ("black-hole@account", "it has no call 'account'"),
        ("refuse@submit", "strikes the whole listener"),
        ("connect-timeout:0.5", "strikes the whole listener"),
        ("502*0", "a count is a whole number from 1"),
        ("502*x", "a count is a whole number from 1"),
        ("502:0.5:0.6", "names its share twice"),
    ],
)
def test_a_mistake_names_the_remedy_and_changes_nothing(spec: str, words: str) -> None:
    faults = Faults("drop")
    with pytest.raises(ValueError) as caught:
        faults.switch(f"gap,{spec}")
    assert words in str(caught.value)
    assert faults.spec == "drop"


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9-]{2,12}([@:=*][a-z0-9.+-]{0,8}){0,3}", fullmatch=True))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        faults = Faults(text)
    except ValueError as error:
        assert str(error)
    else:
        assert Faults(faults.spec).spec == faults.spec


def test_who_is_struck() -> None:
    faults = Faults("502,lost-reply@submit,drop:1,delay=1,gap@market:1,nan@stream:1")
    assert all(faults.on("502", call) for call in REQUEST_CALLS)
    assert not any(faults.on("502", call) for call in ("stream", "market", "account"))
    assert [call for call in sorted(REQUEST_CALLS) if faults.on("lost-reply", call)] == ["submit"]
    assert faults.on("drop", "market")
    assert not faults.on("drop", "submit")
    assert faults.on("delay", "submit")
    assert faults.on("delay", "account")
    assert [call for call in ("market", "account", "stream") if faults.on("gap", call)] == ["market"]
    assert [call for call in ("market", "account", "stream") if faults.on("nan", call)] == [
        "market", "account", "stream",
    ]  # fmt: skip
    assert faults.on("gap")  # no call asks of the whole venue
    assert not faults.on("crossed")


def test_values_by_call_and_by_default() -> None:
    faults = Faults("drip=20@read,drip=5,late-booking")
    assert faults.number("drip", "read") == 20
    assert faults.number("drip", "submit") == 5
    assert faults.value("late-booking") == "2"
    assert faults.value("lost-reply") == "hang"
    assert faults.number("skewed-clock") == 30


def test_a_kind_that_is_not_in_the_list_is_a_mistake_of_who_asks() -> None:
    with pytest.raises(KeyError):
        Faults("drop").on("dorp")


def test_shares_are_drawn_the_same_with_the_same_seed() -> None:
    def draws(seed: int, spec: str = "drop:0.2") -> list[bool]:
        faults = Faults(spec, seed=seed)
        return [faults.on("drop", "market") for _ in range(1000)]

    first = draws(1)
    assert 150 < sum(first) < 250
    assert draws(1) == first
    assert draws(1, "gap,drop:0.2") == first  # another fault changes nothing
    assert draws(2) != first


def test_counts_are_kept_beyond_healing_and_a_count_ends() -> None:
    faults = Faults("502*2")
    assert [faults.on("502", "read") for _ in range(4)] == [True, True, False, False]
    assert faults.is_on("502", "read")
    faults.heal()
    assert faults.is_quiet
    assert faults.done("502") == 2
    faults.switch("502*1")
    assert [faults.on("502", "read") for _ in range(2)] == [True, False]
    report = faults.report()
    assert report["faults"] == "502*1"
    assert report["on"] == [{"kind": "502", "calls": [], "share": 1.0, "value": "executed", "done": 1}]
    assert report["done"] == {"502": 3}


def test_one_kind_ends_and_the_others_stay_and_everybody_is_told() -> None:
    faults = Faults("refuse,drop,gap")
    told: list[str] = []

    def tell() -> None:
        told.append(faults.spec)

    faults.subscribe(tell)
    faults.end("refuse")
    faults.heal()
    faults.unsubscribe(tell)
    faults.switch("drop")
    assert told == ["drop,gap", ""]
