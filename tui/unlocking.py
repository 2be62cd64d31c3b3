"""Opens what keys are kept in before there is a screen: its password is asked for on the plain terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tui.asking import NoTerminal, Refused, Terminal, without_echo
from tui.desk.key_entries import KeyEntry, KeyName, KeyringCode, KeyringFault, KeyringState
from tui.desk.vault import Vault
from venues.secret import Secret

TRIES = 3  # a typing mistake is one; after three it is not a mistake
LATER = "Enter alone goes on without keys: the venues can then only be watched; K in the desk opens them later"
_WRONG = frozenset({KeyringCode.DENIED, KeyringCode.FILE_DENIED})

# Gets the state that stands in the way and what Enter alone does; returns a password, None where none was given.
Ask: TypeAlias = Callable[[KeyringState, str], Secret | None]


@dataclass
class Unlocked:
    """The keys that could be read, and why the others could not, each with its remedy."""

    entries: dict[KeyName, KeyEntry] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def is_asked_for(state: KeyringState) -> bool:
    """Says whether a password, or another one, can help."""
    return state.needs_password or state.code in _WRONG


def ask_password(state: KeyringState, otherwise: str = "") -> Secret | None:
    """Asks for the password on the terminal, twice where it will be a new one. `otherwise`: what Enter alone does.

    Returns None where there is no terminal or nothing was entered. Ctrl+C and the end of input leave the program.
    """
    try:
        with Terminal() as terminal:
            terminal.say(state.sentence)
            if otherwise:
                terminal.say(otherwise)
            for _ in range(TRIES):
                try:
                    given = _password_from(terminal, is_new=state.creates)
                except Refused as error:
                    terminal.say(error.message)
                    continue
                return given or None
            return None
    except NoTerminal:
        return None


def _password_from(terminal: Terminal, *, is_new: bool) -> Secret:
    given = terminal.ask("new password" if is_new else "password", is_key=False)
    if given and is_new and terminal.ask("the same again", is_key=False) != given:
        raise Refused("these are two different passwords")
    return given


def unlocked(
    vault: Vault, state: KeyringState, ask: Ask, otherwise: str = ""
) -> tuple[Secret | None, KeyringState]:
    """Asks for the password until it opens the place, thrice at most; returns it, and how the place then is.

    A new password makes the place: what is wrong with it is better known before a key was typed.
    """
    for _ in range(TRIES):
        password = ask(state, otherwise)
        if password is None:
            return None, state
        state = vault.state(password)
        if state.is_open:
            return password, state
        if not is_asked_for(state):
            return None, state
    return None, state


def keys_for(
    names: Sequence[KeyName], vault: Vault, *, ask: Ask | None = ask_password, otherwise: str = LATER
) -> Unlocked:
    """Reads the keys of those `names` that are stored; where none is, nothing is opened, asked or waited for.

    `ask` None: there is nobody to ask. `otherwise` says what Enter alone does.
    """
    try:
        stored = set(vault.names())
    except KeyringFault as fault:
        return Unlocked(notices=[_notice([], fault.state)])
    wanted = [name for name in dict.fromkeys(names) if name in stored]
    if not wanted:
        return Unlocked()
    try:
        return _found(wanted, vault.read(wanted))
    except KeyringFault as fault:
        state = fault.state
    password: Secret | None = None
    if ask is not None and is_asked_for(state) and not state.creates:
        with without_echo():  # between the tries too: what is typed ahead is the password once more
            for _ in range(TRIES):
                if (password := ask(state, otherwise)) is None:
                    break
                try:
                    return _found(wanted, vault.read(wanted, password))
                except KeyringFault as fault:
                    state = fault.state
                if not is_asked_for(state):
                    break
    return Unlocked(notices=[_notice(wanted, state)])


def _found(wanted: Sequence[KeyName], entries: dict[KeyName, KeyEntry]) -> Unlocked:
    missing = [name for name in wanted if name not in entries]
    notices = [
        f"the key of {name} is not where it was stored: add it again with  pitside keys add {name.venue} "
        f"--account {name.account}"
        for name in missing
    ]
    return Unlocked(entries=entries, notices=notices)


def _notice(names: Sequence[KeyName], state: KeyringState) -> str:
    which = f"no key of {', '.join(map(str, names))} was read" if names else "no keys were read"
    if state.creates:
        return f"{which}: {state.words}; add it again with  pitside keys add"
    if is_asked_for(state):
        return f"{which}: {state.words}; its password opens it, by K in the desk"
    return f"{which}: {state.sentence}"
