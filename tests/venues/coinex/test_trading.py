"""New orders and amendments: what leaves, what the venue answers, and what an order then is."""

from __future__ import annotations

import asyncio
import hashlib
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.coinex.account_rig import (
    BTC,
    NOW,
    TONCE,
    Refused,
    Rig,
    order_push,
    order_row,
    orders_in,
    page,
    request_for,
    rig,
    stop_row,
)
from venues.coinex import VENUE
from venues.coinex.remedies import REMEDIES
from venues.commands import AmendRequest, CancelRequest
from venues.errors import (
    InsufficientFunds,
    NotSent,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
)
from venues.model import InstrumentId, Order, OrderStatus, OrderType, Side, TimeInForce
from venues.port import Departure

AMEND = AmendRequest(instrument=BTC.id, client_order_id="s1", venue_order_id="501", price=Decimal(29_000))


async def resting(desk: Rig, **changes: Any) -> Order:
    """Places a limit order that rests."""
    desk.venue.on("POST /order/limit", order_row(**changes))
    return await desk.account.submit_order(request_for())


@pytest.mark.parametrize(
    ("kind", "changes", "call", "wanted"),
    [
        (OrderType.LIMIT, {}, "POST /order/limit", {"option": "NORMAL", "price": "30000"}),
        (OrderType.LIMIT, {"post_only": True}, "POST /order/limit", {"option": "MAKER_ONLY"}),
        (OrderType.LIMIT, {"time_in_force": TimeInForce.FOK}, "POST /order/limit", {"option": "FOK"}),
        (OrderType.LIMIT, {"time_in_force": TimeInForce.IOC}, "POST /order/ioc", {"price": "30000"}),
        (OrderType.MARKET, {}, "POST /order/market", {"asset": "BTC", "amount": "1"}),
    ],
)
async def test_an_order_leaves_as_documented(
    kind: OrderType, changes: dict[str, Any], call: str, wanted: dict[str, str]
) -> None:
    async with rig() as desk:
        desk.venue.on(call, order_row(order_type="market" if kind is OrderType.MARKET else "limit"))
        request = request_for(kind, **changes)
        order = await desk.account.submit_order(request)
        (sent,) = desk.venue.of(call)
        shared = {"market": "BTCUSDT", "type": "buy", "client_id": "s1", "account_id": 0, "amount": "1"}
        assert sent.items() >= (shared | wanted).items()
        assert (order.client_order_id, order.venue_order_id, order.status) == ("s1", "501", OrderStatus.NEW)
        assert (order.type, order.quantity) == (kind, Decimal(1))
        assert (order.time_in_force, order.post_only) == (request.time_in_force, request.post_only)
        assert desk.venue.calls == [call]


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "call"),
    [
        (OrderType.STOP, Side.BUY, 31_000, "POST /order/stop/market"),
        (OrderType.STOP_LIMIT, Side.SELL, 29_000, "POST /order/stop/limit"),
        (OrderType.TAKE_PROFIT, Side.SELL, 31_000, "POST /order/stop/market"),
        (OrderType.TAKE_PROFIT_LIMIT, Side.BUY, 29_000, "POST /order/stop/limit"),
    ],
)
async def test_a_stop_is_found_by_its_client_id(kind: OrderType, side: Side, trigger: int, call: str) -> None:
    async with rig() as desk:
        desk.venue.on(call, None)
        row = stop_row(
            type=side.value, stop_price=str(trigger), order_type="limit" if kind.has_price else "market",
            price="30000" if kind.has_price else "0",
        )  # fmt: skip
        lists = iter([page(), page(row)])
        desk.venue.on("GET /order/stop/pending", lambda _: next(lists))
        desk.venue.on("GET /order/pending", page())
        desk.venue.on("GET /order/finished", page())
        order = await desk.account.submit_order(
            request_for(kind, side=side, trigger_price=Decimal(trigger)), depart=desk.depart
        )
        assert (order.venue_order_id, order.status, order.type) == ("701", OrderStatus.NEW, kind)
        assert (order.trigger_price, order.quantity, order.is_triggered) == (Decimal(trigger), Decimal(1), False)
        assert desk.venue.commands == [call]
        assert {sent["client_id"] for sent in desk.venue.of("GET /order/stop/pending")} == {"s1"}
        assert len(desk.departures) == 1


async def test_a_stop_that_was_taken_is_an_order_even_where_it_can_not_be_found() -> None:
    def broken(_: object) -> object:
        raise Refused(3, "internal error")

    async with rig() as desk:
        desk.venue.on("POST /order/stop/limit", {"status": "success"})
        desk.venue.on("GET /order/stop/pending", broken)
        order = await desk.account.submit_order(request_for(OrderType.STOP_LIMIT))
        assert (order.status, order.venue_order_id, order.type) == (OrderStatus.NEW, "", OrderType.STOP_LIMIT)
        assert (order.price, order.trigger_price, order.client_order_id) == (
            Decimal(30_000),
            Decimal(31_000),
            "s1",
        )


async def test_a_stop_that_was_triggered_at_once_is_the_order_that_it_became() -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/stop/limit", {"status": "success"})
        desk.venue.on("GET /order/stop/pending", page())
        desk.venue.on("GET /order/pending", page())
        done = order_row(status="done", deal_amount="1", deal_money="30000", left="0")
        desk.venue.on("GET /order/finished", page(done))
        order = await desk.account.submit_order(request_for(OrderType.STOP_LIMIT))
        assert (order.status, order.type, order.venue_order_id) == (
            OrderStatus.FILLED, OrderType.STOP_LIMIT, "501",
        )  # fmt: skip
        assert (order.trigger_price, order.is_triggered) == (Decimal(31_000), True)


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "words"),
    [
        (OrderType.STOP, Side.BUY, 29_999, "a buy stop has its trigger above the last price, 30000"),
        (OrderType.STOP_LIMIT, Side.SELL, 30_001, "a sell stop has its trigger below"),
        (OrderType.TAKE_PROFIT, Side.SELL, 29_000, "a sell take profit has its trigger above"),
        (OrderType.TAKE_PROFIT_LIMIT, Side.BUY, 30_000, "a buy take profit has its trigger below"),
    ],
)
@pytest.mark.parametrize("is_told", [True, False])
async def test_a_trigger_on_the_wrong_side_never_leaves(
    kind: OrderType, side: Side, trigger: int, words: str, *, is_told: bool
) -> None:
    async with rig(last="30000" if is_told else None) as desk:
        ticker = {"date": TONCE, "ticker": _ticker("30000")}
        desk.venue.on("GET /market/ticker", ticker)
        with pytest.raises(NotSent, match=words):
            await desk.account.submit_order(request_for(kind, side=side, trigger_price=Decimal(trigger)))
        assert desk.venue.calls == ([] if is_told else ["GET /market/ticker"])


async def test_a_trigger_is_not_sent_where_no_price_is_known() -> None:
    async with rig(last=None) as desk:
        with pytest.raises(NotSent, match="the last price is needed"):
            await desk.account.submit_order(request_for(OrderType.STOP))
        assert desk.venue.commands == []


def _ticker(last: str) -> dict[str, str]:
    names = ("buy", "buy_amount", "sell", "sell_amount", "open", "high", "low", "vol")
    return {"last": last} | dict.fromkeys(names, "1")


@pytest.mark.parametrize(
    "changes",
    [
        {"reduce_only": True}, {"leverage": Decimal(2)}, {"take_profit": Decimal(31_000)},
        {"instrument": InstrumentId(VENUE, "NOPEUSDT")}, {"client_order_id": "not a name!"},
        {"type": OrderType.MARKET, "price": None, "time_in_force": TimeInForce.FOK},
    ],
)  # fmt: skip
async def test_what_the_venue_has_not_never_leaves(changes: dict[str, Any]) -> None:
    async with rig() as desk:
        with pytest.raises(NotSent):
            await desk.account.submit_order(request_for(**changes))
        assert desk.venue.calls == []


async def test_without_a_key_a_command_says_what_is_missing() -> None:
    async with rig(has_key=False) as desk:
        with pytest.raises(NotSent) as caught:
            await desk.account.submit_order(request_for())
        assert caught.value.message == REMEDIES.no_key
        with pytest.raises(NotSent, match="API key"):
            await desk.account.amend_order(AMEND)
        with pytest.raises(NotSent, match="API key"):
            await desk.account.cancel_order(
                CancelRequest(instrument=BTC.id, client_order_id="s1", venue_order_id="")
            )
        with pytest.raises(NotSent, match="API key"):
            await desk.account.cancel_all_orders()
        assert desk.venue.calls == []


async def test_the_journal_commits_before_the_order_leaves() -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/limit", order_row())
        seen: list[list[str]] = []

        async def depart(departure: Departure) -> None:
            seen.append(list(desk.venue.calls))
            desk.departures.append(departure)

        await desk.account.submit_order(request_for(), depart=depart)
        assert seen == [[]]
        (departure,) = desk.departures
        assert departure.nonce == TONCE
        assert departure.deadline == TONCE * 1_000_000 + 60 * 1_000_000_000
        assert len(departure.body_hash) == len(hashlib.sha256().hexdigest())


async def test_an_order_that_the_journal_denies_never_leaves() -> None:
    async def deny(_: Departure) -> None:
        raise NotSent("journal", "the disk is full")

    async with rig() as desk:
        with pytest.raises(NotSent, match="disk is full"):
            await desk.account.submit_order(request_for(), depart=deny)
        assert desk.venue.calls == []


async def test_without_the_venues_clock_ours_bounds_the_order() -> None:
    async with rig(is_timed=False) as desk:
        desk.venue.on("POST /order/limit", order_row())
        await desk.account.submit_order(request_for(), depart=desk.depart)
        assert desk.departures[0].deadline == NOW // 1_000_000 * 1_000_000 + 60 * 1_000_000_000


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (107, InsufficientFunds, "balance not enough"),
        (24, OrderRejected, "give a new one ten minutes"),
        (25, OrderRejected, "secret does not belong"),
        (227, OrderRejected, "set its clock"),
        (35, OutcomeUnknown, "balance not enough"),
        (3, OutcomeUnknown, "balance not enough"),
        (99999, OutcomeUnknown, "balance not enough"),
    ],
)
async def test_what_a_code_proves(code: int, kind: type[Exception], words: str) -> None:
    def refuse(_: object) -> object:
        raise Refused(code, "balance not enough")

    async with rig() as desk:
        desk.venue.on("POST /order/limit", refuse)
        with pytest.raises(kind, match=words) as caught:
            await desk.account.submit_order(request_for())
        assert type(caught.value) is kind


@pytest.mark.parametrize(
    "changes", [{"status": "moon"}, {"market": "ETHUSDT"}, {"deal_amount": "7"}, {"type": "hold"}]
)
async def test_an_answer_that_makes_no_sense_leaves_the_outcome_open(changes: dict[str, str]) -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/limit", order_row(**changes))
        with pytest.raises(OutcomeUnknown):
            await desk.account.submit_order(request_for())


async def test_a_market_order_that_found_too_little_is_not_filled() -> None:
    async with rig() as desk:
        row = order_row(
            order_type="market", status="done", deal_amount="0.4", deal_money="12000", left="0", amount_asset="BTC"
        )
        desk.venue.on("POST /order/market", row)
        desk.venue.on("GET /order/user/deals", page())
        order = await desk.account.submit_order(request_for(OrderType.MARKET))
        assert (order.status, order.quantity, order.filled_quantity) == (
            OrderStatus.CANCELED, Decimal(1), Decimal("0.4"),
        )  # fmt: skip


async def test_an_amendment_keeps_or_changes_the_id() -> None:
    async with rig() as desk:
        await resting(desk)
        desk.venue.on("POST /order/modify", order_row(price="29000"))
        order = await desk.account.amend_order(AMEND, depart=desk.depart)
        assert (order.venue_order_id, order.price, order.status) == ("501", Decimal(29_000), OrderStatus.NEW)
        assert desk.venue.of("POST /order/modify") == [{"market": "BTCUSDT", "id": 501, "price": "29000"}]
        desk.venue.on("POST /order/modify", order_row(price="28000", id=777))
        order = await desk.account.amend_order(AMEND)
        assert (order.client_order_id, order.venue_order_id) == ("s1", "777")
        # The end of the order that it was is not its end.
        assert desk.push(order_push(3)) == []
        (told,) = orders_in(desk.push(order_push(1, id=777)))
        assert (told.client_order_id, told.venue_order_id, told.status) == ("s1", "777", OrderStatus.NEW)
        desk.venue.on("DELETE /order/pending", order_row(id=777))
        cancel = CancelRequest(instrument=BTC.id, client_order_id="s1", venue_order_id="501")
        assert (await desk.account.cancel_order(cancel)).status is OrderStatus.CANCELED
        assert desk.venue.of("DELETE /order/pending")[0]["id"] == "777"


@pytest.mark.parametrize(
    ("status", "deal", "expected"),
    [("cancel", "0.4", OrderStatus.CANCELED), ("done", "1", OrderStatus.FILLED)],
)
async def test_an_amendment_may_come_back_over(status: str, deal: str, expected: OrderStatus) -> None:
    async with rig() as desk:
        await resting(desk)
        desk.venue.on("POST /order/modify", order_row(status=status, deal_amount=deal, deal_money="12000"))
        desk.venue.on("GET /order/user/deals", page())
        assert (await desk.account.amend_order(AMEND)).status is expected


async def test_an_end_that_comes_while_it_is_amended_waits_for_the_answer() -> None:
    async with rig() as desk:
        await resting(desk)
        gate = desk.venue.held["POST /order/modify"] = asyncio.Event()
        desk.venue.on("POST /order/modify", order_row(id=777, price="29000"))
        amending = asyncio.create_task(desk.account.amend_order(AMEND, depart=desk.depart))
        await desk.asks("POST /order/modify", 1)
        assert desk.push(order_push(3)) == []  # cancelled, it would say: and it lives on by another id
        gate.set()
        assert (await amending).venue_order_id == "777"
        assert desk.emitted == []


async def test_an_end_that_the_amendment_did_not_cause_is_told_after_it() -> None:
    def refuse(_: object) -> object:
        raise Refused(600, "order does not exist")

    async with rig() as desk:
        await resting(desk)
        gate = desk.venue.held["POST /order/modify"] = asyncio.Event()
        desk.venue.on("POST /order/modify", refuse)
        amending = asyncio.create_task(desk.account.amend_order(AMEND))
        await desk.asks("POST /order/modify", 1)
        assert desk.push(order_push(3)) == []
        gate.set()
        with pytest.raises(OrderNotFound):
            await amending
        (told,) = orders_in(desk.emitted)
        assert (told.client_order_id, told.status) == ("s1", OrderStatus.CANCELED)


async def test_after_an_amendment_without_an_answer_the_order_is_looked_up_before_its_end_is_told() -> None:
    def broken(_: object) -> object:
        raise Refused(36, "service timeout")

    def gone(_: object) -> object:
        raise Refused(600, "order does not exist")

    async with rig() as desk:
        await resting(desk)
        desk.venue.on("POST /order/modify", broken)
        with pytest.raises(OutcomeUnknown):
            await desk.account.amend_order(AMEND)
        desk.venue.on("GET /order/status", gone)
        desk.venue.on("GET /order/pending", page(order_row(id=777, price="29000")))
        assert desk.push(order_push(3)) == []
        await desk.emits(lambda events: bool(orders_in(events)))
        (told,) = orders_in(desk.emitted)
        assert (told.client_order_id, told.venue_order_id, told.status, told.price) == (
            "s1", "777", OrderStatus.NEW, Decimal(29_000),
        )  # fmt: skip


async def test_a_stop_is_amended_as_a_stop() -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/stop/limit", {"status": "success"})
        desk.venue.on("GET /order/stop/pending", page(stop_row()))
        await desk.account.submit_order(request_for(OrderType.STOP_LIMIT))
        desk.venue.on("POST /order/stop/modify", {"status": "success"})
        desk.venue.on("GET /order/stop/pending", page(stop_row(stop_price="32000")))
        change = AmendRequest(
            instrument=BTC.id, client_order_id="s1", venue_order_id="701", trigger_price=Decimal(32_000)
        )
        order = await desk.account.amend_order(change)
        assert (order.trigger_price, order.type, order.venue_order_id) == (
            Decimal(32_000), OrderType.STOP_LIMIT, "701",
        )  # fmt: skip
        assert desk.venue.of("POST /order/stop/modify") == [
            {"market": "BTCUSDT", "id": 701, "stop_price": "32000"}
        ]
        with pytest.raises(NotSent, match="above the last price"):
            await desk.account.amend_order(
                AmendRequest(instrument=BTC.id, client_order_id="s1", venue_order_id="", trigger_price=Decimal(9))
            )


async def test_an_order_of_which_nothing_is_known_is_looked_up_before_it_is_amended() -> None:
    async with rig() as desk:
        desk.venue.on("GET /order/status", order_row())
        desk.venue.on("POST /order/modify", order_row(price="29000"))
        assert (await desk.account.amend_order(AMEND)).price == Decimal(29_000)
        assert desk.venue.calls == ["GET /order/status", "POST /order/modify"]
