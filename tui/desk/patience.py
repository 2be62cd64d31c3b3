"""How a venue is asked again and again about one thing: further and further apart, and not while it bans us."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tui.desk.clientid import Random
from tui.desk.frame import Severity
from tui.desk.store import Store
from venues.errors import RateLimited, VenueError

LONGEST_PAUSE = 30.0  # seconds
_FIRST_PAUSE = 0.5
_PAUSE_WHEN_PROVABLE = 0.3  # the next answer settles it: only failed reads are in the way


def pause_before(attempt: int, random: Random, longest: float = LONGEST_PAUSE) -> float:
    """Returns the seconds before a question is asked, `attempt` being 0 before the first."""
    pause = min(longest, _FIRST_PAUSE * 2.0 ** min(attempt, 12))
    # Much that was lost together is not asked about together.
    return pause * (0.75 + random.getrandbits(16) / 65536 / 4)


def until_provable(pause: float, left: float | None) -> float:
    """Returns a pause that ends when the answer is a proof, `left` seconds from now; None: not known yet."""
    if left is None:  # the venue's clock is not known: it may be provable already
        return min(pause, _PAUSE_WHEN_PROVABLE)
    return min(pause, _PAUSE_WHEN_PROVABLE) if left <= 0 else min(pause, left + 0.01)


async def ask_once(
    question: Callable[[], Awaitable[None]], store: Store, sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Asks; that it failed is logged, and a ban is waited for, since it will be asked again."""
    try:
        await question()
    except RateLimited as error:
        store.log(f"{error}; asking again", Severity.WARNING)
        await sleep(error.retry_after or 0.0)
    except VenueError as error:
        store.log(f"{error}; asking again", Severity.WARNING)
