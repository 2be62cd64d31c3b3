"""What is refused before any byte leaves, in a trader's words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.mayex.orders_rig import BTC, BTC_ID, SPOT_ID, D, contract, wish
from tests.venues.mayex.scripted_orders import answer_row, row, scripted
from venues.commands import OrderRequest
from venues.errors import BadRequest, NotSent
from venues.mayex.checks import check_abilities, check_size, mode_of
from venues.mayex.models.words import TriggerType
from venues.mayex.new_orders import order_of
from venues.model import InstrumentId, MarginMode, OrderType, Side, TimeInForce
from venues.transport.order_checks import check_band, check_ticks

BTC_PERP = contract(BTC, band_up=D("0.1"), band_down=D("0.1"), min_quantity=D("0.002"))
LONG: dict[str, Any] = {"side": Side.SELL, "reduce_only": True, "position_id": "long:isolated"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reduce_only": True}, "must name the position that it closes"),
        ({"position_id": "long:isolated"}, "must only reduce it"),
        ({"reduce_only": True, "position_id": "long:isolated"}, "a buy does not close a long"),
        (LONG | {"position_id": "short:cross"}, "a sell does not close a short"),
        (LONG | {"position_id": "net"}, "no position has such an id"),
        (LONG | {"margin_mode": MarginMode.CROSS}, "the position is isolated"),
        ({"in_margin_wallet": True}, "no margin wallet"),
        ({"leverage": D(3)}, "the contract's leverage, which is 10x"),
        (LONG | {"take_profit": D(63_000)}, "go along with plain orders that open"),
        (
            {"type": OrderType.STOP, "price": None, "trigger_price": D(61_000), "stop_loss": D(59_000)},
            "plain orders",
        ),
    ],
)
def test_what_the_venue_does_not_have(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        check_abilities(wish(**{"kind": changes.pop("type", OrderType.LIMIT)} | changes), BTC_PERP, D(10))


def test_what_it_does_have() -> None:
    for request in (
        wish(),
        wish(leverage=D(10)),
        wish(**LONG, margin_mode=MarginMode.ISOLATED),
        wish(**LONG | {"leverage": D(3)}),
        wish(take_profit=D(63_000), stop_loss=D(57_000)),
        wish(OrderType.STOP, **LONG),
    ):
        check_abilities(request, BTC_PERP, D(10))
    with pytest.raises(BadRequest, match="which is not known"):
        check_abilities(wish(leverage=D(10)), BTC_PERP, None)


@pytest.mark.parametrize(
    ("quantity", "words"),
    [("0.0105", "a multiple of 0.001 BTC"), ("0.001", "below the minimum of 0.002"), ("101", "above the maximum")],
)
def test_sizes(quantity: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        check_size(wish(quantity=D(quantity)), BTC_PERP, None)
    check_size(wish(quantity=D("0.001"), **LONG), BTC_PERP, None)  # what is left may be smaller


def test_ticks_and_the_band() -> None:
    unsteady: list[dict[str, Any]] = [
        {"price": D("59000.2")},
        {"take_profit": D("63000.3")},
        {"stop_loss": D("57000.1")},
    ]
    for changes in unsteady:
        with pytest.raises(BadRequest, match=r"must be a multiple of 0\.5"):
            check_ticks(wish(**changes), BTC_PERP)
    with pytest.raises(BadRequest, match="above 66000"):
        check_band(wish(price=D("66000.5")), BTC_PERP, D(60_000))
    with pytest.raises(BadRequest, match="below 54000"):
        check_band(wish(side=Side.SELL, price=D("53999.5")), BTC_PERP, D(60_000))
    check_band(wish(price=D(1)), BTC_PERP, D(60_000))


def test_which_margin_mode_an_order_has() -> None:
    cross, isolated = MarginMode.CROSS, MarginMode.ISOLATED
    assert mode_of(wish(**LONG | {"position_id": "long:cross"}), isolated, isolated) is cross
    assert mode_of(wish(margin_mode=cross), isolated, isolated) is cross
    assert (mode_of(wish(), cross, isolated), mode_of(wish(), None, isolated)) == (cross, isolated)


@pytest.mark.parametrize(
    ("request_", "time"),
    [
        (wish(), "GTC"),
        (wish(post_only=True), "POST_ONLY"),
        (wish(time_in_force=TimeInForce.FOK), "FOK"),
        (wish(OrderType.MARKET), "IOC"),
        (wish(OrderType.STOP), "GTC"),
        (wish(OrderType.STOP_LIMIT, time_in_force=TimeInForce.IOC), "IOC"),
    ],
)
def test_times_in_force_at_the_wire(request_: OrderRequest, time: str) -> None:
    sent = order_of(request_, MarginMode.CROSS, TriggerType.MARK_PRICE).fields()
    assert (sent["timeInForce"], sent["isolated"]) == (time, False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instrument": SPOT_ID}, "market data only"),
        ({"instrument": InstrumentId("mayex", "nowhere")}, "not listed"),
        ({"client_order_id": "a b"}, "letters, digits"),
        ({"client_order_id": "a" * 41}, "up to 40"),
        ({"price": D("59000.2")}, "multiple of 0.5"),
        ({"quantity": D("0.0001")}, "multiple of 0.001"),
        ({"take_profit": D(58_000)}, "the take profit must lie above"),
        ({"stop_loss": D(59_500)}, "the stop loss must lie below"),
    ],
)
async def test_nothing_of_it_is_sent(changes: dict[str, Any], words: str) -> None:
    async with scripted() as s:
        with pytest.raises(NotSent, match=words):
            await s.orders.submit(wish(**changes))
        assert s.venue.calls == []
        assert s.orders.memory.find(wish(**changes).client_order_id, "") is None


async def test_the_leverage_that_is_set_may_be_named() -> None:
    async with scripted() as s:
        s.terms.leverages[BTC, MarginMode.ISOLATED] = D(10)
        with pytest.raises(NotSent, match="which is not known"):
            await s.orders.submit(wish(leverage=D(10), margin_mode=MarginMode.CROSS))
        s.venue.data(answer_row(7, "s1"))
        s.venue.resting = [row(7, "s1")]
        assert (await s.orders.submit(wish(client_order_id="s1", leverage=D(10)))).instrument == BTC_ID
        assert b"everage" not in s.venue.calls[0].body
