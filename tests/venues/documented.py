"""The examples of a venue's documents, kept as data: a file of JSON lines each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

Row = TypeVar("Row")

_DATA = Path(__file__).parents[1] / "data"


class Example(msgspec.Struct, frozen=True):
    """A message as a document shows it."""

    name: str
    kind: str
    message: msgspec.Raw

    @property
    def raw(self) -> bytes:
        return bytes(self.message)

    @property
    def value(self) -> Any:
        return msgspec.json.decode(self.message)

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}"


class RestExample(Example, frozen=True):
    """An answer, with its HTTP status."""

    status: int


def read_lines(venue: str, file: str, row: type[Row]) -> tuple[Row, ...]:
    """Returns the rows of one of a venue's files, such as "rest.jsonl"."""
    lines = (_DATA / venue / file).read_bytes().splitlines()
    return tuple(msgspec.json.decode(line, type=row) for line in lines)
