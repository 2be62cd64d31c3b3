"""`pitside doctor` as a user runs it: a process of its own, on a real terminal and off one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.pty_session import PtySession, child_environment
from tests.tui.doctor.servers import refused
from tests.tui.doctor.trees import made_private, paths_in, tree_of
from tui.cli import OK, run
from tui.desk.instance import InstanceLock
from tui.paths import Paths
from venues.simulators.serving import served_in_thread

CODES = {"ok": 0, "note": 0, "warning": 3, "fault": 4}
COMMAND = [sys.executable, "-m", "tui", "doctor"]


def ran(
    home: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=child_environment(home, environment or {}), capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def report(home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """Runs it with --json, and returns the findings; the exit code is that of the worst."""
    done = ran(home, "--json", *arguments, environment=environment)
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == CODES[told["worst"]]
    assert told["worst"] == max((f["severity"] for f in told["findings"]), key=list(CODES).index)
    found: list[dict[str, str]] = told["findings"]
    return found


def about(found: list[dict[str, str]], topic: str) -> list[tuple[str, str]]:
    return [(one["severity"], one["words"]) for one in found if one["topic"] == topic]


@pytest.fixture
def paths(home: Path) -> Paths:
    """The profile as the program finds it below `home`."""
    return paths_in(home)


def test_a_new_user_is_told_what_there_is_and_nothing_is_made(home: Path) -> None:
    before = tree_of(home)
    found = report(home, "--offline")
    assert tree_of(home) == before
    assert {one["topic"] for one in found} == {
        "program", "config", "files", "journal", "terminal", "clock", "keyring", "venues",
    }  # fmt: skip
    for topic in ("config", "files", "journal", "terminal"):
        assert {severity for severity, _ in about(found, topic)} <= {"ok", "note"}, topic
    assert all(one["remedy"] for one in found if one["severity"] in {"warning", "fault"})
    assert "no key is stored" in about(found, "keyring")[-1][1]


def test_as_text_each_finding_is_a_line_and_the_sum_is_last(home: Path) -> None:
    done = ran(home, "--offline")
    lines = done.stdout.splitlines()
    assert "\x1b" not in done.stdout, "no colour off a terminal"
    assert re.fullmatch(r"everything is as it should be|\d+ (fault|warning|note)s?(, \d+ \w+)*", lines[-1])
    findings = [line for line in lines[:-2] if not line.startswith(" ")]
    assert len(findings) == len(report(home, "--offline"))
    assert all(re.match(r"[✓·!✗] (ok|note|warning|fault) +\w+ {2,}\S", line) for line in findings)


def test_faults_are_code_4_and_a_running_desk_is_seen(home: Path, paths: Paths) -> None:
    made_private(paths)
    paths.config_file.write_text("[guards]\nmax_notional = -1\n")
    paths.config_file.chmod(0o600)
    hostile = paths.state_dir / "desk \x1b]0;owned\x07.log"
    hostile.write_text("x")
    hostile.chmod(0o666)
    lock = InstanceLock(paths.state_dir)
    lock.acquire("PAPER", ("paper",))
    before = tree_of(home)
    try:
        found = report(home, "--offline")
    finally:
        lock.release()
    assert tree_of(home) == before
    assert about(found, "config")[0][0] == "fault"
    assert "line 2" in about(found, "config")[0][1]
    loose = next(words for severity, words in about(found, "files") if severity == "fault")
    assert "may be written by others" in loose
    assert "\x1b" not in loose
    assert f"process {os.getpid()}" in about(found, "journal")[0][1]
    assert ran(home, "--offline").returncode == 4


def test_the_environment_is_looked_at_as_it_was_given_and_no_secret_is_shown(home: Path) -> None:
    given = {
        "SSLKEYLOGFILE": str(home / "keys.log"),
        "HTTPS_PROXY": "http://me:canary-password@proxy:3128",
        "LANG": "C",
    }
    done = ran(home, "--json", "--offline", environment=given)
    assert "canary-password" not in done.stdout + done.stderr
    said = about(json.loads(done.stdout)["findings"], "program")
    assert ("warning", True) in [(severity, "SSLKEYLOGFILE" in words) for severity, words in said]
    assert ("warning", True) in [(severity, "LANG=C)" in words) for severity, words in said]
    assert ("note", True) in [(severity, "HTTPS_PROXY" in words) for severity, words in said]
    assert done.returncode in {3, 4}
    assert not (home / "keys.log").exists()


def configured(paths: Paths, rest_url: str, ws_url: str) -> None:
    made_private(paths)
    paths.config_file.write_text(
        f'[desk]\nvenue = "coinex"\n[venues.coinex]\nrest_url = "{rest_url}"\nws_url = "{ws_url}"\n'
    )
    paths.config_file.chmod(0o600)


def test_a_venue_of_the_configuration_is_reached_where_it_says(home: Path, paths: Paths) -> None:
    with served_in_thread("coinex", seed=1) as practice:
        configured(paths, practice.rest_url, practice.ws_url)
        before = tree_of(home)
        found = report(home)
        assert tree_of(home) == before
    venues = about(found, "venues")
    assert {severity for severity, _ in venues} == {"ok"}
    assert f"127.0.0.1:{practice.port}" in venues[0][1]
    assert any("coinex" in words for _, words in about(found, "clock"))


def test_one_that_is_not_there_is_a_fault_unless_nobody_asks(home: Path, paths: Paths) -> None:
    with refused() as nobody:
        configured(paths, f"http://{nobody}", f"ws://{nobody}")
        found = report(home)
        quiet = report(home, "--offline")
    assert ("fault", f"coinex: {nobody} refuses connections: nothing listens there") in about(found, "venues")
    assert [words for _, words in about(quiet, "venues") if "refuses" in words] == []


def has_asked(times: int, session: PtySession) -> bool:
    """Whether the terminal was asked so often; a second for all of them may be over sooner on a busy machine."""
    return session.bytes_written().count(b"\x1b[5n") >= times or b"clock" in session.bytes_written()


@pytest.mark.pty
def test_on_a_terminal_it_fits_and_has_colour_beside_its_words(home: Path) -> None:
    with PtySession([*COMMAND, "--offline"], home=home, rows=24, columns=80) as session:
        session.wait_for(partial(has_asked, 1), timeout=30)
        for number in range(1, 6):
            session.wait_for(partial(has_asked, number))
            session.send_bytes(b"\x1b[0n")
        session.wait_exit(30)
        written = session.bytes_written().decode()
        assert session.modes().is_restored
    assert "\x1b[32m✓ ok" in written
    assert "80x24" in written
    assert re.search(r"the terminal answers in .* \(median of [1-5]\)", " ".join(plain(written).split()))
    words = [line for line in plain(written).splitlines() if len(line) > 80]
    assert [line for line in words if str(home) not in line] == [], "only paths are longer than a line"


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text).replace("\r", "")


def test_without_any_stream_it_still_has_its_code(home: Path) -> None:
    shut = ["sh", "-c", '"$@" <&- >&-', "sh", *COMMAND, "--offline"]
    done = subprocess.run(shut, env=child_environment(home, {}), stderr=subprocess.PIPE, text=True)
    assert done.stderr == ""
    assert done.returncode in CODES.values()


@pytest.mark.pty
@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_colour_is_left_out_where_it_is_not_wanted(home: Path, environment: dict[str, str]) -> None:
    with PtySession([*COMMAND, "--offline"], home=home, environment=environment) as session:
        code = session.wait_exit(30).code
        written = session.bytes_written().decode().replace("\x1b[5n", "")
    assert "\x1b" not in written
    is_dumb = environment["TERM"] == "dumb"
    assert ("cannot be drawn with TERM=dumb" in " ".join(written.split())) is is_dumb
    assert (code == 4) or not is_dumb


def test_help_tells_the_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--help"]) == OK
    told = capsys.readouterr().out
    assert all(words in told for words in ("--json", "--offline", "--venue", "3  warnings", "4  faults"))
    assert run(["--help"]) == OK
    told = capsys.readouterr().out
    assert "doctor: warnings" in told
    assert "doctor: faults" in told


def test_a_venue_that_is_no_place_can_not_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--venue", "paper"]) == 2
    assert "'paper' is not" in capsys.readouterr().err
