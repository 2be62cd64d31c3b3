"""The formats of third parties (/common, /cmc, /cg): other names, numbers for text, symbols in upper case."""

from __future__ import annotations

from decimal import Decimal

from msgspec import field

from venues.pumpkin.models.figures import Level
from venues.transport.models import CamelModel


class DefiContract(CamelModel, frozen=True, kw_only=True):
    """A row of GET /common/v2/perpetual/contracts, a day of a contract.

    `hign` and `Amount` are how the document spells two of its keys. `amount` is in base units, `volume` in the
    quote coin.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    open: Decimal
    close: Decimal
    low: Decimal
    volume: Decimal
    high: Decimal = field(name="hign")
    amount: Decimal = field(name="Amount")


class DefiFee(CamelModel, frozen=True, kw_only=True):
    """GET /common/v2/perpetual/fee: the fees of a day, in USDT."""

    total_fee: Decimal


class _Contract(CamelModel, frozen=True, kw_only=True, rename=None):
    ticker_id: str
    base_currency: str
    target_currency: str
    last_price: Decimal
    base_volume: Decimal
    usd_volume: Decimal
    target_volume: Decimal
    bid: Decimal
    ask: Decimal
    high: Decimal
    low: Decimal
    product_type: str
    open_interest: Decimal
    open_interest_usd: Decimal
    index_price: Decimal
    funding_rate: Decimal
    next_funding_rate_timestamp: int
    maker_fee: Decimal
    taker_fee: Decimal


class CmcContract(_Contract, frozen=True, kw_only=True):
    """A row of GET /cmc/v2/perpetual/contracts; a perpetual has neither a creation nor an expiry."""

    creation_timestamp: int | None = None
    expiry_timestamp: int | None = None


class CgContract(_Contract, frozen=True, kw_only=True):
    """A row of GET /cg/v2/perpetual/contracts."""

    index_currency: str
    next_funding_rate: Decimal
    start_timestamp: int | None = None
    end_timestamp: int | None = None


class ContractSpec(CamelModel, frozen=True, kw_only=True, rename=None):
    """GET /cmc/v2/perpetual/contract_specs (a number for its price) and /cg/v2/... (text)."""

    contract_type: str
    contract_price: Decimal
    contract_price_currency: str


class ThirdPartyDepth(CamelModel, frozen=True, kw_only=True, rename=None):
    """GET /cmc/v2/perpetual/depth and /cg/v2/perpetual/depth, the best of each side first; in base units."""

    ticker_id: str
    asks: list[Level]
    bids: list[Level]
    timestamp: int
