"""The orders of one account at a Mayex that tells what a test wants: what rests, what is over, how it pages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.venues.mayex.orders_rig import D, Terms, listed
from tests.venues.mayex.scripted_mayex import ScriptedMayex, client_at
from tests.venues.scripted_rest import JSON, Answer
from tests.venues.transport.scripted import Received
from venues.events import Event, Notice, OrderUpdate
from venues.mayex import VENUE, Client
from venues.mayex.expiry import ExpiryProof
from venues.mayex.orders import Orders
from venues.mayex.profile import Profile
from venues.mayex.settings import Settings
from venues.model import Order
from venues.transport.clock import ServerClock
from venues.transport.listing import InstrumentList

NOW = 1_700_000_000_000  # milliseconds of the venue's clock
SCALE = 0.02


def row(number: int = 7, client_id: str = "s1", **changes: Any) -> dict[str, Any]:
    """Returns the document's open order, or with an average or a counterparty its past one, as is said."""
    return {
        "orderId": number, "clientOrderId": client_id, "symbol": "btcusdt", "type": "LIMIT", "origQty": "0.010",
        "executedQty": "0.000", "price": "59000.0", "timeInForce": "GTC", "isolated": True, "side": "BUY",
        "positionSide": "LONG", "transactTime": NOW, "status": "NEW", "markPriceAtPlace": "60000.0",
        "lastPriceAtPlace": None, "closePosition": False, "triggerPrice": "0.0", "triggerType": "TRIGGER_NONE",
        "tpTriggerType": "TRIGGER_NONE", "tpTriggerPrice": "0.0", "slTriggerType": "TRIGGER_NONE",
        "slTriggerPrice": "0.0", "strategyParentId": 0,
    } | changes  # fmt: skip


def past(number: int = 7, client_id: str = "s1", **changes: Any) -> dict[str, Any]:
    over = {"status": "CANCELED", "avlPrice": "0.0", "liqCounterpartyType": "L_NONE"}
    return row(number, client_id, **(over | changes))


def answer_row(number: int = 7, client_id: str = "s1", **changes: Any) -> dict[str, Any]:
    """Returns the answer to a new order or a cancel, as the document has it."""
    whole = row(number, client_id) | {
        "cumQty": "0.000000", "cumQuote": "0.000000", "avgPrice": "0.000000", "origType": "LIMIT",
        "activatePrice": None, "priceRate": None,
    }  # fmt: skip
    for name in ("transactTime", "markPriceAtPlace", "lastPriceAtPlace", "closePosition"):
        del whole[name]
    return whole | changes


class ScriptedOrders(ScriptedMayex):
    """Lists `resting`, and `past` in pages of `size` where it heeds an index; commands get what is in `answers`.

    `first` is the index of the first page; None: it heeds none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.resting: list[dict[str, Any]] = []
        self.past: list[dict[str, Any]] = []
        self.size = 50
        self.first: int | None = 1
        self.total: int | None = None
        self.on_command: Callable[[str], None] = lambda _: None  # acts just before a command is answered

    @property
    def paths(self) -> list[str]:
        """What was asked for, by the last part of each path."""
        return [call.path.rsplit("/", 1)[1] for call in self.calls]

    def _answer(self, request: Received) -> Answer:
        if (refusal := self.judge(request)) is not None:
            return refusal
        path = urlsplit(request.target).path
        if path.endswith("open-orders"):
            return _data(self.resting)
        if path.endswith("order-histories"):
            return _data(self._page(request))
        self.on_command(path)
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    def _page(self, request: Received) -> dict[str, Any]:
        named = parse_qs(urlsplit(request.target).query).get("pageIndex")
        page = 0 if named is None or self.first is None else max(0, int(named[0]) - self.first)
        rows = self.past[page * self.size : (page + 1) * self.size]
        return {"rows": rows} | ({} if self.total is None else {"total": self.total})


class Scripted:
    """The orders, the venue behind them, and what they told."""

    def __init__(self, client: Client, orders: Orders, venue: ScriptedOrders, terms: Terms) -> None:
        self.client = client
        self.orders = orders
        self.venue = venue
        self.terms = terms
        self.told: list[Order] = []
        self.notices: list[Notice] = []

    def hear(self, events: Sequence[Event]) -> None:
        self.told += [each.order for each in events if isinstance(each, OrderUpdate)]
        self.notices += [each for each in events if isinstance(each, Notice)]


@asynccontextmanager
async def scripted(
    *, has_key: bool = True, is_heard: bool = False, free: float = 1.0, venue: ScriptedOrders | None = None
) -> AsyncIterator[Scripted]:
    """Yields orders whose venue's clock stands near NOW."""
    there, terms, made = venue or ScriptedOrders(), Terms(), list[Scripted]()
    profile = Profile(minute_quota=10**6)
    async with client_at(venue=there, has_key=has_key, profile=profile, attempts=1) as (client, _):
        clock = ServerClock(VENUE)
        await clock.measure(_now)
        expiry = ExpiryProof(client, is_wanted=True)
        orders = Orders(
            client,
            expiry.make_sender(has_credentials=has_key),
            InstrumentList(VENUE, listed),
            clock,
            emit=lambda events: made[0].hear(events),
            terms=terms,
            mark=lambda _: D(60_000),
            last=lambda _: D(60_000),
            expiry=expiry,
            settings=Settings(),
            has_credentials=has_key,
            hears=lambda: is_heard,
            free=lambda: free,
            time_scale=SCALE,
        )
        made.append(Scripted(client, orders, there, terms))
        try:
            yield made[0]
        finally:
            await orders.aclose()


async def _now() -> int:
    return NOW * 1_000_000


def _data(data: object) -> Answer:
    return 200, JSON, json.dumps({"status": 0, "error": None, "data": data}).encode()
