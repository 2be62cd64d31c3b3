"""Finds what `.ci/test-user` has made: the unprivileged user, and the installation that it can run."""

from __future__ import annotations

import filecmp
import hashlib
import os
import pwd
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.pty_session import PROJECT_ROOT
from tests.keyring.people import USER

MUST_RUN = "PITSIDE_MUST_RUN"  # set: what can not be run is a failure
INSTALLATION = "PITSIDE_TEST_INSTALL"
_REMEDY = "run  .ci/test-user  as root on Debian"
_PROGRAMS = ("dbus-daemon", "gnome-keyring-daemon", "secret-tool", "sshd", "tmux", "setpriv")
_PACKAGES = ("tui", "venues", "themes")


def find_installation(environment: Mapping[str, str] = os.environ) -> Path:
    """Returns where this checkout is installed, readable for the test user; skips or fails where it is not.

    Raises:
        pytest.skip.Exception, pytest.fail.Exception: with what is missing, and the remedy.
    """
    place = _place(environment)
    if missing := _what_is_missing(place, environment.get("PATH", "")):
        if environment.get(MUST_RUN):
            pytest.fail(f"{missing}, and {MUST_RUN} is set: {_REMEDY}", pytrace=False)
        pytest.skip(f"{missing}: {_REMEDY}")
    return place


def _place(environment: Mapping[str, str]) -> Path:
    if told := environment.get(INSTALLATION):
        return Path(told)
    return Path("/opt/pitside-test", hashlib.sha256(os.fsencode(PROJECT_ROOT)).hexdigest()[:12])


def _what_is_missing(place: Path, path: str) -> str:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root can act as another user"
    if absent := [name for name in _PROGRAMS if shutil.which(name, path=f"{path}:/usr/sbin:/usr/bin") is None]:
        return f"there is no {', no '.join(absent)}"
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return f"there is no user {USER}"
    sites = list(place.glob("lib/python3*/site-packages"))
    if not sites or not (place / "bin" / "pitside").exists():
        return f"pitside is not installed in {place}"
    if stale := _first_difference(sites[0]):
        return f"the installation in {place} is older than the checkout ({stale})"
    return ""


def _first_difference(site: Path) -> str:
    """Returns a file of the program that is installed otherwise than it stands here, none if all are alike."""
    for package in _PACKAGES:
        for path in sorted((PROJECT_ROOT / package).rglob("*")):
            name = path.relative_to(PROJECT_ROOT)
            if path.suffix in {".py", ".tcss"} and not (
                (site / name).is_file() and filecmp.cmp(path, site / name, shallow=False)
            ):
                return str(name)
    return ""
