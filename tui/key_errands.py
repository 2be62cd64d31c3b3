"""What `pitside keys` does: asks, has it done, and says what became of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from tui.asking import (
    Lines,
    Terminal,
    credentials_from,
    credentials_of_line,
    has_terminal,
    is_terminal,
    part_of,
    without_echo,
)
from tui.config import load_config
from tui.desk.key_control import KeyReport, KeyRow, KeysView, NewKey
from tui.desk.key_entries import KeyName, KeyringFault, KeyringState, KeyStore, key_name
from tui.desk.key_service import KeyService, can_be_tried, key_fields
from tui.desk.key_words import no_such_key
from tui.desk_commands import say, say_table
from tui.keyed_settings import open_with, vault_of
from tui.logs import open_log
from tui.redaction import Redactor
from tui.unlocking import TRIES, Ask, ask_password, is_asked_for, unlocked
from venues.model import NANOSECONDS
from venues.port import Credentials, Permissions
from venues.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tui.cli import Options

_LOOK = "pitside keys list  says what is stored"
_NAMES_ONLY = "Enter alone lists the names only"
_STORES = {KeyStore.KEYRING: "the keyring", KeyStore.FILE: "the encrypted file"}
_Result = TypeVar("_Result", KeyReport, KeysView)


class _Locked(Exception):
    """No password was given that opens what keys are kept in."""

    def __init__(self, state: KeyringState) -> None:
        super().__init__(state.words)
        self.state = state


class Errand:
    """One command about keys; what goes wrong is a ClickException, or is said on stderr and returned as False."""

    def __init__(self, options: Options) -> None:
        """Raises ConfigError."""
        config = load_config(options.paths.config_file)
        self._account = options.account or config.desk.account
        self._vault = vault_of(options.paths, config)
        self._redactor = Redactor()
        self._state_dir = options.paths.state_dir
        make = open_with(config, self._redactor)
        self._service = KeyService(self._vault, lambda entry: make(entry.name, entry))

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Lets nothing be seen but what is said: no echo, and what libraries log goes to the log file."""
        with open_log(self._state_dir, self._redactor), without_echo():
            yield

    def add(self, venue: str, account: str | None, *, is_read_only: bool, is_untested: bool) -> bool:
        """Asks for a key and stores it once it was tested; says whether it is stored."""
        name = key_name(venue, account or self._account)
        with self._quiet(), _leaving("nothing was stored"), _faults_said():
            return self._add(name, venue, is_read_only=is_read_only, is_untested=is_untested)

    def _add(self, name: KeyName, venue: str, *, is_read_only: bool, is_untested: bool) -> bool:
        lines = None if is_terminal(sys.stdin) else Lines()
        # Before anything that takes time: whoever writes to standard input may not wait.
        given = None if lines is None else self._credentials_of(lines, venue)
        password = self._opened(_asking(lines))
        if given is None:
            with Terminal() as terminal:
                terminal.say(f"The key of {name}. Nothing of it is shown; Ctrl+C leaves, and nothing is stored.")
                given = credentials_from(terminal, key_fields(venue))
        wanted = NewKey(name=name, credentials=given, is_read_only=is_read_only, is_untested=is_untested)
        with _leaving(_LOOK):
            report = asyncio.run(self._service.add(wanted, password))
        _say_report(report)
        if report.is_done:
            say("a desk that lacks a key takes it over by K; one that runs with another goes on with that")
        elif report.is_refused:
            say("a new one is best tried again in ten minutes; --untested stores it as it is", is_bad=True)
        return report.is_done

    def list(self, *, is_json: bool) -> None:
        """Lists the keys, by name alone where nobody opens what they are kept in."""
        with self._quiet(), _leaving("nothing was changed"), _faults_said():
            if not (names := sorted(self._vault.names())):
                view = KeysView(state=self._vault.state())
            else:
                ask = ask_password if has_terminal() else None
                try:
                    view = self._carried_out(self._service.list, ask, _NAMES_ONLY)
                except _Locked as locked:
                    view = KeysView(state=locked.state, rows=tuple(KeyRow(name=name) for name in names))
        if is_json:
            click.echo(msgspec.json.format(msgspec.json.encode(self._as_json(view))).decode())
            return
        say(view.state.sentence, is_bad=True)
        place = _STORES[self._vault.store]
        say_table([_row(row, view.state, place) for row in view.rows], "no key is stored")

    def test(self, venue: str, account: str | None) -> bool:
        """Reads the account with a stored key; says whether that worked."""
        return self._done_to_stored(venue, account, self._service.test)

    def remove(self, venue: str, account: str | None, *, is_sure: bool) -> bool:
        """Deletes a stored key, after a question; says whether it is gone."""
        name = self._stored(venue, account)
        if not is_sure:
            if not is_terminal(sys.stdin):
                raise click.UsageError(
                    f"there is nobody to ask: --yes deletes the key of {name} without a question"
                )
            if not click.confirm(f"Delete the key of {name}?", err=True):
                say("nothing was deleted", is_bad=True)
                return False
        return self._done_to_stored(venue, account, self._service.remove)

    def _done_to_stored(
        self,
        venue: str,
        account: str | None,
        do: Callable[[KeyName, Secret | None], Coroutine[Any, Any, KeyReport]],
    ) -> bool:
        name = self._stored(venue, account)
        lines = None if is_terminal(sys.stdin) else Lines()
        with self._quiet(), _leaving(_LOOK), _faults_said():
            try:
                report = self._carried_out(lambda password: do(name, password), _asking(lines))
            except _Locked as locked:
                raise click.ClickException(locked.state.sentence) from None
        _say_report(report)
        return report.is_done

    def _stored(self, venue: str, account: str | None) -> KeyName:
        """Returns the name of a key that is stored; nothing is opened for one that is not."""
        name = key_name(venue, account or self._account)
        with _faults_said():
            if name in self._vault.names():
                return name
        raise click.ClickException(no_such_key(name))

    def _carried_out(
        self,
        attempt: Callable[[Secret | None], Coroutine[Any, Any, _Result]],
        ask: Ask | None,
        otherwise: str = "",
    ) -> _Result:
        """Does something with the password where one is needed, asked for until it is right. Raises _Locked."""
        state = self._vault.state()
        if not is_asked_for(state) or state.creates:
            return asyncio.run(attempt(None))
        for _ in range(TRIES):
            if ask is None or (password := ask(state, otherwise)) is None:
                break
            result = asyncio.run(attempt(password))
            if result.state is None or not is_asked_for(result.state):
                return result
            state = result.state
        raise _Locked(state)

    def _opened(self, ask: Ask) -> Secret | None:
        """Returns the password with which something can be stored, None where none is needed."""
        state = self._vault.state()
        if not is_asked_for(state):
            say(state.sentence, is_bad=True)
            if not can_be_tried(state):
                raise click.ClickException("nothing was asked for, and nothing stored")
            return None
        password, state = unlocked(self._vault, state, ask)
        if password is None:
            raise click.ClickException(state.sentence)
        return password

    @staticmethod
    def _credentials_of(lines: Lines, venue: str) -> Credentials:
        fields = key_fields(venue)
        return credentials_of_line(lines.next("key", len(fields)), fields)

    def _as_json(self, view: KeysView) -> dict[str, Any]:
        return {
            "store": self._vault.store,
            "state": {"code": view.state.code, "words": view.state.words, "remedy": view.state.remedy},
            "keys": [
                {
                    "venue": row.name.venue,
                    "account": row.name.account,
                    "locked": not view.state.is_open,
                    "begins": row.masked or None,
                    "created": _time(row.created_at) or None,
                    "trade": row.permissions.trade,
                    "withdraw": row.permissions.withdraw,
                    "told_by": row.permissions.told_by or None,
                }
                for row in view.rows
            ],
        }


def _asking(lines: Lines | None) -> Ask:
    """Returns what asks for a password: on the terminal, or a line of standard input where there is none."""
    if has_terminal():
        return ask_password
    source = lines if lines is not None else Lines()
    was_read = False

    def read(state: KeyringState, _otherwise: str) -> Secret | None:
        nonlocal was_read
        if was_read:  # it holds one
            return None
        was_read = True
        say(state.sentence, is_bad=True)
        label = "password"
        return part_of(source.next(label), label, is_key=False) or None

    return read


@contextmanager
def _leaving(outcome: str) -> Iterator[None]:
    """Says what follows from Ctrl+C, or from the end of input."""
    try:
        yield
    except (KeyboardInterrupt, EOFError):
        raise click.ClickException(f"left: {outcome}") from None


@contextmanager
def _faults_said() -> Iterator[None]:
    try:
        yield
    except KeyringFault as fault:
        raise click.ClickException(str(fault)) from None


def _say_report(report: KeyReport) -> None:
    say(report.words, is_bad=not report.is_done)
    if report.warning:
        say(f"WARNING: {report.warning}", is_bad=True)


def _row(row: KeyRow, state: KeyringState, place: str) -> tuple[str, ...]:
    name = (row.name.venue, row.name.account)
    if not row.masked:
        return (*name, "not there any more" if state.is_open else "locked", "", "", "", place)
    return (*name, row.masked, _time(row.created_at), *_rights(row.permissions), place)


def _rights(rights: Permissions) -> tuple[str, str]:
    trade = {True: "may trade", False: "reads only", None: "trading not told"}[rights.trade]
    withdraw = {True: "may WITHDRAW", False: "no withdrawal", None: "withdrawal not told"}[rights.withdraw]
    return (f"{trade} (you said)" if rights.told_by == "you" else trade), withdraw


def _time(moment: int) -> str:
    """Returns a moment in nanoseconds UTC as a person and a program read it; nothing for none."""
    if not moment:
        return ""
    return datetime.fromtimestamp(moment // NANOSECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
