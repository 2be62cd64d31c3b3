"""Takes API keys out of texts and bytes that might quote them, in every form that they are usually quoted in."""

from __future__ import annotations

import base64
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from venues.port import Credentials
from venues.secret import MASK, Secret

SHORTEST = 6
"""Characters from which on a secret is looked for: a shorter one would mask half of every text."""

_SHORTEST_ON_WIRE = 8  # of bytes that are still to be parsed: a hit by chance would change an order
_SURE_ON_WIRE = 16  # from here on whatever it consists of; below it must mix letters and figures
_SIGNATURES = 8  # of the last requests: hardly more are under way at once
_mixes = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])", re.DOTALL).match
# An ASCII character as \u00XX that need not be written so; an escaped backslash before it is another matter.
_needless_escape = re.compile(rb"(?<!\\)((?:\\\\)*)\\u00([2-7][0-9a-fA-F])")
_MASK = MASK.encode()


class Redaction:
    """What must not be seen, and texts without it. Every method may be called from any thread."""

    def __init__(self, *secrets: Secret) -> None:
        self._lock = threading.Lock()
        self._known: set[Secret] = set()
        self._signatures: deque[Secret] = deque(maxlen=_SIGNATURES)
        self._lasting = self._needles = _Needles((), ())
        self.learn(*secrets)

    def __repr__(self) -> str:
        return f"Redaction({len(self._known)} secrets)"

    def learn(self, *secrets: Secret) -> None:
        """Looks for these too from now on. An empty one is none."""
        with self._lock:
            self._known |= set(secrets)
            forms = {form for secret in self._known for form in _forms(secret.reveal())}
            sure = {form for secret in self._known if _is_sure(secret) for form in _as_written(secret.reveal())}
            self._lasting = _Needles(_longest_first(forms), _as_bytes(_longest_first(sure)))
            self._sharpen()

    def note_signatures(self, *signatures: Secret) -> None:
        """Looks for these too, until many more have come: a venue may quote what a request was signed with."""
        with self._lock:
            self._signatures.extend(signatures)
            self._sharpen()

    def clean(self, text: str) -> str:
        """Returns the text with every secret masked."""
        for needle in self._needles.words:
            if needle in text:
                text = text.replace(needle, MASK)
        return text

    def clean_bytes(self, raw: bytes) -> bytes:
        """Returns what came from a venue with every secret masked; JSON stays the JSON that it was.

        Only secrets that can not be there by chance are looked for.
        """
        if b"\\u00" in raw:
            plain = _needless_escape.sub(_unescaped, raw)
            if any(needle in plain for needle in self._needles.wire):
                raw = plain
        for needle in self._needles.wire:
            if needle in raw:
                raw = raw.replace(needle, _MASK)
        return raw

    def _sharpen(self) -> None:
        forms = [form for secret in self._signatures for form in _as_written(secret.reveal())]
        sure = [form for form in forms if len(form) >= _SURE_ON_WIRE]
        self._needles = _Needles((*self._lasting.words, *forms), (*self._lasting.wire, *_as_bytes(sure)))


def redaction_of(credentials: Credentials | None) -> Redaction:
    """Returns what masks every part of an API key; nothing where there is none."""
    if credentials is None:
        return Redaction()
    return Redaction(credentials.key, credentials.secret, credentials.passphrase)


class _Needles(NamedTuple):
    words: tuple[str, ...]
    wire: tuple[bytes, ...]


def _longest_first(forms: set[str]) -> tuple[str, ...]:
    """The key may be a part of what is written of it."""
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _as_bytes(forms: Iterable[str]) -> tuple[bytes, ...]:
    # With a quotation mark that is not escaped it could reach from one text of the JSON into the next.
    fit = (form for form in forms if '"' not in form.replace('\\"', ""))
    return tuple(form.encode("utf-8", "surrogatepass") for form in fit)


def _is_sure(secret: Secret) -> bool:
    text = secret.reveal()
    is_long = len(text) >= _SURE_ON_WIRE and not text.isdigit()
    return is_long or (len(text) >= _SHORTEST_ON_WIRE and _mixes(text) is not None)


def _unescaped(match: re.Match[bytes]) -> bytes:
    character = bytes([int(match[2], 16)])
    return match[0] if character in b'"\\\x7f' else match[1] + character


def _forms(text: str) -> Iterator[str]:
    """Yields a secret as it may stand in a URL, in JSON, in a Python repr, in base64 or in hex."""
    if len(text) < SHORTEST:
        return
    yield from _as_written(text)
    raw = text.encode("utf-8", "surrogatepass")
    yield raw.hex()
    yield raw.hex().upper()
    for before in range(3):  # bytes that stand before it in whatever is encoded
        core = _base64_core(raw, before)
        if len(core) >= SHORTEST:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _as_written(text: str) -> Iterator[str]:
    if len(text) < SHORTEST:
        return
    yield from dict.fromkeys((text, text.lower(), text.upper()))
    if text.isascii() and text.isalnum():
        return
    import json  # 2 ms, for keys that are more than letters and figures

    for form in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]):
        yield form
        yield form.replace("/", "\\/")
    raw = text.encode("utf-8", "surrogatepass")
    for form in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield form
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form)


def _base64_core(raw: bytes, before: int) -> str:
    """Returns the characters that depend on `raw` alone where `before` bytes stand before it."""
    encoded = base64.b64encode(b"\0" * before + raw).decode()
    return encoded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
