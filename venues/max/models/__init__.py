"""The answers of MAX's REST half, as its document names them; each says where it comes from.

Money is Decimal. A moment is whatever the venue sends, seconds or milliseconds, as the class says. Words (states,
sides, types) stay text: compare them with `OrderState`, `OrderSide` and `OrderType`.
"""

from __future__ import annotations

from venues.max.models.funds import (
    ConvertOrder,
    Deposit,
    DepositAddress,
    FundTransactionDeposit,
    FundTransactionSource,
    FundTransactionTransfer,
    FundTransactionWithdrawal,
    InternalTransfer,
    Reward,
    WithdrawAddress,
    Withdrawal,
)
from venues.max.models.margin import (
    HistoricalIndexPrice,
    InterestRate,
    MWalletADRatio,
    MWalletForcedLiquidation,
    MWalletInterest,
    MWalletLiquidation,
    MWalletLiquidationDetail,
    MWalletLiquidationRepayment,
    MWalletLoan,
    MWalletRepayment,
    MWalletTransfer,
)
from venues.max.models.orders import Account, MultiOrder, Order, PrivateTrade, TradeLeg, UserInfo, VipLevel
from venues.max.models.public import (
    Currency,
    CurrencyNetwork,
    Depth,
    KLine,
    Level,
    Market,
    PublicTrade,
    Staking,
    Ticker,
    Timestamp,
)
from venues.max.models.words import OrderSide, OrderState, OrderType

__all__ = [
    "Account",
    "ConvertOrder",
    "Currency",
    "CurrencyNetwork",
    "Deposit",
    "DepositAddress",
    "Depth",
    "FundTransactionDeposit",
    "FundTransactionSource",
    "FundTransactionTransfer",
    "FundTransactionWithdrawal",
    "HistoricalIndexPrice",
    "InterestRate",
    "InternalTransfer",
    "KLine",
    "Level",
    "MWalletADRatio",
    "MWalletForcedLiquidation",
    "MWalletInterest",
    "MWalletLiquidation",
    "MWalletLiquidationDetail",
    "MWalletLiquidationRepayment",
    "MWalletLoan",
    "MWalletRepayment",
    "MWalletTransfer",
    "Market",
    "MultiOrder",
    "Order",
    "OrderSide",
    "OrderState",
    "OrderType",
    "PrivateTrade",
    "PublicTrade",
    "Reward",
    "Staking",
    "Ticker",
    "Timestamp",
    "TradeLeg",
    "UserInfo",
    "VipLevel",
    "WithdrawAddress",
    "Withdrawal",
]
