"""What a client has sent last."""

from __future__ import annotations

from typing import TypeVar

from venues.transport.exchange import Dispatch, Judge, Request, Session

T = TypeVar("T")


class Watched:
    """A session that notes what goes through it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.last: Request | None = None

    async def fetch(self, request: Request, into: type[T], *, judge: Judge | None = None) -> T:
        self.last = request
        return await self.session.fetch(request, into, judge=judge)

    async def command(
        self, request: Request, into: type[T], *, refusals: Judge, dispatch: Dispatch | None = None
    ) -> T:
        self.last = request
        return await self.session.command(request, into, refusals=refusals, dispatch=dispatch)

    async def aclose(self) -> None:
        await self.session.aclose()
