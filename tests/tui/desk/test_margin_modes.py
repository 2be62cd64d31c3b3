"""Orders that each say their margin mode: which they get, what it does to positions, what is said of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.tui.desk.hedge_rig import D, HedgeRig
from tests.tui.desk.mode_rig import CROSS_LONG, LONG, SHORT, ModeVenue, by_order, in_mode
from tests.tui.desk.rig import PERP, RecordingJournal, instrument, intent, order
from tui.desk.control import AmendIntent, Outcome, Verdict
from tui.desk.exits import is_bound
from tui.desk.facts import describe_position, mode_of_id, number_words
from tui.desk.margin_modes import opening_mode, with_mode
from tui.desk.remote_commands import RemoteCommands
from tui.desk.remote_rows import order_lines, position_lines
from tui.desk_commands import _order_row
from venues.commands import FundsKind, OrderRequest
from venues.errors import OutcomeUnknown
from venues.events import PositionUpdate
from venues.model import MarginMode, OrderStatus, OrderType, Position, Side, TimeInForce
from venues.port import Capabilities

ISOLATED, CROSS = MarginMode.ISOLATED, MarginMode.CROSS
BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("held", "side", "mode"),
    [
        ((), BUY, ISOLATED),
        ((LONG,), BUY, ISOLATED),
        ((CROSS_LONG,), BUY, CROSS),
        ((CROSS_LONG,), SELL, ISOLATED),
        ((CROSS_LONG, SHORT), BUY, CROSS),
        ((LONG, CROSS_LONG), BUY, ISOLATED),
        ((in_mode("long:cross", "0"),), BUY, ISOLATED),
    ],
)
def test_an_order_that_names_no_mode_gets_that_of_the_position_of_its_side(
    held: tuple[Position, ...], side: Side, mode: MarginMode
) -> None:
    assert opening_mode(by_order(), instrument(), held, side) is mode


@pytest.mark.parametrize(
    ("can", "mode"),
    [
        (by_order(margin_mode_of_order=False), None),
        (by_order(margin_modes=frozenset({CROSS})), CROSS),
        (by_order(usual_margin_mode=CROSS), CROSS),
        (by_order(margin_modes=frozenset()), ISOLATED),
    ],
)
def test_only_modes_of_the_venue_are_named(can: Capabilities, mode: MarginMode | None) -> None:
    assert opening_mode(can, instrument(), (), BUY) is mode


def test_what_is_named_stays_and_what_closes_names_none() -> None:
    named = intent(margin_mode=CROSS)
    assert with_mode(named, by_order(), instrument(), (LONG,)) is named
    closing = intent(side=SELL, reduce_only=True)
    assert with_mode(closing, by_order(), instrument(), (LONG,)) is closing


def test_ids_of_side_and_mode_say_the_mode_and_come_again() -> None:
    assert (mode_of_id("long:cross"), mode_of_id("88213"), mode_of_id("long"), mode_of_id("long:odd")) == (
        CROSS, None, None, None,
    )  # fmt: skip
    assert number_words("short:isolated") == " isolated" and number_words("12") == " #12"
    assert describe_position(SHORT, instrument()) == "SHORT 0.5 BTC-PERP isolated"
    waits: dict[str, Any] = {"type": OrderType.STOP, "trigger_price": D(90), "price": None, "reduce_only": True}
    assert not is_bound(order("x", position_id="long:isolated", **waits))
    assert is_bound(order("x", position_id="11", **waits))


def sent(rig: HedgeRig) -> list[tuple[str, MarginMode | None]]:
    return [(one.side.value, one.margin_mode) for one in rig.hedge.requests]


async def test_each_order_is_sent_with_its_mode_and_kept_so() -> None:
    journal = Commands()
    async with HedgeRig(venue=ModeVenue(CROSS_LONG), journal=journal) as rig:
        await rig.place()
        await rig.place(side=SELL, price=D(101))
        await rig.place(price=D(99), margin_mode=ISOLATED)
        assert sent(rig) == [("buy", CROSS), ("sell", ISOLATED), ("buy", ISOLATED)]
        assert [one.margin_mode for one in journal.orders] == [CROSS, ISOLATED, ISOLATED]
        assert "BUY 1 BTC-PERP at 100 cross rests" in rig.texts()
        assert "SELL 1 BTC-PERP at 101 isolated rests" in rig.texts()


async def test_a_line_names_the_mode_or_is_told_which_it_got() -> None:
    async with HedgeRig(venue=ModeVenue(LONG)) as rig:
        remote = RemoteCommands(rig.session, rig.clock, patience=0.2)
        named = await remote.run("buy BTC-PERP 1 @ 99 cross", is_sure=False)
        assert "BUY 1 BTC-PERP at 99 cross rests" in named.text, named
        assert "at 98 isolated rests" in (await remote.run("buy BTC-PERP 1 @ 98", is_sure=False)).text
        denied = await remote.run("sell BTC-PERP 1 @ 102 reduce-only cross", is_sure=False)
        assert "margin can not be had" in denied.text, "what closes has that of its position"
        assert sent(rig) == [("buy", CROSS), ("buy", ISOLATED)]


async def test_lines_for_a_shell_say_the_mode_and_nothing_that_nobody_tells() -> None:
    untold = in_mode("long:cross", "1", 0, margin=D(0))
    async with HedgeRig(venue=ModeVenue(LONG, untold)) as rig:
        await rig.place(margin_mode=CROSS)
        (line,) = order_lines(rig.store)
        assert line.margin_mode == "cross" and "BUY cross" in _order_row(line)
        told = {one.position_id: (one.leverage, one.margin) for one in position_lines(rig.store)}
        assert told == {"long:isolated": (D(10), D(25)), "long:cross": (None, None)}


async def test_what_can_not_rest_is_never_said_to_rest() -> None:
    async with HedgeRig(venue=ModeVenue()) as rig:
        await rig.place(price=D(100), time_in_force=TimeInForce.IOC)
        told = await RemoteCommands(rig.session, rig.clock, patience=0.05).run("buy BTC-PERP 1 @ 99 fok", False)
        assert rig.hedge.orders[rig.hedge.requests[0].client_order_id].status is OrderStatus.NEW
        assert "rests" not in rig.texts() and "has not told yet what has traded" in told.text
        assert "rests" not in told.text


async def test_what_was_sent_before_its_life_was_known_to_be_bounded_stays_for_a_person_to_decide() -> None:
    venue = ModeVenue(caps=by_order(lookup_covers_closed=True, order_life=None))
    async with HedgeRig(venue=venue) as rig:
        venue.faults = {"submit_order": [OutcomeUnknown("test", "lost")]}
        outcome = await rig.session.submit(intent())
        rig.store.change_venue("test", capabilities=by_order(lookup_covers_closed=True, order_life=60.0))
        await rig.session.settled()
        tracked = rig.store.orders.get(outcome.order_key)
        assert tracked is not None and tracked.deadline is None
        assert "a miss proves nothing here: look at the venue, then decide" in rig.texts()


async def test_positions_of_a_side_stand_beside_each_other_and_each_is_closed_by_its_id() -> None:
    async with HedgeRig(venue=ModeVenue(LONG, CROSS_LONG, SHORT)) as rig:
        await rig.place(type=OrderType.MARKET, price=None, margin_mode=CROSS)
        assert rig.hedge.position("long:cross").quantity == D(2)
        assert rig.hedge.position("long:isolated").quantity == D(2)
        outcome = await rig.session.submit(intent(side=SELL, reduce_only=True, type=OrderType.MARKET, price=None))
        words = "several longs: isolated (2), cross (1): begin from the row of one"
        assert (outcome.verdict, outcome.reasons[0].text) == (Verdict.DENIED, words)
        assert (await rig.session.close_position(PERP, "long:isolated", 100)).verdict is Verdict.SENT
        await rig.session.settled()
        assert (rig.hedge.requests[-1].position_id, rig.hedge.requests[-1].margin_mode) == ("long:isolated", None)
        assert [one.position_id for one in rig.hedge.held] == ["short:isolated", "long:cross"]


async def test_the_next_position_of_the_same_id_and_size_can_be_closed_at_once() -> None:
    async with HedgeRig(venue=ModeVenue(LONG)) as rig:
        assert (await rig.session.close_position(PERP, "long:isolated", 100)).verdict is Verdict.SENT
        await rig.session.settled()
        again = await rig.session.close_position(PERP, "long:isolated", 100)
        assert again.verdict is Verdict.DENIED, "the old one is shown still"
        gone = msgspec.structs.replace(LONG, quantity=D(0), ts_event=LONG.ts_event + 1)
        anew = msgspec.structs.replace(LONG, ts_opened=LONG.ts_opened + 5, ts_event=LONG.ts_event + 5)
        rig.hedge.held.append(anew)
        await rig.tell(PositionUpdate(gone), PositionUpdate(anew))
        assert (await rig.session.close_position(PERP, "long:isolated", 100)).verdict is Verdict.SENT


async def test_a_reversed_position_keeps_its_mode() -> None:
    async with HedgeRig(venue=ModeVenue(CROSS_LONG)) as rig:
        assert (await rig.session.reverse_position(PERP, "long:cross")).verdict is Verdict.SENT
        await rig.session.settled()
        assert [one.position_id for one in rig.hedge.held] == ["short:cross"]
        assert sent(rig) == [("sell", None), ("sell", CROSS)]


async def test_an_edit_by_cancel_and_new_keeps_the_mode() -> None:
    async with HedgeRig(venue=ModeVenue(LONG)) as rig:
        key = await rig.place(margin_mode=CROSS, price=D(99))
        await rig.session.amend(AmendIntent(key=key, price=D(98)))
        await rig.session.settled()
        assert [(one.price, one.margin_mode) for one in rig.hedge.requests] == [(D(99), CROSS), (D(98), CROSS)]
        said = rig.texts()
        assert "BUY 1 BTC-PERP at 99 cross is being cancelled, BUY 1 BTC-PERP at 98 cross follows" in said, said


async def test_an_order_with_a_leverage_is_denied_where_orders_have_none() -> None:
    async with HedgeRig(venue=ModeVenue()) as rig:
        outcome = await rig.session.submit(intent(leverage=D(5)))
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.DENIED, "supported")
        assert "set that first (M, then l)" in outcome.reasons[0].text
        assert not rig.hedge.called("submit_order")


async def leverage(rig: HedgeRig, value: str, mode: MarginMode = ISOLATED) -> Outcome:
    return await rig.session.set_leverage(PERP, D(value), mode)


async def test_leverage_is_set_per_mode_over_positions_and_a_refusal_is_said() -> None:
    venue = ModeVenue(LONG, CROSS_LONG, SHORT)
    async with HedgeRig(venue=venue) as rig:
        assert (await leverage(rig, "15", CROSS)).verdict is Verdict.SENT
        assert venue.set == [(D(15), CROSS)] and venue.position("long:isolated").leverage == D(10)
        venue.refusal = "leverage can not be lowered with an isolated position"
        outcome = await leverage(rig, "5")
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.DENIED, "venue")
        assert outcome.reasons[0].text == venue.refusal
        assert venue.position("long:isolated").leverage == D(10)


async def test_a_bracket_counts_what_is_of_the_mode() -> None:
    async with HedgeRig(venue=ModeVenue(in_mode("long:cross", "8"))) as rig:
        await rig.place(quantity=D(3), margin_mode=ISOLATED, price=D(99))  # together beyond the first bracket
        assert (await leverage(rig, "50", CROSS)).verdict is Verdict.SENT
        await rig.place(quantity=D(3), margin_mode=CROSS, price=D(98))
        outcome = await leverage(rig, "50", CROSS)
        assert "11 BTC long takes 20x at most" in outcome.reasons[0].text
        assert (await leverage(rig, "50", ISOLATED)).verdict is Verdict.SENT


async def test_a_doubt_about_one_mode_is_not_settled_by_a_position_of_the_other() -> None:
    async with HedgeRig(venue=ModeVenue(CROSS_LONG)) as rig:
        rig.hedge.faults = {"set_leverage": [OutcomeUnknown("test", "lost")]}
        await leverage(rig, "5")
        outcome = await rig.session.submit(intent())
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.NEEDS_YES, "leverage")
    async with HedgeRig(venue=ModeVenue(CROSS_LONG)) as rig:
        rig.hedge.faults = {"set_leverage": [OutcomeUnknown("test", "lost")]}
        await leverage(rig, "5", CROSS)
        asked = await rig.session.submit(intent())
        assert asked.verdict is Verdict.NEEDS_YES, "the position was told before, and is of the leverage of then"
        await rig.tell(PositionUpdate(msgspec.structs.replace(CROSS_LONG, leverage=D(5))))
        assert (await rig.session.submit(intent())).verdict is Verdict.SENT, "the position tells what it is"


async def test_each_mode_has_a_doubt_of_its_own_that_only_its_own_answer_settles() -> None:
    async with HedgeRig(venue=ModeVenue()) as rig:
        rig.hedge.faults = {"set_leverage": [OutcomeUnknown("test", "lost"), OutcomeUnknown("test", "lost")]}
        await leverage(rig, "5", CROSS)
        await leverage(rig, "7", ISOLATED)
        assert (await leverage(rig, "7", ISOLATED)).reasons == ()
        outcome = await rig.session.submit(intent())
        assert outcome.verdict is Verdict.NEEDS_YES and "5x cross" in outcome.reasons[0].text
        assert (await leverage(rig, "5", CROSS)).reasons == ()
        assert (await rig.session.submit(intent())).verdict is Verdict.SENT


async def test_margin_may_be_taken_out_where_nobody_tells_the_leverage_but_never_past_the_liquidation() -> None:
    out = FundsKind.REMOVE_MARGIN
    async with HedgeRig(venue=ModeVenue(in_mode("long:isolated", "2", 0, margin=D(100)))) as rig:
        assert (await rig.margin("10", out, "long:isolated")).verdict is Verdict.SENT
        assert rig.hedge.position("long:isolated").margin == D(90)
        outcome = await rig.margin("90", out, "long:isolated")
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.DENIED, "liquidation")


async def test_exits_are_sent_along_with_the_order_that_opens() -> None:
    async with HedgeRig(venue=ModeVenue()) as rig:
        await rig.place(take_profit=D(120), stop_loss=D(90))
        request = rig.hedge.requests[-1]
        assert (request.take_profit, request.stop_loss, request.margin_mode) == (D(120), D(90), ISOLATED)


async def test_an_exit_that_ended_is_not_taken_for_the_end_of_a_position_that_may_come_again() -> None:
    venue = ModeVenue()
    venue.orders["x"] = order(
        "x", type=OrderType.STOP, side=SELL, price=None, trigger_price=D(90), reduce_only=True,
        position_id="long:isolated",
    )  # fmt: skip
    async with HedgeRig(venue=venue) as rig:
        assert rig.status("x") is OrderStatus.NEW
        del venue.orders["x"]
        rig.session.supervisor.distrust(rig.session.links["test"])
        await rig.session.supervisor._read_account(rig.session.links["test"])
        assert rig.status("x") is OrderStatus.UNKNOWN, "a miss proves nothing, and its position's id says nothing"


class Commands(RecordingJournal):
    """Keeps the orders that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[OrderRequest] = []

    async def intent(self, command: object, ts: int, *, notional: object = None) -> None:
        if isinstance(command, OrderRequest):
            self.orders.append(command)
