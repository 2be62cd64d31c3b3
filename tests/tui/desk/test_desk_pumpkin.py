"""The desk over Pumpkin, which it polls, and the exchange at hand: both sides, margin, exits and a liquidation."""

from __future__ import annotations

from pathlib import Path

from tests.tui.desk.pumpkin_desk_rig import D, PumpkinDesk, desk, exchange
from tests.venues.max.wallet_rig import LoopClock
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from tui.desk.control import AmendIntent, Verdict
from tui.desk.frame import FactKind, Severity
from tui.desk.inheritance import Inherited
from tui.desk.journal_export import verify
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.takeover import inherit
from venues.model import MarginMode, OrderStatus, OrderType, Side


def named(rig: PumpkinDesk, side: int) -> tuple[str, str]:
    view = rig.positions(side)[0]
    return view.position.position_id, f"{view.instrument.name} #{view.position.position_id}"


@in_virtual_time
async def test_a_long_with_exits_a_short_beside_it_a_plan_a_liquidation_and_panic() -> None:
    clock = LoopClock()
    async with exchange(clock) as (simulator, practice), desk(simulator, practice, clock) as rig:
        assert (await rig.leverage(10)).verdict is Verdict.SENT
        entry = await rig.trade(Side.BUY, "0.1", take_profit=D(66000), stop_loss=D(57000))
        assert entry.status is OrderStatus.FILLED
        await until(lambda: len(rig.positions(1)) == 1 and len(rig.orders()) == 1)
        long = rig.positions(1)[0]
        assert (long.position.margin_mode, long.position.leverage) == (MarginMode.ISOLATED, D(10))
        assert long.liquidation_distance is not None
        assert D("0.09") < long.liquidation_distance < D("0.1")
        assert long.next_funding is not None
        (exit_,) = rig.orders()
        assert (exit_.order.trigger_price, exit_.order.stop_loss, exit_.order.reduce_only) == (
            D(66000),
            D(57000),
            True,
        )

        # Neither leverage nor mode over it: said before, and not by the venue.
        refused = await rig.leverage(20)
        assert (refused.verdict, refused.reasons[0].guard) == (Verdict.DENIED, "flat")
        number, name = named(rig, 1)
        assert f"close LONG 0.1 {name} first" in refused.reasons[0].text

        assert (await rig.margin("50", long)).verdict is Verdict.SENT
        await until(lambda: rig.positions(1)[0].position.margin > 640)
        simulator.faults.switch("lost-reply@margin*1")
        await rig.margin("25", rig.positions(1)[0])
        await until(lambda: rig.positions(1)[0].funds[0].is_over)
        assert [row.state for row in rig.positions(1)[0].funds] == ["done", "done"]
        assert f"ADD MARGIN 25 USDT to {name} at pumpkin: UNKNOWN" in rig.texts
        assert "found in the position's margin" in rig.texts
        assert [one.amount for one in simulator.positions.moved] == [50, 25]

        # The exit keeps its other trigger and its position when it is edited.
        edited = await rig.session.amend(AmendIntent(key=exit_.key, trigger_price=D(67000)))
        assert edited.verdict is Verdict.SENT, edited
        await rig.session.settled()
        await until(
            lambda: [(o.order.trigger_price, o.order.stop_loss) for o in rig.orders()] == [(D(67000), D(57000))]
        )

        await rig.trade(Side.SELL, "0.05")
        await until(lambda: len(rig.positions(-1)) == 1)
        assert rig.held() == [("LONG", D(1000)), ("SHORT", D(500))], "nothing was netted"
        assert (await rig.session.close_position(rig.btc, number, 50)).verdict is Verdict.SENT
        await rig.session.settled()
        await until(lambda: rig.positions(1)[0].position.quantity == D("0.05"))

        plan = await rig.trade(Side.BUY, "0.02", type=OrderType.STOP, trigger_price=D(61000))
        assert plan.order.venue_order_id.startswith("plan:")
        rig.mark("61100")
        await until(lambda: plan.status is OrderStatus.FILLED)
        await until(lambda: len(plan.fills) == 1)
        assert not plan.is_overfilled
        await until(lambda: rig.positions(1)[0].position.quantity == D("0.07"))

        rig.mark("66500")
        await until(lambda: "LIQUIDATED: the venue closes by force: BUY 0.05" in rig.texts)
        await until(lambda: not rig.positions(-1))
        await until(lambda: any(fact.stays for fact in rig.facts))
        (alarm,) = [fact for fact in rig.facts if fact.stays]
        assert alarm.severity is Severity.ALARM
        assert alarm.text.startswith("pumpkin: LIQUIDATED: short 0.05")
        assert "found at the venue: BUY" not in rig.texts

        (line,) = (await rig.session.panic()).lines
        assert (line.is_proven, line.closed, line.orders_left, line.positions_left) == (True, 1, 0, 0), line
        assert not rig.held()
        (lost,) = [fact for fact in rig.facts if fact.kind is FactKind.UNKNOWN]
        assert "ADD MARGIN 25" in lost.text


@in_virtual_time
async def test_what_is_lost_stays_unknown_over_a_restart_until_a_person_decides(tmp_path: Path) -> None:
    clock = LoopClock()
    began = clock.time_ns()

    def take_over() -> Inherited:
        journal = SqliteJournal(journal_path(tmp_path), desk="PRACTICE/main")
        return inherit(journal, "PRACTICE/main", lambda: began, "pumpkin")

    async with exchange(clock) as (simulator, practice):
        async with desk(simulator, practice, clock, inherit=take_over) as rig:
            simulator.faults.switch("lost-reply@leverage*1")
            outcome = await rig.leverage(10)
            assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.SENT, "unknown")
            assert (await rig.leverage(10)).reasons == (), "asking again does no harm"
            await rig.trade(Side.BUY, "0.1")
            await until(lambda: len(rig.positions(1)) == 1)
            simulator.faults.switch("never-executed@margin*1")
            await rig.margin("50", rig.positions(1)[0])
            simulator.faults.switch("never-executed@submit*1")
            lost = await rig.trade(Side.SELL, "0.01")
            assert lost.status is OrderStatus.UNKNOWN
            assert "a miss proves nothing here: look at the venue, then decide" in rig.texts
        async with desk(simulator, practice, clock, inherit=take_over) as rig:
            view = rig.store.recovery()
            assert view is not None
            _, name = named(rig, 1)
            assert [(row.text, row.ts_provable) for row in view.rows] == [
                (f"ADD MARGIN 50 USDT to {name} at pumpkin", None), ("SELL 0.01 BTC/USDT perp", None),
            ]  # fmt: skip
            asked = simulator.clock.time_ns()
            await until(lambda: simulator.clock.time_ns() - asked > 8 * 10**9)
            assert rig.positions(1)[0].funds[0].state == "UNKNOWN"
            (order,) = [one for one in rig.orders() if one.unknown_since is not None]
            assert order.ts_provable is None
            for key in (order.key, rig.positions(1)[0].funds[0].request.request_id):
                assert (await rig.session.decide_gone(key)).verdict is Verdict.SENT
            assert rig.positions(1)[0].funds[0].state == "refused"
            await rig.session.end_recovery()
            assert (await rig.session.flatten(None)).verdict is Verdict.SENT
            await rig.session.settled()
            assert not rig.held()
    assert not verify(journal_path(tmp_path)).problems


@in_virtual_time
async def test_a_position_that_was_closed_by_force_while_nobody_was_here_is_told_as_that(tmp_path: Path) -> None:
    clock = LoopClock()
    began = clock.time_ns()

    def take_over() -> Inherited:
        journal = SqliteJournal(journal_path(tmp_path), desk="PRACTICE/main")
        return inherit(journal, "PRACTICE/main", lambda: began, "pumpkin")

    async with exchange(clock) as (simulator, practice):
        async with desk(simulator, practice, clock, inherit=take_over) as rig:
            await rig.leverage(10)
            await rig.trade(Side.SELL, "0.1")
            await until(lambda: len(rig.positions()) == 1)
        rig.mark("66500")
        await until(lambda: not rig.held())
        async with desk(simulator, practice, clock, price="66500", inherit=take_over) as rig:
            await until(lambda: "LIQUIDATED: bought 0.1 BTC/USDT perp at 66500" in rig.texts)
            alarms = [fact.text for fact in rig.facts if fact.severity is Severity.ALARM]
            assert alarms == ["LIQUIDATED: bought 0.1 BTC/USDT perp at 66500"]
            assert not rig.positions()
        async with desk(simulator, practice, clock, price="66500", inherit=take_over) as rig:
            assert "LIQUIDATED" not in rig.texts, "once is enough"
