"""The paper market's instruments: four spot pairs and three perpetuals that differ in every step and limit.

They are invented, but plausible: a wide and a narrow tick, whole and fractional lots, and one price with eight
decimals, so that nothing on a screen can quietly assume two.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from venues.model import Instrument, InstrumentId, InstrumentKind

VENUE = "paper"
_DAILY_VOLATILITY = {"BTC": 0.015, "ETH": 0.02, "ADA": 0.03, "PEPE": 0.05, "XTZ": 0.04}


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument with what its order flow needs to know. `coin` is shared by a spot pair and its perpetual."""

    instrument: Instrument
    coin: str
    opening_price: Decimal
    share: int  # of the market's messages, relative to the others
    typical_lots: int  # the median size of a resting order
    daily_volatility: float  # the standard deviation of a day's return, as a fraction, at the default rate
    step: float  # ticks between two quotes near the touch: above 1 where the tick is very fine
    span: float  # ticks over which the quotes far from the touch are spread, as a scale
    basis: float = 0.0  # how far a perpetual's price stands above its coin's fair price, as a fraction

    @property
    def id(self) -> InstrumentId:
        return self.instrument.id


def listings() -> tuple[Listing, ...]:
    """Returns the market in the order in which it is shown and in which its events come."""
    return (
        _spot(
            "BTC", tick="0.1", lot="0.00001", notional="5", price="60620.0", share=20, typical_lots=6_000,
            step=2.0, span=60.0,
        ),
        _spot(
            "ETH", tick="0.01", lot="0.0001", notional="5", price="2364.60", share=15, typical_lots=9_000,
            step=2.0, span=60.0,
        ),
        _spot(
            "ADA", tick="0.0001", lot="0.1", notional="5", price="0.6876", share=8, typical_lots=12_000,
            step=1.0, span=26.0,
        ),
        _spot(
            "PEPE", tick="0.00000001", lot="1", notional="1", price="0.00001124", share=7, typical_lots=3 * 10**7,
            step=1.0, span=26.0,
        ),
        _perpetual(
            "BTC", tick="0.5", lot="0.001", price="60624.5", share=26, typical_lots=120, basis=7e-5,
            step=1.0, span=28.0,
            maximum="100", leverage="100", maintenance="0.005", maker="0.0002", taker="0.0005",
        ),
        _perpetual(
            "ETH", tick="0.05", lot="0.01", price="2364.80", share=16, typical_lots=250, basis=8e-5,
            step=1.0, span=28.0,
            maximum="2000", leverage="75", maintenance="0.0075", maker="0.0002", taker="0.0005",
        ),
        _perpetual(
            "XTZ", tick="0.0001", lot="1", price="0.7421", share=8, typical_lots=1_800, basis=-1e-4,
            step=1.0, span=26.0,
            maximum="500000", leverage="20", maintenance="0.02", maker="0.0003", taker="0.0007",
        ),
    )  # fmt: skip


def instruments_of(market: tuple[Listing, ...]) -> Mapping[InstrumentId, Instrument]:
    """Returns the instruments by their id, in the market's order."""
    return {listing.id: listing.instrument for listing in market}


def _spot(
    coin: str,
    *,
    tick: str,
    lot: str,
    notional: str,
    price: str,
    share: int,
    typical_lots: int,
    step: float,
    span: float,
) -> Listing:
    lot_size = Decimal(lot)
    return Listing(
        instrument=Instrument(
            id=InstrumentId(VENUE, f"{coin}-USDT"),
            name=f"{coin}/USDT",
            kind=InstrumentKind.SPOT,
            base=coin,
            quote="USDT",
            settle="USDT",
            tick_size=Decimal(tick),
            lot_size=lot_size,
            min_quantity=lot_size,
            min_notional=Decimal(notional),
            maker_fee=Decimal("0.0008"),
            taker_fee=Decimal("0.001"),
        ),
        coin=coin,
        opening_price=Decimal(price),
        share=share,
        typical_lots=typical_lots,
        daily_volatility=_DAILY_VOLATILITY[coin],
        step=step,
        span=span,
    )


def _perpetual(
    coin: str,
    *,
    tick: str,
    lot: str,
    price: str,
    share: int,
    typical_lots: int,
    step: float,
    span: float,
    basis: float,
    maximum: str,
    leverage: str,
    maintenance: str,
    maker: str,
    taker: str,
) -> Listing:
    lot_size = Decimal(lot)
    return Listing(
        instrument=Instrument(
            id=InstrumentId(VENUE, f"{coin}-PERP"),
            name=f"{coin}/USDT perp",
            kind=InstrumentKind.LINEAR_PERPETUAL,
            base=coin,
            quote="USDT",
            settle="USDT",
            tick_size=Decimal(tick),
            lot_size=lot_size,
            min_quantity=lot_size,
            max_quantity=Decimal(maximum),
            min_notional=Decimal(5),
            contract_size=lot_size,
            maker_fee=Decimal(maker),
            taker_fee=Decimal(taker),
            max_leverage=Decimal(leverage),
            maintenance_margin=Decimal(maintenance),
        ),
        coin=coin,
        opening_price=Decimal(price),
        share=share,
        typical_lots=typical_lots,
        daily_volatility=_DAILY_VOLATILITY[coin],
        step=step,
        span=span,
        basis=basis,
    )
