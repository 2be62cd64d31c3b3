"""Words about a margin wallet: how near it is to trouble, a currency's loan, and what became of each request."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tui import formatting
from tui.desk.frame import Frame, FundsView, MarginView, PositionView
from tui.desk.margin_estimate import BEYOND, STALE_AFTER, Level, borrowable, level_now
from tui.widgets.cells import Span, plain, width_of
from tui.widgets.key_words import Paragraph
from tui.widgets.margin_table import amount, rate_words
from tui.widgets.palette import Palette
from venues.commands import FundsKind, FundsRequest
from venues.margin import MarginAsset
from venues.model import NANOSECONDS
from venues.port import Mode

_RATIO_DECIMALS = 2
_GAUGE_END = Decimal(3)  # what is above is drawn at its end: no level of anybody's is there
_SHORTEST_GAUGE = 30  # cells

VERBS = {
    FundsKind.BORROW: "BORROW",
    FundsKind.REPAY: "PAY BACK",
    FundsKind.TRANSFER_IN: "TRANSFER IN",
    FundsKind.TRANSFER_OUT: "TRANSFER OUT",
    FundsKind.ADD_MARGIN: "ADD MARGIN",
    FundsKind.REMOVE_MARGIN: "TAKE MARGIN OUT",
}
KINDS = {
    FundsKind.BORROW: "borrow",
    FundsKind.REPAY: "pay back",
    FundsKind.TRANSFER_IN: "transfer in",
    FundsKind.TRANSFER_OUT: "transfer out",
}
"""What is done with a margin wallet, as the trader calls it."""


def level_style(level: Level, palette: Palette) -> Any:
    """Returns the style that a level is shown in; a word and a glyph go with it."""
    styles = {
        Level.ALARM: palette.alarm,
        Level.WARNING: palette.warning,
        Level.UNKNOWN: palette.warning,
        Level.CALM: palette.good,
    }
    return styles.get(level, palette.muted)


def level_words(level: Level) -> str:
    """Returns a level with its glyph: "▲ WARNING", "‼ ALARM", "calm"."""
    return {Level.WARNING: "▲ WARNING", Level.ALARM: "‼ ALARM"}.get(level, level.value)


def ratio_words(ratio: Decimal | None) -> str:
    """Returns a ratio with two digits behind the point; of one where a crumb is owed no more than that."""
    if ratio is not None and ratio >= BEYOND:
        return f"over {BEYOND:,f}"
    return formatting.grouped(ratio, _RATIO_DECIMALS)


def ratio_spans(view: MarginView, palette: Palette, *, is_old: bool = False) -> list[Span]:
    """Returns the AD ratio with its level: "AD ratio 1.42 ▲ WARNING"; without a debt it says so.

    One that `is_old` is of the time before its venue fell silent: "AD ratio ◐ 1.62, old".
    """
    level = level_now(view)
    style = level_style(level, palette)
    if level is Level.NO_DEBT:
        return [("AD ratio ", palette.muted), ("nothing is owed", palette.text)]
    if level is Level.UNKNOWN:
        return [("AD ratio ", palette.muted), ("? not told yet", style)]
    if is_old:
        grave = f" {level_words(level)}" if level is not Level.CALM else ""
        return [
            ("AD ratio ", palette.muted),
            (f"◐ {ratio_words(view.wallet.ratio)}{grave}", style if grave else palette.warning),
            (", old", palette.warning),
        ]
    bold = style if level is not Level.CALM else palette.strong
    return [
        ("AD ratio ", palette.muted),
        (ratio_words(view.wallet.ratio), bold),
        (f" {level_words(level)}", style),
    ]


def unknown_of(view: MarginView | PositionView) -> list[FundsView]:
    """Returns the requests of which nobody knows what became."""
    return [each for each in view.funds if each.state == "UNKNOWN" and not each.is_over]


def head_words(
    view: MarginView, now: int, palette: Palette, width: int, *, is_roomy: bool, is_old: bool = False
) -> list[Paragraph]:
    """Returns the head of the screen: the ratio, assets and debts, how old they are, whose the levels are.

    `is_old`: nothing comes from the venue now.
    """
    wallet, level = view.wallet, level_now(view)
    spans = ratio_spans(view, palette, is_old=is_old)
    if level in (Level.WARNING, Level.ALARM):
        below = view.alarm_below if level is Level.ALARM else view.warn_below
        spans.append((f": below {below:f}", level_style(level, palette)))
    if any(each.request.kind is FundsKind.BORROW for each in unknown_of(view)):
        spans.append((", as last told: a loan is UNKNOWN", palette.alarm))
    unit = f" {wallet.currency}" if wallet.currency else ""
    figures: list[Span] = []
    for label, value in (("assets", wallet.total_assets), ("debts", wallet.total_debts)):
        if value is not None:
            figures += [
                (f"{label} ", palette.muted),
                (formatting.money(value), palette.text),
                (unit, palette.muted),
            ]
            figures.append(("   ", palette.text))
    if view.ts_recv and (is_old or now - view.ts_recv > STALE_AFTER):
        figures.append((f"◐ {formatting.age(now - view.ts_recv)} old", palette.warning))
    gap: list[Span] = [("   ", palette.text)] if figures else []
    line = (*spans, *gap, *figures)
    fits = sum(width_of(text) for text, _ in line) <= width
    lines = [Paragraph(line)] if fits or not figures else [Paragraph(tuple(spans)), Paragraph(tuple(figures))]
    if is_roomy and width >= _SHORTEST_GAUGE and wallet.ratio is not None and wallet.has_debt:
        lines.append(Paragraph(tuple(gauge(view, min(width - 4, 72), palette))))
    levels = f"{view.warn_below:f} and {view.alarm_below:f}"
    whose = f"{plain(view.venue)} names no level; {levels} are yours ([margin] in the config)"
    if is_roomy:
        lines.append(Paragraph(((whose, palette.muted),)))
    return lines


def gauge(view: MarginView, width: int, palette: Palette) -> list[Span]:
    """Returns a ruler from 1 to 3 with the two levels on it, and where the ratio stands."""
    ratio = view.wallet.ratio or Decimal(1)
    labels = ("1 ", " 3+")
    room = max(10, width - sum(map(width_of, labels)))

    def cell(value: Decimal) -> int:
        share = (min(_GAUGE_END, max(Decimal(1), value)) - 1) / (_GAUGE_END - 1)
        return min(room - 1, int(share * (room - 1)))

    alarm, warn, here = cell(view.alarm_below), cell(view.warn_below), cell(ratio)
    spans: list[Span] = [(labels[0], palette.muted)]
    for at in range(room):
        style = palette.alarm if at < alarm else palette.warning if at < warn else palette.good
        if at == here:
            spans.append(("●", level_style(level_now(view), palette) + palette.strong))
        elif at in (alarm, warn):
            spans.append(("┃", style))
        else:
            spans.append(("━" if at < here else "─", style if at < here else palette.faint))
    return [*_joined(spans), (labels[1], palette.muted)]


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for text, style in spans:
        if joined and joined[-1][1] == style:
            joined[-1] = (joined[-1][0] + text, style)
        else:
            joined.append((text, style))
    return joined


def asset_words(asset: MarginAsset, palette: Palette) -> list[Paragraph]:
    """Returns all that is known of one currency of the wallet, in words."""
    name = plain(asset.currency)
    lines = [Paragraph((("── ", palette.faint), (name, palette.strong)), is_rule=True)]
    if asset.debt:
        lines.append(
            Paragraph(
                (
                    (f"{amount(asset.debt)} {name}", palette.warning),
                    (f" = loan {amount(asset.principal)} + interest {amount(asset.interest)}", palette.muted),
                ),
                "owed",
            )
        )
    if asset.hourly_rate is not None:
        words = f"{rate_words(asset.hourly_rate)} % an hour"
        if asset.next_hourly_rate is not None and asset.next_hourly_rate != asset.hourly_rate:
            words += f", from the next hour {rate_words(asset.next_hourly_rate)} %"
        spans: list[Span] = [(words, palette.text)]
        if asset.principal:
            cost = asset.principal * asset.hourly_rate
            spans.append((f"   {fine(cost)} {name} an hour, {fine(cost * 24)} a day", palette.muted))
        lines.append(Paragraph(tuple(spans), "interest"))
    left = borrowable(asset)
    if left is not None:
        of = f" of {amount(asset.borrow_limit or Decimal(0))}"
        lines.append(Paragraph(((f"{amount(left)} {name}", palette.text), (of, palette.muted)), "to borrow"))
    elif not asset.is_lent:
        lines.append(Paragraph((("not lent, as far as it is known", palette.muted),), "to borrow"))
    return lines


def fine(value: Decimal) -> str:
    """Returns a small amount in three significant digits, a large one in cents."""
    if not value:
        return "0"
    decimals = max(2, 2 - value.adjusted())
    text = formatting.grouped(value, min(decimals, 18))
    return text.rstrip("0").rstrip(".") if "." in text else text


def request_words(request: FundsRequest) -> str:
    """Returns a request in words: "BORROW 0.1 BTC"."""
    return f"{VERBS[request.kind]} {formatting.grouped(request.amount)} {plain(request.currency)}"


def funds_words(
    views: Sequence[FundsView], now: int, palette: Palette, time_of_day: Any, *, heading: str
) -> list[Paragraph]:
    """Returns what became of each request, newest first; `time_of_day` says when, None leaves that out."""
    lines = [Paragraph((("── ", palette.faint), (heading, palette.strong)), is_rule=True)]
    if not views:
        return [*lines, Paragraph((("none yet", palette.muted),))]
    for view in views:
        mark, word, style = _state_of(view, now, palette)
        spans: list[Span] = [
            (f"{mark} ", style),
            (request_words(view.request), palette.strong),
            (f"  {word}", style),
        ]
        if time_of_day is not None and view.ts_sent:
            spans.append((f"  {time_of_day(view.ts_sent, milliseconds=False)}", palette.muted))
        if view.words:
            spans.append((f"  {plain(view.words)}", palette.muted))
        lines.append(Paragraph(tuple(spans)))
        if view.state == "UNKNOWN" and not view.is_over:
            lines.append(Paragraph((("  ", palette.text), *proof_spans(view.ts_provable, now, palette))))
    return lines


def _state_of(view: FundsView, now: int, palette: Palette) -> tuple[str, str, Any]:
    waited = formatting.age(now - view.ts_sent) if view.ts_sent else ""
    match view.state:
        case "UNKNOWN" if not view.is_over:
            return "?", f"UNKNOWN {waited}".rstrip(), palette.alarm
        case "done":
            return "✓", "done", palette.good
        case "refused":
            return "✕", "refused", palette.warning
        case "moot":
            return "·", "moot", palette.muted
        case "sent" | "processing":
            words = "on its way" if view.state == "sent" else "the venue works on it"
            return "…", f"{words} {waited}".rstrip(), palette.text
    return ("✓" if view.is_over else "…"), plain(view.state), palette.text


def proof_spans(at: int | None, now: int, palette: Palette) -> list[Span]:
    """Returns when the venue's word on an UNKNOWN request will be a proof."""
    if at is None:
        return [("no moment of proof is known: look at the venue, then u", palette.warning)]
    if at <= now:
        return [("provable now: the venue's next answer settles it", palette.warning)]
    left = formatting.countdown(at - now + NANOSECONDS - 1)
    return [("provable in ", palette.muted), (left, palette.warning), (" at the latest", palette.muted)]


def no_wallet_words(state: Frame, palette: Palette) -> list[Paragraph]:
    """Returns why there is no margin wallet to be seen, and what can be done about it."""
    lines: list[Paragraph] = []
    for view in state.venues or ():
        name = view.capabilities.margin_wallet
        if name and view.mode is Mode.READ_ONLY:
            words = f"the {name} of {view.venue} is read with your key: K adds one"
            lines.append(Paragraph(((plain(words), palette.text),)))
        elif name:
            detail = f": {view.detail or view.fault}" if view.detail or view.fault else ""
            words = f"the {name} of {view.venue} has not been read yet{detail}"
            lines.append(Paragraph(((plain(words), palette.warning),)))
    if lines:
        return lines
    lines.append(Paragraph((("No venue that is open here has a margin wallet.", palette.strong),)))
    offers = state.desk.offers if state.desk is not None else ()
    known = [offer for offer in offers if offer.capabilities is not None and offer.capabilities.margin_wallet]
    for offer in known:
        name = offer.capabilities.margin_wallet if offer.capabilities is not None else ""
        remedy = offer.refusal or "V opens it"
        lines.append(Paragraph(((plain(f"{offer.venue} has one, the {name}: {remedy}"), palette.text),)))
    if not known:
        words = "It is known once its venue is open with a key: K adds a key, V opens a venue;"
        words += " `pitside venues` says which have one."
        lines.append(Paragraph(((words, palette.muted),)))
    return lines
