"""The 24 ways in which a stream goes wrong (by the names of the reliability notes), and how a desk comes through.

A desk with orders of its own is on the venue all the while. Under the fault things happen that it may not hear of:
a resting order trades, another program places orders and cancels one. Afterwards the desk has all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum

import msgspec

from tests.contract.orders import fills_told
from tests.contract.rig import ALLOWANCE, Desk, Exchange, desk_of, rig_of
from tests.contract.scene import Scene, scene_of
from tests.contract.truth import State, TrueFill, TrueOrder
from tests.contract.waiting import passes, until, until_found
from tui.desk.ledger import midnight
from venues.book import Verification
from venues.events import BookDelta, BookSnapshot, LinkState, StreamStatus, Ticker
from venues.model import OrderStatus, Side

AGED, DETECTED, HEALED = 2.0, 11.0, 15.0  # seconds at full scale
_FAR = 200  # steps, a tenth of the price: the crowd does not come there while a fault lasts
_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN, LinkState.CONNECTING})


class Shown(Enum):
    """What a desk has to be while the fault is on."""

    UNVERIFIED = "a book that is valid, and said to be unproven"
    MARKET = "a market that goes on"


class StreamFault(msgspec.Struct, frozen=True):
    """One kind. `first` is switched on before it until the connection is lost, for what strikes at opening only.

    `is_silent`: nothing of the market comes through, so that the desk must say so; `is_fatal`: the connection is
    no use any more, and must be made anew. `is_hidden`: what was lost of the market is given away by the next
    change alone, so that there has to be one.
    """

    name: str
    spec: str
    is_silent: bool = False
    is_fatal: bool = False
    first: str = ""
    shows: Shown | None = None
    is_hidden: bool = False
    times: int = 3  # that it has to have struck before it is healed


FAULTS = {
    fault.name: fault
    for fault in (
        StreamFault("black hole", "black-hole@stream", is_silent=True, is_fatal=True, times=1),
        StreamFault("half-open socket", "half-open", is_silent=True, is_fatal=True, times=1),
        StreamFault("reset", "reset", is_silent=True, is_fatal=True, times=1),
        StreamFault("slow drip", "drip@stream=2", is_silent=True, is_fatal=True, times=1),
        StreamFault("duplicates", "duplicate:0.5"),
        StreamFault("reorder", "reorder:0.5"),
        StreamFault("drop one in N", "drop:0.2", is_hidden=True),
        StreamFault("gap", "gap:0.2", is_hidden=True),
        StreamFault("wrong checksum", "wrong-checksum:0.2"),
        StreamFault("zero checksum", "zero-checksum", shows=Shown.UNVERIFIED),
        StreamFault("crossed book", "crossed:0.2"),
        StreamFault("empty snapshot", "empty-snapshot,reset*2"),
        StreamFault("stale snapshot", "stale-snapshot,reset*2", is_hidden=True),
        StreamFault("huge frame", "huge-frame:0.05"),
        StreamFault("binary frame", "binary:0.2"),
        StreamFault("bad UTF-8", "bad-utf8:0.2"),
        StreamFault("deep JSON", "deep-json:0.2"),
        StreamFault("NaN", "nan:0.2"),
        StreamFault("login refused", "login-refused", first="reset", shows=Shown.MARKET, times=1),
        StreamFault("subscribe refused", "subscribe-refused", first="reset", is_silent=True, times=1),
        # Told in whole seconds, and doubled for who comes too early: whoever obeys is silent for 1.5 s at most.
        StreamFault("ban", "ban=0.25", is_silent=True, is_fatal=True, times=1),
        StreamFault("heartbeats only", "heartbeats-only", is_silent=True, times=1),
        StreamFault("reconnect loop", "reconnect-loop", first="reset", is_silent=True, is_fatal=True, times=1),
        StreamFault("close codes", "close-codes:0.2", is_silent=True, is_fatal=True, times=1),
    )
}

OTHERS = {
    fault.name: fault
    for fault in (
        StreamFault("account pushes dropped", "drop@account:0.5"),
        StreamFault("account pushes reordered", "reorder@account:0.5"),
        StreamFault("account pushes doubled", "duplicate@account"),
        StreamFault("pushes come late", "delay@stream=0.1"),
        StreamFault("everything is a black hole", "black-hole", is_silent=True, is_fatal=True, times=1),
        StreamFault("no connection", "connect-timeout", first="refuse", is_silent=True, is_fatal=True, times=0),
        StreamFault("the venue is gone", "refuse", is_silent=True, is_fatal=True, times=1),
        StreamFault("maintenance", "maintenance", times=1),
    )
}


# Where there is no stream, the ways in which the reads go wrong that stand in for it.
_READS = "read+query"
OF_READS = {
    fault.name: fault
    for fault in (
        OTHERS["everything is a black hole"],
        OTHERS["no connection"],
        OTHERS["the venue is gone"],
        StreamFault("never answered", f"never-executed@{_READS}", is_silent=True, is_fatal=True),
        StreamFault("reset before reading", f"reset-before@{_READS}", is_silent=True, is_fatal=True),
        StreamFault("closed after reading", f"closed-after@{_READS}", is_silent=True, is_fatal=True),
        StreamFault("half the headers", f"half-headers@{_READS}", is_silent=True, is_fatal=True),
        StreamFault("half the body", f"half-body@{_READS}", is_silent=True, is_fatal=True),
        StreamFault("garbage", f"garbage@{_READS}", is_silent=True, is_fatal=True),
        StreamFault("502 with HTML", f"502@{_READS}", is_silent=True, is_fatal=True),
        StreamFault("200 with HTML", f"html-200@{_READS}", is_silent=True, is_fatal=True),
        StreamFault("redirect", f"redirect@{_READS}", is_silent=True, is_fatal=True),
        StreamFault("slow drip", f"drip@{_READS}=2", is_silent=True, is_fatal=True, times=1),
        StreamFault("maintenance", "maintenance", is_silent=True, is_fatal=True),
        StreamFault("rate limit", f"rate-limit@{_READS}=1", is_silent=True, times=1),
        StreamFault("one in three fails", f"503@{_READS}:0.3"),
        StreamFault("answers come late", f"delay@{_READS}=0.1"),
        StreamFault("queries are behind", "stale-orders@query=0.3"),
        StreamFault("the account is refused", "auth-refused@query", shows=Shown.MARKET, times=1),
    )
}


# Where it does so for the account alone: all of these, and what ends the streams of the market. What else is wrong
# with those is the same with a stream of the account.
OF_ACCOUNT_READS = OF_READS | {name: FAULTS[name] for name in ("black hole", "reset")}


class Figures(msgspec.Struct, frozen=True):
    """How long it took, in seconds; None where it is not asked for."""

    name: str
    aged: float | None
    detected: float | None
    healed: float


def is_private(fault: StreamFault) -> bool:
    """Whether it is one of the account's stream."""
    return "@account" in fault.spec or fault.spec == "login-refused"


async def try_fault(exchange: Exchange, fault: StreamFault) -> Figures:
    """Lets one kind happen to a desk, heals it, and compares.

    Raises:
        AssertionError: something took too long, or the desk has something wrong.
    """
    async with rig_of(exchange) as rig, desk_of(rig) as desk:
        scene = await scene_of(rig, desk.instrument)
        before = await _live_through(desk, scene)
        await rig.control.act(do="resume")
        aged, detected = await _under(desk, scene, fault)
        await rig.control.switch("")
        limit = _limit(desk, HEALED) + (exchange.longest_ban if "ban" in fault.spec else 0.0)
        healed = await until(lambda: is_healthy(desk), limit, f"{fault.name}: it is not healthy again")
        await rig.control.act(do="quiet")
        if fault.is_hidden:
            await change_the_market(scene)
        await desk.in_step()
        await agree(desk, before)
        _check_that_no_lie_was_told(desk)
        return Figures(fault.name, aged, detected, healed)


def _limit(desk: Desk, seconds: float) -> float:
    return seconds * desk.rig.scale + ALLOWANCE


def is_healthy(desk: Desk) -> bool:
    return desk.state is LinkState.LIVE and desk.link.is_reconciled and desk.has_book


def is_aged(desk: Desk) -> bool:
    """Says whether a trader sees that what is shown may be old, or wrong."""
    return desk.state is not LinkState.LIVE or not desk.has_book


async def _live_through(desk: Desk, scene: Scene) -> frozenset[str]:
    """Has something of every kind happen before anything goes wrong. Returns the ids of orders that were there."""
    known = frozenset(order.id for order in (await desk.rig.state()).orders)
    await desk.rig.venue.submit_order(scene.order(Side.BUY, units=3, price=scene.at(0)))
    await scene.trade(Side.SELL, 1)
    return known


async def _under(desk: Desk, scene: Scene, fault: StreamFault) -> tuple[float | None, float | None]:
    """Switches the fault on, and does what may go unheard. Returns when the desk aged, and when it noticed."""
    rig = desk.rig
    foreign = await scene.place_elsewhere(Side.SELL, scene.at(_FAR))
    await desk.until(lambda: desk.has(foreign), "an order from elsewhere is not told")
    start = desk.mark
    if fault.first:
        await rig.control.switch(fault.first)
        await desk.until(lambda: is_lost(desk, start), f"{fault.first} is not noticed")
    kind = fault.spec.split(",")[0].split("@")[0].split(":")[0].split("=")[0]
    done = await rig.control.done(kind)
    await rig.control.switch(fault.spec)
    began, desk_mark = desk.now, desk.mark
    await _unheard(scene, foreign)
    aged = detected = None
    if fault.is_silent:

        def has_aged() -> bool:  # polls may stand in at once
            return is_aged(desk) or any(
                one.state is not LinkState.LIVE for one in desk.of(StreamStatus, desk_mark)
            )

        await until(has_aged, _limit(desk, AGED), f"{fault.name}: nothing says that it is old")
        aged = desk.now - began
    if fault.is_fatal:
        await until(
            lambda: is_lost(desk, start), _limit(desk, DETECTED), f"{fault.name}: a dead link is not noticed"
        )
        detected = max(0.0, lost_at(desk, start) - began)

    if fault.shows is not None:
        shown = fault.shows
        await until(
            lambda: is_shown(desk, shown, desk_mark), desk.rig.patience, f"{fault.name}: not {shown.value}"
        )

    async def has_struck() -> bool:
        # Something has to be told for it to strike: the crowd sees to the market, this to the account.
        await scene.cancel_elsewhere(await scene.place_elsewhere(Side.BUY, scene.at(-_FAR)))
        return await rig.control.done(kind) >= done + fault.times

    await until_found(has_struck, rig.patience, f"{fault.spec} was never met")
    await passes(AGED * rig.scale)
    return aged, detected


def is_shown(desk: Desk, what: Shown, since: int) -> bool:
    if what is Shown.UNVERIFIED:
        return desk.has_book and desk.book.verification is Verification.UNVERIFIED
    books = [*desk.of(BookDelta, since), *desk.of(BookSnapshot, since)]
    return desk.has_book and bool(books) and bool(desk.of(Ticker, since))


def is_lost(desk: Desk, since: int) -> bool:
    return any(status.state in _LOST for status in desk.of(StreamStatus, since))


def lost_at(desk: Desk, since: int) -> float:
    told = desk.recorded.told[since:]
    return next(at for at, event in told if isinstance(event, StreamStatus) and event.state in _LOST)


async def _unheard(scene: Scene, foreign: str) -> None:
    """What the desk may not hear of: a fill, a new order, and an end."""
    await scene.place_elsewhere(Side.BUY, scene.at(-_FAR - 1))
    await scene.cancel_elsewhere(foreign)
    state = await scene.rig.state()
    resting = [order for order in state.open_orders if order.client_id and order.side is Side.BUY]
    if any(order.price == scene.at(0) for order in resting):
        await scene.trade(Side.SELL, 1)


async def change_the_market(scene: Scene) -> None:
    """Has the best bid grow. The last push before the quiet may be the one that was lost, or an old book."""
    bids = (await scene.rig.state()).books[scene.symbol].bids
    await scene.quote(Side.BUY, Decimal(bids[0][0]) if bids else scene.at(-_FAR), 1)


async def agree(desk: Desk, known: Iterable[str] = ()) -> None:
    """The desk has every order, every fill and every balance as the exchange has it.

    Raises:
        AssertionError: it does not; the words say what differs.
    """
    differences: list[str] = []

    async def do_agree() -> bool:
        truth = await desk.rig.state()
        differences[:] = [*_orders(desk, truth, frozenset(known)), *_fills(desk, truth), *_balances(desk, truth)]
        return not differences

    try:
        # What was dropped without a trace is found by reading back now and then: in the time that healing has.
        # What it waits for are reads of a desk that shares two cores with other tests: no limit that is promised.
        await until_found(do_agree, _limit(desk, HEALED) + 3 * ALLOWANCE)
    except AssertionError:
        raise AssertionError("; ".join(differences)) from None


def _orders(desk: Desk, truth: State, known: frozenset[str]) -> Iterable[str]:
    true = {order.id: order for order in truth.orders if order.id not in known}
    for number, order in true.items():
        name = order.client_id if order.client_id and desk.has(order.client_id) else number
        if not desk.has(name):
            if order.is_open or order.filled:
                yield f"order {number} ({order.client_id}) is not known to the desk: {order.status}"
            continue  # one that came and went unfilled while nobody listened is none of anybody's business
        held = desk.order(name)
        if not _is_same(held.status, held.filled_quantity, order):
            mine, true_one = (held.status, held.filled_quantity), (order.status, order.filled)
            yield f"order {number}: {mine}; the exchange: {true_one}"
    for tracked in desk.store.orders.open_orders(desk.rig.name):
        if tracked.order.venue_order_id not in true and tracked.order.venue_order_id not in known:
            yield f"the desk has an order that the exchange never had: {tracked.order}"


def _is_same(status: OrderStatus, filled: Decimal, order: TrueOrder) -> bool:
    if filled != order.filled:
        return False
    if order.is_open:
        return status is (OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.NEW)
    if order.filled >= order.quantity:
        return status is OrderStatus.FILLED
    return status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)


def _fills(desk: Desk, truth: State) -> Iterable[str]:
    since = desk.recorded.told[0][0] if desk.recorded.told else 0.0
    of_desk = [fill.trade_id for fill in desk.store.ledger.fills if fill.instrument.venue == desk.rig.name]
    if len(set(of_desk)) != len(of_desk):
        yield "a fill is counted twice"
    true = {fill.trade_id for fill in truth.fills}
    if missing := {fill.trade_id for fill in of_the_day(truth.fills, desk.ts_opened)} - set(of_desk):
        yield f"fills are missing: {sorted(missing)} (told since {since:.1f}: {len(fills_told(desk))})"
    if invented := set(of_desk) - true:
        yield f"fills that never were: {sorted(invented)}"


def of_the_day(fills: Iterable[TrueFill], ts_opened: int) -> list[TrueFill]:
    """Returns the fills that a desk must know: those since the UTC day began in which it was opened.

    The exchange may have older ones, of tests before midnight. One without a time is due as well.
    """
    return [fill for fill in fills if not fill.ts_ns or fill.ts_ns >= midnight(ts_opened)]


def _balances(desk: Desk, truth: State) -> Iterable[str]:
    held = desk.store.ledger.balances.get(desk.rig.name, {})
    for currency, true in truth.balances.items():
        one = held.get(currency)
        if one is None:
            if true.total:
                yield f"{currency} is not known to the desk"
        elif (one.available, one.locked) != (true.available, true.frozen):
            yield f"{currency}: {one.available}+{one.locked}; the exchange: {true.available}+{true.frozen}"


def _check_that_no_lie_was_told(desk: Desk) -> None:
    """Nothing broke in the desk, and no order was ever called filled or cancelled that was not."""
    faults = [
        fact.text
        for fact in desk.facts
        if "in the desk, see pitside.log" in fact.text or "internal fault" in fact.text
    ]
    assert not faults, faults
