"""A scripted CoinEx on a real socket, and the account that talks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tests.venues.coinex.documented import rest, stream
from tests.venues.transport.loopback import LoopbackServer
from tests.venues.transport.scripted import read_request, say
from venues.coinex import VENUE
from venues.coinex.account import Account
from venues.coinex.auth import sign_with, signature
from venues.coinex.messages import AccountPush, decode_frame
from venues.commands import OrderRequest
from venues.errors import UnknownInstrument
from venues.events import Event, FillUpdate, Notice, OrderUpdate
from venues.model import Fill, Instrument, InstrumentId, InstrumentKind, Order, OrderType, Side
from venues.port import Credentials, Departure
from venues.transport.clock import ServerClock
from venues.transport.http import HttpClient
from venues.transport.timing import Timing

SECRET = "canary-secret-5b1d"
KEYS = Credentials("canary-key-9f3e", SECRET)
BTC = Instrument(
    id=InstrumentId(VENUE, "BTCUSDT"), name="BTC/USDT", kind=InstrumentKind.SPOT, base="BTC", quote="USDT",
    settle="USDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.00000001"),
)  # fmt: skip
ETH = msgspec.structs.replace(BTC, id=InstrumentId(VENUE, "ETHUSDT"), name="ETH/USDT", base="ETH")
NOW = 1_700_000_000_000_000_000
TONCE = NOW // 1_000_000

Answer = Callable[[dict[str, Any]], Any]


class Refused(Exception):
    """The venue answers with this code."""

    def __init__(self, code: int, message: str = "no") -> None:
        super().__init__(message)
        self.code = code


class Asked(msgspec.Struct, frozen=True):
    """A request as it came, without what the signature adds."""

    call: str
    params: dict[str, Any]


class ScriptedRest(LoopbackServer):
    """Answers each call ("GET /order/status") as its test says; a call that no test expects is refused with 4."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.news = asyncio.Event()
        self.unsigned: list[str] = []
        self._answers: dict[str, Answer] = {}
        self.held: dict[str, asyncio.Event] = {}  # calls that wait before they are answered

    def on(self, call: str, answer: Any) -> None:
        """`answer` is the data, or a function from the parameters to it, which may raise Refused."""
        self._answers[call] = answer if callable(answer) else lambda _: answer

    def of(self, call: str) -> list[dict[str, Any]]:
        """Returns the parameters of each such call."""
        return [asked.params for asked in self.asked if asked.call == call]

    @property
    def calls(self) -> list[str]:
        return [asked.call for asked in self.asked]

    @property
    def commands(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("GET")]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader, 1)
            parts = urlsplit(request.target)
            params: dict[str, Any] = dict(parse_qsl(parts.query)) | json.loads(request.body or b"{}")
            call = f"{request.method} {parts.path.removeprefix('/v1')}"
            body, delay = self._answer(call, params, request.headers.get("authorization", ""))
            if delay is not None:
                await delay.wait()
            await say(writer, 200, {}, body)

    def _answer(self, call: str, params: dict[str, Any], given: str) -> tuple[bytes, asyncio.Event | None]:
        if "access_id" in params and signature(params, SECRET) != given:
            self.unsigned.append(call)
        stripped = {name: value for name, value in params.items() if name not in ("access_id", "tonce")}
        self.asked.append(Asked(call, stripped))
        self.news.set()
        try:
            envelope = {"code": 0, "data": self._answers[call](stripped), "message": "Ok"}
        except KeyError:
            envelope = {"code": 4, "data": {}, "message": f"unexpected {call}"}
        except Refused as refusal:
            envelope = {"code": refusal.code, "data": {}, "message": str(refusal)}
        return json.dumps(envelope).encode(), self.held.get(call)


class Listed:
    """Two markets."""

    def known(self, instrument: InstrumentId) -> Instrument | None:
        return {BTC.id: BTC, ETH.id: ETH}.get(instrument)

    async def one(self, instrument: InstrumentId) -> Instrument:
        found = self.known(instrument)
        if found is None:
            raise UnknownInstrument(VENUE, "no such market")
        return found


class Rig:
    """The account, its venue, and what it has emitted. Pauses are cut to a hundredth, and still real."""

    def __init__(self, venue: ScriptedRest, account: Account, http: HttpClient) -> None:
        self.venue = venue
        self.account = account
        self.http = http
        self.emitted: list[Event] = []
        self.news = asyncio.Event()
        self.departures: list[Departure] = []

    def emit(self, events: Sequence[Event]) -> None:
        self.emitted += events
        self.news.set()

    async def depart(self, departure: Departure) -> None:
        self.departures.append(departure)

    def push(self, message: dict[str, Any]) -> list[Event]:
        """Hands a push to the account, as the stream would."""
        return list(self.account.take(push_of(message), NOW))

    async def emits(self, is_it: Callable[[list[Event]], bool]) -> list[Event]:
        """Waits until what was emitted satisfies."""
        async with asyncio.timeout(10):
            while not is_it(self.emitted):
                self.news.clear()
                await self.news.wait()
        return self.emitted

    async def asks(self, call: str, times: int) -> None:
        """Waits until the venue was asked so often."""
        async with asyncio.timeout(10):
            while len(self.venue.of(call)) < times:
                self.venue.news.clear()
                await self.venue.news.wait()


@asynccontextmanager
async def rig(*, has_key: bool = True, last: str | None = "30000", is_timed: bool = True) -> AsyncIterator[Rig]:
    clock = ServerClock(VENUE, is_corrected=True, wall=lambda: NOW, monotonic=lambda: 0)
    if is_timed:
        await clock.measure(_now)
    async with ScriptedRest() as venue:
        http = HttpClient(
            VENUE,
            venue.origin,
            sign=sign_with(KEYS) if has_key else None,
            nonce=lambda: clock.signing_time() // 1_000_000,
            timing=Timing(command=5.0, read=5.0, pause=0.01, longest_pause=0.02),
        )
        made: list[Rig] = []
        account = Account(
            http=http,
            instruments=Listed(),
            clock=clock,
            emit=lambda events: made[0].emit(events),
            has_credentials=has_key,
            time_scale=0.01,
            last_price=lambda _: None if last is None else Decimal(last),
        )
        made.append(Rig(venue, account, http))
        try:
            yield made[0]
        finally:
            await account.aclose()
            await http.aclose()
    assert venue.unsigned == []


async def _now() -> int:
    return NOW


def request_for(kind: OrderType = OrderType.LIMIT, **changes: Any) -> OrderRequest:
    fields: dict[str, Any] = {
        "instrument": BTC.id, "client_order_id": "s1", "side": Side.BUY, "type": kind, "quantity": Decimal(1),
    }  # fmt: skip
    if kind.has_price:
        fields["price"] = Decimal(30_000)
    if kind.has_trigger:
        fields["trigger_price"] = Decimal(31_000)
    return OrderRequest(**fields | changes)


def order_row(**changes: Any) -> dict[str, Any]:
    """A resting limit buy of 1 BTC as REST shows it, from the documented example."""
    fresh = {
        "id": 501, "client_id": "s1", "type": "buy", "amount": "1.00000000", "left": "1.00000000",
        "create_time": TONCE // 1000, "account_id": 0, "price": "30000",
    }  # fmt: skip
    row: dict[str, Any] = rest("DELETE /order/pending").value["data"] | fresh | changes
    return row


def stop_row(**changes: Any) -> dict[str, Any]:
    """A waiting stop-limit buy of 1 BTC, from the documented example."""
    fresh = {
        "order_id": 701, "client_id": "s1", "type": "buy", "amount": "1.00000000", "price": "30000",
        "stop_price": "31000", "state": 2, "create_time": TONCE // 1000,
    }  # fmt: skip
    row: dict[str, Any] = rest("GET /order/stop/pending").value["data"]["data"][0] | fresh | changes
    return row


def deal_row(**changes: Any) -> dict[str, Any]:
    fresh = {
        "id": 901, "order_id": 501, "type": "buy", "price": "30000", "amount": "0.4", "deal_money": "12000",
        "fee": "24", "fee_asset": "USDT", "role": "maker", "create_time": TONCE // 1000,
    }  # fmt: skip
    row: dict[str, Any] = rest("GET /order/user/deals").value["data"]["data"][0] | fresh | changes
    return row


def page(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"data": list(rows), "curr_page": 1, "has_next": False, "count": len(rows)} | more


def order_push(event: int, *, in_array: bool = False, **changes: Any) -> dict[str, Any]:
    """The documented push, of a limit buy of 1 BTC."""
    fresh = {
        "id": 501, "client_id": "s1", "side": 2, "market": "BTCUSDT", "price": "30000", "amount": "1", "left": "1",
        "account": 0, "ctime": TONCE / 1000, "mtime": TONCE / 1000 + 1,
    }  # fmt: skip
    body = stream("order.update").value["params"][1][0] | fresh | changes
    return {"method": "order.update", "params": [event, [body] if in_array else body], "id": None}


def stop_push(event: int, **changes: Any) -> dict[str, Any]:
    fresh = {
        "id": 701, "client_id": "s1", "side": 2, "type": 1, "market": "BTCUSDT", "price": "30000", "amount": "1",
        "stop_price": "31000", "account": 0, "ctime": TONCE / 1000, "mtime": TONCE / 1000 + 1, "direction": 2,
        "status": 0,
    }  # fmt: skip
    record = stream("order.query_stop", "answer").value["result"]["records"][0]
    return {"method": "order.update_stop", "params": [event, record | fresh | changes], "id": None}


def own_deal_push(**changes: Any) -> dict[str, Any]:
    fresh = {
        "id": 901, "order_id": 501, "client_id": "s1", "type": "buy", "price": "30000", "amount": "0.4",
        "time": TONCE / 1000 + 0.25,
    }  # fmt: skip
    deal = stream("deals_own.update").value["params"][1][0] | fresh | changes
    return {"method": "deals_own.update", "params": ["BTCUSDT", [deal]], "id": None}


def push_of(message: dict[str, Any]) -> AccountPush:
    push = decode_frame(json.dumps(message).encode())
    assert isinstance(push, AccountPush)
    return push


def orders_in(events: Sequence[Event]) -> list[Order]:
    return [event.order for event in events if isinstance(event, OrderUpdate)]


def fills_in(events: Sequence[Event]) -> list[Fill]:
    return [event.fill for event in events if isinstance(event, FillUpdate)]


def notices_in(events: Sequence[Event]) -> list[Notice]:
    return [event for event in events if isinstance(event, Notice)]
