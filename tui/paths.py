"""Where a profile keeps its files, by the platform's own rules (XDG on Linux), and how they are kept private."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APPLICATION = "pitside"
DEFAULT_PROFILE = "default"
_PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")
ACCOUNT_RULE = "letters, digits, dots, - and _, at most 32, a letter or digit first"
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class UnsafePath(Exception):
    """A file or folder that someone else could have written; the message names it and the remedy."""


@dataclass(frozen=True)
class Paths:
    """The folders of one profile."""

    profile: str
    config_dir: Path
    state_dir: Path

    @property
    def config_file(self) -> Path:
        return self.config_dir / "config.toml"

    @property
    def themes_dir(self) -> Path:
        return self.config_dir / "themes"

    @property
    def keys_dir(self) -> Path:
        """What is known of API keys, but for the keys: they are the user's, whatever the profile."""
        return self.state_dir.parent


def profile_paths(profile: str = DEFAULT_PROFILE) -> Paths:
    """Returns the folders of `profile`; nothing is created.

    Raises:
        ValueError: the name could leave its folder or be mistaken; the message says what is allowed.
    """
    if not _PROFILE.match(profile):
        raise ValueError(
            f"{profile!r} is not a profile name: use a-z, 0-9, - and _, at most 32, a letter or digit first"
        )
    return Paths(
        profile=profile,
        config_dir=Path(platformdirs.user_config_dir(APPLICATION, appauthor=False)) / profile,
        state_dir=Path(platformdirs.user_state_dir(APPLICATION, appauthor=False)) / profile,
    )


def is_account_name(name: str) -> bool:
    """Says whether an account can be called so: the name becomes part of files' names, and is shown."""
    return _ACCOUNT.match(name) is not None


def make_private_dir(path: Path) -> Path:
    """Makes a folder that only its owner may enter (0700), parents too, and returns it.

    Raises:
        UnsafePath: it exists and is a link, is not a folder, or others may write to it.
    """
    for folder in (*reversed(path.parents), path):
        if not folder.exists():  # `parents=True` would leave those above as open as the umask has them
            folder.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    check_private(path)
    path.chmod(0o700)
    return path


def check_private(path: Path) -> None:
    """Raises UnsafePath when `path` is a link, belongs to someone else, or may be written by others."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise UnsafePath(f"{path} is a symbolic link: put the real file or folder there")
    if status.st_uid not in {os.getuid(), 0}:
        raise UnsafePath(f"{path} belongs to another user: make it yours with chown, or remove it")
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise UnsafePath(f"{path} may be written by others: run  chmod go-w {path}")
