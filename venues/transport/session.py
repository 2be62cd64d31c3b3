"""How every typed client begins and ends, and asks what is no GET."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TypeVar

from venues.errors import (
    ConfigurationError,
    DecodeError,
    NotSent,
    OrderError,
    OutcomeUnknown,
    VenueError,
    VenueUnavailable,
)
from venues.port import Credentials
from venues.secret import Secret
from venues.transport.exchange import Dispatch, Judge, Request, Session
from venues.transport.timing import Timing

T = TypeVar("T")

_LONGEST_READ = 3  # attempts that a read waits for in full


class InSession:
    """A client as a context: leaving it closes every connection."""

    _session: Session

    @property
    def session(self) -> Session:
        return self._session

    async def aclose(self) -> None:
        """Closes every connection. May be called twice."""
        await self._session.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def credentials_of(
    venue: str, api_key: str | Secret | None, api_secret: str | Secret | None, sub_account: str = ""
) -> Credentials | None:
    """Returns the API key, None where there is none. Raises ConfigurationError: half a key."""
    if not api_key and not api_secret:
        return None
    if not api_key or not api_secret:
        raise ConfigurationError(venue, "a key needs both halves: api_key and api_secret")
    return Credentials(api_key, api_secret, sub_account=sub_account)


async def ask_once(session: Session, request: Request, into: type[T], judge: Judge, dispatch: Dispatch) -> T:
    """Returns the answer to a read of another verb than GET: asked once, it changes nothing that has to be proven.

    Raises:
        VenueError: what `judge` found, as for a GET; DecodeError, or VenueUnavailable where nothing was answered.
    """
    told: list[VenueError] = []

    def heard(status: int, body: object) -> VenueError | None:
        found = judge(status, body)
        if found is not None:
            told.append(found)
        return found

    try:
        return await session.command(request, into, refusals=heard, dispatch=dispatch)
    except (NotSent, OutcomeUnknown, OrderError) as error:
        if told:
            raise told[0] from None
        is_answered = dispatch.answer is not None and dispatch.answer.is_success
        raise (DecodeError if is_answered else VenueUnavailable)(error.venue, error.message, error.code) from None


def check_alone(venue: str, *key: str | Secret | None) -> None:
    """Raises ConfigurationError where a key is given beside a session."""
    if any(part is not None for part in key):
        raise ConfigurationError(venue, "a session signs by itself: give it the key")


def timing_of(timeout: float, attempts: int) -> Timing:
    """Returns how long things may take where one attempt may take `timeout` seconds, and a read has so many."""
    return Timing(command=timeout, attempt=timeout, attempts=attempts, read=_LONGEST_READ * timeout)
