"""The whole REST surface of Mayex as one typed client; all of it is asynchronous.

session         what sends and signs, and notes what was proven
calls           how every call is made
market          what is listed
orders          orders placed, cancelled and listed; fills
account         balances, positions, leverage, margin, the token of the private stream
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from time import time_ns

from venues.errors import BadRequest, NotSupported
from venues.mayex import BASE_URL, VENUE
from venues.mayex.client.account import AccountCalls
from venues.mayex.client.market import MarketCalls
from venues.mayex.client.orders import OrderCalls
from venues.mayex.client.session import MayexHttp, make_limiter, make_session
from venues.mayex.codes import judge_new, judge_read
from venues.mayex.endpoints import PAIRS
from venues.mayex.parameters import Value
from venues.mayex.profile import FAIRDESK, Profile
from venues.redaction import Redaction
from venues.secret import Secret
from venues.transport.address import split_url
from venues.transport.exchange import Dispatch, Session
from venues.transport.session import check_alone, credentials_of, timing_of

__all__ = ["Client", "MayexHttp", "make_limiter", "make_session"]

_VERBS = ("GET", "POST", "PUT", "DELETE")


class Client(MarketCalls, OrderCalls, AccountCalls):
    """One account of Mayex, or without a key what everybody may see; for one event loop.

    Reads are tried again while it makes sense; what changes anything never is.
    """

    def __init__(
        self,
        api_key: str | Secret | None = None,
        api_secret: str | Secret | None = None,
        *,
        base_url: str = BASE_URL,
        profile: Profile = FAIRDESK,
        now: Callable[[], int] = time_ns,
        timeout: float = 5.0,
        attempts: int = 4,
        session: Session | None = None,
        has_key: bool = True,
        secrets: Redaction | None = None,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` is what all paths of the document follow; `profile` is what it leaves open.

        `now` is the venue's time in nanoseconds: requests live a minute by its clock. `timeout` is of one attempt,
        in seconds; `attempts` are those of a read. A `session` signs by itself, and takes the place of all but
        `profile` and the path of `base_url`; it is closed with the client. `secrets` learns what opens the private
        stream, and must not be what the session masks answers with.

        Raises:
            ConfigurationError: half a key, a key beside a session, or an address, a proxy or a secret that can
                not be used.
        """
        _, prefix = split_url(VENUE, base_url)
        if session is not None:
            check_alone(VENUE, api_key, api_secret)
            super().__init__(session, has_key=has_key, prefix=prefix, profile=profile, secrets=secrets)
            return
        credentials = credentials_of(VENUE, api_key, api_secret)
        made = make_session(
            credentials,
            base_url=base_url,
            profile=profile,
            now=now,
            timing=timing_of(timeout, attempts),
            proxy=proxy,
            tls=tls,
        )
        has_key = credentials is not None
        super().__init__(made, has_key=has_key, prefix=prefix, profile=profile, secrets=secrets)

    @property
    def is_verified(self) -> bool:
        """Whether a signed call has succeeded: how the venue signs is inferred until then."""
        return isinstance(self._session, MayexHttp) and self._session.is_verified

    async def time(self) -> int:
        """Returns the venue's time in nanoseconds UTC, cut to seconds, from the date of an answer.

        Raises:
            NotSupported: the session is none of ours, and tells no dates.
            VenueError: what went wrong with the answer.
        """
        if not isinstance(self._session, MayexHttp):
            raise NotSupported(VENUE, "this session does not tell when an answer was written")
        return await self._session.fetch_date(self._public("read time", PAIRS))

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Value] | None = None,
        *,
        auth: bool = False,
        dispatch: Dispatch | None = None,
    ) -> object:
        """Makes a call that has no name here; returns the `data` of its answer as dicts, lists, text, int,
        Decimal, bool and None.

        `path` is what comes after `base_url`. A GET is tried again, all else is a command.

        Raises:
            BadRequest: another verb, or a command without `auth`.
            VenueError: as of the calls with names.
        """
        verb, whole = method.upper(), path if path.startswith("/") else f"/{path}"
        what = f"{verb} {whole}"
        if verb not in _VERBS or (verb != "GET" and not auth):
            raise BadRequest(VENUE, f"{what}: everything but a GET is signed, and POST, PUT or DELETE")
        answer: object
        if verb != "GET":
            asked = self._commanding(what, verb, whole, params or {}, is_cancel=False)
            answer = await self._session.command(asked, object, refusals=judge_new, dispatch=dispatch)
        else:
            asked = (
                self._reading(what, verb, whole, params or {}) if auth else self._public(what, whole, params or {})
            )
            answer = await self._session.fetch(asked, object, judge=judge_read)
        return answer.get("data") if isinstance(answer, dict) else answer
