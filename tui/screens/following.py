"""Dialogs that show the desk as it is now, for as long as they stand."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from tui.desk.frame import Frame


@runtime_checkable
class FollowsDesk(Protocol):
    """A dialog that takes each new state of the desk."""

    follows_desk: bool

    def take(self, state: Frame) -> None: ...
