"""Where files are, and that only their owner may write there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.paths import UnsafePath, check_private, make_private_dir, profile_paths


def test_folders_follow_the_platform_and_the_profile(home: Path) -> None:
    paths = profile_paths("second")
    assert paths.config_file == home / "config" / "pitside" / "second" / "config.toml"
    assert paths.state_dir == home / "state" / "pitside" / "second"
    assert paths.themes_dir.parent == paths.config_dir
    assert not paths.config_dir.exists()


@pytest.mark.parametrize("name", ["", "../up", "a/b", "A", ".hidden", "x" * 33, "naïve", "a b"])
def test_a_profile_name_can_not_leave_its_folder(name: str) -> None:
    with pytest.raises(ValueError, match="is not a profile name"):
        profile_paths(name)


def test_a_private_folder_is_the_owners_alone(home: Path) -> None:
    made = make_private_dir(profile_paths().state_dir)
    assert made.stat().st_mode & 0o777 == 0o700
    assert make_private_dir(made) == made


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o770)
    with pytest.raises(UnsafePath, match="written by others"):
        make_private_dir(folder)


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(UnsafePath, match="symbolic link"):
        check_private(tmp_path / "link")


def test_folders_above_a_private_one_are_made_private_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = make_private_dir(tmp_path / "state" / "pitside" / "default")
    finally:
        os.umask(before)
    assert {folder.stat().st_mode & 0o777 for folder in (made, made.parent, made.parent.parent)} == {0o700}
