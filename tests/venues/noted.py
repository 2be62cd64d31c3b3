"""A session that notes all that goes through it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from venues.transport.exchange import Dispatch, Judge, Request, Session

T = TypeVar("T")


class Noted:
    """Notes what goes through `session`; `before` may act just before a command does."""

    def __init__(self, session: Session, *, prefix: str = "", held: str = "") -> None:
        """Reads whose path ends with `held` wait for `released`. `prefix` is what paths are shown without."""
        self.session = session
        self._prefix = prefix
        self.made: list[Request] = []
        self.before: Callable[[Request], None] = lambda _: None
        self.held = held
        self.released = asyncio.Event()
        self.released.set()

    async def fetch(self, request: Request, into: type[T], *, judge: Judge | None = None) -> T:
        self.made.append(request)
        if self.held and request.path.endswith(self.held):
            await self.released.wait()
        return await self.session.fetch(request, into, judge=judge)

    async def command(
        self, request: Request, into: type[T], *, refusals: Judge, dispatch: Dispatch | None = None
    ) -> T:
        self.before(request)
        self.made.append(request)
        return await self.session.command(request, into, refusals=refusals, dispatch=dispatch)

    async def aclose(self) -> None:
        await self.session.aclose()

    @property
    def commands(self) -> list[str]:
        """The paths of what was sent to change something."""
        return [each.path.removeprefix(self._prefix) for each in self.made if each.method != "GET"]

    @property
    def reads(self) -> list[str]:
        """The paths of what was asked."""
        return [each.path.removeprefix(self._prefix) for each in self.made if each.method == "GET"]
