"""What a currency is worth in another: by a market of the two, either way round, or by one currency between."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tests.support.frames import spot
from tui.desk.market import Market
from tui.desk.rates import Rates
from venues.model import InstrumentId


def rates(**prices: str) -> Rates:
    """Rates of the spot markets of "max" with these last prices; none is known of one that is empty."""
    found = Rates()
    for pair, price in prices.items():
        base, quote = pair.split("_")
        name = InstrumentId("max", f"{base}{quote}")
        market = Market(msgspec.structs.replace(spot(base, "0.01", "0.01"), id=name, quote=quote, settle=quote))
        market.last = Decimal(price) if price else None
        found.add(market)
    return found


@pytest.mark.parametrize(
    ("currency", "worth"),
    [
        ("USDT", "1"),
        ("BTC", "90000"),  # by its own market, whatever the way round would come to
        ("TWD", "0.03125"),  # the other way round
        ("SOL", "125"),  # 4,000 TWD
        ("DOGE", None),  # traded, and nobody has told a price
        ("XYZ", None),
    ],
)
def test_what_one_unit_is_worth(currency: str, worth: str | None) -> None:
    known = rates(BTC_TWD="2800000", BTC_USDT="90000", USDT_TWD="32", SOL_TWD="4000", DOGE_TWD="")
    assert known.rate("max", currency, "USDT") == (Decimal(worth) if worth else None)
    assert known.rate("coinex", currency, "USDT") == (1 if currency == "USDT" else None)


def test_a_price_that_comes_makes_the_rate() -> None:
    known = rates(USDT_TWD="", BTC_USDT="", BTC_TWD="2800000")
    assert known.rate("max", "TWD", "USDT") is None
    assert known.rate("max", "BTC", "USDT") is None
    assert [known.is_priced("max", one, "USDT") for one in ("BTC", "TWD", "USDT", "XYZ")] == [
        True,
        True,
        True,
        False,
    ]
    known = rates(USDT_TWD="32", BTC_USDT="", BTC_TWD="2880000")
    assert known.rate("max", "BTC", "USDT") == 90_000


def test_a_price_of_nothing_is_no_rate() -> None:
    assert rates(USDT_TWD="0").rate("max", "TWD", "USDT") is None


def test_which_prices_have_to_be_known_for_a_rate() -> None:
    known = rates(USDT_TWD="", BTC_USDT="", SOL_TWD="", ETH_BTC="")

    def needed(currency: str) -> list[str]:
        return [one.symbol for one in known.needed("max", currency, "USDT")]

    assert needed("BTC") == ["BTCUSDT"]
    assert needed("TWD") == ["USDTTWD"], "the other way round"
    assert needed("SOL") == ["SOLTWD", "USDTTWD"], "by what stands between"
    assert needed("ETH") == ["ETHBTC", "BTCUSDT"]
    assert needed("USDT") == needed("XYZ") == []


def test_what_limits_are_counted_in() -> None:
    known = rates(USDT_TWD="32", BTC_USDT="")
    assert known.counted("max", "TWD", "USDT") == (Decimal("0.03125"), "USDT")
    assert known.counted("max", "BTC", "USDT") == (None, "USDT"), "markets tell it, and have not yet"
    assert known.counted("max", "XYZ", "USDT") == (Decimal(1), "XYZ"), "no market ever will"
