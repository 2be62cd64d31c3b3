"""A venue under test, opened by its name: its exchange, the adapter, and a desk that consumes what it tells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from decimal import Decimal
from random import Random
from typing import Any, TypeVar, cast

import msgspec

from tests.contract.mayex_truth import MayexControl
from tests.contract.pumpkin_truth import PumpkinControl
from tests.contract.truth import Control, EmbeddedControl, ServedControl, State
from tests.contract.waiting import PATIENCE, passes, until, until_found
from tui.desk.frame import Fact
from tui.desk.session import Session
from venues.book import Book
from venues.commands import OrderRequest
from venues.errors import TransientError, VenueError
from venues.events import BookDelta, BookSnapshot, Event, LinkState, StreamStatus
from venues.model import Instrument, InstrumentId, Order, Side
from venues.paper.venue import PaperVenue
from venues.port import Credentials, KeepsBooks, Venue
from venues.registry import create_venue, venue_names
from venues.rounding import floor_to
from venues.simulators.serving import Practice, served_in_thread
from venues.transport.timing import Timing

PERPETUALS = ("mayex", "pumpkin")
POLLED = "-polling"  # at the end of the name of a venue that is opened without any stream, or any of the account
_NAMES = tuple(name for name in venue_names() if name != "replay")  # a recording takes no orders of anybody
VENUES = (*_NAMES, *(name + POLLED for name in PERPETUALS if name in _NAMES))
SERVED = tuple(name for name in VENUES if name != "paper")  # those with a wire, on which things go wrong
STREAMED = tuple(name for name in SERVED if not name.endswith(POLLED))  # whose streams can all go wrong
POLLING = ("pumpkin-polling",)  # whose reads stand in for all streams
ACCOUNT_POLLED = ("mayex-polling",)  # whose reads stand in for that of the account alone
PLENTY = 10**9  # of a quota that is not what is tested
SCALE = 0.1  # of every constant of time, in CI
ALLOWANCE = 1.0  # seconds on top, which a busy machine may take at any scale
RATE = 2_000.0  # of the crowd over all instruments, where it is not quiet

# Reading the roots of a client that speaks no TLS takes longer than many a test.

_ASKED = 5  # times more that something is asked which is not what is tested

Answer = TypeVar("Answer")
Kind = TypeVar("Kind", bound=Event)
Wrap = Callable[[Venue], Venue]


class Exchange:
    """The other side: a served simulator, or nothing where the exchange lives within the adapter.

    `wrap` stands between the adapter and the tests, which adapters with a defect are made with. `is_polled`: the
    adapter is given no stream, or none of the account where it can not be without the others.
    """

    def __init__(
        self,
        name: str,
        practice: Practice | None,
        scale: float,
        wrap: Wrap | None = None,
        *,
        is_polled: bool = False,
    ) -> None:
        self.name = name
        self.practice = practice
        self.scale = scale
        self.wrap = wrap
        self.is_polled = is_polled

    def wrapped(self, wrap: Wrap) -> Exchange:
        return Exchange(self.name, self.practice, self.scale, wrap, is_polled=self.is_polled)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Returns what the adapter is made with."""
        if self.practice is None:
            return {"seed": 3, "rate": RATE, "fresh": True} | changes
        practice = self.practice
        return (
            {
                "rest_url": practice.rest_url,
                "ws_url": practice.ws_url,
                "credentials": Credentials(practice.api_key, practice.api_secret),
                "is_practice": True,
                "time_scale": self.scale,
            }
            | self._own_settings(practice)
            | changes
        )

    def _own_settings(self, practice: Practice) -> dict[str, Any]:
        if self.name not in PERPETUALS:
            return {}
        if self.name == "mayex":
            streams = {"private_stream": "none"} if self.is_polled else {}
        else:
            streams = {"ws_url": "", "user_ws_url": ""} if self.is_polled else {"user_ws_url": practice.ws_url}
        # The crowd's trades do not move the mark, by which triggers go unless somebody wants it otherwise.
        return {"minute_quota": PLENTY, "trigger_price": "last"} | streams

    @property
    def longest_ban(self) -> float:
        """Seconds that the adapter is silent after a ban for which the venue names no time."""
        return Timing().scaled(self.scale).ban if self.name in PERPETUALS else 0.0

    def control(self, practice: Practice) -> ServedControl:
        """Returns the control of what is served."""
        return {"mayex": MayexControl, "pumpkin": PumpkinControl}.get(self.name, ServedControl)(practice)


@contextmanager
def exchange_of(name: str, scale: float = SCALE) -> Iterator[Exchange]:
    """Opens the exchange of a venue, for as many adapters as come."""
    venue = name.removesuffix(POLLED)
    with ExitStack() as stack:
        practice = None
        if venue in SERVED:
            practice = stack.enter_context(served_in_thread(venue, rate=RATE, seed=3, time_scale=scale))
        if venue in PERPETUALS and practice is not None:
            practice.simulator.act({"do": "quota", "minute": PLENTY, "day": PLENTY})
        yield Exchange(venue, practice, scale, is_polled=name != venue)


class Exchanges:
    """Those of one test module, each opened when it is first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._open: dict[str, Exchange] = {}

    def __getitem__(self, name: str) -> Exchange:
        if name not in self._open:
            self._open[name] = self._stack.enter_context(exchange_of(name))
        return self._open[name]


class Rig:
    """An adapter that is connected, and its exchange at rest. `control` tells what is true there."""

    def __init__(self, exchange: Exchange, venue: Venue, control: Control) -> None:
        self.exchange = exchange
        self.venue = venue
        self.control = control
        self.scale = exchange.scale
        self.patience = PATIENCE
        self.instruments: dict[InstrumentId, Instrument] = {}
        self._placed = 0

    @property
    def name(self) -> str:
        return self.exchange.name

    @property
    def can(self) -> Any:
        return self.venue.capabilities

    def next_id(self) -> str:
        """Returns a client order id that was not used before on this exchange."""
        self._placed += 1
        alphabet = self.can.client_id_alphabet
        number, text = time.time_ns() * 1000 + self._placed, ""
        while number:
            number, digit = divmod(number, len(alphabet))
            text += alphabet[digit]
        return f"{self.can.mode.prefix}{text}"[: self.can.client_id_length]

    async def state(self) -> State:
        return await self.control.state()

    async def at_rest(self) -> None:
        """Heals it, lets the crowd be quiet, and cancels what of ours still rests."""
        await self.control.switch("")
        await self.control.act(do="quiet")
        for order in (await self.state()).open_orders:
            await self.control.act(do="cancel", id=order.id, symbol=order.symbol)

    async def flatten(self) -> None:
        """Closes what is held, each position against an order of the crowd at its mark."""
        by_symbol = {one.id.symbol: one for one in self.instruments.values()}
        for held in (await self.state()).positions:
            side = Side.SELL if held.quantity > 0 else Side.BUY
            more = {"symbol": held.symbol, "quantity": f"{abs(held.quantity):f}"}
            price = floor_to(held.mark, by_symbol[held.symbol].tick_size)
            await self.control.act(do="clear", symbol=held.symbol)
            await self.control.act(do="quote", side=side.opposite.value, price=f"{price:f}", **more)
            await self.control.act(do="place", side=side.value, type="market", position_id=held.id, **more)

    def main(self) -> Instrument:
        """Returns the instrument that orders are tried on: a spot one where there is one."""
        return self.tradable()[0]

    def tradable(self) -> list[Instrument]:
        """Returns what can be traded, spot first."""
        return sorted(
            (one for one in self.instruments.values() if one.is_tradable), key=lambda one: one.is_perpetual
        )

    def perpetual(self) -> Instrument | None:
        return next((one for one in self.instruments.values() if one.is_perpetual and one.is_tradable), None)

    async def until_true(self, condition: Callable[[State], object], what: str = "") -> State:
        """Waits until what is true at the exchange fulfils a condition."""
        found: list[State] = []

        async def holds() -> object:
            found[:] = [await self.state()]
            return condition(found[0])

        await until_found(holds, self.patience, what)
        return found[0]


@asynccontextmanager
async def rig_of(exchange: Exchange, *, is_rested: bool = True, **settings: Any) -> AsyncIterator[Rig]:
    """Connects an adapter to an exchange at rest; whatever becomes of it, it is closed."""
    venue = create_venue(exchange.name, exchange.settings(**settings))
    tested = venue if exchange.wrap is None else exchange.wrap(venue)
    practice = exchange.practice
    control: Control | None = None if practice is None else exchange.control(practice)
    if control is not None:
        await control.switch("")
    await _until_answered(venue.connect)
    try:
        if control is None:
            assert isinstance(venue, PaperVenue) and venue._session is not None
            control = EmbeddedControl(venue._session)
        rig = Rig(exchange, tested, control)
        if is_rested:
            await rig.at_rest()
        rig.instruments = {one.id: one for one in await _until_answered(venue.fetch_instruments)}
        if is_rested:
            await rig.flatten()
        yield rig
    finally:
        if practice is not None:
            practice.faults.heal()  # from any thread
        await tested.aclose()


async def _until_answered(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Asks until it is answered: a tenth of a deadline may be over before a busy machine has sent anything."""
    for _ in range(_ASKED):
        with suppress(TransientError):
            return await ask()
    return await ask()


class Recorded:
    """A venue as it is, whose events are written down with the loop's time before anybody takes them."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.told: list[tuple[float, Event]] = []
        self.is_over = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.venue, name)

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        loop = asyncio.get_running_loop()
        try:
            async for batch in self.venue.events():
                assert batch, "an empty batch"
                self.told += [(loop.time(), event) for event in batch]
                yield batch
        finally:
            self.is_over = True


class _RecordedBooks(Recorded):
    def book(self, instrument: InstrumentId) -> Book | None:
        assert isinstance(self.venue, KeepsBooks)
        return self.venue.book(instrument)


class Desk:
    """The desk's own session on the venue, with time scaled as the adapter's is."""

    def __init__(self, rig: Rig, instrument: Instrument) -> None:
        kind = _RecordedBooks if isinstance(rig.venue, KeepsBooks) else Recorded
        self.rig = rig
        self.instrument = instrument
        self.recorded = kind(rig.venue)
        self.facts: list[Fact] = []
        self.session = Session(
            [cast(Venue, self.recorded)],
            tell=self.facts.append,
            shown=instrument.id,
            sleep=lambda seconds: passes(seconds * rig.scale),
            random=Random(7),
        )
        self.store = self.session.store
        self.ts_opened = 0  # the desk's clock, once it had read everything
        self.link = self.session.links[rig.name]

    @property
    def state(self) -> LinkState:
        return self.store.venues[self.rig.name].state

    def of(self, kind: type[Kind], since: int = 0) -> list[Kind]:
        """Returns the events of one kind, from the `since`-th event on."""
        return [event for _, event in self.recorded.told[since:] if isinstance(event, kind)]

    @property
    def mark(self) -> int:
        """How many events there have been."""
        return len(self.recorded.told)

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def statuses(self) -> list[tuple[float, LinkState]]:
        return [(at, event.state) for at, event in self.recorded.told if isinstance(event, StreamStatus)]

    async def until(self, condition: Callable[[], object], what: str = "") -> float:
        """Waits for what the venue's events must lead to."""
        return await until(condition, self.rig.patience, what)

    def order(self, name: str) -> Order:
        """Returns an order as the desk has it, by its client id or the venue's. Raises KeyError."""
        tracked = self.store.orders.get(name) or self.store.orders.by_venue_id(self.rig.name, name)
        if tracked is None:
            raise KeyError(name)
        return tracked.order

    def has(self, name: str) -> bool:
        return (
            self.store.orders.get(name) is not None
            or self.store.orders.by_venue_id(self.rig.name, name) is not None
        )

    @property
    def book(self) -> Book:
        """Returns the book that the desk draws. Raises AssertionError where there is none yet."""
        book = self.store.markets[self.instrument.id].book
        assert book is not None, "there is no book"
        return book

    @property
    def has_book(self) -> bool:
        """Says whether the desk has a book that it may draw as live."""
        book = self.store.markets[self.instrument.id].book
        return book is not None and book.is_valid

    def rebuilt_book(self) -> Book:
        """Returns the book as the events alone make it."""
        book = Book(self.instrument.id)
        for _, event in self.recorded.told:
            if isinstance(event, (BookSnapshot, BookDelta)) and event.instrument == self.instrument.id:
                book.apply(event)
        return book

    async def in_step(self) -> float:
        """Waits, the crowd being quiet, until the book is the exchange's; returns how long that took."""
        return await until_found(self.is_in_step, self.rig.patience, "the book is not the exchange's")

    async def is_in_step(self) -> bool:
        truth = (await self.rig.state()).books[self.instrument.id.symbol]
        if not self.has_book:
            return False
        bids, asks = self.book.top(100_000)
        return is_top_of(bids, truth.bids) and is_top_of(asks, truth.asks)


def is_top_of(shown: Sequence[tuple[str, str]], truth: Sequence[tuple[str, str]]) -> bool:
    """Says whether a side is the exchange's, price by price, as deep as it is shown: twenty levels at least."""
    if len(shown) < min(20, len(truth)) or len(shown) > len(truth):
        return False
    return all(
        Decimal(price) == Decimal(true_price) and Decimal(quantity) == Decimal(true_quantity)
        for (price, quantity), (true_price, true_quantity) in zip(shown, truth, strict=False)
    )


@asynccontextmanager
async def desk_of(rig: Rig, instrument: Instrument | None = None) -> AsyncIterator[Desk]:
    """Opens a desk on the rig's venue, read back and in step with its book."""
    desk = Desk(rig, instrument or rig.main())
    await desk.session.open()
    try:
        await desk.until(lambda: desk.link.is_reconciled and desk.has_book, "the desk does not come up")
        desk.ts_opened = time.time_ns()
        yield desk
    finally:
        await desk.session.aclose()


async def outcome_of(work: Any) -> Order | VenueError:
    """Returns what a command came to: its acknowledgement, or what it raised."""
    try:
        done = await work
    except VenueError as error:
        return error
    assert isinstance(done, Order)
    return done


def changed(request: OrderRequest, **changes: Any) -> OrderRequest:
    return msgspec.structs.replace(request, **changes)
