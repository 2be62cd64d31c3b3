"""The program itself: what it is made of, and what the environment does to it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import NamedTuple, TextIO

from tui.doctor.findings import Finding, Topic, note, ok, warning

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*==\s*([^;\s]+)\s*(?:;\s*(.+))?\Z")
_PLATFORM = re.compile(r"""sys_platform\s*==\s*["'](\w+)["']\Z""")
# Of what a program for a terminal may be told about a proxy; the lower-case names are the older ones.
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_REINSTALL = "install pitside again, in an environment of its own: `uv sync` in a clone, or `pipx install pitside`"
_INTO_LOCALE = "set it before the terminal's programs start:  export LANG=C.UTF-8"


class Locale(NamedTuple):
    """The text encoding that was asked for. `name` as it was given: "LANG=C"; `is_utf8` of what it means."""

    name: str
    is_utf8: bool


def check_versions(
    pitside: str,
    requirements: Sequence[str] | None,
    version_of: Callable[[str], str | None],
    python: str = sys.version.split()[0],
) -> list[Finding]:
    """Compares what is installed with what pitside is pinned to; `requirements` None: nobody knows."""
    found = [ok(Topic.PROGRAM, f"pitside {pitside}, Python {python}")]
    if requirements is None:
        return [*found, note(Topic.PROGRAM, "it is not installed, so that its libraries were not compared")]
    others = 0
    for name, pinned in _pins(requirements):
        installed = version_of(name)
        if installed == pinned:
            others += 1
        elif installed is None:
            found.append(warning(Topic.PROGRAM, f"the library {name} is missing, {pinned} is needed", _REINSTALL))
        else:
            words = f"the library {name} is {installed}; pitside was made and tested with {pinned}"
            found.append(warning(Topic.PROGRAM, words, _REINSTALL))
    if others:
        have = "library has the version" if others == 1 else "libraries have the versions"
        found.append(ok(Topic.PROGRAM, f"{others} {have} that it was tested with"))
    return found


def _pins(requirements: Sequence[str]) -> list[tuple[str, str]]:
    """Returns the exact pins that hold on this platform; those of extras are somebody else's choice."""
    pins = []
    for line in requirements:
        matched = _REQUIREMENT.match(line)
        if matched is None:
            continue
        name, pinned, marker = matched.groups()
        platform = _PLATFORM.match(marker) if marker else None
        if marker is None or (platform is not None and platform[1] == sys.platform):
            pins.append((name, pinned))
    return pins


def installed_requirements() -> list[str] | None:
    """Returns what the installed pitside requires; None where it is not installed."""
    try:
        return metadata.requires("pitside") or []
    except metadata.PackageNotFoundError:
        return None


def installed_version(name: str) -> str | None:
    """Returns the version of an installed library."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def this_locale(environ: Mapping[str, str] = os.environ) -> Locale:
    """Returns the locale of this process."""
    return locale_of(environ, is_utf8_mode=bool(sys.flags.utf8_mode), encoding=output_encoding())


def output_encoding() -> str:
    """Returns the encoding of standard output; empty where that is closed."""
    stream: TextIO | None = sys.stdout
    return (stream.encoding or "") if stream is not None else ""


def locale_of(environ: Mapping[str, str], *, is_utf8_mode: bool, encoding: str) -> Locale:
    """Returns the locale as it was asked for.

    Python puts UTF-8 in the place of the locale C, and LC_CTYPE into our environment; `is_utf8_mode` tells that it
    did. `encoding` is that of the output, where it did not.
    """
    named = [name for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)]
    if environ.get("PYTHONUTF8"):  # then Python's own mode tells nothing
        is_utf8 = bool(named) and "utf" in environ[named[0]].lower()
        return Locale(f"{named[0]}={environ[named[0]]}" if named else "LANG is not set", is_utf8)
    if is_utf8_mode:
        named = [name for name in named if "utf" not in environ[name].lower()]
        return Locale(f"{named[0]}={environ[named[0]]}" if named else "LANG is not set", is_utf8=False)
    given = f"{named[0]}={environ[named[0]]}" if named else "LANG is not set"
    return Locale(given, is_utf8=encoding.lower().replace("-", "").replace("_", "") == "utf8")


def check_locale(locale: Locale) -> list[Finding]:
    """Warns of a locale in which lines, arrows and blocks may be drawn as something else."""
    if locale.is_utf8:
        return [ok(Topic.PROGRAM, f"the locale is UTF-8 ({locale.name})")]
    words = (
        f"the locale is not UTF-8 ({locale.name}): tmux, screen and some terminals will draw the desk's lines, "
        "blocks and arrows as _ or ?"
    )
    return [warning(Topic.PROGRAM, words, _INTO_LOCALE)]


def check_environment(
    environ: Mapping[str, str], removed: Sequence[str] = (), core_limit: int = 0, proxy: str = ""
) -> list[Finding]:
    """Looks at what could carry secrets out of the process, and at what is set and has no effect.

    `removed` are the variables that pitside took out of its own environment at start, `core_limit` the bytes that
    a core dump of this process may have (below zero: any), `proxy` that of the configuration.
    """
    found = []
    if "SSLKEYLOGFILE" in removed or "SSLKEYLOGFILE" in environ:
        words = (
            "SSLKEYLOGFILE is set: programs that heed it write down the keys of their encrypted connections. "
            "pitside does not, but whoever set it is watching"
        )
        found.append(warning(Topic.PROGRAM, words, "find out who sets it, then:  unset SSLKEYLOGFILE"))
    if core_limit:
        words = "core dumps are on: a crash could write keys from memory to the disk"
        found.append(warning(Topic.PROGRAM, words, "ulimit -c 0"))
    else:
        found.append(ok(Topic.PROGRAM, "core dumps are off, by pitside itself where the system allows them"))
    named = [name for name in _PROXIES if environ.get(name)]
    if named and not proxy:
        words = f"{', '.join(named)}: pitside takes no proxy from the environment"
        remedy = (
            'where venues are reached by a proxy only, name it in config.toml:  [network] proxy = "http://..."'
        )
        found.append(note(Topic.PROGRAM, words, remedy))
    return found
