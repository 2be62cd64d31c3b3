"""The `:` line, the palette, help, the picker, themes and leaving: every key has a second way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from rich.console import Group

from tests.support.desk_app import running
from tests.support.frames import ADA_SPOT, BTC_PERP, ETH_PERP, ETH_SPOT, INSTRUMENTS, NOW, sample_frame, venue_view
from tests.support.scripted_desk import ScriptedDesk
from tui.app import PitsideApp
from tui.desk.frame import Fact, FactKind, Severity
from tui.keymap import Context, Keymap
from tui.screens.command_line import CommandLine, command_help, matching_commands
from tui.screens.confirm import Confirm
from tui.screens.dashboard import Dashboard
from tui.screens.error import ErrorDialog
from tui.screens.help import Help, help_groups
from tui.screens.instruments import find_instruments
from tui.screens.quit import quit_reasons
from venues.model import MarginMode
from venues.port import Mode


def keys_of(text: str) -> Iterator[str]:
    names = {" ": "space", ".": "full_stop", "-": "minus"}
    return (names.get(letter, letter) for letter in text)


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("show eth perp", ("show", ETH_PERP.id)),
        ("interval 5m", ("set_bar_interval", 300)),
        ("lock", ("lock", "by hand")),
        ("leverage 10 isolated", ("set_leverage", BTC_PERP.id, 10, MarginMode.ISOLATED)),
        ("favourite", ("set_favourite", BTC_PERP.id, True)),
        ("close 50", ("close_position", BTC_PERP.id, "net", 50)),
    ],
)
async def test_a_line_asks_the_desk(line: str, call: tuple[object, ...]) -> None:
    async with running() as desk:
        await desk.press("colon")
        assert desk.shows(CommandLine)
        await desk.press(*keys_of(line), "enter")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [call]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fly", "there is no command 'fly'"),
        ("show dogecoin", "no instrument like"),
        ("interval 7m", "no 7m candles"),
        ("theme pink", "no theme 'pink'"),
        ("leverage 1000", "takes a leverage from 1 to 100"),
        ("leverage much", "say a number"),
        ("leverage 10", "say cross or isolated as well"),
        ("close 33", "say 25, 50 or 100"),
        ("cancel all mars", "say buys, sells, a venue"),
    ],
)
async def test_a_line_that_means_nothing_is_answered_in_words(line: str, words: str) -> None:
    async with running() as desk:
        desk.dashboard.commands.run_line(line)
        await desk.until(lambda: desk.toasts)
        assert words in desk.toasts[0]
        assert desk.asked == []


async def test_a_theme_is_changed_by_its_name() -> None:
    async with running() as desk:
        desk.dashboard.commands.run_line("theme light")
        assert desk.app.theme == "light"


async def test_every_action_of_the_keymap_is_carried_out_by_somebody() -> None:
    async with running() as desk:
        wanted = {a.id for a in Keymap().actions(Context.DESK, Context.EVERYWHERE, Context.LADDER)}
        assert wanted == set(desk.dashboard._does)


async def test_the_palette_has_every_action_and_no_surprise() -> None:
    async with running() as desk:
        titles = [command.title for command in desk.app.get_system_commands(desk.app.screen)]
        assert any(title.startswith("panic") for title in titles)
        assert not any(word in title.lower() for title in titles for word in ("screenshot", "maximize"))
        assert "Keys" not in titles and "keys  (K)" in titles
        assert any(title == "theme colour-blind" for title in titles)


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+s", "ctrl+z", "ctrl+b", "escape"])
async def test_keys_that_are_left_alone_do_nothing(key: str) -> None:
    async with running() as desk:
        await desk.press(key)
        assert desk.app.is_running
        assert desk.shows(Dashboard)
        assert desk.asked == []


def test_tab_completes_what_begins_so() -> None:
    commands = command_help(Keymap())
    assert [name for name, _ in matching_commands("canc", commands)][:2] == ["cancel", "cancel all"]
    assert matching_commands("show eth", commands)[0][0].startswith("show")
    assert matching_commands("zzz", commands) == []


def test_help_names_only_keys_that_exist() -> None:
    keymap = Keymap()
    shown = [a for _, actions in help_groups(keymap, [Context.DESK, Context.LADDER]) for a in actions]
    assert {a.id for a in shown} == {a.id for a in keymap.actions(Context.DESK, Context.LADDER)}
    assert all(a.keys for a in shown)


async def test_help_is_for_where_you_are() -> None:
    async with running() as desk:
        await desk.press("question_mark")
        assert desk.shows(Help)
        assert "send the preview line" in desk.text
        await desk.press("escape", "2", "f1")
        assert "send the preview line" not in desk.text
        assert "cancel the selected order" in desk.text


def test_letters_in_order_find_an_instrument_and_the_closest_comes_first() -> None:
    assert find_instruments("eth", INSTRUMENTS)[0] is ETH_PERP
    assert find_instruments("eth", INSTRUMENTS, {ETH_SPOT.id})[0] is ETH_SPOT
    assert find_instruments("ethp", INSTRUMENTS)[0] is ETH_PERP
    assert find_instruments("ad", INSTRUMENTS) == [ADA_SPOT]
    assert find_instruments("xyzzy", INSTRUMENTS) == []
    assert len(find_instruments("", INSTRUMENTS)) == len(INSTRUMENTS)


async def test_the_picker_shows_what_was_chosen() -> None:
    async with running() as desk:
        await desk.press("slash", "a", "d", "a", "enter")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("show", ADA_SPOT.id)]
        await desk.press("slash", "z", "z", "enter", "escape")
        assert len(desk.desk.calls) == 1


async def test_q_leaves_at_once_when_nothing_is_open() -> None:
    async with running(ScriptedDesk([sample_frame(orders=())])) as desk:
        await desk.press("q")
        assert not desk.app.is_running


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_leaving_asks_when_orders_are_open_and_esc_stays(key: str) -> None:
    async with running() as desk:
        await desk.press(key)
        assert desk.shows(Confirm)
        assert "5 open orders" in desk.text
        await desk.press("escape")
        assert desk.app.is_running
        await desk.press(key)
        await desk.wait()
        await desk.press("y")
        assert not desk.app.is_running


def test_what_is_left_behind_is_said() -> None:
    assert quit_reasons(sample_frame()) == [
        "paper: 5 open orders, cancelled at exit, told at the next start",
        "2 positions, left open",
    ]
    assert quit_reasons(sample_frame(venues=(), positions=()))[0] == "paper: 5 open orders, left working"
    practice = (venue_view(mode=Mode.PRACTICE),)
    assert (
        quit_reasons(sample_frame(venues=practice))[0] == "paper: 5 open orders, gone with the practice exchange"
    )


async def test_a_configuration_fact_is_a_dialog_that_says_the_remedy() -> None:
    desk = ScriptedDesk([sample_frame()])
    text = "[red]key refused[/]\nadd it again: pitside keys add coinex"
    desk.facts.append(Fact(ts=NOW, kind=FactKind.CONFIGURATION, severity=Severity.ALARM, text=text))
    async with running(desk) as app:
        await app.until(lambda: app.shows(ErrorDialog))
        await app.until(lambda: "[red]key refused[/]" in app.text)
        assert "pitside keys add coinex" in app.text
        await app.press("escape")
        assert app.shows(Dashboard)


async def test_a_wish_that_breaks_is_said_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = ScriptedDesk([sample_frame()])
    broken: Future[None] = Future()
    broken.set_exception(RuntimeError("the engine does not run"))
    monkeypatch.setattr(desk, "show", lambda _instrument: broken)
    async with running(desk) as app:
        await app.press("1", "enter")
        await app.until(lambda: app.toasts)
        assert "RuntimeError: the engine does not run" in app.toasts[0]
        assert app.app.is_running


async def test_a_crash_prints_no_local_and_nothing_that_a_terminal_acts_on() -> None:
    app = PitsideApp(ScriptedDesk([sample_frame()]))
    secret = "s3cr3t-canary"

    def breaks(_text: str) -> None:
        local = secret
        raise ValueError(f"bad {len(local)} \x1b]0;x\x07")

    with pytest.raises(ValueError, match="bad"):
        async with app.run_test() as pilot:
            await pilot.pause()
            dashboard = app.get_default_screen()
            assert isinstance(dashboard, Dashboard)
            dashboard._does["book.recentre"] = breaks
            await pilot.press("space")
            await pilot.pause()
            printed = "".join(s.text for s in app.console.render(Group(*app._exit_renderables)))
            assert "ValueError: bad 13" in printed
            assert "in breaks" in printed
            assert secret not in printed
            assert "\x1b" not in printed
