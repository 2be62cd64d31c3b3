"""The streams of one venue: the market's, and the account's, so that a refused key stops no market data."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence

from venues.events import StreamStatus
from venues.redaction import Redaction
from venues.transport.address import Address
from venues.transport.asks import Ask
from venues.transport.conversation import Expects, Rules
from venues.transport.heartbeat import Heartbeat
from venues.transport.link import Quarantined, Stream
from venues.transport.ratelimit import Pool, RateLimiter, Weight
from venues.transport.settings import VenueSettings
from venues.transport.timing import DESK


class Streams:
    """Makes the streams of one venue, with what they have in common.

    `heartbeat` is scaled already. `weight` is what a connection draws from `limiter`, `pools` what may be sent on
    each. Without `is_pipelined` one ask is answered before the next is sent.
    """

    def __init__(
        self,
        venue: str,
        settings: VenueSettings,
        limiter: RateLimiter,
        *,
        heartbeat: Heartbeat,
        headers: Sequence[tuple[str, str]] = (),
        weight: Weight = (),
        pools: Sequence[Pool] = (),
        expects: Expects = Expects.TEXT,
        is_pipelined: bool = True,
        rng: random.Random,
        hide: Redaction | None = None,
        tls: ssl.SSLContext | None = None,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self.address = Address(url=settings.ws_url, headers=tuple(headers))
        self._venue = venue
        self._heartbeat = heartbeat
        self._timing = DESK.scaled(settings.time_scale)
        self._limiter = limiter
        self._weight = weight
        self._pools = tuple(pools)
        self._expects = expects
        self._is_pipelined = is_pipelined
        self._proxy = settings.proxy
        self._rng = rng
        self._hide = hide
        self._tls = tls
        self._wall = wall

    def make(
        self,
        *,
        on_status: Callable[[StreamStatus], None],
        on_open: Callable[[int], None],
        on_quarantine: Callable[[Quarantined], None],
        login: Ask | None = None,
        address: Address | Callable[[], Awaitable[Address]] | None = None,
    ) -> Stream:
        """Returns a stream that is not started; with a login it is the account's, whose silence is no news.

        Raises:
            ConfigurationError: the address or the proxy can not be used.
        """
        return Stream(
            Rules(
                venue=self._venue,
                heartbeat=self._heartbeat,
                timing=self._timing,
                login=login,
                expects=self._expects,
                pools=self._pools,
                is_pipelined=self._is_pipelined,
                ages=login is None,
            ),
            address or self.address,
            on_status=on_status,
            on_open=on_open,
            on_quarantine=on_quarantine,
            limiter=self._limiter,
            weight=self._weight,
            proxy=self._proxy,
            hide=self._hide if login is not None else None,  # nothing else quotes a key
            tls=self._tls,
            rng=self._rng,
            wall=self._wall,
        )
