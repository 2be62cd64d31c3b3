"""`pitside practice` as other people's programs use it: its output, its errors, its end."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from tests.e2e.pty_session import PROJECT_ROOT
from tui.cli import FAILED, OK, run
from venues.simulators.fault_kinds import KINDS

PATIENCE = 20


@pytest.fixture(autouse=True)
def heeds_signals() -> Iterator[None]:
    """Has children heed what ends them, though the tests may have been started by what ignores it (nohup)."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@contextmanager
def practice(*arguments: str, stdin: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[str]]:
    """Runs the command until the end of the block; killed where it did not end by itself."""
    with subprocess.Popen(
        [sys.executable, "-m", "tui", "practice", "coinex", "--rate", "20", *arguments],
        cwd=PROJECT_ROOT, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        alarm = threading.Timer(PATIENCE, child.kill)
        alarm.start()
        try:
            yield child
        finally:
            alarm.cancel()
            child.kill()


def fetched(origin: str, path: str) -> Any:
    """Returns what a GET of a served exchange answers."""
    link = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=5)
    try:
        link.request("GET", path, headers={"User-Agent": "Mozilla/5.0"})
        return json.load(link.getresponse())
    finally:
        link.close()


def said(child: subprocess.Popen[str]) -> IO[str]:
    assert child.stdout is not None
    return child.stdout


def test_json_is_one_line_and_then_nothing_more() -> None:
    with practice("--json") as child:
        site = json.loads(said(child).readline())
        assert list(site) == ["venue", "rest_url", "ws_url", "api_key", "api_secret"]
        assert site["venue"] == "coinex"
        assert site["rest_url"].startswith("http://127.0.0.1:")
        assert site["ws_url"] == site["rest_url"].replace("http:", "ws:") + "/"
        assert "BTCUSDT" in fetched(site["rest_url"], "/v1/market/list")["data"]
        # Its standard input has been at its end from the beginning: it goes on all the same.
        child.send_signal(signal.SIGINT)
        rest, errors = child.communicate()
    assert (rest, errors) == ("", "")
    assert child.returncode == OK


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_within_a_second_whoever_is_connected(number: signal.Signals, code: int) -> None:
    with practice("--json") as child:
        site = json.loads(said(child).readline())
        with socket.create_connection(("127.0.0.1", int(site["rest_url"].rpartition(":")[2]))) as idle:
            child.send_signal(number)
            assert child.wait(3) == code
            assert idle.recv(1) == b""


def test_people_are_told_how_to_use_it() -> None:
    with practice("--faults", "drop:0.1,drip=20@stream") as child:
        lines = []
        for line in said(child):
            lines.append(line)
            if line.startswith("Switched on:"):
                break
        child.send_signal(signal.SIGINT)
        assert child.wait(3) == OK
    text = "".join(lines)
    for words in (
        "REST ",
        "WebSocket ",
        "key ",
        "secret ",
        "open_venue(",
        "/practice/faults",
        "nothing on it is real",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 120
    assert lines[-1].split()[-1].split(",") == ["drop", "drip@stream=20"]


def test_it_ends_with_standard_input_where_that_is_asked_for() -> None:
    with practice("--json", "--until-stdin-closes", stdin=subprocess.PIPE) as child:
        assert said(child).readline()
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(3) == OK


def test_a_port_that_is_taken_is_one_line_with_a_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["practice", "coinex", "--port", str(port)]) == FAILED
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert str(port) in error


def test_a_fault_that_does_not_exist_is_one_line_with_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["practice", "coinex", "--faults", "wrong-checksom"]) == FAILED
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert "near are: wrong-checksum" in error


def test_every_fault_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["practice", "--list-faults"]) == OK
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == set(KINDS)


@pytest.mark.parametrize("missing", ["uvicorn", "starlette"])
def test_without_the_extra_it_says_how_to_install_it(missing: str, project_root: Path) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from tui.cli import run\nsys.exit(run(['practice', 'coinex', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert len(done.stderr.splitlines()) == 1
    assert f"needs {missing}" in done.stderr
    assert 'pip install "pitside[practice]"' in done.stderr


def test_the_command_line_needs_neither_a_server_nor_an_adapter(project_root: Path) -> None:
    program = """
import json, sys
from tui.cli import run
for words in (["practice", "--help"], ["--venue", "coinex", "--practice", "--help"]):
    run(words)
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not {"uvicorn", "starlette", "httpx", "websockets", "textual", "venues.coinex.venue"} & loaded
