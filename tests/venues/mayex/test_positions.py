"""Positions by what reads and pushes say: blank figures, versions, leverage that nobody tells, funding."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.mayex.account_rig import BTC_ID, ETH_ID
from tests.venues.mayex.documented import example
from tests.venues.mayex.orders_rig import LISTED, contract
from venues.errors import DecodeError
from venues.events import Event, Notice, PositionUpdate
from venues.mayex.models import Position as Row
from venues.mayex.models.figures import in_envelope, without_blanks
from venues.mayex.positions import Facts, Positions, parse_position
from venues.mayex.pushes import PushedPosition
from venues.mayex.sides import closes, name_of, position_id_of
from venues.model import NANOSECONDS, ZERO, Fill, Instrument, InstrumentId, Liquidity, MarginMode, Position, Side

D = Decimal
NOW = 1_632_190_200 * NANOSECONDS


def documented() -> Row:
    """Returns the document's own row."""
    body = without_blanks(example("positions").raw)
    found: list[Row] = msgspec.json.decode(body, type=in_envelope(list[Row])).data
    return found[0]


class Book:
    """The positions alone, with a clock that tests turn."""

    def __init__(self, **listed: Any) -> None:
        self.at = 0.0
        self.marks: dict[InstrumentId, Decimal] = {}
        self.wallet = D(1_000)
        self.losses: list[tuple[Facts, Decimal]] = []
        kept = {one: self._margined(LISTED[one], listed) for one in (BTC_ID, ETH_ID)}
        self.book = Positions(
            instrument=kept.get,
            wallets=lambda: {"USDT": self.wallet},
            mark=self.marks.get,
            now=lambda: NOW + round(self.at * 1e9),
            monotonic=lambda: self.at,
            on_loss=lambda facts, quantity: self.losses.append((facts, quantity)),
        )

    @staticmethod
    def _margined(instrument: Instrument, changes: dict[str, Any]) -> Instrument:
        given = {"maintenance_margin": D("0.005"), "max_leverage": D(100)} | changes
        return msgspec.structs.replace(instrument, **given)

    def read(self, *rows: Row) -> list[Event]:
        began, self.at = self.at, self.at + 1
        return self.book.take_read(self.book.parsed(rows), began)

    def push(self, **changes: Any) -> list[Event]:
        given: dict[str, Any] = {
            "symbol": "btcusdt", "position_side": "LONG", "isolated": True, "quantity": D("0.001"),
            "entry_price": D("42745.5"), "net_realized": D("-0.005"), "margin": D("2.122315"), "version": 5,
        }  # fmt: skip
        return self.book.take_push(PushedPosition(**(given | changes)))

    def fill(self, quantity: str, *, closes: bool = False, fee: str = "0", profit: str = "0", at: int = 0) -> None:
        fill = Fill(
            instrument=BTC_ID, trade_id="1", client_order_id="", venue_order_id="1",
            side=Side.SELL if closes else Side.BUY, price=D(42_745), quantity=D(quantity), fee=D(fee),
            fee_currency="USDT", liquidity=Liquidity.TAKER, ts_event=at * 1_000_000, realized_pnl=D(profit),
        )  # fmt: skip
        self.book.take_fill(fill, "long:isolated", closes=closes)

    @property
    def only(self) -> Position:
        (found,) = self.book.open()
        return found


def row(**changes: Any) -> Row:
    return msgspec.structs.replace(documented(), **changes)


def told(events: list[Event]) -> list[Position]:
    return [one.position for one in events if isinstance(one, PositionUpdate)]


def test_empty_strings_for_numbers_are_figures_that_nobody_tells() -> None:
    """`margin` and `liqPrice` come as "": the liquidation price is an estimate, and says so."""
    assert (documented().margin, documented().liq_price) == (None, None)
    book = Book()
    (position,) = told(book.read(documented()))
    assert (position.quantity, position.entry_price) == (D("0.001"), D("42745.5"))
    assert position.position_id == "long:isolated"
    assert (position.margin, position.margin_mode) == (D("2.122315"), MarginMode.ISOLATED)
    # 0.001 x (entry - price) = 2.122315 - 0.005 x 0.001 x price
    assert position.liquidation_price == D("40827.5")
    assert position.liquidation_is_estimate


def test_a_liquidation_price_of_the_venue_is_no_estimate() -> None:
    book = Book()
    book.read(row(liq_price=D("41000.5")))
    assert (book.only.liquidation_price, book.only.liquidation_is_estimate) == (D("41000.5"), False)
    book.read(row(liq_price=D(0)))
    assert book.only.liquidation_is_estimate


def test_without_what_has_to_be_kept_there_is_no_liquidation_price() -> None:
    book = Book(maintenance_margin=ZERO)
    book.read(documented())
    assert (book.only.liquidation_price, book.only.liquidation_is_estimate) == (None, False)


def test_long_and_short_isolated_and_cross_stand_side_by_side() -> None:
    book = Book()
    rows = [
        row(position_side=side, isolated=isolated, quantity=D("0.01"), isolated_margin=D(50))
        for side in ("LONG", "SHORT")
        for isolated in (True, False)
    ]
    found = {one.position_id: one for one in told(book.read(*rows))}
    assert set(found) == {"long:isolated", "long:cross", "short:isolated", "short:cross"}
    assert found["short:cross"].quantity == D("-0.01")
    assert {one.margin for one in found.values()} == {
        D(50),
        ZERO,
    }  # a cross one has none of its own
    assert found["long:cross"].leverage == 0
    assert not book.book.moves_with_marks
    book.read(*rows, row(symbol="ETHUSDT", isolated=False))
    assert book.book.moves_with_marks


def test_leverage_is_the_one_set_here_else_by_the_margin_that_it_was_met_with_else_unknown() -> None:
    book = Book()
    book.read(documented())
    assert book.only.leverage == 20  # 42.7455 / 2.122315 = 20.14
    book.read(row(isolated_margin=D("4.244630")))  # margin was added: it is what it was
    assert book.only.leverage == 20
    book.book.leverages[BTC_ID, MarginMode.ISOLATED] = D(50)
    (position,) = told(book.book.reprice())
    assert position.leverage == 50
    assert book.book.leverage_of(BTC_ID, MarginMode.CROSS) is None
    book.book.doubt_leverage(BTC_ID, MarginMode.ISOLATED)
    (position,) = told(book.book.reprice())
    assert position.leverage == 0
    assert book.book.leverage_of(BTC_ID, MarginMode.ISOLATED) is None


def test_an_older_version_of_a_row_is_ignored() -> None:
    book = Book()
    assert told(book.push(version=7, quantity=D("0.002")))
    assert book.push(version=6) == [] == book.push(version=7, quantity=D("0.003"))
    assert book.only.quantity == D("0.002")
    assert told(book.push(version=8, quantity=D("0.003")))
    book.book.forget_stream()  # another stream may number anew
    assert told(book.push(version=1, quantity=D("0.001")))


@pytest.mark.parametrize(
    "missing", ["quantity", "isolated", "net_realized", "margin", "entry_price", "position_side"]
)
def test_a_row_without_what_is_needed_is_read(missing: str) -> None:
    book = Book()
    book.read(documented())
    assert book.push(**{missing: None}) == []
    assert book.book.newest.wants_read
    book.at += 1
    book.read(documented())
    assert not book.book.newest.wants_read


def test_a_push_ends_a_position_once_and_a_late_read_does_not_bring_it_back() -> None:
    book = Book()
    book.read(documented())
    began = book.at
    book.at += 1
    (end,) = told(book.push(version=9, quantity=D(0), entry_price=D(0), margin=D(0)))
    assert (end.quantity, end.position_id, end.liquidation_price) == (ZERO, "long:isolated", None)
    assert [(facts.quantity, lost) for facts, lost in book.losses] == [(D("0.001"), D("0.001"))]
    parsed = book.book.parsed([documented()])
    assert book.book.take_read(parsed, began - 0.5) == []
    assert book.book.open() == [] == book.book.facts()
    book.at += 5
    assert told(book.read(row(quantity=D("0.004"))))[0].quantity == D("0.004")  # the same id, another position
    assert book.losses[1:] == []


def test_a_position_that_no_read_lists_is_closed() -> None:
    book = Book()
    book.read(documented())
    (end,) = told(book.read())
    assert end.quantity == 0
    assert told(book.read(row(quantity=D(0)))) == []


def notices(events: list[Event]) -> list[str]:
    return [one.text for one in events if isinstance(one, Notice)]


def test_funding_is_what_a_settlement_changes_and_is_said() -> None:
    book = Book()
    book.read(documented())
    paid = book.read(row(last_funding_time=1_632_211_200_000, cum_realized_pnl=D("-0.015")))
    assert notices(paid) == ["funding: paid 0.01 USDT for long 0.001 BTC/USDT perp"]
    assert book.only.funding == D("-0.01")
    got = book.read(row(last_funding_time=1_632_240_000_000, cum_realized_pnl=D("0.005")))
    assert notices(got) == ["funding: received 0.02 USDT for long 0.001 BTC/USDT perp"]
    assert (book.only.funding, book.only.realized_pnl) == (D("0.01"), ZERO)


def test_a_settlement_before_the_first_read_of_a_position_is_told_too() -> None:
    book = Book()
    book.read()
    book.push(time=1_632_190_125_650)
    book.at += 3
    earlier = row(last_funding_time=1_632_190_000_000)
    assert notices(book.read(earlier)) == []  # it was of whoever held it then
    book = Book()
    book.read()
    book.push(time=1_632_190_125_650)
    book.at += 3
    paid = book.read(row(last_funding_time=1_632_211_200_000, cum_realized_pnl=D("-0.015")))
    assert notices(paid) == ["funding: paid 0.01 USDT for long 0.001 BTC/USDT perp"]


def test_a_profit_that_changes_without_a_settlement_is_no_funding() -> None:
    book = Book()
    book.read(documented())
    assert notices(book.read(row(cum_realized_pnl=D("-0.5"), quantity=D("0.0005")))) == []
    assert book.only.funding == 0


def test_funding_beside_a_trade_is_what_its_executions_leave() -> None:
    book = Book()
    book.read(row(quantity=D("0.003")))
    after = row(
        quantity=D("0.001"), last_funding_time=1_632_211_200_000, last_tx_time=1_632_190_200_000,
        cum_realized_pnl=D("4.885"),
    )  # fmt: skip
    assert notices(book.read(after)) == []
    book.fill("0.001", closes=True, fee="0.05", profit="2.5", at=1_632_190_200_000)
    assert notices(book.book.funding.looked()) == []  # one of the executions is not listed yet
    assert book.book.funding.wants_fills
    book.fill("0.001", closes=True, fee="0.05", profit="2.5", at=1_632_190_190_000)
    assert notices(book.book.funding.looked()) == ["funding: paid 0.01 USDT for long 0.001 BTC/USDT perp"]
    book.book.reprice()
    assert (book.only.funding, book.only.fees, book.only.realized_pnl) == (D("-0.01"), ZERO, ZERO)


def test_a_life_begins_with_what_opens_and_counts_fees_and_profits() -> None:
    book = Book()
    book.read()
    book.fill("0.002", fee="0.03")
    book.fill("0.001", closes=True, fee="0.02", profit="1.5")
    book.read(documented())
    assert (book.only.fees, book.only.realized_pnl, book.only.funding) == (D("0.05"), D("1.5"), ZERO)
    book.fill("0.001", closes=True, fee="0.02")
    book.fill("0.001", fee="0.01")
    book.book.reprice()
    assert (book.only.fees, book.only.realized_pnl) == (D("0.01"), ZERO)


def test_a_position_of_before_has_what_its_executions_and_the_venues_own_profit_say() -> None:
    past = [
        _past("0.005", False, "0.10", "0", 1), _past("0.005", True, "0.10", "3", 2),  # a life that is over
        _past("0.002", False, "0.04", "0", 3), _past("0.001", True, "0.02", "1", 4),
    ]  # fmt: skip
    book = Book()
    book.read(row(last_funding_time=9, realised_pnl=D("0.84")))
    book.book.begin(past)
    book.book.reprice()
    assert (book.only.fees, book.only.realized_pnl, book.only.funding) == (D("0.06"), D(1), D("-0.10"))
    unknown = Book()
    unknown.read(row(realised_pnl=D("0.84")))
    unknown.book.begin(past[3:])
    unknown.book.reprice()
    assert (unknown.only.fees, unknown.only.realized_pnl, unknown.only.funding) == (ZERO, D("0.84"), ZERO)


def _past(quantity: str, closes: bool, fee: str, profit: str, at: int) -> tuple[Fill, str, bool]:
    fill = Fill(
        instrument=BTC_ID, trade_id=str(at), client_order_id="", venue_order_id="1", side=Side.BUY, price=D(1),
        quantity=D(quantity), fee=D(fee), fee_currency="USDT", liquidity=Liquidity.MAKER, ts_event=at * 1_000_000,
        realized_pnl=D(profit),
    )  # fmt: skip
    return fill, "long:isolated", closes


@pytest.mark.parametrize(
    "changes", [{"position_side": "BOTH"}, {"avg_entry_price": D(0)}, {"isolated_margin": D(-1)}]
)
def test_a_position_that_can_not_be_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        parse_position(row(**changes))


def test_how_positions_are_named() -> None:
    assert position_id_of("LONG", isolated=True) == "long:isolated"
    assert position_id_of("SHORT", isolated=False) == "short:cross"
    assert position_id_of("UNI", isolated=False) == ""
    name = name_of("short:isolated")
    assert name is not None
    assert (name.side, name.mode, name.closing_side) == ("SHORT", MarginMode.ISOLATED, Side.BUY)
    assert name_of("net") is None
    assert closes(Side.SELL, "LONG") and closes(Side.BUY, "SHORT")
    assert not closes(Side.BUY, "LONG") and not closes(Side.SELL, "SHORT")


def test_symbols_of_either_case_are_the_same_contract() -> None:
    book = Book()
    book.read(row(symbol="btcusdt"))
    assert told(book.push(symbol="BTCUSDT", quantity=D("0.002")))[0].instrument == BTC_ID
    assert contract("btcusdt").id == BTC_ID


def test_one_row_that_can_not_be_read_hides_no_other_and_ends_none() -> None:
    book, eth = Book(), row(symbol="ethusdt")
    assert len(told(book.read(documented(), eth))) == 2
    spoilt = row(position_side="UNI")
    (notice,) = [one for one in book.read(spoilt, eth) if isinstance(one, Notice)]
    assert notice.is_alarm and "btcusdt" in notice.text
    assert {one.instrument for one in book.book.open()} == {BTC_ID, ETH_ID}
    assert book.read(spoilt, eth) == []  # it is said once
    btc = row(position_side="SHORT")
    (gone,) = told(book.read(spoilt, btc))[:1]  # what stands in another row of that contract is told
    assert {one.instrument for one in book.book.open()} == {BTC_ID}
    assert gone.instrument == ETH_ID and not gone.quantity
    with pytest.raises(DecodeError):
        book.read(spoilt)
    nothing = row(position_side="UNI", quantity=ZERO, avg_entry_price=None)
    assert book.read(nothing, documented(), btc) == []


def test_a_version_that_goes_back_is_read() -> None:
    book = Book()
    book.read(documented())
    book.push(version=9, quantity=D(0))
    assert book.book.open() == []
    assert book.push(version=1) == [] and book.book.newest.wants_read


def test_margin_that_was_added_before_makes_no_leverage() -> None:
    """0.001 x 42745.5 / 2.122315 is 20.14: as it was opened at 20; 7.52 is no leverage."""
    book = Book()
    book.read(documented(), row(symbol="ethusdt", isolated_margin=D("42.7455") / D("7.52")))
    assert {one.instrument: one.leverage for one in book.book.open()} == {BTC_ID: D(20), ETH_ID: ZERO}
