"""Contracts, candles, tickers and books, read from the document's own answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.pumpkin.documented import example, shape
from tests.venues.pumpkin.frames import KLINE, as_json
from venues.errors import BadRequest, ConfigurationError, DecodeError, UnknownInstrument
from venues.model import Instrument, InstrumentId, InstrumentKind
from venues.pumpkin.figures import base_units, contracts_of, symbol_of
from venues.pumpkin.models import Kline, LeverageBracket, Symbol
from venues.pumpkin.parse import (
    Lots,
    parse_bar_message,
    parse_bars,
    parse_book,
    parse_instrument,
    parse_mark,
    parse_ticker,
)
from venues.pumpkin.settings import Settings
from venues.pumpkin.wire import WireBar, decode

D = Decimal


def documented(name: str) -> Any:
    """Returns the data of an answer that the document shows."""
    return msgspec.json.decode(example(name).raw, type=shape(name), strict=False).data


def symbol() -> Symbol:
    rows: list[Symbol] = documented("symbols")
    return rows[0]


def tiers() -> list[LeverageBracket]:
    return [
        LeverageBracket(
            symbol_id=1, bracket=number, max_position=D(size), max_leverage=D(leverage),
            maintenance_margin=D(rate), maintenance_amount=D(amount),
        )
        for number, size, leverage, rate, amount in (
            (2, 500_000, 50, "0.01", "30"), (1, 100_000, 100, "0.005", "0"),
        )
    ]  # fmt: skip


def contract(**changes: Any) -> Instrument:
    return msgspec.structs.replace(parse_instrument(symbol(), tiers()), **changes)


def test_a_documented_contract() -> None:
    row = symbol()
    found = parse_instrument(row)
    assert found.id == InstrumentId("pumpkin", row.symbol)
    assert found.name == f"{row.base_coin.upper()}/{row.quote_coin.upper()} perp"
    assert found.kind is InstrumentKind.LINEAR_PERPETUAL
    assert (found.base, found.quote, found.settle) == (
        row.base_coin.upper(), row.quote_coin.upper(), row.quote_coin.upper(),
    )  # fmt: skip
    assert found.tick_size == row.min_step_price
    assert found.contract_size == found.lot_size == row.contract_size
    assert found.min_quantity == row.min_qty * row.contract_size
    assert found.min_notional == row.min_notional
    assert (found.band_up, found.band_down) == (row.multiplier_up, row.multiplier_down) == (D("0.1"), D("0.1"))
    assert (found.maker_fee, found.taker_fee) == (row.maker_fee, row.taker_fee)
    assert found.is_tradable is row.trade_switch
    assert found.brackets == () and found.max_quantity is None
    assert found.max_leverage == row.init_leverage


def test_every_documented_contract_and_its_tiers() -> None:
    by_symbol = {each.symbol: each.leverage_brackets for each in documented("leverage_brackets")}
    assert by_symbol
    for row in documented("symbols"):
        found = parse_instrument(row, by_symbol.get(row.symbol, ()))
        assert found.min_quantity > 0 and found.max_leverage >= 1


def test_tiers_are_in_contracts_unless_the_setting_says_otherwise() -> None:
    size = symbol().contract_size
    found = parse_instrument(symbol(), tiers(), unit=Settings().bracket_unit(size))
    assert [each.max_quantity for each in found.brackets] == [100_000 * size, 500_000 * size]
    assert found.max_quantity == 500_000 * size
    assert (found.max_leverage, found.maintenance_margin) == (D(100), D("0.005"))
    assert found.brackets[1].maintenance_amount == 30
    base = parse_instrument(symbol(), tiers(), unit=Settings(brackets_in_contracts=False).bracket_unit(size))
    assert [each.max_quantity for each in base.brackets] == [100_000, 500_000]


def test_a_contract_that_is_not_traded_says_so() -> None:
    found = parse_instrument(msgspec.structs.replace(symbol(), trade_switch=False))
    assert not found.is_tradable and found.note == "not traded now"


@pytest.mark.parametrize(("name", "value"), [("contract_size", D(0)), ("min_step_price", D(-1))])
def test_a_contract_without_size_or_step_is_none(name: str, value: Decimal) -> None:
    with pytest.raises(DecodeError):
        parse_instrument(msgspec.structs.replace(symbol(), **{name: value}))


def test_contracts_and_base_units_are_exact() -> None:
    one = contract(contract_size=D("0.0001"))
    assert contracts_of(D("0.0012"), one) == 12 and base_units(12, one.contract_size) == D("0.0012")
    assert str(base_units(1_000_000, one.contract_size)) == "100"
    for bad in ("0.00015", "0", "-0.0001", "0.00010000000000000000000000000000000000001"):
        with pytest.raises(BadRequest):
            contracts_of(D(bad), one)


def test_volume_and_turnover_are_swapped_between_rest_and_stream() -> None:
    """`a` is the volume in REST and the turnover in the stream: the same candle of either is one bar."""
    said = decode(as_json(KLINE))
    assert isinstance(said, WireBar)
    one = contract(id=InstrumentId("pumpkin", "trx_usdt"), contract_size=D(1))
    row = {
        "s": "trx_usdt", "t": said.time, "o": said.open, "c": said.close, "h": said.high, "l": said.low,
        "a": KLINE["k"]["v"], "v": KLINE["k"]["a"],
    }  # fmt: skip
    read = msgspec.convert(row, Kline, strict=False)
    (bar,) = parse_bars(one, 60, [read])
    assert bar == parse_bar_message(one, said)
    assert bar.volume == 369 and bar.ts_open == 1646382900000 * 1_000_000


def test_documented_candles_are_in_base_units_oldest_first() -> None:
    rows: list[Kline] = documented("klines")
    one = contract(contract_size=D("0.0001"))
    bars = parse_bars(one, 60, rows)
    assert [bar.ts_open for bar in bars] == sorted(row.time * 1_000_000 for row in rows)
    newest = max(rows, key=lambda row: row.time)
    assert bars[-1].volume == newest.volume * D("0.0001")


def test_the_documented_ticker_counts_contracts() -> None:
    row = documented("agg_ticker")
    ticker = parse_ticker(contract(contract_size=D("0.0001")), row)
    assert ticker.volume == row.volume * D("0.0001")
    assert (ticker.last, ticker.bid, ticker.ask) == (row.last, row.bid, row.ask)
    # The turnover is what the volume is worth.
    assert abs(ticker.volume * ticker.last / row.turnover - 1) < D("0.1")
    mark = parse_mark(ticker.instrument, row, documented("funding_rate"))
    assert (mark.mark, mark.index) == (row.mark, row.index)
    assert mark.funding_rate is not None and mark.ts_next_funding is not None


def test_the_documented_book_has_its_number_above_two_to_the_53() -> None:
    depth = documented("depth")
    book = parse_book(depth, Lots(D("0.0001")), 5)
    assert book.sequence == depth.update_id > 2**53
    price, contracts = depth.bids[0]
    assert (D(book.bids[0][0]), D(book.bids[0][1])) == (price, contracts * D("0.0001"))
    assert [D(level[0]) for level in book.bids] == sorted((D(level[0]) for level in book.bids), reverse=True)


@pytest.mark.parametrize("symbol", ["BTC_USDT", "btc-usdt", "btc", "", "btc_usdt,1m", "btc_usdt@x"])
def test_what_is_no_symbol_is_not_listed(symbol: str) -> None:
    with pytest.raises(UnknownInstrument):
        symbol_of(InstrumentId("pumpkin", symbol))
    with pytest.raises(UnknownInstrument):
        symbol_of(InstrumentId("max", "btc_usdt"))


def test_addresses() -> None:
    there = Settings(rest_url="https://a.example", ws_url="wss://b.example/", user_ws_url="")
    assert there.base_url == "https://a.example/futures"
    assert there.market_address == "wss://b.example/futures/ws/market"
    assert there.user_address == ""
    other = Settings(rest_url="https://a.example/api", ws_url="wss://b.example/fstream/ws/open")
    assert (other.base_url, other.market_address) == ("https://a.example/api", "wss://b.example/fstream/ws/open")
    assert Settings(user_ws_url="wss://b.example").user_address == "wss://b.example/futures/ws/user"
    with pytest.raises(ConfigurationError):
        _ = Settings(ws_url="wss://[").market_address
