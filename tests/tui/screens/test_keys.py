"""The keys screen: what is stored, and testing and removing it while the desk runs."""

from __future__ import annotations

from concurrent.futures import Future

import msgspec
import pytest

from tests.support.desk_app import running
from tests.support.hostile import HOSTILE
from tests.support.keys import (
    LOCKED,
    MAIN,
    NO_DAEMON,
    OTHER,
    READY,
    REFUSED,
    SECOND,
    answer,
    fill,
    keys_desk,
    keys_view,
    line_of,
    needs,
    no_venues,
    said_to,
)
from tests.support.venues import watching_frame
from tui.desk.key_control import KeyField, KeyReport, KeyRow, KeysView
from tui.desk.key_entries import KeyName
from tui.screens.confirm import Confirm
from tui.screens.help import Help
from tui.screens.keys import KeysScreen, Step
from tui.screens.panic import PanicOverlay
from tui.screens.venues import VenuePicker
from tui.widgets.key_form import KeyForm
from tui.widgets.key_table import KeyTable
from venues.port import Permissions
from venues.secret import Secret

PASSWORD = "correct horse"
SIZES = [(200, 60), (120, 40), (80, 24), (40, 10)]
STORED = KeyReport(is_done=True, words="the key of coinex main is stored", warning="it may withdraw")


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
async def test_each_key_has_a_row_that_says_whether_it_may_withdraw(size: tuple[int, int]) -> None:
    async with running(keys_desk(), size) as desk:
        await desk.press("K", "g")
        assert desk.desk.calls == [("list_keys", None)]
        for name, words in ((MAIN, "✓ may not"), (SECOND, "! MAY"), (OTHER, "not told")):
            line = line_of(desk, "▶")
            assert name.venue in line and name.account in line and words in line
            await desk.press("j")


async def test_the_table_has_all_columns_where_there_is_room() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K")
        assert line_of(desk, "▶coinex").split() == [
            "▶coinex", "main", "A1F3…", "✓", "may", "✓", "may", "not", "2026-09-10", "●", "in", "use",
        ]  # fmt: skip
        assert "pk-7…" in line_of(desk, "pumpkin") and "read only" in line_of(desk, "pumpkin")
        # That a key may withdraw is an alarm, with a word, and the way out.
        await desk.press("j")
        table = desk.app.screen.query_one(KeyTable)
        segments = [segment for y in range(table.size.height) for segment in table.render_line(y)]
        cell = next(segment for segment in segments if "! MAY" in segment.text)
        assert cell.style is not None and cell.style.color == table.palette.alarm.color
        assert "it MAY WITHDRAW: whoever gets hold of it can empty the account" in desk.text
        assert "r puts it in this one's place" in desk.text


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_lies_outside_or_over_another_part(size: tuple[int, int]) -> None:
    long = msgspec.structs.replace(LOCKED, words="the keyring is locked " * 6, remedy="do something else " * 12)
    async with running(keys_desk(long), size) as desk:
        desk.desk.key_answers.append(KeyReport(is_done=False, words="no " * 90, warning="this is bad " * 20))
        for keys in (("K",), ("a", "down"), ("escape", "r", "up"), ("escape", "p"), ("escape", "t")):
            await desk.press(*keys)
            box = desk.app.screen.query_one("#api-keys")
            parts = [part for part in box.children if part.display]
            assert desk.app.screen.region.contains_region(box.region)
            for part in parts:
                assert part.region.height >= 1
                assert box.content_region.contains_region(part.region), part
                assert not any(part.region.overlaps(other.region) for other in parts if other is not part)
            focused = desk.app.focused
            assert focused is None or box.content_region.contains_region(focused.region)


async def test_what_does_not_fit_is_paged_through() -> None:
    async with running(keys_desk(), (40, 10)) as desk:
        await desk.press("K", "j")
        assert "▼" in desk.text and "one's place" not in desk.text
        for _ in range(4):
            await desk.press("pagedown")
        assert "no venue of this" in desk.text and "▲" in desk.text


async def test_the_password_opens_the_keyring_and_venues_get_their_keys() -> None:
    async with running(keys_desk(LOCKED)) as desk:
        await desk.press("K")
        assert "○ the keyring is locked" in desk.text and "press p and type its password" in desk.text
        assert "locked" in line_of(desk, "▶coinex") and "✓" not in line_of(desk, "▶coinex")
        assert "locked: what it may do is known once the password was given" in desk.text
        await desk.press("p")
        assert desk.focus == "key-password"
        desk.desk.keys = keys_view()
        await answer(desk, PASSWORD)
        await desk.until(lambda: "use_keys" in desk.asked)
        assert said_to(desk, "list_keys")[1] == (Secret(PASSWORD),)
        assert said_to(desk, "use_keys") == [(Secret(PASSWORD),)]
        await desk.until(lambda: "✓ opened: no venue waits for its key" in desk.text)
        assert "! MAY" in desk.text
        # It is not asked for again while the screen is open, and not kept longer.
        await desk.press("t")
        assert said_to(desk, "test_key") == [(MAIN, Secret(PASSWORD))]
        await desk.press("escape", "K", "t")
        assert said_to(desk, "test_key")[1] == (MAIN, None)


async def test_a_key_is_tested_and_what_it_may_do_is_said() -> None:
    async with running(keys_desk()) as desk:
        desk.desk.key_answers.append(STORED)
        await desk.press("K", "j", "t")
        await desk.until(lambda: "✓ the key of coinex main is stored" in desk.text)
        assert said_to(desk, "test_key") == [(SECOND, None)]
        assert "! it may withdraw" in desk.text
        await desk.press("k")
        assert "✓ the key of coinex main is stored" not in desk.text


async def test_a_key_is_removed_after_a_question_that_another_key_answers() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K")
        for no in ("n", "escape"):
            await desk.press("d", "d", "y")
            assert desk.shows(Confirm), "a key that comes at once was not for this question"
            assert "Remove the key of coinex main?" in desk.text
            assert "coinex goes on without a key: it can only be watched" in desk.text
            await desk.wait()
            await desk.press(no)
            assert desk.shows(KeysScreen)
        assert desk.asked == ["list_keys"]
        await desk.press("d")
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: "✓ the key of coinex main is removed" in desk.text)
        assert said_to(desk, "remove_key") == [(MAIN, None)]
        assert "▶coinex" not in desk.text  # the cursor's row has gone: nothing is selected


async def test_a_keyring_that_can_not_be_used_is_said_with_its_remedy() -> None:
    async with running(keys_desk(NO_DAEMON)) as desk:
        desk.desk.key_answers.append(needs(NO_DAEMON))
        await desk.press("K")
        assert "✕ no keyring daemon is installed" in desk.text
        assert "p password" not in desk.text
        await desk.press("t")
        await desk.until(lambda: "✗ no keyring daemon is installed" in desk.text)
        assert desk.text.count("apt-get install gnome-keyring dbus") == 2


async def test_a_wait_shows_its_age_and_may_be_left() -> None:
    async with running(keys_desk()) as desk:
        report: Future[KeyReport] = Future()
        desk.desk.key_answers.append(report)
        await desk.press("K")
        await fill(desk)
        await desk.press("enter")
        assert "… coinex new: testing it with a signed read, then storing it  0.0 s" in desk.text
        desk.clock.pass_seconds(3)
        await desk.until(lambda: "3.0 s" in desk.text)
        await desk.press("a", "t", "d", "enter", "p", "o", "y")
        assert desk.asked == ["list_keys", "add_key"]
        await desk.press("escape")
        assert "you left the wait: the key of coinex new may still be stored" in desk.text
        assert desk.shows(KeysScreen)
        report.set_result(STORED)
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == ["the key of coinex main is stored. it may withdraw"]
        await desk.until(lambda: desk.asked.count("list_keys") == 3)


async def test_an_answer_after_the_screen_was_left_is_said_on_the_desk() -> None:
    async with running(keys_desk()) as desk:
        report: Future[KeyReport] = Future()
        desk.desk.key_answers.append(report)
        await desk.press("K", "t", "escape", "escape")
        assert not desk.shows(KeysScreen)
        report.set_result(REFUSED)
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == ["coinex refuses the key: signature incorrect (25)"]


async def test_a_keyring_that_does_not_answer_is_waited_for_and_left() -> None:
    desk_that_waits = keys_desk()
    desk_that_waits.keys_future = Future()
    async with running(desk_that_waits) as desk:
        await desk.press("K")
        desk.clock.pass_seconds(4)
        await desk.until(lambda: "asking how the keys are kept … 4.0 s" in desk.text)
        await desk.press("a", "enter", "t", "d", "p")
        assert desk.asked == ["list_keys"]
        assert desk.toasts == ["the keyring has not answered"]
        desk_that_waits.keys_future.set_result(keys_view())
        await desk.until(lambda: "▶coinex" in desk.text)
        await desk.press("escape")
        assert not desk.shows(KeysScreen)


async def test_a_desk_that_breaks_ends_the_wait() -> None:
    async with running(keys_desk()) as desk:
        broken: Future[KeyReport] = Future()
        broken.set_exception(RuntimeError("the engine is not running"))
        desk.desk.key_answers.append(broken)
        await desk.press("K", "t")
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == ["keys: RuntimeError: the engine is not running"]
        assert "the desk did not answer" in desk.text
        await desk.press("j", "t")
        assert said_to(desk, "test_key") == [(MAIN, None), (SECOND, None)]


@pytest.mark.parametrize("venues", [True, False])
async def test_where_no_key_is_stored_it_says_how_one_is_made(venues: bool) -> None:
    scripted = keys_desk(rows=())
    if not venues:
        scripted.keys = no_venues(scripted.keys)
    async with running(scripted) as desk:
        await desk.press("K")
        assert "No key is stored" in desk.text
        assert ("a adds one, for coinex, pumpkin" in desk.text) is venues
        await desk.press("enter", "r", "t", "d", "a")
        assert desk.asked == ["list_keys"]
        assert desk.app.screen.query_one(KeyForm).display is venues
        assert desk.toasts == ([] if venues else ["no venue here takes a key"])


async def test_esc_leaves_and_changes_nothing() -> None:
    async with running(keys_desk(LOCKED)) as desk:
        for keys in (("escape",), ("q",), ("K",), ("a", "escape", "escape"), ("p", "escape", "escape")):
            await desk.press("K", *keys)
            assert not desk.shows(KeysScreen)
            assert set(desk.asked) == {"list_keys"}
            assert desk.focus == "book"


async def test_panic_works_over_it_and_leads_back() -> None:
    async with running(keys_desk()) as desk:
        desk.desk.key_answers.append(Future())
        for keys in (("K",), ("a", "enter", "enter"), ("escape", "t")):
            await desk.press(*keys)
            focus = desk.focus
            await desk.press("ctrl+x")
            assert desk.shows(PanicOverlay)
            await desk.press("escape")
            assert desk.shows(KeysScreen)
            assert desk.focus == focus
        await desk.press("ctrl+x")
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: "panic" in desk.asked)


async def test_what_a_desk_says_is_only_text() -> None:
    scripted = keys_desk()
    async with running(scripted, (80, 24)) as desk:
        await desk.press("K")
        for hostile in HOSTILE.values():
            text = hostile.text
            row = KeyRow(name=KeyName(text, text), masked=text, permissions=Permissions(told_by=text, trade=True))
            fields = (KeyField(attribute="key", label=text),)
            state = msgspec.structs.replace(LOCKED, words=text, remedy=text)
            scripted.keys = KeysView(state=state, rows=(row,), venues=((text, fields),))
            scripted.key_answers.append(KeyReport(is_done=False, words=text, warning=text, state=READY))
            # The list is asked for again when a form is left; the next form has what it brought.
            for keys in (("a",), ("escape", "j"), ("t",)):
                await desk.press(*keys)
                assert [c for line in desk.text.splitlines() for c in line if not c.isprintable()] == []
                assert {len(line) for line in desk.text.splitlines()} == {80}
        assert desk.asked.count("test_key") == len(HOSTILE)


async def test_the_venue_picker_leads_here_with_its_venue() -> None:
    scripted = keys_desk(rows=(), frame=watching_frame())
    async with running(scripted) as desk:
        await desk.press("V", "g")
        while "▶coinex" not in desk.text:
            await desk.press("j")
        await desk.press("K", "a")
        assert desk.shows(KeysScreen)
        assert desk.app.screen.query_one(KeyForm).venue == "coinex"
        await desk.press("escape", "escape")
        assert desk.shows(VenuePicker)


async def test_the_line_and_help_know_it() -> None:
    async with running(keys_desk(rows=()), (120, 60)) as desk:
        desk.dashboard.commands.run_line("keys pumpkin")
        await desk.until(lambda: desk.shows(KeysScreen))
        await desk.press("a")
        assert desk.app.screen.query_one(KeyForm).venue == "pumpkin"
        await desk.press("escape", "escape", "question_mark")
        assert desk.shows(Help)
        assert "K          API keys: add, test, remove" in desk.text


async def test_a_step_is_left_only_by_what_it_offers() -> None:
    async with running(keys_desk()) as desk:
        await desk.press("K")
        screen = desk.app.screen
        assert isinstance(screen, KeysScreen)
        allowed = {
            name: screen.check_action(name, ())
            for name in ("add", "rotate", "test", "remove", "open_keyring", "leave_list", "store_untested")
        }
        assert allowed.pop("store_untested") is False
        assert set(allowed.values()) == {True}
        await desk.press("a")
        assert screen._step is Step.EDITING
        assert not any(screen.check_action(name, ()) for name in allowed)
