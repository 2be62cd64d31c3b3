"""What is said about each venue is what its adapter says of itself, and the README says the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from tui.cli import OK, run
from tui.venues_command import Support, markdown_of, supported, table_of, text_of, unverified_of
from venues import open_venue
from venues.model import MarginMode, OrderType, TimeInForce
from venues.port import Capabilities, Credentials, Mode
from venues.registry import venue_names

NARROW = 80

SMALL = Support(
    venue="small",
    can=Capabilities(
        mode=Mode.LIVE,
        order_types=frozenset({OrderType.LIMIT}),
        times_in_force=frozenset({TimeInForce.IOC}),
        margin_modes=frozenset({MarginMode.ISOLATED}),
        amend=True,
        bar_intervals=(30,),
    ),
    is_public=False,
    practice="-",
)


def cells(rows: list[tuple[str, ...]], venue: str) -> dict[str, str]:
    at = rows[0].index(venue)
    return {row[0]: row[at] for row in rows[1:]}


def test_a_table_says_what_the_capabilities_say() -> None:
    assert cells(table_of([SMALL]), "small") == {
        "limit orders": "yes", "market orders": "-", "stop orders": "-", "stop-limit orders": "-",
        "take-profit orders": "-", "take-profit-limit orders": "-", "GTC": "-", "IOC": "yes", "FOK": "-",
        "post-only": "-", "reduce-only": "-", "exits sent along": "-", "edit in place": "yes", "positions": "-",
        "long beside short": "-", "margin of a position": "-", "leverage": "-", "cross margin": "-",
        "isolated margin": "yes", "margin wallet": "-", "candles": "30s",
        "public data without a key": "-", "practice exchange": "-",
    }  # fmt: skip


def test_what_a_position_allows_is_in_it() -> None:
    moves = {"position_sides": True, "position_margin": True, "leverage": True, "leverage_needs_flat": True}
    can = msgspec.structs.replace(SMALL.can, **moves)
    told = cells(table_of([msgspec.structs.replace(SMALL, can=can)]), "small")
    assert (told["long beside short"], told["margin of a position"]) == ("yes", "yes")
    assert told["leverage"] == "when flat"


def test_what_is_unverified_is_told_inert_and_in_lines() -> None:
    can = msgspec.structs.replace(SMALL.can, unverified=("the address of \x1b[31mits stream", "word " * 30))
    lines = unverified_of([SMALL, msgspec.structs.replace(SMALL, venue="odd", can=can)])
    assert lines[:2] == ["", "odd, inferred where its document does not say, and unverified:"]
    assert lines[2] == "  - the address of \ufffd[31mits stream"
    assert lines[3].startswith("  - word") and lines[4].startswith("    word") and len(lines) == 5
    assert max(map(len, lines)) <= NARROW
    assert unverified_of([SMALL]) == []


def test_the_real_venues_are_in_it() -> None:
    found = supported()
    assert [one.venue for one in found] == [name for name in venue_names() if name != "replay"]
    rows = table_of(found)
    coinex, paper = cells(rows, "coinex"), cells(rows, "paper")
    key = Credentials("k", "s")
    can = open_venue("coinex", credentials=key).capabilities
    for kind in OrderType:
        assert coinex[f"{kind.value.replace('_', '-')} orders"] == ("yes" if kind in can.order_types else "-")
    assert coinex["positions"] == ("yes" if can.positions else "-"), "with a key, not as it is without one"
    assert coinex["public data without a key"] == paper["public data without a key"] == "yes"
    assert (coinex["practice exchange"], paper["practice exchange"]) == ("yes", "built in")
    assert paper["candles"] == "5s to 1d"
    assert [cells(rows, name)["margin wallet"] for name in ("paper", "coinex", "max")] == ["-", "-", "M-wallet"]


def test_it_is_aligned_and_fits_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["venues"]) == OK
    text = capsys.readouterr().out
    found = supported()
    assert text == "\n".join([text_of(table_of(found)), *unverified_of(found)]) + "\n"
    lines = text.splitlines()
    assert max(map(len, lines)) <= NARROW
    column = lines[0].index("coinex")
    table = lines[: len(table_of(found))]
    assert all(line[column - 1] == " " and line[column] != " " for line in table)


def test_five_venues_fit_too() -> None:
    found = supported()
    assert max(map(len, text_of(table_of([*found, *[SMALL] * (5 - len(found))])).splitlines())) <= NARROW


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["venues", "--json"]) == OK
    told = {one["venue"]: one for one in json.loads(capsys.readouterr().out)}
    assert set(told) == {name for name in venue_names() if name != "replay"}
    assert told["coinex"]["times_in_force"] == ["gtc", "ioc", "fok"]
    assert told["coinex"]["practice"] is True
    assert told["paper"]["margin_modes"] == ["cross", "isolated"]
    assert told["paper"]["bar_intervals"][0] == 5
    assert told["coinex"]["unverified"] == []


def test_the_readme_has_this_very_table(project_root: Path) -> None:
    readme = (project_root / "README.md").read_text()
    found = re.findall(r"<!-- venues -->\n(.*?)\n<!-- /venues -->", readme, re.DOTALL)
    assert [text.strip() for text in found] == [markdown_of(table_of(supported()))]
