"""Colour themes: those that come with the desk and the user's own, as TOML files, validated before use."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from textual.color import Color, ColorParseError
from textual.theme import Theme

import tui

THEMES = Path(tui.__file__).parent.parent / "themes"
DEFAULT_THEME = "dark"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
_LARGEST = 100_000  # bytes


class ThemeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A theme as it is written: the colours that Textual knows, and in `variables` those of the panes."""

    primary: str
    secondary: str
    accent: str
    foreground: str
    background: str
    surface: str
    panel: str
    success: str
    warning: str
    error: str
    dark: bool = True
    variables: dict[str, str] = {}


def parse_theme(name: str, text: str) -> Theme:
    """Parses a theme file's text. Raises ValueError, which says what is wrong with it."""
    if not _NAME.match(name):
        raise ValueError("its name must be of a-z, 0-9 and -")
    try:
        written = msgspec.convert(tomllib.loads(text), ThemeFile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from error
    fields: dict[str, Any] = msgspec.structs.asdict(written)
    colours = {key: value for key, value in fields.items() if isinstance(value, str)} | written.variables
    for key, value in colours.items():
        try:
            Color.parse(value)
        except ColorParseError as error:
            raise ValueError(f"{key}: {value!r} is no colour; write it as #rrggbb") from error
    return Theme(name=name, **fields)


def load_themes(folders: Iterable[Path] = (THEMES,)) -> tuple[dict[str, Theme], tuple[str, ...]]:
    """Loads every `*.toml` of the folders, later ones over earlier; returns the themes and one line a failure."""
    themes: dict[str, Theme] = {}
    failures: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            try:
                if path.stat().st_size > _LARGEST:
                    raise ValueError(f"it is larger than {_LARGEST:,} bytes")
                themes[path.stem] = parse_theme(path.stem, path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                failures.append(f"{path.name}: {error}")
    return themes, tuple(failures)


def failure_notice(failures: Iterable[str]) -> str:
    """Returns one notice for all themes that could not be used; empty when there is none."""
    lines = list(failures)
    if not lines:
        return ""
    return "\n".join([f"{len(lines)} theme file(s) could not be used:", *lines])
