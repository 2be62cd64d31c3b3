"""Deposits, withdrawals, transfers, rewards and converts. Every moment is in milliseconds, but a convert's."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from venues.transport.models import Model


class Withdrawal(Model, frozen=True, kw_only=True):
    """GET and POST /withdrawal, /withdrawals. `state` is processing, failed, canceled or done."""

    uuid: str
    currency: str
    amount: Decimal
    fee: Decimal
    fee_currency: str
    to_address: str
    label: str
    created_at: int
    state: str
    transaction_type: str  # external or internal
    network_protocol: str | None = None
    txid: str | None = None


class WithdrawAddress(Model, frozen=True, kw_only=True):
    """GET /withdraw_addresses: one that a person entered and confirmed at the venue."""

    uuid: str
    currency: str
    address: str
    extra_label: str
    created_at: int
    is_internal: bool
    activated_at: int | None = None
    network_protocol: str | None = None
    network_congested: bool | str | None = None


class Deposit(Model, frozen=True, kw_only=True):
    """GET /deposit and /deposits."""

    uuid: str
    currency: str
    amount: Decimal
    to_address: str
    txid: str
    created_at: int
    confirmations: int
    state: str
    state_reason: str = ""
    network_protocol: str | None = None


class DepositAddress(Model, frozen=True, kw_only=True):
    """GET /deposit_address; no `address` while it is being made."""

    currency: str
    currency_version: str
    network_protocol: str
    address: str | None = None


class InternalTransfer(Model, frozen=True, kw_only=True):
    """GET /internal_transfers, between people at the venue; `from_` and `to` are e-mail addresses, some masked."""

    uuid: str
    currency: str
    amount: Decimal
    created_at: int
    to: str
    state: str
    from_: str = msgspec.field(name="from")


class Reward(Model, frozen=True, kw_only=True):
    """GET /rewards. There are more types than the document lists."""

    uuid: str
    currency: str
    amount: Decimal
    created_at: int
    type: str
    note: str = ""


class FundTransactionDeposit(Model, frozen=True, kw_only=True):
    """GET /fund_transactions/deposits: `from_` is told of an internal one, the rest of an external one."""

    sn: str
    is_internal: bool
    currency: str
    amount: Decimal
    state: str
    created_at: int
    network_protocol: str | None = None
    to_address: str | None = None
    txid: str | None = None
    from_: str | None = msgspec.field(name="from", default=None)


class FundTransactionWithdrawal(Model, frozen=True, kw_only=True):
    """GET /fund_transactions/withdrawals: `to` is told of an internal one, the rest of an external one."""

    sn: str
    is_internal: bool
    currency: str
    amount: Decimal
    state: str
    created_at: int
    network_protocol: str | None = None
    fee: Decimal | None = None
    fee_currency: str | None = None
    to_address: str | None = None
    label: str | None = None
    txid: str | None = None
    to: str | None = None


class FundTransactionSource(Model, frozen=True, kw_only=True):
    """One end of a transfer: a wallet of the account or of a sub-account."""

    platform: str
    sn: str
    wallet_type: str


class FundTransactionTransfer(Model, frozen=True, kw_only=True):
    """GET /fund_transactions/transfers."""

    sn: str
    currency: str
    amount: Decimal
    state: str
    created_at: int
    to: FundTransactionSource
    from_: FundTransactionSource = msgspec.field(name="from")


class ConvertOrder(Model, frozen=True, kw_only=True):
    """POST and GET /convert, /converts; `created_at` in **seconds**. The fee is taken off `to_amount` already."""

    sn: str
    from_currency: str
    from_amount: Decimal
    to_currency: str
    to_amount: Decimal
    fee: Decimal
    fee_currency: str
    created_at: int
    fee_in_twd: Decimal | None = None
