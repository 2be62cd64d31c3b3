"""The whole REST surface of Pumpkin as one typed client; all of it is asynchronous.

session         what sends and signs, and heeds the quotas
calls           how every call is made
paging          lists read page by page
market, rates, third_party
                market data
orders, order_lists
                orders placed and cancelled, looked up and listed
plans           plan orders, take-profit and stop-loss
positions       positions, leverage, margin
wallet          balances, bills, the stream's key, rebates
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from venues.errors import BadRequest
from venues.pumpkin import BASE_URL, VENUE
from venues.pumpkin.client.market import MarketCalls
from venues.pumpkin.client.order_lists import OrderListCalls
from venues.pumpkin.client.orders import OrderCalls
from venues.pumpkin.client.plans import PlanCalls
from venues.pumpkin.client.positions import PositionCalls
from venues.pumpkin.client.rates import RateCalls
from venues.pumpkin.client.session import PumpkinHttp, make_limiter, make_session
from venues.pumpkin.client.third_party import ThirdPartyCalls
from venues.pumpkin.client.wallet import WalletCalls
from venues.pumpkin.codes import judge_new, judge_read
from venues.pumpkin.parameters import Value
from venues.pumpkin.readings import Readings
from venues.secret import Secret
from venues.transport.address import split_url
from venues.transport.exchange import Dispatch, Session
from venues.transport.session import check_alone, credentials_of, timing_of

__all__ = ["Client", "PumpkinHttp", "Session", "make_limiter", "make_session"]


class Client(
    MarketCalls, RateCalls, ThirdPartyCalls, OrderCalls, OrderListCalls, PlanCalls, PositionCalls, WalletCalls
):
    """One account of Pumpkin, or without a key what everybody may see; for one event loop.

    Reads are tried again while it makes sense; what changes anything never is.
    """

    def __init__(
        self,
        api_key: str | Secret | None = None,
        api_secret: str | Secret | None = None,
        *,
        base_url: str = BASE_URL,
        readings: Readings | None = None,
        timeout: float = 5.0,
        attempts: int = 4,
        session: Session | None = None,
        has_key: bool = True,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` is what the document calls so: an origin, and the path that all others follow.

        `timeout` is of one attempt, in seconds; `attempts` are those of a read. A `session` signs by itself, and
        takes the place of all but `readings` and the path of `base_url`; it is closed with the client.

        Raises:
            ConfigurationError: half a key, a key beside a session, or an address or a proxy that can not be used.
        """
        origin, prefix = split_url(VENUE, base_url)
        if session is not None:
            check_alone(VENUE, api_key, api_secret)
            super().__init__(session, has_key=has_key, prefix=prefix, readings=readings)
            return
        credentials = credentials_of(VENUE, api_key, api_secret)
        made = make_session(
            credentials,
            base_url=origin,
            prefix=prefix,
            readings=readings,
            timing=timing_of(timeout, attempts),
            proxy=proxy,
            tls=tls,
        )
        super().__init__(made, has_key=credentials is not None, prefix=prefix, readings=readings)

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

        `path` is what comes after that of `base_url`, "/v2/..." as a rule. A GET is tried again, a POST is a
        command.

        Raises:
            BadRequest: another verb, or a command without `auth`.
            VenueError: as of the calls with names.
        """
        verb, whole = method.upper(), path if path.startswith("/") else f"/{path}"
        what = f"{verb} {whole}"
        if verb != "GET" and (verb != "POST" or not auth):
            raise BadRequest(VENUE, f"{what}: everything but a GET is a signed POST")
        answer: object
        if verb == "POST":
            request = self._commanding(what, whole, params or {}, is_cancel=False)
            answer = await self._session.command(request, object, refusals=judge_new, dispatch=dispatch)
        elif auth:
            answer = await self._session.fetch(self._reading(what, whole, params or {}), object, judge=judge_read)
        else:
            answer = await self._ask_bare(what, whole, object, params or {})
        return answer.get("data") if isinstance(answer, dict) and "code" in answer else answer
