"""From the wire of a bad venue to the port's own terms, and back its refusals."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from tests.support.bad_venues.rules import VENUE, Code, Execution, Happening, OrderState
from venues.errors import AuthenticationError, InsufficientFunds, OrderNotFound, OrderRejected, VenueError
from venues.events import BookSnapshot, Event, FillUpdate, OrderUpdate, Ticker
from venues.model import (
    ZERO,
    Balance,
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    Side,
)

_ENDED = {"filled": OrderStatus.FILLED, "canceled": OrderStatus.CANCELED}


class ServerTime(msgspec.Struct, frozen=True):
    time: int


class Quote(msgspec.Struct, frozen=True):
    symbol: str
    bid: str
    ask: str
    time: int


class Held(msgspec.Struct, frozen=True):
    currency: str
    total: str


def refusal_in_command(_status: int, body: object) -> VenueError | None:
    """Returns what a listed code proves; None for every other."""
    match code_of(body):
        case Code.NOT_FOUND:
            return OrderNotFound(VENUE, "no such order rests", Code.NOT_FOUND)
        case Code.NO_FUNDS:
            return InsufficientFunds(VENUE, "balance not enough", Code.NO_FUNDS)
        case Code.EXPIRED | Code.BAD_NONCE | Code.BAD_SIGNATURE as code:
            return OrderRejected(VENUE, f"refused: {code}", code)
        case _:
            return None


def refusal_in_answer(_status: int, body: object) -> VenueError | None:
    match code_of(body):
        case Code.NOT_FOUND:
            return OrderNotFound(VENUE, "no such order", Code.NOT_FOUND)
        case Code.BAD_NONCE | Code.BAD_SIGNATURE as code:
            return AuthenticationError(VENUE, f"refused: {code}", code)
        case _:
            return None


def code_of(body: object) -> Code | None:
    code = body.get("code") if isinstance(body, dict) else None
    return Code(code) if code in tuple(Code) else None


def order(state: OrderState, instrument: InstrumentId) -> Order:
    filled = Decimal(state.filled)
    resting = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.NEW
    return Order(
        instrument=instrument,
        client_order_id=state.client_id,
        venue_order_id=state.id,
        side=Side(state.side),
        type=OrderType.LIMIT,
        quantity=Decimal(state.quantity),
        price=Decimal(state.price),
        status=_ENDED.get(state.status, resting),
        filled_quantity=filled,
        ts_created=state.created,
        ts_event=state.changed,
    )


def fill(one: Execution, instrument: InstrumentId) -> Fill:
    return Fill(
        instrument=instrument,
        trade_id=one.id,
        client_order_id=one.client_id,
        venue_order_id=one.order_id,
        side=Side(one.side),
        price=Decimal(one.price),
        quantity=Decimal(one.quantity),
        fee=Decimal(one.fee),
        fee_currency="USDT",
        liquidity=Liquidity.MAKER,
        ts_event=one.ts,
    )


def events(happenings: Iterable[Happening], instrument: InstrumentId) -> list[Event]:
    found: list[Event] = []
    for one in happenings:
        if one.order is not None:
            found.append(OrderUpdate(order(one.order, instrument)))
        if one.fill is not None:
            found.append(FillUpdate(fill(one.fill, instrument)))
    return found


def balance(held: Held) -> Balance:
    total = Decimal(held.total)
    return Balance(currency=held.currency, total=total, available=total, locked=ZERO)


def instrument(name: InstrumentId) -> Instrument:
    return Instrument(
        id=name,
        name="BTC/USDT",
        kind=InstrumentKind.SPOT,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.0001"),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )


def book(quote: Quote, name: InstrumentId) -> BookSnapshot:
    return BookSnapshot(name, ((quote.bid, "1"),), ((quote.ask, "1"),), 1, quote.time, quote.time)


def ticker(quote: Quote, name: InstrumentId) -> Ticker:
    bid, ask = Decimal(quote.bid), Decimal(quote.ask)
    return Ticker(name, (bid + ask) / 2, bid, ask, bid, None, None, None, quote.time)
