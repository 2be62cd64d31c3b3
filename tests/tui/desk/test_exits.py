"""Exits of positions: shown, cancelled, edited with all that they are, ended with their position without alarm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.tui.desk.hedge_rig import D, HedgeRig, HedgeVenue, held, next_venue
from tests.tui.desk.rig import fill, intent, order, until
from tui.desk.appraisal import Context
from tui.desk.control import AmendIntent, Verdict
from tui.desk.draft import draft_of, evaluate_edit
from tui.desk.facts import describe_order
from tui.desk.frame import OrderView, Severity
from tui.desk.inheritance import Inherited
from tui.desk.journal_export import read_state
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.takeover import inherit
from venues.events import FillUpdate, OrderUpdate
from venues.model import Order, OrderStatus, OrderType, Side

DESK = "PAPER/main"


def exit_order(**changes: Any) -> Order:
    """Returns an entry with both triggers that somebody placed at the venue for the long of 2."""
    made = order(
        "", OrderStatus.NEW, venue_order_id="exit:7", side=Side.SELL, type=OrderType.TAKE_PROFIT, quantity=D(2),
        price=None, trigger_price=D(120), stop_loss=D(90), reduce_only=True, position_id="11",
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def with_exit(*positions: Any) -> HedgeVenue:
    venue = HedgeVenue(*(positions or (held("11", "2"),)))
    venue.orders["exit:7"] = exit_order()
    return venue


async def test_an_exit_is_shown_with_both_triggers_and_its_position() -> None:
    async with HedgeRig(venue=with_exit()) as rig:
        frame = rig.store.frame(rig.clock.now)
        assert frame is not None
        assert frame.orders is not None
        (view,) = frame.orders
        assert (view.order.position_id, view.order.stop_loss, view.key) == ("11", D(90), "exit:7")
        assert "found at the venue: SELL 2 BTC-PERP #11 when 120 or 90" in rig.texts()
        assert (await rig.session.cancel("exit:7")).verdict is Verdict.SENT
        await rig.session.settled()
        assert rig.status("exit:7") is OrderStatus.CANCELED
        assert "SELL 2 BTC-PERP #11 when 120 or 90 is cancelled" in rig.texts()


def test_what_goes_along_with_an_entry_is_said() -> None:
    entry = order("a", take_profit=D(120), stop_loss=D(90))
    assert describe_order(entry, None) == "BUY 5 BTC-PERP at 100 TP 120 SL 90"


@pytest.mark.parametrize("is_ours", [True, False])
async def test_an_edit_keeps_the_position_and_the_other_trigger(*, is_ours: bool) -> None:
    async with HedgeRig(venue=HedgeVenue(held("11", "2")) if is_ours else with_exit()) as rig:
        key = "exit:7"
        if is_ours:
            key = await rig.place(
                side=Side.SELL, type=OrderType.TAKE_PROFIT, price=None, trigger_price=D(120), stop_loss=D(90),
                quantity=D(2), reduce_only=True, position_id="11",
            )  # fmt: skip
        rig.hedge.requests.clear()
        outcome = await rig.session.amend(AmendIntent(key=key, trigger_price=D(125)))
        assert outcome.verdict is Verdict.SENT, outcome
        await rig.session.settled()
        (new,) = rig.hedge.requests
        assert (new.position_id, new.stop_loss, new.trigger_price, new.reduce_only, new.type) == (
            "11", D(90), D(125), True, OrderType.TAKE_PROFIT,
        )  # fmt: skip
        assert rig.status(key) is OrderStatus.CANCELED


async def test_what_an_exit_was_placed_with_is_known_although_the_venue_does_not_tell_it() -> None:
    async with HedgeRig(held("11", "2")) as rig:
        key = await rig.place(
            side=Side.SELL, type=OrderType.TAKE_PROFIT, price=None, trigger_price=D(120), stop_loss=D(90),
            quantity=D(2), reduce_only=True, position_id="11",
        )  # fmt: skip
        bare = msgspec.structs.replace(
            rig.hedge.orders[key], position_id="", stop_loss=None, ts_event=rig.clock.now + 1_000
        )
        await rig.tell(OrderUpdate(bare))
        tracked = rig.store.orders.get(key)
        assert tracked is not None
        assert (tracked.order.position_id, tracked.order.stop_loss) == ("11", D(90))


async def test_an_edit_that_turns_the_triggers_over_is_denied() -> None:
    async with HedgeRig(venue=with_exit()) as rig:
        outcome = await rig.session.amend(AmendIntent(key="exit:7", trigger_price=D(89)))
        assert outcome.verdict is Verdict.DENIED
        assert "stop loss must be below its take profit" in outcome.reasons[0].text
        assert not rig.hedge.called("cancel_order")


def test_the_ticket_keeps_them_in_what_is_judged() -> None:
    venue = with_exit()
    context = Context(
        instrument=venue.instruments[0], capabilities=venue.capabilities, positions=tuple(venue.held)
    )
    view = OrderView(key="exit:7", order=exit_order(), instrument=venue.instruments[0], account="main")
    draft = draft_of(view)
    assert draft.position_id == "11"
    found = evaluate_edit(view, msgspec.structs.replace(draft, size="50% position"), context)
    assert found.judged is not None
    assert (found.judged.position_id, found.judged.stop_loss, found.judged.quantity) == ("11", D(90), D(1))


async def test_an_exit_that_ends_with_its_position_is_no_alarm() -> None:
    async with HedgeRig(venue=with_exit()) as rig:
        rig.facts.clear()
        rig.hedge.held.clear()
        rig.hedge.drop_exits("11")  # the venue does not find it any more
        rig.session.links["test"].reconcile_wanted.set()
        await until(lambda: rig.status("exit:7").is_terminal)
        tracked = rig.store.orders.get("exit:7")
        assert tracked is not None
        assert (tracked.status, tracked.order.reason) == (
            OrderStatus.CANCELED, "ended by the venue: its position is closed",
        )  # fmt: skip
        assert not [one.text for one in rig.facts if one.severity is Severity.ALARM]
        assert "UNKNOWN" not in rig.texts()


async def test_an_exit_that_is_missing_beside_its_open_position_is_unknown() -> None:
    async with HedgeRig(venue=with_exit()) as rig:
        del rig.hedge.orders["exit:7"]
        rig.session.links["test"].reconcile_wanted.set()
        await until(lambda: rig.status("exit:7") is OrderStatus.UNKNOWN)
        await until(lambda: rig.hedge.called("fetch_order") >= 5)
        assert rig.status("exit:7") is OrderStatus.UNKNOWN


async def test_the_venue_s_own_end_of_an_exit_is_called_that() -> None:
    async with HedgeRig(venue=with_exit()) as rig:
        ended = exit_order(status=OrderStatus.CANCELED, reason="PLATFORM_REVOCATION", ts_event=rig.clock.now + 1)
        await rig.tell(OrderUpdate(ended))
        fact = rig.facts[-1]
        assert fact.text == "SELL 2 BTC-PERP #11 when 120 or 90 was ended by the venue: PLATFORM_REVOCATION"
        assert fact.severity is Severity.INFO


async def test_a_plan_that_triggers_is_one_order_in_the_desk_and_in_its_journal(tmp_path: Path) -> None:
    def desk(venue: HedgeVenue) -> HedgeRig:
        def take_over() -> Inherited:
            return inherit(SqliteJournal(journal_path(tmp_path), desk=DESK), DESK, lambda: rig.clock(), "test")

        rig = HedgeRig(venue=venue, inherit=take_over)
        return rig

    venue = HedgeVenue()
    async with desk(venue) as rig:
        key = await rig.place(type=OrderType.STOP, price=None, trigger_price=D(110), quantity=D(2))
        made = msgspec.structs.replace(venue.orders[key], venue_order_id="plan:5", ts_event=rig.clock.now + 10)
        await rig.tell(OrderUpdate(made))
        done = msgspec.structs.replace(
            made, is_triggered=True, status=OrderStatus.FILLED, filled_quantity=D(2), ts_event=rig.clock.now + 20
        )
        first, second = (
            fill(key, f"t{n}", D(1), venue_order_id="plan:5", price=D(110), ts_event=rig.clock.now + 15 + n)
            for n in (1, 2)
        )
        await rig.tell(FillUpdate(first), OrderUpdate(done), FillUpdate(second), OrderUpdate(done))
        venue.orders[key] = done
        tracked = rig.store.orders.get(key)
        assert tracked is not None
        assert (tracked.status, tracked.order.filled_quantity, len(tracked.fills)) == (
            OrderStatus.FILLED, D(2), 2,
        )  # fmt: skip
        assert not tracked.is_late_fill
        assert not tracked.is_overfilled
        await rig.session.keeper.flush()
    folded = read_state(journal_path(tmp_path))
    assert [(one.status, one.order.filled_quantity, len(one.fills)) for one in folded.orders.values()] == [
        (OrderStatus.FILLED, D(2), 2)
    ]
    async with desk(next_venue(venue)) as rig:
        assert not list(rig.store.orders.open_orders())
        assert "LATE" not in rig.texts()


async def test_an_exit_is_known_again_after_a_restart(tmp_path: Path) -> None:
    def desk(venue: HedgeVenue) -> HedgeRig:
        def take_over() -> Inherited:
            return inherit(SqliteJournal(journal_path(tmp_path), desk=DESK), DESK, lambda: rig.clock(), "test")

        rig = HedgeRig(venue=venue, inherit=take_over)
        return rig

    venue = HedgeVenue(held("11", "2"))
    async with desk(venue) as rig:
        key = await rig.place(
            side=Side.SELL, type=OrderType.TAKE_PROFIT, price=None, trigger_price=D(120), stop_loss=D(90),
            quantity=D(2), reduce_only=True, position_id="11",
        )  # fmt: skip
    again = next_venue(venue)
    # The venue has no name of ours for it: it tells of it by its own id alone.
    nameless = msgspec.structs.replace(venue.orders[key], client_order_id="")
    again.orders = {"exit": nameless}
    async with desk(again) as rig:
        (tracked,) = rig.store.orders.open_orders()
        assert (tracked.key, tracked.order.position_id, tracked.order.stop_loss) == (key, "11", D(90))
        assert not tracked.order.is_external
        assert (await rig.session.amend(AmendIntent(key=key, trigger_price=D(121)))).verdict is Verdict.SENT
        await rig.session.settled()
        assert (rig.hedge.requests[0].position_id, rig.hedge.requests[0].stop_loss) == ("11", D(90))


@pytest.mark.parametrize(
    ("side", "kind", "changes", "words"),
    [
        (
            Side.SELL,
            OrderType.STOP,
            {"trigger_price": D(101)},
            "its trigger is reached already: it must be below 100",
        ),
        (Side.SELL, OrderType.TAKE_PROFIT, {"trigger_price": D(100)}, "its trigger is reached already"),
        (
            Side.SELL,
            OrderType.TAKE_PROFIT,
            {"trigger_price": D(120), "stop_loss": D(105)},
            "its stop loss is reached",
        ),
        (Side.BUY, OrderType.STOP, {"trigger_price": D(100)}, "it must be above 100"),
        (
            Side.BUY,
            OrderType.TAKE_PROFIT,
            {"trigger_price": D(90), "stop_loss": D(95)},
            "its stop loss is reached",
        ),
    ],
)
async def test_an_exit_that_would_close_at_once_is_denied(
    side: Side, kind: OrderType, changes: dict[str, Any], words: str
) -> None:
    async with HedgeRig(held("11", "2"), held("12", "-2")) as rig:
        wish = intent(side=side, type=kind, price=None, quantity=D(2), reduce_only=True, **changes)
        outcome = await rig.session.submit(wish)
        assert outcome.verdict is Verdict.DENIED
        assert any(words in reason.text for reason in outcome.reasons), outcome
        assert not rig.hedge.requests


async def test_an_edit_to_a_trigger_that_is_reached_leaves_the_exit_as_it_is() -> None:
    async with HedgeRig(venue=with_exit()) as rig:
        outcome = await rig.session.amend(AmendIntent(key="exit:7", trigger_price=D(95)))
        assert outcome.verdict is Verdict.DENIED
        assert "its trigger is reached already: it must be above 100" in outcome.reasons[0].text
        assert (rig.status("exit:7"), rig.hedge.called("cancel_order")) == (OrderStatus.NEW, 0)


async def test_an_exit_is_not_edited_to_more_than_there_is() -> None:
    async with HedgeRig(venue=with_exit()) as rig:
        outcome = await rig.session.amend(AmendIntent(key="exit:7", quantity=D(3)))
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.DENIED, "position")
        assert "2 is all that there is of it" in outcome.reasons[0].text
        assert (rig.status("exit:7"), rig.hedge.called("cancel_order")) == (OrderStatus.NEW, 0)
        smaller = await rig.session.amend(AmendIntent(key="exit:7", quantity=D(1)))
        assert smaller.verdict is Verdict.SENT
        await rig.session.settled()
        assert rig.hedge.requests[-1].quantity == 1


@pytest.mark.parametrize("policy", ["cancel_session", "cancel_all"])
async def test_whoever_leaves_the_desk_leaves_the_exit_to_its_position(policy: str) -> None:
    async with HedgeRig(venue=with_exit()) as rig:
        await rig.session.amend(AmendIntent(key="exit:7", trigger_price=D(125)))  # from here on it is of this desk
        await rig.session.settled()
        rests = await rig.place(price=D(99))
        report = await rig.session.detach(policy)
        (exit_,) = [one for one in rig.hedge.orders.values() if one.reduce_only and one.trigger_price == D(125)]
        assert rig.status(rests) is OrderStatus.CANCELED
        assert exit_.is_open is (policy == "cancel_session")
        assert (report.cancelled, report.left) == (1 if exit_.is_open else 2, 0)
