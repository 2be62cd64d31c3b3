"""Executions and fees of CoinEx: wire -> `venues.model`.

Every parser raises DecodeError for what the document does not allow, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypeAlias

import msgspec

from venues.coinex import VENUE
from venues.coinex.figures import figure, ns_of_seconds, positive, side_of
from venues.coinex.messages import OwnDealsUpdate, StreamOrder
from venues.coinex.parse import instrument_id
from venues.coinex.wire import WireOrder, WireOrderDeal, WireUserDeal
from venues.errors import DecodeError
from venues.model import ZERO, Fill, Instrument, InstrumentId, Liquidity, Order, Side

Fee: TypeAlias = tuple[Decimal, str]
"""(amount, currency); positive is paid."""

_ROLES = {"maker": Liquidity.MAKER, "taker": Liquidity.TAKER, 1: Liquidity.MAKER, 2: Liquidity.TAKER}


class OwnDeal(msgspec.Struct, frozen=True, kw_only=True):
    """An execution as the stream tells it: without its fee and its role."""

    instrument: InstrumentId
    trade_id: str
    client_order_id: str
    venue_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    ts_event: int

    def fill(self, fee: Fee, liquidity: Liquidity) -> Fill:
        """Returns the fill, its fee and role found elsewhere."""
        return Fill(
            instrument=self.instrument,
            trade_id=self.trade_id,
            client_order_id=self.client_order_id,
            venue_order_id=self.venue_order_id,
            side=self.side,
            price=self.price,
            quantity=self.quantity,
            fee=fee[0],
            fee_currency=fee[1],
            liquidity=liquidity,
            ts_event=self.ts_event,
        )


class Fees(msgspec.Struct, frozen=True, kw_only=True):
    """What an order has paid so far, in each currency that a fee can be taken in."""

    base: Decimal = ZERO
    quote: Decimal = ZERO
    other: Decimal = ZERO
    other_currency: str = ""

    def since(self, before: Fees, instrument: Instrument) -> Fee | None:
        """Returns what was paid after `before`; None where it was paid in two currencies at once."""
        paid = [
            (now - then, currency)
            for now, then, currency in (
                (self.base, before.base, instrument.base),
                (self.quote, before.quote, instrument.quote),
                (self.other, before.other, self.other_currency),
            )
            if now != then
        ]
        if not paid:
            return ZERO, instrument.quote
        return paid[0] if len(paid) == 1 else None


def parse_fees(order: StreamOrder | WireOrder) -> Fees:
    """Returns what an order has paid so far."""
    return Fees(
        base=figure(order.stock_fee),
        quote=figure(order.money_fee),
        other=figure(order.asset_fee),
        other_currency=order.fee_asset or "",
    )


def parse_last_fill(order: StreamOrder, instrument: Instrument, before: Fees | None = None) -> Fill | None:
    """Returns the execution that an order push tells of, `before` being what the order had paid until then.

    None where the push names no execution (the document's does not), no role, or more than one fee: then
    `order/user/deals` has to be asked.
    """
    liquidity = _ROLES.get(order.last_role or 0)
    fee = parse_fees(order).since(before or Fees(), instrument)
    if not order.last_deal_id or liquidity is None or fee is None:
        return None
    return Fill(
        instrument=instrument.id,
        trade_id=str(order.last_deal_id),
        client_order_id=order.client_id or "",
        venue_order_id=str(order.id),
        side=side_of(order.side),
        price=positive(order.last_deal_price),
        quantity=positive(order.last_deal_amount),
        fee=fee[0],
        fee_currency=fee[1],
        liquidity=liquidity,
        ts_event=ns_of_seconds(order.last_deal_time or order.mtime),
    )


def parse_user_deals(deals: Iterable[WireUserDeal], client_ids: Mapping[str, str] | None = None) -> list[Fill]:
    """Returns our fills, oldest first; the venue does not tell their client ids, `client_ids` maps order ids."""
    known = client_ids or {}
    fills = []
    for deal in sorted(deals, key=lambda deal: (deal.create_time, deal.id)):
        order_id = "" if deal.order_id is None else str(deal.order_id)
        fills.append(
            _fill(deal, instrument_id(deal.market), side_of(deal.type), order_id, known.get(order_id, ""))
        )
    return fills


def parse_order_deals(deals: Iterable[WireOrderDeal], order: Order) -> list[Fill]:
    """Returns the fills of `order`, oldest first: the rows name neither its market nor its side."""
    return [
        _fill(deal, order.instrument, order.side, order.venue_order_id, order.client_order_id)
        for deal in sorted(deals, key=lambda deal: (deal.create_time, deal.id))
    ]


def parse_own_deals(push: OwnDealsUpdate) -> list[OwnDeal]:
    """Returns our executions of a push, oldest first; fee and role are told elsewhere."""
    market, deals = push.params
    return [
        OwnDeal(
            instrument=instrument_id(market),
            trade_id=str(deal.id),
            client_order_id=deal.client_id or "",
            venue_order_id=str(deal.order_id),
            side=side_of(deal.type),
            price=positive(deal.price),
            quantity=positive(deal.amount),
            ts_event=ns_of_seconds(deal.time),
        )
        for deal in sorted(deals, key=lambda deal: deal.id)
    ]


def _fill(
    deal: WireUserDeal | WireOrderDeal, instrument: InstrumentId, side: Side, order_id: str, client_id: str
) -> Fill:
    liquidity = _ROLES.get(deal.role)
    if liquidity is None:
        raise DecodeError(VENUE, "a role that is neither maker nor taker")
    return Fill(
        instrument=instrument,
        trade_id=str(deal.id),
        client_order_id=client_id,
        venue_order_id=order_id,
        side=side,
        price=positive(deal.price),
        quantity=positive(deal.amount),
        fee=figure(deal.fee),
        fee_currency=deal.fee_asset or "",
        liquidity=liquidity,
        ts_event=ns_of_seconds(deal.create_time),
    )
