"""Market data of CoinEx: wire -> `venues.model` and `venues.events`.

Every function raises DecodeError where a figure is none, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from venues.coinex import VENUE
from venues.coinex.figures import (
    amount,
    figure,
    ns_of_milliseconds,
    ns_of_seconds,
    positive,
    positive_or_none,
    side_of,
)
from venues.coinex.messages import (
    DealsUpdate,
    DepthUpdate,
    IndexUpdate,
    NoticeUpdate,
    StateUpdate,
    StreamDeal,
)
from venues.coinex.wire import WireBar, WireDeal, WireDepth, WireFeeRates, WireMarket, WireTicker, WireTickers
from venues.errors import DecodeError
from venues.events import BookDelta, BookSnapshot, MarkPrice, Notice, Ticker, Trade
from venues.model import Bar, Instrument, InstrumentId, InstrumentKind

_MOST_DECIMALS = 20
_LEAST, _MOST = -(2**31), 2**31 - 1


def instrument_id(market: str) -> InstrumentId:
    """Returns the name of a market, for instance "BTCUSDT"."""
    return InstrumentId(VENUE, market)


def parse_instrument(market: WireMarket, fees: WireFeeRates | None = None) -> Instrument:
    """Returns a spot market; `fees` are the account's own rates, where they are known."""
    return Instrument(
        id=instrument_id(market.name),
        name=f"{market.trading_name}/{market.pricing_name}",
        kind=InstrumentKind.SPOT,
        base=market.trading_name,
        quote=market.pricing_name,
        settle=market.pricing_name,
        tick_size=_step(market.pricing_decimal),
        lot_size=_step(market.trading_decimal),
        min_quantity=amount(market.min_amount),
        maker_fee=figure(fees.maker if fees else market.maker_fee_rate),
        taker_fee=figure(fees.taker if fees else market.taker_fee_rate),
    )


def parse_book(market: str, depth: WireDepth, ts_recv: int) -> BookSnapshot:
    """Returns the answer of a depth query; its sequence is the venue's time in milliseconds."""
    return BookSnapshot(
        instrument_id(market),
        depth.bids,
        depth.asks,
        depth.time,
        ns_of_milliseconds(depth.time),
        ts_recv,
        signed(depth.checksum),
    )


def parse_depth(
    push: DepthUpdate, ts_recv: int, instrument: InstrumentId | None = None
) -> BookSnapshot | BookDelta:
    """Returns what a depth push says: a full one replaces the book, another one changes it, "0" deletes.

    Nothing is numbered: `previous` is -1 and the sequence is the venue's time in milliseconds. `instrument` is the
    market's, where the caller has it made already.
    """
    is_full, depth, market = push.params
    if is_full:
        return parse_book(market, depth, ts_recv)
    time = depth.time
    checksum = depth.checksum
    if checksum is not None and not _LEAST <= checksum <= _MOST:
        checksum = signed(checksum)
    return BookDelta(
        instrument or InstrumentId(VENUE, market),
        depth.bids,
        depth.asks,
        -1,
        time,
        time * 1_000_000,
        ts_recv,
        checksum,
    )


def signed(checksum: int | None) -> int | None:
    """Returns the checksum as a signed 32-bit integer, for those who send its bits unsigned.

    Raises:
        DecodeError: it has more than 32 bits.
    """
    if checksum is None or _LEAST <= checksum <= _MOST:
        return checksum
    if _MOST < checksum < 2**32:
        return checksum - 2**32
    raise DecodeError(VENUE, "a checksum of more than 32 bits")


def parse_deals(market: str, deals: Iterable[WireDeal], ts_recv: int) -> list[Trade]:
    """Returns the public trades of a REST answer, oldest first."""
    instrument = instrument_id(market)
    return [
        Trade(
            instrument,
            str(deal.id),
            side_of(deal.type),
            positive(deal.price),
            positive(deal.amount),
            ns_of_milliseconds(deal.date_ms),
            ts_recv,
        )
        for deal in sorted(deals, key=_by_id)
    ]


def parse_deals_push(push: DealsUpdate, ts_recv: int) -> list[Trade]:
    """Returns the trades of a push, oldest first: the venue sends the newest first, about 100 to begin with."""
    market, deals = push.params
    instrument = instrument_id(market)
    return [
        Trade(
            instrument,
            str(deal.id),
            side_of(deal.type),
            positive(deal.price),
            positive(deal.amount),
            ns_of_seconds(deal.time),
            ts_recv,
        )
        for deal in sorted(deals, key=_by_id)
    ]


def parse_bars(market: str, interval: int, rows: Iterable[WireBar]) -> list[Bar]:
    """Returns bars of `interval` seconds, oldest first. A row has its CLOSE before its high."""
    instrument = instrument_id(market)
    return [
        Bar(
            instrument=instrument,
            interval=interval,
            ts_open=ns_of_seconds(ts),
            open=positive(opened),
            high=positive(high),
            low=positive(low),
            close=positive(closed),
            volume=amount(volume),
        )
        for ts, opened, closed, high, low, volume, _ in sorted(rows)
    ]


def parse_ticker(market: str, ticker: WireTicker, date: int | str) -> Ticker:
    """Returns a market's day; `date` in milliseconds."""
    return Ticker(
        instrument_id(market),
        amount(ticker.last),
        positive_or_none(ticker.buy),
        positive_or_none(ticker.sell),
        positive_or_none(ticker.open),
        positive_or_none(ticker.high),
        positive_or_none(ticker.low),
        amount(ticker.vol),
        _date(date),
    )


def parse_tickers(tickers: WireTickers, wanted: Iterable[str] | None = None) -> list[Ticker]:
    """Returns the day of the `wanted` markets, or of all."""
    names = tickers.ticker if wanted is None else [name for name in wanted if name in tickers.ticker]
    return [parse_ticker(name, tickers.ticker[name], tickers.date) for name in names]


def parse_state_push(push: StateUpdate, ts_recv: int) -> list[Ticker]:
    """Returns the day of the markets in a push, which tells neither bid, ask nor time: `ts_recv` stands for it."""
    return [
        Ticker(
            instrument_id(market),
            amount(state.last),
            None,
            None,
            positive_or_none(state.open),
            positive_or_none(state.high),
            positive_or_none(state.low),
            amount(state.volume),
            ts_recv,
        )
        for market, state in push.params[0].items()
    ]


def parse_index_push(push: IndexUpdate, ts_recv: int) -> MarkPrice:
    """Returns the index price, by which margin loans are judged; there is no mark price beside it."""
    market, text = push.params
    price = positive(text)
    return MarkPrice(instrument_id(market), price, price, None, None, ts_recv)


def parse_notice(push: NoticeUpdate, ts_recv: int) -> Notice:
    """Returns the announcement of a maintenance; one of spot is an alarm."""
    notice = push.params[1]
    words = ", ".join(notice.scope) or "everything"
    text = f"maintenance of {words} from {_utc(notice.started_at)} to {_utc(notice.ended_at)} UTC"
    return Notice(VENUE, text, not notice.scope or "SPOT" in notice.scope, ts_recv)


def merge_levels(depths: Mapping[str, tuple[str, ...]], market: str) -> tuple[str, ...]:
    """Returns the steps to which a market's book can be merged, finest first; "0" is not merged."""
    return ("0", *sorted({text for text in depths.get(market, ()) if figure(text) > 0}, key=figure))


def _by_id(deal: WireDeal | StreamDeal) -> int:
    return deal.id


def _step(decimals: int) -> Decimal:
    if not 0 <= decimals <= _MOST_DECIMALS:
        raise DecodeError(VENUE, "a market with a strange number of decimals")
    return Decimal(1).scaleb(-decimals)


def _date(date: int | str) -> int:
    value = int(amount(date)) if isinstance(date, str) else date
    if value > 10**14:
        raise DecodeError(VENUE, "a time that is none")
    return ns_of_milliseconds(value)


def _utc(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        raise DecodeError(VENUE, "a time that is none") from None
