"""Facts as toasts. One that stands for something that goes on is taken away when that is over."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from textual.app import App
from textual.notifications import Notification, Notify, SeverityLevel

from tui.desk.frame import Fact, FactKind, Frame, Severity
from tui.desk.inert import sanitise
from venues.model import OrderStatus

LONGEST = 200
"""Characters of a fact that a toast shows."""

_ALARM_SECONDS, _SECONDS = 12, 6
_LASTING = 366 * 86_400  # seconds: longer than a desk runs
_DISMISSAL = "Esc on the desk dismisses this"
_TOASTED = frozenset({FactKind.FILL, FactKind.REJECTED, FactKind.NOT_SENT, FactKind.UNKNOWN, FactKind.NOTICE})

take_away_of: Callable[[App[Any]], Callable[[Notification], None]] = attrgetter("_unnotify")


class Toasts:
    """Shows the facts that need a toast.

    A connection has one: its newest loss, until it is live. That of an UNKNOWN order goes when its state is known.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._lost: dict[str, Notification] = {}  # by venue
        self._unknown: dict[str, tuple[int, Notification]] = {}  # by the order's key, with the time of the fact
        self._lasting: dict[str, Notification] = {}  # by its words, oldest first

    def show(self, fact: Fact) -> None:
        """Shows one fact, or nothing where its row and the log say it already."""
        is_alarm = fact.severity is Severity.ALARM
        if fact.kind is FactKind.CONNECTION:
            venue = fact.text.partition(" ")[0]
            if fact.severity is not Severity.INFO and (old := self._lost.pop(venue, None)) is not None:
                take_away_of(self._app)(old)
        if fact.kind not in _TOASTED and fact.severity is not Severity.WARNING and not is_alarm and not fact.stays:
            return
        level: SeverityLevel = (
            "error" if is_alarm else "warning" if fact.severity is Severity.WARNING else "information"
        )
        seconds = _ALARM_SECONDS if is_alarm else _SECONDS
        text, heading = sanitise(fact.text, LONGEST), ""
        if text in self._lasting:
            return  # it stands there already
        if fact.stays:
            seconds, heading = _LASTING, "ALARM"
        toast = Notification(
            f"{text}\n{_DISMISSAL}" if fact.stays else text, heading, level, seconds, markup=False
        )
        if fact.stays:
            self._lasting[text] = toast
        self._app.post_message(Notify(toast))
        if fact.kind is FactKind.CONNECTION:
            self._lost[fact.text.partition(" ")[0]] = toast
        elif fact.kind is FactKind.UNKNOWN and fact.order_key:
            self._unknown[fact.order_key] = fact.ts, toast
        if is_alarm:
            self._app.bell()

    def dismiss(self) -> bool:
        """Takes away the newest toast that stands until it is dismissed; False where there is none."""
        if not self._lasting:
            return False
        take_away_of(self._app)(self._lasting.popitem()[1])
        return True

    def take(self, state: Frame) -> None:
        """Takes away what the desk's state has overtaken."""
        if not self._unknown:
            return
        still = {view.key for view in state.orders or () if view.order.status is OrderStatus.UNKNOWN}
        for key, (ts, toast) in list(self._unknown.items()):
            # A frame that is older than the fact does not know of it yet.
            if key not in still and state.ts > ts:
                del self._unknown[key]
                take_away_of(self._app)(toast)
