"""Which backends are used: those of the list, by their class; a plaintext one that is really there is refused."""

from __future__ import annotations

import platform
from pathlib import Path

import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.macOS
import keyring.backends.null
import keyring.backends.SecretService
import pytest
from keyring.backend import KeyringBackend
from keyrings.cryptfile.file import PlaintextKeyring

from tests.tui.desk.vault_rig import MAIN, PASSWORD, SECOND, entry, environment_at
from tui.desk.credentials import TRUSTED, allowed, refusal, serve
from tui.desk.key_entries import KeyName, KeyringCode, KeyringFault, KeyStore
from tui.desk.vault import Vault
from tui.desk.vault_wire import Line, Request, Stored, Verb

PLAINTEXT = """
from pathlib import Path
from keyring.backend import KeyringBackend

class {name}(KeyringBackend):
    priority = 9

    def get_password(self, service, username):
        return None

    def set_password(self, service, username, password):
        Path({stolen!r}).write_text(password)
"""


def installed(folder: Path, name: str = "PlaintextKeyring") -> dict[str, str]:
    """Installs a package with a backend as pip would, and returns an environment that has it, and no daemon."""
    package = folder / "site" / "keyrings" / "alt"
    package.mkdir(parents=True)
    (package / "file.py").write_text(PLAINTEXT.format(name=name, stolen=str(folder / "stolen")))
    metadata = folder / "site" / "keyrings.alt-5.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: keyrings.alt\nVersion: 5.0\n")
    (metadata / "entry_points.txt").write_text("[keyring.backends]\nfile = keyrings.alt.file\n")
    return environment_at(folder, PATH=str(folder / "empty"), PYTHONPATH=str(folder / "site"))


def test_a_plaintext_backend_that_is_installed_is_refused_by_name(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys", environment=installed(tmp_path))
    state = vault.state()
    assert state.code is KeyringCode.PLAINTEXT_ONLY
    assert "keyrings.alt.file.PlaintextKeyring" in state.words
    assert "apt install gnome-keyring dbus" in state.remedy
    assert 'store = "file"' in state.remedy
    with pytest.raises(KeyringFault) as caught:
        vault.write(entry(), PASSWORD)
    assert caught.value.state == state
    assert not (tmp_path / "stolen").exists()
    assert vault.names() == []


def test_another_backend_that_is_installed_is_refused_by_name(tmp_path: Path) -> None:
    state = Vault(tmp_path / "keys", environment=installed(tmp_path, "Wonderful")).state()
    assert state.code is KeyringCode.REFUSED_BACKEND
    assert "keyrings.alt.file.Wonderful" in state.words


@pytest.mark.parametrize(
    ("backend", "code"),
    [
        ("keyrings.alt.file.PlaintextKeyring", KeyringCode.PLAINTEXT_ONLY),
        ("keyring.backends.null.Keyring", KeyringCode.REFUSED_BACKEND),
        ("keyring.backends.SecretService.Keyring", KeyringCode.FORCED_WITHOUT_BUS),
    ],
)
def test_what_the_environment_asks_for_is_named_and_not_used(
    tmp_path: Path, backend: str, code: KeyringCode
) -> None:
    environment = environment_at(tmp_path, PATH="/nowhere", PYTHON_KEYRING_BACKEND=backend)
    state = Vault(tmp_path / "keys", environment=environment).state()
    assert state.code is code
    assert backend in state.words
    assert not state.needs_password


def test_what_keyrings_own_file_asks_for_is_named_and_not_used(tmp_path: Path) -> None:
    settings = tmp_path / "config" / "python_keyring" / "keyringrc.cfg"
    settings.parent.mkdir(parents=True)
    settings.write_text("[backend]\ndefault-keyring = keyrings.alt.file.PlaintextKeyring\n")
    environment = environment_at(tmp_path, PATH="/nowhere", XDG_CONFIG_HOME=str(tmp_path / "config"))
    state = Vault(tmp_path / "keys", environment=environment).state()
    assert state.code is KeyringCode.PLAINTEXT_ONLY
    settings.write_bytes(b"\xff[backend")
    assert Vault(tmp_path / "keys", environment=environment).state().code is KeyringCode.NO_DAEMON


class Keyring(keyring.backends.SecretService.Keyring):
    """One that is derived of a trusted class, and bears its name."""


Keyring.__module__ = "keyring.backends.SecretService"


@pytest.mark.parametrize(
    "kind",
    [
        PlaintextKeyring,
        keyring.backends.chainer.ChainerBackend,
        keyring.backends.fail.Keyring,
        keyring.backends.null.Keyring,
        Keyring,
    ],
)
def test_no_other_class_is_allowed(kind: type[KeyringBackend]) -> None:
    with pytest.raises(KeyringFault) as caught:
        allowed(kind())
    assert kind.__module__ in str(caught.value)
    assert caught.value.state.code in {KeyringCode.PLAINTEXT_ONLY, KeyringCode.REFUSED_BACKEND}


def test_the_trusted_class_is_allowed() -> None:
    kind: type[KeyringBackend] = keyring.backends.SecretService.Keyring
    trusted = kind()
    assert allowed(trusted) is trusted
    assert len(TRUSTED) == 5


def test_of_many_the_plaintext_one_is_named() -> None:
    assert refusal([]) is None
    state = refusal(["a.Vault", "keyrings.alt.file.PlaintextKeyring", "b.Other"])
    assert state is not None
    assert "PlaintextKeyring" in state.words


class Keychain:
    """macOS's Security framework, as keyring calls it."""

    class Error(Exception):
        pass

    class NotFound(Error):
        pass

    class KeychainDenied(Error):
        pass

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def _open(self) -> None:
        if self.is_locked:
            raise self.Error(-25308, "Unknown Error")

    def find_generic_password(self, _keychain: None, service: str, username: str) -> str:
        self._open()
        if (service, username) not in self.items:
            raise self.NotFound(-25300, "Item not found")
        return self.items[service, username]

    def set_generic_password(self, _keychain: None, service: str, username: str, password: str) -> None:
        self._open()
        self.items[service, username] = password

    def delete_generic_password(self, _keychain: None, service: str, username: str) -> None:
        self._open()
        del self.items[service, username]


def test_on_macos_the_keychain_is_used_and_a_locked_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """keyring's own class for macOS, above a stand-in for the system's framework."""
    keychain = Keychain()
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(keyring.backends.macOS, "api", keychain, raising=False)
    monkeypatch.setattr(keyring.backends.macOS.Keyring, "keychain", None)
    lines: list[Line] = []

    def ask(verb: Verb, *names: KeyName, value: str = "") -> Line:
        request = Request(
            parent=0, store=KeyStore.KEYRING, folder="", scratch="", verb=verb, names=names, value=value, until=0.0
        )
        line = serve(request, lines.append)
        assert line.state is not None
        assert line.listed is None
        return line

    def code(line: Line) -> KeyringCode:
        assert line.state is not None
        return line.state.code

    assert code(ask(Verb.STATE)) is KeyringCode.READY
    assert code(ask(Verb.WRITE, MAIN, value="{}")) is KeyringCode.READY
    assert keychain.items == {("pitside/coinex", "main"): "{}"}
    assert ask(Verb.READ, MAIN, SECOND).values == (Stored(MAIN, "{}"),)
    keychain.is_locked = True
    for verb in Verb:
        state = ask(verb, MAIN, value="{}").state
        assert state is not None
        assert state.code is KeyringCode.LOCKED
        assert "security unlock-keychain" in state.remedy
    keychain.is_locked = False
    assert ask(Verb.REMOVE, MAIN).was_there
    assert not ask(Verb.REMOVE, MAIN).was_there
    assert all(line.is_asking for line in lines)  # any call may have the system ask


def test_only_one_module_imports_keyring(project_root: Path) -> None:
    found = {
        path.name
        for folder in ("tui", "venues")
        for path in (project_root / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if line.split()[:1] in (["import"], ["from"]) and line.split()[1].startswith(("keyring.", "keyrings."))
    }
    assert found == {"credentials.py"}
