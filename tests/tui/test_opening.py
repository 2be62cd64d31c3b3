"""Which venues a desk opens, what may not stand on one desk, what is kept, and what is offered beside them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import msgspec
import pytest

from tests.e2e.pty_session import PROJECT_ROOT
from tui.cli import USAGE, Options, run
from tui.config import Config, ConfigError, parse_config
from tui.desk.instance import find_holder
from tui.desk.journal_export import read_rows
from tui.desk.journal_store import journal_path
from tui.desk.session import Session
from tui.holding import Holding
from tui.launch import journal_opener, run_desk
from tui.opening import (
    account_of,
    chosen_venues,
    modes_of,
    offers_beside,
    open_watching,
    opened,
    practice_arguments,
    venue_settings,
)
from tui.paths import profile_paths
from venues.errors import ConfigurationError
from venues.port import Mode, Venue

PATH = Path("config.toml")
REACHED = ("coinex", "max", "pumpkin", "mayex")


def options(*venues: str, is_practice: bool = False, seed: int | None = None) -> Options:
    return Options(paths=profile_paths(), venues=venues, is_practice=is_practice, seed=seed)


def made(*names: str) -> list[Venue]:
    return opened(names, options(*names), Config())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ("paper",)),
        ("[desk]\nvenue = 'coinex'\n", ("coinex",)),
        ("[desk]\nvenue = ['paper', 'coinex', 'paper']\n", ("paper", "coinex")),
    ],
)
def test_the_configuration_names_one_venue_or_several(text: str, names: tuple[str, ...]) -> None:
    config = parse_config(text, PATH)
    assert chosen_venues(options(), config) == names
    assert chosen_venues(options("coinex"), config) == ("coinex",)


@pytest.mark.parametrize(
    ("value", "words"),
    [("[]", 'line 2: desk.venue must name a venue, as in ["coinex"]'), ("7", "line 2: desk.venue is wrong")],
)
def test_a_venue_that_is_none_is_said_with_its_line(value: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"[desk]\nvenue = {value}\n", PATH)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("venues", "words"),
    [
        (
            ("paper",),
            "is practice already; --practice is for coinex, max, pumpkin and mayex, as in  pitside --venue coinex",
        ),
        ((), "paper is practice already"),
        (("coinex", "paper"), "paper is practice already"),
    ],
)
def test_what_can_not_be_practised_is_wrong_usage(venues: tuple[str, ...], words: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        chosen_venues(options(*venues, is_practice=True), Config())
    assert words in caught.value.message


def test_practice_is_a_mode_of_its_own() -> None:
    assert chosen_venues(options("coinex", is_practice=True), Config()) == ("coinex",)
    assert modes_of(["coinex"], []) == {"coinex": Mode.PRACTICE}
    assert practice_arguments(options("coinex", seed=7)) == ["--seed", "7"]


def test_public_data_joins_any_desk_in_the_order_it_was_named() -> None:
    venues = made("coinex", "paper")
    assert [venue.name for venue in venues] == ["coinex", "paper"]
    assert modes_of(["coinex", "paper"], venues) == {"coinex": Mode.READ_ONLY, "paper": Mode.PAPER}


def test_two_kinds_of_money_are_never_on_one_desk() -> None:
    with pytest.raises(click.UsageError) as caught:
        modes_of(["paper", "coinex"], made("paper"))
    assert "PRACTICE and PAPER can not be on one desk" in caught.value.message
    assert "Open one desk for each" in caught.value.message


def test_what_a_desk_mixes_is_said_before_a_screen_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--venue", "mtgox"]) == USAGE
    assert run(["--venue", "paper", "--venue", "mtgox"]) == USAGE
    assert "'mtgox' is not" in capsys.readouterr().err


def test_the_profile_is_held_for_all_that_is_traded_on(home: Path) -> None:
    folder = profile_paths().state_dir
    holding = Holding(folder)
    holding.take({"coinex": Mode.PRACTICE, "max": Mode.PRACTICE, "mayex": Mode.READ_ONLY}, "second")
    assert holding.read_only_reason == ""
    found = find_holder(folder)
    assert found is not None
    assert (found.mode, found.venues, found.account) == ("PRACTICE", ("coinex", "max"), "second")
    other = Holding(folder)
    other.take({"paper": Mode.PAPER}, "main")
    assert "another desk holds this profile: PRACTICE/second" in other.read_only_reason
    holding.release()


@pytest.mark.parametrize("mode", [Mode.READ_ONLY, Mode.REPLAY])
def test_a_desk_that_can_keep_nothing_takes_nothing(mode: Mode, home: Path) -> None:
    holder = Holding(profile_paths().state_dir)
    holder.take({"paper": Mode.PAPER}, "main")
    beside = Holding(profile_paths().state_dir)
    beside.take({"coinex": mode}, "main")
    assert beside.read_only_reason == ""
    assert beside.make_door(Session([], tell=lambda _: None)) is None
    assert journal_opener(options("coinex"), "main", {"coinex": mode}) is None
    holder.release()


async def test_the_journal_is_that_of_the_desks_mode(home: Path) -> None:
    folder = profile_paths().state_dir
    folder.mkdir(parents=True, mode=0o700)
    modes = {"paper": Mode.PAPER, "coinex": Mode.READ_ONLY}
    take_over = journal_opener(options("paper", "coinex"), "second", modes)
    assert take_over is not None
    found = take_over()
    assert found.journal is not None
    await found.journal.aclose()
    assert {row.event().desk for row in read_rows(journal_path(folder), 0)} == {"PAPER/second"}


def test_a_desk_that_only_watches_leaves_the_paper_account_alone(home: Path) -> None:
    asked = Options(paths=profile_paths(), is_fresh=True, seed=9)
    kept = venue_settings("paper", asked, Config())
    assert kept["state_path"].endswith("paper-main.json")
    venue = open_watching("paper", asked, Config())
    settings = getattr(venue, "settings", None)
    assert settings is not None
    assert (settings.state_path, settings.fresh, settings.seed) == ("", False, 9)


@pytest.mark.parametrize(
    ("modes", "offered"),
    [
        ({"paper": Mode.PAPER}, [(name, Mode.READ_ONLY, "") for name in REACHED]),
        (
            {"paper": Mode.PAPER, "coinex": Mode.READ_ONLY},
            [(name, Mode.READ_ONLY, "") for name in ("max", "pumpkin", "mayex")],
        ),
        (dict.fromkeys(reversed(REACHED), Mode.READ_ONLY) | {"paper": Mode.PAPER}, []),
        (
            dict.fromkeys(REACHED, Mode.PRACTICE),
            [("paper", Mode.PAPER, "PRACTICE and PAPER can not be on one desk")],
        ),
        (
            {"coinex": Mode.READ_ONLY},
            [
                ("paper", Mode.PAPER, "this desk is READ-ONLY; PAPER needs one of its own: pitside --venue paper"),
                ("max", Mode.READ_ONLY, ""),
                ("pumpkin", Mode.READ_ONLY, ""),
                ("mayex", Mode.READ_ONLY, ""),
            ],
        ),
    ],
)
def test_what_may_join_is_offered_and_what_may_not_says_why(
    modes: dict[str, Mode], offered: list[tuple[str, Mode, str]]
) -> None:
    offers = offers_beside(modes)
    assert [(offer.venue, offer.mode) for offer in offers] == [each[:2] for each in offered]
    for offer, (_, _, words) in zip(offers, offered, strict=True):
        assert offer.refusal.startswith(words)
        assert bool(offer.refusal) is bool(words)


def test_a_paper_desk_imports_no_adapter_and_nothing_of_practice() -> None:
    program = """
import json, sys
import tui.launch
from tui.opening import modes_of, offers_beside, opened
from tui.cli import Options
from tui.config import Config
from tui.paths import profile_paths
venues = opened(["paper"], Options(paths=profile_paths()), Config())
offers_beside(modes_of(["paper"], venues))
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    strange = {"httpx", "websockets", "uvicorn", "starlette", "tui.practice"}
    assert not strange & loaded
    assert not any(
        name.startswith(("venues.simulators", "venues.coinex", "venues.max", "venues.pumpkin", "venues.mayex"))
        for name in loaded
    )


def test_a_practice_desk_is_refused_where_the_profile_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.launch.prepare", lambda: None)
    monkeypatch.setattr("gc.disable", lambda: None)
    holder = Holding(profile_paths().state_dir)
    holder.take({"paper": Mode.PAPER}, "main")
    with pytest.raises(ConfigurationError) as caught:
        run_desk(options("coinex", is_practice=True))
    assert "another desk holds this profile: PAPER/main" in str(caught.value)
    assert "use another --profile" in str(caught.value)
    holder.release()


@pytest.mark.parametrize("name", ["../../evil", "a b", "x\x1b[31m", "", "-x", "n" * 33])
def test_an_account_is_called_so_that_files_can_be(name: str) -> None:
    if name:
        with pytest.raises(click.UsageError, match="is no account's name"):
            account_of(msgspec.structs.replace(options("paper"), account=name), Config())
    with pytest.raises(ConfigError, match=r"desk\.account is no account's name"):
        parse_config(f"[desk]\naccount = {json.dumps(name)}", Path("config.toml"))
