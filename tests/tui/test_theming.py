"""Themes: those that come with the desk are complete; a user's broken one costs a notice and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from tui.app import PitsideApp
from tui.theming import THEMES, failure_notice, load_themes, parse_theme
from tui.widgets.palette import VARIABLES

SHIPPED = {"dark", "light", "high-contrast", "colour-blind", "red-up"}
# Contrast as WCAG has it: 4.5 for text that carries meaning, 7 where the theme promises more.
LEAST = {"high-contrast": 7.0}


def luminance(colour: Color) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_shipped_themes_are_there_and_whole() -> None:
    themes, failures = load_themes()
    assert failures == ()
    assert set(themes) == SHIPPED
    for theme in themes.values():
        assert set(VARIABLES) - {"warning"} <= set(theme.variables), theme.name


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_what_carries_meaning_can_be_read(name: str) -> None:
    theme = load_themes()[0][name]
    ground = Color.parse(theme.background or "")
    meant = {key: theme.variables[key] for key in ("buy", "sell", "own", "alarm", "muted")}
    meant |= {"foreground": theme.foreground or "", "warning": theme.warning or ""}
    weak = {key: round(contrast(Color.parse(value), ground), 1) for key, value in meant.items()}
    assert {key: ratio for key, ratio in weak.items() if ratio < LEAST.get(name, 4.5)} == {}


def test_red_up_swaps_the_sides_and_nothing_else_of_meaning() -> None:
    themes = load_themes()[0]
    dark, red_up = themes["dark"], themes["red-up"]
    assert red_up.variables["buy"] == dark.variables["sell"]
    assert red_up.variables["sell"] == dark.variables["buy"]
    assert (red_up.error, red_up.success) == (dark.error, dark.success)


def test_a_users_theme_is_laid_over_and_failures_make_one_notice(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text((THEMES / "dark.toml").read_text())
    (tmp_path / "broken.toml").write_text("primary = \n")
    (tmp_path / "grey.toml").write_text((THEMES / "dark.toml").read_text().replace("#0d1117", "greyish"))
    (tmp_path / "odd.toml").write_text('primary = "#fff"\nfont = "big"\n')
    themes, failures = load_themes((THEMES, tmp_path))
    assert set(themes) == SHIPPED | {"mine"}
    assert [failure.split(":")[0] for failure in failures] == ["broken.toml", "grey.toml", "odd.toml"]
    notice = failure_notice(failures)
    assert notice.startswith("3 theme file(s) could not be used:")
    assert "'greyish' is no colour" in notice


def test_a_theme_name_can_not_be_mistaken() -> None:
    with pytest.raises(ValueError, match="name must be"):
        parse_theme("My Theme", (THEMES / "dark.toml").read_text())


def test_no_failure_makes_no_notice() -> None:
    assert failure_notice(()) == ""


def test_every_sheet_that_the_app_names_is_there() -> None:
    assert all(Path(str(sheet)).is_file() for sheet in PitsideApp.CSS_PATH)
