"""An error in words that may be shown: what it was and where it came from, never the value of a variable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tui.desk.inert import sanitise

_LONGEST = 400  # characters of an error's own words
_MOST_PLACES = 12
_MOST_CAUSES = 6


def short_words(error: BaseException | None, clean: Callable[[str], str] = str) -> str:
    """Returns an error's kind and words, harmless to a terminal; `clean` takes secrets out before they are cut."""
    try:
        said = str(error)
    except (ValueError, TypeError, AttributeError, LookupError, RuntimeError):
        said = "(its words can not be had)"
    words = f"{type(error).__name__}: {clean(said)}" if said else type(error).__name__
    return sanitise(words, _LONGEST)


def places_of(error: BaseException | None) -> list[str]:
    """Returns where an error came from, innermost last: files, lines and names."""
    places = []
    step = error.__traceback__ if error is not None else None
    while step is not None:
        code = step.tb_frame.f_code
        places.append(f"{'/'.join(Path(code.co_filename).parts[-3:])}:{step.tb_lineno} in {code.co_name}")
        step = step.tb_next
    return places[-_MOST_PLACES:]


def trace_of(error: BaseException, clean: Callable[[str], str] = str) -> list[str]:
    """Returns the error and what it came of, a line each; the places indented below their error.

    `clean` takes secrets out of their words.
    """
    lines: list[str] = []
    seen: set[int] = set()
    step: BaseException | None = error
    while step is not None and id(step) not in seen and len(seen) < _MOST_CAUSES:
        lines.append(("because of " if seen else "") + short_words(step, clean))
        lines += [f"  {place}" for place in places_of(step)]
        if isinstance(step, BaseExceptionGroup):
            lines += [f"  with {short_words(inner, clean)}" for inner in step.exceptions[:_MOST_CAUSES]]
        seen.add(id(step))
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    return lines
