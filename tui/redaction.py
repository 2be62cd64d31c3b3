"""Keeps secrets out of what is written: the values that it was told of, and whatever is called like one."""

from __future__ import annotations

import functools
import logging
import re
from typing import NamedTuple

from tui.fault_words import trace_of
from venues.redaction import Redaction
from venues.secret import MASK, Secret

# Looked for first, and quick: most lines hold none of them.
_HINTS = ("sign", "access", "secret", "api", "private", "pass", "auth", "x-", "token", "cookie", "listen")
_SCHEMES = ("bearer ", "basic ", "digest ")
_CALLED = (
    r"(?<![A-Za-z])(?:signature|sign|access_?id|secret_?key|api_?key|api_?secret|private_?key|secret|passphrase"
    r"|password|passwd|proxy-authorization|authorization|x-max-[a-z-]+|x-[a-z-]{0,20}(?:key|sign|signature|token)"
    r"|(?:set-)?cookie|[a-z]{0,16}_?token|listen_?key)"
)
_LONGEST = 16_384  # characters of a line that are looked at; far fewer are written


class _Patterns(NamedTuple):
    assigned: re.Pattern[str]
    header: re.Pattern[str]
    scheme: re.Pattern[str]
    user: re.Pattern[str]


@functools.cache
def _patterns() -> _Patterns:
    """Compiles them with the first line that needs one: 5 ms, which no first paint should wait for."""
    # Text in quotation marks, which may themselves be escaped (JSON in a repr), or a word of a query.
    value = r"""(?:b?(?P<q>\\*["'])(?:(?!(?P=q))(?:\\.|.)){0,4096}(?P=q)?|[^\s&;,"'<>()\[\]{}\\]{1,4096})"""
    assigned = rf"""({_CALLED}\\*["']?\s{{0,4}}(?:=>|=|:|(?<=["']),)\s{{0,4}}){value}"""
    header = (
        r"""(?<![A-Za-z])((?:proxy-)?authorization|(?:set-)?cookie)(\s{0,4}:\s{0,4})"""
        r"""(?!["'\\*])[^\r\n"'\\]{1,4096}"""
    )
    return _Patterns(
        assigned=re.compile(assigned, re.IGNORECASE),
        header=re.compile(header, re.IGNORECASE),
        scheme=re.compile(r"\b(bearer|basic|digest) [A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
        user=re.compile(r"(://)[^/\s@\"']{1,256}@"),
    )


class Redactor:
    """Takes secrets out of texts. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._known = Redaction()

    def __repr__(self) -> str:
        return "Redactor()"

    def learn(self, *secrets: Secret) -> None:
        """Masks these values too from now on, however they are written."""
        self._known.learn(*secrets)

    def clean(self, text: str) -> str:
        """Returns the text with every known value masked, and every value that is named like a secret."""
        text = self._known.clean(text)
        lower = text.lower()
        if any(hint in lower for hint in _HINTS):
            if "authorization" in lower or "cookie" in lower:
                text = _patterns().header.sub(rf"\1\2{MASK}", text)
            text = _patterns().assigned.sub(_masked, text)
        if any(scheme in lower for scheme in _SCHEMES):
            text = _patterns().scheme.sub(rf"\1 {MASK}", text)
        if "@" in lower and "://" in lower:
            text = _patterns().user.sub(rf"\1{MASK}@", text)
        return text


def _masked(match: re.Match[str]) -> str:
    quote = match["q"] or ""
    return f"{match[1]}{quote}{MASK}{quote}"


class RedactingFilter(logging.Filter):
    """Cleans the whole of a record: its words with their arguments, its traceback and its stack.

    It is for handlers: what a handler writes after it holds no value that `redactor` masks, and no locals.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        clean = self._redactor.clean
        try:
            words = record.getMessage()
        except (TypeError, ValueError, LookupError, AttributeError, RuntimeError, OSError) as misfit:
            # The line is wrong, not what it is about: it must not be lost, nor end on the trader's screen.
            words = f"{record.msg} (its arguments do not fit: {type(misfit).__name__})"
        record.msg, record.args = clean(words[:_LONGEST]), None
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.exc_text = clean("\n".join(trace_of(error, clean)))
        elif record.exc_text:
            record.exc_text = clean(record.exc_text)
        record.exc_info = None
        if record.stack_info:
            record.stack_info = clean(record.stack_info)
        return True
