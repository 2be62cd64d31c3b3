"""What a desk shows of perpetuals: funding, liquidations, bills, what is unverified, rows for other programs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.tui.desk.hedge_rig import (
    BRACKETS,
    D,
    HedgeRig,
    HedgeVenue,
    forced,
    funding,
    hedged,
    held,
    mark,
    perpetual,
)
from tests.tui.desk.rig import PERP, START, Rig, ScriptedVenue, fill, position
from tui.desk.appraisal import Context, appraise
from tui.desk.bill_reading import read_bills
from tui.desk.control import OrderIntent, Verdict
from tui.desk.draft import Draft, Field, evaluate
from tui.desk.engine import Engine
from tui.desk.estimate import liquidation_after
from tui.desk.frame import FactKind, Severity
from tui.desk.remote_commands import RemoteCommands
from tui.desk.remote_rows import order_lines, position_lines, venue_lines
from tui.desk.session import Session
from venues.errors import VenueUnavailable
from venues.events import FillUpdate, Notice, OrderUpdate, PositionUpdate
from venues.model import Balance, MarginMode, OrderStatus, OrderType, Position, Side
from venues.port import Mode

BOTH = (held("11", "2", liquidation_price=D("87.5"), liquidation_is_estimate=True), held("12", "-3"))
SEVERAL = (*BOTH, held("13", "0.5"))


@pytest.mark.parametrize(
    ("rate", "long", "short"), [("0.0001", "-0.022", "0.033"), ("-0.001", "0.22", "-0.33"), (None, None, None)]
)
async def test_the_next_funding_is_paid_by_one_side_and_received_by_the_other(
    rate: str | None, long: str | None, short: str | None
) -> None:
    async with HedgeRig(*BOTH) as rig:
        await rig.tell(mark("110", rate))
        found = {name: rig.view(name).next_funding for name in ("11", "12")}
        assert found == {"11": long and D(long), "12": short and D(short)}


async def test_the_distance_to_the_liquidation_moves_with_the_mark() -> None:
    async with HedgeRig(*BOTH) as rig:
        assert rig.view().liquidation_distance == D("0.125")
        await rig.tell(mark("175"))
        assert rig.view().liquidation_distance == D("0.5")
        assert rig.view("12").liquidation_distance is None


async def test_a_liquidation_is_one_alarm_that_stays() -> None:
    async with HedgeRig(*BOTH) as rig:
        rig.facts.clear()
        order = forced()
        await rig.tell(OrderUpdate(order))
        gone = msgspec.structs.replace(BOTH[0], quantity=D(0), ts_event=START + 5)
        done = forced(status=OrderStatus.FILLED, filled_quantity=D(2), ts_event=START + 2)
        its_fill = fill("", "t1", D(2), side=Side.SELL, venue_order_id="liq1", price=D("87.5"))
        told = Notice("test", "LIQUIDATED: long 2 BTC-PERP at 87.5; loss 25 USDT", is_alarm=True)
        await rig.tell(FillUpdate(its_fill), OrderUpdate(done), OrderUpdate(done), told, PositionUpdate(gone))
        first, second, third = rig.facts
        assert (first.kind, first.severity, first.text) == (
            FactKind.ORDER, Severity.INFO, "LIQUIDATED: the venue closes by force: SELL 2 BTC-PERP #11",
        )  # fmt: skip
        assert (second.severity, second.text) == (Severity.ALARM, "LIQUIDATED: sold 2 BTC-PERP at 87.5")
        assert (third.kind, third.severity, third.text) == (
            FactKind.NOTICE, Severity.ALARM, "test: LIQUIDATED: long 2 BTC-PERP at 87.5; loss 25 USDT",
        )  # fmt: skip
        assert [one.stays for one in rig.facts] == [False, False, True]
        assert "found at the venue" not in rig.texts(), "nobody else has closed it"
        assert {one.position_id for _, one in rig.store.ledger.positions.items()} == {"12"}


async def test_one_that_is_told_when_it_is_over_is_told_all_the_same() -> None:
    async with HedgeRig(*BOTH) as rig:
        await rig.tell(
            OrderUpdate(forced(status=OrderStatus.FILLED, filled_quantity=D(2), average_price=D("87.5")))
        )
        assert rig.facts[-1].text == "LIQUIDATED: the venue closes by force: SELL 2 BTC-PERP #11 at 87.5"


async def test_while_it_is_open_it_counts_as_nobody_s() -> None:
    async with HedgeRig(*BOTH) as rig:
        await rig.tell(OrderUpdate(forced()))
        (line,) = order_lines(rig.store)
        assert (line.is_external, line.is_liquidation, line.position_id) == (False, True, "11")
        (venue,) = venue_lines(rig.store)
        assert (venue.orders, venue.external) == (1, 0)


@pytest.mark.parametrize(
    ("text", "is_alarm", "stays"),
    [
        ("LIQUIDATED: BTC +2 at 87.5", True, True),
        ("maintenance at noon", True, False),
        ("liquidation", False, False),
    ],
)
async def test_the_venue_s_own_word_of_it_stays(text: str, is_alarm: bool, stays: bool) -> None:
    async with HedgeRig() as rig:
        await rig.tell(Notice("test", text, is_alarm=is_alarm))
        assert (rig.facts[-1].stays, rig.facts[-1].text) == (stays, f"test: {text}")


async def test_the_day_holds_fees_and_funding_of_every_position_once() -> None:
    async with HedgeRig(*BOTH) as rig:
        told = [
            msgspec.structs.replace(BOTH[0], funding=D("-0.5"), ts_event=START + 1),
            msgspec.structs.replace(BOTH[1], funding=D("0.75"), ts_event=START + 1),
            msgspec.structs.replace(BOTH[0], funding=D("-0.5"), ts_event=START + 2),
            msgspec.structs.replace(BOTH[0], funding=D("-0.75"), quantity=D(0), ts_event=START + 3),
        ]
        its_fee = fill("x", "t1", side=Side.SELL, fee=D("0.25"))
        await rig.tell(*map(PositionUpdate, told), FillUpdate(its_fee))
        frame = rig.store.frame(rig.clock.now)
        assert frame is not None
        assert frame.accounts is not None
        assert (frame.accounts[0].day_funding, frame.accounts[0].day_fees) == (D(0), D("-0.25"))


async def test_bills_are_read_and_inert() -> None:
    async with HedgeRig() as rig:
        rig.hedge.bills = [funding("-0.5"), funding("0.25")]
        found = await read_bills(rig.session.links, "test", 1)
        assert [(one.amount, one.words) for one in found.bills] == [(D("-0.5"), "f\ufffd")]
        rig.hedge.faults = {"fetch_bills": [VenueUnavailable("test", "502")]}
        refused = await read_bills(rig.session.links, "test", 9)
        assert (refused.bills, "502: ask again" in refused.refusal) == ((), True)
        assert "no venue mars" in (await read_bills(rig.session.links, "mars", 9)).refusal
        rig.session.links["test"].has_account = False
        assert "without a key" in (await read_bills(rig.session.links, "test", 9)).refusal
    async with Rig() as plain:
        assert "tells no bills" in (await read_bills(plain.session.links, "test", 9)).refusal


def test_the_engine_reads_bills_from_another_thread() -> None:
    venue = HedgeVenue()
    venue.bills = [funding("-0.5")]
    engine = Engine(lambda tell: Session([venue], tell=tell), frame_interval=0.01)
    engine.start()
    try:
        assert [one.amount for one in engine.fetch_bills("test", 10).result(5).bills] == [D("-0.5")]
    finally:
        engine.stop(None)


@pytest.mark.parametrize(
    ("mode", "lines"),
    [
        (Mode.LIVE, ["test: unverified: the quota's size", "test: unverified: the stream's address"]),
        (Mode.PRACTICE, ["test: 2 assumptions about the real venue are unverified: pitside venues lists them"]),
        (Mode.READ_ONLY, []),
    ],
)
def test_what_rests_on_an_inference_is_in_the_log_of_a_start(mode: Mode, lines: list[str]) -> None:
    caps = hedged(mode=mode, unverified=("the quota's size", "the stream's address"))
    rig = HedgeRig(venue=HedgeVenue(caps=caps))
    frame = rig.store.frame(START)
    assert frame is not None
    assert [one.text for one in frame.log or () if "unverified" in one.text] == lines


async def test_rows_for_other_programs_name_sides_and_positions() -> None:
    async with HedgeRig(*BOTH) as rig:
        found = [(one.position_id, one.side, one.quantity, one.margin_mode) for one in position_lines(rig.store)]
        assert found == [("11", "long", D(2), "isolated"), ("12", "short", D(-3), "isolated")]
        assert next(position_lines(rig.store)).liquidation_is_estimate


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("close BTC-PERP short", {"11", "13"}),
        ("close BTC-PERP #13 100%", {"11", "12"}),
        ("close BTC-PERP #11 50", {"11", "12", "13"}),
    ],
)
async def test_a_command_line_closes_the_position_that_it_names(line: str, left: set[str]) -> None:
    async with HedgeRig(*SEVERAL) as rig:
        commands = RemoteCommands(rig.session, rig.clock, rig._sleep)
        assert (await commands.run(line, is_sure=True)).verdict is Verdict.SENT
        await rig.session.settled()
        assert {one.position_id for one in rig.hedge.held} == left
        assert rig.hedge.requests[0].position_id not in left or rig.hedge.requests[0].quantity == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("close BTC-PERP", "#11 (+2), #12 (-3), #13 (+0.5)"),
        ("close BTC-PERP long", "#11 (+2), #13 (+0.5): say  close BTC-PERP #ID"),
        ("close BTC-PERP #99", "there is no #99 position"),
        ("close BTC-PERP long 50 20", "no command here"),
        ("close BTC-PERP 50 20", "no part of a position"),
        ("sell BTC-PERP 1 reduce-only", "several longs: #11 (2), #13 (0.5)"),
    ],
)
async def test_a_command_line_that_could_mean_several_is_refused(line: str, words: str) -> None:
    async with HedgeRig(*SEVERAL) as rig:
        found = await RemoteCommands(rig.session, rig.clock, rig._sleep).run(line, is_sure=True)
        assert (found.verdict, words in found.text) == (Verdict.DENIED, True), found.text
        assert not rig.hedge.requests


def around(*positions: Position, **changes: Any) -> Context:
    balance = Balance(currency="USDT", total=D(1000), available=D(50), locked=D(950))
    made = Context(instrument=perpetual(), capabilities=hedged(), positions=positions, balances=(balance,))
    return msgspec.structs.replace(made, **changes)


def test_a_ticket_says_which_position_it_would_reduce_or_that_it_can_not() -> None:
    draft = Draft(side=Side.SELL, type=OrderType.MARKET, size="0.5", reduce_only=True)
    several = evaluate(draft, around(*SEVERAL))
    assert several.intent is None
    assert several.problems[Field.REDUCE_ONLY].startswith("several longs: #11 (2), #13 (0.5)")
    chosen = evaluate(msgspec.structs.replace(draft, position_id="13"), around(*SEVERAL))
    assert chosen.intent is not None
    assert chosen.intent.position_id == "13"
    only = evaluate(msgspec.structs.replace(draft, side=Side.BUY), around(*SEVERAL))
    assert only.intent is not None
    assert only.intent.position_id == "12"
    gone = evaluate(msgspec.structs.replace(draft, position_id="99"), around(*SEVERAL))
    assert gone.problems[Field.REDUCE_ONLY] == "that long position is not open here"
    opening = evaluate(
        msgspec.structs.replace(draft, reduce_only=False, position_id="13", type=OrderType.LIMIT, price="100"),
        around(*SEVERAL),
    )
    assert opening.intent is not None
    assert opening.intent.position_id is None, "what opens closes nothing"


def wish(side: Side = Side.SELL, quantity: str = "1", **changes: Any) -> OrderIntent:
    made = OrderIntent(instrument=PERP, side=side, type=OrderType.LIMIT, quantity=D(quantity), price=D(100))
    return msgspec.structs.replace(made, **changes)


def test_what_opens_beside_a_long_needs_margin_and_has_a_liquidation_of_its_own() -> None:
    found = appraise(wish(quantity="10"), around(held("11", "20")))
    assert found.estimate.margin == 100
    assert found.warnings[-1] == "needs 100.00 USDT, 50.00 free"
    # (1000 + 100) / (10 x 1.005) = 109.45: it is liquidated above, not netted with the long
    assert found.estimate.liquidation == D("109.5")
    netting = around(held("net", "20"), capabilities=hedged(position_sides=False))
    netted = appraise(wish(quantity="10"), netting)
    assert netted.estimate.liquidation is not None
    assert netted.estimate.liquidation < 100
    assert not [one for one in netted.warnings if one.startswith("needs")]


def test_the_ticket_says_whose_word_the_steps_are_where_it_is_not_the_venues() -> None:
    context = around(held("11", "20"))
    assert "a table" not in " ".join(appraise(wish(), context).warnings)
    marked = msgspec.structs.replace(context.instrument, note="tick and step from a table, not from the venue")
    found = appraise(wish(), msgspec.structs.replace(context, instrument=marked))
    assert found.warnings[-1] == "tick and step from a table, not from the venue"


def test_a_share_of_the_balance_is_taken_at_the_leverage_of_what_is_held() -> None:
    draft = Draft(side=Side.BUY, type=OrderType.LIMIT, price="100", size="100% balance", post_only=True)
    at_ten = evaluate(draft, around(*BOTH))
    assert at_ten.intent is not None
    assert at_ten.intent.quantity == 5, "50 are free, and all that is open has 10x"
    mixed = evaluate(draft, around(BOTH[0], held("12", "-3", leverage=25)))
    assert mixed.intent is not None
    assert mixed.intent.quantity == D("0.5"), "rather too small than too large"


def test_what_adds_to_a_side_is_judged_with_what_is_held_of_it() -> None:
    found = appraise(wish(Side.BUY, "2"), around(held("11", "2", margin="30"), held("12", "-3")))
    # 2 at 100 with 30, and 2 at 100 with 20: (400 - 50) / (4 x 0.995) = 87.94
    assert found.estimate.liquidation == D("88.0")


def cross(size: str, **changes: Any) -> Position:
    return held("11", size, margin_mode=MarginMode.CROSS, **changes)


@pytest.mark.parametrize(
    ("size", "held_now", "beside", "mode", "expected"),
    [
        # the second bracket: (2000 - 200 - 5) / (20 x 0.99) = 90.66
        ("20", None, (), MarginMode.ISOLATED, "90.5"),
        # all of the balance behind it: (2000 - 1000 - 5) / (20 x 0.99) = 50.25
        ("20", None, (), MarginMode.CROSS, "50.5"),
        # a cross short of 5 moves with it: (2000 - 500 - 1000 - 5) / (20 x 0.99 - 5 x 1.005) = 33.5
        ("20", None, (held("12", "-5", margin_mode=MarginMode.CROSS),), MarginMode.CROSS, "33.5"),
        # an isolated one holds 300 of the balance: (2000 - 700 - 5) / 19.8 = 65.40
        ("20", None, (held("12", "-5", margin="300"),), MarginMode.CROSS, "65.5"),
        # with 8 held it is of the second bracket as well: 12 at 100, (1200 - 1000 - 5) / (12 x 0.99) = 16.41
        ("4", cross("8"), (), MarginMode.CROSS, "16.5"),
    ],
)
def test_the_ticket_s_liquidation_knows_brackets_and_what_stands_behind(
    size: str, held_now: Position | None, beside: tuple[Position, ...], mode: MarginMode, expected: str
) -> None:
    price = liquidation_after(
        wish(Side.BUY, size), D(100), perpetual(brackets=BRACKETS), held_now, D(10), mode, D(1000), beside
    )
    assert price == Decimal(expected)


async def test_a_one_way_venue_needs_no_name_of_a_position() -> None:
    venue = ScriptedVenue()
    venue.held = [position(D(2))]
    async with Rig(venue) as rig:
        await rig.place(side=Side.SELL, type=OrderType.MARKET, price=None, quantity=D(2), reduce_only=True)
        assert not venue.held
