"""Four venues on one desk: one fails and the others trade on, and panic over all of them gives one receipt."""

from __future__ import annotations

from typing import Any

from tests.tui.desk.hedge_rig import mark
from tests.tui.desk.mode_rig import CROSS_LONG, LONG, SHORT, ModeVenue
from tests.tui.desk.rig import D, Rig, ScriptedVenue, capabilities, intent, order, position, until
from tui.desk.control import Verdict
from tui.desk.exposure import exposures
from tui.desk.frame import FactKind, Frame
from tui.desk.store import Topic
from venues.errors import VenueUnavailable
from venues.events import LinkState, StreamStatus
from venues.model import Balance, InstrumentId

NAMES = ("coinex", "max", "pumpkin", "test")


def spot_venue(name: str, *held: tuple[str, str]) -> ScriptedVenue:
    """A venue without positions, with one order and some balances."""
    venue = ScriptedVenue(name, capabilities(positions=False, leverage=False, reduce_only=False))
    venue.orders[f"{name}-1"] = order(f"{name}-1", instrument=InstrumentId(name, "BTC-USDT"))
    venue.balances = [
        Balance(currency=currency, total=D(total), available=D(total), locked=D(0)) for currency, total in held
    ]
    return venue


def four() -> tuple[ScriptedVenue, ...]:
    pumpkin, mayex = ScriptedVenue("pumpkin"), ModeVenue(LONG, CROSS_LONG, SHORT)
    pumpkin.held = [position(D("-1.5"), instrument=InstrumentId("pumpkin", "BTC-PERP"))]
    pumpkin.orders["p1"] = order("p1", instrument=InstrumentId("pumpkin", "BTC-PERP"))
    mayex.orders["m1"] = order("m1")
    mayex.orders["m2"] = order("m2", is_external=True)
    return spot_venue("coinex", ("USDT", "1000"), ("BTC", "0.25")), spot_venue("max", ("ETH", "3")), pumpkin, mayex


def frame_of(rig: Rig) -> Frame:
    rig.store.mark_dirty(*Topic)
    found = rig.store.frame(rig.clock())
    assert found is not None
    return found


def desk(**settings: Any) -> Rig:
    coinex, maicoin, pumpkin, mayex = four()
    return Rig(mayex, coinex, maicoin, pumpkin, **settings)


async def test_the_net_of_each_asset_is_over_all_of_them() -> None:
    async with desk() as rig:
        await rig.tell(mark())
        bitcoin, ether = exposures(frame_of(rig))
        # 0.25 on coinex, -1.5 on pumpkin; 2 + 1 - 0.5 on mayex
        assert (bitcoin.asset, bitcoin.net, bitcoin.value) == ("BTC", D("1.25"), D(125))
        assert [bitcoin.at(name) for name in NAMES] == [D("0.25"), None, D("-1.5"), D("2.5")]
        assert (ether.asset, ether.net) == ("ETH", D(3))


async def test_panic_over_all_gives_one_receipt() -> None:
    async with desk() as rig:
        receipt = await rig.session.panic()
        (fact,) = [one for one in rig.facts if one.kind is FactKind.PANIC]
        assert fact.receipt == receipt and fact.text == "panic: nothing is left"
        told = {line.venue: (line.cancelled, line.closed, line.is_proven) for line in receipt.lines}
        assert told == {
            "coinex": (1, 0, True), "max": (1, 0, True), "pumpkin": (1, 1, True), "test": (2, 3, True),
        }  # fmt: skip
        assert not any(venue.held for venue in rig.venues)


async def test_one_that_is_gone_is_said_in_the_same_receipt_and_holds_up_no_other() -> None:
    async with desk(panic_patience=0.2) as rig:
        pumpkin = rig.venues[-1]
        gone = [VenueUnavailable("pumpkin", "connection refused")] * 200
        pumpkin.faults = {"fetch_open_orders": list(gone), "fetch_positions": list(gone)}
        pumpkin.faults["cancel_all_orders"] = list(gone)
        pumpkin.faults["submit_order"] = list(gone)
        receipt = await rig.session.panic()
        assert [line.venue for line in receipt.lines if line.is_proven] == ["test", "coinex", "max"]
        (left,) = [line for line in receipt.lines if not line.is_proven]
        assert (left.venue, left.orders_left) == ("pumpkin", 1) and "nobody knows" in left.note


async def test_one_is_killed_while_the_others_trade_on() -> None:
    async with desk() as rig:
        rig.venues[-1].tell(StreamStatus("pumpkin", LinkState.DOWN, "connection refused"))
        await until(lambda: rig.store.venues["pumpkin"].state is LinkState.DOWN)
        assert (await rig.session.submit(intent())).verdict is Verdict.SENT
        denied = await rig.session.submit(intent(instrument=InstrumentId("pumpkin", "BTC-PERP")))
        assert [reason.guard for reason in denied.reasons] == ["reconciling"]
        views = {view.venue: view.state for view in frame_of(rig).venues or ()}
        assert views == {name: LinkState.DOWN if name == "pumpkin" else LinkState.LIVE for name in NAMES}
