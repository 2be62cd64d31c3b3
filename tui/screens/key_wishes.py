"""What the keys screen asks of the desk, each in a form that can be asked again with the keyring's password."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from tui.desk.key_control import KeyDesk, KeyReport, KeysView, NewKey
from tui.desk.key_entries import KeyName
from venues.secret import Secret

Ask = Callable[[Secret | None], Awaitable[KeyReport]]


@dataclass(frozen=True, slots=True)
class Wish:
    """`doing` is what happens meanwhile; `left` is said where nobody waits for its end."""

    doing: str
    left: str
    ask: Ask
    wanted: NewKey | None = None


def adding(desk: KeyDesk, wanted: NewKey) -> Wish:
    """Returns the wish to test and store a key; one that is untested is only stored."""
    doing = "storing it untested" if wanted.is_untested else "testing it with a signed read, then storing it"
    return Wish(
        f"{wanted.name}: {doing}",
        f"you left the wait: the key of {wanted.name} may still be stored",
        lambda password: asyncio.wrap_future(desk.add_key(wanted, password)),
        wanted,
    )


def testing(desk: KeyDesk, name: KeyName) -> Wish:
    """Returns the wish to read an account with its stored key."""
    return Wish(
        f"{name}: reading the account with its key",
        f"you left the wait: what the test of {name} says is shown when it comes",
        lambda password: asyncio.wrap_future(desk.test_key(name, password)),
    )


def removing(desk: KeyDesk, name: KeyName) -> Wish:
    """Returns the wish to delete a key."""
    return Wish(
        f"{name}: removing its key",
        f"you left the wait: the key of {name} may still be removed",
        lambda password: asyncio.wrap_future(desk.remove_key(name, password)),
    )


def opening(desk: KeyDesk, take: Callable[[KeysView], None]) -> Wish:
    """Returns the wish to open the keyring, and to use the keys that venues wait for; `take` sees them first."""

    async def ask(password: Secret | None) -> KeyReport:
        view = await asyncio.wrap_future(desk.list_keys(password))
        if not view.state.is_open:
            return KeyReport(is_done=False, words=view.state.words, state=view.state)
        take(view)
        report = await asyncio.wrap_future(desk.use_keys(password))
        if report.state is not None:
            return report
        # It was opened, also where no venue had waited for that.
        return msgspec.structs.replace(report, is_done=True, words=f"opened: {report.words}")

    return Wish(
        "opening the keys, and using those that venues wait for",
        "you left the wait: the keys may still be opened, and used",
        ask,
    )
