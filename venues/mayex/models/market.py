"""What is listed. The document shows neither list: fields are the platform's, and any may be missing."""

from __future__ import annotations

from decimal import Decimal

from venues.transport.models import CamelModel


class Product(CamelModel, frozen=True, kw_only=True):
    """A contract, of the platform's product list. Quantities in the base coin, rates as fractions."""

    symbol: str
    display_name: str | None = None
    type: str | None = None
    base_currency: str | None = None
    quote_currency: str | None = None
    settle_currency: str | None = None
    tick_size: Decimal | None = None
    step_size: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_order_qty: Decimal | None = None
    max_order_qty: Decimal | None = None
    market_max_qty: Decimal | None = None
    maker_fee_rate: Decimal | None = None
    taker_fee_rate: Decimal | None = None
    limit_price_diff_rate: Decimal | None = None
    liquidation_fee_rate: Decimal | None = None
    maintain_margin_rate: Decimal | None = None
    max_leverage: Decimal | None = None


class Pair(CamelModel, frozen=True, kw_only=True):
    """A spot pair, of GET /user/v1/public/spot-marketing/all-pair; names come in either of two styles."""

    symbol: str
    base_currency: str | None = None
    base_ccy: str | None = None
    quote_currency: str | None = None
    quote_ccy: str | None = None
    tick_size: Decimal | None = None
    step_size: Decimal | None = None
    min_order_qty: Decimal | None = None
    max_order_qty: Decimal | None = None
    last_price: Decimal | None = None

    @property
    def base(self) -> str | None:
        return self.base_currency or self.base_ccy

    @property
    def quote(self) -> str | None:
        return self.quote_currency or self.quote_ccy
