"""The lower half of a ticket: what will be sent, as it will be sent, its cost, what to know, and the keys."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from rich.style import Style as RichStyle
from textual.content import Content
from textual.geometry import Size
from textual.style import Style
from textual.widget import Widget

from tui.desk.appraisal import Appraisal, format_amount
from tui.desk.draft import Evaluation
from tui.desk.estimate import Estimate
from tui.desk.facts import figure
from tui.desk.position_estimate import is_far
from tui.widgets.cells import plain
from tui.widgets.palette import Palette
from tui.widgets.positions import distance_glyph, nearness_style
from venues.model import Instrument, Side

MOST_REASONS = 3
LABEL = 9  # columns
WIDTH = 40  # before it was laid out
Span = tuple[str, str | Style]


class Step(StrEnum):
    """Where the ticket stands."""

    EDITING = "editing"
    PREVIEW = "preview"
    SENDING = "sending"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """All that the block shows; two that are equal look the same."""

    step: Step
    instrument: Instrument
    side: Side
    evaluation: Evaluation
    appraisal: Appraisal | None = None
    moved: str = ""  # "market moved +0.4 % since opened"
    reasons: tuple[str, ...] = ()
    is_denied: bool = False
    is_edit: bool = False
    needs_override: bool = False
    hint: str = ""  # instead of the keys
    means: str = ""  # what it does to the positions, where long and short stand side by side


class Painted(Widget):
    """Draws a `Shown` in the colours of the theme, which are read once a theme."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Shown | None = None
        self._painted_palette: Palette | None = None

    @property
    def palette(self) -> Palette:
        if self._painted_palette is None:
            self._painted_palette = Palette.of(self.app.theme_variables)
        return self._painted_palette

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painted_palette = None


class TicketPreview(Painted, can_focus=True):
    """All but the keys. It takes the focus while a preview stands, so that the fields can not take the answer."""

    def present(self, shown: Shown) -> None:
        """Shows it, laying out anew only when the number of lines changes."""
        if shown == self._shown:
            return
        width = self.content_size.width or WIDTH
        before, self._shown = self._written(width), shown
        self.refresh(layout=len(self._written(width)) != len(before))

    def render(self) -> Content:
        return Content("\n").join(self._written(self.content_size.width or WIDTH))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport  # the text alone decides
        return len(self._written(width))

    def _written(self, width: int) -> list[Content]:
        """Breaks long lines under their own column, not under the label."""
        lines: list[Content] = []
        for line in [] if self._shown is None else self._lines(self._shown):
            head, rest = line[:LABEL], line[LABEL:]
            broken = rest.wrap(max(8, width - LABEL)) if len(line) > width else [rest]
            for index, part in enumerate(broken):
                lines.append(Content.assemble(head if index == 0 else " " * LABEL, part))
        return lines

    def _lines(self, shown: Shown) -> list[Content]:
        lines = self._body(shown)
        lines.extend(self._remarks(shown))
        return lines

    def _body(self, shown: Shown) -> list[Content]:
        evaluation = shown.evaluation
        if shown.appraisal is None:
            return self._missing(evaluation)
        side = _styled(self.palette.side(shown.side), is_bold=True)
        label = "will be" if shown.is_edit else "sends"
        lines = [self._line(label, (plain(shown.appraisal.line), side))]
        if shown.means:
            lines.append(self._line("means", (plain(shown.means), side)))
        lines.extend(self._costs(shown, shown.appraisal))
        return lines

    def _costs(self, shown: Shown, appraisal: Appraisal) -> list[Content]:
        instrument, expected = shown.instrument, appraisal.estimate
        muted = _styled(self.palette.muted)
        notional = "unknown" if expected.notional is None else format_amount(expected.notional)
        spans: list[Span] = [(f"{notional} {plain(instrument.quote)}", "bold")]
        if expected.fee is not None:
            word = "rebate" if expected.fee < 0 else "fee"
            spans += [(f"   {word} ", muted), (f"~{format_amount(abs(expected.fee))}", "")]
        lines = [self._line("notional", *spans)]
        if instrument.is_perpetual:
            lines.append(self._line("margin", *self._margin(shown, appraisal)))
            if liquidation := self._liquidation(expected, instrument):
                lines.append(self._line("liq", *liquidation))
        if expected.share is not None:
            spans = [(f"{expected.share:.0%}", ""), (" of 10 levels", muted)]
            if expected.average_price is not None:
                average = f"{expected.average_price:,.{instrument.price_decimals}f}"
                spans += [("  avg ", muted), (f"~{average}", "")]
            lines.append(self._line("takes", *spans))
        return lines

    def _liquidation(self, expected: Estimate, instrument: Instrument) -> list[Span]:
        muted, away = _styled(self.palette.muted), expected.liquidation_distance
        if expected.liquidation is None or away is None:
            return []
        if is_far(away):
            return [("none near", muted)]
        glyph, style = distance_glyph(away), muted
        if glyph:
            style = _styled(nearness_style(away, self.palette))
        price = f"~{expected.liquidation:,.{instrument.price_decimals}f}"
        return [(price, style if glyph else ""), (f" ({glyph}{away:.1%} away)", style)]

    def _margin(self, shown: Shown, appraisal: Appraisal) -> list[Span]:
        expected, muted = appraisal.estimate, _styled(self.palette.muted)
        intent = shown.evaluation.judged
        spans: list[Span] = []
        if intent is not None and intent.reduce_only:
            spans.append(("none, it only reduces", muted))
        elif expected.margin is None or not expected.notional:
            spans.append(("as the venue's leverage has it", muted))
        else:
            leverage = figure(round(expected.notional / expected.margin, 2))
            spans += [(format_amount(expected.margin), ""), (f" ({leverage}x)", muted)]
        return spans

    def _missing(self, evaluation: Evaluation) -> list[Content]:
        """Says in full what keeps the order from being one."""
        if evaluation.obstacle:
            return [self._line("not now", (plain(evaluation.obstacle), _styled(self.palette.warning)))]
        return [
            self._line(field.value, (plain(words), _styled(self.palette.muted)))
            for field, words in list(evaluation.problems.items())[:4]
        ]

    def _remarks(self, shown: Shown) -> list[Content]:
        palette = self.palette
        warning = _styled(palette.warning)
        lines = []
        if shown.evaluation.obstacle and shown.appraisal is not None:
            lines.append(self._line("", (plain(shown.evaluation.obstacle), _styled(palette.muted))))
        if shown.moved:
            lines.append(self._line("!", (shown.moved, _styled(palette.warning, is_bold=True))))
        told = list(shown.reasons[:MOST_REASONS])
        for reason in told:
            glyph = "✗" if shown.is_denied else "?"
            lines.append(
                self._line(
                    glyph,
                    (
                        plain(reason),
                        _styled(palette.alarm if shown.is_denied else palette.warning, is_bold=True),
                    ),
                )
            )
        if shown.appraisal is not None:
            room = max(0, MOST_REASONS - len(lines))
            words = (*shown.appraisal.warnings, *shown.evaluation.notes)
            lines.extend(self._line("!", (plain(text), warning)) for text in words[:room])
        return lines

    def _line(self, label: str, *spans: Span) -> Content:
        return Content.assemble((f"{label:<{LABEL}}", _styled(self.palette.muted)), *spans)


class TicketKeys(Painted):
    """The line at the foot of a ticket that says which key does what now; it is never scrolled away."""

    def present(self, shown: Shown) -> None:
        """Shows the keys that this step has."""
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render(self) -> Content:
        return Content("") if self._shown is None else self._keys(self._shown)

    def _keys(self, shown: Shown) -> Content:
        muted = _styled(self.palette.muted)
        if shown.hint:
            return Content.styled(shown.hint, _styled(self.palette.warning, is_bold=True))
        match shown.step:
            case Step.SENDING:
                return Content.styled("on its way …", muted)
            case Step.PREVIEW if shown.is_denied:
                return self._key_line((("Esc", "back to the ticket"),))
            case Step.PREVIEW if shown.needs_override:
                return self._key_line((("o", "send in spite of it"), ("Esc", "back")), is_strong=True)
            case Step.PREVIEW:
                word = "change it" if shown.is_edit else "send it"
                return self._key_line((("y", word), ("Esc", "back")), is_strong=True)
        return self._key_line((("Enter", "preview"), ("Tab", "next"), ("Esc", "drop")))

    def _key_line(self, keys: Sequence[tuple[str, str]], *, is_strong: bool = False) -> Content:
        muted = _styled(self.palette.muted)
        parts: list[Span] = []
        for index, (key, does) in enumerate(keys):
            if index:
                parts.append(("   ", ""))
            parts.append((f" {key} " if is_strong else key, "bold reverse" if is_strong else "bold"))
            parts.append((f" {does}", "" if is_strong else muted))
        return Content.assemble(*parts)


def _styled(style: RichStyle, *, is_bold: bool = False) -> Style:
    styled = Style.from_rich_style(style)
    return styled + Style(bold=True) if is_bold else styled
