"""What there is to know of API keys, as a desk would tell it."""

from __future__ import annotations

import msgspec
from textual import events

from tests.support.desk_app import Running
from tests.support.frames import sample_frame
from tests.support.scripted_desk import ScriptedDesk
from tui.desk.frame import Frame
from tui.desk.key_control import KeyField, KeyReport, KeyRow, KeysView, NewKey
from tui.desk.key_entries import KeyName, KeyringCode, KeyringState
from venues.model import NANOSECONDS
from venues.port import Credentials, Permissions

MAIN, SECOND, OTHER = KeyName("coinex"), KeyName("coinex", "grid-bot"), KeyName("pumpkin", "main")
CREATED = 1_789_000_000 * NANOSECONDS  # 2026-09-10

READY = KeyringState(
    code=KeyringCode.READY, words="the keyring of this user is open", remedy="keys are kept in it"
)
LOCKED = KeyringState(
    code=KeyringCode.LOCKED,
    words="the keyring is locked",
    remedy="press p and type its password: usually the one that this user logs in with",
    needs_password=True,
)
ABSENT = KeyringState(
    code=KeyringCode.NO_COLLECTION,
    words="there is no keyring yet",
    remedy="press p and choose a password: pitside makes one",
    needs_password=True,
    creates=True,
)
WRONG = KeyringState(
    code=KeyringCode.DENIED,
    words="this is not the keyring's password",
    remedy="type it again; over SSH it is the one of the desktop login",
    needs_password=True,
)
NO_DAEMON = KeyringState(
    code=KeyringCode.NO_DAEMON,
    words="no keyring daemon is installed",
    remedy='apt-get install gnome-keyring dbus, or  [credentials] store = "file"  in the configuration',
)

FIELDS = (
    KeyField(attribute="key", label="access id"),
    KeyField(attribute="secret", label="secret key"),
)
VENUES = (
    ("coinex", FIELDS),
    (
        "pumpkin",
        (
            *FIELDS,
            KeyField(attribute="passphrase", label="passphrase"),
            KeyField(attribute="sub_account", label="sub-account", is_hidden=False, is_optional=True),
        ),
    ),
)
ROWS = (
    KeyRow(
        name=MAIN,
        masked="A1F3…",
        permissions=Permissions(trade=True, withdraw=False, told_by="the venue"),
        created_at=CREATED,
        is_in_use=True,
    ),
    KeyRow(
        name=SECOND,
        masked="9C20…",
        permissions=Permissions(trade=True, withdraw=True, told_by="the venue"),
        created_at=CREATED + 70 * 86_400 * NANOSECONDS,
    ),
    KeyRow(name=OTHER, masked="pk-7…", permissions=Permissions(trade=False, told_by="you"), created_at=CREATED),
)


REFUSED = KeyReport(is_done=False, is_refused=True, words="coinex refuses the key: signature incorrect (25)")


def keys_view(state: KeyringState = READY, rows: tuple[KeyRow, ...] = ROWS) -> KeysView:
    """Returns these keys; where the keyring is not open, no more than their names."""
    if not state.is_open:
        rows = tuple(KeyRow(name=row.name, is_in_use=row.is_in_use) for row in rows)
    return KeysView(state=state, rows=rows, venues=VENUES)


def keys_desk(
    state: KeyringState = READY, rows: tuple[KeyRow, ...] = ROWS, frame: Frame | None = None
) -> ScriptedDesk:
    """Returns a desk that keeps these keys."""
    desk = ScriptedDesk([frame or sample_frame()])
    desk.keys = keys_view(state, rows)
    return desk


def no_venues(view: KeysView) -> KeysView:
    """Returns the same where no venue takes a key."""
    return msgspec.structs.replace(view, venues=(), rows=())


def needs(state: KeyringState) -> KeyReport:
    """Returns the report on a wish that the keyring stood in the way of."""
    return KeyReport(is_done=False, words=state.words, state=state)


def line_of(desk: Running, words: str) -> str:
    """Returns the line of the screen's own box that holds these words."""
    box = desk.app.screen.query_one("#api-keys").content_region
    lines = desk.text.splitlines()[box.y : box.bottom]
    return next(line for line in (line[box.x : box.right] for line in lines) if words in line)


async def paste(desk: Running, text: str) -> None:
    """Pastes into the field that has the focus, as a terminal does; an account's name has to be typed."""
    if desk.focus == "key-account":
        await desk.press(*("space" if each == " " else each for each in text))
        return
    desk.app.post_message(events.Paste(text))
    await desk.pilot.pause()
    await desk.pilot.pause()


async def fill(desk: Running, key: str = "access-id-0", other: str = "other-part-0", account: str = "new") -> None:
    """Opens the form, fills it in for coinex and goes to its last line."""
    await desk.press("a", "enter")
    for text in (account, key, other):
        await answer(desk, text)
    await desk.press("enter")
    assert desk.focus == "key-store"


async def answer(desk: Running, text: str) -> None:
    """Pastes into the field that has the focus, and presses Enter."""
    await paste(desk, text)
    await desk.press("enter")


def wanted(key: str = "access-id-0", other: str = "other-part-0", account: str = "new") -> NewKey:
    return NewKey(name=KeyName("coinex", account), credentials=Credentials(key, other))


def said_to(desk: Running, name: str) -> list[tuple[object, ...]]:
    """What was asked of the desk by this name, without the name."""
    return [call[1:] for call in desk.desk.calls if call[0] == name]
