"""The app's own watch: a LIVE desk that is left alone, or whose screen stood still, is locked."""

from __future__ import annotations

import pytest

from tests.support.desk_app import Running, running
from tests.support.frames import desk_view, sample_frame
from tests.support.scripted_desk import ScriptedDesk
from tui.config import Config, LockSection
from venues.port import Mode


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def live_desk(mode: Mode = Mode.LIVE, *, is_armed: bool = True) -> ScriptedDesk:
    return ScriptedDesk([sample_frame(desk=desk_view(mode=mode, is_armed=is_armed))])


def pass_seconds(desk: Running, clock: Seconds, seconds: float, step: float = 0.5) -> None:
    for _ in range(int(seconds / step)):
        clock.now += step
        desk.app.take_news()


async def test_a_live_desk_that_is_left_alone_is_locked_once() -> None:
    clock = Seconds()
    config = Config(lock=LockSection(idle=60))
    async with running(live_desk(), clock=clock, config=config) as desk:
        pass_seconds(desk, clock, 59)
        assert desk.asked == []
        pass_seconds(desk, clock, 3)
        assert desk.desk.calls == [("lock", "no key for 60 s")]


async def test_a_key_keeps_it_armed() -> None:
    clock = Seconds()
    config = Config(lock=LockSection(idle=60))
    async with running(live_desk(), clock=clock, config=config) as desk:
        pass_seconds(desk, clock, 50)
        await desk.press("j")
        pass_seconds(desk, clock, 50)
        assert desk.asked == []


async def test_a_screen_that_stood_still_locks_a_live_desk() -> None:
    clock = Seconds()
    async with running(live_desk(), clock=clock) as desk:
        pass_seconds(desk, clock, 7, step=3.5)
        assert desk.desk.calls[0] == ("lock", "the screen stood still for 3.5 s")


async def test_a_paper_desk_and_a_locked_one_are_left_as_they_are() -> None:
    for scripted in (live_desk(Mode.PAPER), live_desk(is_armed=False)):
        clock = Seconds()
        async with running(scripted, clock=clock, config=Config(lock=LockSection(idle=60))) as desk:
            pass_seconds(desk, clock, 200, step=5)
            assert desk.asked == []


async def test_a_theme_that_is_not_there_is_said() -> None:
    async with running(theme="pink") as desk:
        assert desk.app.theme == "dark"
        assert desk.toasts == ["there is no theme 'pink'; dark is used"]


async def test_what_a_hang_up_does_stands_in_the_header() -> None:
    frame = sample_frame(desk=desk_view(detach_policy="cancel_all"))
    async with running(ScriptedDesk([frame]), size=(160, 45)) as desk:
        assert "hang-up cancels all" in desk.text


@pytest.mark.parametrize("size", [(80, 24), (50, 20)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_on_a_narrow_screen_it_stands_in_a_border(size: tuple[int, int]) -> None:
    desk_now = desk_view(detach_policy="cancel_all", detach_when="after 15 min idle")
    async with running(ScriptedDesk([sample_frame(desk=desk_now)]), size=size) as desk:
        await desk.press("1")
        assert "hang-up cancels all, also after 15 min" in desk.text
        assert desk.text.count("hang-up") == 1
        await desk.pilot.resize_terminal(120, 40)
        await desk.pilot.pause()
        assert "hang-up cancels all" in desk.text.splitlines()[0]
        assert "hang-up cancels all, also after 15 min idle" in desk.text
        await desk.pilot.resize_terminal(200, 60)
        await desk.pilot.pause()
        assert desk.text.count("hang-up") == 1
        await desk.pilot.resize_terminal(*size)
        desk.desk.frames.append(sample_frame(2))
        desk.app.take_news()
        await desk.pilot.pause()
        assert "hang-up" not in desk.text


async def test_the_timer_of_an_unknown_order_runs_on_while_no_frame_comes() -> None:
    async with running() as desk:
        await desk.press("2")
        assert "UNKNOWN 3.1 s" in desk.text
        desk.clock.pass_seconds(60)
        desk.app.take_news()
        await desk.pilot.pause()
        assert "UNKNOWN 1 m 03 s" in desk.text


async def test_a_frame_before_the_panes_are_there_is_kept() -> None:
    desk = ScriptedDesk([sample_frame()])
    async with running(desk) as app:
        assert "60,624.5" in app.text
        assert app.dashboard.state.number == 1
