"""Cancels at a scripted MAX: accepted is not ended, and what has ended is found out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.max.scripted_venue import TIME_MS, order_row
from tests.venues.max.venue_rig import BTC, ETH, books_orders, connected, request_for
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import CancelRequest
from venues.errors import (
    NotSent,
    OrderNotFound,
    OutcomeUnknown,
)
from venues.model import OrderStatus, Side

PLACE, CANCEL, SWEEP = "POST /wallet/spot/order", "DELETE /order", "DELETE /wallet/spot/orders"
GET = CancelRequest(instrument=BTC, client_order_id="s1", venue_order_id="")


@pytest.mark.parametrize("answer", [{"success": True}, order_row()])
def test_a_cancel_answers_in_either_form_and_is_looked_after(answer: Any) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            rig.rest.on(CANCEL, answer)
            states = iter([order_row(), order_row(state="cancel", updated_at=TIME_MS + 5)])
            rig.rest.on("GET /order", lambda _: next(states))
            order = await rig.venue.cancel_order(GET, depart=rig.depart)
            assert order.status is OrderStatus.CANCELED
            assert rig.rest.of(CANCEL)[0].parameters == {"client_oid": "s1"}
            assert len(rig.departures) == 1

    run()


@in_virtual_time
async def test_a_cancel_that_lost_the_race_returns_what_was_filled() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on(CANCEL, {"success": True})
        rig.rest.on("GET /order", order_row(state="done", executed_volume="1.0", updated_at=TIME_MS + 5))
        assert (await rig.venue.cancel_order(GET)).status is OrderStatus.FILLED


@in_virtual_time
async def test_a_cancel_that_has_ended_nothing_yet_is_pending_and_told_later() -> None:
    async with connected(account=True) as rig:
        books_orders(rig)
        await rig.venue.submit_order(request_for())
        rig.rest.on(CANCEL, {"success": True})
        rig.rest.on("GET /order", order_row())
        pending = await rig.venue.cancel_order(GET)
        assert pending.status is OrderStatus.PENDING_CANCEL
        assert rig.rest.of(CANCEL)[0].parameters == {"id": 501}
        rig.rest.on("GET /order", order_row(state="cancel", updated_at=TIME_MS + 99))  # the push is lost
        await until(lambda: rig.orders[-1].status is OrderStatus.CANCELED)


@in_virtual_time
async def test_a_cancel_of_nothing() -> None:
    async with connected(has_key=True) as rig:
        for code, status, kind in (
            (2004, 404, OrderNotFound),
            (404, 404, OrderNotFound),
            (2003, 400, OutcomeUnknown),
        ):
            rig.rest.refuse(CANCEL, code, status)
            with pytest.raises(kind):
                await rig.venue.cancel_order(GET)
        with pytest.raises(NotSent):
            await rig.venue.cancel_order(
                CancelRequest(instrument=BTC, client_order_id="", venue_order_id="not-a-number")
            )
        rig.rest.on(CANCEL, {"success": True})
        rig.rest.refuse("GET /order", 2004, 404)
        with pytest.raises(OutcomeUnknown):
            await rig.venue.cancel_order(GET)


@in_virtual_time
async def test_all_are_cancelled_in_both_wallets_each_with_an_answer_of_its_own() -> None:
    async with connected(has_key=True) as rig:
        rows = [order_row(), order_row(id=502, client_oid="s2"), order_row(id=503, client_oid="s3")]
        errors = [None, None, "can not be cancelled"]
        rig.rest.on(SWEEP, [{"error": error, "order": row} for error, row in zip(errors, rows, strict=True)])
        rig.rest.on("DELETE /wallet/m/orders", [])
        rig.rest.on("GET /wallet/spot/orders/open", [rows[2]])

        def state_of(call: Any) -> dict[str, Any]:
            done = call.parameters["id"] == "502"
            changes = {"state": "done", "executed_volume": "1.0"} if done else {"state": "cancel"}
            return order_row(id=int(call.parameters["id"]), client_oid=None, updated_at=TIME_MS + 7, **changes)

        rig.rest.on("GET /order", state_of)
        found = {
            order.venue_order_id: order.status for order in await rig.venue.cancel_all_orders(depart=rig.depart)
        }
        assert found == {
            "501": OrderStatus.CANCELED, "502": OrderStatus.FILLED, "503": OrderStatus.NEW,
        }  # fmt: skip
        assert rig.rest.of(SWEEP)[0].parameters == {}
        assert len(rig.departures) == 2  # before each of the commands


@in_virtual_time
async def test_a_side_of_a_market_is_cancelled_by_filters() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /info", rig.rest.info(has_margin=False))
        rig.rest.on(SWEEP, [])
        await rig.venue.fetch_instruments()
        assert await rig.venue.cancel_all_orders(ETH, Side.SELL) == []
        assert [call.parameters for call in rig.rest.of(SWEEP)] == [{"market": "ethtwd", "side": "sell"}]
        assert rig.rest.commands == [SWEEP]  # there is no M-wallet


@in_virtual_time
async def test_a_wallet_that_fails_leaves_it_open_what_was_cancelled() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on(SWEEP, [])
        rig.rest.on("DELETE /wallet/m/orders", b"<html>", 502)
        with pytest.raises(OutcomeUnknown):
            await rig.venue.cancel_all_orders()
        rig.rest.refuse("DELETE /wallet/m/orders", 4002, 403)  # no M-wallet: nothing in it
        assert await rig.venue.cancel_all_orders() == []


@in_virtual_time
async def test_a_cancel_that_failed_because_the_order_is_over() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.refuse(CANCEL, 2003)
        rig.rest.on("GET /order", order_row(state="done", executed_volume="1.0"))
        with pytest.raises(OrderNotFound, match="filled already"):
            await rig.venue.cancel_order(GET)
