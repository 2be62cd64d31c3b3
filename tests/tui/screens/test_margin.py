"""The margin screen: what is owed and how near it is to trouble, and what became of each request."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.desk_app import Running, running
from tests.support.frames import NOW, sample_frame, venue_view
from tests.support.hostile import HOSTILE
from tests.support.margin import funds_view
from tests.support.margin_desk import calm_wallet, max_frame, max_margin, max_view, max_wallet, two_wallets
from tests.support.scripted_desk import ScriptedDesk
from tui.desk.frame import Frame
from tui.screens.help import Help
from tui.screens.keys import KeysScreen
from tui.screens.margin import MarginScreen
from tui.screens.margin_dialog import FundsDialog
from tui.screens.panic import PanicOverlay
from tui.screens.venues import VenuePicker
from tui.widgets.margin_table import MarginTable
from venues.model import NANOSECONDS
from venues.port import Mode

SIZES = [(200, 60), (80, 24), (40, 10)]


def desk_of(frame: Frame | None = None) -> ScriptedDesk:
    return ScriptedDesk([frame or max_frame()])


def line_of(desk: Running, words: str) -> str:
    """Returns the line of the screen's own box that holds these words."""
    box = desk.app.screen.query_one("#margin").region
    lines = (line[box.x : box.right] for line in desk.text.splitlines()[box.y : box.bottom])
    return next(line for line in lines if words in line)


async def take(desk: Running, frame: Frame) -> None:
    desk.desk.frames.append(frame)
    desk.app.take_news()
    await desk.pilot.pause()


async def test_the_wallet_is_shown_whole_where_there_is_room() -> None:
    async with running(desk_of(), (200, 60)) as desk:
        await desk.press("M", "j")
        assert desk.shows(MarginScreen)
        title = line_of(desk, "M-wallet")
        assert "M-wallet · max · main" in title and "PRACTICE" in title
        told = "AD ratio 2.29 calm, as last told: a loan is UNKNOWN"
        assert f"{told}   assets 41,710.24 USDT   debts 18,188.35 USDT" in desk.text
        assert "max names no level; 1.5 and 1.25 are yours ([margin] in the config)" in desk.text
        assert line_of(desk, "available").split() == [
            "┃", "available", "in", "orders", "loan", "interest", "owed", "net", "%/hour", "next", "to", "borrow",
            "┃",
        ]  # fmt: skip
        assert line_of(desk, "▶BTC").split()[1:-1] == [
            "▶BTC", "0.02", "0", "0.30000000", "0.00001575", "0.30001575", "-0.28001575", "0.00018", "0.00020",
            "2.19998425",
        ]  # fmt: skip
        assert "0.30001575 BTC = loan 0.30000000 + interest 0.00001575" in desk.text
        assert "0.00018 % an hour, from the next hour 0.00020 %" in desk.text
        assert "0.000000525 BTC an hour, 0.0000126 a day" in desk.text


@pytest.mark.parametrize(
    ("size", "ratio", "words", "style"),
    [
        ((80, 24), "1.42", "1.42 ▲ WARNING: below 1.5", "warning"),
        ((40, 10), "1.12", "1.12 ‼ ALARM: below 1.25", "alarm"),
    ],
)
async def test_a_low_ratio_is_said_with_word_glyph_and_colour(
    size: tuple[int, int], ratio: str, words: str, style: str
) -> None:
    async with running(desk_of(max_frame(margins=(max_margin(ratio),))), size) as desk:
        await desk.press("M")
        assert f"AD ratio {words}" in desk.text
        head = desk.app.screen.query_one("#margin-head")
        cell = next(segment for segment in head.render_line(0) if words.split()[2][:-1] in segment.text)
        palette = desk.app.screen.query_one(MarginTable).palette
        assert cell.style is not None and cell.style.color == getattr(palette, style).color


async def test_what_is_not_told_is_said_not_to_be() -> None:
    async with running(desk_of(max_frame(margins=(max_margin(None),)))) as desk:
        await desk.press("M")
        assert "AD ratio ? not told yet" in desk.text
        owes_nothing = msgspec.structs.replace(max_margin(), wallet=calm_wallet())
        await take(desk, max_frame(2, margins=(owes_nothing,)))
        assert "AD ratio nothing is owed" in desk.text


async def test_figures_that_are_old_say_how_old() -> None:
    old = max_margin(ts_recv=NOW - 90 * NANOSECONDS)
    async with running(desk_of(max_frame(margins=(old,)))) as desk:
        await desk.press("M")
        assert "◐ 1 m 30 s old" in desk.text


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
async def test_an_unknown_request_is_seen_at_every_size_and_its_time_runs(size: tuple[int, int]) -> None:
    async with running(desk_of(), size) as desk:
        await desk.press("M")
        assert "BORROW 0.25 BTC" in desk.text and "UNKNOWN 5.0 s" in desk.text
        desk.clock.pass_seconds(3)
        screen = desk.app.screen
        assert isinstance(screen, MarginScreen)
        screen.let_time_pass()
        await desk.pilot.pause()
        assert "UNKNOWN 8.0 s" in desk.text
        if size[1] > 10:
            assert "provable in 00:00:22 at the latest" in desk.text
            assert "TRANSFER IN 50,000 TWD  the venue works on it" in desk.text


async def test_each_request_says_what_became_of_it() -> None:
    async with running(desk_of()) as desk:
        await desk.press("M")
        for words in ("✓ PAY BACK 0.05 BTC  done", "✕ TRANSFER OUT 900,000 TWD  refused", "not enough is free"):
            assert words in desk.text
        await take(desk, max_frame(2, margins=(max_margin(funds=(funds_view("UNKNOWN", ts_provable=NOW - 1),)),)))
        assert "provable now: the venue's next answer settles it" in desk.text
        await take(desk, max_frame(3, margins=(max_margin(funds=()),)))
        assert "none yet" in desk.text


async def test_the_wallets_of_several_venues_are_gone_through() -> None:
    async with running(desk_of(two_wallets())) as desk:
        await desk.press("M")
        assert "M-wallet · max" in desk.text and "‹ 1 of 2 ›" in desk.text
        await desk.press("right")
        assert "margin account · mayex" in desk.text and "1.12 ‼ ALARM" in desk.text and "‹ 2 of 2 ›" in desk.text
        await desk.press("l")
        assert "M-wallet · max" in desk.text
        await desk.press("left", "escape")
        assert not desk.shows(MarginScreen)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (sample_frame(), "No venue that is open here has a margin wallet."),
        (
            max_frame(margins=(), venues=(max_view(Mode.READ_ONLY),)),
            "the M-wallet of max is read with your key: K",
        ),
        (
            max_frame(margins=(), venues=(venue_view(), max_view(detail="404 not enabled"))),
            "the M-wallet of max has not been read yet: 404 not enabled",
        ),
    ],
)
async def test_without_a_wallet_it_says_why_and_what_to_do(frame: Frame, words: str) -> None:
    async with running(desk_of(frame), (80, 24)) as desk:
        await desk.press("M")
        assert words in desk.text
        await desk.press("b", "o", "t", "p")
        assert desk.shows(MarginScreen) and desk.desk.calls == []
        await take(desk, max_frame(2))
        assert "AD ratio 2.29 calm" in desk.text


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_lies_outside_or_over_another_part(size: tuple[int, int]) -> None:
    async with running(desk_of(max_frame(margins=(max_margin("1.12"),))), size) as desk:
        await desk.press("M", "G")
        box = desk.app.screen.query_one("#margin")
        parts = [part for part in box.children if part.display]
        assert len(parts) == 4
        assert desk.app.screen.region.contains_region(box.region)
        for part in parts:
            assert part.region.height >= 1
            assert box.content_region.contains_region(part.region), part
            assert not any(part.region.overlaps(other.region) for other in parts if other is not part)


async def test_its_keys_lead_back_to_help_and_to_panic() -> None:
    async with running(desk_of()) as desk:
        await desk.press("M", "question_mark")
        assert desk.shows(Help)
        assert "pay back" in desk.text and "preview the form" in desk.text
        await desk.press("escape", "ctrl+x")
        assert desk.shows(PanicOverlay)
        await desk.press("escape", "M")
        assert desk.app.screen is desk.dashboard


async def test_what_it_names_as_a_remedy_is_one_key_away() -> None:
    async with running(desk_of(sample_frame())) as desk:
        await desk.press("M", "V")
        assert desk.shows(VenuePicker)
        await desk.press("escape")
        assert desk.shows(MarginScreen)
        await desk.press("K")
        assert desk.shows(KeysScreen)


async def test_a_venues_text_is_only_text() -> None:
    async with running(desk_of()) as desk:
        await desk.press("M")
        for number, hostile in enumerate(HOSTILE.values(), 2):
            wallet = max_wallet()
            assets = (msgspec.structs.replace(wallet.assets[1], currency=hostile.text[:12]), *wallet.assets)
            view = max_margin(funds=(funds_view("refused", words=hostile.after("words")),), name="M-wallet")
            view = msgspec.structs.replace(view, wallet=msgspec.structs.replace(wallet, assets=assets))
            await take(desk, max_frame(number, margins=(view,)))
            assert "TRANSFER" not in desk.text and "refused" in desk.text
            assert "\x1b" not in desk.text and "\x9b" not in desk.text
            assert "words" in desk.text.split("refused")[1]
        await desk.press("b")
        assert isinstance(desk.app.screen, FundsDialog)
