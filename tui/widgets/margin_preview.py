"""What a wish for a margin wallet sends, exactly as it is sent, and what that means."""

from __future__ import annotations

from decimal import Decimal

from rich.style import Style

from tui.desk.control import FundsIntent
from tui.desk.margin_estimate import BEYOND, FundsContext, FundsEstimate, FundsEvaluation, Level, borrowable
from tui.widgets.cells import Span, plain
from tui.widgets.key_words import Paragraph
from tui.widgets.margin_table import amount, rate_words
from tui.widgets.margin_words import VERBS, fine, level_style, level_words, ratio_words
from tui.widgets.palette import Palette
from venues.commands import FundsKind

_MOST_WARNINGS = 3
_BOLD = Style(bold=True)


def sends_words(intent: FundsIntent, context: FundsContext) -> str:
    """Returns in one line what is sent: "BORROW 0.1 BTC · max · main · M-wallet"."""
    return f"{what_words(intent)} · {where_words(intent.kind, context)}"


def what_words(intent: FundsIntent) -> str:
    """Returns the wish without its place: "BORROW 0.1 BTC"."""
    return f"{VERBS[intent.kind]} {intent.amount:,f} {plain(intent.currency)}"


def where_words(kind: FundsKind, context: FundsContext) -> str:
    """Returns venue, account and wallet; of a transfer from where to where."""
    view = context.margin
    wallet = {
        FundsKind.TRANSFER_IN: f"spot → {view.name}",
        FundsKind.TRANSFER_OUT: f"{view.name} → spot",
    }.get(kind, view.name)
    return plain(f"{view.venue} · {view.account} · {wallet}")


def preview_words(
    evaluation: FundsEvaluation, context: FundsContext, palette: Palette, *, is_empty: bool
) -> list[Paragraph]:
    """Returns what a draft would send and do, or what is wrong with its amount."""
    intent, expected = evaluation.intent, evaluation.estimate
    if intent is None or expected is None:
        style = palette.muted if is_empty else palette.text
        return [Paragraph(((evaluation.problem, style),), "amount")]
    lines = [_sends(intent, context, palette)]
    lines.append(Paragraph(tuple(_ratio(expected, palette)), "AD ratio"))
    # What is grave stands high: on a small terminal the rest has to be paged to.
    lines += [Paragraph(((words, palette.warning),), "!") for words in evaluation.warnings[:_MOST_WARNINGS]]
    if (interest := _interest(intent, expected, palette)) is not None:
        lines.append(interest)
    return [*lines, *_then(intent, expected, context, palette)]


def _sends(intent: FundsIntent, context: FundsContext, palette: Palette) -> Paragraph:
    style = (palette.warning if intent.kind.adds_risk else palette.good) + _BOLD
    return Paragraph(
        ((what_words(intent), style), (f" · {where_words(intent.kind, context)}", palette.text)), "sends"
    )


def _interest(intent: FundsIntent, expected: FundsEstimate, palette: Palette) -> Paragraph | None:
    if intent.kind not in (FundsKind.BORROW, FundsKind.REPAY):
        return None
    hour, day, rate = expected.interest_per_hour, expected.interest_per_day, expected.hourly_rate
    if hour is None or day is None or rate is None:
        return Paragraph((("the rate is not known", palette.warning),), "interest")
    word = "costs " if intent.kind is FundsKind.BORROW else "saves "
    currency = plain(intent.currency)
    spans: list[Span] = [
        (word, palette.muted),
        (f"~{fine(hour)} {currency}", palette.text),
        (" an hour, ", palette.muted),
        (f"~{fine(day)}", palette.text),
        (" a day", palette.muted),
        (f"; {_short(rate)} %", palette.muted),
    ]
    following = expected.next_hourly_rate
    if following is not None and following != rate:
        spans.append((f", then {_short(following)} %", palette.muted))
    return Paragraph(tuple(spans), "interest")


def _short(rate: Decimal) -> str:
    text = rate_words(rate)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _ratio(expected: FundsEstimate, palette: Palette) -> list[Span]:
    def told(level: Level, ratio: str) -> list[Span]:
        if level is Level.NO_DEBT:
            return [("nothing owed", palette.text)]
        return [(f"{ratio} ", palette.strong), (level_words(level), level_style(level, palette))]

    before = told(expected.level_before, ratio_words(expected.ratio_before))
    if expected.level_before is Level.UNKNOWN:
        before = [("not told", palette.warning)]
    if expected.level_after is expected.level_before is Level.NO_DEBT:
        return before
    arrow: list[Span] = [("  →  ", palette.muted)]
    if expected.level_after is Level.UNKNOWN:
        return [*before, *arrow, ("not known", palette.warning), (f": {expected.why_unknown}", palette.muted)]
    about = "" if expected.ratio_after is not None and expected.ratio_after >= BEYOND else "about "
    after = told(expected.level_after, f"{about}{ratio_words(expected.ratio_after)}")
    return [*before, *arrow, *after]


def _then(
    intent: FundsIntent, expected: FundsEstimate, context: FundsContext, palette: Palette
) -> list[Paragraph]:
    """Returns what is owed, free and left to borrow, before and after, where it changes."""
    asset, currency = context.asset(intent.currency), plain(intent.currency)
    left = borrowable(asset)
    changes = (
        ("owed", asset.debt, expected.owed_after),
        ("free", asset.available, expected.available_after),
        ("to borrow", left, expected.borrowable_after),
    )
    lines = []
    for label, before, after in changes:
        if before is not None and after is not None and before != after:
            style = palette.warning if label == "owed" and after > before else palette.text
            spans: tuple[Span, ...] = (
                (amount(before), palette.muted),
                (" → ", palette.muted),
                (f"{amount(after)} {currency}", style),
            )
            lines.append(Paragraph(spans, label))
    return lines
