"""Asks the installation's vault, as the program that a person runs: a list of requests and of answers in JSON.

    [{"do": "write", "store": "file", "password": "...", "venue": "coinex", "account": "main", "key": "...", ...}]

It is laid down where the person can read it, and stands alone: nothing of the tests is there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from tui.desk.key_entries import KeyEntry, KeyName, KeyringFault, KeyringState, KeyStore
from tui.desk.vault import Vault
from tui.paths import profile_paths
from venues.port import Credentials, Permissions
from venues.secret import Secret


def main() -> None:
    json.dump([answered(request) for request in json.load(sys.stdin)], sys.stdout)


def answered(request: dict[str, Any]) -> dict[str, Any]:
    vault = Vault(profile_paths().keys_dir, store=KeyStore(request.get("store", "keyring")))
    began, worked = time.monotonic(), processor_seconds()
    try:
        answer = asked(vault, request)
    except KeyringFault as fault:
        answer = {"fault": True, **as_plain(fault.state)}
    return {**answer, "seconds": time.monotonic() - began, "processor": processor_seconds() - worked}


def processor_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def asked(vault: Vault, request: dict[str, Any]) -> dict[str, Any]:
    word = request.get("password")
    password = None if word is None else Secret(word)
    if request["do"] == "state":
        return as_plain(vault.state(password))
    if request["do"] == "names":
        return {"names": [str(name) for name in vault.names()]}
    if request["do"] == "read":
        names = [KeyName(request["venue"], account) for account in request["accounts"]]
        return {"keys": {name.account: as_read(entry) for name, entry in vault.read(names, password).items()}}
    name = KeyName(request["venue"], request.get("account", "main"))
    if request["do"] == "remove":
        return {"removed": vault.remove(name, password)}
    entry = KeyEntry(
        name=name,
        credentials=Credentials(request["key"], request["secret"], request.get("passphrase", "")),
        permissions=Permissions(trade=True, withdraw=False),
        created_at=time.time_ns(),
    )
    vault.write(entry, password)
    return {}


def as_read(entry: KeyEntry) -> dict[str, Any]:
    kept = entry.credentials
    return {
        "key": kept.key.reveal(),
        "secret": kept.secret.reveal(),
        "passphrase": kept.passphrase.reveal(),
        "trade": entry.permissions.trade,
        "withdraw": entry.permissions.withdraw,
        "created_at": entry.created_at,
    }


def as_plain(state: KeyringState) -> dict[str, Any]:
    return {
        "code": state.code.value,
        "words": state.words,
        "remedy": state.remedy,
        "needs_password": state.needs_password,
        "creates": state.creates,
    }


if __name__ == "__main__":
    main()
