"""A desk on a venue of perpetuals with both sides at once, as frames: Pumpkin, a long and a short of BTC."""

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
    tape_view,
    venue_view,
)
from tui.desk.control import Bills
from tui.desk.frame import (
    AccountView,
    BalanceView,
    Frame,
    FundsView,
    OrderView,
    PositionView,
    QuoteView,
    VenueView,
)
from venues.bills import Bill, BillKind
from venues.commands import FundsKind, FundsRequest
from venues.model import (
    NANOSECONDS,
    Balance,
    Bracket,
    Instrument,
    InstrumentId,
    MarginMode,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Mode

D = Decimal
_FUNDED = NOW + (2 * 3600 + 56 * 60 + 53) * NANOSECONDS


def market(base: str, tick: str, contract: str, *brackets: tuple[str, str, str, str]) -> Instrument:
    return msgspec.structs.replace(
        perpetual(base, tick, contract, "pumpkin"),
        id=InstrumentId("pumpkin", f"{base.lower()}_usdt"),
        contract_size=D(contract),
        taker_fee=D("0.0006"),
        max_leverage=D(brackets[0][1]),
        maintenance_margin=D(brackets[0][2]),
        brackets=tuple(
            Bracket(
                max_quantity=D(most), max_leverage=D(leverage), maintenance_rate=D(rate),
                maintenance_amount=D(amount),
            )
            for most, leverage, rate, amount in brackets
        ),
    )  # fmt: skip


BTC = market("BTC", "0.1", "0.0001", ("5", "125", "0.004", "0"), ("20", "50", "0.01", "1818.7"))
ETH = market("ETH", "0.01", "0.01", ("100", "100", "0.005", "0"), ("600", "25", "0.02", "3547"))
MARKETS = (BTC, ETH)

UNVERIFIED = (
    "the address of the private stream is inferred: its account is read by REST besides",
    "the sizes of the quotas are not in the document",
)
CAN = Capabilities(
    mode=Mode.PRACTICE,
    order_types=frozenset(OrderType),
    times_in_force=frozenset(TimeInForce),
    post_only=True,
    reduce_only=True,
    leverage=True,
    margin_modes=frozenset(MarginMode),
    attached_exits=True,
    positions=True,
    bar_intervals=(60, 300, 900, 3600),
    position_sides=True,
    leverage_needs_flat=True,
    position_margin=True,
    unverified=UNVERIFIED,
)


def pumpkin_view(**more: Any) -> VenueView:
    given: dict[str, Any] = {
        "mode": Mode.PRACTICE, "capabilities": CAN, "round_trip": 44 * MILLISECOND,
        "ts_last_data": NOW - 90 * MILLISECOND,
    }  # fmt: skip
    return venue_view("pumpkin", **(given | more))


def position_view(
    quantity: str,
    entry: str,
    *,
    position_id: str,
    instrument: Instrument = BTC,
    mark: str = "60624.9",
    margin: str = "1514.96",
    liquidation: str | None = "54780.2",
    mode: MarginMode = MarginMode.ISOLATED,
    leverage: str = "10",
    funding: str = "0",
    next_funding: str | None = None,
    funds: tuple[FundsView, ...] = (),
) -> PositionView:
    held, at, now = D(quantity), D(entry), D(mark)
    price = None if liquidation is None else D(liquidation)
    return PositionView(
        position=Position(
            instrument=instrument.id, quantity=held, entry_price=at, position_id=position_id,
            leverage=D(leverage), margin_mode=mode, margin=D(margin), liquidation_price=price,
            liquidation_is_estimate=True, funding=D(funding), fees=D("9.09"), ts_opened=NOW - 5400 * NANOSECONDS,
        ),
        instrument=instrument, account="main", mark=now, unrealized_pnl=(now - at) * held,
        break_even=at * (1 + (D("0.0012") if held > 0 else D("-0.0012"))),
        liquidation_distance=None if price is None else abs(price - now) / now,
        notional=abs(held) * now, next_funding=None if next_funding is None else D(next_funding), funds=funds,
    )  # fmt: skip


def margin_request(
    kind: FundsKind = FundsKind.ADD_MARGIN, amount: str = "50", *, key: str = "f1", position_id: str = "88213"
) -> FundsRequest:
    return FundsRequest(
        venue="pumpkin", request_id=key, kind=kind, currency="USDT", amount=D(amount), instrument=BTC.id,
        position_id=position_id, held_before=D("1514.96"),
    )  # fmt: skip


def margin_move(state: str = "UNKNOWN", request: FundsRequest | None = None, words: str = "") -> FundsView:
    return FundsView(
        request=request or margin_request(), state=state, is_over=state in ("done", "refused"), words=words,
        ts_sent=NOW - 5 * NANOSECONDS,
    )  # fmt: skip


def both_sides(**long: Any) -> tuple[PositionView, ...]:
    """A long and a short of BTC at once, and a cross short of ETH that is near its end."""
    return (
        position_view("0.2500", "60598.2", position_id="88213", funding="-0.31", next_funding="-1.52", **long),
        position_view("-0.1000", "60710.0", position_id="88214", margin="303.55", liquidation="63491.6",
                      leverage="20", funding="0.04", next_funding="0.61"),
        position_view("-3.00", "2371.05", position_id="88190", instrument=ETH, mark="2364.60", margin="142.26",
                      liquidation="2450.18", mode=MarginMode.CROSS, leverage="50", next_funding="-0.18"),
    )  # fmt: skip


def several_on_a_side() -> tuple[PositionView, ...]:
    """Two longs and a short of BTC, as a disaggregated account has them."""
    long, short, _ = both_sides()
    second = position_view("0.0500", "60201.4", position_id="88219", margin="301.01", liquidation="54421.3")
    return (long, second, short)


def exits() -> tuple[OrderView, ...]:
    """A bid with exits attached, a pair of exits, a stop alone, a plan, and a close by force."""
    closes: dict[str, Any] = {"reduce_only": True, "price": None, "position_id": "88213"}
    return (
        order_view("s0001", BTC, price="60400.0", quantity="0.1000", take_profit=D("61200.0"),
                   stop_loss=D("59900.0")),
        order_view("exit:71", BTC, side=Side.SELL, kind=OrderType.TAKE_PROFIT, quantity="0.2500",
                   trigger_price=D("61800.0"), stop_loss=D("59900.0"), **closes),
        order_view("exit:72", BTC, side=Side.BUY, kind=OrderType.STOP, quantity="0.1000",
                   trigger_price=D("61500.0"), **(closes | {"position_id": "88214"})),
        order_view("plan:9", BTC, kind=OrderType.STOP_LIMIT, price="61510.0", quantity="0.0500",
                   trigger_price=D("61500.0")),
        order_view("v77", ETH, side=Side.BUY, kind=OrderType.MARKET, quantity="3.00", is_external=True,
                   is_liquidation=True, **(closes | {"position_id": "88190"})),
    )  # fmt: skip


def bills() -> Bills:
    rows = (
        (61, BillKind.FUNDING, "-0.31", "9412.88", BTC, "FUND"),
        (62, BillKind.FUNDING, "0.04", "9413.19", BTC, "FUND"),
        (4200, BillKind.FEE, "-9.09", "9413.15", BTC, "TAKE_OVER"),
        (9000, BillKind.REALIZED, "118.20", "9422.24", ETH, "CLOSE_POSITION"),
        (86_400, BillKind.LIQUIDATION, "-42.07", "9304.04", ETH, "QIANG_PING_MANAGER"),
        (90_000, BillKind.TRANSFER, "5000", "9346.11", None, "EXCHANGE"),
    )
    return Bills(
        bills=tuple(
            Bill(
                bill_id=f"b{number}", kind=kind, currency="USDT", amount=D(amount),
                ts_event=NOW - ago * NANOSECONDS, instrument=None if of is None else of.id,
                balance_after=D(after), words=words,
            )
            for number, (ago, kind, amount, after, of, words) in enumerate(rows)
        )
    )  # fmt: skip


def quotes() -> tuple[QuoteView, ...]:
    return (
        QuoteView(instrument=BTC, last=D("60624.5"), bid=D("60624.5"), ask=D("60624.6"), change=D("0.0121"),
                  mark=D("60624.9"), index=D("60622.3"), funding_rate=D("0.0001"), ts_next_funding=_FUNDED,
                  is_favourite=True, ts_recv=NOW),
        QuoteView(instrument=ETH, last=D("2364.60"), change=D("-0.0042"), mark=D("2364.60"), index=D("2364.11"),
                  funding_rate=D("-0.000025"), ts_next_funding=_FUNDED, ts_recv=NOW),
    )  # fmt: skip


def balance(total: str = "9412.88", available: str = "7342.51") -> BalanceView:
    held = Balance(currency="USDT", total=D(total), available=D(available), locked=D(total) - D(available))
    return BalanceView(venue="pumpkin", account="main", balance=held, value=D(total))


def pumpkin_frame(number: int = 1, *, shown: Instrument = BTC, **views: Any) -> Frame:
    """Pumpkin alone, PRACTICE, with BTC shown, long and short of it at once."""
    everything: dict[str, Any] = {
        "desk": desk_view(shown, mode=Mode.PRACTICE),
        "venues": (pumpkin_view(),),
        "instruments": MARKETS,
        "book": book_view(shown, best_bid="60624.5", seed=3),
        "tape": tape_view(shown, price="60624.5"),
        "bars": bars_view(shown, last="60624.5"),
        "quotes": quotes(),
        "orders": (),
        "positions": both_sides(),
        "fills": (),
        "balances": (balance(),),
        "accounts": (
            AccountView(account="main", currency="USDT", equity=D("9447.43"), day_pnl=D("31.20"),
                        day_fees=D("-9.09"), day_funding=D("-0.27"), budget_used=D("28000"), budget=D("250000")),
        ),
    }  # fmt: skip
    return sample_frame(number, **(everything | views))


def flat_frame(**views: Any) -> Frame:
    """The same without a position."""
    return pumpkin_frame(**({"positions": ()} | views))


def live(view: VenueView, mode: Mode) -> VenueView:
    """The same venue in another mode."""
    can = msgspec.structs.replace(view.capabilities, mode=mode)
    return msgspec.structs.replace(view, mode=mode, capabilities=can)
