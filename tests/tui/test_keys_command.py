"""`pitside keys` as it is used, with a real encrypted file and exchange: no secret is in anything it says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.pty_session import PROJECT_ROOT, PtySession, child_environment
from tests.tui.desk.key_rig import OTHER_KEY, OTHER_SECRET
from tui.cli import FAILED, OK, USAGE, run
from tui.paths import profile_paths
from venues.simulators.serving import Practice, served_in_thread

PASSWORD = "open  sesame CANARY"
PROGRAM = (sys.executable, "-m", "tui", "keys")


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread("coinex", rate=0.0) as served:
        yield served


def configure(home: Path, practice: Practice | None = None) -> Path:
    """Has the keys kept in the encrypted file, and the venue reached on this machine."""
    folder = home / "config" / "pitside" / "default"
    folder.mkdir(parents=True, mode=0o700)
    text = '[credentials]\nstore = "file"\n'
    if practice is not None:
        text += f'[venues.coinex]\nrest_url = "{practice.rest_url}"\nws_url = "{practice.ws_url}"\n'
    (folder / "config.toml").write_text(text)
    return home


class Keys:
    """`pitside keys` without a terminal; remembers all that it ever said."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.said = ""

    def __call__(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*PROGRAM, *arguments], input=given, capture_output=True, text=True, cwd=PROJECT_ROOT, timeout=60,
            env=child_environment(self.home, {}), start_new_session=True,
        )  # fmt: skip
        self.said += done.stdout + done.stderr
        return done


def test_the_life_of_a_key_without_a_terminal(tmp_path: Path, practice: Practice) -> None:
    keys = Keys(configure(tmp_path, practice))
    added = keys("add", "coinex", given=f"  {practice.api_key}\t{practice.api_secret}\n{PASSWORD}\n")
    assert added.returncode == OK, added.stderr
    assert added.stdout.startswith("coinex main: tested and stored; coinex does not tell whether")
    assert "there is no encrypted file yet" in added.stderr

    wrong = keys("add", "coinex", given=f"{OTHER_KEY} {OTHER_SECRET}\n{PASSWORD}\n")
    assert wrong.returncode == FAILED and not wrong.stdout
    assert "give a new one ten minutes" in wrong.stderr and "--untested" in wrong.stderr
    assert "the key that is stored stays as it is" in wrong.stderr

    listed = keys("list")
    assert listed.returncode == OK and listed.stdout.split() == [
        "coinex",
        "main",
        "locked",
        "the",
        "encrypted",
        "file",
    ]
    told = json.loads(keys("list", "--json").stdout)
    assert told["store"] == "file" and told["state"]["code"] == "file-locked"
    assert told["keys"] == [
        {"venue": "coinex", "account": "main", "locked": True, "begins": None, "created": None, "trade": None,
         "withdraw": None, "told_by": None},
    ]  # fmt: skip

    tested = keys("test", "coinex", given=f"{PASSWORD}\n")
    assert tested.returncode == OK and "coinex main: works, the account was read" in tested.stdout
    denied = keys("test", "coinex", given="open sesame CANARY\n")
    assert denied.returncode == FAILED and "is not the password" in denied.stderr

    unsure = keys("remove", "coinex", given=f"{PASSWORD}\n")
    assert unsure.returncode == USAGE and "--yes" in unsure.stderr
    removed = keys("remove", "coinex", "--yes", given=f"{PASSWORD}\n")
    assert removed.returncode == OK and "coinex main: removed" in removed.stdout
    assert keys("list").stdout == "no key is stored\n"
    assert keys("test", "coinex").stderr == "Error: there is no key of coinex main\n"
    for canary in (practice.api_key, practice.api_secret, OTHER_KEY, OTHER_SECRET, PASSWORD, "CANARY"):
        assert canary not in keys.said


@pytest.mark.pty
def test_the_life_of_a_key_on_a_terminal(tmp_path: Path, practice: Practice) -> None:
    home = configure(tmp_path, practice)
    written = b""
    with PtySession([*PROGRAM, "add", "coinex", "--account", "second", "--read-only"], home=home,
                    has_network=True) as session:  # fmt: skip
        session.wait_for("new password (not shown):")
        assert "there is no encrypted file yet" in session.text
        session.type(f"{PASSWORD}\r")
        session.wait_for("the same again (not shown):")
        session.type("another\r")
        session.wait_for("two different passwords")
        session.type(f"{PASSWORD}\r{PASSWORD}\r")
        session.wait_for("API key (not shown):")
        assert "The key of coinex second. Nothing of it is shown" in session.text
        session.paste(practice.api_key)
        session.send("enter")
        session.wait_for("secret (not shown):")
        session.paste(practice.api_secret)
        session.send("enter")
        session.wait_for("coinex second: tested and stored; you said that it is for reading only")
        assert session.wait_exit().code == OK and session.modes().is_restored
        written += session.bytes_written()
    with PtySession([*PROGRAM, "list"], home=home, columns=150) as session:
        session.wait_for("Enter alone lists the names only")
        session.type("wrong\r")
        session.wait_for("this is not the password")
        session.type(f"{PASSWORD}\r")
        session.wait_for(f"{practice.api_key[:4]}…")
        assert session.find("reads only (you said)") and session.find("withdrawal not told")
        assert session.wait_exit().code == OK and session.modes().is_restored
        written += session.bytes_written()
    for canary in (practice.api_key, practice.api_secret, PASSWORD, "CANARY"):
        assert canary.encode() not in written


@pytest.mark.pty
def test_while_a_key_is_tested_no_process_shows_it_and_ctrl_c_stores_nothing(
    tmp_path: Path, practice: Practice
) -> None:
    home = configure(tmp_path, practice)
    practice.faults.switch("never-executed")
    before = practice.requests
    try:
        with PtySession([*PROGRAM, "add", "coinex"], home=home, has_network=True) as session:
            session.wait_for("new password")
            session.type(f"{PASSWORD}\r{PASSWORD}\r")
            session.wait_for("API key")
            session.type(f"{OTHER_KEY}\r{OTHER_SECRET}\r")
            session.wait_for(lambda _: practice.requests > before)
            assert not shown_by_processes(OTHER_KEY, OTHER_SECRET, PASSWORD)
            session.send("ctrl+c")
            assert session.wait_exit().code == FAILED and session.modes().is_restored
            assert "pitside keys list" in session.text
            assert b"CANARY" not in session.bytes_written() and b"Traceback" not in session.bytes_written()
    finally:
        practice.faults.heal()
    assert Keys(home)("list").stdout == "no key is stored\n"


def shown_by_processes(*canaries: str) -> list[str]:
    """Returns where in the arguments and environments of all processes one of these stands."""
    found = []
    for path in [folder / name for folder in Path("/proc").glob("[0-9]*") for name in ("cmdline", "environ")]:
        try:
            text = path.read_bytes()
        except OSError:  # it has ended, or is another user's
            continue
        found += [str(path) for canary in canaries if canary.encode() in text]
    return found


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["export"], USAGE, "keys are never shown"),
        (["export", "coinex"], USAGE, "keys are never shown"),
        (["add", "coinex", "canary-key", "canary-secret"], USAGE, "a key is never given as an argument"),
        (["add", "coinex", "--secret", "canary-secret"], USAGE, "a key is never given as an argument"),
        (["show", "coinex"], USAGE, "keys are never shown"),
        (["add", "paper"], USAGE, "'paper' is not one of 'coinex', 'max', 'pumpkin', 'mayex'"),
        (["fly"], USAGE, "No such command"),
        (["test", "coinex"], FAILED, "there is no key of coinex main"),
        (["remove", "coinex", "--yes", "--account", "second"], FAILED, "there is no key of coinex second"),
        (["test", "coinex", "--account", "a b"], FAILED, "an account's name is of letters"),
    ],
)
def test_what_goes_wrong_has_its_code_and_its_words(
    arguments: list[str], code: int, words: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home)
    assert run(["keys", *arguments]) == code
    said = capsys.readouterr()
    assert words in said.err
    assert "canary" not in said.out + said.err


def test_the_account_of_the_desk_is_the_one_that_is_meant(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(home)
    assert run(["--account", "third", "keys", "test", "coinex"]) == FAILED
    assert "no key of coinex third" in capsys.readouterr().err
    with (profile_paths().config_file).open("a") as file:
        file.write('[desk]\naccount = "fourth"\n')
    assert run(["keys", "test", "coinex"]) == FAILED
    assert "no key of coinex fourth" in capsys.readouterr().err
    assert run(["keys", "test", "coinex", "--account", "fifth"]) == FAILED
    assert "no key of coinex fifth" in capsys.readouterr().err


def test_an_empty_place_is_no_error(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(home)
    assert run(["keys", "list"]) == OK
    said = capsys.readouterr()
    assert said.out == "no key is stored\n" and "there is no encrypted file yet" in said.err
    assert run(["keys", "list", "--json"]) == OK
    assert json.loads(capsys.readouterr().out)["keys"] == []
