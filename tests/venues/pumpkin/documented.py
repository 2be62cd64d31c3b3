"""The examples of Pumpkin's document, as data.

`tests/data/pumpkin/rest.jsonl` holds an answer a line, {name, kind, status, message}: `documented` ones, one of
each call, and each `error` that is shown. `methods.jsonl` is what the document says of each call: verb, path,
weight, whether it needs the permission to trade, and its parameters.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from tests.venues.documented import RestExample, read_lines
from venues.pumpkin import models
from venues.pumpkin.models import Accepted, Page
from venues.pumpkin.models.figures import in_envelope


class Method(msgspec.Struct, frozen=True):
    """What the document says of a call; `path` is below its base URL."""

    method: str
    verb: str
    path: str
    weight: int
    is_trade: bool
    parameters: tuple[str, ...]

    @property
    def is_public(self) -> bool:
        return not self.path.startswith("/v2/") or self.path.startswith("/v2/public/")


@functools.cache
def examples() -> tuple[RestExample, ...]:
    return read_lines("pumpkin", "rest.jsonl", RestExample)


@functools.cache
def methods() -> dict[str, Method]:
    return {row.method: row for row in read_lines("pumpkin", "methods.jsonl", Method)}


def example(name: str) -> RestExample:
    """Returns the answer of a call such as "depth", or an error such as "sign"."""
    return next(each for each in examples() if each.name == name)


# What the data of each call's answer is; the rest are acknowledgements that say nothing else.
SHAPES: dict[str, Any] = {
    "time": int,
    "symbols": list[models.Symbol],
    "symbol": models.Symbol,
    "symbol_names": list[str],
    "ticker": models.Ticker,
    "tickers": list[models.Ticker],
    "agg_ticker": models.AggTicker,
    "agg_tickers": list[models.AggTicker],
    "depth": models.Depth,
    "deals": list[models.Deal],
    "klines": list[models.Kline],
    "mark_prices": list[models.Price],
    "mark_price": models.Price,
    "index_prices": list[models.Price],
    "index_price": models.Price,
    "funding_rate": models.FundingRate,
    "funding_history": Page[models.FundingRecord],
    "leverage_brackets": list[models.LeverageBrackets],
    "leverage_bracket": models.LeverageBrackets,
    "risk_balances": Page[models.RiskBalance],
    "open_interest": models.OpenInterest,
    "defi_contracts": list[models.DefiContract],
    "defi_fee": models.DefiFee,
    "create_order": str,
    "orders": Page[models.Order],
    "order_history": Page[models.Order],
    "order": models.Order,
    "fills": Page[models.Fill],
    "open_orders": list[models.Order],
    "open_orders_of": list[models.Order],
    "orders_by_ids": list[models.Order],
    "positions": list[models.Position],
    "create_plan": models.PlanReceipt,
    "create_profit_stop": models.ProfitReceipt,
    "update_profit_stop": models.ProfitUpdate,
    "plans": Page[models.PlanOrder],
    "plan_history": Page[models.PlanOrder],
    "plan": models.PlanOrder,
    "profit_stops": Page[models.ProfitStop],
    "profit_stop": models.ProfitStop,
    "order_entrusts": Page[models.OrderEntrust],
    "balances": list[models.Balance],
    "balance": models.Balance,
    "bills": Page[models.Bill],
    "listen_key": str,
    "rebates": list[models.Rebate],
}
BARE: dict[str, Any] = {
    "cmc_contracts": list[models.CmcContract],
    "cmc_contract_specs": models.ContractSpec,
    "cmc_depth": models.ThirdPartyDepth,
    "cg_contracts": list[models.CgContract],
    "cg_contract_specs": models.ContractSpec,
    "cg_depth": models.ThirdPartyDepth,
}


def shape(name: str) -> Any:
    """Returns the type of a call's whole answer."""
    if name in BARE:
        return BARE[name]
    return in_envelope(SHAPES[name]) if name in SHAPES else Accepted


def decoded(name: str) -> Any:
    """Returns what a call says, by its example."""
    found = msgspec.json.decode(example(name).raw, type=shape(name))
    return found.data if name in SHAPES else found if name in BARE else None
