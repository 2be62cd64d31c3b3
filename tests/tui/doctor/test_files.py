"""Owner, mode and disk of every path of a profile, on real files."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.doctor.trees import made_private, paths_in, tree_of
from tui.doctor.files import Disk, check_disk, check_files, check_future, check_path, disk_below
from tui.doctor.findings import Finding, Severity, worst_of
from tui.paths import Paths

ME = os.getuid()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return made_private(paths_in(tmp_path))


@pytest.fixture
def anybodys(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "anybodys"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o700)


def private(path: Path, text: str = "x") -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def worse(found: list[Finding]) -> list[Finding]:
    return [each for each in found if each.severity is not Severity.OK]


def test_a_new_user_has_no_folders_and_gets_none(tmp_path: Path) -> None:
    before = tree_of(tmp_path)
    found = check_files(paths_in(tmp_path), me=ME)
    assert worse(found) == []
    assert sum("is not there yet" in each.words for each in found) == 1, "nobody needs a configuration"
    assert tree_of(tmp_path) == before


def test_a_home_that_can_not_be_written_is_a_fault(tmp_path: Path) -> None:
    asked: list[Path] = []

    def access(path: Path, mode: int) -> bool:  # root, who may write everywhere, runs this too
        asked.append(path)
        return False

    (found,) = check_future(tmp_path / "state" / "pitside", access)
    assert asked == [tmp_path], "the nearest that is there"
    assert found.severity is Severity.FAULT
    assert "can not be made" in found.words


def test_private_folders_are_ok_and_counted(paths: Paths) -> None:
    private(paths.config_file)
    for name in ("desk.log", "journal.sqlite3", "paper-main.json"):
        private(paths.state_dir / name)
    for name in ("keys.json", "keys.crypt"):
        private(paths.keys_dir / name)
    found = check_files(paths, me=ME)
    assert worse(found) == []
    words = " ".join(each.words for each in found)
    assert "and so is the one file in it" in words
    assert "and so are the 3 files in it" in words
    assert "keys.crypt, keys.json" in words


@pytest.mark.parametrize(
    ("mode", "severity"),
    [(0o644, Severity.WARNING), (0o640, Severity.WARNING), (0o660, Severity.FAULT), (0o602, Severity.FAULT)],
)
@pytest.mark.parametrize("name", ["state/log", "keys.json", "keys.crypt", "config.toml"])
def test_a_loose_file_is_named_with_the_command_that_mends_it(
    paths: Paths, mode: int, severity: Severity, name: str
) -> None:
    path = {
        "state/log": paths.state_dir / "desk 1.log",
        "config.toml": paths.config_file,
    }.get(name, paths.keys_dir / name)
    private(path).chmod(mode)
    (found,) = worse(check_files(paths, me=ME))
    if name == "config.toml" and severity is Severity.WARNING:
        severity = Severity.NOTE  # no secret stands in it
    assert found.severity is severity
    assert str(path) in found.words
    assert f"{mode:04o}" in found.words
    assert subprocess.run(["sh", "-c", found.remedy]).returncode == 0, "it can be copied, blanks and all"
    assert worse(check_files(paths, me=ME)) == []


def test_a_loose_folder_is_mended_by_its_command(paths: Paths) -> None:
    paths.state_dir.chmod(0o755)
    (found,) = worse(check_files(paths, me=ME))
    assert (found.severity, found.remedy) == (Severity.WARNING, f"chmod 700 {paths.state_dir}")
    paths.state_dir.chmod(0o770)
    assert worst_of(check_files(paths, me=ME)) is Severity.FAULT


def test_the_folder_above_the_profiles_is_private_once_keys_are_in_it(paths: Paths) -> None:
    paths.keys_dir.chmod(0o755)
    assert worse(check_files(paths, me=ME)) == []
    private(paths.keys_dir / "keys.json")
    (found,) = worse(check_files(paths, me=ME))
    assert (found.severity, found.remedy) == (Severity.WARNING, f"chmod 700 {paths.keys_dir}")


def test_a_link_is_a_fault_and_is_not_followed(paths: Paths, tmp_path: Path) -> None:
    secret = private(tmp_path / "elsewhere")
    secret.chmod(0o666)
    (paths.state_dir / "desk.log").symlink_to(secret)
    (found,) = worse(check_files(paths, me=ME))
    assert found.severity is Severity.FAULT
    assert "symbolic link" in found.words
    folder = paths_in(tmp_path / "second")
    folder.state_dir.parent.mkdir(parents=True)
    folder.state_dir.symlink_to(paths.state_dir)
    folder.keys_dir.chmod(0o755)
    assert [each.severity for each in worse(check_files(folder, me=ME))] == [Severity.FAULT]


def test_what_belongs_to_somebody_else_is_a_fault_and_to_root_a_warning(tmp_path: Path) -> None:
    path = private(tmp_path / "a")
    assert check_path(path, ME) == []
    (found,) = check_path(path, ME + 1)
    if ME:
        assert (found.severity, "another user" in found.words) == (Severity.FAULT, True)
    else:
        assert (found.severity, "sudo" in found.words) == (Severity.WARNING, True)
    assert found.remedy == f"sudo chown $USER {path}"


def test_a_file_where_a_folder_should_be_is_a_fault(paths: Paths) -> None:
    paths.state_dir.rmdir()
    private(paths.state_dir)
    assert any("is no folder" in each.words for each in worse(check_files(paths, me=ME)))


def test_a_parent_that_anybody_may_write_is_a_fault_and_tmp_is_not(anybodys: Path) -> None:
    paths = made_private(paths_in(anybodys))
    (found,) = worse(check_files(paths, me=ME))
    assert (found.severity, str(anybodys) in found.words) == (Severity.FAULT, True)
    anybodys.chmod(0o777 | stat.S_ISVTX)
    assert worse(check_files(paths, me=ME)) == []


def test_many_problems_are_not_all_said(paths: Paths) -> None:
    for number in range(30):
        private(paths.state_dir / f"{number}").chmod(0o644)
    found = worse(check_files(paths, me=ME))
    assert len(found) == 9
    assert found[-1].words == "and 22 more like these"


def test_the_disk_is_the_one_below_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    there = disk_below(tmp_path)
    assert there.free > 0
    assert disk_below(tmp_path / "a" / "b").kind == there.kind
    assert disk_below(Path("/proc/self")).kind == "proc"


def test_of_nested_mounts_the_innermost_counts(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    place = str(tmp_path).replace(" ", r"\040")
    mounts.write_text(
        "21 1 8:1 / / rw shared:1 - ext4 /dev/a rw\n"
        f"22 21 0:5 / {place} rw - nfs4 server:/home rw\n"
        f"23 21 0:5 / {place}x rw - tmpfs t rw\n"
        "torn\n"
    )
    assert disk_below(tmp_path / "a", mounts).kind == "nfs4"
    assert disk_below(Path("/"), mounts).kind == "ext4"
    assert disk_below(tmp_path, tmp_path / "none").kind == "", "not Linux"


@pytest.mark.parametrize(
    ("disk", "severity"),
    [
        (Disk("ext4", 50_000_000_000, is_read_only=False), Severity.OK),
        (Disk("ext4", 99_000_000, is_read_only=False), Severity.WARNING),
        (Disk("ext4", 4_900_000, is_read_only=False), Severity.FAULT),
        (Disk("ext4", 50_000_000_000, is_read_only=True), Severity.FAULT),
        (Disk("nfs4", 50_000_000_000, is_read_only=False), Severity.NOTE),
        (Disk("tmpfs", 50_000_000_000, is_read_only=False), Severity.WARNING),
        (Disk("", 50_000_000_000, is_read_only=False), Severity.OK),
    ],
)
def test_a_disk_is_judged_by_what_a_journal_needs(disk: Disk, severity: Severity, tmp_path: Path) -> None:
    found = check_disk(tmp_path, disk)
    assert worst_of(found) is severity
    assert all(each.remedy for each in worse(found))
