"""An edit where the venue can not change an order: cancelled, proven, placed anew; or nothing, and it is said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.tui.desk.edit_rig import NOTHING, NoAmendVenue, edit, edit_rig, last, rest, trade
from tests.tui.desk.rig import FIVE, START, D, Rig, capabilities, fill, until, update
from tui.desk.control import AmendIntent, Verdict
from tui.desk.frame import FactKind, Severity
from tui.desk.guards import Limits
from venues.errors import ConnectionLost, InsufficientFunds, OrderNotFound, OutcomeUnknown
from venues.events import FillUpdate
from venues.model import MarginMode, OrderStatus, OrderType

S = OrderStatus


async def test_only_what_an_edit_adds_counts_into_the_budget() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue, limits=Limits(session_budget=D(600))) as rig:
        key = await rest(rig, venue)
        over = await rig.session.amend(AmendIntent(key=key, quantity=D(7)))
        assert [reason.guard for reason in over.reasons] == ["budget"]
        await edit(rig, key, quantity=D(6))
        assert rig.session.guards.budget_used == 600
        await edit(rig, venue.sent[-1].client_order_id, quantity=D(4))
        assert rig.session.guards.budget_used == 600
        assert [one.quantity for one in venue.sent] == [D(6), D(4)]


@pytest.mark.parametrize(
    ("changes", "guard"),
    [
        ({"price": D(150)}, "band"),
        ({"price": D("99.3")}, "steps"),
        ({"quantity": D(2)}, "size"),  # they are filled already
        ({"quantity": D("2.0001")}, "steps"),
        ({"quantity": D("2.001")}, "steps"),  # what would be left is worth less than the least
        ({"quantity": D(9_999)}, "notional"),
        ({"trigger_price": D(99)}, "order"),
        ({"price": D(100), "quantity": FIVE}, "order"),
        ({}, "order"),
    ],
)
async def test_all_guards_come_before_the_cancel(changes: dict[str, Any], guard: str) -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        await trade(rig, venue, key, D(2))
        outcome = await rig.session.amend(AmendIntent(key=key, **changes))
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.DENIED, guard)
        assert (venue.called("cancel_order"), rig.status(key)) == (0, S.PARTIALLY_FILLED)


async def test_a_yes_is_asked_for_before_the_cancel_and_holds_for_the_new_order() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        outcome = await rig.session.amend(AmendIntent(key=key, price=D(90)))
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.NEEDS_YES, "band")
        assert venue.called("cancel_order") == 0
        await edit(rig, key, price=D(90), overrides=frozenset({"band"}))
        assert [one.price for one in venue.sent] == [D(90)]


async def test_a_locked_desk_lets_an_order_become_smaller_and_nothing_else() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        await rig.session.lock("test")
        for wish in (
            AmendIntent(key=key, price=D(99)),
            AmendIntent(key=key, quantity=D(6)),
            AmendIntent(key=key, price=D(99), quantity=D(3)),
        ):
            outcome = await rig.session.amend(wish)
            assert outcome.reasons[0].guard == "lock"
        await edit(rig, key, quantity=D(3))
        assert [(one.quantity, one.price) for one in venue.sent] == [(D(3), D(100))]


async def test_so_it_is_where_the_venue_changes_orders_itself() -> None:
    async with Rig() as rig:
        key = await rig.place(quantity=FIVE)
        await rig.session.lock("test")
        assert (await rig.session.amend(AmendIntent(key=key, price=D(99)))).reasons[0].guard == "lock"
        await edit(rig, key, quantity=D(3))
        assert rig.venue.orders[key].quantity == D(3)
        assert (rig.venue.called("amend_order"), rig.venue.called("cancel_order")) == (1, 0)


async def test_what_the_venue_does_not_tell_of_an_order_is_kept() -> None:
    venue = NoAmendVenue(capabilities(amend=False, attached_exits=True, margin_modes=frozenset(MarginMode)))
    async with edit_rig(venue) as rig:
        key = await rest(
            rig, venue, type=OrderType.STOP_LIMIT, trigger_price=D(101), price=D(102), leverage=D(3),
            margin_mode=MarginMode.CROSS, take_profit=D(120), stop_loss=D(90),
        )  # fmt: skip
        await edit(rig, key, trigger_price=D(103), price=D(104))
        (new,) = venue.sent
        assert (new.type, new.trigger_price, new.price) == (OrderType.STOP_LIMIT, D(103), D(104))
        assert (new.leverage, new.margin_mode) == (D(3), MarginMode.CROSS)
        assert (new.take_profit, new.stop_loss) == (D(120), D(90))
        await edit(rig, new.client_order_id, quantity=D(4))
        assert (venue.sent[-1].margin_mode, venue.sent[-1].trigger_price) == (MarginMode.CROSS, D(103))
        await rig.tell(update("x"))
        venue.orders["x"] = update("x").order
        outcome = await rig.session.amend(AmendIntent(key="x", price=D(99)))
        assert "all that it was placed with is not known here" in outcome.reasons[0].text


async def test_an_external_order_is_edited_where_the_venue_tells_all_of_it() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        venue.orders["x"] = update("x").order
        await rig.tell(update("x"))
        await edit(rig, "x", price=D(99))
        assert [one.price for one in venue.sent] == [D(99)]


async def test_a_stop_that_was_triggered_goes_on_as_a_limit_order() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue, type=OrderType.STOP_LIMIT, trigger_price=D(101), price=D(102))

        async def trigger() -> None:
            before = venue.orders[key]
            venue.orders[key] = msgspec.structs.replace(before, is_triggered=True, ts_event=START + 60)

        venue.between = trigger
        await edit(rig, key, price=D(103))
        assert "its trigger was reached: nothing new was sent" in last(rig)
        assert venue.sent == []
        venue.between = None
        venue.orders["b"] = update("b", type=OrderType.STOP_LIMIT, trigger_price=D(101), is_triggered=True).order
        await rig.tell(update("b", type=OrderType.STOP_LIMIT, trigger_price=D(101), is_triggered=True))
        await edit(rig, "b", price=D(99))
        assert [(one.type, one.trigger_price) for one in venue.sent] == [(OrderType.LIMIT, None)]


@pytest.mark.parametrize("status", [S.FILLED, S.EXPIRED])
async def test_an_order_that_ended_otherwise_is_not_placed_anew(status: OrderStatus) -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        venue.answer = "not found"
        venue.traded = FIVE if status is S.FILLED else D(0)
        if status is S.EXPIRED:
            venue.end(key, S.EXPIRED)
        await edit(rig, key, price=D(99))
        assert venue.sent == []
        expected = "was filled before it could be cancelled" if status is S.FILLED else "has ended as expired"
        assert f"{expected}{', not by its cancel' if status is S.EXPIRED else ''}: {NOTHING}" in last(rig)


async def test_an_order_that_somebody_else_cancelled_is_not_placed_anew() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        venue.end(key)
        venue.answer = "not found"
        await edit(rig, key, price=D(99))
        assert (venue.sent, rig.status(key)) == ([], S.CANCELED)
        assert "was cancelled, but not by this edit (no such order): nothing new was sent" in last(rig)


async def test_a_wish_of_less_than_has_traded_by_then_ends_with_the_cancel() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        venue.traded = D(4)
        await edit(rig, key, quantity=D(3))
        assert (venue.sent, rig.status(key)) == ([], S.CANCELED)
        assert "is cancelled, 4 of 3 had traded: nothing new was sent" in last(rig)


async def test_what_is_left_below_the_least_is_not_sent_and_said() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        venue.traded = D("4.99")
        await edit(rig, key, price=D(99))
        assert venue.sent == []
        assert "is cancelled with 4.99 filled, and 0.01 was not placed anew: order is below" in last(rig)
        assert rig.facts[-1].severity is Severity.ALARM


async def test_an_edit_that_is_never_proven_is_given_up() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue, edit_patience=0.02) as rig:
        key = await rest(rig, venue)
        venue.answer = "lost before"
        venue.faults = {"fetch_order": [ConnectionLost("test", "gone")] * 5_000}
        await edit(rig, key, price=D(99))
        assert "given up after 0.02 s: nobody has said what became of the cancel" in last(rig)
        assert f"{NOTHING[1:]}: look at it, then place it anew yourself" in last(rig)
        venue.faults = {}
        venue.end(key)
        await until(lambda: rig.status(key) is S.CANCELED)  # proven at last, and too late
        assert venue.sent == []


async def test_a_cancelled_order_that_can_not_be_read_back_is_given_up() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue, edit_patience=0.02) as rig:
        key = await rest(rig, venue)
        venue.faults = {"fetch_order": [OrderNotFound("test", "no such order")] * 5_000}
        await edit(rig, key, price=D(99))
        assert "is cancelled, but what had traded of it could not be read back. Nothing new was sent" in last(rig)
        assert (venue.sent, rig.status(key)) == ([], S.CANCELED)


async def test_a_venue_that_forgets_orders_without_a_fill_need_not_find_it() -> None:
    venue = NoAmendVenue(capabilities(amend=False, forgets_unfilled=True))
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        venue.faults = {"fetch_order": [OrderNotFound("test", "no such order")]}
        await edit(rig, key, price=D(99))
        assert [one.price for one in venue.sent] == [D(99)]


async def test_a_read_that_fails_once_is_made_again() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        venue.faults = {"fetch_order": [ConnectionLost("test", "gone")]}
        await edit(rig, key, price=D(99))
        assert len(venue.sent) == 1
        assert venue.called("fetch_order") == 2


async def test_what_trades_after_the_venues_own_word_is_an_alarm() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        await edit(rig, key, price=D(99))
        await rig.tell(FillUpdate(fill(key, "late", D(2), ts_event=START + 500)))
        words = "2 of BUY 5 BTC-PERP at 100 traded after its cancel was proven, and BUY 5 BTC-PERP at 99 was sent"
        (told,) = [fact for fact in rig.facts if words in fact.text]
        assert (told.severity, told.kind) == (Severity.ALARM, FactKind.NOTICE)


async def test_a_new_order_that_is_refused_leaves_nothing_and_that_is_said() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        venue.faults = {"submit_order": [InsufficientFunds("test", "not enough")]}
        await edit(rig, key, price=D(99))
        assert not list(rig.store.orders.open_orders())
        assert "is cancelled, and BUY 5 BTC-PERP at 99 was refused: nothing rests of it" in last(rig)


async def test_a_new_order_without_an_answer_is_unknown_and_never_sent_again() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        venue.faults = {"answer": [OutcomeUnknown("test", "timeout")]}
        await edit(rig, key, price=D(99))
        (new,) = venue.sent
        await until(lambda: rig.status(new.client_order_id) is S.NEW)
        assert len(venue.sent) == 1
