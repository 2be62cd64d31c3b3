"""The configuration as the doctor sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.doctor.trees import made_private, paths_in
from tui.config import Config
from tui.doctor.findings import Severity
from tui.doctor.settings import check_config


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return made_private(paths_in(tmp_path)).config_file


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_without_a_file_everything_is_by_default(path: Path) -> None:
    config, found = check_config(path)
    assert config == Config()
    assert [each.severity for each in found] == [Severity.NOTE]


def test_a_right_file_is_ok_and_says_what_it_opens(path: Path) -> None:
    text = '[desk]\nvenue = ["coinex", "paper"]\n[detach]\npolicy = "cancel_all"\n'
    config, (found,) = check_config(write(path, text))
    assert config.desk.venues == ("coinex", "paper")
    assert found.severity is Severity.OK
    assert "coinex and paper" in found.words
    assert "cancel_all" in found.words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[desk]\nvenue = 7\n", "line 2"),
        ("[desk]\nthem = 'dark'\n", "them is no setting"),
        ("[desk\n", "is no TOML"),
        ("[lock]\nidle = -1\n", "lock.idle"),
    ],
)
def test_a_wrong_file_is_a_fault_that_names_the_place(path: Path, text: str, words: str) -> None:
    config, (found,) = check_config(write(path, text))
    assert config == Config(), "the rest goes by the defaults"
    assert found.severity is Severity.FAULT
    assert words in found.words
    assert str(path) in found.words
    assert found.remedy


def test_a_file_that_others_may_write_is_a_fault(path: Path) -> None:
    write(path, "").chmod(0o666)
    _, (found,) = check_config(path)
    assert (found.severity, "chmod go-w" in found.words) == (Severity.FAULT, True)


def test_keys_that_can_not_be_had_are_warnings(path: Path) -> None:
    text = '[keys]\n"order.buy" = "ctrl+z"\n"order.fly" = "n"\n"order.sell" = "a"\n'
    _, found = check_config(write(path, text))
    assert [each.severity for each in found] == [Severity.OK, Severity.WARNING, Severity.WARNING]
    assert "suspends programs" in found[1].words
    assert "order.fly" in found[2].words
