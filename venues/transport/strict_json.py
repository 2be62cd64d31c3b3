"""JSON as a venue may send it, read without trust: every figure exact, nothing silently dropped.

Refused: NaN and Infinity, figures beyond 20 digits or an exponent beyond 20, a key twice in one object, nesting
deeper than 64, half of a surrogate pair, anything that is not UTF-8.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn, TypeVar, cast

import msgspec

DEEPEST = 64

_is_plain = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII).fullmatch
_is_figure = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?(?:0?[0-9]|1[0-9]|20))?", re.ASCII).fullmatch
_find_doubtful_figure = re.compile(rb"[0-9]{21}|[0-9][eE][+-]?[0-9]").search
_find_half_escape = re.compile(rb"\\u[dD][89a-fA-F]").search
_find_half_pair = re.compile("[\ud800-\udfff]").search

T = TypeVar("T")


class BadJson(ValueError):
    """The bytes are not the JSON that we accept. Its text never quotes them."""


def parse_json(raw: bytes) -> Any:
    """Returns dicts, lists, text, int, Decimal, bool and None.

    Raises:
        BadJson: any of the reasons above.
    """
    try:
        # One pass of its own makes the depth known before the parser recurses: 100,000 brackets cost nothing.
        _check_depth(raw)
        decoder = _careful if _find_doubtful_figure(raw) else _quick
        value = decoder.decode(raw.decode())
    except BadJson:
        raise
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise BadJson(_why(error)) from None
    if _find_half_escape(raw):
        _check_text(value)
    return value


def decode_json(raw: bytes, into: type[T]) -> T:
    """Returns `raw` as a value of the type `into`, a msgspec struct as a rule; text stays text.

    A field of type Decimal takes JSON text too, without any limit: declare `str` and use `parse_decimal`.

    Raises:
        BadJson: not strict JSON, or not of that type.
    """
    value = parse_json(raw)
    if into is object:
        return cast(T, value)
    try:
        return msgspec.json.decode(raw, type=into)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise BadJson(_why(error)) from None


def parse_decimal(text: str) -> Decimal:
    """Returns the figure of a plain decimal text: up to 20 digits before and after the point, no exponent.

    Raises:
        BadJson: anything else, such as "NaN", "1_000", " 1 ", or figures of another script.
    """
    if not _is_plain(text):
        raise BadJson("a figure that is none")
    return Decimal(text)


def _check_depth(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST:
        return
    if b"\\" not in raw:
        # Brackets and quotes alone, then pairs stripped from within: 1 ms for a megabyte. Text that holds a
        # bracket leaves a lone quote behind, and is looked at properly.
        shape = raw.translate(None, _NO_SHAPE).replace(b'""', b"")
        for _ in range(_USUAL_DEPTH):
            shape = shape.replace(b"{}", b"").replace(b"[]", b"")
        if not shape:
            return
    depth = 0
    for match in _brackets_and_text(raw):
        mark = match[0]
        if mark in b"[{":
            depth += 1
            if depth > DEEPEST:
                raise BadJson("nested too deeply")
        elif mark in b"]}":
            depth -= 1


_USUAL_DEPTH = 8
_NO_SHAPE = bytes(set(range(256)) - set(b'[]{}"'))
# Text is skipped as a whole (possessive by its shape: no two branches begin alike), an open end included.
_brackets_and_text = re.compile(rb'[\[\]{}]|"(?:[^"\\]|\\.)*(?:"|$)', re.DOTALL).finditer


def _check_text(value: object) -> None:
    """Half of a surrogate pair can be neither encoded nor shown."""
    if isinstance(value, str):
        if _find_half_pair(value):
            raise BadJson("half of a surrogate pair")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner)


def _integer(text: str) -> int:
    if not _is_figure(text):
        raise BadJson("a figure of too many digits")
    return int(text)


def _figure(text: str) -> Decimal:
    if not _is_figure(text):
        raise BadJson("a figure of too many digits, or an exponent beyond 20")
    return Decimal(text)


def _constant(_: str) -> NoReturn:
    raise BadJson("a figure that is none")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadJson("a key twice in one object")
    return fields


# A megabyte of instruments takes 50 ms where no figure needs a second look, three times that where all do.
_quick = json.JSONDecoder(parse_float=Decimal, parse_constant=_constant, object_pairs_hook=_object)
_careful = json.JSONDecoder(
    parse_int=_integer, parse_float=_figure, parse_constant=_constant, object_pairs_hook=_object
)


def _why(error: Exception) -> str:
    """The messages of both decoders can quote what they read (a wrong tag, a key): only the kind is kept."""
    match error:
        case msgspec.ValidationError():
            return "not of the documented shape"
        case UnicodeDecodeError():
            return "not UTF-8"
        case RecursionError():
            return "nested too deeply"
        case _:
            return "not JSON"
