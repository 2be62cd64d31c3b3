"""The whole REST surface of MAX as one typed client, by the names of its document; all of it is asynchronous.

session         what sends and signs
calls           how every call is made
paging          lists read page by page
public          market data, and the M-wallet's prices and rates
history         the account, its balances, and lists of its orders and fills
orders          one order: looked up, placed, cancelled
funds, fund_transactions
                deposits, withdrawals, transfers, rewards, converts
margin          the M-wallet
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping

from venues.errors import BadRequest
from venues.max import REST_ORIGIN, VENUE
from venues.max.client.fund_transactions import FundTransactionCalls
from venues.max.client.funds import FundCalls
from venues.max.client.history import HistoryCalls
from venues.max.client.margin import MarginCalls
from venues.max.client.orders import OrderCalls
from venues.max.client.public import PublicCalls
from venues.max.client.session import make_session
from venues.max.parameters import Value
from venues.model import NANOSECONDS
from venues.secret import Secret
from venues.transport.clock import ServerClock
from venues.transport.exchange import Session
from venues.transport.nonces import KeyNonces
from venues.transport.session import check_alone, credentials_of, timing_of

__all__ = ["Client", "Session", "make_session"]


class Client(PublicCalls, HistoryCalls, OrderCalls, FundCalls, FundTransactionCalls, MarginCalls):
    """One account of MAX, or without a key what everybody may see; for one event loop.

    Reads are tried again while it makes sense, each time with a nonce of its own; what changes anything never is.
    """

    def __init__(
        self,
        api_key: str | Secret | None = None,
        api_secret: str | Secret | None = None,
        *,
        sub_account: str = "",
        base_url: str = REST_ORIGIN,
        timeout: float = 5.0,
        attempts: int = 4,
        session: Session | None = None,
        nonces: Callable[[], int] | None = None,
        clock: ServerClock | None = None,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`timeout` is of one attempt, in seconds; `attempts` are those of a read.

        `nonces` returns another number each time, in milliseconds; without it, the file is asked that all programs
        of this user share. `clock` is the venue's, which nonces are drawn by. A `session` signs by itself, and
        takes the place of all but clock and `sub_account`; it is closed with the client.

        Raises:
            ConfigurationError: half a key, a key beside a session, or an address or a proxy that can not be used.
        """
        self.clock = clock or ServerClock(VENUE, is_corrected=True)
        self._own_nonces: KeyNonces | None = None
        if session is not None:
            check_alone(VENUE, api_key, api_secret)
            super().__init__(session, has_key=True, sub_account=sub_account)
            return
        credentials = credentials_of(VENUE, api_key, api_secret, sub_account)
        if credentials is not None and nonces is None:
            nonces = self._own_nonces = KeyNonces(credentials.key, VENUE, now_ms=self._now_ms)
        made = make_session(
            credentials,
            nonces=nonces,
            base_url=base_url,
            timing=timing_of(timeout, attempts),
            proxy=proxy,
            tls=tls,
        )
        super().__init__(made, has_key=credentials is not None, sub_account=sub_account)

    async def request(
        self, method: str, path: str, params: Mapping[str, Value] | None = None, *, auth: bool = False
    ) -> object:
        """Makes a call that has no name here; returns dicts, lists, text, int, Decimal, bool and None.

        `path` may begin with "/api/v3" or be what comes after it. A GET is tried again, all else is a command.

        Raises:
            BadRequest: a command without `auth`.
            VenueError: as of the calls with names.
        """
        verb, whole = method.upper(), path if path.startswith("/") else f"/{path}"
        what = f"{verb} {whole}"
        if verb != "GET":
            if not auth:
                raise BadRequest(VENUE, f"{what}: everything but a GET is signed")
            return await self._command(what, verb, whole, object, params or {})
        if auth:
            return await self._read(what, whole, object, params or {})
        return await self._ask(what, whole, object, params or {})

    async def measure_clock(self) -> bool:
        """Compares the clocks once, to the second; False where ours was set meanwhile. Raises VenueError."""
        return await self.clock.measure(self._read_time, NANOSECONDS)

    async def aclose(self) -> None:
        """Closes every connection. May be called twice."""
        await super().aclose()
        if self._own_nonces is not None:
            self._own_nonces.close()

    async def _read_time(self) -> int:
        return (await self.timestamp()).timestamp * NANOSECONDS

    def _now_ms(self) -> int:
        return self.clock.signing_time() // 1_000_000
