"""One command on its way to MAX: kept by the journal before it leaves, and dead half a minute after its nonce."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from venues.errors import BadRequest, MissingCredentials, NotSent, OrderError
from venues.max import VENUE
from venues.max.auth import ORDER_LIFE
from venues.max.remedies import not_sent_without_key, with_remedy
from venues.model import NANOSECONDS
from venues.port import Depart, Departure
from venues.transport.exchange import Dispatch, Signed

T = TypeVar("T")

_LIFE = round(ORDER_LIFE * NANOSECONDS)


class Sender:
    """Sends the commands of one account, each at most once."""

    def __init__(self, *, has_credentials: bool) -> None:
        self._has_credentials = has_credentials

    def require_key(self) -> None:
        """Raises NotSent where there is nothing to sign with."""
        if not self._has_credentials:
            raise not_sent_without_key()

    async def send(self, call: Callable[[Dispatch], Awaitable[T]], depart: Depart | None) -> T:
        """Returns the answer of one command of the client. Raises OrderError, NotSent or OutcomeUnknown."""
        self.require_key()

        async def on_signed(signed: Signed) -> None:
            if depart is not None:
                # The venue compares the nonce with its own clock: whatever ours says, it is dead 30 s after.
                deadline = signed.nonce * 1_000_000 + _LIFE
                await depart(Departure(nonce=signed.nonce, deadline=deadline, body_hash=signed.body_hash))

        try:
            return await call(Dispatch(on_signed))
        except OrderError as error:
            raise with_remedy(error) from None
        except (BadRequest, MissingCredentials) as error:  # found before anything was sent
            raise NotSent(VENUE, error.message, error.code) from None
