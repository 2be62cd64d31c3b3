"""Whatever text reaches a pane, nothing that a terminal or Textual would act on leaves it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tests.support import hostile as support
from tests.support.frames import (
    BTC_PERP,
    NOW,
    account_views,
    balance_views,
    book_view,
    desk_view,
    fill_views,
    invalid_book,
    log_lines,
    order_views,
    position_views,
    quote_views,
    sample_frame,
    tape_view,
    venue_view,
)
from tests.tui.widgets.harness import assert_inert, lines, on_stage
from tui.desk.frame import Frame, Severity
from tui.widgets import cells
from tui.widgets.balances import Balances
from tui.widgets.candles import Candles
from tui.widgets.fills import Fills
from tui.widgets.header import Header
from tui.widgets.log_pane import LogPane
from tui.widgets.mode_badge import ModeBadge
from tui.widgets.open_orders import OpenOrders
from tui.widgets.order_book import OrderBook
from tui.widgets.pane import Pane
from tui.widgets.positions import Positions
from tui.widgets.status_bar import StatusBar
from tui.widgets.summary import Summary
from tui.widgets.trade_tape import TradeTape
from tui.widgets.watchlist import Watchlist
from venues.events import LinkState

HOSTILE = {name: hostile.text for name, hostile in support.HOSTILE.items()} | {
    "markup broken": "[/",
    "markup unclosed": "[bold red on [blink",
    "a megabyte of accents": "e" + "\u0301" * 1_000_000,
    "emoji": "🧨👩‍👩‍👧‍👦🇹🇼️✊🏿" * 30,
    "wide": "漢字カナ" * 50,
    "lines": "one\r\ntwo\nthree\u2028four\x0bfive\x0c\x85six\tseven",
    "zero width": "a\u200bb\u200dc\ufeffd\u00ade\u2060",
    "nul and bell": "\x00\x07\x08\x7f",
    "empty": "",
}

PANES: tuple[Callable[[], Pane], ...] = (
    OrderBook, TradeTape, Candles, Watchlist, Positions, OpenOrders, Fills, Balances, LogPane, Summary, Header,
    ModeBadge, StatusBar,
)  # fmt: skip


def replace(value: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(value, **changes)


def hostile_frame(text: str) -> Frame:
    """A whole desk with `text` wherever a text can stand, the book valid."""
    named = replace(
        BTC_PERP, id=BTC_PERP.id._replace(venue=text), name=text, base=text, quote=text, settle=text, note=text
    )
    orders = tuple(
        replace(view, key=f"{n}{text}", instrument=named, account=text, order=replace(
            view.order, reason=text, venue_order_id=text, client_order_id=text, instrument=named.id,
        ))
        for n, view in enumerate(order_views())
    )  # fmt: skip
    venues = tuple(venue_view(text, state, account=text, detail=text) for state in LinkState)
    return sample_frame(
        desk=desk_view(
            named, account=text, lock_reason=text, detach_policy=text or "x", detach_when=text, is_armed=False
        ),
        venues=venues,
        book=replace(book_view(named), fault=text),
        tape=tape_view(named),
        bars=None,
        quotes=tuple(replace(view, instrument=named) for view in quote_views()),
        orders=orders,
        positions=tuple(replace(v, instrument=named, account=text) for v in position_views()),
        fills=tuple(
            replace(
                v, instrument=named, account=text, fill=replace(v.fill, fee_currency=text, client_order_id=text)
            )
            for v in fill_views()
        ),
        balances=tuple(
            replace(v, venue=text, account=text, balance=replace(v.balance, currency=text))
            for v in balance_views()
        ),
        accounts=tuple(replace(v, account=text, currency=text) for v in account_views()),
        log=(*log_lines(), *(type(log_lines()[0])(NOW, severity, text) for severity in Severity)),
    )


@pytest.mark.parametrize("kind", PANES)
async def test_no_pane_draws_anything_that_acts(kind: Callable[[], Pane]) -> None:
    async with on_stage(kind(), 100, 12) as (pane, pilot):
        for width in (100, 17):
            pane.styles.width = width
            for number, text in enumerate(HOSTILE.values(), 1):
                pane.take(hostile_frame(text))
                await pilot.pause()
                assert pane.size.width == width
                assert_inert(pane)
                if isinstance(pane, OrderBook):
                    pane.show_preview(text)
                    assert_inert(pane)
                    bad = replace(invalid_book(text), instrument=pane.instrument)
                    pane.take(Frame(number=number, ts=NOW, book=bad))
                    assert_inert(pane)
                if isinstance(pane, StatusBar):
                    pane.set_hints([(text, text)])
                    assert_inert(pane)


@pytest.mark.parametrize("name", HOSTILE)
async def test_the_title_in_the_border_is_inert_too(name: str) -> None:
    async with on_stage(OrderBook(), 60, 8) as (pane, pilot):
        pane.styles.border = ("round", "white")
        pane.take(hostile_frame(HOSTILE[name]))
        await pilot.pause()
        for segment in pane.render_lines(Region(0, 0, 60, 1))[0]:
            assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in segment.text)
            assert segment.style is None or (segment.style.link is None and "@click" not in segment.style.meta)


async def test_markup_is_letters() -> None:
    async with on_stage(LogPane(), 80, 4) as (log, _):
        log.take(hostile_frame("[@click=app.quit]x[/]"))
        assert "[@click=app.quit]x[/]" in lines(log)[1]


@given(st.text(), st.integers(0, 60), st.sampled_from(("left", "right")))
def test_any_text_fits_its_cells(text: str, width: int, align: cells.Align) -> None:
    fitted = cells.fit(text, width, align)
    assert cell_len(fitted) == width
    assert fitted == cells.plain(fitted)


@given(st.text(max_size=400), st.integers(1, 60))
def test_a_strip_is_as_wide_as_it_says(text: str, width: int) -> None:
    strip = cells.strip_of([(text, Style.null()), (text, Style.null())], width, Style.null())
    assert sum(cell_len(segment.text) for segment in strip) == width


@pytest.mark.parametrize("text", ["BTC/USDT", "60,624.5", "", "Überweisung fällig", "◂ you 0.25 ▲"])
def test_honest_text_is_left_as_it_is(text: str) -> None:
    assert cells.plain(text) == text


def test_an_accent_written_apart_stays_on_its_letter() -> None:
    assert cells.plain("u\u0308ber") == "über"


@pytest.mark.parametrize(
    ("share", "text"), [(0, ""), (1, "████"), (0.5, "██"), (0.28125, "█▏"), (7, "████"), (-1, "")]
)
def test_bars_are_drawn_to_an_eighth(share: float, text: str) -> None:
    assert cells.bar(share, 4) == text
