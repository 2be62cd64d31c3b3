"""One command on its way to a venue: kept by the journal before it leaves, and dead some time after its nonce."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from venues.errors import BadRequest, MissingCredentials, NotSent, OrderError
from venues.model import NANOSECONDS
from venues.port import Depart, Departure
from venues.transport.exchange import Dispatch, Judge, Request, Signed
from venues.transport.http import HttpClient
from venues.transport.remedies import Remedies

T = TypeVar("T")


class Sender:
    """Sends the commands of one account, each at most once.

    `life` is how many seconds after its nonce, which is in milliseconds, the venue takes no command any more: it
    compares with its own clock, so that the deadline holds whatever ours says. None where nothing bounds it: then
    there is no deadline. Where that has to be found out it is a function, asked of each command.
    """

    def __init__(
        self,
        venue: str,
        remedies: Remedies,
        *,
        life: float | Callable[[], float | None] | None,
        has_credentials: bool,
    ) -> None:
        self._venue = venue
        self._remedies = remedies
        self._life = life
        self._has_credentials = has_credentials

    def require_key(self) -> None:
        """Raises NotSent where there is nothing to sign with."""
        if not self._has_credentials:
            raise self._remedies.not_sent_without_key()

    async def send(self, call: Callable[[Dispatch], Awaitable[T]], depart: Depart | None) -> T:
        """Returns the answer of `call`, which sends one command. Raises OrderError, NotSent or OutcomeUnknown."""
        self.require_key()

        async def on_signed(signed: Signed) -> None:
            if depart is not None:
                life = self._life() if callable(self._life) else self._life
                deadline = None if life is None else signed.nonce * 1_000_000 + round(life * NANOSECONDS)
                await depart(Departure(nonce=signed.nonce, deadline=deadline, body_hash=signed.body_hash))

        try:
            return await call(Dispatch(on_signed))
        except OrderError as error:
            raise self._remedies.add(error) from None
        except (BadRequest, MissingCredentials) as error:  # found before anything was sent
            raise NotSent(self._venue, error.message, error.code) from None


class HttpSender:
    """Sends the commands of one account straight by the HTTP client, each at most once."""

    def __init__(self, http: HttpClient, sender: Sender) -> None:
        self._http = http
        self._sender = sender

    def require_key(self) -> None:
        """Raises NotSent where there is nothing to sign with."""
        self._sender.require_key()

    async def send(self, wire: Request, into: type[T], judge: Judge, depart: Depart | None) -> T:
        """Returns the answer. Raises OrderError, NotSent or OutcomeUnknown."""
        return await self._sender.send(
            lambda dispatch: self._http.command(wire, into, refusals=judge, dispatch=dispatch), depart
        )
