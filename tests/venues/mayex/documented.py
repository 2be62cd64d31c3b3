"""What Mayex's document shows, as data, without the comments and the trailing commas that it has.

`tests/data/mayex/rest.jsonl` holds an answer a line, {name, kind, status, message}; `methods.jsonl` what the
document says of each call: verb, path, weight, and the query or the body that it shows. `stream.jsonl` holds what
is said over a stream: commands, answers, and one push of each kind.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from tests.venues.documented import Example, RestExample, read_lines
from venues.mayex import models
from venues.mayex.models.figures import in_envelope


class Method(msgspec.Struct, frozen=True):
    """What the document says of a call; `path` is below its base URL, `body` None where it shows none."""

    method: str
    verb: str
    path: str
    weight: int
    query: str
    body: dict[str, Any] | None

    @property
    def is_public(self) -> bool:
        return "/public/" in self.path


@functools.cache
def examples() -> tuple[RestExample, ...]:
    return read_lines("mayex", "rest.jsonl", RestExample)


@functools.cache
def methods() -> dict[str, Method]:
    return {row.method: row for row in read_lines("mayex", "methods.jsonl", Method)}


@functools.cache
def messages() -> tuple[Example, ...]:
    return read_lines("mayex", "stream.jsonl", Example)


def example(name: str) -> RestExample:
    """Returns the answer of a call such as "positions"."""
    return next(each for each in examples() if each.name == name)


def message(name: str) -> Example:
    """Returns a message of a stream such as "depth"."""
    return next(each for each in messages() if each.name == name)


# What the data of each answer is.
SHAPES: dict[str, Any] = {
    "place_order": models.Order,
    "cancel_order": models.Order,
    "assets": models.Assets,
    "positions": list[models.Position],
    "open_orders": list[models.OpenOrder],
    "adjust_leverage": models.LeverageChange,
    "trade_history": models.Rows[models.Fill],
    "order_history": models.Rows[models.PastOrder],
}


def shape(name: str) -> Any:
    """Returns the type of a call's whole answer."""
    return in_envelope(SHAPES[name])
