"""Small recordings made by hand, and a player that goes through them row by row on a clock of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from venues.commands import CancelRequest, Channel, OrderRequest, Subscription
from venues.events import BookSnapshot, Event, FillUpdate, LinkState, OrderUpdate, StreamStatus, Trade
from venues.model import Fill, InstrumentId, Order, OrderType, Side, TimeInForce
from venues.recording.venue import ReplayVenue, Settings

ABC = InstrumentId("replay", "ABCUSDT")
START = 1_700_000_000_000
ROW: dict[str, Any] = {"symbol": "ABCUSDT"}
INSTRUMENT: dict[str, Any] = {
    **ROW,
    "kind": "instrument",
    "type": "linear_perpetual",
    "base": "ABC",
    "quote": "USDT",
    "tick": "0.1",
    "lot": "0.5",
}


def snapshot(bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {**ROW, "kind": "snapshot", "bids": bids, "asks": asks}


def delta(bids: Sequence[tuple[str, str]] = (), asks: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    return {**ROW, "kind": "delta", "bids": bids, "asks": asks}


def trade(side: str, price: str, qty: str) -> dict[str, Any]:
    return {**ROW, "kind": "trade", "side": side, "price": price, "qty": qty, "id": "t"}


def notice(text: str, **more: Any) -> dict[str, Any]:
    return {"kind": "notice", "text": text, **more}


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Each row comes one second after the one before, unless it has a time."""
    lines = [json.dumps({"ts": START + 1000 * index, **row}) for index, row in enumerate(rows)]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


class TapeClock:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class Player:
    """A replay whose events are read on demand."""

    def __init__(self, venue: ReplayVenue) -> None:
        self.venue = venue
        self.seen: list[Event] = []
        self._events = cast(AsyncGenerator[Sequence[Event], None], venue.events())

    async def until(self, condition: Callable[[Event], bool]) -> Event:
        """Plays until an event fulfils the condition. What follows in the same batch is seen too."""
        async for batch in self._events:
            self.seen.extend(batch)
            for event in batch:
                if condition(event):
                    return event
        raise AssertionError("the events ended first")

    async def until_like(self, kind: type) -> Event:
        return await self.until(lambda event: isinstance(event, kind))

    async def until_ts(self, seconds: float) -> None:
        """Plays until the recording's clock has come this far from its start."""
        wanted = (START + int(seconds * 1000)) * 1_000_000
        # Before the first row is played the clock stands at it already.
        while self.venue.now < wanted or not any(isinstance(event, BookSnapshot | Trade) for event in self.seen):
            self.seen.extend(await anext(self._events))

    async def to_end(self) -> None:
        await self.until(lambda event: isinstance(event, StreamStatus) and event.state is LinkState.ENDED)

    async def aclose(self) -> None:
        await self.venue.aclose()
        await self._events.aclose()

    def fills(self, name: str = "o1") -> list[tuple[str, str]]:
        found: list[Fill] = [e.fill for e in self.seen if isinstance(e, FillUpdate)]
        return [
            (f"{one.price:f}", f"{one.quantity.normalize():f}") for one in found if one.client_order_id == name
        ]

    def orders(self, name: str = "o1") -> list[Order]:
        found = [event.order for event in self.seen if isinstance(event, OrderUpdate)]
        return [order for order in found if order.client_order_id == name]


async def open_player(path: Path, speed: str = "1", **more: Any) -> Player:
    """Connects and subscribes to the whole of every instrument, and to the account."""
    clock = TapeClock()
    settings = Settings(path=str(path), speed=speed, **more)
    venue = ReplayVenue(settings, clock=clock.read, sleep=clock.sleep, run="test")
    await venue.connect()
    await venue.subscribe(Subscription(Channel.ACCOUNT))
    for instrument in await venue.fetch_instruments():
        for channel in (Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK):
            await venue.subscribe(Subscription(channel, instrument.id))
        await venue.subscribe(Subscription(Channel.BARS, instrument.id, 60))
    return Player(venue)


def order(
    side: Side,
    quantity: str,
    price: str | None = None,
    name: str = "o1",
    instrument: InstrumentId = ABC,
    **more: Any,
) -> OrderRequest:
    values: dict[str, Any] = {"type": OrderType.MARKET if price is None else OrderType.LIMIT, **more}
    return OrderRequest(
        instrument=instrument,
        client_order_id=name,
        side=side,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        **values,
    )


def cancel(name: str = "o1") -> CancelRequest:
    return CancelRequest(instrument=ABC, client_order_id=name, venue_order_id="")


IOC: dict[str, Any] = {"time_in_force": TimeInForce.IOC}
FOK: dict[str, Any] = {"time_in_force": TimeInForce.FOK}
