"""A desk on a venue with a margin wallet beside spot, as frames: MAX, with a short in borrowed BTC."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tests.support.frames import (
    INSTRUMENTS,
    MILLISECOND,
    NOW,
    bars_view,
    book_view,
    desk_view,
    order_view,
    sample_frame,
    tape_view,
    venue_view,
)
from tests.support.margin import margin_account, margin_view
from tui.desk.frame import (
    AccountView,
    BalanceView,
    FillView,
    Frame,
    MarginView,
    PositionView,
    QuoteView,
    VenueView,
)
from venues.events import LinkState
from venues.margin import MarginAccount
from venues.model import (
    NANOSECONDS,
    Balance,
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    OrderStatus,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Mode

D = Decimal


def max_market(base: str, quote: str, tick: str, lot: str, *, takes_margin: bool = True) -> Instrument:
    return Instrument(
        id=InstrumentId("max", f"{base}{quote}".lower()),
        name=f"{base}/{quote}",
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=D(tick),
        lot_size=D(lot),
        min_quantity=D(lot),
        maker_fee=D("0.0008"),
        taker_fee=D("0.0016"),
        takes_margin=takes_margin,
    )


BTC_TWD = max_market("BTC", "TWD", "0.1", "0.00000001")
USDT_TWD = max_market("USDT", "TWD", "0.001", "0.01")
MAX_TWD = max_market("MAX", "TWD", "0.0001", "0.01", takes_margin=False)
MAX_MARKETS = (BTC_TWD, USDT_TWD, MAX_TWD)

MAX_CAN = Capabilities(
    mode=Mode.PRACTICE,
    order_types=frozenset({OrderType.LIMIT, OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT}),
    times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC}),
    post_only=True,
    positions=True,
    margin_wallet="M-wallet",
    bar_intervals=(60, 300, 900, 3600),
)


def max_view(mode: Mode = Mode.PRACTICE, state: LinkState = LinkState.LIVE, **more: Any) -> VenueView:
    given: dict[str, Any] = {
        "mode": mode, "capabilities": msgspec.structs.replace(MAX_CAN, mode=mode), "round_trip": 31 * MILLISECOND,
        "ts_last_data": NOW - 90 * MILLISECOND,
    }  # fmt: skip
    return venue_view("max", state, **(given | more))


def max_wallet(ratio: str | None = "2.29", **more: Any) -> MarginAccount:
    """The wallet by the venue's own word: in USDT."""
    given: dict[str, Any] = {"total_assets": D("41710.24"), "total_debts": D("18188.35"), "currency": "USDT"}
    return margin_account(ratio, **(given | more))


def max_margin(ratio: str | None = "2.29", **more: Any) -> MarginView:
    return margin_view(max_wallet(ratio), **more)


def calm_wallet() -> MarginAccount:
    """The same without a loan."""
    assets = [msgspec.structs.replace(each, principal=D(0), interest=D(0)) for each in max_wallet().assets]
    return margin_account(None, *assets, total_assets=D("41710.24"), total_debts=D(0), currency="USDT")


def max_quotes() -> tuple[QuoteView, ...]:
    return (
        QuoteView(instrument=BTC_TWD, last=D("1945300.0"), bid=D("1945299.9"), ask=D("1945300.0"),
                  change=D("0.0121"), is_favourite=True, ts_recv=NOW),
        QuoteView(instrument=USDT_TWD, last=D("32.100"), bid=D("32.099"), ask=D("32.101"), change=D("-0.0004"),
                  ts_recv=NOW),
        QuoteView(instrument=MAX_TWD, last=D("9.8700"), change=D("0.0031"), ts_recv=NOW),
    )  # fmt: skip


def max_position() -> PositionView:
    """What the M-wallet holds of BTC, less what it owes: a short."""
    return PositionView(
        position=Position(
            instrument=BTC_TWD.id, position_id="m", quantity=D("-0.28001575"), entry_price=D("0"),
            in_margin_wallet=True, note="owes 0.30001575 BTC",
        ),
        instrument=BTC_TWD, account="main", mark=D("1945300.0"), notional=D("544714.64"),
    )  # fmt: skip


def max_balances() -> tuple[BalanceView, ...]:
    rows = (("TWD", "500000.00", "441641.00", "58359.00"), ("BTC", "0.05000000", "0.05000000", "0"))
    return tuple(
        BalanceView(
            venue="max", account="main",
            balance=Balance(currency=currency, total=D(total), available=D(free), locked=D(locked)),
        )
        for currency, total, free, locked in rows
    )  # fmt: skip


def max_fill(number: int, *, in_margin_wallet: bool) -> FillView:
    fill = Fill(
        instrument=BTC_TWD.id, trade_id=f"m{number}", client_order_id="m0001", venue_order_id="7001",
        side=Side.SELL, price=D("1946000.0"), quantity=D("0.10000000"), fee=D("311.3"), fee_currency="TWD",
        liquidity=Liquidity.TAKER, ts_event=NOW - number * NANOSECONDS, in_margin_wallet=in_margin_wallet,
    )  # fmt: skip
    return FillView(fill=fill, instrument=BTC_TWD, account="main")


def max_frame(number: int = 1, *, shown: Instrument = BTC_TWD, **views: Any) -> Frame:
    """MAX alone, PRACTICE, with BTC/TWD shown; an order in each wallet, and a loan of 0.3 BTC."""
    orders = (
        order_view("m0002", BTC_TWD, side=Side.SELL, price="1960000.0", quantity="0.02000000",
                   status=OrderStatus.NEW, in_margin_wallet=True),
        order_view("m0003", BTC_TWD, price="1930000.0", quantity="0.03000000", age=44 * NANOSECONDS),
    )  # fmt: skip
    everything: dict[str, Any] = {
        "desk": desk_view(shown, mode=Mode.PRACTICE),
        "venues": (max_view(),),
        "instruments": MAX_MARKETS,
        "book": book_view(shown, best_bid="1945299.9", seed=3),
        "tape": tape_view(shown, price="1945299.9"),
        "bars": bars_view(shown, last="1945300.0"),
        "quotes": max_quotes(),
        "orders": orders,
        "positions": (max_position(),),
        "fills": (max_fill(4, in_margin_wallet=True), max_fill(61, in_margin_wallet=False)),
        "balances": max_balances(),
        "accounts": (
            AccountView(account="main", currency="TWD", equity=D("1345120.50"), day_pnl=D("812.40"),
                        day_fees=D("-622.60"), budget_used=D("195000"), budget=D("2500000")),
        ),
        "margins": (max_margin(),),
    }  # fmt: skip
    return sample_frame(number, **(everything | views))


def two_wallets(**views: Any) -> Frame:
    """Two venues with a wallet each, and one without."""
    other = msgspec.structs.replace(max_margin("1.12"), venue="mayex", name="margin account")
    other = msgspec.structs.replace(other, wallet=msgspec.structs.replace(other.wallet, venue="mayex"), funds=())
    given: dict[str, Any] = {
        "venues": (venue_view(mode=Mode.PRACTICE), max_view(), msgspec.structs.replace(max_view(), venue="mayex")),
        "instruments": (*INSTRUMENTS, *MAX_MARKETS),
        "margins": (max_margin(), other),
    }  # fmt: skip
    return max_frame(**(given | views))
