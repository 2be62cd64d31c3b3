"""What the desk looks like, as pictures: any change of them is meant, or a mistake.

All is fixed: the frames, the clocks, the size; nothing blinks and nothing moves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.desk_app import make_app
from tests.support.frames import (
    NOW,
    book_view,
    busy_frame,
    desk_view,
    empty_frame,
    invalid_book,
    recovery_view,
    sample_frame,
    settled_rows,
    spot_frame,
    venue_view,
)
from tests.support.scripted_desk import ScriptedDesk
from tests.support.ticket import Clock
from tests.support.venues import several_frame, troubled_frame, watching_frame
from tui.app import PitsideApp
from tui.desk.frame import Frame
from tui.screens.panic import Receipt
from venues.events import LinkState
from venues.port import Mode

Compare = Callable[..., bool]
DESK = (120, 40)


class Picture:
    """One picture: the app on a frame, and the keys that lead there, each pressed on a screen at rest."""

    def __init__(self, frame: Frame | None = None, *keys: str, seconds: float = 0, **options: Any) -> None:
        self.clock = Clock()
        self.desk = ScriptedDesk([frame or sample_frame()])
        self.app: PitsideApp = make_app(self.desk, gate_clock=self.clock, **options)
        self.keys = keys
        self.seconds = seconds
        self.arrived: Callable[[], bool] = lambda: True

    async def prepare(self, pilot: Pilot[None]) -> None:
        await pilot.pause()
        self.app.take_news()
        await pilot.pause()
        for key in self.keys:
            await pilot.press(key)
            await pilot.pause()
            self.clock.pass_seconds(self.seconds)
        for _ in range(200):
            if self.arrived():
                break
            await pilot.pause()
        self.app.clear_notifications()
        for field in self.app.screen.query(Input):
            field.cursor_blink = False
        await pilot.pause()


@pytest.fixture
def look(snap_compare: Compare) -> Callable[..., bool]:
    def compare(picture: Picture, size: tuple[int, int] = DESK) -> bool:
        before: Callable[[Pilot[None]], Awaitable[None]] = picture.prepare
        return snap_compare(picture.app, terminal_size=size, run_before=before)

    return compare


@pytest.mark.parametrize(
    "size", [(120, 40), (80, 24), (200, 60), (50, 20), (30, 8)], ids=lambda s: f"{s[0]}x{s[1]}"
)
def test_the_desk(look: Compare, size: tuple[int, int]) -> None:
    assert look(Picture(), size)


def test_a_busy_desk(look: Compare) -> None:
    """The picture in the README: positions, orders of ours on the ladder, and where a position was entered."""
    assert look(Picture(busy_frame()))


@pytest.mark.parametrize("theme", ["light", "high-contrast", "colour-blind", "red-up"])
def test_a_theme(look: Compare, theme: str) -> None:
    assert look(Picture(theme=theme))


def test_a_spot_market(look: Compare) -> None:
    assert look(Picture(spot_frame()))


def test_before_anything_has_come(look: Compare) -> None:
    assert look(Picture(empty_frame()))


def test_a_book_that_must_not_be_read(look: Compare) -> None:
    assert look(Picture(sample_frame(book=invalid_book())))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_book_and_a_long_reason_not_to_read_it(look: Compare, size: tuple[int, int]) -> None:
    reason = "the book does not have the checksum 958906607 that the venue gave for it"
    assert look(Picture(sample_frame(book=invalid_book(reason))), size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_stale_book(look: Compare, size: tuple[int, int]) -> None:
    silent = NOW - 4_200_000_000
    book = msgspec.structs.replace(book_view(), ts_recv=silent)
    venues = (venue_view(state=LinkState.STALE, ts_last_data=silent),)
    assert look(Picture(sample_frame(book=book, venues=venues)), size)


def test_an_unverified_book(look: Compare) -> None:
    assert look(Picture(sample_frame(book=msgspec.structs.replace(book_view(), fault="unverified"))))


def test_live_and_locked(look: Compare) -> None:
    desk = desk_view(mode=Mode.LIVE, is_armed=False, lock_reason="a LIVE desk starts locked")
    assert look(Picture(sample_frame(desk=desk)))


def test_a_preview_in_the_ladder(look: Compare) -> None:
    assert look(Picture(None, "j", "j", "b"))


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (200, 60), (50, 20)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_ticket(look: Compare, size: tuple[int, int]) -> None:
    assert look(Picture(None, "b", "tab", "0", "full_stop", "0", "2"), size)


def test_the_orders(look: Compare) -> None:
    assert look(Picture(None, "2", "j"))


def test_the_panic_question(look: Compare) -> None:
    assert look(Picture(None, "ctrl+x"))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_panic_receipt(look: Compare, size: tuple[int, int]) -> None:
    picture = Picture(None, "ctrl+x", "y", seconds=2)
    picture.arrived = lambda: isinstance(picture.app.screen, Receipt)
    assert look(picture, size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 10)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_recovery_screen(look: Compare, size: tuple[int, int]) -> None:
    assert look(Picture(sample_frame(orders=(), recovery=recovery_view())), size)


def test_the_recovery_screen_when_all_is_settled(look: Compare) -> None:
    assert look(Picture(sample_frame(orders=(), recovery=recovery_view(settled_rows()))), (80, 24))


def test_a_decision_on_the_recovery_screen(look: Compare) -> None:
    assert look(Picture(sample_frame(orders=(), recovery=recovery_view()), "d"), (80, 24))


def test_a_desk_that_only_watches(look: Compare) -> None:
    desk = desk_view(mode=Mode.LIVE, read_only_reason="another pitside holds this profile")
    assert look(Picture(sample_frame(desk=desk)))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_detach_policy(look: Compare, size: tuple[int, int]) -> None:
    desk = desk_view(detach_policy="cancel_all", detach_when="after 15 min idle")
    assert look(Picture(sample_frame(desk=desk)), size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_help(look: Compare, size: tuple[int, int]) -> None:
    assert look(Picture(None, "question_mark"), size)


def test_the_instrument_picker(look: Compare) -> None:
    assert look(Picture(None, "slash", "p", "e", "r", "p"))


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (200, 60), (40, 10)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_venue_picker(look: Compare, size: tuple[int, int]) -> None:
    assert look(Picture(troubled_frame(), "V", "j"), size)


def test_a_venue_that_is_not_open(look: Compare) -> None:
    assert look(Picture(watching_frame(), "V", "G", "k"))


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_two_venues(look: Compare, size: tuple[int, int]) -> None:
    assert look(Picture(several_frame(), "2"), size)


def test_a_venue_that_is_watched_beside_the_paper_desk(look: Compare) -> None:
    assert look(Picture(watching_frame()))


def test_the_command_line(look: Compare) -> None:
    assert look(Picture(None, "colon", "c", "a", "n"))


def test_a_question(look: Compare) -> None:
    assert look(Picture(None, "2", "C"))


def test_how_much_to_close(look: Compare) -> None:
    assert look(Picture(None, "1", "x"))


def test_the_quit_question(look: Compare) -> None:
    assert look(Picture(None, "q"))
