"""What the venue writes down of the money: kinds mapped, signs by the side, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.pumpkin.account_rig import BTC_ID, closing, connected, served, until
from tests.venues.pumpkin.walking import BTC, Exchange
from venues.bills import Bill, BillKind
from venues.port import HasBills
from venues.pumpkin.bills import parse_bill
from venues.pumpkin.funding import FundingBook
from venues.pumpkin.models import Bill as Row
from venues.pumpkin.models import BillType

D = Decimal


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


async def test_bills_of_a_life(exchange: Exchange) -> None:
    async with connected(exchange) as rig:
        assert isinstance(rig.venue, HasBills)
        exchange.act("fund", currency="usdt", amount="500")
        position = await rig.opened()
        exchange.act("funding", symbol=BTC, rate="0.001")
        exchange.mark(61_000)
        await rig.venue.submit_order(closing(position))
        await until(lambda: not rig.held)
        bills = await rig.venue.fetch_bills(50)
        assert [(one.kind, one.amount) for one in reversed(bills)] == [
            (BillKind.TRANSFER, D(500)),
            (BillKind.FEE, D("-0.3000005")),
            (BillKind.FUNDING, D("-0.6")),
            (BillKind.REALIZED, D("9.998")),
            (BillKind.FEE, D("-0.3049995")),
        ]
        assert [one.instrument for one in bills] == [BTC_ID] * 4 + [None]
        assert {one.currency for one in bills} == {"USDT"}
        assert [one.ts_event for one in bills] == sorted((one.ts_event for one in bills), reverse=True)
        assert sum(one.amount for one in bills) == rig.wallet.total - 100_000
        assert list(await rig.venue.fetch_bills(2)) == list(bills[:2])


async def test_more_than_a_page_is_read_page_by_page(exchange: Exchange) -> None:
    for _ in range(130):
        exchange.act("fund", currency="usdt", amount="1")
    async with connected(exchange, subscribes=False) as rig:
        bills = await rig.venue.fetch_bills(120)
        assert len({one.bill_id for one in bills}) == len(bills) == 120


ROW: dict[str, Any] = {
    "id": "587083445113472257", "coin": "usdt", "symbol": "btc_usdt", "type": "FUND", "amount": D("-0.0008"),
    "side": "SUB", "created_time": 1_769_673_600_798, "after_amount": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({}, "-0.0008"),
        ({"amount": D("0.0008")}, "-0.0008"),  # without a sign: the side is one
        ({"side": "ADD"}, "0.0008"),
        ({"side": "ADD", "amount": D("0.0008")}, "0.0008"),
        ({"side": ""}, "-0.0008"),  # without a side: the sign of the amount
    ],
)
def test_the_side_is_the_sign_of_the_amount(fields: dict[str, Any], amount: str) -> None:
    assert parse_bill(Row(**(ROW | fields))).amount == D(amount)


def test_every_documented_type_has_a_kind() -> None:
    kinds = {one: parse_bill(Row(**(ROW | {"type": one.value}))).kind for one in BillType}
    assert kinds == {
        BillType.EXCHANGE: BillKind.TRANSFER, BillType.CLOSE_POSITION: BillKind.REALIZED,
        BillType.TAKE_OVER: BillKind.LIQUIDATION, BillType.QIANG_PING_MANAGER: BillKind.LIQUIDATION,
        BillType.FUND: BillKind.FUNDING, BillType.FEE: BillKind.FEE, BillType.ADL: BillKind.DELEVERAGED,
        BillType.MERGE: BillKind.OTHER,
    }  # fmt: skip
    unknown = parse_bill(Row(**(ROW | {"type": "SOMETHING_NEW", "symbol": None, "after_amount": D(7)})))
    assert (unknown.kind, unknown.words, unknown.instrument) == (BillKind.OTHER, "SOMETHING_NEW", None)
    assert (unknown.balance_after, unknown.ts_event) == (D(7), 1_769_673_600_798_000_000)


KEY, OTHER = (BTC_ID, "1"), (BTC_ID, "2")


def funding(amount: str, number: str) -> Bill:
    return parse_bill(Row(**(ROW | {"id": number, "amount": D(amount), "side": ""})))


def test_a_profit_that_changes_alone_is_funding_and_its_bill_says_nothing_new() -> None:
    book = FundingBook()
    assert book.profit_changed(KEY, D("-0.6"), has_traded=False) == D("-0.6")
    wanted = [book.wants_bills]
    assert book.take_bills([funding("-0.6", "b1")]) == []
    assert book.profit_changed(KEY, D(7), has_traded=True) == 0
    wanted.append(book.wants_bills)
    assert wanted == [False, True]
    for _ in range(2):
        assert book.take_bills([funding("-0.6", "b1")]) == []  # seen before
    assert (book.of(KEY), book.wants_bills) == (D("-0.6"), False)


def test_funding_within_a_closing_is_told_by_its_bill() -> None:
    book = FundingBook()
    book.profit_changed(KEY, D("9.4"), has_traded=True)
    assert book.take_bills([funding("-0.6", "b1")]) == [KEY]
    assert book.of(KEY) == D("-0.6")


def test_a_bill_that_two_positions_can_have_had_is_nobodys() -> None:
    book = FundingBook()
    book.profit_changed(KEY, D("9.4"), has_traded=True)
    book.profit_changed(OTHER, D("3.4"), has_traded=True)
    assert book.take_bills([funding("-0.6", "b1")]) == []
    assert book.of(KEY) == book.of(OTHER) == 0


def test_two_settlements_that_were_one_change_explain_their_bills() -> None:
    book = FundingBook()
    book.profit_changed(KEY, D("-1.0"), has_traded=False)
    assert book.take_bills([funding("-0.6", "b1"), funding("-0.4", "b2")]) == []
    book.profit_changed(KEY, D(5), has_traded=True)
    assert book.take_bills([]) == []
    assert book.of(KEY) == D("-1.0")


def test_what_was_before_counts_for_the_position_of_then_alone() -> None:
    book = FundingBook()
    book.skip([funding("-0.6", "b1")])
    book.profit_changed(KEY, D(5), has_traded=True)
    assert book.take_bills([funding("-0.6", "b1")]) == []
    book.begin(OTHER, D("-0.6"), [funding("-0.6", "b2"), funding("-9", "b0")])
    assert (book.of(KEY), book.of(OTHER)) == (D(0), D("-0.6"))
    book.begin(KEY, D("3"), [funding("-0.6", "b2")])  # the bills do not add up: nothing is claimed
    assert book.of(KEY) == 0
    book.forget(OTHER)
    assert book.of(OTHER) == 0


def test_a_bill_that_is_booked_late_is_ascribed_at_the_second_look_and_at_no_third() -> None:
    book = FundingBook()
    wanted = []
    book.profit_changed(KEY, D("9.4"), has_traded=True)
    for bills, told in (([], []), ([funding("-0.6", "b1")], [KEY])):
        wanted.append(book.wants_bills)
        assert book.take_bills(bills) == told
    wanted.append(book.wants_bills)
    book.profit_changed(KEY, D(5), has_traded=True)
    for bills in ([], [], [funding("-0.7", "b2")]):
        wanted.append(book.wants_bills)
        assert book.take_bills(bills) == []
    assert wanted == [True, True, False, True, True, False]
    assert book.of(KEY) == D("-0.6")
