"""What is refused before any byte leaves, and the contracts that the wire counts in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.pumpkin.orders_rig import BTC_ID, Rig, rig, served, wish
from venues.errors import BadRequest, NotSent
from venues.model import Instrument, InstrumentKind, MarginMode, OrderType, Side, TimeInForce
from venues.pumpkin.checks import check_size
from venues.pumpkin.figures import base_of, contracts_of
from venues.pumpkin.models import TriggerPriceType
from venues.pumpkin.new_orders import exit_of, order_of, plan_of
from venues.transport.order_checks import check_band, check_ticks

D = Decimal
POSITION: dict[str, Any] = {"reduce_only": True, "position_id": "7"}

BTC_PERP = Instrument(
    id=BTC_ID,
    name="BTC/USDT perp",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=D("0.1"),
    lot_size=D("0.0001"),
    min_quantity=D("0.0002"),
    max_quantity=D(100),
    min_notional=D(5),
    contract_size=D("0.0001"),
    max_leverage=D(125),
    band_up=D("0.1"),
    band_down=D("0.05"),
)
sizes = st.builds(lambda digits, exponent: D(digits).scaleb(-exponent), st.integers(1, 10**6), st.integers(-4, 12))
counts = st.integers(1, 10**20 - 1)


@given(counts, sizes)
def test_contracts_and_base_units_are_exact_both_ways(contracts: int, size: Decimal) -> None:
    instrument = msgspec.structs.replace(BTC_PERP, contract_size=size)
    quantity = base_of(contracts, size)
    assert contracts_of(quantity, instrument) == contracts
    with localcontext(prec=4):  # whatever the caller's context
        assert contracts_of(base_of(contracts, size), instrument) == contracts


@given(counts, sizes, st.integers(1, 10**40 - 1))
def test_a_part_of_a_contract_is_never_rounded(contracts: int, size: Decimal, part: int) -> None:
    instrument = msgspec.structs.replace(BTC_PERP, contract_size=size)
    with localcontext(prec=200):
        quantity = base_of(contracts, size) + size * D(part).scaleb(-40)
    with pytest.raises(BadRequest, match="no whole number"):
        contracts_of(quantity, instrument)


def test_the_finest_part_of_a_contract_is_seen() -> None:
    with localcontext(prec=60):
        less = D("0.0001") - D("1e-45")
    with pytest.raises(BadRequest, match=r"one contract is 0\.0001 BTC"):
        contracts_of(less, BTC_PERP)
    assert contracts_of(D("1E+2"), BTC_PERP) == 1_000_000
    assert contracts_of(D("37.000"), msgspec.structs.replace(BTC_PERP, contract_size=D(1))) == 37
    for none in (D("1E+30"), D(-1), D(0)):
        with pytest.raises(BadRequest):
            contracts_of(none, BTC_PERP)


@pytest.mark.parametrize(
    ("changes", "price", "words"),
    [
        ({"quantity": D("0.0001")}, None, "below the minimum of 0.0002 BTC"),
        ({"quantity": D("100.0001")}, None, "above the maximum of 100 BTC"),
        ({"quantity": D("0.0002")}, D(20_000), "below the minimum of 5 USDT"),
    ],
)
def test_sizes(changes: dict[str, Any], price: Decimal | None, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        check_size(wish(**changes), BTC_PERP, price)
    closes = wish(**changes, **POSITION)
    assert check_size(closes, BTC_PERP, price) * BTC_PERP.contract_size == changes["quantity"]


@given(st.integers(1, 10**9), st.sampled_from([D("0.1"), D("0.25"), D("0.00005"), D(5)]), st.booleans())
def test_ticks(steps: int, tick: Decimal, is_off: bool) -> None:
    instrument = msgspec.structs.replace(BTC_PERP, tick_size=tick)
    price = tick * steps + (tick / 3).quantize(D("1e-9")) * is_off
    for name in ("price", "take_profit", "stop_loss"):
        prices: dict[str, Any] = {"price": tick} | {name: price}
        request = wish(**prices)
        if is_off:
            with pytest.raises(BadRequest, match="must be a multiple of"):
                check_ticks(request, instrument)
        else:
            check_ticks(request, instrument)


def test_the_band_is_around_the_mark_and_its_ends_are_in_it() -> None:
    for side, inside, outside in ((Side.BUY, "66000", "66000.1"), (Side.SELL, "57000", "56999.9")):
        check_band(wish(side=side, price=D(inside)), BTC_PERP, D(60_000))
        with pytest.raises(BadRequest, match=f"{D(inside):f}"):
            check_band(wish(side=side, price=D(outside)), BTC_PERP, D(60_000))
        check_band(wish(side=side, price=D(outside)), BTC_PERP, None)
    check_band(wish(price=D(1)), BTC_PERP, D(60_000))
    check_band(wish(side=Side.SELL, price=D(10**6)), BTC_PERP, D(60_000))
    check_band(wish(price=D(10**6)), msgspec.structs.replace(BTC_PERP, band_up=None), D(60_000))


@pytest.fixture(scope="module")
def exchange() -> Any:
    with served() as opened:
        yield opened


@pytest.fixture
async def r(exchange: Any) -> AsyncIterator[Rig]:
    async with rig(exchange) as opened:
        yield opened


STOP, PROFIT = OrderType.STOP, OrderType.TAKE_PROFIT
REFUSED: list[tuple[OrderType, dict[str, Any], str]] = [
    (OrderType.LIMIT, {"quantity": D("0.00015")}, "one contract is 0.0001 BTC"),
    (OrderType.LIMIT, {"price": D("59000.05")}, "price must be a multiple of 0.1"),
    (OrderType.LIMIT, {"price": D("66000.1")}, "above 66000"),
    (OrderType.LIMIT, {"price": D("53999.9"), "side": Side.SELL}, "below 54000"),
    (OrderType.LIMIT, {"price": D(2_000), "quantity": D("0.0001")}, "below the minimum of 1 USDT"),
    (OrderType.STOP_LIMIT, {"price": D("67100.1")}, "above 67100"),
    (OrderType.LIMIT, {"take_profit": D(58_000)}, "take profit must lie above the price"),
    (OrderType.MARKET, {"stop_loss": D(61_000)}, "stop loss must lie below the price"),
    (OrderType.LIMIT, {"price": D(61_000), "stop_loss": D(60_500)}, "below the mark price, 60000"),
    (OrderType.LIMIT, {"leverage": D("2.5")}, "whole number"),
    (OrderType.LIMIT, {"leverage": D(126)}, "125x at most"),
    (OrderType.LIMIT, {"reduce_only": True}, "must name the position"),
    (OrderType.LIMIT, {"position_id": "7"}, "must only reduce it"),
    (OrderType.LIMIT, {"margin_mode": MarginMode.CROSS}, "margin mode of .* is not known"),
    (OrderType.LIMIT, {"in_margin_wallet": True}, "no margin wallet"),
    (OrderType.LIMIT, {"client_order_id": "x" * 33}, "clientOrderId"),
    (OrderType.LIMIT, POSITION | {"take_profit": D(61_000)}, "no take profit or stop loss of its own"),
    (STOP, {"trigger_price": D("61000.05")}, "trigger price must be a multiple"),
    (STOP, {"trigger_price": D(60_000)}, "must lie above the mark price, 60000"),
    (PROFIT, {"trigger_price": D(60_000)}, "must lie below the mark price"),
    (STOP, {"side": Side.SELL, "trigger_price": D(60_001)}, "must lie below the mark price"),
    (STOP, {"take_profit": D(65_000)}, "plain orders only"),
    (STOP, {"leverage": D(10)}, "which is 25x: set that first"),
    (STOP, POSITION | {"stop_loss": D(65_000)}, "plain orders only"),
    (PROFIT, POSITION | {"stop_loss": D(59_000)}, "stop loss must lie above"),
    (STOP, POSITION | {"time_in_force": TimeInForce.IOC}, "neither be post-only nor have a time in force"),
    (OrderType.STOP_LIMIT, POSITION | {"post_only": True, "price": D(61_000)}, "neither be post-only"),
    (OrderType.LIMIT, {"instrument": BTC_ID._replace(symbol="no_usdt")}, "is not listed"),
]  # fmt: skip


async def test_it_stops_before_any_byte_leaves(r: Rig) -> None:
    r.marks["btc_usdt"] = D(60_000)
    for kind, changes, words in REFUSED:
        with pytest.raises(NotSent, match=words):
            await r.submit(wish(kind, **changes))
    assert r.noted.commands == []
    assert r.departures == []


async def test_what_closes_is_not_held_up_by_terms_that_are_not_sent(r: Rig) -> None:
    """A protective stop must not fail for the leverage or the margin mode that a ticket still shows."""
    position = await r.opened(wish(OrderType.MARKET))
    closes = {"reduce_only": True, "position_id": position, "side": Side.SELL, "quantity": D("0.001")}
    terms = {"leverage": D(3), "margin_mode": MarginMode.ISOLATED}
    for kind, price in ((STOP, {}), (OrderType.LIMIT, {"price": D(61_000)})):
        order = await r.submit(wish(kind, **closes, **terms, **price))
        assert order.venue_order_id in r.open_ids()


async def test_the_mark_is_read_where_none_is_fresh(r: Rig) -> None:
    for kind, changes in ((OrderType.LIMIT, {"price": D("66000.1")}), (STOP, {"trigger_price": D(60_000)})):
        with pytest.raises(NotSent):
            await r.submit(wish(kind, **changes))
        assert [each.path for each in r.noted.made if "mark-price" in each.path]
    r.venue.simulator.faults.switch("503@read")
    with pytest.raises(NotSent, match="the mark price can not be read"):
        await r.submit(wish(STOP))
    r.venue.simulator.faults.heal()
    assert r.noted.commands == []


async def test_a_trigger_by_the_last_price_is_held_against_that(r: Rig) -> None:
    r.marks["btc_usdt"] = D(61_500)  # the two may part
    orders = r.another(TriggerPriceType.LATEST_PRICE)
    with pytest.raises(NotSent, match="must lie above the last price, 60000"):
        await orders.submit(wish(STOP, trigger_price=D(60_000)))
    order = await orders.submit(wish(STOP, trigger_price=D(61_000)))
    row = await r.client.plan(order.venue_order_id.removeprefix("plan:"))
    assert row.trigger_price_type == "LATEST_PRICE"
    with pytest.raises(NotSent, match="must lie above the mark price, 61500"):
        await r.submit(wish(STOP, trigger_price=D(61_000)))


def test_what_is_sent_of_an_exit() -> None:
    mark = TriggerPriceType.MARK_PRICE
    both = exit_of(wish(PROFIT, **POSITION, side=Side.SELL, trigger_price=D(61_000), stop_loss=D(58_000)), 5, mark)
    assert both.fields() == {
        "symbol": "btc_usdt", "origQty": "5", "positionId": "7", "triggerPriceType": "MARK_PRICE",
        "reduceOnly": True, "profitFlag": 2, "triggerProfitPrice": "61000", "profitOrderType": "MARKET",
        "triggerStopPrice": "58000", "stopOrderType": "MARKET",
    }  # fmt: skip
    stop = exit_of(wish(OrderType.STOP_LIMIT, **POSITION, price=D(61_100)), 5, TriggerPriceType.LATEST_PRICE)
    sent = stop.fields()
    assert (sent["triggerStopPrice"], sent["stopOrderType"], sent["stopOrderPrice"]) == ("61000", "LIMIT", "61100")
    assert sent["triggerPriceType"] == "LATEST_PRICE"
    assert "triggerProfitPrice" not in sent


@pytest.mark.parametrize(
    ("side", "closes", "sides"),
    [
        (Side.BUY, False, ("BUY", "LONG")),
        (Side.SELL, False, ("SELL", "SHORT")),
        (Side.BUY, True, ("BUY", "SHORT")),
        (Side.SELL, True, ("SELL", "LONG")),
    ],
)
def test_the_side_of_the_position(side: Side, closes: bool, sides: tuple[str, str]) -> None:
    request = wish(OrderType.MARKET, side=side, **(POSITION if closes else {}))
    sent = order_of(request, 5, 20).fields()
    assert (sent["orderSide"], sent["positionSide"]) == sides
    assert (sent.get("reduceOnly"), sent.get("positionId")) == ((True, "7") if closes else (None, None))
    assert (sent["timeInForce"], sent["leverage"], "price" in sent) == ("IOC", 20, False)
    plan = plan_of(wish(STOP, side=side), 5, TriggerPriceType.MARK_PRICE).fields()
    assert (plan["positionSide"], plan["timeInForce"]) == ("LONG" if side is Side.BUY else "SHORT", "IOC")
