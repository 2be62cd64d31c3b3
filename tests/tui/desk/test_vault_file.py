"""The encrypted file: what was stored is read back by a new process, and nothing that goes wrong costs a key."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.tui.desk.vault_rig import MAIN, PASSWORD, SECOND, WRONG, entry, environment_at
from tui.desk.credentials import KeyFile
from tui.desk.key_codec import decode_entry, encode_entry
from tui.desk.key_entries import KeyName, KeyringCode, KeyringFault, KeyStore
from tui.desk.key_file import serve_file
from tui.desk.vault import Vault
from tui.desk.vault_wire import Line, Request, Verb
from venues.secret import Secret


class Cheap(KeyFile):
    """The real one with the least argon2: the tests would take a minute."""

    time_cost = 1
    memory_cost = 16
    parallelism = 1


def ask(
    folder: Path, verb: Verb, *names: KeyName, value: str = "", password: Secret | None = PASSWORD
) -> tuple[Line, int]:
    """Carries a request out in this process, and returns how often argon2 was run besides."""
    derived: dict[bytes, bytes] = {}
    request = Request(
        parent=os.getpid(),
        store=KeyStore.FILE,
        folder=str(folder),
        scratch="",
        verb=verb,
        names=names,
        value=value,
        password=password.reveal() if password is not None else None,
        until=time.monotonic() + 5,
    )
    text = password.reveal() if password is not None else ""
    return serve_file(request, lambda path: Cheap(path, text, derived)), len(derived)


def write(folder: Path, name: KeyName = MAIN, key: str = "CANARY-KEY-1") -> None:
    ask(folder, Verb.WRITE, name, value=encode_entry(entry(name, key)))


def code_of(folder: Path, password: Secret | None = PASSWORD) -> KeyringCode:
    try:
        state = ask(folder, Verb.STATE, password=password)[0].state
    except KeyringFault as fault:
        state = fault.state
    assert state is not None
    return state.code


def test_the_whole_life_of_a_key_over_processes(tmp_path: Path) -> None:
    """By the vault's real children, with the real cost of argon2."""
    folder = tmp_path / "keys"
    vault = Vault(folder, store=KeyStore.FILE, environment=environment_at(tmp_path))
    absent = vault.state()
    assert (absent.code, absent.needs_password, absent.creates) == (KeyringCode.FILE_ABSENT, True, True)
    vault.write(entry(), PASSWORD)
    locked = vault.state()
    assert (locked.code, locked.needs_password, locked.creates) == (KeyringCode.FILE_LOCKED, True, False)
    assert vault.read([MAIN, SECOND], PASSWORD) == {MAIN: entry()}
    vault.write(entry(key="ROTATED"), PASSWORD)
    assert vault.read(vault.names(), PASSWORD) == {MAIN: entry(key="ROTATED")}
    denied = vault.state(WRONG)
    assert (denied.code, denied.needs_password) == (KeyringCode.FILE_DENIED, True)
    assert vault.remove(MAIN, PASSWORD)
    assert vault.names() == []
    assert sorted(path.name for path in folder.iterdir()) == ["keys.crypt", "keys.json", "keys.lock"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_two_that_write_at_once_both_keep_their_key(tmp_path: Path) -> None:
    vaults = [Vault(tmp_path, store=KeyStore.FILE, environment=environment_at(tmp_path)) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda vault, name: vault.write(entry(name), PASSWORD), vaults, (MAIN, SECOND)))
    assert vaults[0].names() == [MAIN, SECOND]
    assert vaults[1].read([MAIN, SECOND], PASSWORD) == {MAIN: entry(MAIN), SECOND: entry(SECOND)}


def test_a_full_disk_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (600, 600))  # bytes of any file

    popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen
    vault = Vault(
        folder, store=KeyStore.FILE, environment=environment_at(tmp_path), start=partial(popen, preexec_fn=limit)
    )
    with pytest.raises(KeyringFault, match="the disk is full") as caught:
        vault.write(entry(), PASSWORD)
    assert "free some space" in caught.value.state.remedy
    assert vault.names() == []
    assert sorted(path.name for path in folder.iterdir()) == ["keys.json", "keys.lock"]


def test_a_failure_at_any_step_of_writing_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    before = (tmp_path / "keys.crypt").read_bytes()

    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    breakages: list[Callable[[pytest.MonkeyPatch], None]] = [
        lambda patch: patch.setattr(Path, "replace", fail),
        lambda patch: patch.setattr(os, "fsync", fail),
        lambda patch: patch.setattr(Cheap, "set_password", fail),
    ]
    for breakage in breakages:
        with monkeypatch.context() as patch:
            breakage(patch)
            with pytest.raises(KeyringFault, match="the disk is full"):
                write(tmp_path, SECOND)
        assert (tmp_path / "keys.crypt").read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["keys.crypt"]


def test_argon2_runs_once_whatever_is_asked(tmp_path: Path) -> None:
    text = encode_entry(entry())
    assert [
        ask(tmp_path, Verb.WRITE, MAIN, value=text)[1],
        ask(tmp_path, Verb.WRITE, SECOND, value=text)[1],
        ask(tmp_path, Verb.READ, MAIN, SECOND)[1],
        ask(tmp_path, Verb.STATE)[1],
        ask(tmp_path, Verb.REMOVE, MAIN)[1],
    ] == [1, 1, 1, 1, 1]


def test_several_accounts_of_a_venue_are_kept_apart(tmp_path: Path) -> None:
    write(tmp_path, MAIN, "ONE")
    write(tmp_path, SECOND, "TWO")
    line, _ = ask(tmp_path, Verb.READ, SECOND, MAIN)
    keys = [decode_entry(stored.name, stored.value).credentials.key.reveal() for stored in line.values]
    assert keys == ["TWO", "ONE"]
    assert ask(tmp_path, Verb.REMOVE, MAIN)[0].was_there
    assert not ask(tmp_path, Verb.REMOVE, MAIN)[0].was_there
    assert ask(tmp_path, Verb.READ, MAIN, SECOND)[0].listed == (SECOND,)


def test_nothing_of_a_key_is_in_the_file_in_clear(tmp_path: Path) -> None:
    write(tmp_path)
    contents = (tmp_path / "keys.crypt").read_text()
    assert "CANARY" not in contents
    assert "coinex" not in contents
    before = contents
    write(tmp_path)
    assert (tmp_path / "keys.crypt").read_text() != before  # the nonce is another


def test_the_library_itself_reads_the_file(tmp_path: Path) -> None:
    """Whoever has the password is not bound to pitside."""
    from keyrings.cryptfile.cryptfile import CryptFileKeyring

    write(tmp_path)
    plain = CryptFileKeyring()
    plain.file_path = str(tmp_path / "keys.crypt")
    plain.time_cost, plain.memory_cost, plain.parallelism = Cheap.time_cost, Cheap.memory_cost, Cheap.parallelism
    plain.keyring_key = PASSWORD.reveal()
    assert "CANARY-KEY-1" in str(plain.get_password("pitside", "keys"))


def test_a_wrong_password_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    before = (tmp_path / "keys.crypt").read_bytes()
    for verb, names in ((Verb.STATE, ()), (Verb.READ, (MAIN,)), (Verb.WRITE, (MAIN,)), (Verb.REMOVE, (MAIN,))):
        with pytest.raises(KeyringFault) as caught:
            ask(tmp_path, verb, *names, value="{}", password=WRONG)
        assert caught.value.state.code is KeyringCode.FILE_DENIED
    assert (tmp_path / "keys.crypt").read_bytes() == before


@pytest.mark.parametrize("password", [None, Secret(""), Secret("  ")])
def test_without_a_password_it_is_locked_or_absent(tmp_path: Path, password: Secret | None) -> None:
    assert code_of(tmp_path, password) is KeyringCode.FILE_ABSENT
    write(tmp_path)
    assert code_of(tmp_path, password) is KeyringCode.FILE_LOCKED


def test_a_password_makes_the_file(tmp_path: Path) -> None:
    assert code_of(tmp_path) is KeyringCode.FILE_OPEN
    assert code_of(tmp_path, WRONG) is KeyringCode.FILE_DENIED


@pytest.mark.parametrize(
    "damage",
    [
        lambda contents: b"",
        lambda contents: b"\xff\x00" * 100,
        lambda contents: contents[: len(contents) // 2],
        lambda contents: contents.replace(b"[pitside]", b"[other]"),
        lambda contents: contents.replace(b"password_20reference", b"password_20other"),
        lambda contents: contents.replace(b"AES128.GCM", b"AES128.XYZ"),
        lambda contents: contents.replace(b"keys = \n", b"keys = \nAAAA"),
        lambda contents: contents + b"[pitside]\n",
        lambda contents: contents + b"#" * 5_000_000,
    ],
)
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    write(tmp_path)
    path = tmp_path / "keys.crypt"
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(KeyringFault) as caught:
        ask(tmp_path, Verb.WRITE, SECOND, value="{}")
    assert caught.value.state.code is KeyringCode.FILE_BROKEN
    assert str(path) in caught.value.state.words
    assert path.read_bytes() == damaged


def test_a_file_whose_ciphertext_was_changed_does_not_open(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "keys.crypt"
    path.write_bytes(path.read_bytes().replace(b"version = 1.3.9", b"version = 1.3.7"))
    assert code_of(tmp_path) is KeyringCode.FILE_DENIED


def test_a_file_that_others_may_write_to_or_a_link_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "keys.crypt"
    path.chmod(0o666)
    assert code_of(tmp_path) is KeyringCode.FILE_BROKEN
    path.chmod(0o600)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert code_of(tmp_path) is KeyringCode.FILE_BROKEN
    assert code_of(tmp_path, None) is KeyringCode.FILE_BROKEN


def test_what_a_kill_left_beside_the_file_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "keys.crypt.new").write_bytes(b"half")
    write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["keys.crypt"]
