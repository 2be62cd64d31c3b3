"""The command line: quick, clear about mistakes, and with the exit codes it documents."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.e2e.pty_session import PROJECT_ROOT
from tui.cli import FAILED, OK, USAGE, Options, cli, run
from tui.config import Config, GuardsSection, parse_config
from tui.launch import limits_of
from tui.opening import venue_settings
from tui.paths import profile_paths


def test_help_needs_no_screen_no_wire_and_no_keyring(project_root: Path) -> None:
    program = """
import json, sys
from tui.cli import run
code = run(["--help"])
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == OK
    assert not {"textual", "rich", "keyring", "httpx", "websockets"} & set(loaded)
    for word in ("Examples:", "Exit codes:", "129", "143", "--profile", "replay", "record", "practice", "venues"):
        assert word in done.stdout


def test_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == OK
    assert capsys.readouterr().out.startswith("pitside ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--profile", "../x"], "is not a profile name"),
        (["--venue", "mtgox"], "mtgox"),
        (["--seed", "-1"], "--seed"),
        (["replay", "/nowhere.jsonl"], "does not exist"),
        (["fly"], "No such command"),
        (["practice", "paper"], "'paper' is not one of 'coinex', 'max', 'pumpkin', 'mayex'"),
        (["practice", "coinex", "--port", "70000"], "--port"),
        (["practice", "coinex", "--replay", "/nowhere.jsonl"], "does not exist"),
        (["record", "paper"], "--out"),
    ],
)
def test_wrong_usage_is_code_2_and_says_what(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == USAGE
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "1001", "nan"])
def test_a_speed_is_a_number_or_max(speed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = tmp_path / "a.jsonl"
    recording.write_text("{}\n")
    assert run(["replay", str(recording), "--speed", speed]) == USAGE
    assert "is no speed" in capsys.readouterr().err


def test_without_a_terminal_the_desk_says_so_and_is_code_1(project_root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui"], cwd=project_root, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == FAILED
    assert "needs a terminal" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recording_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "day.jsonl"
    there.write_text("precious")
    assert run(["record", "paper", "--out", str(there)]) == USAGE
    assert there.read_text() == "precious"
    assert "never overwrites" in capsys.readouterr().err


def test_record_writes_the_paper_market(project_root: Path, tmp_path: Path) -> None:
    out = tmp_path / "day.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "tui", "record", "paper", "--out", str(out), "--seconds", "0.5", "--rate", "200"],
        cwd=project_root, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == OK, done.stderr
    assert "rows in 0." in done.stderr
    kinds = {json.loads(line)["kind"] for line in out.read_text().splitlines()}
    assert "instrument" in kinds
    assert len(kinds) > 1


def test_an_unknown_instrument_is_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], project_root: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui", "record", "paper", "--out", str(tmp_path / "x"), "--instrument", "NOPE"],
        cwd=project_root, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == FAILED
    assert "there is no NOPE" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_paper_account_is_kept_in_the_profile(home: Path) -> None:
    options = Options(paths=profile_paths("p"), seed=7, is_fresh=True)
    settings = venue_settings("paper", options, Config())
    assert settings["seed"] == 7
    assert settings["fresh"] is True
    assert Path(settings["state_path"]).parent == profile_paths("p").state_dir
    assert "rate" not in settings


def test_a_replay_gets_its_file_and_speed(home: Path) -> None:
    options = Options(paths=profile_paths(), venues=("replay",), recording=Path("r.jsonl"), speed=0.0)
    assert venue_settings("replay", options, Config()) == {"path": "r.jsonl", "speed": "max", "account": "main"}


def test_limits_are_the_configurations_and_the_defaults_for_the_rest() -> None:
    config = parse_config("[guards]\nmax_notional = 5000\n", Path("c"))
    assert limits_of(config.guards).max_notional == 5000
    assert limits_of(config.guards).session_budget == limits_of(GuardsSection()).session_budget


def test_every_command_has_help() -> None:
    assert all(command.help for command in [cli, *every_command()])


def every_command() -> list[click.Command]:
    context = click.Context(cli)
    found = [cli.get_command(context, name) for name in cli.list_commands(context)]
    told = {"journal", "replay", "record", "practice", "venues", "keys", "doctor"}
    asking = {"panic", "orders", "positions", "status", "do"}
    assert {command.name for command in found if command is not None} == told | asking
    return [command for command in found if command is not None]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_that_can_not_be_written_is_said_without_a_trace() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "tui", "venues"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=PROJECT_ROOT)
    assert (done.returncode, done.stderr) == (FAILED, "pitside: No space left on device\n")
