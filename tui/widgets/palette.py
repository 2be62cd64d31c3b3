"""The colours that panes draw with. A theme sets them as variables (`[variables]` in its TOML); what it leaves
out falls back to Textual's own names.

    variable        falls back to            paints
    buy             success                  bids, buys, longs, gains, a rising candle
    sell            error                    asks, sells, shorts, losses, a falling candle
    success         Textual's own            a live connection, what went well (green even where up is red)
    buy-depth       buy, 60 % into surface  the depth bar of a bid
    sell-depth      sell, 60 % into surface the depth bar of an ask
    muted           foreground, 55 %         headings, ages, units, what is secondary
    faint           foreground, 28 %         axes, rulings, empty rows
    own             accent                   our own orders, entries and fills
    cursor          primary, faintly         the background of the row under the cursor
    warning         Textual's own            stale data, a slow clock
    alarm           error                    UNKNOWN, an invalid book, a venue that is down
    mode-live       alarm                    the mode's badge, and the border of the ladder
    mode-paper      primary
    mode-replay     secondary
    mode-practice   warning
    mode-read-only  muted

Colour never says a side, a sign or a state alone: a glyph or a word stands beside it, so all of this may be
dropped (NO_COLOR) and the desk still reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rich.style import Style
from textual.color import Color, ColorParseError

from tui.desk.frame import Severity
from venues.model import Side
from venues.port import Mode

VARIABLES = (
    "buy",
    "sell",
    "buy-depth",
    "sell-depth",
    "muted",
    "faint",
    "own",
    "cursor",
    "warning",
    "alarm",
    "mode-live",
    "mode-paper",
    "mode-replay",
    "mode-practice",
    "mode-read-only",
)
"""The names a theme may set, in the order of the table above."""

_WHITE = Color(224, 224, 224)
_BLACK = Color(18, 18, 18)


@dataclass(frozen=True, slots=True)
class Palette:
    """Rich styles for everything that panes draw; foregrounds only, but for `cursor` and the badges."""

    text: Style
    strong: Style
    buy: Style
    sell: Style
    good: Style
    buy_depth: Style
    sell_depth: Style
    muted: Style
    faint: Style
    own: Style
    warning: Style
    alarm: Style
    cursor: Style
    badges: Mapping[Mode, Style]

    def side(self, side: Side) -> Style:
        return self.buy if side is Side.BUY else self.sell

    def depth(self, side: Side) -> Style:
        return self.buy_depth if side is Side.BUY else self.sell_depth

    def sign(self, number: int) -> Style:
        """The style of a gain (above zero), of a loss (below), or of neither."""
        return self.buy if number > 0 else self.sell if number < 0 else self.text

    def severity(self, severity: Severity) -> Style:
        styles = {
            Severity.GOOD: self.good,
            Severity.WARNING: self.warning,
            Severity.ALARM: self.alarm,
        }
        return styles.get(severity, self.text)

    def without_colour(self) -> Palette:
        """Returns this palette for NO_COLOR: sides as bright as text, alarms bold, the cursor reversed.

        Left to a grey filter, a dark red UNKNOWN would be the faintest word on the screen.
        """
        bold, reverse = self.text + Style(bold=True), Style(reverse=True)
        return replace(
            self,
            buy=self.text,
            sell=self.text,
            good=self.text,
            buy_depth=self.faint,
            sell_depth=self.faint,
            own=bold,
            warning=self.text + Style(bold=True),
            alarm=bold,
            cursor=reverse,
            badges=dict.fromkeys(self.badges, bold + reverse),
        )

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Palette:
        """Builds the palette from an app's `theme_variables`. A colour that can not be read is left to its
        fallback: a mistake in a theme never costs the desk.
        """
        foreground = _parse(variables.get("foreground")) or _WHITE
        surface = _parse(variables.get("surface")) or _BLACK

        def named(*names: str, otherwise: Color) -> Color:
            return next((c for name in names if (c := _parse(variables.get(name))) is not None), otherwise)

        primary = named("primary", otherwise=Color(1, 120, 212))
        buy = named("buy", "success", otherwise=Color(78, 191, 113))
        sell = named("sell", "error", otherwise=Color(224, 82, 99))
        warning = named("warning", otherwise=Color(254, 166, 43))
        alarm = named("alarm", "error", otherwise=sell)

        def badge(mode: Mode, fallback: Color) -> Style:
            colour = named(f"mode-{mode.value.lower()}", otherwise=fallback)
            if colour.ansi is not None:
                return Style(color=colour.rich_color, bold=True, reverse=True)
            return Style(color=colour.get_contrast_text(1).rich_color, bgcolor=colour.rich_color, bold=True)

        return cls(
            text=_foreground(foreground),
            strong=_foreground(foreground) + Style(bold=True),
            buy=_foreground(buy),
            good=_foreground(named("success", otherwise=buy)),
            sell=_foreground(sell),
            buy_depth=_soft(_parse(variables.get("buy-depth")), buy, surface, 0.6),
            sell_depth=_soft(_parse(variables.get("sell-depth")), sell, surface, 0.6),
            muted=_soft(_parse(variables.get("muted")), foreground, surface, 0.45),
            faint=_soft(_parse(variables.get("faint")), foreground, surface, 0.72),
            own=_foreground(named("own", "accent", otherwise=Color(250, 200, 80))) + Style(bold=True),
            warning=_foreground(warning),
            alarm=_foreground(alarm) + Style(bold=True),
            cursor=_cursor(_parse(variables.get("cursor")), primary, surface),
            badges={
                Mode.LIVE: badge(Mode.LIVE, alarm),
                Mode.PAPER: badge(Mode.PAPER, primary),
                Mode.REPLAY: badge(Mode.REPLAY, named("secondary", otherwise=primary)),
                Mode.PRACTICE: badge(Mode.PRACTICE, warning),
                Mode.READ_ONLY: badge(Mode.READ_ONLY, Color(128, 128, 128)),
            },
        )


def _parse(text: str | None) -> Color | None:
    """Returns the colour, or None for none, for a blend that only CSS knows ("auto 60%"), and for a mistake."""
    if not text:
        return None
    try:
        colour = Color.parse(text)
    except ColorParseError:
        return None
    return None if colour.a == 0 and colour.ansi is None else colour


def _foreground(colour: Color) -> Style:
    return Style(color=colour.rich_color)


def _soft(given: Color | None, colour: Color, surface: Color, share: float) -> Style:
    """`given`, or `colour` blended into the surface; the terminal's own sixteen colours can only be dimmed."""
    if given is not None:
        return Style(color=given.rich_color)
    if colour.ansi is not None or surface.ansi is not None:
        return Style(color=colour.rich_color, dim=True)
    return Style(color=colour.blend(surface, share, 1).rich_color)


def _cursor(given: Color | None, primary: Color, surface: Color) -> Style:
    if given is not None and given.ansi is None:
        return Style(bgcolor=given.rich_color)
    if primary.ansi is not None or surface.ansi is not None:
        return Style(reverse=True)
    return Style(bgcolor=primary.blend(surface, 0.82 if surface.brightness > 0.5 else 0.66, 1).rich_color)
