"""The configuration of a profile: one TOML file that a person writes and the desk only ever reads."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from tui.paths import UnsafePath, check_private

Level: TypeAlias = Literal["none", "preview", "confirm"]
DetachPolicy: TypeAlias = Literal["leave", "cancel_session", "cancel_all"]
_LARGEST = 1_000_000  # bytes; a real file has a few thousand


class ConfigError(Exception):
    """The configuration can not be used; the message names file, line or key, and the remedy."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: a key that nobody reads is a mistake, and is said."""


class DeskSection(Section, frozen=True, kw_only=True):
    venue: str | tuple[str, ...] = "paper"  # one, or a list of those that are opened together
    account: str = "main"
    theme: str = "dark"
    clock: Literal["utc", "local"] = "utc"
    size_presets: tuple[Decimal, ...] = ()  # base units; empty: by the instrument's lot
    seed: int | None = None  # of the paper market
    rate: float | None = None  # of the paper market, market events a second

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues that are opened together, each once."""
        return (self.venue,) if isinstance(self.venue, str) else tuple(dict.fromkeys(self.venue))


class ConfirmSection(Section, frozen=True, kw_only=True):
    """How much is asked before each kind of action. `C`, `X` and `t` always ask: CapsLock makes them."""

    cancel: Literal["none", "confirm"] = "none"
    panic: Literal["none", "confirm"] = "confirm"


class GuardsSection(Section, frozen=True, kw_only=True):
    """Limits that no dialog can lift, but for `band_asks`. Notionals in the quote currency; None: the default."""

    max_quantity: dict[str, Decimal] | None = None  # symbol -> base units an order may have
    max_notional: Decimal | None = None  # of one order
    session_budget: Decimal | None = None  # notional sent in one UTC day: a restart does not renew it
    day_loss: Decimal | None = None  # in the account's currency; reached, nothing that adds risk until 00:00 UTC
    band_asks: Decimal | None = None  # fraction of the mid from which on an order is asked about
    band_denies: Decimal | None = None  # and from which on it is not sent


class LockSection(Section, frozen=True, kw_only=True):
    idle: int = 900  # seconds without a key after which a LIVE desk locks; 0: never
    stall: float = 2.0  # seconds of a stalled screen after which a LIVE desk locks


class DetachSection(Section, frozen=True, kw_only=True):
    """What becomes of the orders when the terminal hangs up, and in which other cases; in seconds, 0 for never."""

    policy: DetachPolicy = "leave"
    idle: int = 0  # without a key
    tmux_seconds: int = 0  # without a tmux client attached to the desk's session


class Config(Section, frozen=True, kw_only=True):
    """All settings, with defaults for whatever the file does not say."""

    desk: DeskSection = DeskSection()
    confirm: ConfirmSection = ConfirmSection()
    guards: GuardsSection = GuardsSection()
    lock: LockSection = LockSection()
    detach: DetachSection = DetachSection()
    keys: dict[str, str | list[str]] = {}


def load_config(path: Path) -> Config:
    """Reads the configuration; a file that is not there means the defaults.

    Raises:
        ConfigError: it is unsafe, unreadable, no TOML, or holds a wrong setting. It is never written to.
    """
    try:
        check_private(path.parent)
        check_private(path)
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8") if size <= _LARGEST else None
    except FileNotFoundError:
        return Config()
    except UnsafePath as error:
        raise ConfigError(str(error)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: can not be read ({error.strerror}); check its permissions") from error
    if text is None:
        raise ConfigError(f"{path}: is larger than {_LARGEST:,} bytes; this can not be a configuration")
    return parse_config(text, path)


def parse_config(text: str, path: Path) -> Config:
    """Parses the file's text; `path` is only named in errors. Raises ConfigError."""
    try:
        # The file's numbers become money, so they are never floats on the way.
        raw: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is no TOML: {error}. Mend that line; nothing was changed or lost") from error
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), text, path)) from error
    _check_ranges(config, text, path)
    return config


def _check_ranges(config: Config, text: str, path: Path) -> None:
    guards = config.guards
    amounts = {
        f"guards.{name}": value
        for name in guards.__struct_fields__
        if isinstance(value := getattr(guards, name), Decimal)
    }
    amounts |= {f"guards.max_quantity.{symbol}": size for symbol, size in (guards.max_quantity or {}).items()}
    amounts |= {f"desk.size_presets[{n}]": preset for n, preset in enumerate(config.desk.size_presets)}
    for key, value in amounts.items():
        if not value.is_finite() or value <= 0:
            raise ConfigError(_located(text, path, key, "must be above zero; remove it for the default"))
    if not config.desk.venues:
        raise ConfigError(_located(text, path, "desk.venue", 'must name a venue, as in ["coinex"]'))
    if config.lock.idle < 0:
        raise ConfigError(_located(text, path, "lock.idle", "must be 0 (never) or a number of seconds"))
    if config.lock.stall <= 0:
        raise ConfigError(_located(text, path, "lock.stall", "must be above zero"))
    for name in ("idle", "tmux_seconds"):
        seconds = getattr(config.detach, name)
        if seconds < 0:
            raise ConfigError(_located(text, path, f"detach.{name}", "must be 0 (never) or a number of seconds"))
        if seconds and config.detach.policy == "leave":
            # The trader would count on orders being cancelled that are left.
            remedy = 'does nothing with the policy "leave"; set detach.policy to cancel_session or cancel_all'
            raise ConfigError(_located(text, path, f"detach.{name}", remedy))


def _explain(message: str, text: str, path: Path) -> str:
    words, _, where = message.partition(" - at ")
    key = where.strip("`").removeprefix("$").removeprefix(".")
    if unknown := re.match(r"Object contains unknown field `(.+?)`", words):
        name = unknown[1]
        full = f"{key}.{name}" if key else name
        return _located(text, path, full, "is no setting; correct its name or remove the line")
    return _located(text, path, key, f"is wrong: {words[0].lower()}{words[1:]}")


def _located(text: str, path: Path, key: str, remedy: str) -> str:
    number = find_line(text, key)
    place = f"{path}, line {number}" if number else str(path)
    return f"{place}: {key} {remedy}. Nothing was changed or lost"


def find_line(text: str, key: str) -> int | None:
    """Returns the 1-based line where the dotted `key` of a TOML text stands, or None when it is not found."""
    wanted = re.sub(r"\[.*", "", key)
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if header := re.match(r"\[+\s*([^\]]+?)\s*\]+", stripped):
            section = header[1].replace('"', "")
            if section == wanted:
                return number
        elif pair := re.match(r"""["']?([\w.-]+)["']?\s*=""", stripped):
            full = f"{section}.{pair[1]}" if section else pair[1]
            if full == wanted or wanted.startswith(full + "."):
                return number
    return None
