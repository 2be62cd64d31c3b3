"""What is ours at MAX: models and messages -> `venues.model`.

Every parser raises DecodeError for what the document does not allow, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from venues.errors import DecodeError
from venues.max import VENUE
from venues.max.figures import (
    amount,
    at_least_zero,
    figure,
    ns_of_milliseconds,
    positive,
    positive_or_none,
    side_of,
)
from venues.max.models import Account, PrivateTrade, TradeLeg
from venues.max.models import Order as RestOrder
from venues.max.parse import instrument_id
from venues.max.profile import MARGIN
from venues.max.wire import WireBalance, WireFill, WireOrder
from venues.model import (
    Balance,
    Fill,
    InstrumentId,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

_TYPES: Mapping[str, tuple[OrderType, TimeInForce, bool]] = {
    "limit": (OrderType.LIMIT, TimeInForce.GTC, False),
    "market": (OrderType.MARKET, TimeInForce.GTC, False),
    "stop_limit": (OrderType.STOP_LIMIT, TimeInForce.GTC, False),
    "stop_market": (OrderType.STOP, TimeInForce.GTC, False),
    "post_only": (OrderType.LIMIT, TimeInForce.GTC, True),
    "ioc_limit": (OrderType.LIMIT, TimeInForce.IOC, False),
    "rpi": (OrderType.LIMIT, TimeInForce.GTC, True),
}
_RESTS = frozenset({"wait", "convert"})
_DONE = "done"
_FINALIZING = "finalizing"
_ENDED: Mapping[str, OrderStatus] = {"cancel": OrderStatus.CANCELED, "failed": OrderStatus.REJECTED}


def parse_order(order: RestOrder) -> Order:
    """Returns an order of a REST answer."""
    return _order(
        in_margin_wallet=order.wallet_type == MARGIN,
        number=order.id,
        market=order.market,
        side=order.side,
        kind=order.ord_type,
        state=order.state,
        quantity=positive(order.volume),
        filled=at_least_zero(order.executed_volume),
        price=positive_or_none(order.price),
        trigger=positive_or_none(order.stop_price),
        average=positive_or_none(order.avg_price),
        client_id=order.client_oid,
        created=order.created_at,
        updated=order.updated_at,
    )


def parse_stream_order(order: WireOrder, *, in_margin_wallet: bool = False) -> Order:
    """Returns an order as the stream tells of it; which wallet it is in, the name of the message tells."""
    return _order(
        in_margin_wallet=in_margin_wallet,
        number=order.i,
        market=order.market,
        side=order.sd,
        kind=order.ot,
        state=order.state,
        quantity=positive(order.v),
        filled=amount(order.ev),
        price=positive_or_none(order.p),
        trigger=positive_or_none(order.sp),
        average=positive_or_none(order.ap),
        client_id=order.ci,
        created=order.created,
        updated=order.updated,
    )


def _order(
    *,
    number: int,
    market: str,
    side: str,
    kind: str,
    state: str,
    quantity: Decimal,
    filled: Decimal,
    price: Decimal | None,
    trigger: Decimal | None,
    average: Decimal | None,
    client_id: str | None,
    created: int,
    updated: int,
    in_margin_wallet: bool,
) -> Order:
    found = _TYPES.get(kind)
    if found is None:
        raise DecodeError(VENUE, "an order type that is not documented")
    order_type, time_in_force, post_only = found
    if filled > quantity:
        raise DecodeError(VENUE, "an order that traded more than its size")
    # Of a limit order the stop price is met filled in with the price: only a stop has one.
    return Order(
        instrument=instrument_id(market),
        client_order_id=client_id or "",
        venue_order_id=str(number),
        side=side_of(side),
        type=order_type,
        quantity=quantity,
        status=status_of(state, quantity, filled),
        price=price if order_type.has_price else None,
        trigger_price=trigger if order_type.has_trigger else None,
        time_in_force=time_in_force,
        post_only=post_only,
        is_triggered=order_type.has_trigger and (state == "convert" or filled > 0),
        filled_quantity=filled,
        average_price=average if filled else None,
        ts_created=ns_of_milliseconds(created),
        ts_event=ns_of_milliseconds(max(created, updated)),
        reason="" if _is_known(state) else f"the venue says {state[:32]!r}",
        in_margin_wallet=in_margin_wallet,
    )


def status_of(state: str, quantity: Decimal, filled: Decimal) -> OrderStatus:
    """Returns where an order stands.

    What is done without having traded was cancelled; what is done and has traded in part ended with the rest
    cancelled. `finalizing` is matched and not settled: until it is whole, `done` is waited for. A word that nobody
    knows leaves it open.
    """
    if filled and filled == quantity:
        return OrderStatus.FILLED
    if state == _DONE:
        return OrderStatus.CANCELED
    if state in _ENDED:
        return _ENDED[state]
    if state in _RESTS or state == _FINALIZING:
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.NEW
    return OrderStatus.UNKNOWN


def _is_known(state: str) -> bool:
    return state in _RESTS or state in _ENDED or state in (_DONE, _FINALIZING)


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One of our trades, on one side. Its fee is None while the venue has not computed it.

    `is_second` is the purchase of a trade with ourselves, which shares the number of the sale.
    """

    instrument: InstrumentId
    number: int
    order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal | None
    fee_currency: str
    liquidity: Liquidity
    ts_event: int
    is_second: bool = False
    in_margin_wallet: bool = False

    @property
    def key(self) -> tuple[int, str]:
        """Its name: the two sides of a trade with oneself share a number."""
        return self.number, self.order_id

    def fill(self, trade_id: str, client_id: str, fee: Decimal | None = None, currency: str = "") -> Fill:
        """Returns it as a fill; `fee` and `currency` where the venue tells none."""
        return Fill(
            instrument=self.instrument,
            trade_id=trade_id,
            client_order_id=client_id,
            venue_order_id=self.order_id,
            side=self.side,
            price=self.price,
            quantity=self.quantity,
            fee=self.fee if self.fee is not None else fee or Decimal(0),
            fee_currency=self.fee_currency or currency,
            liquidity=self.liquidity,
            ts_event=self.ts_event,
            in_margin_wallet=self.in_margin_wallet,
        )


def parse_executions(trades: Iterable[PrivateTrade]) -> list[Execution]:
    """Returns our trades of a REST answer, oldest first; two of a trade with ourselves, the sale first."""
    ordered = sorted(trades, key=lambda trade: (trade.created_at, trade.id))
    return [_execution(trade, leg) for trade in ordered for leg in trade.legs()]


def _execution(trade: PrivateTrade, leg: TradeLeg) -> Execution:
    try:
        liquidity = Liquidity(leg.liquidity)
    except ValueError:
        raise DecodeError(VENUE, "a role that is neither maker nor taker") from None
    return Execution(
        instrument=instrument_id(trade.market),
        number=trade.id,
        order_id=str(leg.order_id),
        side=Side(leg.side.value),
        price=positive(trade.price),
        quantity=positive(trade.volume),
        fee=leg.fee if leg.fee_currency else None,
        fee_currency=(leg.fee_currency or "").upper(),
        liquidity=liquidity,
        ts_event=ns_of_milliseconds(trade.created_at),
        is_second=trade.is_self_trade and leg.side.value == Side.BUY,
        in_margin_wallet=trade.wallet_type == MARGIN,
    )


def parse_stream_execution(row: WireFill, *, in_margin_wallet: bool = False) -> Execution:
    """Returns one of our trades as the stream tells of it; its wallet is told by the name of the message."""
    return Execution(
        instrument=instrument_id(row.market),
        number=row.i,
        order_id=str(row.oi),
        side=side_of(row.sd),
        price=positive(row.p),
        quantity=positive(row.v),
        fee=figure(row.f) if row.f is not None and row.fc else None,
        fee_currency=(row.fc or "").upper(),
        liquidity=Liquidity.MAKER if row.m else Liquidity.TAKER,
        ts_event=ns_of_milliseconds(row.created),
        in_margin_wallet=in_margin_wallet,
    )


def parse_balances(accounts: Iterable[Account]) -> list[Balance]:
    """Returns what the spot wallet holds; a currency of which there is nothing is left out."""
    return [
        _balance(each.currency, at_least_zero(each.balance), at_least_zero(each.locked))
        for each in accounts
        if each.balance or each.locked
    ]


def parse_stream_balance(row: WireBalance) -> Balance:
    return _balance(row.cu, amount(row.av), amount(row.locked))


def _balance(currency: str, available: Decimal, locked: Decimal) -> Balance:
    return Balance(currency=currency.upper(), total=available + locked, available=available, locked=locked)
