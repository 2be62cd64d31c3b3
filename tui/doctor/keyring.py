"""Where the API keys are, and whether they can be had. Nobody is asked for a password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from tui.desk.key_entries import KeyEntry, KeyName, KeyringCode, KeyringFault, KeyringState
from tui.doctor.findings import Finding, Severity, Topic, note, ok, warning

_MOST_NAMED = 12


class Keys(Protocol):
    """What of the vault is needed: see `tui.desk.vault.Vault`."""

    def names(self) -> list[KeyName]: ...

    def state(self) -> KeyringState: ...

    def read(self, names: Sequence[KeyName]) -> Mapping[KeyName, KeyEntry]: ...


class KeyringReport(NamedTuple):
    """What was found, and the keys that could be read without a password, by venue."""

    findings: list[Finding]
    keys: Mapping[str, KeyEntry]


def check_keyring(vault: Keys, account: str) -> KeyringReport:
    """Says how the keyring is and whose keys are in it; reads those of `account` where it is open."""
    try:
        names = vault.names()
    except KeyringFault as error:
        return KeyringReport([_judged(error.state, has_keys=True)], {})
    state = vault.state()
    found = [_judged(state, has_keys=bool(names)), _counted(names)]
    wanted = [name for name in names if name.account == account]
    if not wanted or not state.is_open:
        return KeyringReport(found, {})
    try:
        entries = vault.read(wanted)
    except KeyringFault as error:
        return KeyringReport([*found, _judged(error.state, has_keys=True)], {})
    for name in wanted:
        if name not in entries:
            words = f"the key of {name} is listed, and is not in the keyring"
            found.append(Finding(Topic.KEYRING, Severity.FAULT, words, f"pitside keys add {_arguments(name)}"))
    return KeyringReport(found, {name.venue: entry for name, entry in entries.items()})


def check_index(path: Path) -> list[Finding]:
    """Says whether the list of stored keys can be read: one that can not be counts as empty."""
    try:
        msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError):
        words = f"{path}, the list of stored keys, can not be read: keys may be there that no desk finds"
        return [
            warning(Topic.KEYRING, words, "pitside keys add VENUE   stores a key again, and writes the list anew")
        ]
    return []


def _judged(state: KeyringState, *, has_keys: bool) -> Finding:
    """Says how bad a state is: without a key nothing is lost yet, with a password it can be used."""
    if state.is_open:
        severity = Severity.OK
    elif state.needs_password or state.code is KeyringCode.LOCKED:
        severity = Severity.NOTE
    else:
        severity = Severity.FAULT if has_keys else Severity.WARNING
    remedy = state.remedy
    if state.needs_password:
        remedy = f"{remedy}; not asked for here, but by a desk that needs a key and by `pitside keys`"
    return Finding(Topic.KEYRING, severity, state.words, remedy)


def _counted(names: Sequence[KeyName]) -> Finding:
    if not names:
        words = "no key is stored: a real venue can be watched and practised on, not traded"
        return note(Topic.KEYRING, words, "pitside keys add VENUE   asks for one; --practice needs none")
    listed = ", ".join(str(name) for name in sorted(names)[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    count = "1 key is" if len(names) == 1 else f"{len(names)} keys are"
    return ok(Topic.KEYRING, f"{count} stored: {listed}{more}")


def _arguments(name: KeyName) -> str:
    return name.venue if name.account == "main" else f"{name.venue} --account {name.account}"
