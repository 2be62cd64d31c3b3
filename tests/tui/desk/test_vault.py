"""The vault and its child process: whatever the child does, an answer comes in time, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from tests.tui.desk.vault_rig import MAIN, PASSWORD, PROGRAMS, SECOND, entry, environment_at, eventually, is_alive
from tui.desk.key_entries import KeyName, KeyringCode, KeyringFault, KeyringState, KeyStore
from tui.desk.vault import Vault
from tui.desk.vault_index import LockHeld, VaultIndex, vault_lock
from tui.desk.vault_wire import Line
from venues.secret import Secret

READY = KeyringState(code=KeyringCode.READY, words="it works")


def stubs(folder: Path, script: str) -> Path:
    """Makes programs that stand in for the daemons, and returns their folder; `$0` tells them apart."""
    programs = folder / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).write_text(f"#!/bin/sh\n{script.format(folder=folder)}\n")
        (programs / name).chmod(0o700)
    return programs


def vault(folder: Path, script: str, deadline: float = 20.0, more: Mapping[str, str] | None = None) -> Vault:
    """A vault whose child is a shell script. `deadline` in seconds."""
    environment = environment_at(folder, **(more or {}))
    return Vault(folder, deadline=deadline, environment=environment, command=("/bin/sh", "-c", script))


def answering(folder: Path, *lines: Line, then: str = "", deadline: float = 20.0) -> Vault:
    """A vault whose child reads what it is asked and answers with these lines."""
    answer = folder / "answer"
    answer.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return vault(folder, f"cat > '{folder}/request'; cat '{answer}'; {then}", deadline)


def test_a_child_that_never_answers_is_killed_with_all_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    began = time.monotonic()
    state = vault(tmp_path, f"trap '' TERM; sleep 1000 & echo $! $$ > '{pids}'; sleep 1000", 1.0).state()
    assert state.code is KeyringCode.NO_ANSWER
    assert "1 s" in state.words
    assert time.monotonic() - began < 5  # of a thousand
    started = [int(word) for word in pids.read_text().split()]
    assert len(started) == 2
    assert eventually(lambda: not any(map(is_alive, started)))


def test_a_child_that_was_asking_the_user_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(KeyringFault) as caught:
        answering(tmp_path, Line(is_asking=True), then="sleep 1000", deadline=1.0).read([MAIN])
    assert caught.value.state.code is KeyringCode.UNANSWERED_PROMPT


@pytest.mark.parametrize(
    "script",
    [
        "true",
        "exit 3",
        "kill -9 $$",
        "head -c 100000 /dev/zero",
        "echo '{\"state\": 5}'",
        "echo '[[[[[[[['",
        "echo '{\"is_asking\": true}'",
        "exec 0<&-; exec 1>&-; exit 0",
    ],
)
def test_a_child_that_answers_nonsense_or_dies_is_a_broken_keyring(tmp_path: Path, script: str) -> None:
    state = vault(tmp_path, script).state()
    assert state.code is KeyringCode.BROKEN
    assert state.remedy


def test_the_child_gets_no_backend_of_the_environment_and_stands_where_the_program_is(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    forced = {"PYTHON_KEYRING_BACKEND": "a.B", "KEYRING_PROPERTY_SCHEME": "KeePassXC", "PYTHONWARNINGS": "error"}
    vault(
        tmp_path, f"cat > '{seen}'.in; env > '{seen}'; pwd >> '{seen}'; ps -o sid= $$ >> '{seen}'", more=forced
    ).state()
    text = seen.read_text()
    assert "KEYRING" not in text
    assert "PYTHONWARNINGS" not in text
    assert (Path(text.splitlines()[-2]) / "tui" / "desk" / "credentials.py").is_file()
    assert int(text.splitlines()[-1]) != os.getsid(0)
    assert msgspec.json.decode(Path(f"{seen}.in").read_bytes())["forced"] == "a.B"


def test_a_password_goes_by_the_pipe_alone(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    vault(tmp_path, f"tr '\\0' ' ' < /proc/$$/cmdline > '{seen}'; env >> '{seen}'; cat > '{seen}'.in").state(
        PASSWORD
    )
    assert PASSWORD.reveal() in msgspec.json.decode(Path(f"{seen}.in").read_bytes())["password"]
    assert PASSWORD.reveal() not in seen.read_text()


def test_it_works_from_a_thread_that_blocks_all_signals(tmp_path: Path) -> None:
    states = []

    def ask() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        states.append(vault(tmp_path, "sleep 1000", 0.3).state())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(10)
    assert [state.code for state in states] == [KeyringCode.NO_ANSWER]


def test_what_a_real_child_starts_has_no_signal_blocked(tmp_path: Path) -> None:
    programs = stubs(tmp_path, "grep SigBlk /proc/self/status > '{folder}/mask'")
    states = []

    def ask() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
        environment = environment_at(tmp_path, PATH=f"{programs}:{os.environ['PATH']}")
        states.append(Vault(tmp_path / "keys", environment=environment).state(PASSWORD))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(10)
    assert [state.code for state in states] == [KeyringCode.BROKEN]
    assert "dbus-daemon did not come up" in states[0].words
    assert int((tmp_path / "mask").read_text().split()[1], 16) == 0


def test_names_are_those_that_the_child_lists(tmp_path: Path) -> None:
    made = answering(tmp_path, Line(state=READY, listed=(MAIN, SECOND)))
    assert made.names() == []
    assert made.state() == READY
    assert made.names() == [MAIN, SECOND]
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    # A name that is not listed may be that of a key which another process stores at this moment.
    made = answering(tmp_path, Line(state=READY, listed=(MAIN,)))
    assert made.state() == READY
    assert made.names() == [MAIN, SECOND]
    made.write(entry(MAIN))
    assert made.names() == [MAIN, SECOND]
    assert not made.remove(SECOND)
    assert made.names() == [MAIN]


def test_without_a_list_names_follow_what_was_written_and_removed(tmp_path: Path) -> None:
    made = answering(tmp_path, Line(state=READY))
    made.write(entry(SECOND))
    made.write(entry(MAIN))
    made.write(entry(MAIN))
    assert made.names() == [MAIN, SECOND]
    assert not made.remove(SECOND)
    assert made.names() == [MAIN]


def test_a_key_that_was_not_stored_is_in_no_list(tmp_path: Path) -> None:
    locked = KeyringState(code=KeyringCode.LOCKED, words="it is locked", remedy="unlock it")
    with pytest.raises(KeyringFault, match=r"it is locked. unlock it"):
        answering(tmp_path, Line(state=locked)).write(entry())
    assert VaultIndex(tmp_path).names(KeyStore.KEYRING) == []


def test_the_list_is_kept_for_each_store(tmp_path: Path) -> None:
    index = VaultIndex(tmp_path / "keys")
    index.put(KeyStore.KEYRING, [MAIN])
    index.put(KeyStore.FILE, [SECOND, SECOND])
    assert (index.names(KeyStore.KEYRING), index.names(KeyStore.FILE)) == ([MAIN], [SECOND])


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"keyring": [{"venue": 1}]}', b"\xff\xfe", b"[" * 5000])
def test_a_broken_list_is_set_aside_and_made_anew(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "keys.json").write_bytes(text)
    made = answering(tmp_path, Line(state=READY, listed=(MAIN,)))
    assert made.names() == []
    assert made.state() == READY
    assert made.names() == [MAIN]
    assert (tmp_path / "keys.json.broken").read_bytes() == text


def test_whoever_changes_keys_waits_for_another_that_does(tmp_path: Path) -> None:
    with vault_lock(tmp_path, until=0.0):
        began = time.monotonic()
        with pytest.raises(KeyringFault, match="another pitside") as caught:
            answering(tmp_path, Line(state=READY), deadline=0.5).write(entry())
        assert caught.value.state.code is KeyringCode.NO_ANSWER
        assert time.monotonic() - began >= 0.5
        assert answering(tmp_path, Line(state=READY)).read([MAIN]) == {}
        with pytest.raises(LockHeld), vault_lock(tmp_path, until=0.0):
            raise AssertionError("two have the lock")


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(KeyringFault, match="go-w"):
        answering(folder, Line(state=READY)).write(entry())


def test_a_password_that_is_no_text_is_not_sent(tmp_path: Path) -> None:
    state = answering(tmp_path, Line(state=READY)).state(Secret("caf\udce9"))
    assert state.code is KeyringCode.BROKEN
    assert "UTF-8" in state.words


def test_folders_that_a_killed_process_left_are_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        for name, age in (("pitside-bus-old", 3600), ("pitside-bus-new", 0), ("another", 3600)):
            (made := Path(folder, name)).mkdir()
            os.utime(made, (time.time() - age, time.time() - age))
        assert answering(tmp_path, Line(state=READY)).state(PASSWORD) == READY
        assert sorted(path.name for path in Path(folder).iterdir()) == ["another", "pitside-bus-new"]


def test_nothing_of_what_is_exchanged_shows_in_a_traceback() -> None:
    shown = repr(msgspec.json.decode(b'{"values": [[{"venue": "v", "account": "a"}, "CANARY"]]}', type=dict))
    assert "CANARY" in shown
    line = msgspec.json.decode(
        b'{"values": [{"name": {"venue": "v", "account": "a"}, "value": "CANARY"}]}', type=Line
    )
    assert line.values[0].name == KeyName("v", "a")
    assert "CANARY" not in repr(line) + repr(line.values) + str(line.values[0])


def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    """The parent is killed while its child waits for a keyring that does not come up, with a bus of its own."""
    listen = "case $0 in *dbus-daemon) echo unix:abstract=pitside-nobody-listens;; esac"
    programs = stubs(tmp_path, f"echo $$ >> '{{folder}}/pids'; {listen}; exec sleep 1000")
    program = (
        "import os, subprocess, sys\n"
        "from pathlib import Path\n"
        "from tui.desk.vault import Vault\n"
        "from venues.secret import Secret\n"
        "def start(*a, **k):\n"
        "    child = subprocess.Popen(*a, **k)\n"
        "    print(child.pid, flush=True)\n"
        "    return child\n"
        "Vault(Path(sys.argv[1]), deadline=60, start=start).state(Secret('x'))\n"
    )
    environment = environment_at(tmp_path, PATH=f"{programs}:{os.environ['PATH']}")
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "keys")], env=environment, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    with parent:
        child = int(parent.stdout.readline())
        pids = tmp_path / "pids"
        assert eventually(lambda: pids.exists() and len(pids.read_text().split()) == 2, 20)
        started = [child, *map(int, pids.read_text().split())]
        assert all(map(is_alive, started))
        parent.kill()
    assert eventually(lambda: not any(map(is_alive, started)))
