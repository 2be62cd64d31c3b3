"""Style sheets that are parsed once in a test process, and not by each app anew.

Every app of a test has the same hundred sheets of the framework's widgets and of ours. Parsing them, at the start
and again for its theme, was a fifth of the processor time of a test that opens an app. The framework's own cache
belongs to one app, and is smaller than what one app reads. What was parsed is only read afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from textual.css.model import RuleSet
    from textual.css.stylesheet import Stylesheet

Place: TypeAlias = tuple[str, str]


def parse_styles_once() -> None:
    """From now on the same text, of the same place and with the same variables, is parsed once."""
    # Not above: the framework reads the environment when it is imported, and the tests set that first.
    from textual.css.stylesheet import Stylesheet

    parse = Stylesheet._parse_rules
    parsed: dict[tuple[Any, ...], list[RuleSet]] = {}

    def parse_once(
        sheet: Stylesheet,
        css: str,
        read_from: Place,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        variables = frozenset(sheet._variables.items())
        key = (css, read_from, is_default_rules, tie_breaker, scope, variables)
        if (rules := parsed.get(key)) is None:
            rules = parsed[key] = parse(sheet, css, read_from, is_default_rules, tie_breaker, scope)
        return rules

    sheets: Any = Stylesheet
    sheets._parse_rules = parse_once
