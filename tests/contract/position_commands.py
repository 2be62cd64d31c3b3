"""The commands of a venue of positions beside plain orders, each under the ways in which a request goes wrong.

What is placed is a plan order and an exit, which have no name of ours at the venue; what is changed is the margin
of a position and the leverage of an instrument. What was said of each is held against what the exchange did, and
once it is healed against what the venue finds of it: it finds what is there, and calls nothing gone that nobody
can prove gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import count
from typing import Any, Protocol

from tests.contract.http_faults import BOOKED_LATER, FAULTS, HEARD, HttpFault
from tests.contract.rig import Rig
from tests.contract.scene import Scene
from tests.contract.truth import State, TruePosition
from tests.contract.waiting import passes, until, until_found
from venues.commands import FundsKind, FundsRequest, OrderRequest
from venues.errors import NotSent, OrderError, OrderNotFound, OutcomeUnknown, RequestError, VenueError
from venues.margin import FundsReceipt, FundsState
from venues.model import MarginMode, Order, OrderType, Side
from venues.port import MovesFunds

_ON_REUSE = "keep-alive connection reset on reuse"
STRIKING = {
    fault.name: fault
    for fault in FAULTS.values()
    if fault.name != _ON_REUSE and (fault.name == BOOKED_LATER or any("@call" in spec for spec in fault.specs))
}
"""Those that the exchange does to a call: how a connection is made, and made anew, is the same for all of them"""

_MS = 1_000_000  # nanoseconds: the venue dates its executions in whole ones
_REFUSED = (NotSent, OrderError, RequestError)
_numbers = count(1)


class Change(Protocol):
    """One command. It may be tried again and again: each time it asks for something else."""

    @property
    def call(self) -> str:
        """What the simulator calls it."""
        ...

    async def send(self) -> Order | VenueError | None:
        """Returns what it came to."""
        ...

    def is_done(self, state: State) -> bool:
        """Says whether the exchange has carried out the one that was sent last."""
        ...

    async def check_found(self, was_executed: bool) -> None:
        """Asks a venue that is well again what became of it. Raises AssertionError."""
        ...


async def said(work: Awaitable[Any]) -> Order | VenueError | None:
    try:
        done = await work
    except VenueError as error:
        return error
    return done if isinstance(done, Order) else None


class Placing:
    """A plan order, or the exit of a position where one is named."""

    def __init__(self, scene: Scene, held: TruePosition | None = None) -> None:
        self._rig = scene.rig
        self._scene = scene
        self._held = held
        own = {"pumpkin": ("plan", "exit")}.get(scene.rig.name, ("submit", "submit"))
        self.call = own[held is not None]
        self._request = self._next()
        self._known: frozenset[str] = frozenset()

    def _next(self) -> OrderRequest:
        number = next(_numbers)
        if self._held is None:
            trigger, side = self._scene.at(20 + number), Side.BUY
            return self._scene.order(side, OrderType.STOP_LIMIT, trigger_price=trigger, price=self._scene.at(40))
        more: dict[str, Any] = {"reduce_only": True, "position_id": self._held.id}
        return self._scene.order(Side.SELL, OrderType.STOP, trigger_price=self._scene.at(-20 - number), **more)

    async def send(self) -> Order | VenueError | None:
        self._request = self._next()
        self._known = frozenset(order.id for order in (await self._rig.state()).orders)
        return await said(self._rig.venue.submit_order(self._request))

    def _placed(self, state: State) -> list[str]:
        return [order.id for order in state.orders if order.id not in self._known]

    def is_done(self, state: State) -> bool:
        placed = self._placed(state)
        assert len(placed) <= 1, "it was sent twice"
        return bool(placed)

    async def check_found(self, was_executed: bool) -> None:
        request, rig = self._request, self._rig
        found: list[Order | VenueError | None] = []

        async def is_known() -> bool:
            asked = rig.venue.fetch_order(request.instrument, request.client_order_id)
            found[:] = [await said(asked)]
            return isinstance(found[0], Order if was_executed else OrderNotFound)

        await until_found(is_known, rig.patience / 2, f"{self.call}: healed, it is not told as it is: {found}")
        if isinstance(found[0], Order):
            assert [found[0].venue_order_id] == self._placed(await rig.state())
            assert found[0].client_order_id == request.client_order_id and found[0].is_open
        await rig.venue.cancel_all_orders(request.instrument)
        await rig.until_true(lambda state: not state.open_orders, "what was cancelled rests")


class AddingMargin:
    """An addition to an isolated position's margin."""

    call = "margin"

    def __init__(self, scene: Scene, held: TruePosition) -> None:
        self._rig = scene.rig
        self._scene = scene
        self._position = held.id
        self._request = self._next(held.margin)
        self._sent_after = 0

    def _next(self, before: Decimal) -> FundsRequest:
        return FundsRequest(
            venue=self._rig.name, request_id=f"funds{next(_numbers)}", kind=FundsKind.ADD_MARGIN,
            currency=self._scene.instrument.settle, amount=Decimal(next(_numbers)) / 8,
            instrument=self._scene.instrument.id, position_id=self._position, held_before=before,
        )  # fmt: skip

    def _margin(self, state: State) -> Decimal:
        return next(one.margin for one in state.positions if one.id == self._position)

    async def send(self) -> Order | VenueError | None:
        state = await self._rig.state()
        self._request = self._next(self._margin(state))
        await until(lambda: self._can_prove(state), self._rig.patience, "the venue's clock is not known")
        venue = self._rig.venue
        assert isinstance(venue, MovesFunds)
        return await said(venue.move_funds(self._request))

    def _can_prove(self, state: State) -> bool:
        """Notes the moment that a desk asks from. What had traded by then tells nothing about the margin since."""
        time = self._rig.venue.venue_time()
        if time is None:
            return False
        self._sent_after = time.now - time.uncertainty
        return all(fill.ts_ns // _MS < self._sent_after // _MS for fill in state.fills)

    def is_done(self, state: State) -> bool:
        before, now = self._request.held_before, self._margin(state)
        assert before is not None and now in (before, before + self._request.amount), f"moved twice: {now}"
        return now > before

    async def check_found(self, was_executed: bool) -> None:
        venue, found = self._rig.venue, list[FundsReceipt]()
        assert isinstance(venue, MovesFunds)

        async def is_known() -> bool:
            found[:] = await venue.find_funds(self._request, self._sent_after)
            return bool(found) is was_executed

        await until_found(is_known, self._rig.patience / 2, "the margin is not told as it is")
        assert all((one.state, one.request) == (FundsState.DONE, self._request) for one in found)


class SettingLeverage:
    """A change of the leverage of an instrument of which nothing is held."""

    call = "leverage"

    def __init__(self, scene: Scene) -> None:
        self._rig = scene.rig
        self._instrument = scene.instrument.id
        self._wanted = Decimal(0)

    async def send(self) -> Order | VenueError | None:
        self._wanted = (await self._rig.state()).leverage[self._instrument.symbol] % 7 + 2
        return await said(self._rig.venue.set_leverage(self._instrument, self._wanted, MarginMode.ISOLATED))

    def is_done(self, state: State) -> bool:
        return state.leverage[self._instrument.symbol] == self._wanted

    async def check_found(self, was_executed: bool) -> None:
        """Once it is well, what was asked for can be had."""
        await self._rig.venue.set_leverage(self._instrument, self._wanted, MarginMode.ISOLATED)
        assert self.is_done(await self._rig.state())


async def try_change(rig: Rig, fault: HttpFault, change: Change) -> None:
    """Lets one kind happen to a command, in each of its forms.

    Raises:
        AssertionError: what was said of it is not what was so.
    """
    for spec in fault.specs:
        await passes(HEARD)  # what the one before has closed is known as that
        mine = spec.replace("@call", f"@{change.call}").replace("@submit", f"@{change.call}")
        kind = mine.split("@")[0]
        done = await rig.control.done(kind)
        await rig.control.switch(mine)
        outcome = await change.send()
        struck = await rig.control.done(kind) - done
        await rig.control.switch("")
        was_executed = await _truth_of(rig, change, fault.executes(spec))
        words = f"{fault.name} ({mine}): {outcome!r}, and the exchange {'did' if was_executed else 'did not'}"
        assert struck, f"{mine} was never met: {outcome!r}"
        _judge(change, fault, spec, outcome, was_executed, words)
        await change.check_found(was_executed)


async def _truth_of(rig: Rig, change: Change, is_expected: bool) -> bool:
    is_done: Callable[[State], bool] = change.is_done
    if is_expected and change.call != "leverage":
        await rig.until_true(is_done, f"{change.call}: the exchange never did it")
    else:
        await passes(0.1)
    return is_done(await rig.state())


def _judge(
    change: Change, fault: HttpFault, spec: str, outcome: Order | VenueError | None, was_executed: bool, words: str
) -> None:
    if change.call != "leverage":  # it takes two requests, of which the first may have met the fault
        assert was_executed is fault.executes(spec), f"the exchange did not do as it was told: {words}"
    if not isinstance(outcome, VenueError):
        assert was_executed, f"acknowledged, never carried out: {words}"
        return
    assert isinstance(outcome, (*_REFUSED, OutcomeUnknown)), f"a command raises nothing else: {words}"
    assert outcome.message, words
    if isinstance(outcome, _REFUSED):
        assert not was_executed, f"an unknown outcome was called failed: {words}"
