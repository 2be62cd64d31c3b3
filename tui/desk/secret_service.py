"""The Secret Service over D-Bus: finds the bus, says how the keyring is, and opens it. Linux only.

The keyring's own prompt is never meant to come up on our screen. gnome-keyring takes a password that we asked for,
by an interface of its own (gkd-secret-service.c in its source); of any other service, and where no password was
given, its prompt is asked for, if a display or a prompter is there to show it elsewhere.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from jeepney import DBusAddress, DBusErrorResponse, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, Proxy, open_dbus_connection
from jeepney.wrappers import unwrap_msg
from secretstorage import Collection, create_collection
from secretstorage.exceptions import (
    ItemNotFoundException,
    PromptDismissedException,
    SecretServiceNotAvailableException,
    SecretStorageException,
)
from secretstorage.util import add_match_rules, format_secret, open_session

from tui.desk import vault_words
from tui.desk.key_entries import KeyName, KeyringFault
from tui.desk.vault_wire import SERVICE_PREFIX

SERVICE = "org.freedesktop.secrets"
PATH = "/org/freedesktop/secrets"
LOGIN = f"{PATH}/collection/login"
_GNOME = "org.gnome.keyring"
_PROMPTER = "org.gnome.keyring.SystemPrompter"
_DENIED = "org.gnome.keyring.Error.Denied"
_MARGIN = 0.3  # seconds before the deadline, in which what was found is told
# What is raised besides D-Bus's own: jeepney's parsing of addresses is not strict.
CONNECTING = (OSError, ValueError, RuntimeError, StopIteration)


class Bus(NamedTuple):
    """A session bus that answers; no `address`: there is none. `stale` is what the environment says in vain."""

    address: str = ""
    stale: str = ""


def find_bus(environment: Mapping[str, str] = os.environ) -> Bus:
    """Returns the session bus: the environment's, or else the one that systemd keeps for the user."""
    told = environment.get("DBUS_SESSION_BUS_ADDRESS", "")
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    for address in filter(None, (told, f"unix:path={runtime}/bus")):
        with suppress(*CONNECTING), open_dbus_connection(address):
            return Bus(address, told if told != address else "")
    return Bus(stale=told)


def is_served(address: str) -> bool:
    """Says whether a Secret Service answers at a bus, for one that is being started."""
    with suppress(*CONNECTING), open_dbus_connection(address) as connection:
        return bool(Proxy(message_bus, connection).NameHasOwner(SERVICE)[0])
    return False


class SecretService:
    """The keyring at one bus. Calls block; whoever calls is killed when they do not come back."""

    def __init__(self, address: str) -> None:
        """Raises one of `CONNECTING`."""
        self._connection: DBusConnection = open_dbus_connection(address)
        add_match_rules(self._connection)
        self._bus = Proxy(message_bus, self._connection)

    def __enter__(self) -> SecretService:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()

    def is_available(self) -> bool:
        """Says whether a service runs, or would be started by being called."""
        return self._is_owned(SERVICE) or SERVICE in self._bus.ListActivatableNames()[0]

    def open(
        self,
        password: str | None,
        *,
        may_ask: bool,
        may_ask_for_new: bool,
        has_display: bool,
        until: float,
        tell: Callable[[], None],
    ) -> str:
        """Returns the path of the collection that keys belong in, once it is unlocked.

        With a password it is unlocked or made. Without one, and with `may_ask`, its own prompt is waited for, if
        one could be seen (`may_ask_for_new`: for a new collection too); `tell` is called before. `until` is in
        seconds of the monotonic clock.

        Raises:
            KeyringFault: it is locked or absent, in the words of that.
            SecretStorageException, DBusErrorResponse: anything else.
        """
        collection = self._find()
        is_gnome = self._is_owned(_GNOME)  # by now it was called, and so started
        if collection is not None and not collection.is_locked():
            return collection.collection_path
        label = _label_of(collection) if collection is not None else "login"
        if collection is None:
            closed = vault_words.no_collection(can_create=is_gnome)
            may_ask = may_ask_for_new
            is_given = bool(password)  # an empty one would make a keyring that is not encrypted
        else:
            closed = vault_words.locked(label=label, can_unlock=is_gnome)
            is_given = password is not None
        if password is not None and is_given and is_gnome:
            path = self._open_with(collection.collection_path if collection is not None else "", password, label)
        elif may_ask and (has_display or self._is_owned(_PROMPTER)):
            tell()
            path = self._ask(collection, label, is_gnome, until)
        else:
            raise KeyringFault(closed)
        # What the calls return is no proof: gnome-keyring's own program reports success for a wrong password.
        if Collection(self._connection, path).is_locked():
            raise KeyringFault(closed)
        return path

    def names(self, path: str) -> tuple[KeyName, ...] | None:
        """Returns whose keys are in an unlocked collection, None where not all of it can be read.

        Raises:
            SecretStorageException, DBusErrorResponse.
        """
        found = set()
        try:
            for item in Collection(self._connection, path).get_all_items():
                attributes = item.get_attributes()
                service, account = attributes.get("service", ""), attributes.get("username", "")
                if service.startswith(SERVICE_PREFIX) and account:
                    found.add(KeyName(service.removeprefix(SERVICE_PREFIX), account))
        except ItemNotFoundException:  # taken away at this moment, or written by another daemon
            return None
        return tuple(sorted(found))

    def _find(self) -> Collection | None:
        path = self._call("org.freedesktop.Secret.Service", "ReadAlias", "s", ("default",))[0]
        # Where nothing is the default, `login` is what gnome-keyring and its PAM module open.
        for candidate in (path, LOGIN):
            if candidate != "/":
                with suppress(ItemNotFoundException):
                    return Collection(self._connection, candidate)
        return None

    def _open_with(self, path: str, password: str, label: str) -> str:
        session = open_session(self._connection)
        # As it was typed: a newline would be part of it.
        secret = format_secret(session, password.encode(), "text/plain")
        interface = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
        try:
            if path:
                self._call(interface, "UnlockWithMasterPassword", "o(oayays)", (path, secret))
                return path
            properties = {"org.freedesktop.Secret.Collection.Label": ("s", "login")}
            created = self._call(interface, "CreateWithMasterPassword", "a{sv}(oayays)", (properties, secret))
        except DBusErrorResponse as error:
            if error.name == _DENIED:
                raise KeyringFault(vault_words.denied(label)) from None
            raise
        return str(created[0])

    def _ask(self, collection: Collection | None, label: str, is_gnome: bool, until: float) -> str:
        left = max(0.1, until - time.monotonic() - _MARGIN)
        try:
            if collection is None:
                return create_collection(self._connection, "login", "default").collection_path
            is_dismissed = collection.unlock(timeout=left)
        except TimeoutError:
            raise KeyringFault(vault_words.unanswered(left, needs_password=is_gnome)) from None
        except PromptDismissedException:
            raise KeyringFault(vault_words.no_collection(can_create=is_gnome, is_dismissed=True)) from None
        if is_dismissed:
            raise KeyringFault(vault_words.locked(label=label, can_unlock=is_gnome, is_dismissed=True))
        return collection.collection_path

    def _is_owned(self, name: str) -> bool:
        return bool(self._bus.NameHasOwner(name)[0])

    def _call(self, interface: str, method: str, signature: str, body: tuple[object, ...]) -> tuple[Any, ...]:
        address = DBusAddress(PATH, bus_name=SERVICE, interface=interface)
        message = new_method_call(address, method, signature, body)
        reply: tuple[Any, ...] = unwrap_msg(self._connection.send_and_get_reply(message))
        return reply


def _label_of(collection: Collection) -> str:
    with suppress(SecretStorageException, DBusErrorResponse, AssertionError):
        return collection.get_label()
    return collection.collection_path.rpartition("/")[2]


__all__ = [
    "Bus",
    "DBusErrorResponse",
    "ItemNotFoundException",
    "SecretService",
    "SecretServiceNotAvailableException",
    "SecretStorageException",
    "find_bus",
    "is_served",
]
