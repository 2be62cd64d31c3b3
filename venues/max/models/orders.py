"""Our orders, fills and balances. Every moment is in milliseconds."""

from __future__ import annotations

from decimal import Decimal

from venues.errors import DecodeError
from venues.max import VENUE
from venues.max.models.words import SELF_TRADE, OrderSide
from venues.transport.models import Model


class VipLevel(Model, frozen=True, kw_only=True):
    """Fees are fractions: 0.0015 is 0.15 %."""

    level: int
    minimum_trading_volume: Decimal
    minimum_staking_volume: Decimal
    maker_fee: Decimal
    taker_fee: Decimal


class UserInfo(Model, frozen=True, kw_only=True):
    """GET /info."""

    email: str
    level: int
    current_vip_level: VipLevel
    next_vip_level: VipLevel | None = None
    m_wallet_enabled: bool = False


class Account(Model, frozen=True, kw_only=True):
    """GET /wallet/{wallet}/accounts: `balance` is free; `principal` and `interest` are the M-wallet's debt."""

    currency: str
    balance: Decimal
    locked: Decimal
    staked: Decimal | None = None
    principal: Decimal | None = None
    interest: Decimal | None = None

    @property
    def net(self) -> Decimal:
        """What is there, less what is owed."""
        return self.balance + self.locked - (self.principal or 0) - (self.interest or 0)


class Order(Model, frozen=True, kw_only=True):
    """GET /order and all that answers with orders. `price` is None for a market order.

    What a command answers is only what was accepted: it waits, and nothing is executed yet.
    """

    id: int
    wallet_type: str
    market: str
    side: str
    state: str
    ord_type: str
    volume: Decimal
    remaining_volume: Decimal
    executed_volume: Decimal
    avg_price: Decimal
    trades_count: int
    created_at: int
    updated_at: int
    price: Decimal | None = None
    stop_price: Decimal | None = None
    client_oid: str | None = None
    group_id: int | None = None


class MultiOrder(Model, frozen=True, kw_only=True):
    """One order within the answer of DELETE /wallet/{wallet}/orders: why it was not cancelled, or as it is now."""

    error: str | None = None
    order: Order | None = None


class TradeLeg(Model, frozen=True, kw_only=True):
    """Our part in a trade, on one side."""

    side: OrderSide
    order_id: int
    liquidity: str
    fee: Decimal | None
    fee_currency: str | None
    fee_discounted: bool | None


class PrivateTrade(Model, frozen=True, kw_only=True):
    """GET /wallet/{wallet}/trades and /order/trades. `side` is bid, ask, buy, sell or self-trade.

    Of a self-trade, order, fee and liquidity are the ask's, and those of the bid have names of their own: `legs`
    tells both. A fee may be missing just after the trade, since it is computed later.
    """

    id: int
    order_id: int
    wallet_type: str
    price: Decimal
    volume: Decimal
    funds: Decimal
    market: str
    side: str
    liquidity: str
    created_at: int
    market_name: str = ""
    fee: Decimal | None = None
    fee_currency: str | None = None
    fee_discounted: bool | None = None
    self_trade_bid_fee: Decimal | None = None
    self_trade_bid_fee_currency: str | None = None
    self_trade_bid_fee_discounted: bool | None = None
    self_trade_bid_order_id: int | None = None

    @property
    def is_self_trade(self) -> bool:
        return self.side == SELF_TRADE

    def legs(self) -> tuple[TradeLeg, ...]:
        """Returns what of the trade is ours: one leg, of a self-trade two.

        Raises:
            DecodeError: a side that is none, or a self-trade without the bid's order.
        """
        if self.is_self_trade:
            return self._leg(OrderSide.SELL), self._bid()
        try:
            return (self._leg(OrderSide.of(self.side)),)
        except ValueError:
            raise DecodeError(VENUE, "a fill on neither side") from None

    def _leg(self, side: OrderSide) -> TradeLeg:
        return TradeLeg(
            side=side,
            order_id=self.order_id,
            liquidity=self.liquidity,
            fee=self.fee,
            fee_currency=self.fee_currency,
            fee_discounted=self.fee_discounted,
        )

    def _bid(self) -> TradeLeg:
        if self.self_trade_bid_order_id is None:
            raise DecodeError(VENUE, "a self-trade without the order that bought")
        return TradeLeg(
            side=OrderSide.BUY,
            order_id=self.self_trade_bid_order_id,
            liquidity={"maker": "taker", "taker": "maker"}.get(self.liquidity, self.liquidity),
            fee=self.self_trade_bid_fee,
            fee_currency=self.self_trade_bid_fee_currency,
            fee_discounted=self.self_trade_bid_fee_discounted,
        )
