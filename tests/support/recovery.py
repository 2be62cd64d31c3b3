"""A desk that found something unanswered at its start, and short ways to lead it on."""

from __future__ import annotations

from tests.support.desk_app import Running
from tests.support.frames import (
    recovery_view,
    sample_frame,
)
from tests.support.scripted_desk import ScriptedDesk
from tui.desk.frame import Frame, RecoveryRow, RecoveryView
from tui.screens.recovery import RecoveryScreen
from tui.widgets.unanswered import Unanswered


def found(view: RecoveryView | None = None, number: int = 1) -> Frame:
    """A desk that found something at its start, and has no order that is UNKNOWN otherwise."""
    return sample_frame(number, orders=(), recovery=view or recovery_view())


def opened(view: RecoveryView | None = None) -> ScriptedDesk:
    return ScriptedDesk([found(view)])


async def take(desk: Running, frame: Frame) -> None:
    desk.desk.frames.append(frame)
    desk.app.take_news()
    await desk.pilot.pause()


async def hold(desk: Running, key: str, seconds: float = 2, rate: int = 30) -> None:
    """A key held: at once, then after 0.5 s as often as a terminal repeats it."""
    await desk.press(key)
    desk.clock.pass_seconds(0.5)
    for _ in range(int((seconds - 0.5) * rate)):
        await desk.press(key)
        desk.clock.pass_seconds(1 / rate)


async def tick(desk: Running) -> None:
    screen = desk.app.screen
    assert isinstance(screen, RecoveryScreen)
    screen._show()
    await desk.pilot.pause()


def cursor(desk: Running) -> RecoveryRow | None:
    return desk.app.screen.query_one(Unanswered).selected
