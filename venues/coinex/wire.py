"""The shapes of CoinEx's REST answers, as its document shows them; figures stay the text that was sent.

Each struct names its place in the document. Fields beyond those listed are passed over.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

Figure: TypeAlias = Annotated[str, Meta(max_length=64)]
Name: TypeAlias = Annotated[str, Meta(max_length=64)]
Words: TypeAlias = Annotated[str, Meta(max_length=2_000)]
Number: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=1e11)]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, le=10**14)]
WireLevel: TypeAlias = tuple[str, str]


class Envelope(msgspec.Struct, Generic[T], frozen=True):
    """What every answer is wrapped in; `code` 0 is success, whatever `message` says."""

    code: int
    data: T
    message: Words = ""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list; `count` is the rows of this page."""

    data: tuple[T, ...]
    curr_page: Number = 1
    has_next: bool = False
    count: Number = 0
    total: Number | None = None


class WireMarket(msgspec.Struct, frozen=True):
    """Acquire All Market Info; Acquire Single Market Info."""

    name: Name
    trading_name: Name
    pricing_name: Name
    trading_decimal: int
    pricing_decimal: int
    min_amount: Figure
    taker_fee_rate: Figure
    maker_fee_rate: Figure


class WireMarketTrading(msgspec.Struct, frozen=True):
    """Acquire Market Transaction Info: the merge levels of a market. The table calls `depths` `depth`."""

    depths: tuple[Figure, ...]
    is_amm_market: bool
    maker_fee_rate: Figure
    taker_fee_rate: Figure


class WireDepth(msgspec.Struct, frozen=True, gc=False):
    """Acquire Market Depth; Market Depth Query; Market Depth Push, where a side without changes may be missing.

    REST sends no checksum.
    """

    time: Milliseconds = 0
    asks: tuple[WireLevel, ...] = ()
    bids: tuple[WireLevel, ...] = ()
    last: str = ""
    checksum: int | None = None


class WireDeal(msgspec.Struct, frozen=True, gc=False):
    """Acquire Latest Transaction Data."""

    id: Number
    date: Seconds
    date_ms: Milliseconds
    type: Name
    price: Figure
    amount: Figure


WireBar: TypeAlias = tuple[Number, Figure, Figure, Figure, Figure, Figure, Figure]
"""Acquire K-Line Data: seconds, open, CLOSE, high, low, volume, value."""


class WireTicker(msgspec.Struct, frozen=True):
    """Acquire Single Market Statistics."""

    last: Figure
    buy: Figure
    buy_amount: Figure
    sell: Figure
    sell_amount: Figure
    open: Figure
    high: Figure
    low: Figure
    vol: Figure


class WireTickerAt(msgspec.Struct, frozen=True):
    """Acquire Single Market Statistics; the table calls `date` a String, the example shows a number."""

    date: Milliseconds | Figure
    ticker: WireTicker


class WireTickers(msgspec.Struct, frozen=True):
    """Acquire All Market Statistics."""

    date: Milliseconds | Figure
    ticker: dict[Name, WireTicker]


class WireAsset(msgspec.Struct, frozen=True):
    """Acquire Account Balance Info; Asset Query; Asset Push, which may carry a `timestamp`."""

    available: Figure
    frozen: Figure
    timestamp: Seconds | None = None


class WireFeeRates(msgspec.Struct, frozen=True):
    """Acquire Trading Fee Rate."""

    taker: Figure
    maker: Figure


class WireUserFees(msgspec.Struct, frozen=True):
    """Acquire User Trading Fee Rate, by market or "ALL"."""

    spot: dict[Name, WireFeeRates]
    perpetual: dict[Name, WireFeeRates]


class WireOrder(msgspec.Struct, frozen=True):
    """Submit Limit Order and all other places that show a normal order."""

    id: Number
    create_time: Seconds
    amount: Figure
    price: Figure
    deal_amount: Figure
    deal_money: Figure
    market: Name
    left: Figure
    order_type: Name
    type: Name
    status: Name
    finished_time: Seconds | None = None
    account_id: Number = 0
    amount_asset: Name | None = None
    avg_price: Figure = "0"
    deal_fee: Figure = "0"
    stock_fee: Figure = "0"
    money_fee: Figure = "0"
    asset_fee: Figure = "0"
    fee_asset: Name | None = None
    fee_discount: Figure = "1"
    maker_fee_rate: Figure = "0"
    taker_fee_rate: Figure = "0"
    client_id: Name | None = None
    source_id: Words | None = None
    option: Name | None = None


class WireBatchItem(msgspec.Struct, frozen=True):
    """Submit Limit Orders In Batch; Order Status Query In Batch: one order's own code."""

    code: int
    data: WireOrder | None = None
    message: Words = ""


class WireCanceledItem(msgspec.Struct, Generic[T], frozen=True):
    """Cancel Orders By client_id, stops too: here the key is `order`."""

    code: int
    order: T | None = None
    message: Words = ""


class WireStatus(msgspec.Struct, frozen=True):
    """Submit Stop-Limit Order; Modify Stop Order. There is no order id in it."""

    status: Name


class WireStop(msgspec.Struct, frozen=True):
    """Unexecuted Stop Order Query. `state`: 1 the trigger lies below the market, 2 above."""

    order_id: Number
    create_time: Seconds
    amount: Figure
    price: Figure
    stop_price: Figure
    market: Name
    order_type: Name
    type: Name
    account_id: Number = 0
    amount_asset: Name | None = None
    state: int | None = None
    status: Words = ""  # Stop Order History Query alone has it: "active" is triggered
    client_id: Name | None = None
    taker_fee: Figure = "0"
    maker_fee: Figure = "0"
    fee_asset: Name | None = None
    fee_discount: Figure = "1"


class WireUserDeal(msgspec.Struct, frozen=True):
    """User Transaction Record Query."""

    id: Number
    create_time: Seconds
    role: Name
    price: Figure
    amount: Figure
    deal_money: Figure
    fee: Figure
    market: Name
    type: Name
    order_id: Number | None = None
    fee_asset: Name | None = None
    account_id: Number = 0


class WireOrderDeal(msgspec.Struct, frozen=True):
    """Executed Order Detail Query: neither market nor side, and the order id may be null."""

    id: Number
    create_time: Seconds
    role: Name
    price: Figure
    amount: Figure
    deal_money: Figure
    fee: Figure
    fee_asset: Name | None = None
    order_id: Number | None = None


class WirePair(msgspec.Struct, frozen=True):
    """An amount of the base (`sell_type`) and one of the quote currency (`buy_type`)."""

    sell_type: Figure
    buy_type: Figure


class WireMarginAccount(msgspec.Struct, frozen=True):
    """Acquire Market Info in Margin Account; without a loan the last two are empty."""

    account_id: Number
    leverage: Number
    market_type: Name
    sell_asset_type: Name
    buy_asset_type: Name
    balance: WirePair
    frozen: WirePair
    loan: WirePair
    interest: WirePair
    can_transfer: WirePair
    warn_rate: Figure = ""
    liquidation_price: Figure = ""
