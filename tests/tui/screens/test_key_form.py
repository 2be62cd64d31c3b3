"""The form of a key: adding and replacing one, the keyring's password, and that nothing hidden is shown."""

from __future__ import annotations

from concurrent.futures import Future

import msgspec
import pytest
from textual import events
from textual._context import message_hook
from textual.widgets import Input

from tests.support.desk_app import running
from tests.support.keys import (
    ABSENT,
    LOCKED,
    REFUSED,
    ROWS,
    WRONG,
    answer,
    fill,
    keys_desk,
    line_of,
    needs,
    paste,
    said_to,
    wanted,
)
from tui.desk.key_control import KeyReport, NewKey
from tui.desk.key_entries import KeyName
from tui.screens.confirm import Confirm
from tui.screens.keys import KeysScreen
from tui.widgets.key_form import HiddenField, KeyForm
from venues.port import Credentials
from venues.secret import Secret


async def test_a_password_that_is_new_is_typed_twice() -> None:
    async with running(keys_desk(ABSENT, ())) as desk:
        await desk.press("K", "p")
        await answer(desk, "one")
        await answer(desk, "two")
        assert "the two passwords are not the same" in desk.text
        assert desk.asked == ["list_keys"]
        assert desk.focus == "key-again"
        await answer(desk, "one")
        await desk.until(lambda: len(desk.asked) > 1)
        assert said_to(desk, "list_keys")[1] == (Secret("one"),)


async def test_a_key_is_added_by_typing_and_pasting_and_leaves_no_field() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K")
        await fill(desk, "  access-id-0\r\n", "\n other-part-0\t\nand more")
        await desk.press("enter")
        await desk.until(lambda: "add_key" in desk.asked)
        assert said_to(desk, "add_key") == [(wanted(), None)]
        await desk.until(lambda: "✓ the key of coinex new is stored and in use" in desk.text)
        assert [field.value for field in desk.app.screen.query(HiddenField)] == [""] * 6
        # The list is the desk's own, asked for again.
        assert "acce" not in desk.text
        assert "new" in line_of(desk, " coinex  ") or "new" in desk.text
        assert desk.asked.count("list_keys") == 2


async def test_a_venue_asks_for_what_its_key_consists_of() -> None:
    async with running(keys_desk(rows=ROWS[:2])) as desk:
        await desk.press("K", "a")
        # One that has no key yet comes first.
        assert desk.app.screen.query_one(KeyForm).venue == "pumpkin"
        assert "passphrase" in desk.text and "sub-account" in desk.text
        await desk.press("enter", "enter")
        for text in ("access", "secret", "phrase"):
            await answer(desk, text)
        await desk.press("7", "tab", "space", "enter", "enter")
        await desk.until(lambda: "add_key" in desk.asked)
        credentials = Credentials("access", "secret", "phrase", "7")
        assert said_to(desk, "add_key") == [
            (NewKey(name=KeyName("pumpkin"), credentials=credentials, is_read_only=True), None)
        ]


async def test_a_locked_keyrings_password_is_asked_for_with_the_key() -> None:
    async with running(keys_desk(LOCKED)) as desk:
        await desk.press("K", "r")
        await answer(desk, "access-1")
        await answer(desk, "secret-1")
        await desk.press("enter")
        await answer(desk, "word")
        await desk.until(lambda: "add_key" in desk.asked)
        assert said_to(desk, "add_key") == [(wanted("access-1", "secret-1", "main"), Secret("word"))]


async def test_a_rotation_keeps_the_name() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K", "j", "enter")
        assert desk.focus == "key-key"
        assert "it takes the place of the key of coinex grid-bot, which is of 2026-11-19" in desk.text
        assert "account" not in desk.text.split("API keys")[1].split("access id")[0]
        await answer(desk, "access-2")
        await answer(desk, "secret-2")
        await desk.press("enter", "enter")
        await desk.until(lambda: "add_key" in desk.asked)
        assert said_to(desk, "add_key") == [(wanted("access-2", "secret-2", "grid-bot"), None)]


async def test_a_name_that_is_taken_is_never_the_default_and_is_said() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K", "a", "enter")
        assert "takes the place" not in desk.text
        await paste(desk, "main")
        assert "it takes the place of the key of coinex main" in desk.text


async def test_what_is_wrong_is_said_and_nothing_is_sent() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K")
        await fill(desk, key="  ", other="two parts", account="a/b")
        for words, field, text in (
            ("an account's name is of letters", "key-account", "A1B2C3D4E5F60718"),
            ("this looks like a key, and an account's name is shown", "key-account", "new"),
            ("access id: type or paste it", "key-key", "access-id-0"),
            ("secret key: there is a blank in it", "key-secret", "other-part-0"),
        ):
            await desk.press("enter")
            assert words in desk.text
            assert desk.focus == field
            assert desk.asked == ["list_keys"]
            await desk.press("ctrl+e", "ctrl+u")
            await paste(desk, text)
            assert words not in desk.text
            desk.app.screen.query_one("#key-store").focus()
        await desk.press("enter")
        await desk.until(lambda: "add_key" in desk.asked)
        assert said_to(desk, "add_key") == [(wanted(), None)]


async def test_a_refused_key_may_be_stored_untested() -> None:
    async with running(keys_desk()) as desk:
        desk.desk.key_answers.append(REFUSED)
        await desk.press("K")
        await fill(desk)
        await desk.press("enter")
        await desk.until(lambda: "✗ coinex refuses the key: signature incorrect (25)" in desk.text)
        assert "o store it untested" in desk.text
        await desk.press("o")
        assert desk.asked.count("add_key") == 1, "a key that comes at once was not for this question"
        await desk.wait()
        await desk.press("o")
        await desk.until(lambda: desk.asked.count("add_key") == 2)
        assert said_to(desk, "add_key")[1] == (msgspec.structs.replace(wanted(), is_untested=True), None)


async def test_a_refused_key_may_be_typed_again_or_dropped() -> None:
    async with running(keys_desk()) as desk:
        desk.desk.key_answers += [REFUSED, REFUSED]
        await desk.press("K")
        await fill(desk)
        await desk.press("enter")
        await desk.until(lambda: "refuses" in desk.text)
        await desk.wait()
        await desk.press("enter")
        form = desk.app.screen.query_one(KeyForm)
        assert (form.venue, form.account, desk.focus) == ("coinex", "new", "key-key")
        assert not any(field.is_filled for field in desk.app.screen.query(HiddenField))
        await desk.press("escape", "o", "y")
        assert desk.asked.count("add_key") == 1
        assert desk.shows(KeysScreen)


async def test_where_the_keyring_stands_in_the_way_the_same_key_is_tried_with_its_password() -> None:
    async with running(keys_desk()) as desk:
        desk.desk.key_answers += [needs(LOCKED), needs(WRONG)]
        await desk.press("K")
        await fill(desk)
        await desk.press("enter")
        await desk.until(lambda: "the keyring is locked" in desk.text)
        assert desk.focus == "key-password"
        await answer(desk, "wrong")
        await desk.until(lambda: "this is not the keyring's password" in desk.text)
        await answer(desk, "right")
        await desk.until(lambda: "✓ the key of coinex new is stored" in desk.text)
        assert said_to(desk, "add_key") == [
            (wanted(), None), (wanted(), Secret("wrong")), (wanted(), Secret("right")),
        ]  # fmt: skip


async def test_trading_keys_do_nothing_in_the_list_and_none_in_the_form() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K", *"bsBScCxXAe2y")
        assert desk.shows(KeysScreen)
        await desk.press("a", *"bsx", "enter", *"bScXAty", "enter", *"xy", "colon", "ctrl+p")
        assert desk.shows(KeysScreen)
        assert desk.app.screen.query_one("#key-account", Input).value == "bScXAty"
        assert desk.asked == ["list_keys"]
        assert not desk.dashboard.ticket.is_open


async def test_quitting_is_asked_from_a_hidden_field_and_copies_nothing() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K", "r", *"secret", "ctrl+c")
        assert desk.shows(Confirm)
        assert desk.app.clipboard == ""


@pytest.mark.parametrize("way", ["typed", "pasted"])
async def test_nothing_of_a_hidden_field_is_ever_shown_or_told(way: str) -> None:
    canary = "cAnArY7"
    told: list[str] = []
    # What comes from the terminal carries its own text; whatever is made of it must not.
    hook = message_hook.set(
        lambda message: None if isinstance(message, events.Key | events.Paste) else told.append(repr(message))
    )
    try:
        async with running(keys_desk()) as desk:
            pending: Future[KeyReport] = Future()
            desk.desk.key_answers += [pending, needs(LOCKED)]
            await desk.press("K", "r")
            for _ in ("key", "secret"):
                if way == "typed":
                    await desk.press(*canary)
                else:
                    await paste(desk, canary)
                assert isinstance(desk.app.focused, HiddenField) and desk.app.focused.value == canary
                # All of it is selected, copied and cut.
                await desk.press("home", "shift+end", "ctrl+c", "escape")
                desk.app.focused.action_cut()
                assert not desk.app.focused.is_filled
                await paste(desk, canary)
                seen = [desk.app.export_screenshot(), desk.app.clipboard, desk.text]
                seen += [repr(widget) + str(list(widget.__rich_repr__())) for widget in desk.app.screen.query("*")]
                assert not any(canary in text for text in seen)
                assert "•" * len(canary) in desk.text
                await desk.press("enter")
            await desk.press("enter", "enter")
            await desk.until(lambda: "add_key" in desk.asked)
            # Once it is sent, nothing holds it but a secret; also while it waits to be tried again.
            for _ in ("waiting", "password"):
                screen = desk.app.screen
                held = [repr(vars(widget)) for widget in (screen, desk.dashboard, *screen.query("*"))]
                assert not any(
                    canary in text for text in [*held, repr(desk.desk.calls), desk.app.export_screenshot()]
                )
                if not pending.done():
                    pending.set_result(needs(LOCKED))
                    await desk.until(lambda: desk.focus == "key-password")
    finally:
        message_hook.reset(hook)
    assert len(told) > 100
    assert not any(canary in text for text in told)


async def test_what_is_pasted_into_the_accounts_name_is_not_taken() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K", "a", "enter")
        assert desk.focus == "key-account"
        desk.app.post_message(events.Paste("5ECRET0CANARY"))
        await desk.until(lambda: any("what was pasted may be a key" in toast for toast in desk.toasts))
        assert "CANARY" not in desk.text
