"""A desk with several venues, as frames: two that list the same market, one that is watched, and some not open."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tests.support.frames import (
    BTC_SPOT,
    INSTRUMENTS,
    MILLISECOND,
    NOW,
    balance_views,
    bars_view,
    book_view,
    desk_view,
    fill_views,
    log_lines,
    order_view,
    order_views,
    quote_views,
    sample_frame,
    spot,
    tape_view,
    venue_view,
)
from tui.desk.frame import BalanceView, FillView, Frame, LogLine, QuoteView, Severity, VenueOffer, VenueView
from venues.events import LinkState
from venues.model import (
    NANOSECONDS,
    Balance,
    Fill,
    Instrument,
    Liquidity,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Mode

D = Decimal

COINEX_BTC = spot("BTC", "0.01", "0.00000001", "coinex")
COINEX_ETH = spot("ETH", "0.01", "0.00000001", "coinex")
COINEX = (COINEX_BTC, COINEX_ETH)

COINEX_CAN = Capabilities(
    mode=Mode.PRACTICE,
    order_types=frozenset({OrderType.LIMIT, OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT}),
    times_in_force=frozenset(TimeInForce),
    post_only=True,
    amend=True,
    bar_intervals=(60, 300, 900, 3600, 86_400),
)


def coinex_can(mode: Mode, **more: Any) -> Capabilities:
    """What a spot venue of this kind can do in a mode; `more` replaces some of it."""
    return msgspec.structs.replace(COINEX_CAN, mode=mode, **more)


def coinex_view(
    mode: Mode = Mode.PRACTICE, state: LinkState = LinkState.LIVE, venue: str = "coinex", **more: Any
) -> VenueView:
    given: dict[str, Any] = {
        "mode": mode, "capabilities": coinex_can(mode), "round_trip": 48 * MILLISECOND,
        "clock_offset": -12 * MILLISECOND, "ts_last_data": NOW - 180 * MILLISECOND,
    }  # fmt: skip
    return venue_view(venue, state, **(given | more))


OFFERS = (
    VenueOffer(venue="mayex", mode=Mode.READ_ONLY, capabilities=coinex_can(Mode.READ_ONLY)),
    VenueOffer(venue="max", mode=Mode.READ_ONLY, words="its public data, without a key: no orders"),
    VenueOffer(venue="replay", mode=Mode.REPLAY, refusal="REPLAY and PAPER can not be on one desk"),
)
LIVE_OFFER = VenueOffer(venue="hobart", mode=Mode.LIVE, words="orders on it are real")


def coinex_quotes() -> tuple[QuoteView, ...]:
    return (
        QuoteView(instrument=COINEX_BTC, last=D("60621.40"), bid=D("60621.39"), ask=D("60621.40"),
                  change=D("0.0119"), ts_recv=NOW),
        QuoteView(instrument=COINEX_ETH, last=D("2364.12"), change=D("-0.0044"), ts_recv=NOW),
    )  # fmt: skip


def coinex_fill() -> FillView:
    fill = Fill(
        instrument=COINEX_BTC.id, trade_id="c1", client_order_id="s0001", venue_order_id="v-s0001",
        side=Side.BUY, price=D("60621.40"), quantity=D("0.10000000"), fee=D("0.00020000"), fee_currency="BTC",
        liquidity=Liquidity.MAKER, ts_event=NOW - 4 * NANOSECONDS,
    )  # fmt: skip
    return FillView(fill=fill, instrument=COINEX_BTC, account="main")


def coinex_balances() -> tuple[BalanceView, ...]:
    rows = (
        ("USDT", "10000.00", "9393.79", "606.21", "10000.00"),
        ("BTC", "0.10000000", "0.10000000", "0", "6062.14"),
    )
    return tuple(
        BalanceView(
            venue="coinex", account="main", value=D(value),
            balance=Balance(currency=currency, total=D(total), available=D(free), locked=D(locked)),
        )
        for currency, total, free, locked, value in rows
    )  # fmt: skip


def several_frame(number: int = 1, *, shown: Instrument = COINEX_BTC, **views: Any) -> Frame:
    """The sample desk and a second venue that lists BTC/USDT and ETH/USDT as well; both can be traded on."""
    orders = (
        order_view("s0002", COINEX_BTC, price="60610.00", quantity="0.01000000", age=41 * NANOSECONDS),
        order_view("s0003", COINEX_ETH, price="2350.00", quantity="1.00000000", status=OrderStatus.UNKNOWN,
                   age=9 * NANOSECONDS, unknown_for=8200 * MILLISECOND),
        order_view("p0007", BTC_SPOT, price="60610.0", quantity="0.01000", age=44 * NANOSECONDS),
        *order_views(),
    )  # fmt: skip
    everything: dict[str, Any] = {
        "desk": desk_view(shown, mode=Mode.PRACTICE, offers=OFFERS),
        "venues": (venue_view(mode=Mode.PRACTICE), coinex_view()),
        "orders": orders,
        "fills": (coinex_fill(), *fill_views()),
        "balances": (*balance_views(), *coinex_balances()),
    }
    return watching_frame(number, shown=shown, **(everything | views))


def watching_frame(number: int = 1, *, shown: Instrument = COINEX_BTC, **views: Any) -> Frame:
    """The sample desk, which is PAPER, and a second venue open for reading only, whose market is shown."""
    everything: dict[str, Any] = {
        "desk": desk_view(shown, offers=OFFERS),
        "venues": (venue_view(), coinex_view(Mode.READ_ONLY)),
        "instruments": (*INSTRUMENTS, *COINEX),
        "book": book_view(shown, best_bid="60621.39", seed=3),
        "tape": tape_view(shown, price="60621.39"),
        "bars": bars_view(shown, last="60621.40"),
        "quotes": (*quote_views()[:2], *coinex_quotes(), *quote_views()[2:]),
        "log": (*log_lines(), LogLine(NOW - NANOSECONDS // 2, Severity.GOOD, "coinex live")),
    }
    return sample_frame(number, **(everything | views))


def four_views() -> tuple[VenueView, ...]:
    """A slow clock, a connection that is being made again, a key that was refused, and one that is watched."""
    return (
        coinex_view(Mode.LIVE, clock_offset=-240 * MILLISECOND),
        venue_view("pumpkin", LinkState.RECONNECTING, mode=Mode.LIVE, detail="no answer to the heartbeat for 10 s",
                   ts_last_data=NOW - 14 * NANOSECONDS),
        coinex_view(Mode.LIVE, venue="max", fault="the key was refused: signature error (25)", clock_offset=0,
                    round_trip=112 * MILLISECOND),
        coinex_view(Mode.READ_ONLY, venue="mayex", round_trip=95 * MILLISECOND),
    )  # fmt: skip


def troubled_frame(number: int = 1, **views: Any) -> Frame:
    """Four venues of which one alone is well."""
    desk = desk_view(COINEX_BTC, mode=Mode.LIVE, offers=OFFERS)
    orders = tuple(view for view in several_frame().orders or () if view.order.instrument.venue == "coinex")
    given: dict[str, Any] = {"desk": desk, "venues": four_views(), "orders": orders, "positions": ()}
    return watching_frame(number, **(given | views))
