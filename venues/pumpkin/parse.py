"""Market data of Pumpkin: models and messages -> `venues.model` and `venues.events`, contracts -> base units.

Every parser raises DecodeError for what the document does not allow, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from venues.errors import DecodeError
from venues.events import BookSnapshot, Level, MarkPrice, Ticker
from venues.model import ZERO, Bar, Bracket, Instrument, InstrumentId, InstrumentKind
from venues.pumpkin import VENUE
from venues.pumpkin.figures import (
    base_units,
    figure,
    instrument_id,
    ns_of_milliseconds,
    plain,
    positive,
    positive_or_none,
)
from venues.pumpkin.models import AggTicker, Depth, FundingRate, Kline, LeverageBracket, Symbol
from venues.pumpkin.models.words import Interval
from venues.pumpkin.wire import WireBar

INTERVALS: Mapping[int, Interval] = {
    60: Interval.M1, 300: Interval.M5, 900: Interval.M15, 1_800: Interval.M30, 3_600: Interval.H1,
    14_400: Interval.H4, 86_400: Interval.D1, 604_800: Interval.W1,
}  # fmt: skip
"""Seconds of a candle -> the venue's word; its months are of no fixed length."""

_SECONDS = {word.value: seconds for seconds, word in INTERVALS.items()}


def parse_instrument(
    symbol: Symbol, tiers: Sequence[LeverageBracket] = (), *, unit: Decimal | None = None
) -> Instrument:
    """Returns a contract; `unit` is how many base units one unit of a tier's `max_position` is."""
    size, tick = positive(symbol.contract_size), positive(symbol.min_step_price)
    base, quote = symbol.base_coin.upper(), symbol.quote_coin.upper()
    brackets = parse_brackets(tiers, size if unit is None else unit)
    leverage = max((each.max_leverage for each in brackets), default=Decimal(max(1, symbol.init_leverage)))
    return Instrument(
        id=instrument_id(symbol.symbol),
        name=f"{base}/{quote} perp",
        kind=InstrumentKind.LINEAR_PERPETUAL,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=tick,
        lot_size=size,
        min_quantity=base_units(max(symbol.min_qty, Decimal(1)), size),
        max_quantity=brackets[-1].max_quantity if brackets else None,
        min_notional=_at_least_zero(symbol.min_notional),
        contract_size=size,
        maker_fee=symbol.maker_fee,
        taker_fee=symbol.taker_fee,
        max_leverage=leverage,
        maintenance_margin=brackets[0].maintenance_rate if brackets else ZERO,
        brackets=brackets,
        band_up=positive_or_none(symbol.multiplier_up),
        band_down=positive_or_none(symbol.multiplier_down),
        is_tradable=symbol.trade_switch,
        note="" if symbol.trade_switch else "not traded now",
    )


def parse_brackets(tiers: Sequence[LeverageBracket], unit: Decimal) -> tuple[Bracket, ...]:
    """Returns the tiers of a contract, the smallest first."""
    brackets = [
        Bracket(
            max_quantity=base_units(positive(tier.max_position), unit),
            max_leverage=positive(tier.max_leverage),
            maintenance_rate=_at_least_zero(tier.maintenance_margin),
            maintenance_amount=_at_least_zero(tier.maintenance_amount),
        )
        for tier in tiers
    ]
    return tuple(sorted(brackets, key=lambda each: each.max_quantity))


class Lots:
    """Turns contracts into base units, as text: a book has the same few quantities again and again."""

    _MOST = 4_096

    def __init__(self, contract_size: Decimal) -> None:
        self.contract_size = contract_size
        self._known: dict[str, str] = {}

    def levels(self, levels: Iterable[tuple[str, str]]) -> tuple[Level, ...]:
        """Returns levels with base units. Raises DecodeError: a quantity is none."""
        known = self._known
        return tuple([(price, known.get(contracts) or self._learn(contracts)) for price, contracts in levels])

    def _learn(self, contracts: str) -> str:
        units = plain(base_units(figure(contracts), self.contract_size))
        if len(self._known) >= self._MOST:
            self._known.clear()
        self._known[contracts] = units
        return units


def parse_book(depth: Depth, lots: Lots, ts_recv: int) -> BookSnapshot:
    """Returns a book that was read. A level without a quantity is none."""
    bids, asks = (
        lots.levels([(plain(price), plain(contracts)) for price, contracts in side if contracts])
        for side in (depth.bids, depth.asks)
    )
    return BookSnapshot(
        instrument_id(depth.symbol), bids, asks, depth.update_id, ns_of_milliseconds(depth.time), ts_recv
    )


def parse_bars(instrument: Instrument, interval: int, rows: Iterable[Kline]) -> list[Bar]:
    """Returns candles that were read, oldest first."""
    bars = [
        _bar(instrument, interval, row.time, row.open, row.high, row.low, row.close, row.volume)
        for row in sorted(rows, key=lambda row: row.time)
    ]
    return [bar for bar in bars if bar is not None]


def parse_bar_message(instrument: Instrument, wire: WireBar) -> Bar | None:
    """Returns a candle of the stream; None for one in which nothing has a price yet."""
    interval = _SECONDS.get(wire.interval)
    if interval is None:
        raise DecodeError(VENUE, "a candle of no length that was asked for")
    opened, high, low, close = (figure(text) for text in (wire.open, wire.high, wire.low, wire.close))
    return _bar(instrument, interval, wire.time, opened, high, low, close, figure(wire.volume))


def interval_of(word: str) -> int | None:
    """Returns the seconds of a candle; None for a length that is none of ours."""
    return _SECONDS.get(word)


def _bar(
    instrument: Instrument,
    interval: int,
    time: int,
    opened: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
    contracts: Decimal,
) -> Bar | None:
    if not low:
        return None
    if not 0 < low <= min(opened, close) <= max(opened, close) <= high:
        raise DecodeError(VENUE, "a candle whose prices do not fit")
    return Bar(
        instrument=instrument.id,
        interval=interval,
        ts_open=ns_of_milliseconds(time),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=base_units(_at_least_zero(contracts), instrument.contract_size),
    )


def parse_ticker(instrument: Instrument, row: AggTicker) -> Ticker:
    """Returns the day of a contract; its volume `a` is in contracts, though the document calls it base units."""
    return Ticker(
        instrument=instrument.id,
        last=positive(row.last),
        bid=positive_or_none(row.bid),
        ask=positive_or_none(row.ask),
        open=positive_or_none(row.open),
        high=positive_or_none(row.high),
        low=positive_or_none(row.low),
        volume=base_units(_at_least_zero(row.volume), instrument.contract_size),
        ts_event=ns_of_milliseconds(row.time),
    )


def parse_mark(instrument: InstrumentId, row: AggTicker, funding: FundingRate | None) -> MarkPrice:
    """Returns mark and index, with the funding that comes next where it is known."""
    return MarkPrice(
        instrument=instrument,
        mark=positive(row.mark),
        index=positive_or_none(row.index),
        funding_rate=funding.funding_rate if funding is not None else None,
        ts_next_funding=ns_of_milliseconds(funding.next_collection_time) if funding is not None else None,
        ts_event=ns_of_milliseconds(row.time),
    )


def _at_least_zero(value: Decimal) -> Decimal:
    if value < 0:
        raise DecodeError(VENUE, "a figure below zero")
    return value
