"""The configuration: whether it can be used, and what of it is not what its writer meant."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tui.config import Config, ConfigError, load_config
from tui.doctor.findings import Finding, Topic, fault, note, ok, warning
from tui.keymap import build_keymap

_UNCHANGED = ". Nothing was changed or lost"


class Settings(NamedTuple):
    """The configuration that the other checks go by: the defaults where the file can not be used."""

    config: Config
    findings: list[Finding]


def check_config(path: Path) -> Settings:
    """Reads the configuration as a desk does."""
    try:
        config = load_config(path)
    except ConfigError as error:
        words = str(error).removesuffix(_UNCHANGED)
        remedy = "mend it: no desk starts before; what follows here goes by the defaults"
        return Settings(Config(), [fault(Topic.CONFIG, words, remedy)])
    if not path.exists():
        return Settings(config, [note(Topic.CONFIG, f"there is no {path}: everything is by its default")])
    desk = f"{path} is right: opens {' and '.join(config.desk.venues)}; on hang-up: {config.detach.policy}"
    return Settings(config, [ok(Topic.CONFIG, desk), *_check_keys(config)])


def _check_keys(config: Config) -> list[Finding]:
    _, problems = build_keymap(config.keys)
    remedy = "correct it in config.toml; `?` on the desk lists the actions with their keys"
    return [warning(Topic.CONFIG, problem, remedy) for problem in problems]
