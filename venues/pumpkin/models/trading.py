"""What is ours (section "Trading and Account Interface"). Quantities are **contracts**, moments milliseconds."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from msgspec import field

from venues.transport.models import CamelModel

LongId: TypeAlias = int | str
"""An id that the document calls a Long where it shows none: a number, or text as every other id."""


class Order(CamelModel, frozen=True, kw_only=True):
    """GET /v2/order/list, list-history, detail, listUnfinished, all/listUnfinished; POST /v2/order/list-by-ids.

    It has no moment of its last change, no leverage and no reduceOnly. `avg_price` is meaningless while nothing is
    executed. PARTIALLY_CANCELED is a cancelled order of which something was executed.
    """

    order_id: str
    symbol: str
    order_type: str
    order_side: str
    position_side: str
    time_in_force: str
    price: Decimal
    orig_qty: Decimal
    avg_price: Decimal
    executed_qty: Decimal
    state: str
    created_time: int
    client_order_id: str | None = None
    close_position: bool | None = None
    margin_frozen: Decimal | None = None
    trigger_profit_price: Decimal | None = None
    trigger_stop_price: Decimal | None = None
    source_id: LongId | None = None  # the plan order that it came from
    force_close: bool | None = None
    close_profit: Decimal | None = None


class Fill(CamelModel, frozen=True, kw_only=True):
    """A row of GET /v2/order/trade-list: neither its side nor whether it made or took is told.

    By the document a negative `fee` is paid; by both of its examples, and by the bill of one of them, a positive
    one is: see `fee_paid`.
    """

    order_id: str
    exec_id: str
    symbol: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_coin: str
    timestamp: int

    @property
    def fee_paid(self) -> Decimal:
        """What the fill cost in `fee_coin`; negative where it was paid to us. Inferred from the examples."""
        return self.fee


class Position(CamelModel, frozen=True, kw_only=True):
    """GET /v2/position/list: one of a contract and side, or several with ids of their own (DISAGGREGATION).

    `position_size` has no sign. `realized_profit` includes funding. There is no mark and no liquidation price.
    `isolated_margin` of a crossed position is its initial margin.
    """

    symbol: str
    position_id: str
    position_type: str
    position_side: str
    position_size: Decimal
    close_order_size: Decimal
    available_close_size: Decimal
    entry_price: Decimal
    isolated_margin: Decimal
    open_order_margin_frozen: Decimal
    realized_profit: Decimal
    leverage: int
    contract_size: Decimal
    auto_margin: bool | None = None

    def unrealized_profit(self, price: Decimal) -> Decimal:
        """Returns what closing all of it at `price` would bring, fees aside, in the quote coin."""
        gain = (price - self.entry_price) * self.position_size * self.contract_size
        return -gain if self.position_side == "SHORT" else gain


class PlanReceipt(CamelModel, frozen=True, kw_only=True):
    """The acknowledgement of POST /v2/entrust/create-plan."""

    entrust_id: str
    symbol: str | None = None
    entrust_type: str | None = None
    state: str | None = None


class ProfitReceipt(CamelModel, frozen=True, kw_only=True):
    """The acknowledgement of POST /v2/entrust/create-profit."""

    profit_id: str
    symbol: str | None = None
    position_side: str | None = None
    state: str | None = None


class ProfitUpdate(CamelModel, frozen=True, kw_only=True):
    """The acknowledgement of POST /v2/entrust/update-profit-stop: PROCESSING, and done later."""

    adjust_id: LongId
    status: str


class PlanOrder(CamelModel, frozen=True, kw_only=True):
    """GET /v2/entrust/plan-list, /plan-list-history and /plan-detail; `price` is of the order it will place."""

    entrust_id: str
    symbol: str
    entrust_type: str
    order_side: str
    position_side: str
    price: Decimal | None
    orig_qty: Decimal
    stop_price: Decimal
    trigger_price_type: str
    state: str
    created_time: int
    time_in_force: str | None = None
    close_position: bool | None = None
    is_ordinary: bool | None = None
    market_order_level: int | None = None


class ProfitStop(CamelModel, frozen=True, kw_only=True):
    """GET /v2/entrust/profit-list and /profit-detail: take-profit, stop-loss, or both; 0 contracts mean all."""

    profit_id: str
    symbol: str
    position_side: str
    orig_qty: Decimal
    trigger_price_type: str
    state: str
    created_time: int
    trigger_profit_price: Decimal | None = None
    trigger_stop_price: Decimal | None = None
    entry_price: Decimal | None = None
    position_size: Decimal | None = None
    isolated_margin: Decimal | None = None
    executed_qty: Decimal | None = None


class OrderEntrust(CamelModel, frozen=True, kw_only=True):
    """A row of GET /v2/order-entrust/list: an order (`type` ORDER) or a plan order (ENTRUST), with leverage."""

    id: str
    type: str
    symbol: str
    order_side: str
    position_side: str
    orig_qty: Decimal
    state: str
    created_time: int
    order_type: str | None = None
    time_in_force: str | None = None
    close_position: bool | None = None
    price: Decimal | None = None
    avg_price: Decimal | None = None
    executed_qty: Decimal | None = None
    margin_frozen: Decimal | None = None
    trigger_profit_price: Decimal | None = None
    trigger_stop_price: Decimal | None = None
    leverage: int | None = None
    entrust_order_id: LongId | None = None
    close_profit: Decimal | None = None
    entrust_type: str | None = None
    stop_price: Decimal | None = None
    trigger_price_type: str | None = None
    is_ordinary: bool | None = None
    market_order_level: int | None = None
    force_close: bool | None = None


class Balance(CamelModel, frozen=True, kw_only=True):
    """GET /v2/balance/list and /balance/detail: available = wallet - isolated - crossed - frozen for orders."""

    coin: str
    wallet_balance: Decimal
    open_order_margin_frozen: Decimal
    isolated_margin: Decimal
    crossed_margin: Decimal
    available_balance: Decimal
    bonus: Decimal | None = None


class Bill(CamelModel, frozen=True, kw_only=True):
    """A row of GET /v2/balance/bills; `amount` has a sign, and `side` says the same (ADD, SUB)."""

    id: str
    coin: str
    type: str
    amount: Decimal
    side: str
    created_time: int
    symbol: str | None = None
    after_amount: Decimal | None = None


class Rebate(CamelModel, frozen=True, kw_only=True):
    """A row of GET /v2/channel/rebateDetail; figures are numbers here.

    `rebate_type` is 1 of one's own, 2 of a customer, 3 a difference of prices; `user_type` is 1 partner, 2 retail.
    """

    uid: str
    total_trade_amount: Decimal
    total_fee: Decimal
    total_rebate_amount: Decimal
    rebate_date: int
    symbol: str
    rebate_type: int
    rate: Decimal
    user_type: int
    symbol_id: int
    wallet_address: str | None = None
    pumpkins_uid: str | None = None  # so in the example,
    pumpkin_uid: str | None = field(name="pumpkinUid", default=None)  # and so in the table

    @property
    def venue_uid(self) -> str | None:
        """The partner's number at the venue, under whichever of its two names it came."""
        return self.pumpkins_uid or self.pumpkin_uid
