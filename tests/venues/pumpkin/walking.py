"""A client at the local exchange, which is written from the same document by other hands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import httpx

from tests.venues.perpetual_rig import ServedExchange
from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.pumpkin.documented import methods
from tests.venues.watched import Watched
from venues.port import Credentials
from venues.pumpkin import PREFIX, Client
from venues.pumpkin.auth import FORM
from venues.pumpkin.client import make_session
from venues.pumpkin.readings import Readings
from venues.pumpkin.requests import NewOrder
from venues.simulators.pumpkin.exchange import PumpkinSimulator
from venues.simulators.serving import Practice, served_in_thread
from venues.transport.timing import Timing

T = TypeVar("T")
D = Decimal
BTC, ETH = "btc_usdt", "eth_usdt"
PRICE = D(60_000)  # where the market of BTC stands
SIZE = D("0.0001")  # BTC a contract
TAKER = D("0.0005")


class Exchange(ServedExchange[PumpkinSimulator]):
    """A served exchange where nobody but us acts."""

    def __init__(self, practice: Practice, control: httpx.Client) -> None:
        super().__init__(PumpkinSimulator, practice, control)

    def mark(self, price: Decimal | int, symbol: str = BTC) -> None:
        super().mark(price, symbol)

    @property
    def spent(self) -> int:
        """The weight that the venue has counted."""
        return self.simulator.weights.spent

    @asynccontextmanager
    async def walking(self, *, secret: str = "", key: str = "", **readings: Any) -> AsyncIterator[Walk]:
        """Opens a client of it."""
        practice, read = self.practice, Readings(**({"minute_quota": 1_200} | readings))
        session = make_session(
            Credentials(key or practice.api_key, secret or practice.api_secret),
            base_url=practice.rest_url,
            readings=read,
            timing=Timing(attempts=1),
            tls=shared_tls(),
        )
        watched = Watched(session)
        async with Client(session=watched, readings=read) as client:
            yield Walk(client, watched, self)


@contextmanager
def exchange() -> Iterator[Exchange]:
    """Serves an exchange in a thread of its own, with BTC at 60,000."""
    with (
        served_in_thread("pumpkin", seed=5, rate=0, time_scale=0.05, symbols=(BTC, ETH)) as practice,
        httpx.Client(base_url=practice.rest_url, trust_env=False) as control,
    ):
        opened = Exchange(practice, control)
        opened.mark(PRICE)
        yield opened


class Walk:
    """A client at the exchange, and the calls that it has made."""

    def __init__(self, client: Client, watched: Watched, venue: Exchange) -> None:
        self.client = client
        self.watched = watched
        self.venue = venue
        self.made: set[str] = set()

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Makes a call; holds verb, path and parameters against the document, and what the venue has counted."""
        before = self.venue.spent
        answer = await getattr(self.client, name)(*args, **kwargs)
        row, request = methods()[name], self.watched.last
        assert request is not None
        assert (request.method, request.path) == (row.verb, PREFIX + row.path)
        assert request.headers == FORM
        assert not (request.body if row.verb == "GET" else request.query)
        sent = request.query or request.body.decode("ascii")
        names = [pair for pair, _ in parse_qsl(sent, strict_parsing=bool(sent))]
        assert names == sorted(set(names) & set(row.parameters))
        assert self.venue.spent - before == row.weight == request.weight[0][1]
        self.made.add(name)
        return answer

    async def order(self, **changes: Any) -> str:
        """Places an order, a long's opening at the market but for what is changed, and returns its id."""
        number: str = await self.call("create_order", order(**changes))
        return number


def order(**changes: Any) -> NewOrder:
    whole: dict[str, Any] = {
        "symbol": BTC, "order_side": "BUY", "position_side": "LONG", "orig_qty": 100, "leverage": 25,
        "order_type": "MARKET", "time_in_force": "IOC",
    }  # fmt: skip
    return NewOrder(**(whole | changes))


def resting(**changes: Any) -> NewOrder:
    """Returns an order that rests below the market."""
    return order(**({"order_type": "LIMIT", "price": "59000", "time_in_force": "GTC"} | changes))
