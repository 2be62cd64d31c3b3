"""A venue with a margin wallet that keeps its own books, and a desk over it whose waits pass the time at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tests.tui.desk.rig import START, Rig, ScriptedVenue, capabilities, until
from tui.desk.control import FundsIntent, Outcome
from tui.desk.frame import FundsView, MarginView
from venues.commands import FundsKind, FundsRequest
from venues.errors import NotSent, OrderRejected, OutcomeUnknown
from venues.events import MarginUpdate
from venues.margin import FundsReceipt, FundsState, MarginAccount, MarginAsset
from venues.model import NANOSECONDS, ZERO, Balance
from venues.port import Capabilities, Depart, Departure, VenueTime

D = Decimal
LIFE = 30 * NANOSECONDS
SETTLE = 2 * NANOSECONDS
LOST = OutcomeUnknown("test", "timeout")
FATES = ("done", "lost before", "lost after", "late", "refused", "not sent", "works", "fails", "lost, works")


class MarginVenue(ScriptedVenue):
    """Carries out each request as the next of `fates` says, and "done" when there are none left.

    "late" arrives `lateness` after its answer was lost; what "works" is done `SETTLE` later. What it has written
    down can be found `lag` after that (all in nanoseconds).
    """

    def __init__(self, caps: Capabilities | None = None) -> None:
        made = caps if caps is not None else capabilities(margin_wallet="M-wallet", order_life=30.0)
        super().__init__(caps=made)
        self.instruments = [msgspec.structs.replace(one, takes_margin=True) for one in self.instruments]
        self.balances = [
            Balance(currency=currency, total=D(1000), available=D(1000), locked=D(0))
            for currency in ("USDT", "BTC")
        ]
        self.assets = {
            "BTC": MarginAsset(currency="BTC", hourly_rate=D("0.000001"), borrow_limit=D(10)),
            "USDT": MarginAsset(currency="USDT", available=D(500), hourly_rate=D("0.000002"), borrow_limit=D(900)),
            "MAX": MarginAsset(currency="MAX", available=D(7)),
        }
        self.ratio: Decimal | None = None
        self.time = VenueTime(START, 0)
        self.fates: list[str] = []
        self.lateness = LIFE // 2
        self.lag = 0
        self.bounds = True
        self.sent: list[FundsRequest] = []
        self.history: list[FundsReceipt] = []
        self.waiting: list[tuple[int, FundsRequest]] = []  # on their way, and when they arrive
        self.working: list[tuple[int, str]] = []  # when each is done
        self.moving: asyncio.Event | None = None  # while it is set and unset, funds requests do not answer

    async def _leave(self, depart: Depart | None) -> None:
        assert self.time is not None
        if depart is not None:
            await depart(Departure(deadline=self.time.now + LIFE if self.bounds else None))

    def pass_time(self, now: int) -> None:
        """Lets the venue's clock go to `now`, and happen what is due by then."""
        self.time = VenueTime(now, 0)
        for due in [one for one in self.waiting if one[0] <= now]:
            self.waiting.remove(due)
            self.take(due[1], due[0])
        for done in [one for one in self.working if one[0] <= now]:
            self.working.remove(done)
            index = next(n for n, one in enumerate(self.history) if one.venue_id == done[1])
            self.history[index] = msgspec.structs.replace(self.history[index], state=FundsState.DONE)
            self._move(self.history[index].request)

    def take(self, request: FundsRequest, ts: int, state: FundsState = FundsState.DONE) -> FundsReceipt:
        """Writes a request down, and carries it out where it is done."""
        blank = msgspec.structs.replace(request, request_id="venue")
        receipt = FundsReceipt(request=blank, venue_id=f"sn{len(self.history) + 1}", state=state, ts_event=ts)
        self.history.append(receipt)
        if state is FundsState.DONE:
            self._move(request)
        return receipt

    def _move(self, request: FundsRequest) -> None:
        asset, amount = self.assets[request.currency], request.amount
        owed = {FundsKind.BORROW: amount, FundsKind.REPAY: -amount}.get(request.kind, ZERO)
        into = amount if request.kind in (FundsKind.BORROW, FundsKind.TRANSFER_IN) else -amount
        self.assets[request.currency] = msgspec.structs.replace(
            asset, available=asset.available + into, principal=asset.principal + owed
        )
        if request.kind in (FundsKind.TRANSFER_IN, FundsKind.TRANSFER_OUT):
            self.balances = [
                msgspec.structs.replace(one, total=one.total - into, available=one.available - into)
                if one.currency == request.currency else one
                for one in self.balances
            ]  # fmt: skip

    def account(self, **changes: Any) -> MarginAccount:
        made = MarginAccount(
            venue=self.name, assets=tuple(self.assets.values()), ratio=self.ratio, currency="USDT"
        )
        return msgspec.structs.replace(made, **changes)

    def owe(self, amount: str = "1", currency: str = "BTC", **changes: Any) -> None:
        before = self.assets[currency]
        self.assets[currency] = msgspec.structs.replace(before, principal=D(amount), **changes)

    def told(self, ratio: str | None, **changes: Any) -> MarginUpdate:
        """What the stream tells when the ratio has moved to this."""
        self.ratio = D(ratio) if ratio is not None else None
        return MarginUpdate(self.account(**changes))

    async def fetch_margin_account(self) -> MarginAccount:
        self._enter("fetch_margin_account")
        return self.account()

    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        fate = self.fates.pop(0) if self.fates else "done"
        if fate == "not sent":
            raise NotSent(self.name, "no connection")
        assert self.time is not None
        deadline = self.time.now + LIFE
        await self._leave(depart)
        self._enter("move_funds")
        self.sent.append(request)
        if self.moving is not None:
            await self.moving.wait()
        now = self.time.now
        if self.bounds and now > deadline:  # other waits have passed so much time
            raise OrderRejected(self.name, "too late")
        match fate:
            case "refused":
                raise OrderRejected(self.name, "beyond what the pool has")
            case "lost before":
                raise LOST
            case "late":
                self.waiting.append((now + self.lateness, request))
                raise LOST
            case "works" | "lost, works":
                receipt = self.take(request, now, FundsState.PROCESSING)
                self.working.append((now + SETTLE, receipt.venue_id))
            case "fails":
                receipt = self.take(request, now, FundsState.FAILED)
            case _:
                receipt = self.take(request, now)
        if fate.startswith("lost"):
            raise LOST
        return receipt

    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        self._enter("find_funds")
        assert self.time is not None
        wanted = (request.kind, request.currency, request.amount)
        return [
            one
            for one in self.history
            if (one.request.kind, one.request.currency, one.request.amount) == wanted
            and since <= one.ts_event <= self.time.now - self.lag
        ]

    def carried_out(self) -> list[FundsReceipt]:
        return [one for one in self.history if one.state is FundsState.DONE]


def next_venue(before: MarginVenue) -> MarginVenue:
    """Returns the same venue, as a new run of the desk finds it."""
    venue = MarginVenue(before.capabilities)
    for name in ("assets", "balances", "time", "history", "waiting", "working", "bounds", "lag", "ratio"):
        setattr(venue, name, getattr(before, name))
    return venue


class FundsRig(Rig):
    """A desk over a `MarginVenue`; each wait passes its time on both clocks."""

    def __init__(self, venue: MarginVenue | None = None, **settings: Any) -> None:
        self.margin = venue if venue is not None else MarginVenue()
        self.is_still = False  # then no wait ends
        # Time runs here by leaps: whoever looks for jumps of the clock would find one a second.
        settings.setdefault("pulse", _never)
        super().__init__(self.margin, **settings)
        if self.margin.time is not None:
            self.clock.now = self.margin.time.now

    async def _sleep(self, seconds: float) -> None:
        if self.is_still:
            await _never(seconds)
        self.clock.pass_seconds(seconds)
        self.margin.pass_time(self.clock.now)
        await super()._sleep(seconds)

    async def move(self, kind: FundsKind = FundsKind.BORROW, amount: str = "0.1", **changes: Any) -> Outcome:
        """Asks for it, and waits for the venue's word."""
        outcome = await self.ask(kind, amount, **changes)
        await self.session.settled()
        return outcome

    async def ask(self, kind: FundsKind = FundsKind.BORROW, amount: str = "0.1", **changes: Any) -> Outcome:
        made = FundsIntent(venue="test", kind=kind, currency="BTC", amount=D(amount))
        return await self.session.move_funds(msgspec.structs.replace(made, **changes))

    def view(self) -> MarginView:
        """The margin wallet as the screens see it."""
        (view,) = self.store.margins.views(
            self.store.account_of, lambda venue: self.store.funds.views(venue, self.store.provable_funds)
        )
        return view

    def rows(self) -> list[tuple[str, str, bool]]:
        """Each request, newest first: what, how it stands, whether it is over."""
        return [(_short(row), row.state, row.is_over) for row in self.view().funds]

    async def all_over(self) -> None:
        book = self.store.funds
        await until(lambda: not book.open("test") and not book.is_money_moving(self.clock.now), seconds=30.0)


async def _never(_seconds: float) -> None:
    await asyncio.Event().wait()


def _short(row: FundsView) -> str:
    return f"{row.request.kind.value} {row.request.amount} {row.request.currency}"
