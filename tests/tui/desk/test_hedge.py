"""Long and short side by side: nothing nets, each close names its position, and panic ends flat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.tui.desk.hedge_rig import D, HedgeRig, HedgeVenue, held, perpetual
from tests.tui.desk.rig import PERP, RecordingJournal, intent, until
from tui.desk.control import AmendIntent, OrderIntent, Outcome, Verdict
from tui.desk.guards import Limits
from tui.desk.panic_alone import panic_alone
from venues.errors import OutcomeUnknown
from venues.events import PositionUpdate
from venues.model import MarginMode, OrderStatus, OrderType, Side

BOTH = (held("11", "2"), held("12", "-3"))
SEVERAL = (held("11", "2"), held("13", "0.5"), held("12", "-3"), held("14", "-1"))


def market(side: Side = Side.SELL, quantity: str = "1", **changes: Any) -> OrderIntent:
    made = intent(side=side, type=OrderType.MARKET, quantity=D(quantity), price=None)
    return msgspec.structs.replace(made, **changes)


def said(outcome: Outcome) -> tuple[Verdict, str]:
    return outcome.verdict, outcome.reasons[0].guard if outcome.reasons else ""


async def sent(rig: HedgeRig, wish: OrderIntent) -> Outcome:
    outcome = await rig.session.submit(wish)
    await rig.session.settled()
    return outcome


async def test_a_sale_beside_a_long_opens_a_short_and_counts_as_risk() -> None:
    async with HedgeRig(held("11", "2")) as rig:
        budget = rig.store.budget_used
        assert (await sent(rig, market())).verdict is Verdict.SENT
        assert sorted(one.quantity for one in rig.hedge.held) == [-1, 2]
        assert rig.store.budget_used > budget
        await rig.session.lock("lunch")
        assert said(await sent(rig, market(quantity="0.5"))) == (Verdict.DENIED, "lock")
        used = rig.store.budget_used
        assert (await sent(rig, market(reduce_only=True))).verdict is Verdict.SENT, "closing passes the lock"
        assert rig.store.budget_used == used
        assert rig.hedge.requests[-1].position_id == "11", "the only long there is"


@pytest.mark.parametrize(
    ("side", "changes", "words"),
    [
        (Side.SELL, {}, "several longs: #11 (2), #13 (0.5): begin from the row of one"),
        (Side.BUY, {}, "several shorts: #12 (3), #14 (1)"),
        (Side.SELL, {"position_id": "12"}, "selling closes nothing of a short position"),
        (Side.SELL, {"position_id": "99"}, "position #99 is not open any more"),
    ],
)
async def test_a_close_that_names_no_certain_position_is_denied(
    side: Side, changes: dict[str, Any], words: str
) -> None:
    async with HedgeRig(*SEVERAL) as rig:
        wish = market(side, reduce_only=True, **changes)
        for outcome in (await rig.session.check(wish), await sent(rig, wish)):
            assert said(outcome) == (Verdict.DENIED, "position")
            assert words in outcome.reasons[0].text
        assert not rig.hedge.requests


async def test_closes_of_two_positions_are_no_twins() -> None:
    async with HedgeRig(held("11", "1"), held("13", "1")) as rig:
        for position_id in ("11", "13"):
            wish = market(reduce_only=True, position_id=position_id)
            assert (await sent(rig, wish)).verdict is Verdict.SENT
        assert not rig.hedge.held


async def test_half_of_one_position_is_closed_although_its_exit_stands() -> None:
    async with HedgeRig(*SEVERAL) as rig:
        await rig.place(
            side=Side.SELL, type=OrderType.STOP, price=None, trigger_price=D(90), quantity=D(2), reduce_only=True,
            position_id="11",
        )  # fmt: skip
        assert (await rig.session.close_position(PERP, "11", 50)).verdict is Verdict.SENT
        await rig.session.settled()
        assert rig.hedge.position("11").quantity == 1
        rig.store.ledger.replace_positions("test", rig.hedge.held, rig.clock.now + 1)
        again = await rig.session.close_position(PERP, "11", 100)
        assert again.verdict is Verdict.SENT, "the rest is as large as the half, and no twin of it"
        await rig.session.settled()
        assert {one.position_id for one in rig.hedge.held} == {"12", "13", "14"}


async def test_no_close_is_sent_of_what_rests_in_orders_that_close_it() -> None:
    async with HedgeRig(*SEVERAL) as rig:
        key = await rig.place(side=Side.SELL, price=D(105), quantity=D("1.5"), reduce_only=True, position_id="11")
        rig.hedge.requests.clear()
        wish = market(reduce_only=True, position_id="11", quantity="0.6")
        outcomes = [
            await rig.session.close_position(PERP, "11", 100),
            await rig.session.check(wish),
            await sent(rig, wish),
        ]
        for outcome in outcomes:
            assert said(outcome) == (Verdict.DENIED, "position")
            words = "1.5 of 2 rest in orders that close it: cancel those first, or close 0.5"
            assert words in outcome.reasons[0].text
        assert not rig.hedge.requests
        exit_ = market(type=OrderType.STOP, trigger_price=D(90), quantity="2", reduce_only=True, position_id="11")
        assert (await sent(rig, exit_)).verdict is Verdict.SENT, "an exit stands beside it"
        assert (
            await sent(rig, market(reduce_only=True, position_id="13", quantity="0.5"))
        ).verdict is Verdict.SENT
        edited = await rig.session.amend(AmendIntent(key=key, quantity=D(2), overrides=frozenset({"duplicate"})))
        await rig.session.settled()
        assert edited.verdict is Verdict.SENT, "what it takes the place of is not in its way"
        assert rig.hedge.requests[-1].quantity == 2
        (rests,) = [one.key for one in rig.store.orders.open_orders() if one.order.type is OrderType.LIMIT]
        await rig.session.cancel(rests)
        await rig.session.settled()
        assert (await rig.session.close_position(PERP, "11", 100)).verdict is Verdict.SENT


async def test_half_of_a_position_is_not_closed_twice_while_its_old_size_is_shown() -> None:
    async with HedgeRig(*SEVERAL) as rig:
        assert (await rig.session.close_position(PERP, "11", 50)).verdict is Verdict.SENT
        await rig.session.settled()
        rig.clock.pass_seconds(3)
        again = await rig.session.close_position(PERP, "11", 50)
        assert said(again) == (Verdict.DENIED, "duplicate")
        assert "its size here is that of before" in again.reasons[0].text
        assert said(await rig.session.reverse_position(PERP, "11")) == (Verdict.DENIED, "duplicate")
        assert (await rig.session.close_position(PERP, "14", 100)).verdict is Verdict.SENT, "of another one"
        await rig.tell(PositionUpdate(rig.hedge.position("11")))
        assert (await rig.session.close_position(PERP, "11", 50)).verdict is Verdict.SENT
        await rig.session.settled()
        assert rig.hedge.position("11").quantity == D("0.5")


async def test_a_size_that_is_never_shown_keeps_nobody_in_a_position() -> None:
    async with HedgeRig(held("11", "2")) as rig:
        await rig.session.close_position(PERP, "11", 50)
        await rig.session.settled()
        rig.clock.pass_seconds(16)
        assert (await rig.session.close_position(PERP, "11", 50)).verdict is Verdict.SENT


@pytest.mark.parametrize("name", ["BTC-PERP", "btc-perp", "Btc-Perp"])
async def test_a_limit_of_a_symbol_holds_however_it_was_typed(name: str) -> None:
    async with HedgeRig(limits=Limits(max_quantity={name: D("0.5")})) as rig:
        assert said(await sent(rig, intent(quantity=D("0.6")))) == (Verdict.DENIED, "size")
        assert (await sent(rig, intent(quantity=D("0.5")))).verdict is Verdict.SENT


async def test_reverse_closes_the_one_and_opens_the_other_side() -> None:
    async with HedgeRig(*SEVERAL) as rig:
        assert (await rig.session.reverse_position(PERP, "11")).verdict is Verdict.SENT
        await rig.session.settled()
        closing, opening = rig.hedge.requests
        assert (closing.side, closing.quantity, closing.reduce_only, closing.position_id) == (
            Side.SELL, D(2), True, "11",
        )  # fmt: skip
        assert (opening.side, opening.quantity, opening.reduce_only, opening.position_id) == (
            Side.SELL, D(2), False, None,
        )  # fmt: skip
        assert rig.total() == D("0.5") - 4 - 2


async def test_panic_closes_each_position_by_its_id_and_ends_flat() -> None:
    async with HedgeRig(*SEVERAL) as rig:
        await rig.place(
            side=Side.BUY, type=OrderType.TAKE_PROFIT, price=None, trigger_price=D(90), stop_loss=D(110),
            quantity=D(3), reduce_only=True, position_id="12",
        )  # fmt: skip
        rig.hedge.requests.clear()
        await rig.session.lock("panic works while locked")
        (line,) = (await rig.session.panic()).lines
        assert (line.is_proven, line.closed, line.positions_left, line.orders_left) == (True, 4, 0, 0)
        assert not line.note
        assert {one.position_id: (one.side, one.quantity, one.reduce_only) for one in rig.hedge.requests} == {
            "11": (Side.SELL, D(2), True), "13": (Side.SELL, D("0.5"), True),
            "12": (Side.BUY, D(3), True), "14": (Side.BUY, D(1), True),
        }  # fmt: skip
        assert not rig.hedge.held


async def test_panic_without_a_desk_does_the_same(tmp_path: Path) -> None:
    venue = HedgeVenue(*SEVERAL)
    done = await panic_alone(venue, tmp_path, "main", link_seconds=1.0)
    (line,) = done.receipt.lines
    assert (line.is_proven, line.closed, line.positions_left, venue.held) == (True, 4, 0, [])


async def test_flatten_leaves_nothing_of_either_side() -> None:
    async with HedgeRig(*BOTH) as rig:
        await rig.session.flatten(PERP)
        await rig.session.settled()
        assert not rig.hedge.held
        assert "flatten test: 0 cancelled, 2 closed" in rig.texts()


@pytest.mark.parametrize(
    ("changes", "guard", "words"),
    [
        ({"price": D("110.5")}, "band", "no buy above 110.0 now, 10 % above mark"),
        ({"side": Side.SELL, "price": D("89.5")}, "band", "no sale below 90.0 now, 10 % below mark"),
        ({"leverage": D(51)}, "leverage", "from 1 to 50"),
        ({"leverage": D(21), "quantity": D(11)}, "leverage", "11 BTC in all takes 20x at most"),
        ({"leverage": D(2), "quantity": D(101)}, "leverage", "101 BTC in all is more than any bracket takes"),
        ({"take_profit": D(100)}, "steps", "the take profit of a long must be above its entry, 100"),
        ({"stop_loss": D(100)}, "steps", "the stop loss of a long must be below its entry, 100"),
        ({"side": Side.SELL, "take_profit": D(101)}, "steps", "the take profit of a short must be below"),
        ({"side": Side.SELL, "stop_loss": D(99)}, "steps", "the stop loss of a short must be above"),
        (
            {"price": D(104), "stop_loss": D(102)},
            "steps",
            "the stop loss of a long must be below its entry, 100.5",
        ),
        (
            {"side": Side.SELL, "price": D(96), "stop_loss": D(98)},
            "steps",
            "the stop loss of a short must be above its entry, 99.5",
        ),
    ],
)
async def test_what_the_venue_would_refuse_is_said_before(changes: dict[str, Any], guard: str, words: str) -> None:
    async with HedgeRig() as rig:
        outcome = await sent(rig, intent(**changes))
        assert outcome.verdict is Verdict.DENIED
        found = {reason.guard: reason.text for reason in outcome.reasons}
        assert words in found.get(guard, ""), outcome
        assert not rig.hedge.requests


async def test_the_edges_of_band_bracket_and_exits_are_taken() -> None:
    async with HedgeRig() as rig:
        wish = intent(price=D(110), overrides=frozenset({"band"}), leverage=D(50), quantity=D(10))
        wish = msgspec.structs.replace(wish, take_profit=D("110.5"), stop_loss=D(100))
        assert (await sent(rig, wish)).verdict is Verdict.SENT
        stop = intent(type=OrderType.STOP_LIMIT, trigger_price=D(150), price=D(150), quantity=D(1))
        assert (await sent(rig, stop)).verdict is Verdict.SENT, "held against the mark of when it triggers"


async def test_an_old_mark_holds_nothing_back() -> None:
    async with HedgeRig() as rig:
        rig.clock.pass_seconds(61)
        wish = intent(price=D(115), overrides=frozenset({"band", "fresh"}))
        assert (await sent(rig, wish)).verdict is Verdict.SENT


@pytest.mark.parametrize(
    ("changes", "guard"),
    [({"leverage": D(20)}, "leverage"), ({"margin_mode": MarginMode.CROSS}, "margin"), ({}, "")],
)
async def test_terms_are_not_changed_over_a_position(changes: dict[str, Any], guard: str) -> None:
    async with HedgeRig(held("12", "-3")) as rig:
        assert said(await sent(rig, intent(**changes)))[1] == guard


async def test_the_size_of_the_other_side_is_no_part_of_the_bracket() -> None:
    venue = HedgeVenue(held("11", "9", leverage=50), held("12", "-3", leverage=50))
    venue.instruments[0] = perpetual()
    async with HedgeRig(venue=venue) as rig:
        assert said(await sent(rig, intent(quantity=D(2), leverage=D(50)))) == (Verdict.DENIED, "leverage")
        assert (await sent(rig, intent(side=Side.SELL, quantity=D(2), leverage=D(50)))).verdict is Verdict.SENT


async def test_an_unknown_order_stays_unknown_until_a_person_decides() -> None:
    journal = RecordingJournal()
    async with HedgeRig(journal=journal) as rig:
        rig.hedge.faults = {"submit_order": [OutcomeUnknown("test", "timeout")]}
        key = await rig.place()
        await until(lambda: rig.hedge.called("fetch_order") >= 8)
        rig.clock.pass_seconds(86_400)
        await until(lambda: rig.hedge.called("fetch_order") >= 16)
        assert rig.status(key) is OrderStatus.UNKNOWN
        assert "a miss proves nothing here: look at the venue, then decide" in rig.texts()
        twin = await rig.session.submit(intent())
        assert twin.verdict is Verdict.NEEDS_YES
        assert "duplicate" in {reason.guard for reason in twin.reasons}
        assert (await rig.session.decide_gone(key)).verdict is Verdict.SENT
        assert rig.status(key) is OrderStatus.REJECTED
