"""The start of a process that holds keys, for real: no core, no look from outside, errors without values."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
CANARY = "CANARY0123456789SECRET"


def run(code: str, *, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=dict(os.environ) | (environment or {}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


LOOK = """
import ctypes, json, os, resource, tui.hardening
found = tui.hardening.harden()
again = tui.hardening.harden()
children = resource.getrlimit(resource.RLIMIT_CORE)
print(json.dumps({
    "removed": found.removed, "again": again.removed, "limit": found.core_limit, "done": found.is_undumpable,
    "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), "cores": children,
    "log": os.environ.get("SSLKEYLOGFILE"), "backend": os.environ.get("PYTHON_KEYRING_BACKEND"),
    "listing": len(os.listdir("/proc/self/fd")), "input": os.readlink("/proc/self/fd/0")[:5],
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_no_core_no_attaching_and_no_file_of_tls_keys() -> None:
    result = run(LOOK, environment={"SSLKEYLOGFILE": "keys.log", "PYTHON_KEYRING_BACKEND": "a.b.C"})
    said = msgspec.json.decode(result.stdout)
    assert (said["removed"], said["again"], said["log"]) == (["SSLKEYLOGFILE"], ["SSLKEYLOGFILE"], None)
    assert (said["done"], said["dumpable"], said["cores"]) == (True, 0, [0, 0])
    assert isinstance(said["limit"], int)
    assert said["backend"] == "a.b.C", "the doctor names it"
    # What of /proc/self the desk itself looks at still works.
    assert said["listing"] > 2
    assert said["input"]
    assert msgspec.json.decode(run(LOOK).stdout)["removed"] == []


NOBODY = """
import os, subprocess, sys
import tui.hardening, tui.fault_words, tui.desk.inert
if {hardened}:
    tui.hardening.harden()
os.setgid(65534); os.setuid(65534)
import ctypes
ctypes.CDLL(None).prctl(4, 0 if {hardened} else 1, 0, 0, 0)
looked = subprocess.run(["cat", f"/proc/{{os.getpid()}}/environ"], capture_output=True)
print(looked.returncode, b"CANARY" in looked.stdout)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="becoming an unprivileged user needs root on Linux"
)
def test_another_process_of_the_same_user_sees_neither_memory_nor_environment() -> None:
    environment = {"SOMETHING": CANARY}
    assert run(NOBODY.format(hardened=False), environment=environment).stdout.split() == ["0", "True"]
    assert run(NOBODY.format(hardened=True), environment=environment).stdout.split() == ["1", "False"]


FAILING = """
import sys, threading
from tui.hardening import harden, show_errors_plainly
from tui.redaction import Redactor
from venues.secret import Secret
harden()
redactor = Redactor()
redactor.learn(Secret({canary!r}))
show_errors_plainly(redactor.clean)

class Untidy:
    def __del__(self):
        raise KeyError("tidying " + self.held)

def fail(secret):
    local = "a local " + secret
    raise ValueError(f"bad \\x1b[31m key {{secret}}")

thread = threading.Thread(target=fail, args=({canary!r},), name="engine")
thread.start()
thread.join()
untidy = Untidy()
untidy.held = {canary!r}
del untidy
fail({canary!r})
"""


def test_an_error_that_nobody_caught_is_printed_without_values_wherever_it_was() -> None:
    result = run(FAILING.format(canary=CANARY))
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert "pitside: in engine: ValueError: bad \ufffd[31m key ***" in lines
    assert "pitside: while something was tidied up: KeyError: 'tidying ***'" in lines
    assert "pitside: ValueError: bad \ufffd[31m key ***" in lines
    assert any(line.endswith(" in fail") for line in lines)
    assert CANARY not in result.stderr
    assert "\x1b" not in result.stderr
    assert "a local" not in result.stderr
    assert "Traceback" not in result.stderr


def test_without_it_python_would_show_the_key() -> None:
    assert CANARY in run(f"raise ValueError({CANARY!r})").stderr


def test_an_interruption_is_one_line_and_a_closed_terminal_no_error() -> None:
    start = "from tui.hardening import harden; harden()\n"
    assert run(start + "raise KeyboardInterrupt").stderr == "pitside: interrupted\n"
    assert run(start + "import sys; sys.stderr.close(); raise ValueError").returncode == 1


def test_the_entry_point_is_hardened_before_anything_else_is_imported() -> None:
    code = (
        "import sys, tui.__main__ as start\n"
        "print('tui.cli' in sys.modules)\n"
        "sys.argv = ['pitside', '--version']\n"
        "try:\n    start.main()\nexcept SystemExit as leaving:\n    print(leaving.code)\n"
        "import os, resource; print(os.environ.get('SSLKEYLOGFILE'), resource.getrlimit(resource.RLIMIT_CORE))\n"
    )
    result = run(code, environment={"SSLKEYLOGFILE": "keys.log"})
    lines = result.stdout.splitlines()
    assert lines[0] == "False"
    assert lines[-2:] == ["0", "None (0, 0)"]
