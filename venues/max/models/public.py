"""What MAX tells everybody. Prices and volumes are exact; moments are seconds here and milliseconds there."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec

from venues.errors import DecodeError
from venues.max import VENUE
from venues.max.models.words import OrderSide
from venues.transport.models import Model, check_figure

Level: TypeAlias = tuple[Decimal, Decimal]
"""A price and the volume that rests there."""


class Market(Model, frozen=True, kw_only=True):
    """GET /markets. A precision is the number of decimals; a negative one means whole tens, hundreds, thousands.

    `status` is active, cancel-only (nothing new) or suspended (not even cancels).
    """

    id: str
    status: str
    base_unit: str
    base_unit_precision: int
    min_base_amount: Decimal
    quote_unit: str
    quote_unit_precision: int
    min_quote_amount: Decimal
    m_wallet_supported: bool = False

    @property
    def lot_size(self) -> Decimal:
        """The step of volumes."""
        return Decimal(1).scaleb(-self.base_unit_precision)

    @property
    def tick_size(self) -> Decimal:
        """The step of prices."""
        return Decimal(1).scaleb(-self.quote_unit_precision)


class CurrencyNetwork(Model, frozen=True, kw_only=True):
    """One network of a currency; its `id` is the currency's version, such as "trc20usdt"."""

    id: str
    network_protocol: str
    precision: int
    deposit_confirmations: int
    withdrawal_fee: Decimal
    min_withdrawal_amount: Decimal
    withdrawal_enabled: bool
    deposit_enabled: bool
    need_memo: bool
    token_contract_address: str | None = None
    network_congested: bool | str | None = None  # documented as a bool, met as text, and met missing


class Staking(Model, frozen=True, kw_only=True):
    stake_flag: bool
    unstake_flag: bool


class Currency(Model, frozen=True, kw_only=True):
    """GET /currencies. `type` is fiat or crypto."""

    currency: str
    type: str
    precision: int
    m_wallet_supported: bool
    m_wallet_mortgageable: bool
    m_wallet_borrowable: bool
    min_borrow_amount: str  # a figure, or empty where nothing can be borrowed
    networks: list[CurrencyNetwork]
    staking: Staking | None = None


class Timestamp(Model, frozen=True, kw_only=True):
    """GET /timestamp, in seconds."""

    timestamp: int


class KLine(Model, frozen=True, kw_only=True):
    """A row of GET /k; `timestamp` is when it begins, in seconds."""

    timestamp: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class KLineRow(msgspec.Struct, frozen=True, array_like=True):
    """A row as it is sent: numbers, where the document promises text."""

    timestamp: int | str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def __post_init__(self) -> None:
        int(self.timestamp)
        for figure in (self.open, self.high, self.low, self.close, self.volume):
            check_figure(figure)

    def line(self) -> KLine:
        return KLine(
            timestamp=int(self.timestamp),
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
        )


class Depth(Model, frozen=True, kw_only=True):
    """GET /depth; `timestamp` in seconds. As sent: the best bid comes first, and **the best ask comes last**.

    `last_update_id` counts within `last_update_version`, the same numbers as in the stream's `li` and `v`.
    """

    timestamp: int
    last_update_version: int
    last_update_id: int
    asks: list[Level]
    bids: list[Level]

    @property
    def best_ask(self) -> Level | None:
        return min(self.asks, default=None)

    @property
    def best_bid(self) -> Level | None:
        return max(self.bids, default=None)

    def best_first(self) -> tuple[list[Level], list[Level]]:
        """Returns bids and asks, the best of each first, in whatever order they were sent."""
        return sorted(self.bids, reverse=True), sorted(self.asks)


class PublicTrade(Model, frozen=True, kw_only=True):
    """GET /trades; `created_at` in milliseconds. `side` is bid or ask, and **the maker's**."""

    id: int
    price: Decimal
    volume: Decimal
    funds: Decimal
    market: str
    side: str
    created_at: int

    @property
    def taker_side(self) -> OrderSide:
        """Who crossed the spread. Raises DecodeError where `side` is no side."""
        try:
            return OrderSide.of(self.side).opposite
        except ValueError:
            raise DecodeError(VENUE, "a trade on neither side") from None


class Ticker(Model, frozen=True, kw_only=True):
    """GET /ticker and /tickers, of the last 24 h; `at` in seconds. `buy` is the best bid, `sell` the best ask."""

    market: str
    at: int
    buy: Decimal
    buy_vol: Decimal
    sell: Decimal
    sell_vol: Decimal
    open: Decimal
    low: Decimal
    high: Decimal
    last: Decimal
    vol: Decimal
    vol_in_btc: Decimal
    vol_in_quote: Decimal | None = None
