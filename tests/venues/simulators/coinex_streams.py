"""A plain client of the CoinEx simulator's stream, in the same loop, and a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from hashlib import md5
from typing import Any

from venues.simulators.coinex.exchange import CoinexSimulator, create
from venues.simulators.coinex.socket import socket_routes
from venues.simulators.faults import Faults
from venues.simulators.port import SimulatorSettings

START = 1_700_000_000_000_000_000


class ManualClock:
    """Stands still until `advance`, which wakes whoever sleeps until then, in the order they are due."""

    def __init__(self, now: int = START) -> None:
        self.now = now
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def time_ns(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self.now + max(1, round(seconds * 1e9))
        heapq.heappush(self._sleepers, (due, next(self._numbers), future))
        await future

    async def advance(self, seconds: float) -> None:
        end = self.now + round(seconds * 1e9)
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self.now = max(self.now, due)
            if not future.done():
                future.set_result(None)
            await turns(3)
        self.now = end
        await turns(3)


async def turns(count: int) -> None:
    """Lets everything that is ready run, `count` times over."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        turn: asyncio.Future[None] = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


class StreamClient:
    """One connection to the simulator's socket, without a network. Clear `reading` to make it a slow reader."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._ids = itertools.count(1)
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.raw: list[str] = []
        self.pushes: deque[dict[str, Any]] = deque()
        self.answers: dict[Any, dict[str, Any]] = {}
        self.closed: int | None = None
        self.is_accepted = False
        self.reading = asyncio.Event()
        self.reading.set()

    @property
    def has_ended(self) -> bool:
        """The server has done with this connection."""
        return self._task is not None and self._task.done()

    async def open(self) -> None:
        scope = {
            "type": "websocket", "path": "/", "headers": [], "query_string": b"", "subprotocols": [],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {},
        }  # fmt: skip
        self._incoming.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._app(scope, self._incoming.get, self._take))
        await self.until(lambda: self.is_accepted or self.closed is not None)

    async def _take(self, message: Any) -> None:
        await self.reading.wait()
        match message["type"]:
            case "websocket.accept":
                self.is_accepted = True
            case "websocket.close":
                self.closed = message["code"]
            case _:
                self._sort(message["text"])
        self._news.set()

    def _sort(self, text: str) -> None:
        self.raw.append(text)
        message = json.loads(text)
        if message["id"] is None and "method" in message:
            self.pushes.append(message)
        else:
            self.answers[message["id"]] = message

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until it holds, at every frame; fails where the connection has ended without it."""
        while not holds():
            assert self._task is not None
            if self._task.done():
                self._task.result()
                assert holds(), "the connection has ended"
                return
            self._news.clear()
            waiting = asyncio.ensure_future(self._news.wait())
            await asyncio.wait((waiting, self._task), timeout=20, return_when=asyncio.FIRST_COMPLETED)
            assert waiting.cancel() is False or self._task.done(), "nothing came for 20 s"

    def send(self, text: str | bytes) -> None:
        kind = "text" if isinstance(text, str) else "bytes"
        self._incoming.put_nowait({"type": "websocket.receive", kind: text})

    def request(self, method: str, *params: Any) -> int:
        """Sends a request and returns its id."""
        number = next(self._ids)
        self.send(json.dumps({"method": method, "params": list(params), "id": number}))
        return number

    async def ask(self, method: str, *params: Any) -> dict[str, Any]:
        """Sends a request and returns the whole answer."""
        number = self.request(method, *params)
        await self.until(lambda: number in self.answers)
        return self.answers.pop(number)

    async def result(self, method: str, *params: Any) -> Any:
        answer = await self.ask(method, *params)
        assert answer["error"] is None, answer
        return answer["result"]

    async def refusal(self, method: str, *params: Any) -> int:
        answer = await self.ask(method, *params)
        assert answer["result"] is None
        return int(answer["error"]["code"])

    async def push(self, method: str) -> Any:
        """Returns the params of the next push of this method; earlier ones of others stay."""
        await self.until(lambda: any(push["method"] == method for push in self.pushes))
        found = next(push for push in self.pushes if push["method"] == method)
        self.pushes.remove(found)
        return found["params"]

    def take(self, *methods: str) -> list[Any]:
        """Returns and removes the pushes of these methods that have come."""
        found = [push for push in self.pushes if push["method"] in methods]
        self.pushes = deque(push for push in self.pushes if push["method"] not in methods)
        return found

    async def sign(self, simulator: CoinexSimulator) -> None:
        tonce = simulator.server_time_ns() // 1_000_000
        assert await self.result("server.sign", simulator.api_key, signature_of(simulator, tonce), tonce) == {
            "status": "success"
        }

    def leave(self) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})

    async def aclose(self) -> None:
        self.leave()
        self.reading.set()
        if self._task is not None:
            await self._task


def signature_of(simulator: CoinexSimulator, tonce: int) -> str:
    """Signs as the venue's document says."""
    text = f"access_id={simulator.api_key}&tonce={tonce}&secret_key={simulator.api_secret}"
    return md5(text.encode(), usedforsecurity=False).hexdigest().upper()


class Rig:
    """A simulator on a clock moved by hand, its socket, and its clients."""

    def __init__(
        self,
        *,
        seed: int = 1,
        rate: float = 0,
        faults: str = "",
        time_scale: float = 1.0,
        symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT", "LTCUSDT"),
    ) -> None:
        self.clock = ManualClock()
        self.faults = Faults(faults)
        settings = SimulatorSettings(seed=seed, rate=rate, time_scale=time_scale, symbols=symbols)
        self.simulator = create(settings, self.faults, clock=self.clock)
        self.market = self.simulator.market
        self._app = socket_routes(self.simulator)[0].app
        self.clients: list[StreamClient] = []

    def trade(self, symbol: str, side: str, quantity: str) -> None:
        """Lets the crowd take from the book."""
        self.simulator.act({"do": "trade", "symbol": symbol, "side": side, "quantity": quantity})

    def quote(self, symbol: str, side: str, price: str, quantity: str) -> None:
        """Lets the crowd put a limit order."""
        wish = {"do": "quote", "symbol": symbol, "side": side, "price": price, "quantity": quantity}
        self.simulator.act(wish)

    async def client(self, *, is_signed: bool = False) -> StreamClient:
        client = StreamClient(self._app)
        await client.open()
        self.clients.append(client)
        if is_signed:
            await client.sign(self.simulator)
        return client


@asynccontextmanager
async def rig(**settings: Any) -> AsyncIterator[Rig]:
    """Opens a simulator and lets its market live; ends it with all clients."""
    opened = Rig(**settings)
    life = asyncio.create_task(opened.simulator.run())
    try:
        yield opened
    finally:
        for client in opened.clients:
            await client.aclose()
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


class RebuiltBook:
    """A book put together from depth pushes as the document tells a client to."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.sides: dict[str, dict[Decimal, tuple[str, str]]] = {"bids": {}, "asks": {}}

    def take(self, is_whole: bool, body: dict[str, Any]) -> None:
        for name, side in self.sides.items():
            if is_whole:
                side.clear()
            for price, amount in body[name]:
                if Decimal(amount):
                    side[Decimal(price)] = (price, amount)
                else:
                    side.pop(Decimal(price), None)
            for price in sorted(side, reverse=name == "bids")[self.limit :]:
                del side[price]

    def levels(self, name: str) -> list[tuple[str, str]]:
        side = self.sides[name]
        return [side[price] for price in sorted(side, reverse=name == "bids")]

    @property
    def checksum(self) -> int:
        text = ":".join(part for name in ("bids", "asks") for level in self.levels(name) for part in level)
        crc = zlib.crc32(text.encode())
        return crc - 2**32 if crc >= 2**31 else crc
