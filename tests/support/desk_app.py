"""The whole application on a scripted desk, in a terminal of a given size, with clocks that a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from tests.support.frames import sample_frame
from tests.support.scripted_desk import ScriptedDesk
from tests.support.ticket import Clock
from tui.app import PitsideApp
from tui.key_guard import KeyGuard
from tui.screens.dashboard import Dashboard

NEVER = 3600.0  # seconds: the frame timer does not run by itself in a test


async def no_pause(_seconds: float) -> None:
    """Waits for nothing."""


def make_app(desk: ScriptedDesk, **options: Any) -> PitsideApp:
    """Makes the app with a guard that lets a test type as fast as it likes."""
    given: dict[str, Any] = {
        "frame_interval": NEVER,
        "guard": KeyGuard(burst_keys=1000, stale=NEVER),
        "pause": no_pause,
        "clock": lambda: 0.0,  # else a machine that is busy for some seconds is a screen that stood still
    }
    return PitsideApp(desk, **(given | options))


class Running:
    """A running app, and short ways to look at it."""

    def __init__(self, app: PitsideApp, pilot: Pilot[None], desk: ScriptedDesk, clock: Clock) -> None:
        self.app = app
        self.pilot = pilot
        self.desk = desk
        self.clock = clock

    @property
    def dashboard(self) -> Dashboard:
        dashboard = self.app.get_default_screen()
        assert isinstance(dashboard, Dashboard)
        return dashboard

    @property
    def text(self) -> str:
        """All that is on the screen."""
        return "\n".join(line.text for line in self.app.screen._compositor.render_strips())

    @property
    def toasts(self) -> list[str]:
        return [toast.message for toast in self.app._notifications]

    @property
    def focus(self) -> str | None:
        return self.app.focused.id if self.app.focused is not None else None

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def wait(self) -> None:
        """Lets the open question hear its keys."""
        self.clock.pass_seconds(2)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits for a condition, a few hundred rounds of the loop at most."""
        for _ in range(300):
            if condition():
                return
            await self.pilot.pause()
        raise AssertionError("the condition did not come true")

    def shows(self, screen: type) -> bool:
        return isinstance(self.app.screen, screen)

    @property
    def asked(self) -> list[str]:
        """What was asked of the desk, by name."""
        return [call[0] for call in self.desk.calls]


@asynccontextmanager
async def running(
    desk: ScriptedDesk | None = None,
    size: tuple[int, int] = (120, 40),
    *,
    draws_toasts: bool = False,
    **options: Any,
) -> AsyncIterator[Running]:
    """Runs the app with the sample frame taken, unless the desk brings its own. Toasts lie over what is below."""
    desk = desk or ScriptedDesk([sample_frame()])
    clock = Clock()
    app = make_app(desk, gate_clock=clock, **options)
    async with app.run_test(size=size, notifications=draws_toasts) as pilot:
        app.take_news()
        await pilot.pause()
        yield Running(app, pilot, desk, clock)
