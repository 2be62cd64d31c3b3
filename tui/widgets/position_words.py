"""Words about positions and their margin: the balance, one position in full, a change before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from rich.style import Style

from tui import formatting
from tui.desk.control import FundsIntent
from tui.desk.facts import is_margin_told, mode_of_id
from tui.desk.frame import Frame, PositionView, QuoteView
from tui.desk.position_estimate import (
    LeverageWish,
    MarginEstimate,
    PositionContext,
    gravity_of,
    is_far,
    is_past,
    removable,
)
from tui.widgets.cells import Span, plain, width_of
from tui.widgets.key_words import Paragraph
from tui.widgets.margin_words import VERBS
from tui.widgets.palette import Palette
from tui.widgets.positions import (
    distance_glyph,
    distance_style,
    distance_words,
    hours,
    liquidation_words,
    nearness_style,
)
from venues.commands import FundsKind
from venues.liquidation import bracket_of, brackets_of
from venues.model import ZERO, Instrument, MarginMode, Position

_CENT = Decimal("0.01")
_BOLD = Style(bold=True)
_MOST_TIERS = 4
_EDGE = 2  # cells at the right that words leave free


def held_at(state: Frame, venue: str) -> tuple[PositionView, ...]:
    """Returns the positions at a venue."""
    return tuple(each for each in state.positions or () if each.position.instrument.venue == venue)


def side_words(view: PositionView) -> str:
    """Returns a position in words: "LONG 0.2500 BTC/USDT perp"."""
    side = "LONG" if view.position.quantity > 0 else "SHORT"
    size = formatting.quantity(abs(view.position.quantity), view.instrument)
    return f"{side} {size} {plain(view.instrument.name)}"


def balance_words(state: Frame, venue: str, palette: Palette, width: int) -> list[Paragraph]:
    """Returns what there is of each currency that positions are settled in: wallet, available, held, equity."""
    held = held_at(state, venue)
    listed = {each.settle for each in state.instruments or () if each.id.venue == venue and each.is_perpetual}
    wanted = {view.instrument.settle for view in held} or listed
    balances = [
        each.balance for each in state.balances or () if each.venue == venue and each.balance.currency in wanted
    ]
    if not balances:
        return [Paragraph((("the balance has not been told yet", palette.warning),))]
    lines = []
    for balance in balances:
        mine = [view for view in held if view.instrument.settle == balance.currency]
        gains = [view.unrealized_pnl for view in mine]
        equity = None if None in gains else balance.total + sum((gain for gain in gains if gain), ZERO)
        figures = (
            ("wallet", balance.total, palette.text),
            ("available", balance.available, palette.strong),
            ("held", balance.locked, palette.text),
            ("equity", equity, palette.strong),
        )
        spans: list[Span] = []
        for label, value, style in figures:
            spans += [(f"{label} ", palette.muted), (formatting.money(value), style), ("   ", palette.text)]
        spans[-1] = (f" {plain(balance.currency)}", palette.muted)
        if sum(width_of(text) for text, _ in spans) > width - _EDGE:
            spans = [(" " if text == "   " else text, style) for text, style in spans]
        lines.append(Paragraph(tuple(spans)))
    return lines


def funding_words(state: Frame, venue: str, now: int, palette: Palette) -> list[Paragraph]:
    """Returns what funding has brought or cost the positions so far, and what the next one will."""
    held = held_at(state, venue)
    if not held:
        return []
    so_far = sum((view.position.funding for view in held), ZERO)
    spans: list[Span] = [
        ("funding so far ", palette.muted),
        (formatting.signed(so_far), palette.sign(formatting.sign_of(so_far))),
    ]
    amounts = [view.next_funding for view in held if view.next_funding is not None]
    if amounts:
        following = sum(amounts, ZERO)
        times = {_quote_of(state, view.instrument) for view in held}
        moments = [quote.ts_next_funding for quote in times if quote is not None and quote.ts_next_funding]
        left = f" in {hours(min(moments) - now)}" if moments else ""
        spans += [
            ("   next ", palette.muted),
            (f"~{formatting.signed(following)}", palette.sign(formatting.sign_of(following))),
            (left, palette.text),
        ]
    return [Paragraph(tuple(spans))]


def position_words(view: PositionView, state: Frame, now: int, palette: Palette) -> list[Paragraph]:
    """Returns all that is known of one position."""
    position, instrument = view.position, view.instrument
    settle = plain(instrument.settle)
    name: list[Span] = [("── ", palette.faint), (side_words(view), palette.strong)]
    mode = mode_of_id(position.position_id)
    told = mode.value if mode is not None else plain(position.position_id)
    lines = [Paragraph((*name, (f" {told}", palette.muted)), is_rule=True)]
    lines.append(Paragraph(tuple(_margin(view, palette)), "margin"))
    lines.append(Paragraph(tuple(_liquidation(view, palette)), "liq"))
    lines.append(Paragraph(tuple(_funding(view, _quote_of(state, instrument), now, palette)), "funding"))
    size = f"{formatting.quantity(abs(position.quantity), instrument)} {plain(instrument.base)}"
    spans: list[Span] = [(size, palette.text)]
    if instrument.contract_size != 1:
        contracts = abs(position.quantity) / instrument.contract_size
        spans.append((f" = {formatting.grouped(contracts.normalize())} contracts", palette.muted))
    if view.notional is not None:
        spans.append((f"   worth {formatting.money(abs(view.notional))} {settle}", palette.muted))
    lines.append(Paragraph(tuple(spans), "size"))
    gain = palette.sign(formatting.sign_of(view.unrealized_pnl))
    spans = [
        (formatting.price(position.entry_price, instrument), palette.text),
        ("   mark ", palette.muted),
        (formatting.price(view.mark, instrument), palette.text),
        ("   P&L ", palette.muted),
        (formatting.signed(view.unrealized_pnl), gain),
        ("   break-even ", palette.muted),
        (formatting.price(view.break_even, instrument), palette.text),
    ]
    lines.append(Paragraph(tuple(spans), "entry"))
    return lines


def _quote_of(state: Frame, instrument: Instrument) -> QuoteView | None:
    return next((quote for quote in state.quotes or () if quote.instrument.id == instrument.id), None)


def _margin(view: PositionView, palette: Palette) -> list[Span]:
    position, amount = view.position, "not told:"
    if is_margin_told(position):
        amount = f"{formatting.money(position.margin)} {plain(view.instrument.settle)}"
    spans: list[Span] = [
        (amount, palette.text),
        (f" {position.margin_mode.value}, {_leverage_words(position)}", palette.muted),
    ]
    if position.margin_mode is MarginMode.CROSS:
        spans.append(("; all that is available stands behind it", palette.muted))
    elif (most := removable(view)) is not None:
        most = most.quantize(_CENT, ROUND_DOWN)
        words = f"{formatting.money(most)} of it" if most else "nothing of it"
        spans.append((f"; {words} may be taken out", palette.muted))
    return spans


def _leverage_words(position: Position) -> str:
    return formatting.leverage(position.leverage) if position.leverage else "leverage not told"


def _liquidation(view: PositionView, palette: Palette) -> list[Span]:
    position = view.position
    if position.liquidation_price is None:
        return [("none: no price does it, or what bears on it is not known", palette.muted)]
    if is_far(view.liquidation_distance):
        return [("none near: only a price far beyond this market does it", palette.muted)]
    bracket = bracket_of(brackets_of(view.instrument), position.quantity)
    spans: list[Span] = [(liquidation_words(view), distance_style(view, palette))]
    spans.append((f"  {distance_words(view)} from the mark", distance_style(view, palette, calm=palette.muted)))
    if position.liquidation_is_estimate:
        rate = formatting.percent(bracket.maintenance_rate, 2)
        spans.append((f"; our estimate: {rate} of its worth has to be kept", palette.muted))
    return spans


def _funding(view: PositionView, quote: QuoteView | None, now: int, palette: Palette) -> list[Span]:
    so_far = view.position.funding
    word = "received" if so_far > 0 else "paid"
    words = f"{formatting.money(abs(so_far))} {word}" if so_far else "nothing"
    spans: list[Span] = [
        (words, palette.sign(formatting.sign_of(so_far))),
        (" so far", palette.muted),
    ]
    if view.next_funding is None:
        return spans
    spans += [
        ("   next ", palette.muted),
        (f"~{formatting.signed(view.next_funding)}", palette.sign(formatting.sign_of(view.next_funding))),
    ]
    if quote is not None and quote.ts_next_funding is not None:
        spans.append((f" in {hours(quote.ts_next_funding - now)}", palette.text))
    if quote is not None and quote.funding_rate is not None:
        spans.append((f" at {formatting.percent(quote.funding_rate, 4, sign=True)}", palette.muted))
    return spans


def sends_words(intent: FundsIntent, around: PositionContext) -> str:
    """Returns in one line what is sent: "ADD MARGIN 50 USDT · LONG 0.2500 BTC/USDT perp · pumpkin · main"."""
    return f"{what_words(intent)} · {place_words(around)}"


def what_words(intent: FundsIntent) -> str:
    """Returns a change of margin without its place: "ADD MARGIN 50 USDT"."""
    return f"{VERBS[intent.kind]} {intent.amount:,f} {plain(intent.currency)}"


def place_words(around: PositionContext) -> str:
    """Returns which position it is, and where."""
    view = around.view
    return f"{side_words(view)} · {plain(view.position.instrument.venue)} · {plain(view.account)}"


def change_words(
    intent: FundsIntent, expected: MarginEstimate, around: PositionContext, palette: Palette
) -> list[Paragraph]:
    """Returns what a change of margin sends and does: margin and liquidation before and after."""
    instrument, settle = around.instrument, plain(around.currency)
    style = (palette.warning if intent.kind.adds_risk else palette.good) + _BOLD
    lines = [
        Paragraph(((what_words(intent), style), (f" · {place_words(around)}", palette.text)), "sends"),
        Paragraph(
            (
                (formatting.money(expected.margin_before), palette.muted),
                ("  →  ", palette.muted),
                (f"{formatting.money(expected.margin_after)} {settle}", palette.strong),
            ),
            "margin",
        ),
    ]
    before = _priced(expected.liquidation_before, expected.distance_before, instrument, palette)
    after = _priced(expected.liquidation_after, expected.distance_after, instrument, palette)
    lines.append(Paragraph((*before, ("  →  ", palette.muted), *after), "liq"))
    if expected.free_after is not None:
        free = formatting.money(around.free)
        then = formatting.money(expected.free_after)
        lines.append(
            Paragraph(
                ((free, palette.muted), ("  →  ", palette.muted), (f"{then} {settle}", palette.text)), "free"
            )
        )
    return lines


def most_words(kind: FundsKind, around: PositionContext, palette: Palette) -> list[Paragraph]:
    """Returns how much there is to add, or to take out; nothing where that is not known."""
    whole = around.free if kind is FundsKind.ADD_MARGIN else removable(around.view)
    if whole is None:
        return []
    most = formatting.money(whole.quantize(_CENT, ROUND_DOWN))
    why = "what is free" if kind is FundsKind.ADD_MARGIN else "what is beyond the initial margin"
    words = f"{most} {plain(around.currency)}, {why}"
    return [Paragraph(((words, palette.muted),), "at most")]


def _priced(
    price: Decimal | None, distance: Decimal | None, instrument: Instrument, palette: Palette
) -> tuple[Span, ...]:
    if price is None:
        return (("no price does it", palette.text),)
    if is_far(distance):
        return (("none near", palette.text),)
    style = nearness_style(distance, palette)
    away = "" if distance is None else f" ({distance_glyph(distance)}{formatting.percent(distance, 1)} away)"
    return ((f"~{formatting.price(price, instrument)}", style), (away, style))


def leverage_words(wish: LeverageWish) -> str:
    """Returns a leverage and a mode: "10x isolated"."""
    return f"{formatting.grouped(wish.leverage)}x {wish.margin_mode.value}"


def leverage_effect_words(
    changes: Sequence[tuple[PositionView, MarginEstimate]], palette: Palette
) -> list[Paragraph]:
    """Returns what a leverage does to each isolated position that has it: liquidation and margin, about.

    The gravest is first.
    """
    lines = []
    for view, expected in sorted(changes, key=lambda change: -gravity_of(change[1].distance_after)):
        side = "LONG" if view.position.quantity > 0 else "SHORT"
        size = formatting.quantity(abs(view.position.quantity), view.instrument)
        before = _priced(expected.liquidation_before, expected.distance_before, view.instrument, palette)
        after = _priced(expected.liquidation_after, expected.distance_after, view.instrument, palette)
        arrow = ("  →  ", palette.muted)
        if is_past(view, expected.liquidation_after):
            after = (*after, (": at once, by this estimate", palette.alarm))
        lines.append(Paragraph(((f"{side} {size}  ", palette.text), *before, arrow, *after), "liq"))
        then = f"~{formatting.money(expected.margin_after)} {plain(view.instrument.settle)}"
        money = (formatting.money(expected.margin_before), palette.muted), arrow, (then, palette.text)
        lines.append(Paragraph(money, "margin"))
    return lines


def settings_words(instrument: Instrument, state: Frame, palette: Palette) -> list[Paragraph]:
    """Returns what is set now as far as it is known, what is in the way, and the most that each size may have."""
    held = [each for each in held_at(state, instrument.id.venue) if each.position.instrument == instrument.id]
    now: list[Span] = []
    for view in held:
        text = f"{side_words(view)} at {formatting.leverage(view.position.leverage)} {view.position.margin_mode}"
        now += [("   ", palette.text)] if now else []
        now.append((text, palette.text))
    if not held:
        now = [("not told without a position; what you set counts for what comes", palette.muted)]
    lines = [Paragraph(tuple(now), "now")]
    if any(
        each.capabilities.margin_mode_of_order for each in state.venues or () if each.venue == instrument.id.venue
    ):
        words = "each order says which margin its position has; isolated and cross have a leverage each"
        lines.append(Paragraph(((words, palette.muted),), "margin"))
    lines.append(Paragraph(tuple(_tiers(instrument, palette)), "at most"))
    return lines


def _tiers(instrument: Instrument, palette: Palette) -> list[Span]:
    brackets: Sequence[tuple[Decimal, Decimal]] = [
        (each.max_quantity, each.max_leverage) for each in brackets_of(instrument)
    ]
    parts = []
    for size, leverage in brackets[:_MOST_TIERS]:
        upto = f" up to {formatting.grouped(size)} {plain(instrument.base)}" if size.is_finite() else ""
        parts.append(f"{formatting.grouped(leverage)}x{upto}")
    more = ", …" if len(brackets) > _MOST_TIERS else ""
    return [(", ".join(parts) + more, palette.muted)]


TITLES = {FundsKind.ADD_MARGIN: "add margin", FundsKind.REMOVE_MARGIN: "take margin out"}
"""What is done to a position's margin, as the trader calls it."""
