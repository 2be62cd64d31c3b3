from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.model import Instrument, InstrumentId, InstrumentKind, Side
from venues.rounding import ceil_to, floor_to, is_multiple, nearest_to, order_faults, passive_price

steps = st.builds(
    lambda digit, exponent: Decimal(digit).scaleb(exponent),
    st.sampled_from([1, 2, 5, 25, 125]),
    st.integers(-8, 2),
)
values = st.decimals(min_value=0, max_value=10**9, allow_nan=False, allow_infinity=False, places=8)


@given(value=values, step=steps)
def test_floor_and_ceil_are_the_neighbours_of_a_value(value: Decimal, step: Decimal) -> None:
    low, high = floor_to(value, step), ceil_to(value, step)
    assert low <= value <= high
    assert high - low == (0 if is_multiple(value, step) else step)
    assert is_multiple(low, step)
    assert is_multiple(high, step)


@given(value=values, step=steps)
def test_nearest_is_one_of_them_and_not_the_further(value: Decimal, step: Decimal) -> None:
    nearest = nearest_to(value, step)
    assert nearest in {floor_to(value, step), ceil_to(value, step)}
    assert abs(nearest - value) * 2 <= step


@given(value=values, step=steps, side=st.sampled_from(Side))
def test_rounding_twice_is_rounding_once(value: Decimal, step: Decimal, side: Side) -> None:
    once = passive_price(value, side, step)
    assert passive_price(once, side, step) == once


@given(value=values, step=steps)
def test_a_passive_price_never_pays_more_than_was_typed(value: Decimal, step: Decimal) -> None:
    assert passive_price(value, Side.BUY, step) <= value <= passive_price(value, Side.SELL, step)


@pytest.mark.parametrize(
    ("value", "step", "floor", "ceil", "nearest"),
    [
        ("1054.47", "0.05", "1054.45", "1054.50", "1054.45"),
        ("0.3", "0.1", "0.3", "0.3", "0.3"),
        ("7", "5", "5", "10", "5"),
        ("0.125", "0.25", "0.00", "0.25", "0.00"),  # a tie goes to the even number of steps
        ("0.375", "0.25", "0.25", "0.50", "0.50"),
        ("100000000.01", "0.5", "100000000.0", "100000000.5", "100000000.0"),
    ],
)
def test_values_on_uneven_steps(value: str, step: str, floor: str, ceil: str, nearest: str) -> None:
    assert f"{floor_to(Decimal(value), Decimal(step)):f}" == floor
    assert f"{ceil_to(Decimal(value), Decimal(step)):f}" == ceil
    assert f"{nearest_to(Decimal(value), Decimal(step)):f}" == nearest


INSTRUMENT = Instrument(
    id=InstrumentId("test", "BTCUSDT"),
    name="BTC/USDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.05"),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.002"),
    max_quantity=Decimal(5),
    min_notional=Decimal(10),
)


@pytest.mark.parametrize(
    ("quantity", "price", "words"),
    [
        ("1", "100.05", ()),
        ("0.002", "5000", ()),
        ("5", None, ()),
        ("1.0005", "100", ("size must be a multiple of 0.001 BTC",)),
        ("0.001", "100000", ("size is below the minimum of 0.002 BTC",)),
        ("5.001", "100", ("size is above the maximum of 5 BTC",)),
        ("1", "100.01", ("price must be a multiple of 0.05",)),
        ("0.01", "999.95", ("order is below the minimum of 10 USDT",)),
        (
            "0.0015",
            "100.01",
            (
                "size must be a multiple of 0.001 BTC",
                "size is below the minimum of 0.002 BTC",
                "price must be a multiple of 0.05",
                "order is below the minimum of 10 USDT",
            ),
        ),
    ],
)
def test_order_faults(quantity: str, price: str | None, words: tuple[str, ...]) -> None:
    assert order_faults(INSTRUMENT, Decimal(quantity), None if price is None else Decimal(price)) == words
