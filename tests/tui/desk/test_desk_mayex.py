"""The desk over Mayex and the exchange at hand: sides and margin modes beside each other, and leverage refused."""

from __future__ import annotations

from tests.tui.desk.mayex_desk_rig import SYMBOL, mayex_desk
from tests.tui.desk.pumpkin_desk_rig import D
from tests.tui.desk.rig import intent
from tests.venues.max.wallet_rig import LoopClock
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from tui.desk.control import AmendIntent, Verdict
from venues.model import InstrumentId, MarginMode, OrderStatus, OrderType, Side
from venues.simulators.mayex.state import state_of

ISOLATED, CROSS = MarginMode.ISOLATED, MarginMode.CROSS


@in_virtual_time
async def test_each_order_goes_to_the_position_of_its_side_and_mode_and_leverage_is_refused_in_words() -> None:
    async with mayex_desk(LoopClock()) as (_, rig):
        assert not rig.store.venues["mayex"].capabilities.authentication_unverified, "a signed read has succeeded"
        assert (await rig.leverage(10)).verdict is Verdict.SENT
        entry = await rig.trade(Side.BUY, "0.1", take_profit=D(66000), stop_loss=D(57000))
        assert entry.status is OrderStatus.FILLED
        assert entry.request is not None and entry.request.margin_mode is ISOLATED
        await until(lambda: rig.sizes() == {"long:isolated": D("0.1")} and len(rig.orders()) == 2)
        exits = sorted((o.order.trigger_price, o.order.position_id) for o in rig.orders())
        assert exits == [(D(57000), "long:isolated"), (D(66000), "long:isolated")]

        refused = await rig.leverage(5)
        assert (refused.verdict, refused.reasons[0].guard) == (Verdict.DENIED, "venue")
        assert "leverage" in refused.reasons[0].text

        await rig.trade(Side.BUY, "0.02", margin_mode=CROSS)
        await rig.trade(Side.SELL, "0.05")
        stands = {"long:isolated": D("0.1"), "long:cross": D("0.02"), "short:isolated": D("-0.05")}
        await until(lambda: rig.sizes() == stands)
        isolated = next(one for one in rig.positions(1) if one.position.position_id == "long:isolated")
        before = isolated.position.margin
        assert (await rig.margin("50", isolated)).verdict is Verdict.SENT
        await until(lambda: any(one.position.margin >= before + 49 for one in rig.positions(1)))

        assert (await rig.session.close_position(rig.btc, "long:cross", 100)).verdict is Verdict.SENT
        await rig.session.settled()
        await until(lambda: "long:cross" not in rig.sizes())
        (line,) = (await rig.session.panic()).lines
        assert (line.is_proven, line.closed, line.orders_left, line.positions_left) == (True, 2, 0, 0), line


@in_virtual_time
async def test_its_spot_market_is_watched_and_takes_no_orders() -> None:
    async with mayex_desk(LoopClock()) as (_, rig):
        spot = InstrumentId("mayex", f"{SYMBOL}.spot")
        await until(lambda: spot in rig.store.markets)
        await rig.session.show(spot)
        shown = rig.store.markets[spot]
        assert (shown.instrument.is_tradable, shown.instrument.note) == (False, "market data only")
        outcome = await rig.session.submit(intent(instrument=spot))
        assert outcome.verdict is Verdict.DENIED
        assert "instrument" in {reason.guard for reason in outcome.reasons}


@in_virtual_time
async def test_an_edit_of_a_cross_order_stays_cross_at_the_exchange() -> None:
    async with mayex_desk(LoopClock()) as (simulator, rig):
        kept = await rig.trade(Side.BUY, "0.01", type=OrderType.LIMIT, price=D(58000), margin_mode=CROSS)
        await until(lambda: kept.status is OrderStatus.NEW)
        (view,) = rig.orders()
        assert view.margin_mode is CROSS
        await rig.session.amend(AmendIntent(key=kept.key, price=D(57900)))
        await rig.session.settled()
        await until(lambda: [one.order.price for one in rig.orders()] == [D(57900)])
        (view,) = rig.orders()
        assert view.margin_mode is CROSS
        assert "at 57900 cross follows" in rig.texts
        sides = [(one["position_id"], one["price"]) for one in state_of(simulator)["orders"]]
        assert [name for name, _ in sides] == ["long:cross", "long:cross"], sides
