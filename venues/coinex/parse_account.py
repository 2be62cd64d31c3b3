"""Balances and margin accounts of CoinEx: wire -> `venues.model`.

Every parser raises DecodeError for what the document does not allow, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from venues.coinex import VENUE
from venues.coinex.figures import amount, figure, ns_of_seconds, positive_or_none
from venues.coinex.messages import AssetUpdate
from venues.coinex.parse import instrument_id
from venues.coinex.wire import WireAsset, WireMarginAccount
from venues.events import BalanceUpdate
from venues.model import Balance, InstrumentId, MarginMode, Position


def parse_balances(assets: Mapping[str, WireAsset]) -> list[Balance]:
    """Returns what the account holds; a currency of which there is nothing is not told."""
    return [parse_balance(currency, asset) for currency, asset in assets.items()]


def parse_balance(currency: str, asset: WireAsset) -> Balance:
    available, locked = amount(asset.available), amount(asset.frozen)
    return Balance(currency=currency, total=available + locked, available=available, locked=locked)


def parse_asset_push(push: AssetUpdate, ts_recv: int) -> BalanceUpdate:
    """Returns the balances of a push; where it tells no time, `ts_recv` stands for it."""
    assets = push.params[0]
    times = [ns_of_seconds(asset.timestamp) for asset in assets.values() if asset.timestamp is not None]
    return BalanceUpdate(VENUE, tuple(parse_balances(assets)), max(times, default=ts_recv))


class MarginAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The isolated margin account of one market. `base` and `quote` are what is held less what is owed."""

    instrument: InstrumentId
    account_id: int
    base_name: str
    quote_name: str
    leverage: Decimal  # the most that may be lent, not a setting
    base: Decimal
    quote: Decimal
    base_loan: Decimal
    quote_loan: Decimal
    base_interest: Decimal
    quote_interest: Decimal
    risk_rate: Decimal | None  # in per cent; None without a loan
    liquidation_price: Decimal | None

    @property
    def has_loan(self) -> bool:
        return bool(self.base_loan or self.quote_loan or self.base_interest or self.quote_interest)

    def position(self, price: Decimal, ts_event: int) -> Position:
        """Returns the account as a position in the base; it has no entry price, so `price` stands for it."""
        return Position(
            instrument=self.instrument,
            quantity=self.base,
            entry_price=price,
            position_id=f"margin-{self.account_id}",
            leverage=self.leverage,
            margin_mode=MarginMode.ISOLATED,
            margin=self.quote + self.base * price,
            liquidation_price=self.liquidation_price,
            ts_event=ts_event,
        )


def parse_margin_account(account: WireMarginAccount) -> MarginAccount:
    """Returns a margin account."""
    held, locked, loan, interest = account.balance, account.frozen, account.loan, account.interest
    base_loan, quote_loan = amount(loan.sell_type), amount(loan.buy_type)
    base_interest, quote_interest = amount(interest.sell_type), amount(interest.buy_type)
    return MarginAccount(
        instrument=instrument_id(account.market_type),
        account_id=account.account_id,
        base_name=account.sell_asset_type,
        quote_name=account.buy_asset_type,
        leverage=Decimal(account.leverage),
        base=amount(held.sell_type) + amount(locked.sell_type) - base_loan - base_interest,
        quote=amount(held.buy_type) + amount(locked.buy_type) - quote_loan - quote_interest,
        base_loan=base_loan,
        quote_loan=quote_loan,
        base_interest=base_interest,
        quote_interest=quote_interest,
        risk_rate=figure(account.warn_rate) if account.warn_rate else None,
        liquidation_price=positive_or_none(account.liquidation_price),
    )
