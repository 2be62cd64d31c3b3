"""The M-wallet: loans over the whole wallet, valued in USDT by index prices. Every moment is in milliseconds."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from venues.transport.models import Model, check_figure


class HistoricalIndexPrice(Model, frozen=True, kw_only=True):
    """GET /wallet/m/historical_index_prices."""

    timestamp: int
    price: Decimal


class IndexPriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """An index price as it is sent: the moment is a number in one document, and text in another."""

    timestamp: int | str
    price: Decimal

    def __post_init__(self) -> None:
        int(self.timestamp)
        check_figure(self.price)

    def index_price(self) -> HistoricalIndexPrice:
        return HistoricalIndexPrice(timestamp=int(self.timestamp), price=self.price)


class InterestRate(Model, frozen=True, kw_only=True):
    """GET /wallet/m/interest_rates, by currency: fractions of what is owed, for an hour."""

    hourly_interest_rate: Decimal
    next_hourly_interest_rate: Decimal


class MWalletLoan(Model, frozen=True, kw_only=True):
    """POST /wallet/m/loan, GET /wallet/m/loans."""

    sn: str
    currency: str
    amount: Decimal
    state: str
    created_at: int
    interest_rate: Decimal | None = None


class MWalletTransfer(Model, frozen=True, kw_only=True):
    """POST /wallet/m/transfer, GET /wallet/m/transfers; `side` is in (to the M-wallet) or out."""

    sn: str
    side: str
    currency: str
    amount: Decimal
    created_at: int
    state: str


class MWalletLiquidationRepayment(Model, frozen=True, kw_only=True):
    """What a liquidation paid back; `amount` is principal and interest together."""

    currency: str
    amount: Decimal
    principal: Decimal
    interest: Decimal
    state: str


class MWalletRepayment(MWalletLiquidationRepayment, frozen=True, kw_only=True):
    """POST /wallet/m/repayment, GET /wallet/m/repayments; `amount` is principal and interest together."""

    sn: str
    created_at: int


class MWalletForcedLiquidation(Model, frozen=True, kw_only=True):
    """What was sold or bought in a liquidation; `type` is sell or buy."""

    market: str
    type: str
    price: Decimal
    volume: Decimal
    fee: Decimal
    fee_currency: str
    repayment: MWalletLiquidationRepayment | None = None


class MWalletLiquidation(Model, frozen=True, kw_only=True):
    """GET /wallet/m/liquidations. `state` is processing, liquidated, or debt_recovery: a debt is left to repay."""

    sn: str
    ad_ratio: Decimal
    expected_ad_ratio: Decimal
    created_at: int
    state: str


class MWalletLiquidationDetail(MWalletLiquidation, frozen=True, kw_only=True):
    """GET /wallet/m/liquidation."""

    repayments: list[MWalletLiquidationRepayment]
    liquidations: list[MWalletForcedLiquidation]


class MWalletInterest(Model, frozen=True, kw_only=True):
    """GET /wallet/m/interests: what fell due, and on what."""

    currency: str
    amount: Decimal
    interest_rate: Decimal
    principal: Decimal
    created_at: int


class MWalletADRatio(Model, frozen=True, kw_only=True):
    """GET /wallet/m/ad_ratio: assets over debts. Without a debt the ratio is very large, or absent."""

    ad_ratio: Decimal | None = None
    asset_in_usdt: Decimal | None = None
    debt_in_usdt: Decimal | None = None
