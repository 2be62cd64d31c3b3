"""What is ours. Quantities are in the base coin, money in the settle coin, moments milliseconds."""

from __future__ import annotations

from decimal import Decimal

from msgspec import field

from venues.secret import Secret
from venues.transport.models import CamelModel


class Order(CamelModel, frozen=True, kw_only=True):
    """The answer of POST place-order and POST cancel-order.

    A cancelled one still reads NEW: the cancel is carried out later. `type` of one that was triggered is that of
    the order it has become, `orig_type` what was asked for. A trigger of 0 is none.
    """

    order_id: int
    symbol: str
    side: str
    position_side: str
    isolated: bool
    type: str
    status: str
    orig_qty: Decimal
    client_order_id: str | None = None
    price: Decimal | None = None
    cum_qty: Decimal | None = None
    cum_quote: Decimal | None = None
    executed_qty: Decimal | None = None
    avg_price: Decimal | None = None
    time_in_force: str | None = None
    orig_type: str | None = None
    activate_price: Decimal | None = None
    price_rate: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_type: str | None = None
    tp_trigger_type: str | None = None
    tp_trigger_price: Decimal | None = None
    sl_trigger_type: str | None = None
    sl_trigger_price: Decimal | None = None
    strategy_parent_id: int | None = None


class OpenOrder(CamelModel, frozen=True, kw_only=True):
    """A row of GET /user/v1/private/order/open-orders.

    `transact_time` is of its last change. One that closes a whole position may have no quantity. Its prices
    at placing tell on which side of them the trigger lies.
    """

    order_id: int
    symbol: str
    type: str
    isolated: bool
    side: str
    position_side: str
    status: str
    orig_qty: Decimal | None = None
    executed_qty: Decimal | None = None
    transact_time: int | None = None
    client_order_id: str | None = None
    price: Decimal | None = None
    time_in_force: str | None = None
    mark_price_at_place: Decimal | None = None
    last_price_at_place: Decimal | None = None
    close_position: bool | None = None
    trigger_price: Decimal | None = None
    trigger_type: str | None = None
    tp_trigger_type: str | None = None
    tp_trigger_price: Decimal | None = None
    sl_trigger_type: str | None = None
    sl_trigger_price: Decimal | None = None
    strategy_parent_id: int | None = None


class PastOrder(OpenOrder, frozen=True, kw_only=True):
    """A row of GET /user/v1/private/order/order-histories.

    The average is `avlPrice` here and `avgPrice` elsewhere.
    """

    average_price: Decimal | None = field(name="avlPrice", default=None)
    liq_counterparty_type: str | None = None
    base_ccy: str | None = None
    settled_ccy: str | None = None


class Fill(CamelModel, frozen=True, kw_only=True):
    """A row of GET /user/v1/private/order/trade-histories. `realized_pnl` is without fees."""

    trade_id: int
    order_id: int
    symbol: str
    side: str
    position_side: str
    fee: Decimal
    last_qty: Decimal
    last_price: Decimal
    transaction_time: int
    user_id: int | None = None
    realized_pnl: Decimal | None = None
    isolated: bool | None = None
    liquidation_type: str | None = None
    base_ccy: str | None = None
    settled_ccy: str | None = None
    maker: bool | None = None

    @property
    def fee_paid(self) -> Decimal:
        """What the fill cost; negative where it was paid to us.

        The venue's sign is the other way round: the document's -0.448948 is 0.035 % of 0.030 at 42757.0.
        """
        return -self.fee


class Position(CamelModel, frozen=True, kw_only=True):
    """A row of GET /user/v1/private/positions/current-positions. `quantity` has no sign.

    `margin` and `liq_price` come blank. Its leverage is told nowhere.
    """

    symbol: str
    position_side: str
    isolated: bool
    quantity: Decimal
    avg_entry_price: Decimal | None = None
    isolated_margin: Decimal | None = None
    frozen_margin: Decimal | None = None
    margin: Decimal | None = None
    liq_price: Decimal | None = None
    last_funding_time: int | None = None
    last_tx_time: int | None = None
    base_currency: str | None = None
    quote_currency: str | None = None
    settle_currency: str | None = None
    realised_pnl: Decimal | None = field(name="curTermRealisedPnl", default=None)
    cum_realized_pnl: Decimal | None = None

    def unrealized_pnl(self, mark: Decimal) -> Decimal:
        """Returns what closing all of it at `mark` would bring, fees aside: the venue's own figure is stale."""
        if self.avg_entry_price is None:
            return Decimal()
        gain = (mark - self.avg_entry_price) * abs(self.quantity)
        return -gain if self.position_side == "SHORT" else gain


class CurrencyAccount(CamelModel, frozen=True, kw_only=True):
    """One currency of `Assets`. `unrealized_pnl` is stale by design: it is to be made of the mark prices."""

    currency: str
    account_balance: Decimal
    avail_balance: Decimal | None = None
    unrealized_pnl: Decimal | None = field(name="unRealizedPnL", default=None)
    position_margin: Decimal | None = None
    bonus: Decimal | None = None
    display: str | None = None


class Assets(CamelModel, frozen=True, kw_only=True):
    """GET /user/v1/private/account/asset."""

    accounts: list[CurrencyAccount]
    margin_balance_usd: Decimal | None = None
    margin_balance_btc: Decimal | None = None
    total_account_balance: Decimal | None = None
    total_unrealized_pnl: Decimal | None = field(name="totalUnRealizedPnL", default=None)


class LeverageChange(CamelModel, frozen=True, kw_only=True):
    """The acknowledgement of PUT /order/v1/private/accounts/adjust-leverage; the symbol comes as null."""

    leverage: int | None = None
    symbol: str | None = None
    isolated: bool | None = None
    max_notional_value: Decimal | None = None


class TokenAnswer(CamelModel, frozen=True, kw_only=True):
    """The answer of POST token/create and token/refresh: the platform's, not in the venue's document."""

    ws_token: str
    expiry: int | None = None

    def __repr__(self) -> str:
        return "TokenAnswer(***)"


class StreamToken(CamelModel, frozen=True, kw_only=True):
    """What opens the private stream, until `expiry`, in milliseconds; None where nobody has told."""

    token: Secret
    expiry: int | None = None
