"""The desk as `python -m tui` runs it, with the times at which an order passes each hop written down.

    python -m tests.benchmarks.order_desk ORIGIN AUTHORITY REPORT ARGUMENTS...

The market is the paper venue's; orders go over the project's own transport to the exchange at ORIGIN, whose
certificate AUTHORITY has signed. For each order REPORT gets a line of JSON: nanoseconds of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from textual.events import Event, Key

import tui.app
import tui.desk.journal_store
import tui.launch
import tui.screens.dashboard
from tui.app import PitsideApp
from tui.cli import run
from tui.desk.control import OrderIntent, Outcome
from tui.desk.engine import Engine
from tui.desk.journal import Command
from tui.desk.journal_events import Draft
from tui.desk.journal_store import SqliteJournal
from tui.desk.session import Session
from tui.screens.ticket import Ticket
from venues.commands import OrderRequest
from venues.model import Order, OrderStatus
from venues.paper.venue import PaperVenue, Settings
from venues.port import Depart, Departure
from venues.transport.exchange import Dispatch, Request, Signed
from venues.transport.http import HttpClient
from venues.transport.nonces import Nonces
from venues.transport.privacy import default_tls

SECRET = b"benchmark"
WARM = Request(what="server time", method="GET", path="/time")
PLACE = Request(what="place order", method="POST", path="/order", is_private=True)


class Acknowledgement(msgspec.Struct):
    id: str


class Stopwatch:
    """The hops of the one order that is on its way."""

    def __init__(self, report: Path) -> None:
        self._report = report
        self._marks: dict[str, int] = {}

    def begin(self, at: int) -> None:
        self._marks = {"key": at}

    def mark(self, hop: str, at: int | None = None) -> None:
        self._marks.setdefault(hop, time.monotonic_ns() if at is None else at)

    def end(self) -> None:
        with self._report.open("a") as file:
            file.write(json.dumps(self._marks) + "\n")


class TimedApp(PitsideApp):
    """`y` is the key that sends; it carries the time at which it was read off the terminal."""

    order_watch: Stopwatch

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key) and event.key == "y" and not event.is_forwarded:
            self.order_watch.begin(round(event.time * 1e9))
            self.order_watch.mark("taken from the queue")
        await super().on_event(event)

    async def _is_type_ahead(self, key: Key) -> bool:
        found = await super()._is_type_ahead(key)
        self.order_watch.mark("no burst")
        return found


class TimedTicket(Ticket):
    order_watch: Stopwatch

    def on_key(self, event: Key) -> None:
        self.order_watch.mark("at the ticket")
        super().on_key(event)
        self.order_watch.mark("wished")


class TimedEngine(Engine):
    order_watch: Stopwatch

    def submit(self, intent: OrderIntent) -> Future[Outcome]:
        self.order_watch.mark("handed to the engine")
        return super().submit(intent)


class TimedSession(Session):
    order_watch: Stopwatch

    async def submit(self, intent: OrderIntent) -> Outcome:
        self.order_watch.mark("on the engine's loop")
        return await super().submit(intent)


class TimedJournal(SqliteJournal):
    """The journal, with what the disk takes apart from what waits for it."""

    def __init__(self, watch: Stopwatch, path: Path, **settings: Any) -> None:
        super().__init__(path, **settings)
        self._watch = watch
        self._row = ""  # which one the order waits for

    async def intent(self, command: Command, ts: int, *, notional: Decimal | None = None) -> None:
        self._watch.mark("guards passed")
        self._row = "intent"
        await super().intent(command, ts, notional=notional)
        self._watch.mark("intent kept")

    async def sending(self, command: Command, departure: Departure, ts: int) -> None:
        self._watch.mark("signed")
        self._row = "sending"
        await super().sending(command, departure, ts)
        self._watch.mark("sending kept")

    def _commit(self, connection: sqlite3.Connection, drafts: Sequence[Draft]) -> None:
        row, self._row = self._row, ""
        if row:
            self._watch.mark(f"{row} at the disk")
        super()._commit(connection, drafts)
        if row:
            self._watch.mark(f"{row} on the disk")


class OrderVenue(PaperVenue):
    """The paper market, whose orders go over TLS to another process; that one's word ends them."""

    def __init__(self, settings: Settings, watch: Stopwatch, origin: str, authority: str) -> None:
        super().__init__(settings)
        self._watch = watch
        self._origin = origin
        self._authority = authority
        self._warming: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        tls = default_tls()
        tls.load_verify_locations(self._authority)
        nonces = Nonces(Path(self.settings.state_path).with_name("nonces.sqlite3"))
        self._http = HttpClient(
            self.name,
            self._origin,
            sign=sign,
            nonce=lambda: nonces.next("key", self.name),
            warm_with=WARM,
            tls=tls,
        )
        await self._http.warm()
        self._warming = asyncio.create_task(self._http.keep_warm())
        await super().connect()

    async def aclose(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await self._http.aclose()
        await super().aclose()

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        self._watch.mark("at the venue")

        async def on_signed(signed: Signed) -> None:
            if depart is not None:
                deadline = signed.nonce * 1_000_000 + 1_000_000_000
                await depart(Departure(nonce=signed.nonce, deadline=deadline, body_hash=signed.body_hash))

        dispatch = Dispatch(on_signed)
        wanted = msgspec.structs.replace(PLACE, body=msgspec.json.encode(request))
        acknowledged = await self._http.command(wanted, Acknowledgement, refusals=no_refusals, dispatch=dispatch)
        self._watch.mark("first byte", dispatch.began_at)
        self._watch.mark("answer")
        self._watch.end()
        return Order(
            instrument=request.instrument, client_order_id=request.client_order_id,
            venue_order_id=f"{acknowledged.id}-{request.client_order_id}", side=request.side, type=request.type,
            quantity=request.quantity, price=request.price, status=OrderStatus.CANCELED, ts_event=time.time_ns(),
        )  # fmt: skip


def sign(request: Request, nonce: int) -> Signed:
    text = f"{request.method}\n{request.path}\n{nonce}\n".encode() + request.body
    proof = hmac.new(SECRET, text, hashlib.sha256).hexdigest()
    return Signed(
        query=request.query, body=request.body, headers=(("X-Nonce", str(nonce)), ("X-Signature", proof))
    )


def no_refusals(_status: int, _body: object) -> None:
    return None


def main(origin: str, authority: str, report: str, *arguments: str) -> int:
    watch = Stopwatch(Path(report))
    TimedApp.order_watch = TimedTicket.order_watch = watch
    TimedEngine.order_watch = TimedSession.order_watch = watch

    def make_venue(_name: str, settings: Mapping[str, Any]) -> OrderVenue:
        return OrderVenue(msgspec.convert(dict(settings), Settings), watch, origin, authority)

    # As attributes by name: the launch takes them from there.
    replaced: tuple[tuple[Any, str, Callable[..., object]], ...] = (
        (tui.launch, "create_venue", make_venue),
        (tui.launch, "Engine", TimedEngine),
        (tui.launch, "Session", TimedSession),
        (tui.app, "PitsideApp", TimedApp),
        (tui.screens.dashboard, "Ticket", TimedTicket),
        (tui.desk.journal_store, "SqliteJournal", partial(TimedJournal, watch)),
    )
    for module, name, ours in replaced:
        vars(module)[name] = ours
    return run(list(arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
