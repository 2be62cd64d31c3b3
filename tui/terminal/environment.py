"""What must be set before Textual is imported, and which terminals are refused."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from typing import TextIO

import click

# Textual reads each of these once, when it is imported.
_SETTINGS = {
    # The cap drives the tail of key-to-paint: p99 35 ms at 60, 14 ms at 240.
    "TEXTUAL_FPS": "240",
    "TEXTUAL_ANIMATIONS": "none",
    # Off also means that no in-band resize and no pixel mouse is asked for.
    "TEXTUAL_SMOOTH_SCROLL": "0",
    # With the kitty protocol 449 of 200,000 fuzzed inputs ended the app; no planned key needs it.
    "TEXTUAL_DISABLE_KITTY_KEY": "1",
    # Milliseconds after which a lone Esc is a key: at the stock 100 a quick second key became part of it.
    "ESCDELAY": "25",
}
# Debug switches of Textual that write files or print, and the file that TLS secrets would be written to.
_REMOVED = (
    "SSLKEYLOGFILE",
    "TEXTUAL",  # its developers' console would be sent every key, over the network
    "TEXTUAL_ALLOW_SIGNALS",
    "TEXTUAL_DEBUG",
    "TEXTUAL_LOG",
    "TEXTUAL_DRIVER",
    "TEXTUAL_SCREENSHOT",
    "TEXTUAL_PRESS",
)

# Seconds. The engine's thread computes while a key waits; the stock 5 ms is most of the key's time to paint.
SWITCH_INTERVAL = 0.0005


class UnusableTerminal(click.ClickException):
    """The desk cannot be drawn here; the message says why and what to do. Exit code 1."""


def prepare(environ: MutableMapping[str, str] | None = None) -> None:
    """Sets the process up for a full-screen terminal program. Call it before Textual is imported.

    Raises:
        UnusableTerminal: standard input or output is not a terminal, or it cannot place a cursor.
    """
    environ = os.environ if environ is None else environ
    for name in _REMOVED:
        environ.pop(name, None)
    environ.update(_SETTINGS)
    if problem := terminal_problem(environ.get("TERM", ""), all(map(_is_terminal, (sys.stdin, sys.stdout)))):
        raise UnusableTerminal(problem)
    sys.setswitchinterval(SWITCH_INTERVAL)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def terminal_problem(term: str, is_tty: bool) -> str | None:
    """Returns why the desk cannot be drawn on such a terminal, or None when it can."""
    if not is_tty:
        return (
            "the desk needs a terminal: standard input or output is a file or a pipe. "
            "Over ssh, use `ssh -t`; `pitside --help` lists what runs without a screen."
        )
    if term in ("", "dumb", "unknown"):
        return (
            f"the desk cannot be drawn with TERM={term or '(not set)'}, which cannot place a cursor. "
            "Use a real terminal, for instance TERM=xterm-256color."
        )
    return None
