"""Real folders of a profile, and proof that nothing in them was touched."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tui.paths import Paths


def paths_in(home: Path) -> Paths:
    """Returns the folders of a profile below `home`; nothing is made."""
    return Paths("default", home / "config" / "pitside" / "default", home / "state" / "pitside" / "default")


def made_private(paths: Paths) -> Paths:
    """Makes the profile's folders, for the owner alone."""
    for folder in (paths.config_dir, paths.state_dir):
        folder.mkdir(parents=True)
        for each in (folder, folder.parent):
            each.chmod(0o700)
    return paths


def tree_of(folder: Path) -> dict[str, tuple[int, int, int, str]]:
    """Returns every path below a folder with its mode, owner, time of change and content."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        content = ""
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path)] = (status.st_mode, status.st_uid, status.st_mtime_ns, content)
    return found
