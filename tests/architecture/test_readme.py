"""What the README claims is true: its picture, its commands, its keys, its settings."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

from tests.tui.test_cli import every_command
from tui.cli import cli
from tui.config import parse_config
from tui.keymap import Keymap, build_keymap


@pytest.fixture(scope="module")
def readme(project_root: Path) -> str:
    return (project_root / "README.md").read_text()


def blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)


def test_picture_and_links_exist(readme: str, project_root: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)\s]+)\)", readme)
    assert targets
    assert [t for t in map(unquote, targets) if not (project_root / t).exists()] == []
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme)
    assert len(pictures) == 1
    assert pictures[0].startswith("tests/snapshots/"), "a snapshot, so that it stays true"


def test_the_two_commands_are_there(readme: str) -> None:
    commands = "\n".join(blocks(readme, "sh"))
    assert re.search(r"^uv run pitside\b", commands, re.MULTILINE)
    assert re.search(r"^uv run pytest\b", commands, re.MULTILINE)


def test_every_command_is_understood(readme: str) -> None:
    """Each is parsed with --help put behind it, which stops before anything is run but not before it is read."""
    lines = [line for block in blocks(readme, "sh") for line in block.splitlines() if "pitside" in line]
    assert len(lines) >= 5
    for line in lines:
        words = shlex.split(line, comments=True)[3:]
        result = CliRunner().invoke(cli, [*words, "--help"])
        assert result.exit_code == 0, (line, result.output)
        known = {option for command in (cli, *every_command()) for p in command.params for option in p.opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, line


def test_every_key_does_what_the_table_says(readme: str) -> None:
    keymap = Keymap()
    bound = {key for action in keymap.actions() for key in map(str, action.keys)}
    labels = {keymap.label(action.id) for action in keymap.actions()}
    table = [line for line in readme.splitlines() if line.startswith("| ") and "---" not in line]
    keys = {key for row in table for key in re.findall(r"`([^`]+)`", row)} - {"1", "7"}
    unknown = {key for key in keys if key not in labels and key.lower() not in bound and key not in bound}
    assert unknown <= {"1`..`7", "y"}, unknown
    assert keymap.action("ticket.send").keys == ("y",)


def test_the_settings_are_accepted(readme: str) -> None:
    texts = blocks(readme, "toml")
    configs = [parse_config(text, Path("config.toml")) for text in texts]
    assert len(texts) == 4
    said = [tomllib.loads(text) for text in texts]
    (policy,) = [each["detach"]["policy"] for each in said if "detach" in each]
    assert policy in {config.detach.policy for config in configs}
    assert [build_keymap(config.keys)[1] for config in configs] == [()] * 4
