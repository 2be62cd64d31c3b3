"""A desk in the middle of a trading day, as frames: what screens and widgets are tested and looked at with.

`sample_frame()` is complete; pass views by name to replace some, or None to leave them as they were. All of it is
the same on every call: `NOW` is the engine's clock.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from tui.desk.frame import (
    AccountView,
    BalanceView,
    BarsView,
    BookLevel,
    BookView,
    DeskView,
    FillView,
    Frame,
    LogLine,
    OrderView,
    PositionView,
    QuoteView,
    RecoveryRow,
    RecoveryView,
    Severity,
    TapeRow,
    TapeView,
    VenueView,
)
from venues.events import LinkState
from venues.model import (
    NANOSECONDS,
    Balance,
    Bar,
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Mode

D = Decimal
MILLISECOND = 1_000_000
NOW = 1_790_604_187_500 * MILLISECOND  # 2026-09-28 14:03:07.500 UTC


def perpetual(base: str, tick: str, lot: str, venue: str = "paper") -> Instrument:
    return Instrument(
        id=InstrumentId(venue, f"{base}USDT_PERP"),
        name=f"{base}/USDT perp",
        kind=InstrumentKind.LINEAR_PERPETUAL,
        base=base,
        quote="USDT",
        settle="USDT",
        tick_size=D(tick),
        lot_size=D(lot),
        min_quantity=D(lot),
        maker_fee=D("0.0002"),
        taker_fee=D("0.0005"),
        max_leverage=D(100),
        maintenance_margin=D("0.005"),
    )


def spot(base: str, tick: str, lot: str, venue: str = "paper") -> Instrument:
    return Instrument(
        id=InstrumentId(venue, f"{base}USDT"),
        name=f"{base}/USDT",
        kind=InstrumentKind.SPOT,
        base=base,
        quote="USDT",
        settle="USDT",
        tick_size=D(tick),
        lot_size=D(lot),
        min_quantity=D(lot),
        min_notional=D(5),
        maker_fee=D("0.001"),
        taker_fee=D("0.001"),
    )


BTC_PERP = perpetual("BTC", "0.5", "0.001")
ETH_PERP = perpetual("ETH", "0.05", "0.01")
BTC_SPOT = spot("BTC", "0.1", "0.00001")
ETH_SPOT = spot("ETH", "0.1", "0.0001")
ADA_SPOT = spot("ADA", "0.0001", "0.1")
XTZ_SPOT = spot("XTZ", "0.0001", "0.01")
INSTRUMENTS = (BTC_PERP, ETH_PERP, BTC_SPOT, ETH_SPOT, ADA_SPOT, XTZ_SPOT)

CAPABILITIES = Capabilities(
    mode=Mode.PAPER,
    order_types=frozenset(OrderType),
    times_in_force=frozenset(TimeInForce),
    post_only=True,
    reduce_only=True,
    amend=True,
    leverage=True,
    positions=True,
    bar_intervals=(60, 300, 900, 3600),
)


def book_view(
    instrument: Instrument = BTC_PERP,
    *,
    best_bid: str | Decimal = "60624.5",
    levels: int = 50,
    seed: int = 7,
    age: int = 100 * MILLISECOND,
    now: int = NOW,
) -> BookView:
    """A tick-wide spread, a level on nearly every tick, sizes that `seed` decides."""
    dice = random.Random(seed)
    bid, tick = D(best_bid), instrument.tick_size

    def side(start: Decimal, step: Decimal) -> Iterable[BookLevel]:
        price = start
        for _ in range(levels):
            size = D(round(0.05 + dice.expovariate(0.7), instrument.quantity_decimals))
            yield BookLevel(price, size.quantize(instrument.lot_size))
            price += step * (2 if dice.random() < 0.08 else 1)

    return BookView(
        instrument=instrument,
        bids=tuple(side(bid, -tick)),
        asks=tuple(side(bid + tick, tick)),
        is_valid=True,
        sequence=seed,
        ts_event=now - age - 3 * MILLISECOND,
        ts_recv=now - age,
    )


def invalid_book(fault: str = "checksum mismatch", instrument: Instrument = BTC_PERP) -> BookView:
    """A book that must not be read: no levels, and the reason."""
    return BookView(
        instrument=instrument, bids=(), asks=(), is_valid=False, fault=fault, ts_recv=NOW - 4 * NANOSECONDS
    )


def tape_view(instrument: Instrument = BTC_PERP, *, trades: int = 120, price: str = "60624.5") -> TapeView:
    """Trades around `price`; the newest are those of the sketch: a sweep of three, one of our own."""
    dice = random.Random(11)
    tick, lot = instrument.tick_size, instrument.lot_size
    low = D(price)
    rows = []
    ts = NOW - (trades + 4) * 400 * MILLISECOND
    for number in range(trades):
        ts += dice.randrange(20, 700) * MILLISECOND
        side = dice.choice((Side.BUY, Side.SELL))
        at = low + tick * (side is Side.BUY) + tick * round(3 * math.sin(number / 9))
        size = D(round(dice.expovariate(2.5), 5)).quantize(lot) + lot
        rows.append(TapeRow(f"t{number}", min(ts, NOW - 900 * MILLISECOND), at, size, side, False))
    ask = low + tick
    newest = (
        (845, ask, "0.250", Side.BUY, True),
        (630, low, "0.400", Side.SELL, False),
        (630, low, "0.500", Side.SELL, False),
        (630, low, "0.300", Side.SELL, False),
        (399, low, "0.040", Side.SELL, False),
        (102, ask, "0.930", Side.BUY, False),
        (88, ask, "0.120", Side.BUY, False),
    )
    for number, (ago, at, size_text, side, is_mine) in enumerate(newest, trades):
        quantity = D(size_text).quantize(lot)
        rows.append(TapeRow(f"t{number}", NOW - ago * MILLISECOND, at, quantity, side, is_mine))
    return TapeView(instrument=instrument, rows=tuple(rows), count=len(rows), ts_recv=NOW - 80 * MILLISECOND)


def bars_view(
    instrument: Instrument = BTC_PERP, *, interval: int = 60, bars: int = 120, last: str = "60624.5"
) -> BarsView:
    """A walk of closed candles that ends at `last` with a forming one."""
    dice = random.Random(5)
    tick = instrument.tick_size
    closes = [D(0)]
    for _ in range(bars):
        closes.append(closes[-1] + tick * dice.randrange(-14, 15))
    shift = D(last) - closes[-1]
    ts = NOW - NOW % (interval * NANOSECONDS) - (bars - 1) * interval * NANOSECONDS
    view = []
    for number in range(bars):
        start, end = closes[number] + shift, closes[number + 1] + shift
        view.append(
            Bar(
                instrument=instrument.id,
                interval=interval,
                ts_open=ts + number * interval * NANOSECONDS,
                open=start,
                close=end,
                high=max(start, end) + tick * dice.randrange(0, 12),
                low=min(start, end) - tick * dice.randrange(0, 12),
                volume=D(round(4 + dice.expovariate(0.05), 3)),
            )
        )
    return BarsView(instrument=instrument, interval=interval, bars=tuple(view))


def quote_views() -> tuple[QuoteView, ...]:
    """The watchlist, favourites first."""
    return (
        QuoteView(instrument=BTC_SPOT, last=D("60625.0"), bid=D("60624.9"), ask=D("60625.0"),
                  change=D("0.0121"), is_favourite=True, ts_recv=NOW),
        QuoteView(instrument=ETH_SPOT, last=D("2364.6"), bid=D("2364.5"), ask=D("2364.6"),
                  change=D("-0.0042"), is_favourite=True, ts_recv=NOW),
        QuoteView(
            instrument=BTC_PERP, last=D("60624.5"), bid=D("60624.5"), ask=D("60625.0"), change=D("0.0121"),
            high=D("61020.0"), low=D("59388.5"), volume=D("18422.114"), mark=D("60624.9"), index=D("60622.3"),
            funding_rate=D("0.0001"), ts_next_funding=NOW + (2 * 3600 + 56 * 60 + 53) * NANOSECONDS, ts_recv=NOW,
        ),
        QuoteView(
            instrument=ETH_PERP, last=D("2364.60"), change=D("-0.0042"), mark=D("2364.60"), index=D("2364.11"),
            funding_rate=D("-0.000025"), ts_next_funding=NOW + 10_613 * NANOSECONDS, ts_recv=NOW,
        ),
        QuoteView(instrument=ADA_SPOT, last=D("1.3876"), change=D("0.0394"), ts_recv=NOW),
        QuoteView(instrument=XTZ_SPOT, last=D("7.2210"), change=D("0.0068"), ts_recv=NOW),
    )  # fmt: skip


def order_view(
    key: str,
    instrument: Instrument = BTC_PERP,
    *,
    side: Side = Side.BUY,
    kind: OrderType = OrderType.LIMIT,
    quantity: str = "0.250",
    price: str | None = "60624.0",
    status: OrderStatus = OrderStatus.NEW,
    filled: str = "0",
    age: int = 312 * NANOSECONDS,
    unknown_for: int | None = None,
    account: str = "main",
    **more: Any,
) -> OrderView:
    """One open order; `age` and `unknown_for` are nanoseconds before `NOW`."""
    return OrderView(
        key=key,
        order=Order(
            instrument=instrument.id,
            client_order_id=key,
            venue_order_id=f"v-{key}",
            side=side,
            type=kind,
            quantity=D(quantity),
            price=None if price is None else D(price),
            status=status,
            filled_quantity=D(filled),
            ts_created=NOW - age,
            ts_event=NOW - age,
            **more,
        ),
        instrument=instrument,
        account=account,
        unknown_since=None if unknown_for is None else NOW - unknown_for,
    )


def order_views() -> tuple[OrderView, ...]:
    """A resting bid, a part-filled ask, a stop placed elsewhere, one that nobody has answered for."""
    return (
        order_view("p0004", side=Side.SELL, quantity="0.100", price="60640.0", status=OrderStatus.UNKNOWN,
                   age=4200 * MILLISECOND, unknown_for=3100 * MILLISECOND),
        order_view("p0003", ETH_PERP, side=Side.BUY, quantity="3.00", price=None,
                   kind=OrderType.STOP, trigger_price=D("2431.00"), reduce_only=True, age=1211 * NANOSECONDS),
        order_view("p0002", side=Side.SELL, quantity="0.500", price="60626.5", filled="0.120",
                   status=OrderStatus.PARTIALLY_FILLED, age=65 * NANOSECONDS, post_only=True),
        order_view("p0001"),
        order_view("x9911", ADA_SPOT, quantity="1500.0", price="1.3710", age=93_784 * NANOSECONDS,
                   is_external=True),
    )  # fmt: skip


def position_views() -> tuple[PositionView, ...]:
    """A long and a short, as on the sketch."""
    return (
        PositionView(
            position=Position(
                instrument=BTC_PERP.id, quantity=D("0.250"), entry_price=D("60598.2"), leverage=D(10),
                margin=D("1515.0"), liquidation_price=D("55102.0"), liquidation_is_estimate=True,
                funding=D("0.31"), fees=D("7.57"), ts_opened=NOW - 5400 * NANOSECONDS,
            ),
            instrument=BTC_PERP, account="main", mark=D("60624.9"), unrealized_pnl=D("6.68"),
            break_even=D("60622.4"), liquidation_distance=D("0.0911"), notional=D("15156.23"),
        ),
        PositionView(
            position=Position(
                instrument=ETH_PERP.id, quantity=D("-3.00"), entry_price=D("2371.05"), leverage=D(10),
                margin=D("711.3"), liquidation_price=D("2581.30"), funding=D("-0.09"), fees=D("3.55"),
                ts_opened=NOW - 86_400 * NANOSECONDS,
            ),
            instrument=ETH_PERP, account="main", mark=D("2364.60"), unrealized_pnl=D("19.35"),
            break_even=D("2369.20"), liquidation_distance=D("0.0916"), notional=D("7093.80"),
        ),
    )  # fmt: skip


def fill_views() -> tuple[FillView, ...]:
    """Newest first."""
    rows = (
        ("f4", BTC_PERP, Side.BUY, "60625.0", "0.250", "7.578", Liquidity.TAKER, 845 * MILLISECOND, "0"),
        ("f3", BTC_PERP, Side.SELL, "60626.5", "0.120", "1.455", Liquidity.MAKER, 61 * NANOSECONDS, "3.40"),
        ("f2", ETH_PERP, Side.SELL, "2371.05", "3.00", "3.557", Liquidity.TAKER, 86_400 * NANOSECONDS, "0"),
        ("f1", ADA_SPOT, Side.BUY, "1.3805", "900.0", "-0.124", Liquidity.MAKER, 90_021 * NANOSECONDS, "0"),
    )
    return tuple(
        FillView(
            fill=Fill(
                instrument=instrument.id, trade_id=trade_id, client_order_id="p0001", venue_order_id="v-p0001",
                side=side, price=D(price), quantity=D(size), fee=D(fee), fee_currency=instrument.settle,
                liquidity=liquidity, ts_event=NOW - ago, realized_pnl=D(pnl),
            ),
            instrument=instrument, account="main",
        )
        for trade_id, instrument, side, price, size, fee, liquidity, ago, pnl in rows
    )  # fmt: skip


def balance_views() -> tuple[BalanceView, ...]:
    rows = (
        ("USDT", "22814.20", "20587.90", "2226.30", "22814.20"),
        ("BTC", "0.03500000", "0.03500000", "0", "2121.88"),
        ("ADA", "900.0", "900.0", "0", "1248.84"),
        ("DUST", "14.00000001", "14.00000001", "0", None),
    )
    return tuple(
        BalanceView(
            venue="paper",
            account="main",
            balance=Balance(currency=currency, total=D(total), available=D(free), locked=D(locked)),
            value=None if value is None else D(value),
        )
        for currency, total, free, locked, value in rows
    )


def account_views() -> tuple[AccountView, ...]:
    return (
        AccountView(
            account="main", currency="USDT", equity=D("25061.37"), day_pnl=D("71.12"), day_fees=D("-4.10"),
            day_funding=D("0.22"), budget_used=D("40000"), budget=D("250000"),
        ),
    )  # fmt: skip


def venue_view(venue: str = "paper", state: LinkState = LinkState.LIVE, **more: Any) -> VenueView:
    given: dict[str, Any] = {
        "account": "main", "mode": Mode.PAPER, "capabilities": CAPABILITIES, "round_trip": 200_000,
        "clock_offset": 0, "ts_last_data": NOW - 60 * MILLISECOND,
    }  # fmt: skip
    return VenueView(venue=venue, state=state, **(given | more))


def log_lines() -> tuple[LogLine, ...]:
    """Newest last."""
    words = (
        (610, Severity.INFO, "paper: connected, 6 instruments"),
        (312, Severity.GOOD, "BUY 0.250 BTC/USDT perp @ 60,624.0 acknowledged"),
        (61, Severity.GOOD, "sold 0.120 BTC/USDT perp @ 60,626.5 (maker)"),
        (12, Severity.WARNING, "clock is 240 ms behind paper's"),
        (3, Severity.ALARM, "SELL 0.100 BTC/USDT perp @ 60,640.0: nobody has said what became of it"),
        (1, Severity.GOOD, "bought 0.250 BTC/USDT perp @ 60,625.0 (taker)"),
    )
    return tuple(LogLine(NOW - ago * NANOSECONDS, severity, text) for ago, severity, text in words)


def desk_view(shown: Instrument | None = BTC_PERP, **more: Any) -> DeskView:
    given: dict[str, Any] = {"mode": Mode.PAPER, "is_armed": True, "messages_per_second": 1004}
    return DeskView(shown=shown, **(given | more))


def sample_frame(number: int = 1, *, ts: int = NOW, **views: Any) -> Frame:
    """The whole desk at `NOW` with the BTC perpetual shown; `views` replaces some of it, by field name."""
    everything: dict[str, Any] = {
        "desk": desk_view(),
        "venues": (venue_view(),),
        "instruments": INSTRUMENTS,
        "book": book_view(),
        "tape": tape_view(),
        "bars": bars_view(),
        "quotes": quote_views(),
        "orders": order_views(),
        "positions": position_views(),
        "fills": fill_views(),
        "balances": balance_views(),
        "accounts": account_views(),
        "log": log_lines(),
    }
    return Frame(number=number, ts=ts, **(everything | views))


def spot_frame(number: int = 1, **views: Any) -> Frame:
    """The same desk with a spot market shown: no mark, no funding, no position."""
    shown: dict[str, Any] = {
        "desk": desk_view(BTC_SPOT),
        "book": book_view(BTC_SPOT, best_bid="60624.9", seed=3),
        "tape": tape_view(BTC_SPOT, price="60624.9"),
        "bars": bars_view(BTC_SPOT, last="60625.0"),
    }
    return sample_frame(number, **(shown | views))


def empty_frame(number: int = 1) -> Frame:
    """What a new profile sees before anything has arrived: nothing anywhere, and no instrument shown."""
    return Frame(
        number=number, ts=NOW, desk=desk_view(None), venues=(), instruments=(), quotes=(), orders=(),
        positions=(), fills=(), balances=(), accounts=(), log=(),
    )  # fmt: skip


def busy_frame(number: int = 1) -> Frame:
    """The desk as it looks in the middle of trading: our orders and our entry are in the ladder's window."""
    long, short = position_views()
    near = PositionView(
        position=msgspec.structs.replace(long.position, entry_price=D("60621.5"), liquidation_price=D("55123.1")),
        instrument=long.instrument, account="main", mark=D("60624.9"), unrealized_pnl=D("0.85"),
        break_even=D("60645.7"), liquidation_distance=D("0.0907"), notional=D("15156.23"),
    )  # fmt: skip
    more = order_view("p0005", side=Side.SELL, quantity="0.250", price="60629.0", reduce_only=True,
                      age=20 * NANOSECONDS)  # fmt: skip
    return sample_frame(number, positions=(near, short), orders=(more, *order_views()))


def recovery_rows() -> tuple[RecoveryRow, ...]:
    """Two without an answer, one of them without a time limit; one settled; a cancel of many, settled."""
    return (
        RecoveryRow(key="r1", venue="coinex", text="BUY 0.250 BTC/USDT perp @ 60,000.0",
                    ts_sent=NOW - 5200 * MILLISECOND, state="looked up until it is proven",
                    ts_provable=NOW + 11_400 * MILLISECOND),
        RecoveryRow(key="r2", venue="pumpkin", text="SELL 3.00 ETH/USDT perp market",
                    ts_sent=NOW - 312 * NANOSECONDS,
                    state="looked up; nothing bounds this request: look at the venue, and decide"),
        RecoveryRow(key="r3", venue="coinex", text="cancel of SELL 0.500 BTC/USDT perp @ 60,626.5",
                    ts_sent=NOW - 8 * NANOSECONDS, state="cancelled, 0.12 filled", is_settled=True),
        RecoveryRow(key="", venue="max", text="cancel all", ts_sent=NOW - 93_784 * NANOSECONDS,
                    state="all open orders were read", is_settled=True),
    )  # fmt: skip


def recovery_view(rows: tuple[RecoveryRow, ...] | None = None, **more: Any) -> RecoveryView:
    """What a desk finds after its run before was killed; `more` replaces what else there is in the view."""
    notices = ("the run before ended without a word: its last row is of 14:02:59 UTC",)
    return RecoveryView(rows=recovery_rows() if rows is None else rows, **({"notices": notices} | more))


def settled_rows() -> tuple[RecoveryRow, ...]:
    """The same, when the venues have said what became of all of them."""
    ends = ("never placed: the venue did not have it when it could no longer arrive", "filled at 2,364.55")
    first, second, *rest = recovery_rows()
    done = tuple(
        msgspec.structs.replace(row, state=end, is_settled=True, ts_provable=None)
        for row, end in zip((first, second), ends, strict=True)
    )
    return (*done, *rest)
