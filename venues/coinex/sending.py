"""One command on its way to CoinEx: kept by the journal before it leaves, and dead a minute after its tonce."""

from __future__ import annotations

from typing import TypeVar

from venues.coinex.auth import ORDER_LIFE
from venues.coinex.remedies import not_sent_without_key, with_remedy
from venues.errors import OrderError
from venues.model import NANOSECONDS
from venues.port import Depart, Departure
from venues.transport.exchange import Dispatch, Judge, Request, Signed
from venues.transport.http import HttpClient

T = TypeVar("T")

_LIFE = round(ORDER_LIFE * NANOSECONDS)


class Sender:
    """Sends the commands of one account, each at most once."""

    def __init__(self, http: HttpClient, *, has_credentials: bool) -> None:
        self._http = http
        self._has_credentials = has_credentials

    def require_key(self) -> None:
        """Raises NotSent where there is nothing to sign with."""
        if not self._has_credentials:
            raise not_sent_without_key()

    async def send(self, wire: Request, into: type[T], judge: Judge, depart: Depart | None) -> T:
        """Returns the answer. Raises OrderError, NotSent or OutcomeUnknown."""
        self.require_key()

        async def on_signed(signed: Signed) -> None:
            if depart is not None:
                # The venue compares the tonce with its own clock: whatever ours says, it is dead a minute after.
                deadline = signed.nonce * 1_000_000 + _LIFE
                await depart(Departure(nonce=signed.nonce, deadline=deadline, body_hash=signed.body_hash))

        try:
            return await self._http.command(wire, into, refusals=judge, dispatch=Dispatch(on_signed))
        except OrderError as error:
            raise with_remedy(error) from None
