"""The M-wallet's state: what comes late does not undo what is newer; a ratio holds for the debt it was told of."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from venues.errors import DecodeError
from venues.margin import MarginAccount
from venues.max.margin_book import MarginBook
from venues.max.models import Account, MWalletADRatio
from venues.max.wire import WireBalance, WireDebt, WireRatio

D = Decimal


def row(currency: str, balance: str, principal: str | None = None, locked: str = "0") -> Account:
    return Account(
        currency=currency,
        balance=D(balance),
        locked=D(locked),
        principal=None if principal is None else D(principal),
        interest=None if principal is None else D(0),
    )


def shown(book: MarginBook) -> MarginAccount:
    return book.account(lambda asset: asset, ("TWD",), 7)


def balance(currency: str, available: str, locked: str = "0") -> WireBalance:
    return WireBalance(cu=currency, av=available, locked=locked)


def debt(currency: str, principal: str, interest: str = "0") -> WireDebt:
    return WireDebt(cu=currency, dbp=principal, dbi=interest)


def test_a_read_that_was_overtaken_by_the_stream() -> None:
    book = MarginBook()
    book.take_accounts([row("btc", "1", "1.5"), row("eth", "2", "0")], book.mark())
    mark = book.mark()
    book.take_balances([balance("btc", "0.25"), balance("usdt", "9")], 5)
    book.take_debts([debt("eth", "0.5")], 5)
    book.take_accounts([row("btc", "1", "2.5"), row("eth", "3", "0"), row("twd", "5")], mark)
    found = {each.currency: (each.available, each.principal) for each in shown(book).assets}
    assert found == {
        "BTC": (D("0.25"), D("2.5")), "ETH": (D(3), D("0.5")), "TWD": (D(5), D(0)), "USDT": (D(9), D(0)),
    }  # fmt: skip
    book.take_accounts(
        [row("btc", "1", "0")], book.mark()
    )  # and one that was not: what is not listed is not there
    assert {each.currency: each.available for each in shown(book).assets} == {"BTC": D(1), "TWD": D(0)}
    assert not book.has_debt


def test_messages_that_change_places() -> None:
    book = MarginBook()
    book.take_balances([balance("btc", "2"), balance("eth", "1")], 10)
    book.take_balances([balance("btc", "1"), balance("twd", "7")], 9)
    book.take_debts([debt("btc", "1")], 4)
    book.take_ratio(WireRatio(ad="1.5"), 10)
    book.take_ratio(WireRatio(ad="1.6"), 9)
    found = {each.currency: (each.available, each.debt) for each in shown(book).assets}
    assert found == {"BTC": (D(2), D(1)), "ETH": (D(1), D(0)), "TWD": (D(7), D(0))}
    assert book.ratio == D("1.5")
    book.take_balances([balance("btc", "3")], 10)
    assert shown(book).assets[0].available == 3, "of two at one moment the later one"
    book.begin()
    book.take_balances([balance("btc", "4")], 8)
    assert shown(book).assets[0].available == 4, "another server has another clock"


def test_a_read_ratio_that_was_overtaken_by_the_stream() -> None:
    book = MarginBook()
    book.take_debts([debt("btc", "1")], 5)
    mark = book.mark()
    book.take_ratio(WireRatio(ad="1.4", assets="14", db="10"), 5)
    book.take_read_ratio(MWalletADRatio(ad_ratio=D(2), asset_in_usdt=D(20), debt_in_usdt=D(10)), mark)
    assert (book.ratio, shown(book).total_assets) == (D("1.4"), D(14))
    book.take_read_ratio(MWalletADRatio(ad_ratio=D(2), asset_in_usdt=D(20), debt_in_usdt=D(10)), book.mark())
    assert (book.ratio, shown(book).total_assets) == (D(2), D(20))


def test_a_ratio_of_zero_beside_a_debt_is_the_worst_there_is() -> None:
    book = MarginBook()
    book.take_accounts([row("btc", "0", "1.5")], book.mark())
    book.take_ratio(WireRatio(ad="0.0", assets="0.0", db="1500"), 5)
    assert book.ratio == 0
    told = MWalletADRatio(ad_ratio=D(0), asset_in_usdt=D(0), debt_in_usdt=D(1500))
    book.take_read_ratio(told, book.mark())
    assert book.ratio == 0


@pytest.mark.parametrize("debts", ["0", "0.0"])
def test_a_ratio_without_a_debt_is_none(debts: str) -> None:
    book = MarginBook()
    book.take_ratio(WireRatio(ad="999999.0", assets="20", db=debts), 5)
    assert shown(book).ratio is None
    book.take_debts([debt("btc", "1")], 5)
    assert shown(book).ratio is None, "it was told before there was a debt"
    book.take_ratio(WireRatio(ad="2", assets="20"), 5)
    assert shown(book).ratio == 2
    book.take_debts([debt("btc", "0", "0.1")], 5)
    assert shown(book).ratio == 2, "interest is owed"
    book.take_debts([debt("btc", "0")], 5)
    assert shown(book).ratio is None
    for nothing in (WireRatio(), WireRatio(ad="0")):
        book.take_debts([debt("btc", "1")], 5)
        book.take_ratio(nothing, 5)
        assert shown(book).ratio is None


@pytest.mark.parametrize(
    "take",
    [
        lambda book: book.take_balances([balance("btc", "-1")], 5),
        lambda book: book.take_debts([debt("btc", "x")], 5),
        lambda book: book.take_ratio(WireRatio(ad="NaN"), 5),
        lambda book: book.take_ratio(WireRatio(ad="1", db="-1"), 5),
        lambda book: book.take_accounts([row("btc", "-1")], 0),
        lambda book: book.take_accounts([row("eth", "1"), row("btc", "1", "-1")], 0),
    ],
)
def test_what_can_not_be_changes_nothing(take: Any) -> None:
    book = MarginBook()
    book.take_accounts([row("btc", "1", "1.5")], book.mark())
    book.take_ratio(WireRatio(ad="2", assets="3", db="1"), 5)
    before = shown(book)
    with pytest.raises(DecodeError):
        take(book)
    assert shown(book) == before
