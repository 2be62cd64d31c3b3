"""The examples of MAX's documents, as data.

`tests/data/max/rest.jsonl` holds an answer a line: {name, kind, status, message}. A `documented` one is put
together from the examples that the venue's specification gives field by field; a `met` one is in a form in which
the venue's servers were met to answer its own client and those of others; an `error` is one. `methods.jsonl` is
the document's table of calls, and `surface.json` the names in the document of the client.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import msgspec

from tests.venues.documented import RestExample, read_lines
from venues.max import models
from venues.max.models.margin import IndexPriceRow
from venues.max.models.public import KLineRow

FOLDER = Path(__file__).parents[2] / "data" / "max"


class Method(msgspec.Struct, frozen=True):
    """A row of the table of calls; `path` is below "/api/v3"."""

    method: str
    verb: str
    path: str
    is_signed: bool
    parameters: tuple[str, ...]


class Surface(msgspec.Struct, frozen=True):
    calls: tuple[str, ...]
    synchronous_too: tuple[str, ...]
    models: tuple[str, ...]
    auth: tuple[str, ...]


@functools.cache
def examples() -> tuple[RestExample, ...]:
    return read_lines("max", "rest.jsonl", RestExample)


@functools.cache
def methods() -> dict[str, Method]:
    return {row.method: row for row in read_lines("max", "methods.jsonl", Method)}


@functools.cache
def surface() -> Surface:
    return msgspec.json.decode((FOLDER / "surface.json").read_bytes(), type=Surface)


def example(name: str, kind: str | None = None) -> RestExample:
    """Returns the answer of a call such as "markets", the documented one if there is one."""
    return next(each for each in examples() if each.name == name and kind in (None, each.kind))


# The shape in which each call's answer is decoded.
SHAPES: dict[str, Any] = {
    "markets": list[models.Market],
    "currencies": list[models.Currency],
    "timestamp": models.Timestamp,
    "kline": list[KLineRow],
    "depth": models.Depth,
    "trades": list[models.PublicTrade],
    "tickers": list[models.Ticker],
    "ticker": models.Ticker,
    "m_wallet_historical_index_prices": list[IndexPriceRow],
    "m_wallet_interest_rates": dict[str, models.InterestRate],
    "info": models.UserInfo,
    "accounts": list[models.Account],
    "wallet_trades": list[models.PrivateTrade],
    "order_trades": list[models.PrivateTrade],
    "open_orders": list[models.Order],
    "closed_orders": list[models.Order],
    "order_history": list[models.Order],
    "order": models.Order,
    "create_order": models.Order,
    "cancel_orders": list[models.MultiOrder],
    "withdrawal": models.Withdrawal,
    "create_withdrawal": models.Withdrawal,
    "create_twd_withdrawal": models.Withdrawal,
    "withdrawals": list[models.Withdrawal],
    "withdraw_addresses": list[models.WithdrawAddress],
    "deposit": models.Deposit,
    "deposits": list[models.Deposit],
    "deposit_address": models.DepositAddress,
    "internal_transfers": list[models.InternalTransfer],
    "rewards": list[models.Reward],
    "fund_transaction_deposits": list[models.FundTransactionDeposit],
    "fund_transaction_deposit": models.FundTransactionDeposit,
    "fund_transaction_withdrawals": list[models.FundTransactionWithdrawal],
    "fund_transaction_withdrawal": models.FundTransactionWithdrawal,
    "fund_transaction_transfers": list[models.FundTransactionTransfer],
    "fund_transaction_transfer": models.FundTransactionTransfer,
    "create_convert": models.ConvertOrder,
    "convert": models.ConvertOrder,
    "converts": list[models.ConvertOrder],
    "create_m_wallet_loan": models.MWalletLoan,
    "m_wallet_loans": list[models.MWalletLoan],
    "create_m_wallet_transfer": models.MWalletTransfer,
    "m_wallet_transfers": list[models.MWalletTransfer],
    "create_m_wallet_repayment": models.MWalletRepayment,
    "m_wallet_repayments": list[models.MWalletRepayment],
    "m_wallet_liquidations": list[models.MWalletLiquidation],
    "m_wallet_liquidation": models.MWalletLiquidationDetail,
    "m_wallet_interests": list[models.MWalletInterest],
    "m_wallet_ad_ratio": models.MWalletADRatio,
}
