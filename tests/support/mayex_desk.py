"""A desk on a venue whose orders each say their margin mode, as frames: Mayex, alone and as the fourth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tests.support.frames import (
    MILLISECOND,
    NOW,
    bars_view,
    book_view,
    desk_view,
    order_view,
    perpetual,
    sample_frame,
    spot,
    tape_view,
    venue_view,
)
from tests.support.pumpkin_desk import BTC as PUMPKIN_BTC
from tests.support.pumpkin_desk import both_sides as pumpkin_positions
from tests.support.pumpkin_desk import position_view, pumpkin_view
from tests.support.venues import COINEX_BTC, COINEX_ETH, coinex_balances, coinex_view
from tui.desk.frame import AccountView, BalanceView, Frame, OrderView, PositionView, QuoteView, VenueView
from venues.events import LinkState
from venues.model import (
    NANOSECONDS,
    Balance,
    Instrument,
    InstrumentId,
    MarginMode,
    OrderType,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Mode

D = Decimal
_FUNDED = NOW + (2 * 3600 + 56 * 60 + 53) * NANOSECONDS


def contract(base: str, tick: str, step: str) -> Instrument:
    return msgspec.structs.replace(
        perpetual(base, tick, step, "mayex"), id=InstrumentId("mayex", f"{base.lower()}usdt"),
        taker_fee=D("0.00035"), note="tick and lot from a table",
    )  # fmt: skip


def watched(base: str, tick: str, step: str) -> Instrument:
    return msgspec.structs.replace(
        spot(base, tick, step, "mayex"), id=InstrumentId("mayex", f"{base.lower()}usdt.spot"), is_tradable=False,
        note="market data only",
    )  # fmt: skip


BTC = contract("BTC", "0.5", "0.001")
ETH = contract("ETH", "0.05", "0.01")
BTC_SPOT = watched("BTC", "0.01", "0.00001")
MARKETS = (BTC, ETH, BTC_SPOT)
SETTINGS = ("header_prefix", "secret_decoding", "signed_path", "rest_url")
UNVERIFIED = (
    "the names of the headers and how the secret is read are inferred",
    "the private stream is inferred: the account is read by REST besides",
    "what an order book message replaces is judged by what arrives",
)
CAN = Capabilities(
    mode=Mode.PRACTICE,
    order_types=frozenset(OrderType),
    times_in_force=frozenset(TimeInForce),
    post_only=True,
    reduce_only=True,
    leverage=True,
    leverage_of_order=False,
    margin_modes=frozenset(MarginMode),
    margin_mode_of_order=True,
    attached_exits=True,
    positions=True,
    bar_intervals=(60, 300, 900, 3600),
    position_sides=True,
    position_margin=True,
    unverified=UNVERIFIED,
    authentication_settings=SETTINGS,
)


def mayex_view(mode: Mode = Mode.PRACTICE, *, is_proven: bool = True, **more: Any) -> VenueView:
    can = msgspec.structs.replace(CAN, mode=mode, authentication_unverified=not is_proven)
    given: dict[str, Any] = {
        "mode": mode, "capabilities": can, "round_trip": 61 * MILLISECOND, "clock_offset": 8 * MILLISECOND,
        "ts_last_data": NOW - 140 * MILLISECOND,
    }  # fmt: skip
    return venue_view("mayex", **(given | more))


def held(
    side: str, mode: str, quantity: str, entry: str = "60598.5", *, leverage: str = "10", **more: Any
) -> PositionView:
    """A position of BTC as this venue keys it: by side and margin mode."""
    given: dict[str, Any] = {"instrument": BTC, "mark": "60624.9", "mode": MarginMode(mode), "leverage": leverage}
    return position_view(quantity, entry, position_id=f"{side}:{mode}", **(given | more))


def all_modes() -> tuple[PositionView, ...]:
    """A long isolated beside a long cross whose leverage nobody tells, and a short isolated."""
    return (
        held("long", "isolated", "0.250", next_funding="-1.52"),
        held("long", "cross", "0.050", "60201.5", leverage="0", margin="0", liquidation="52100.0"),
        held("short", "isolated", "-0.100", "60710.0", leverage="20", margin="303.55", liquidation="63491.5"),
    )


def exits() -> tuple[OrderView, ...]:
    """A bid with exits sent along, and the exits that the venue made of another one."""
    closes: dict[str, Any] = {"reduce_only": True, "price": None, "position_id": "long:isolated"}
    return (
        order_view("s0001", BTC, price="60400.0", quantity="0.100", take_profit=D("61200.0"),
                   stop_loss=D("59900.0")),
        order_view("TP71", BTC, side=Side.SELL, kind=OrderType.TAKE_PROFIT, quantity="0.250",
                   trigger_price=D("61800.0"), is_external=True, **closes),
        order_view("SL71", BTC, side=Side.SELL, kind=OrderType.STOP, quantity="0.250",
                   trigger_price=D("59900.0"), is_external=True, **closes),
    )  # fmt: skip


def quote(instrument: Instrument, last: str, **more: Any) -> QuoteView:
    return QuoteView(instrument=instrument, last=D(last), ts_recv=NOW, **more)


def quotes() -> tuple[QuoteView, ...]:
    marked: dict[str, Any] = {"index": D("60622.3"), "funding_rate": D("0.0001"), "ts_next_funding": _FUNDED}
    return (
        quote(BTC, "60624.5", bid=D("60624.5"), ask=D("60625.0"), change=D("0.0121"), mark=D("60624.9"),
              is_favourite=True, **marked),
        quote(ETH, "2364.60", change=D("-0.0042"), mark=D("2364.60")),
        quote(BTC_SPOT, "60621.40", change=D("0.0119")),
    )  # fmt: skip


def usdt(venue: str, total: str, available: str) -> BalanceView:
    balance = Balance(currency="USDT", total=D(total), available=D(available), locked=D(total) - D(available))
    return BalanceView(venue=venue, account="main", balance=balance, value=D(total))


def mayex_frame(number: int = 1, *, shown: Instrument = BTC, **views: Any) -> Frame:
    """Mayex alone, PRACTICE, with BTC shown, positions of both sides and modes at once."""
    everything: dict[str, Any] = {
        "desk": desk_view(shown, mode=Mode.PRACTICE),
        "venues": (mayex_view(),),
        "instruments": MARKETS,
        "book": book_view(shown, best_bid="60624.5", seed=3),
        "tape": tape_view(shown, price="60624.5"),
        "bars": bars_view(shown, last="60624.5"),
        "quotes": quotes(),
        "orders": (),
        "positions": all_modes(),
        "fills": (),
        "balances": (usdt("mayex", "9412.88", "7342.51"),),
        "accounts": (
            AccountView(account="main", currency="USDT", equity=D("9447.43"), day_pnl=D("31.20"),
                        day_fees=D("-9.09"), day_funding=D("-0.27"), budget_used=D("28000"), budget=D("250000")),
        ),
    }  # fmt: skip
    return sample_frame(number, **(everything | views))


def four_venues(mode: Mode = Mode.PRACTICE, *, is_proven: bool = True) -> tuple[VenueView, ...]:
    """Coinex, MAX, Pumpkin and Mayex, all of them well."""
    pumpkin = pumpkin_view(mode=mode, clock_offset=3 * MILLISECOND)
    pumpkin = msgspec.structs.replace(
        pumpkin, capabilities=msgspec.structs.replace(pumpkin.capabilities, mode=mode)
    )
    return (
        coinex_view(mode),
        coinex_view(mode, venue="max", round_trip=112 * MILLISECOND, clock_offset=21 * MILLISECOND),
        pumpkin,
        mayex_view(mode, is_proven=is_proven),
    )


def one_killed(mode: Mode = Mode.PRACTICE) -> tuple[VenueView, ...]:
    """The same with Pumpkin gone."""
    coinex, maicoin, pumpkin, mayex = four_venues(mode)
    gone = msgspec.structs.replace(
        pumpkin, state=LinkState.RECONNECTING, detail="pumpkin: the connection was refused", is_reconciling=True,
        ts_last_data=NOW - 14 * NANOSECONDS,
    )  # fmt: skip
    return coinex, maicoin, gone, mayex


def four_orders() -> tuple[OrderView, ...]:
    return (
        order_view("s0101", BTC, price="60400.0", quantity="0.100", take_profit=D("61200.0")),
        order_view("s0102", PUMPKIN_BTC, price="60380.0", quantity="0.1000", is_external=True),
        order_view("s0103", COINEX_BTC, price="60610.00", quantity="0.01000000", age=41 * NANOSECONDS),
        order_view("s0104", COINEX_ETH, price="2350.00", quantity="1.00000000", age=9 * NANOSECONDS),
    )


def four_frame(number: int = 1, **views: Any) -> Frame:
    """Four venues at once, with something on each."""
    maicoin = Balance(currency="TWD", total=D("180000"), available=D("180000"), locked=D(0))
    everything: dict[str, Any] = {
        "venues": four_venues(),
        "instruments": (*MARKETS, PUMPKIN_BTC, COINEX_BTC, COINEX_ETH),
        "orders": four_orders(),
        "positions": (*pumpkin_positions(), *all_modes()),
        "balances": (
            *coinex_balances(),
            BalanceView(venue="max", account="main", balance=maicoin, value=None),
            usdt("pumpkin", "9412.88", "7342.51"),
            usdt("mayex", "5200.00", "3000.00"),
        ),
    }
    return mayex_frame(number, **(everything | views))
