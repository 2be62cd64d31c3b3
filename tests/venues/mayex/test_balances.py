"""Balances by reads and pushes, and what the private stream's messages say: milliseconds beside nanoseconds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.mayex.documented import example
from venues.errors import DecodeError
from venues.events import BalanceUpdate, Event
from venues.mayex.balances import Balances, parse_balance
from venues.mayex.models import Assets, CurrencyAccount
from venues.mayex.models.figures import in_envelope
from venues.mayex.pushes import AccountPush, Denied, OrderPush, PushedBalance, ns_of, read_push
from venues.model import ZERO, Balance

D = Decimal
# As the platform's document has them.
ORDER = {
    "e": "ORDER_TRADE_UPDATE", "T": 1649678235588, "E": 1649678235591,
    "o": {
        "ac": 1106010011, "x": "E_NEW", "L": "0.000000", "l": "0.000000", "ap": "40996.000000", "rq": "0.000000",
        "z": "0.017000", "n": "0.000000", "i": 79519757563, "c": "WEB__1WNgGe_IGbm", "C": 0, "s": "btcusdt",
        "S": "BUY", "ps": "LONG", "o": "MARKET", "is": True, "f": "IOC", "p": "0.000000", "q": "0.017000",
        "X": "NEW", "T": 1649678235588, "m": False, "cP": False, "tp": "0.000000", "tt": "TRIGGER_NONE",
        "tpType": "TRIGGER_NONE", "tpPrice": "0.000000", "slType": "TRIGGER_NONE", "slPrice": "", "sPid": 0,
    },
}  # fmt: skip
ACCOUNT = {
    "e": "ACCOUNT_UPDATE", "T": 1649678235588338434, "E": 1649678235591, "i": "110601",
    "a": {
        "m": "ORDER",
        "B": [{"ccy": "USDT", "ab": "39.702997", "cb": "31.095886", "vid": 7548}],
        "P": [{
            "a": 1106010011, "ccy": "USDT", "s": "btcusdt", "ps": "LONG", "is": True, "pa": "0.017000",
            "ep": "40996.000000", "cr": "4.994039", "im": "8.607111", "vid": 1008, "T": 1649678235588,
        }],
    },
}  # fmt: skip


class Purse:
    def __init__(self) -> None:
        self.at = 0.0
        self.book = Balances(lambda: 5, lambda: self.at)
        assets: Assets = msgspec.json.decode(example("assets").raw, type=in_envelope(Assets)).data
        (self.row,) = assets.accounts

    def read(self, **changes: Any) -> list[Event]:
        began, self.at = self.at, self.at + 1
        return self.book.take_read([msgspec.structs.replace(self.row, **changes)], began)

    def push(self, total: str | None = "1135.26", version: int | None = 1, **more: Any) -> list[Event]:
        told = None if total is None else D(total)
        return self.book.take_push(PushedBalance(currency="USDT", total=told, version=version, **more))


def only(events: list[Event]) -> Balance:
    (event,) = events
    assert isinstance(event, BalanceUpdate)
    (found,) = event.balances
    return found


def test_the_whole_is_what_is_available_and_what_is_locked() -> None:
    purse = Purse()
    told = only(purse.read())
    assert (told.total, told.available, told.locked) == (D("1135.26"), D("1133.14"), D("2.12"))
    assert purse.read() == []
    assert purse.book.held() == [told]


def test_what_is_stale_by_design_is_not_read() -> None:
    purse = Purse()
    purse.read()
    assert purse.read(unrealized_pnl=D("-900")) == []


def test_a_profit_that_is_offered_as_margin_is_not_available_money() -> None:
    assert only(Purse().read(avail_balance=D(1200))).available == D("1135.26")
    assert only(Purse().read(avail_balance=None)).available == D("1133.14")


def test_a_push_tells_the_whole_and_asks_for_a_read_of_what_is_locked() -> None:
    purse = Purse()
    purse.read()
    assert (purse.push(), purse.book.newest.wants_read) == ([], False)
    told = only(purse.push("1130.26", version=2))
    assert (told.total, told.available, told.locked) == (D("1130.26"), D("1128.14"), D("2.12"))
    assert [purse.book.newest.wants_read] == [True]
    purse.at += 1
    assert only(purse.read(account_balance=D("1130.26"), avail_balance=D("1130.26"))).locked == ZERO
    assert [purse.book.newest.wants_read] == [False]


def test_a_read_that_had_begun_when_a_push_came_does_not_tell_what_is_locked_since() -> None:
    purse = Purse()
    purse.read()
    began, purse.at = purse.at, purse.at + 1
    assert purse.push("1130.26", version=1)
    purse.at += 1
    assert purse.book.take_read([purse.row], began) == []
    assert [purse.book.newest.wants_read] == [True]
    assert only(purse.read(account_balance=D("1130.26"), avail_balance=D("1130.26"))).locked == ZERO
    assert [purse.book.newest.wants_read] == [False]


def test_an_older_version_of_a_balance_is_ignored() -> None:
    purse = Purse()
    purse.read()
    assert purse.push("1130.26", version=4)
    assert purse.push("1125.26", version=3) == [] == purse.push("1125.26", version=4)
    purse.book.forget_stream()
    assert purse.push("1125.26", version=1)


def test_rows_of_the_spot_account_and_without_a_figure_change_nothing() -> None:
    purse = Purse()
    purse.read()
    assert purse.push(None, account="SPOT") == [] == purse.push("7", account="SPOT")
    assert [purse.book.newest.wants_read] == [False]
    assert purse.push(None) == []
    assert [purse.book.newest.wants_read] == [True]


def test_a_balance_of_nothing_is_none() -> None:
    with pytest.raises(DecodeError):
        parse_balance(CurrencyAccount(currency="", account_balance=D(1)))


# What the private stream says.


def pushed(message: dict[str, Any]) -> OrderPush | AccountPush | Denied | None:
    return read_push(msgspec.json.encode(message))


def test_nanosecond_account_updates_stand_beside_millisecond_ones() -> None:
    account, order = pushed(ACCOUNT), pushed(ORDER)
    assert isinstance(account, AccountPush) and isinstance(order, OrderPush)
    assert account.ts_event == 1649678235588338434
    assert ns_of(order.time or 0) == 1649678235588000000 == ns_of(account.rows.positions[0].time or 0)
    without = pushed({name: value for name, value in ACCOUNT.items() if name != "T"})
    assert isinstance(without, AccountPush) and without.ts_event == 1649678235591000000
    in_milliseconds = pushed(ACCOUNT | {"T": 1649678235588})
    assert isinstance(in_milliseconds, AccountPush) and in_milliseconds.ts_event == 1649678235588000000
    assert ns_of(1649678235588338) == 1649678235588338000


def test_the_platforms_samples_are_read() -> None:
    account, order = pushed(ACCOUNT), pushed(ORDER)
    assert isinstance(account, AccountPush) and isinstance(order, OrderPush)
    (balance,), (position,) = account.rows.balances, account.rows.positions
    assert (balance.total, balance.cross, balance.version) == (D("39.702997"), D("31.095886"), 7548)
    assert (position.quantity, position.margin, position.version) == (D("0.017"), D("8.607111"), 1008)
    # What it says of its status is not so: all of it has traded.
    assert (order.order.status, order.order.filled, order.order.remaining) == ("NEW", D("0.017"), ZERO)
    assert (order.order.sl_price, order.order.client_id) == (None, "WEB__1WNgGe_IGbm")


def test_what_is_neither_of_the_two_tells_nothing() -> None:
    assert pushed({"e": "SOMETHING"}) is None
    assert pushed({"result": None, "id": 3}) is None
    assert pushed({"event": "pong"}) is None
    assert pushed({"code": 4, "msg": "invalid token", "id": 3}) is None  # an answer
    assert pushed({"code": 4, "msg": "invalid token"}) == Denied(4)


@pytest.mark.parametrize(
    "broken",
    [b"[]", b"{", b'"x"', b'{"e":"ACCOUNT_UPDATE"}', b'{"e":"ORDER_TRADE_UPDATE","o":{}}', b"\xff", b"[" * 5_000],
)
def test_pushes_that_are_none_are_refused(broken: bytes) -> None:
    with pytest.raises(DecodeError):
        read_push(broken)


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "1e400", "1" * 40, "x"])
def test_figures_that_no_money_can_be_are_refused(figure: str) -> None:
    row = {"ccy": "USDT", "ab": figure, "vid": 1}
    with pytest.raises(DecodeError):
        pushed(ACCOUNT | {"a": {"B": [row]}})


@settings(max_examples=400, deadline=None)
@given(at=st.integers(0, 700), to=st.integers(0, 255), which=st.sampled_from([ORDER, ACCOUNT]))
def test_a_byte_that_is_wrong_escapes_as_nothing_but_a_decode_error(
    at: int, to: int, which: dict[str, Any]
) -> None:
    data = bytearray(msgspec.json.encode(which))
    data[at % len(data)] = to
    try:
        found = read_push(bytes(data))
    except DecodeError:
        return
    assert found is None or isinstance(found, OrderPush | AccountPush | Denied)
