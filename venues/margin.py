"""A margin wallet: one account over all currencies beside spot. It lends, charges interest and may liquidate."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from venues.commands import FundsRequest
from venues.model import ZERO


class MarginAsset(msgspec.Struct, frozen=True, kw_only=True):
    """One currency of a margin wallet."""

    currency: str
    available: Decimal = ZERO
    locked: Decimal = ZERO
    principal: Decimal = ZERO  # lent, and not paid back
    interest: Decimal = ZERO  # charged, and not paid
    hourly_rate: Decimal | None = None  # a fraction; None where it is not lent, or not known
    next_hourly_rate: Decimal | None = None
    borrow_limit: Decimal | None = None  # how much may be owed at most; None where it is not lent, or not known
    step: Decimal | None = None  # the finest amount that may be borrowed or moved; None where it is not known

    @property
    def debt(self) -> Decimal:
        return self.principal + self.interest

    @property
    def net(self) -> Decimal:
        """What is there, less what is owed."""
        return self.available + self.locked - self.debt

    @property
    def is_lent(self) -> bool:
        """Whether the venue lends this currency, as far as it is known."""
        return self.borrow_limit is not None or self.hourly_rate is not None


class MarginAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A margin wallet as a whole. `ratio` is assets over debts; None while nothing is owed, or not told yet."""

    venue: str
    assets: tuple[MarginAsset, ...]
    ratio: Decimal | None = None
    total_assets: Decimal | None = None  # in `currency`, by the venue's index prices
    total_debts: Decimal | None = None
    currency: str = ""
    ts_event: int = 0

    @property
    def has_debt(self) -> bool:
        return any(asset.debt for asset in self.assets)

    def asset(self, currency: str) -> MarginAsset | None:
        """Returns what is known of a currency; None where the wallet has nothing to do with it."""
        return next((asset for asset in self.assets if asset.currency == currency), None)


class FundsState(StrEnum):
    """What became of a wish to move funds, by the venue's own words."""

    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"


class FundsReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue has written down of a loan, a repayment or a transfer."""

    request: FundsRequest
    venue_id: str
    state: FundsState
    principal: Decimal | None = None  # of a repayment: the part that paid the loan back
    interest: Decimal | None = None
    ts_event: int = 0
