"""On a grouped ladder a key means the orders that its row shows: asks stand on the row above their price."""

from __future__ import annotations

import pytest

from tests.support.desk_app import Running, running
from tests.support.frames import BTC_PERP, order_view, sample_frame
from tests.support.scripted_desk import ScriptedDesk
from venues.model import OrderType, Side

TICK = BTC_PERP.tick_size
ROW = 60_625 - 60_625 % (TICK * 10)


async def cancel_at_row(desk: Running) -> list[str]:
    ladder = desk.dashboard.ladder
    while ladder.step != TICK * 10:
        before = ladder.step
        await desk.press("plus")
        assert ladder.step != before
    ladder._cursor = ROW
    ladder.redraw()
    await desk.press("c")
    await desk.until(lambda: desk.asked or desk.toasts)
    return [call[1] for call in desk.desk.calls if call[0] == "cancel"]


@pytest.mark.parametrize(
    ("side", "here", "elsewhere"), [(Side.SELL, ROW - TICK, ROW + TICK), (Side.BUY, ROW + TICK, ROW - TICK)]
)
async def test_c_cancels_what_the_row_shows(side: Side, here: object, elsewhere: object) -> None:
    orders = (
        order_view("here", side=side, price=str(here)),
        order_view("elsewhere", side=side, price=str(elsewhere)),
        order_view("exactly", side=side, price=str(ROW)),
    )
    async with running(ScriptedDesk([sample_frame(orders=orders)])) as desk:
        assert await cancel_at_row(desk) == ["here", "exactly"]


async def test_a_waiting_stop_limit_stands_at_its_trigger() -> None:
    stop = order_view(
        "stop", side=Side.SELL, kind=OrderType.STOP_LIMIT, price=str(ROW - 40 * TICK), trigger_price=ROW
    )
    limit = order_view("limit", side=Side.SELL, price=str(ROW + 40 * TICK))
    async with running(ScriptedDesk([sample_frame(orders=(stop, limit))])) as desk:
        assert await cancel_at_row(desk) == ["stop"]
