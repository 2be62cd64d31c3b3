"""What Pumpkin tells everybody ("Market Data Interface"); quantities are contracts, moments milliseconds."""

from __future__ import annotations

from decimal import Decimal

from msgspec import field

from venues.pumpkin.models.figures import Level, words_of
from venues.transport.models import CamelModel


class Symbol(CamelModel, frozen=True, kw_only=True):
    """GET /v2/public/symbol/list and /detail: a contract and its rules.

    `contract_size` is what one contract holds of the base coin. A limit order may lie up to `multiplier_up` above
    (buys) and `multiplier_down` below (sells) the reference price, as fractions. `state` is 0 in the examples and
    1 in the table: `trade_switch` says whether it trades.
    """

    id: int
    symbol: str
    contract_type: str
    contract_size: Decimal
    trade_switch: bool
    state: int
    init_leverage: int
    init_position_type: str
    base_coin: str
    quote_coin: str
    quantity_precision: int
    price_precision: int
    support_order_type: str
    support_time_in_force: str
    support_entrust_type: str
    support_position_type: str
    min_step_price: Decimal
    min_qty: Decimal
    min_notional: Decimal
    max_notional: Decimal
    multiplier_down: Decimal
    multiplier_up: Decimal
    max_open_orders: int
    max_entrusts: int
    maker_fee: Decimal
    taker_fee: Decimal
    liquidation_fee: Decimal
    market_take_bound: Decimal
    underlying_type: str | None = None
    min_price: Decimal | None = None
    base_coin_precision: int | None = None
    base_coin_display_precision: int | None = None
    quote_coin_precision: int | None = None
    quote_coin_display_precision: int | None = None
    depth_precision_merge: int | None = None
    labels: list[str] | None = None
    onboard_date: int | None = None
    en_name: str | None = None
    cn_name: str | None = None
    robot_rate: Decimal | None = None
    pf_ratio: Decimal | None = None
    tf_ratio: Decimal | None = None
    plate: str | None = None
    base_coin_name: str | None = None
    quote_coin_name: str | None = None

    @property
    def order_types(self) -> tuple[str, ...]:
        return words_of(self.support_order_type)

    @property
    def times_in_force(self) -> tuple[str, ...]:
        return words_of(self.support_time_in_force)

    @property
    def entrust_types(self) -> tuple[str, ...]:
        return words_of(self.support_entrust_type)

    @property
    def position_types(self) -> tuple[str, ...]:
        return words_of(self.support_position_type)


class Ticker(CamelModel, frozen=True, kw_only=True):
    """GET /v2/public/q/ticker and /tickers, of the last 24 h or a trading day.

    `volume` is documented in base units and is contracts by its own example; `turnover` is in the quote coin.
    `change` is a fraction: 0.0102 is 1.02 %.
    """

    time: int = field(name="t")
    symbol: str = field(name="s")
    last: Decimal = field(name="c")
    high: Decimal = field(name="h")
    low: Decimal = field(name="l")
    volume: Decimal = field(name="a")
    turnover: Decimal = field(name="v")
    open: Decimal = field(name="o")
    change: Decimal = field(name="r")


class AggTicker(Ticker, frozen=True, kw_only=True):
    """GET /v2/public/q/agg-ticker and /agg-tickers: a ticker with index, mark and the best of both sides.

    Inferred: a side where nobody offers has no best.
    """

    index: Decimal = field(name="i")
    mark: Decimal = field(name="m")
    bid: Decimal | None = field(name="bp", default=None)
    ask: Decimal | None = field(name="ap", default=None)


class Depth(CamelModel, frozen=True, kw_only=True):
    """GET /v2/public/q/depth, the best of each side first; quantities in contracts."""

    time: int = field(name="t")
    symbol: str = field(name="s")
    bids: list[Level] = field(name="b")
    asks: list[Level] = field(name="a")
    # Above 2**53, a number in the example and text in the table.
    sent_update_id: int | str = field(name="u")

    def __post_init__(self) -> None:
        int(self.sent_update_id)
        super().__post_init__()

    @property
    def update_id(self) -> int:
        return int(self.sent_update_id)


class Deal(CamelModel, frozen=True, kw_only=True):
    """GET /v2/public/q/deal. `side` is BID or ASK; inferred: the taker's. A deal has no id."""

    time: int = field(name="t")
    symbol: str = field(name="s")
    price: Decimal = field(name="p")
    quantity: Decimal = field(name="a")
    side: str = field(name="m")


class Kline(CamelModel, frozen=True, kw_only=True):
    """A row of GET /v2/public/q/kline, `time` when it begins.

    Here `a` is the volume (contracts) and `v` the turnover (quote coin). **The stream swaps the two.**
    """

    symbol: str = field(name="s")
    time: int = field(name="t")
    open: Decimal = field(name="o")
    close: Decimal = field(name="c")
    high: Decimal = field(name="h")
    low: Decimal = field(name="l")
    volume: Decimal = field(name="a")
    turnover: Decimal = field(name="v")


class Price(CamelModel, frozen=True, kw_only=True):
    """GET /v2/public/q/mark-price and /index-price, of all contracts or of one."""

    symbol: str = field(name="s")
    price: Decimal = field(name="p")
    time: int = field(name="t")


class FundingRate(CamelModel, frozen=True, kw_only=True):
    """GET /v2/public/q/funding-rate; the rate is a fraction of the position's value."""

    symbol: str
    funding_rate: Decimal
    next_collection_time: int


class FundingRecord(CamelModel, frozen=True, kw_only=True):
    """A row of GET /v2/public/q/funding-rate-record; `interval` in seconds, `collectionInternal` on the wire."""

    id: str
    symbol: str
    funding_rate: Decimal
    created_time: int
    interval: int = field(name="collectionInternal")


class LeverageBracket(CamelModel, frozen=True, kw_only=True):
    """One tier of a contract: up to `max_position` it takes `max_leverage` and the rate `maintenance_margin`.

    The document says nothing of the unit of `max_position` (inferred: contracts), and its examples look like
    placeholders.
    """

    symbol_id: int
    bracket: int
    max_position: Decimal
    max_leverage: Decimal
    maintenance_margin: Decimal
    maintenance_amount: Decimal
    symbol: str | None = None


class LeverageBrackets(CamelModel, frozen=True, kw_only=True):
    """GET /v2/public/leverage/bracket/list and /detail: the tiers of one contract, the lowest first."""

    symbol: str
    leverage_brackets: list[LeverageBracket]


class RiskBalance(CamelModel, frozen=True, kw_only=True):
    """A row of GET /v2/public/contract/risk-balance: the risk fund at a moment."""

    id: str
    coin: str
    amount: Decimal
    created_time: int


class OpenInterest(CamelModel, frozen=True, kw_only=True):
    """GET /v2/public/contract/open-interest; inferred: `open_interest` in base units, its value is their price."""

    symbol: str
    open_interest: Decimal
    open_interest_usd: Decimal
    time: int
