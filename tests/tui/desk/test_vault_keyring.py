"""The vault over a real gnome-keyring: on a bus of its own for the moment, and on a session's."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection
from secretstorage import Collection

from tests.tui.desk.vault_rig import (
    MAIN,
    PASSWORD,
    PROGRAMS,
    SECOND,
    WRONG,
    entry,
    environment_at,
    eventually,
    lock,
    needs_daemons,
    processes_with,
    session_bus,
)
from tui.desk.key_entries import KeyringCode, KeyringFault, KeyStore
from tui.desk.vault import Vault
from venues.secret import Secret

pytestmark = needs_daemons


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return environment_at(tmp_path)


@pytest.fixture
def address(environment: dict[str, str]) -> Iterator[str]:
    with session_bus(environment) as address:
        environment["DBUS_SESSION_BUS_ADDRESS"] = address
        yield address


def fault_of(vault: Vault, password: Secret | None = None) -> KeyringCode:
    with pytest.raises(KeyringFault) as caught:
        vault.read([MAIN], password)
    return caught.value.state.code


def test_the_whole_life_of_a_key_without_a_session_bus(tmp_path: Path, environment: dict[str, str]) -> None:
    vault = Vault(tmp_path / "keys", environment=environment)
    absent = vault.state()
    assert (absent.code, absent.needs_password, absent.creates) == (KeyringCode.NO_BUS, True, True)
    vault.write(entry(), PASSWORD)
    there = vault.state()
    assert (there.code, there.needs_password, there.creates) == (KeyringCode.NO_BUS, True, False)
    assert vault.read([MAIN, SECOND], PASSWORD) == {MAIN: entry()}
    vault.write(entry(key="ROTATED"), PASSWORD)
    vault.write(entry(SECOND), PASSWORD)
    assert vault.read(vault.names(), PASSWORD) == {MAIN: entry(key="ROTATED"), SECOND: entry(SECOND)}
    assert vault.state(WRONG).code is KeyringCode.DENIED
    assert vault.state(PASSWORD).code is KeyringCode.READY
    assert vault.remove(MAIN, PASSWORD)
    assert not vault.remove(MAIN, PASSWORD)
    assert vault.names() == [SECOND]
    assert fault_of(vault) is KeyringCode.NO_BUS
    kept = tmp_path / ".local/share/keyrings/login.keyring"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"CANARY" not in kept.read_bytes()
    assert eventually(lambda: not processes_with(str(tmp_path)))


def test_nothing_secret_is_in_the_arguments_or_environment_of_what_is_started(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).write_text(
            f'#!/bin/sh\n{{ echo "$0 $*"; env; }} >> \'{tmp_path}/seen\'\nexec {shutil.which(name)} "$@"\n'
        )
        (programs / name).chmod(0o700)
    long = tmp_path / ("x" * 120)  # no socket's path can be as long
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    environment["DISPLAY"] = ":77"
    Vault(tmp_path / "keys", environment=environment).write(entry(), Secret("CANARY-PASSWORD"))
    seen = (tmp_path / "seen").read_text()
    assert [name for name in PROGRAMS if f"programs/{name}" in seen] == list(PROGRAMS)
    assert "CANARY" not in seen
    assert "DISPLAY" not in seen
    [scratch] = re.findall(r"--control-directory=(\S+)", seen)
    assert not Path(scratch).exists()
    assert not list(long.iterdir())


def test_a_stale_address_is_told_and_a_password_still_opens(tmp_path: Path, environment: dict[str, str]) -> None:
    with session_bus(environment) as gone:
        environment["DBUS_SESSION_BUS_ADDRESS"] = gone
    vault = Vault(tmp_path / "keys", environment=environment)
    assert vault.state().code is KeyringCode.STALE_BUS
    vault.write(entry(), PASSWORD)
    assert vault.read([MAIN], PASSWORD) == {MAIN: entry()}
    environment["DBUS_SESSION_BUS_ADDRESS"] = "tcp:host=nowhere;autolaunch:;nonsense"
    assert vault.state().code is KeyringCode.STALE_BUS
    del environment["DBUS_SESSION_BUS_ADDRESS"]
    environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.SecretService.Keyring"
    forced = vault.state()
    assert (forced.code, forced.needs_password) == (KeyringCode.FORCED_WITHOUT_BUS, True)
    assert vault.read([MAIN], PASSWORD) == {MAIN: entry()}


def test_the_whole_life_of_a_key_on_a_session_bus(
    tmp_path: Path, environment: dict[str, str], address: str
) -> None:
    vault = Vault(tmp_path / "keys", environment=environment)
    absent = vault.state()
    assert (absent.code, absent.needs_password, absent.creates) == (KeyringCode.NO_COLLECTION, True, True)
    assert fault_of(vault, Secret("")) is KeyringCode.NO_COLLECTION  # it would not be encrypted
    vault.write(entry(), PASSWORD)
    assert vault.state().code is KeyringCode.READY
    assert vault.read([MAIN]) == {MAIN: entry()}
    lock(address)
    assert vault.state().code is KeyringCode.LOCKED
    assert fault_of(vault) is KeyringCode.LOCKED
    assert vault.state(WRONG).code is KeyringCode.DENIED
    assert vault.state().code is KeyringCode.LOCKED
    assert vault.read([MAIN], PASSWORD) == {MAIN: entry()}
    vault.write(entry(key="ROTATED"))
    assert vault.read([MAIN]) == {MAIN: entry(key="ROTATED")}
    assert vault.remove(MAIN)
    assert vault.read([MAIN]) == {}


def test_a_prompt_that_nobody_answers_ends_at_the_deadline(
    tmp_path: Path, environment: dict[str, str], address: str
) -> None:
    vault = Vault(tmp_path / "keys", environment=environment)
    vault.write(entry(), PASSWORD)
    lock(address)
    hasty = Vault(tmp_path / "keys", environment=environment, deadline=3.0)
    with open_dbus_connection(address) as prompter:
        assert Proxy(message_bus, prompter).RequestName("org.gnome.keyring.SystemPrompter") == (1,)
        assert hasty.state().code is KeyringCode.LOCKED  # asking how it is brings nothing up
        began = time.monotonic()
        with pytest.raises(KeyringFault) as caught:
            hasty.read([MAIN])
        assert time.monotonic() - began < 5
        state = caught.value.state
        assert (state.code, state.needs_password) == (KeyringCode.UNANSWERED_PROMPT, True)
        assert "another screen" in state.words
        assert hasty.read([MAIN], PASSWORD) == {MAIN: entry()}


def test_a_prompter_that_can_not_show_anything_leaves_it_locked(
    tmp_path: Path, environment: dict[str, str], address: str
) -> None:
    Vault(tmp_path / "keys", environment=environment).write(entry(), PASSWORD)
    lock(address)
    state = fault_of(Vault(tmp_path / "keys", environment={**environment, "DISPLAY": ":77"}))
    assert state is KeyringCode.LOCKED


def test_names_are_found_again_when_the_list_is_lost(
    tmp_path: Path, environment: dict[str, str], address: str
) -> None:
    vault = Vault(tmp_path / "keys", environment=environment)
    vault.write(entry(), PASSWORD)
    vault.write(entry(SECOND))
    (tmp_path / "keys" / "keys.json").write_text("{")
    assert vault.names() == []
    assert vault.state().code is KeyringCode.READY
    assert vault.names() == [MAIN, SECOND]
    assert Vault(tmp_path / "keys", store=KeyStore.FILE).names() == []


def test_keys_go_where_the_default_is_even_when_that_is_not_login(
    tmp_path: Path, environment: dict[str, str], address: str
) -> None:
    vault = Vault(tmp_path / "keys", environment=environment)
    vault.write(entry(), PASSWORD)
    make_default(address, "other", b"another password")
    assert vault.read([MAIN]) == {}
    lock(address, "other")
    locked = vault.state()
    assert locked.code is KeyringCode.LOCKED
    assert "'other'" in locked.words
    assert vault.state(PASSWORD).code is KeyringCode.DENIED
    vault.write(entry(key="THERE"), Secret("another password"))
    assert vault.read([MAIN]) == {MAIN: entry(key="THERE")}


def make_default(address: str, label: str, password: bytes) -> None:
    from jeepney import DBusAddress, new_method_call
    from jeepney.wrappers import unwrap_msg
    from secretstorage.util import format_secret, open_session

    path = "/org/freedesktop/secrets"
    with open_dbus_connection(address) as connection:
        secret = format_secret(open_session(connection), password, "text/plain")
        for interface, method, signature, body in (
            (
                "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
                "CreateWithMasterPassword",
                "a{sv}(oayays)",
                ({"org.freedesktop.Secret.Collection.Label": ("s", label)}, secret),
            ),
            ("org.freedesktop.Secret.Service", "SetAlias", "so", ("default", f"{path}/collection/{label}")),
        ):
            target = DBusAddress(path, bus_name="org.freedesktop.secrets", interface=interface)
            unwrap_msg(connection.send_and_get_reply(new_method_call(target, method, signature, body)))
        assert not Collection(connection, f"{path}/collection/{label}").is_locked()


def test_a_session_bus_without_a_secret_service_has_no_daemon(tmp_path: Path, environment: dict[str, str]) -> None:
    configuration = tmp_path / "bus.conf"
    configuration.write_text(
        "<busconfig><type>session</type><listen>unix:abstract=unused</listen><policy context='default'>"
        "<allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/></policy></busconfig>"
    )
    with session_bus(environment, configuration=str(configuration)) as address:
        environment["DBUS_SESSION_BUS_ADDRESS"] = address
        state = Vault(tmp_path / "keys", environment=environment).state(PASSWORD)
    assert state.code is KeyringCode.NO_DAEMON
    assert "apt install gnome-keyring dbus" in state.remedy


def test_the_bus_at_the_users_own_place_is_found_when_the_environment_is_silent_or_stale(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as runtime:
        environment["XDG_RUNTIME_DIR"] = runtime
        with session_bus(environment, listen=f"unix:path={runtime}/bus"):
            vault = Vault(tmp_path / "keys", environment=environment)
            assert vault.state(PASSWORD).code is KeyringCode.READY
            environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={tmp_path}/gone"
            assert vault.state().code is KeyringCode.READY
        assert vault.state().code is KeyringCode.STALE_BUS


def test_a_daemon_that_hangs_is_no_answer_within_the_deadline(
    tmp_path: Path, environment: dict[str, str], address: str
) -> None:
    vault = Vault(tmp_path / "keys", environment=environment)
    vault.write(entry(), PASSWORD)
    with open_dbus_connection(address) as connection:
        bus = Proxy(message_bus, connection)
        [daemon] = bus.GetConnectionUnixProcessID("org.freedesktop.secrets")
    os.kill(daemon, signal.SIGSTOP)
    try:
        began = time.monotonic()
        state = Vault(tmp_path / "keys", environment=environment, deadline=1.5).state()
        assert time.monotonic() - began < 5
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert state.code is KeyringCode.NO_ANSWER
    assert vault.read([MAIN]) == {MAIN: entry()}


def test_two_daemons_over_one_file_lose_no_key(tmp_path: Path, environment: dict[str, str], address: str) -> None:
    """gnome-keyring lists what another has written to its file, and hands it out once it is started anew."""
    there = Vault(tmp_path / "keys", environment=environment)
    there.write(entry(), PASSWORD)
    here = Vault(tmp_path / "keys", environment={**environment, "DBUS_SESSION_BUS_ADDRESS": ""})
    here.write(entry(SECOND), PASSWORD)
    assert there.state().code is KeyringCode.READY
    assert there.read([MAIN]) == {MAIN: entry()}
    with pytest.raises(KeyringFault, match="another one has written"):
        there.read([SECOND])
    there.write(entry(key="ROTATED"))
    assert there.names() == [MAIN, SECOND]
    assert here.read([MAIN, SECOND], PASSWORD) == {MAIN: entry(key="ROTATED"), SECOND: entry(SECOND)}
