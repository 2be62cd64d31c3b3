"""Recordings that hold one hostile text wherever a recording may hold text, each place with a word of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.hostile import Hostile
from tests.venues.recording.tape import INSTRUMENT, START, notice, snapshot, trade, write_rows

NAME, INVERSE, NOTE = "NAMEQ", "INVRQ", "NOTEQ"
INFO, ALARM, SYMBOL, FILE, PASTE = "INFOQ", "ALRMQ", "SYMBQ", "FILEQ", "PASTQ"
_HOUR = 3_600_000
_MOST_NAME_BYTES = 200
# A megabyte stands twice in an instrument's row, and a row is a mebibyte at most.
_MOST_TEXT = 400_000


def live_recording(folder: Path, hostile: Hostile) -> Path:
    """A market of two contracts with announcements that at speed 1 goes on for an hour."""
    return _write(folder / "live.jsonl", [*_market(hostile), {**_sale(hostile), "ts": START + _HOUR}])


def broken_recording(folder: Path, hostile: Hostile) -> Path:
    """A recording that breaks off after its market, in a file whose name is hostile too."""
    path = folder / hostile_file_name(hostile)
    broken = {**_sale(hostile), "price": hostile.after("1", 1000)}
    return _write(path, [*_market(hostile), broken])


def hostile_file_name(hostile: Hostile) -> str:
    """Returns the text as a file's name: without what no file's name can have."""
    name = FILE
    for character in hostile.text:
        if character not in "/\0" and _is_encodable(character):
            name += character
        if len(name.encode("utf-8", "surrogateescape")) >= _MOST_NAME_BYTES:
            break
    return name


def pasted(hostile: Hostile) -> str:
    """Returns the text as terminals paste it: without C0 controls, in UTF-8."""
    text = "".join(character for character in hostile.after(PASTE, 100) if character >= " ")
    return text.encode("utf-8", "replace").decode()


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    return write_rows(path, [{"ts": START + number, **row} for number, row in enumerate(rows)])


def _market(hostile: Hostile) -> list[dict[str, Any]]:
    other = {"symbol": "XYZUSD"}
    return [
        _described(hostile, NAME),
        {**_described(hostile, INVERSE), **other, "type": "inverse_perpetual", "base": "XYZ", "quote": "USD"},
        snapshot([("99.9", "50"), ("99.8", "50")], [("100.0", "50"), ("100.1", "50")]),
        {**snapshot([("9.9", "50"), ("9.8", "50")], [("10.0", "50")]), **other},
        _sale(hostile),
        {**trade("sell", "9.9", "1"), **other},
        {**_sale(hostile), "symbol": hostile.after(SYMBOL, 1000)},
        notice(hostile.after(INFO)),
        notice(hostile.after(ALARM), alarm=True),
    ]


def _described(hostile: Hostile, name: str) -> dict[str, Any]:
    terms = {"maker_fee": "0", "taker_fee": "0", "max_leverage": "20", "maintenance_margin": "0.01", "lot": "0.1"}
    return {
        **INSTRUMENT,
        **terms,
        "name": hostile.after(name, _MOST_TEXT),
        "note": hostile.after(NOTE, _MOST_TEXT),
    }


def _sale(hostile: Hostile) -> dict[str, Any]:
    return {**trade("buy", "100.0", "1"), "id": hostile.text[:128]}


def _is_encodable(character: str) -> bool:
    try:
        character.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True
