"""Market data of MAX: models and messages -> `venues.model` and `venues.events`.

Every parser raises DecodeError for what the document does not allow, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from venues.errors import DecodeError
from venues.events import BarUpdate, BookDelta, BookSnapshot, Level, Ticker
from venues.max import VENUE
from venues.max.channels import INTERVALS
from venues.max.figures import amount, at_least_zero, ns_of_milliseconds, ns_of_seconds, positive, positive_or_none
from venues.max.models import Depth, KLine, Market, VipLevel
from venues.max.models import Ticker as RestTicker
from venues.max.wire import Message, WireBar, WireMarketStatus, WireTicker, decode_part
from venues.model import ZERO, Bar, Instrument, InstrumentId, InstrumentKind
from venues.rounding import ceil_to

_MOST_DECIMALS = 20
ACTIVE = "active"


def instrument_id(market: str) -> InstrumentId:
    """Returns the name of a market: the desk writes "BTCTWD" of what is "btctwd" on the wire."""
    return InstrumentId(VENUE, market.upper())


def market_name(instrument: InstrumentId) -> str:
    """Returns what the venue calls an instrument."""
    return instrument.symbol.lower()


def parse_instrument(market: Market, fees: VipLevel | None = None) -> Instrument:
    """Returns a spot market; `fees` are the account's own, where they are known."""
    base, quote = market.base_unit.upper(), market.quote_unit.upper()
    lot = step_of(market.base_unit_precision)
    return Instrument(
        id=instrument_id(market.id),
        name=f"{base}/{quote}",
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=step_of(market.quote_unit_precision),
        lot_size=lot,
        min_quantity=ceil_to(at_least_zero(market.min_base_amount), lot),
        min_notional=at_least_zero(market.min_quote_amount),
        maker_fee=fees.maker_fee if fees is not None else ZERO,
        taker_fee=fees.taker_fee if fees is not None else ZERO,
        is_tradable=market.status == ACTIVE,
        takes_margin=market.m_wallet_supported,
        note="" if market.status == ACTIVE else market.status[:40],
    )


def step_of(precision: int) -> Decimal:
    """Returns the step of so many decimals; a negative precision means whole tens, hundreds, thousands."""
    if not -_MOST_DECIMALS <= precision <= _MOST_DECIMALS:
        raise DecodeError(VENUE, "a precision that can not be")
    # With an exponent of its own ("1E+3") all that is rounded to the step would be written that way.
    return Decimal(10**-precision) if precision < 0 else Decimal(1).scaleb(-precision)


def market_of_status(status: WireMarketStatus) -> Market:
    """Returns what a message tells of a market, as REST would."""
    return Market(
        id=status.market,
        status=status.st,
        base_unit=status.bu,
        base_unit_precision=status.bup,
        min_base_amount=status.mba,
        quote_unit=status.qu,
        quote_unit_precision=status.qup,
        min_quote_amount=status.mqa,
        m_wallet_supported=status.mws,
    )


def parse_statuses(message: Message) -> list[Market]:
    """Returns the markets of a market_status message."""
    try:
        return [market_of_status(each) for each in decode_part(message.markets, list[WireMarketStatus])]
    except ValueError:  # a figure of the model
        raise DecodeError(VENUE, "a market with a figure that is none") from None


def parse_depth(
    message: Message, ts_recv: int, instrument: InstrumentId | None = None
) -> BookSnapshot | BookDelta:
    """Returns what a book message says: a snapshot replaces the book, an update follows the number before it.

    Before 2024 nothing was numbered: then `previous` is -1, and the sequence is the venue's time in milliseconds.
    """
    first, last = message.first, message.last
    if first is last is message.version is None:
        first, last = 0, message.time
    if first is None or last is None or first > last:
        raise DecodeError(VENUE, "a book whose numbers are none")
    instrument = instrument or instrument_id(message.market)
    time = ns_of_milliseconds(message.time)
    if message.is_snapshot:
        bids, asks = _sorted(message.bids, is_bid=True), _sorted(message.asks, is_bid=False)
        return BookSnapshot(instrument, bids, asks, last, time, ts_recv)
    if message.event != "update":
        raise DecodeError(VENUE, "a book message that is neither a snapshot nor an update")
    return BookDelta(instrument, message.bids, message.asks, first - 1, last, time, ts_recv)


def parse_book(market: str, depth: Depth, ts_recv: int) -> BookSnapshot:
    """Returns a REST book, whose best ask comes last on the wire."""
    bids, asks = depth.best_first()
    return BookSnapshot(
        instrument_id(market),
        _texts(bids),
        _texts(asks),
        depth.last_update_id,
        ns_of_seconds(depth.timestamp),
        ts_recv,
    )


def parse_ticker_message(message: Message) -> Ticker:
    """Returns a ticker of the stream, which tells neither bid nor ask."""
    told: WireTicker = decode_part(message.ticker, WireTicker)
    return Ticker(
        instrument_id(told.market),
        positive(told.close),
        None,
        None,
        positive_or_none(told.open),
        positive_or_none(told.high),
        positive_or_none(told.low),
        amount(told.v),
        ns_of_milliseconds(message.time),
    )


def parse_ticker(told: RestTicker) -> Ticker:
    return Ticker(
        instrument_id(told.market),
        positive(told.last),
        positive_or_none(told.buy),
        positive_or_none(told.sell),
        positive_or_none(told.open),
        positive_or_none(told.high),
        positive_or_none(told.low),
        at_least_zero(told.vol),
        ns_of_seconds(told.at),
    )


def parse_bar_message(message: Message) -> BarUpdate:
    """Returns the newest state of a candle."""
    told: WireBar = decode_part(message.bar, WireBar)
    interval = INTERVALS.get(told.resolution)
    if interval is None:
        raise DecodeError(VENUE, "a candle of a length that is not documented")
    figures = (positive(told.open), positive(told.high), positive(told.low), positive(told.close))
    return BarUpdate(_bar(told.market, interval, ns_of_milliseconds(told.starts), figures, amount(told.v)))


def parse_bars(market: str, interval: int, lines: Iterable[KLine]) -> list[Bar]:
    """Returns the candles of a REST answer, oldest first; their moments are seconds there."""
    return [
        _bar(
            market,
            interval,
            ns_of_seconds(line.timestamp),
            (positive(line.open), positive(line.high), positive(line.low), positive(line.close)),
            at_least_zero(line.volume),
        )
        for line in sorted(lines, key=lambda line: line.timestamp)
    ]


def _bar(
    market: str, interval: int, ts_open: int, figures: tuple[Decimal, Decimal, Decimal, Decimal], volume: Decimal
) -> Bar:
    opened, high, low, close = figures
    if not low <= min(opened, close) <= max(opened, close) <= high:
        raise DecodeError(VENUE, "a candle whose prices are beyond its ends")
    return Bar(
        instrument=instrument_id(market),
        interval=interval,
        ts_open=ts_open,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
    )


def _sorted(levels: Sequence[Level], *, is_bid: bool) -> tuple[Level, ...]:
    """Returns levels best first, in whatever order they were sent."""
    try:
        return tuple(sorted(levels, key=lambda level: float(level[0]), reverse=is_bid))
    except ValueError:
        raise DecodeError(VENUE, "a price that is none") from None


def _texts(levels: Sequence[tuple[Decimal, Decimal]]) -> tuple[Level, ...]:
    return tuple((format(price, "f"), format(volume, "f")) for price, volume in levels)
