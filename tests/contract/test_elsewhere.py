"""Orders of the account that another program places: seen, shown as foreign, cancellable."""

from __future__ import annotations

from tests.contract.orders import fills_told
from tests.contract.rig import Desk, desk_of, rig_of
from tests.contract.scene import scene_of
from tests.contract.test_changes import cancel_of
from tests.contract.waiting import until
from venues.model import Order, OrderStatus, Side


async def test_an_order_placed_elsewhere_is_seen_live(desk: Desk) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    number = await scene.place_elsewhere(Side.SELL, scene.away(Side.SELL))
    await desk.until(lambda: desk.has(number), "an order from elsewhere is not told")
    order = desk.order(number)
    assert order.is_external
    assert (order.side, order.price, order.quantity) == (Side.SELL, scene.away(Side.SELL), 2 * scene.unit)
    assert order.status is OrderStatus.NEW
    assert number in [one.venue_order_id for one in await desk.rig.venue.fetch_open_orders()]
    await scene.cancel_elsewhere(number)
    await desk.until(lambda: desk.order(number).status is OrderStatus.CANCELED, "its end is not told")


async def test_an_order_placed_elsewhere_is_filled(desk: Desk) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    number = await scene.place_elsewhere(Side.BUY, scene.at(0), units=3)
    await desk.until(lambda: desk.has(number), "an order from elsewhere is not told")
    await scene.trade(Side.SELL, 1)
    await desk.until(lambda: desk.order(number).status is OrderStatus.PARTIALLY_FILLED, "the part is not told")
    await scene.trade(Side.SELL, 2)
    await desk.until(lambda: desk.order(number).status is OrderStatus.FILLED, "the rest is not told")

    def told() -> list[str]:
        return sorted(fill.trade_id for fill in fills_told(desk) if fill.venue_order_id == number)

    true = sorted(fill.trade_id for fill in (await desk.rig.state()).fills if fill.order_id == number)
    await desk.until(lambda: len(told()) >= len(true), "not each of its fills is told")
    assert told() == true
    assert len(true) == 2


async def test_an_order_placed_elsewhere_can_be_cancelled(desk: Desk) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    number = await scene.place_elsewhere(Side.BUY, scene.away(Side.BUY))
    await desk.until(lambda: desk.has(number), "an order from elsewhere is not told")
    await desk.rig.venue.cancel_order(cancel_of(desk.order(number), by="venue id"))
    await desk.until(lambda: desk.order(number).status is OrderStatus.CANCELED, "its end is not told")
    assert not (await desk.rig.state()).open_orders


async def test_an_order_from_before_the_desk_was_opened(desk: Desk) -> None:
    """A second desk of the same account finds what the first one left."""
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    mine, foreign = scene.order(Side.BUY), await scene.place_elsewhere(Side.SELL, scene.away(Side.SELL))
    await rig.venue.submit_order(mine)
    if rig.exchange.practice is None:  # the exchange lives and ends with its adapter: it is the same desk again
        found: list[Order] = list(await rig.venue.fetch_open_orders())
    else:
        async with rig_of(rig.exchange, is_rested=False) as later, desk_of(later) as second:
            await until(lambda: second.has(foreign) and second.has(mine.client_order_id), rig.patience)
            found = [tracked.order for tracked in second.store.orders.open_orders(rig.name)]
    assert {foreign, mine.client_order_id} <= {
        name for order in found for name in (order.venue_order_id, order.client_order_id)
    }
    assert len(found) == 2
