"""The paper market's instruments."""

from __future__ import annotations

import re

from venues.model import InstrumentKind
from venues.paper.instruments import VENUE, instruments_of, listings


def test_there_are_four_spot_pairs_and_three_perpetuals() -> None:
    kinds = [listing.instrument.kind for listing in listings()]
    assert kinds.count(InstrumentKind.SPOT) == 4
    assert kinds.count(InstrumentKind.LINEAR_PERPETUAL) == 3


def test_symbols_are_unique_and_plain() -> None:
    ids = [listing.id for listing in listings()]
    assert len(set(ids)) == len(ids) == len(instruments_of(listings()))
    assert all(name.venue == VENUE for name in ids)
    assert all(re.fullmatch(r"[A-Z0-9][A-Z0-9._:/@-]{0,31}", name.symbol) for name in ids)


def test_steps_differ_and_the_opening_prices_fit_them() -> None:
    market = listings()
    assert len({listing.instrument.tick_size for listing in market}) >= 5
    assert len({listing.instrument.lot_size for listing in market}) >= 5
    assert max(listing.instrument.price_decimals for listing in market) == 8
    for listing in market:
        assert listing.opening_price % listing.instrument.tick_size == 0
        assert listing.opening_price / listing.instrument.tick_size > 1000


def test_a_typical_order_is_above_every_minimum() -> None:
    for listing in listings():
        instrument = listing.instrument
        quantity = listing.typical_lots * instrument.lot_size
        assert quantity >= instrument.min_quantity
        assert quantity * listing.opening_price > 100 * instrument.min_notional
        assert instrument.max_quantity is None or quantity < instrument.max_quantity / 50


def test_perpetuals_have_margin_terms_and_spot_has_none() -> None:
    for listing in listings():
        instrument = listing.instrument
        assert instrument.settle == instrument.quote == "USDT"
        if instrument.is_perpetual:
            assert instrument.max_leverage >= 20
            assert 0 < instrument.maintenance_margin < 1 / instrument.max_leverage
        else:
            assert instrument.max_leverage == 1
            assert instrument.maintenance_margin == 0
