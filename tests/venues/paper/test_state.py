"""The account's file: whole or not at all, and never written over when it can not be read."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from venues.errors import ConfigurationError
from venues.paper.state import VERSION, BrokenState, Kept, StateFile, encode, session_seed

KEPT = Kept(
    seed=7, session=3, ts_saved=1_700_000_000_000_000_000, account={"a": ["1.10"]}, prices={"BTC-PERP": "60000.5"}
)


def test_what_is_saved_is_loaded_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "deep" / "paper.json")
    assert file.load() is None
    file.save(encode(KEPT))
    assert file.load() == KEPT
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    changed = msgspec.structs.replace(KEPT, session=4)
    file.save(encode(changed))
    assert file.load() == changed
    assert [path.name for path in file.path.parent.iterdir()] == ["paper.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"version": "x"}',
        b'{"version": 1}',
        encode(KEPT)[:-20],
        b'{"version": null}',
    ],
)
def test_a_broken_file_is_named_so_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = StateFile(tmp_path / "paper.json")
    file.path.write_bytes(content)
    with pytest.raises(BrokenState):
        file.load()
    assert file.path.read_bytes() == content


def test_a_newer_versions_file_stops_with_a_remedy_and_is_left_alone(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "paper.json")
    content = b'{"version": %d, "what": "nobody knows yet"}' % (VERSION + 1)
    file.path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"newer version .* --fresh"):
        file.load()
    assert file.path.read_bytes() == content


def test_what_can_not_be_read_or_written_says_where(tmp_path: Path) -> None:
    folder = StateFile(tmp_path)  # a folder stands where the file should be
    with pytest.raises(ConfigurationError, match="can not be read"):
        folder.load()
    (tmp_path / "plain").write_text("not a folder")
    with pytest.raises(ConfigurationError, match="can not be kept"):
        StateFile(tmp_path / "plain" / "paper.json").save(b"{}")


def test_setting_aside_never_covers_an_older_one(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "paper.json")
    assert file.set_aside("old") is None
    names = []
    for number in range(3):
        file.path.write_text(str(number))
        aside = file.set_aside("old")
        assert aside is not None
        names.append((aside.name, aside.read_text()))
    assert names == [("paper.json.old", "0"), ("paper.json.old-2", "1"), ("paper.json.old-3", "2")]


def test_a_draft_left_by_a_kill_does_not_stop_the_next_save(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "paper.json")
    (tmp_path / ".paper.json.draft").write_bytes(b"half of")
    file.save(encode(KEPT))
    assert file.load() == KEPT
    assert [path.name for path in tmp_path.iterdir()] == ["paper.json"]


def test_a_symbolic_link_as_draft_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".paper.json.draft").symlink_to(victim)
    StateFile(tmp_path / "paper.json").save(encode(KEPT))
    assert victim.read_text() == "precious"
    assert not (tmp_path / "paper.json").is_symlink()


def test_session_seeds_are_the_same_everywhere_and_differ_by_session_and_purpose() -> None:
    assert session_seed(1, 1) == 10_995_343_170_199_892_794
    seeds = {session_seed(seed, number, what) for seed in (1, 2) for number in (1, 2) for what in ("flow", "past")}
    assert len(seeds) == 8
