"""`pitside venues`: what each venue supports, read off what its adapter says it can do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec

from tui.desk.authentication import unproven_words
from tui.desk.inert import sanitise
from venues import open_venue
from venues.errors import ConfigurationError, MissingCredentials
from venues.model import MarginMode, OrderType, TimeInForce
from venues.port import Capabilities, Credentials, Mode
from venues.registry import venue_names
from venues.simulators.registry import simulator_names

_YES, _NO = "yes", "-"
_FLAT = "when flat"
_BY_ORDER = "by order"
_WIDTH = 80
_LONGEST = 1_000  # characters of a sentence
# Nothing is sent with it: what a venue can do for somebody who has a key is asked of the adapter.
_ANY_KEY = Credentials("any", "any", "any")


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """What one venue supports. `is_public` says whether its market data can be had without a key."""

    venue: str
    can: Capabilities
    is_public: bool
    practice: str  # "built in", "yes" for a local exchange that speaks its protocol, or "-"

    def as_json(self) -> dict[str, Any]:
        can = self.can
        return {
            "venue": self.venue,
            "order_types": [kind.value for kind in OrderType if kind in can.order_types],
            "times_in_force": [time.value for time in TimeInForce if time in can.times_in_force],
            "post_only": can.post_only,
            "reduce_only": can.reduce_only,
            "amend": can.amend,
            "attached_exits": can.attached_exits,
            "positions": can.positions,
            "position_sides": can.position_sides,
            "position_margin": can.position_margin,
            "leverage": can.leverage,
            "leverage_needs_flat": can.leverage_needs_flat,
            "margin_modes": [mode.value for mode in MarginMode if mode in can.margin_modes],
            "margin_wallet": can.margin_wallet,
            "bar_intervals": list(can.bar_intervals),
            "public_without_key": self.is_public,
            "practice": self.practice != _NO,
            "margin_mode_of_order": can.margin_mode_of_order,
            "leverage_of_order": can.leverage and can.leverage_of_order,
            "unverified": list(can.unverified),
            "authentication_unverified": can.authentication_unverified,
        }


def supported() -> list[Support]:
    """Returns what every venue but the replay supports; nothing is connected."""
    return [_support_of(name) for name in venue_names() if name != "replay"]


def _support_of(name: str) -> Support:
    try:
        watched = open_venue(name).capabilities
    except MissingCredentials:
        watched = None
    try:
        can = open_venue(name, credentials=_ANY_KEY).capabilities
    except ConfigurationError:  # it takes no key
        can = open_venue(name).capabilities
    is_embedded = can.mode is Mode.PAPER
    practice = "built in" if is_embedded else _YES if name in simulator_names() else _NO
    return Support(venue=name, can=can, is_public=watched is not None, practice=practice)


def table_of(found: Sequence[Support]) -> list[tuple[str, ...]]:
    """Returns a heading and rows: what it is about, then a cell for each venue."""
    rows: list[tuple[str, ...]] = [("", *(one.venue for one in found))]

    def add(label: str, cells: Iterable[str | bool]) -> None:
        rows.append((label, *(_YES if cell is True else cell or _NO for cell in cells)))

    for kind in OrderType:
        add(f"{kind.value.replace('_', '-')} orders", (kind in one.can.order_types for one in found))
    for time in TimeInForce:
        add(time.value.upper(), (time in one.can.times_in_force for one in found))
    add("post-only", (one.can.post_only for one in found))
    add("reduce-only", (one.can.reduce_only for one in found))
    add("exits sent along", (one.can.attached_exits for one in found))
    add("edit in place", (one.can.amend for one in found))
    add("positions", (one.can.positions for one in found))
    add("long beside short", (one.can.position_sides for one in found))
    add("margin of a position", (one.can.position_margin for one in found))
    add("leverage", (one.can.leverage and (_FLAT if one.can.leverage_needs_flat else _YES) for one in found))
    for mode in MarginMode:
        add(f"{mode.value} margin", (_mode_cell(one.can, mode) for one in found))
    add("margin wallet", (one.can.margin_wallet for one in found))
    add("candles", (_span(one.can.bar_intervals) for one in found))
    add("public data without a key", (one.is_public for one in found))
    add("practice exchange", (one.practice for one in found))
    return rows


def text_of(rows: Sequence[Sequence[str]]) -> str:
    """Returns the table in aligned columns, for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def unverified_of(found: Iterable[Support], width: int = _WIDTH) -> list[str]:
    """Returns for each venue what rests on an inference, in lines of `width` columns; none where all is known."""
    lines = []
    for one in found:
        unproven = unproven_words(one.venue, one.can)
        if one.can.unverified or unproven:
            lines += ["", f"{one.venue}, inferred where its document does not say, and unverified:"]
        for sentence in ([unproven] if unproven else []) + list(one.can.unverified):
            words = sanitise(sentence, _LONGEST)
            lines += textwrap.wrap(words, width, initial_indent="  - ", subsequent_indent="    ")
    return lines


def markdown_of(rows: Sequence[Sequence[str]]) -> str:
    """Returns the table as the README has it."""
    heading, *body = rows
    lines = [heading, ("---",) * len(heading), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@click.command(help="Show what each venue supports: order types, conditions, positions, candles, practice.")
@click.option("--json", "is_json", is_flag=True, help="As JSON, for programs.")
def venues(is_json: bool) -> None:
    found = supported()
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode([one.as_json() for one in found])).decode())
        return
    for line in [*text_of(table_of(found)).split("\n"), *unverified_of(found)]:
        click.echo(sanitise(line))


COMMANDS = (venues,)


def _mode_cell(can: Capabilities, mode: MarginMode) -> str | bool:
    """Returns whether a margin mode is there; "by order" where each order names its own."""
    is_there = mode in can.margin_modes
    return _BY_ORDER if is_there and can.margin_mode_of_order else is_there


def _span(intervals: Sequence[int]) -> str:
    """Returns the shortest and the longest candle: "1m to 1d"."""
    if not intervals:
        return _NO
    shortest, longest = min(intervals), max(intervals)
    return _length(shortest) if shortest == longest else f"{_length(shortest)} to {_length(longest)}"


def _length(seconds: int) -> str:
    for unit, size in (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
