"""What these tests need and do not find skips them, with the remedy; where they must run it fails them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.keyring.installed import INSTALLATION, MUST_RUN, find_installation


@pytest.mark.parametrize(
    ("more", "outcome"),
    [({}, pytest.skip.Exception), ({MUST_RUN: "1"}, pytest.fail.Exception)],
    ids=["here", "ci"],
)
def test_what_is_missing_is_named(more: dict[str, str], outcome: type[BaseException], tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], INSTALLATION: str(tmp_path), **more}
    with pytest.raises(outcome, match=r"(no |not |only ).*: run +\.ci/test-user +as root on Debian$"):
        find_installation(environment)


def test_an_installation_that_is_not_of_this_checkout_is_none(installation: Path, tmp_path: Path) -> None:
    site = next(installation.glob("lib/python3*/site-packages"))
    old = tmp_path / site.relative_to(installation)
    old.mkdir(parents=True)
    (tmp_path / "bin").symlink_to(installation / "bin")
    for package in ("tui", "themes"):
        (old / package).symlink_to(site / package)
    with pytest.raises(pytest.skip.Exception, match=r"is older than the checkout \(\w+/"):
        find_installation({"PATH": os.environ["PATH"], INSTALLATION: str(tmp_path)})
