"""What is listed: by the product list, by the table where there is none, and by what a person states."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.mayex.scripted_mayex import ScriptedMayex, client_at
from venues.errors import DecodeError, TransientError, UnknownInstrument
from venues.events import Event, Notice
from venues.mayex.figures import instrument_id, spot_id
from venues.mayex.listing import TABLE, Listing, parse_pair, parse_product
from venues.mayex.models import Pair, Product
from venues.mayex.settings import Settings, TableRow
from venues.model import Instrument, InstrumentId, InstrumentKind

D = Decimal
BTC = {
    "symbol": "btcusdt", "displayName": "BTCUSDT", "type": "FUTURE_PERPETUAL", "baseCurrency": "BTC",
    "quoteCurrency": "USDT", "settleCurrency": "USDT", "tickSize": "0.5", "stepSize": "0.001",
    "minOrderQty": "0.002", "maxOrderQty": "150", "makerFeeRate": "0.0001", "takerFeeRate": "0.00035",
    "maxLeverage": "125", "maintainMarginRate": "0.004", "limitPriceDiffRate": "0.1",
}  # fmt: skip
PAIR = {
    "symbol": "btcusdt",
    "baseCurrency": "BTC",
    "quoteCurrency": "USDT",
    "tickSize": "0.01",
    "stepSize": "0.00001",
}


async def listed(
    products: object, pairs: object = (), *, status: int = 200, **settings: Any
) -> tuple[dict[InstrumentId, Instrument], Sequence[str]]:
    """Returns what is listed, and what was said about it, where the venue answers so."""
    told: list[Event] = []
    async with client_at(has_key=False) as (client, venue):
        _answer(venue, products, status)
        _answer(venue, pairs, 200)
        given = Settings(rest_url=venue.base_url, ws_url="ws://127.0.0.1:1", **settings)
        listing = Listing(client, given, emit=told.extend)
        found = dict(await listing.all())
    return found, [event.text for event in told if isinstance(event, Notice)]


def _answer(venue: ScriptedMayex, data: object, status: int) -> None:
    if status == 200:
        venue.data(data)
    else:
        venue.answer({"status": status, "error": "no such path"}, status)


async def test_contracts_are_those_of_the_product_list() -> None:
    found, told = await listed([BTC])
    (one,) = found.values()
    assert (one.id, one.name, one.kind) == (
        instrument_id("btcusdt"), "BTC/USDT perp", InstrumentKind.LINEAR_PERPETUAL,
    )  # fmt: skip
    assert (one.tick_size, one.lot_size, one.min_quantity, one.max_quantity) == (
        D("0.5"), D("0.001"), D("0.002"), D(150),
    )  # fmt: skip
    assert (one.maker_fee, one.taker_fee, one.max_leverage) == (D("0.0001"), D("0.00035"), D(125))
    assert (one.maintenance_margin, one.band_up, one.band_down) == (D("0.004"), D("0.1"), D("0.1"))
    assert one.is_tradable and not one.note and not told


async def test_lists_come_in_rows_too_and_what_is_not_linear_is_left_out() -> None:
    inverse = BTC | {"symbol": "btcusd", "quoteCurrency": "USD", "settleCurrency": "BTC"}
    found, _ = await listed({"rows": [BTC, inverse], "total": 2}, {"rows": [PAIR]})
    assert [one.symbol for one in found] == ["btcusdt", "btcusdt.spot"]


@pytest.mark.parametrize("status", [404, 405, 403])
async def test_where_there_is_no_list_the_table_counts_and_it_is_said_once(status: int) -> None:
    found, told = await listed(None, [PAIR], status=status)
    assert {one.symbol for one in found} == {*TABLE, "btcusdt.spot"}
    one = found[instrument_id("btcusdt")]
    assert (one.tick_size, one.lot_size, one.maintenance_margin) == (D("0.5"), D("0.001"), D("0.005"))
    assert one.is_tradable and one.note == "tick and step from a table, not from the venue"
    # the document's execution: 0.030 at 42757.0 cost 0.448948
    assert one.maker_fee == one.taker_fee == round(D("0.448948") / (D("0.030") * 42757), 8)
    (text,) = told
    assert "a table of our own counts" in text


async def test_an_empty_list_and_one_that_can_not_be_read_are_none() -> None:
    for products in ([], "x", [{"tickSize": "1"}]):
        found, told = await listed(products, [])
        assert {one.symbol for one in found} == set(TABLE) and len(told) == 1


async def test_the_documented_profile_asks_for_no_list_and_says_nothing() -> None:
    async with client_at(has_key=False) as (client, venue):
        venue.data([PAIR])
        told: list[Event] = []
        given = Settings(rest_url=venue.base_url, ws_url="ws://127.0.0.1:1", profile="documented")
        found = await Listing(client, given, emit=told.extend).all()
        assert {one.symbol for one in found} == {*TABLE, "btcusdt.spot"}
        assert venue.call.path.endswith("/user/v1/public/spot-marketing/all-pair") and not told


async def test_without_a_spot_address_no_pair_is_asked_for() -> None:
    found, _ = await listed([BTC], [PAIR], spot_ws_url="")
    assert [one.symbol for one in found] == ["btcusdt"]


async def test_a_venue_that_does_not_answer_has_no_table_put_in_its_place() -> None:
    async with client_at(has_key=False) as (client, venue):
        venue.answer({"status": 100, "error": "TIMEOUT"}, 503)
        given = Settings(rest_url=venue.base_url, ws_url="ws://127.0.0.1:1")
        with pytest.raises(TransientError):
            await Listing(client, given).all()


async def test_pairs_that_can_not_be_read_stop_no_contract() -> None:
    found, _ = await listed([BTC], "x")
    assert [one.symbol for one in found] == ["btcusdt"]


async def test_what_a_person_states_adds_to_the_list_and_goes_first() -> None:
    rows = {
        "BTCUSDT": TableRow(tick=D("0.1"), maker_fee=D("0.0002")),
        "solusdt": TableRow(tick=D("0.01"), step=D("0.1"), minimum=D(1), maximum=D(900), maximum_leverage=D(50)),
        "xrpusdt": TableRow(tick=D("0.0001")),
    }
    found, _ = await listed([BTC], instruments=rows, maintenance_margin=D("0.01"))
    btc, sol, xrp = (found[instrument_id(symbol)] for symbol in ("btcusdt", "solusdt", "xrpusdt"))
    assert (btc.tick_size, btc.lot_size, btc.maker_fee) == (D("0.1"), D("0.001"), D("0.0002"))
    assert btc.note == "tick and step as the configuration states them"
    assert (sol.base, sol.quote, sol.max_quantity, sol.max_leverage) == ("SOL", "USDT", D(900), D(50))
    assert sol.is_tradable and sol.note and sol.maintenance_margin == D("0.01")
    assert not xrp.is_tradable and "state them" in xrp.note


def test_a_product_that_leaves_things_out_is_filled_from_the_table_and_marked() -> None:
    bare = parse_product(Product(symbol="ETHUSDT"), TABLE["ethusdt"])
    assert bare is not None and (bare.tick_size, bare.lot_size) == (D("0.05"), D("0.01"))
    assert bare.note == "tick and step from a table, not from the venue" and bare.taker_fee == D("0.00035")
    free = parse_product(Product(symbol="ETHUSDT", maker_fee_rate=D(0), taker_fee_rate=D(0)), TABLE["ethusdt"])
    assert free is not None and free.maker_fee == free.taker_fee == 0
    unknown = parse_product(Product(symbol="DOGEUSDT", tick_size=D("0.00001")), None)
    assert unknown is not None and not unknown.is_tradable and "state them" in unknown.note
    with pytest.raises(DecodeError):
        parse_product(Product(symbol="abcxyz"), None)


def test_spot_pairs_can_only_be_watched() -> None:
    pair = parse_pair(
        Pair(symbol="BTCUSDT", base_ccy="BTC", quote_ccy="USDT", tick_size=D("0.01"), step_size=D("0.1"))
    )
    assert (pair.id, pair.name, pair.kind) == (spot_id("btcusdt"), "BTC/USDT", InstrumentKind.SPOT)
    assert (pair.tick_size, pair.lot_size, pair.is_tradable) == (D("0.01"), D("0.1"), False)
    assert pair.note == "market data only"
    bare = parse_pair(Pair(symbol="ethusdt", last_price=D("3013.71")))
    assert (bare.base, bare.quote, bare.tick_size) == ("ETH", "USDT", D("0.01"))
    assert bare.note == "market data only; tick from prices"
    assert parse_pair(Pair(symbol="ethusdt")).tick_size == D("0.00000001")


async def test_what_is_not_listed_is_unknown() -> None:
    async with client_at(has_key=False) as (client, venue):
        venue.data([BTC])
        listing = Listing(client, Settings(rest_url=venue.base_url, ws_url="ws://127.0.0.1:1", spot_ws_url=""))
        assert (await listing.one(instrument_id("BTCUSDT"))).base == "BTC"
        with pytest.raises(UnknownInstrument):
            await listing.one(instrument_id("nowhere"))
