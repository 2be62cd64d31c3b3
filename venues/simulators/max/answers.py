"""MAX's rows of orders and trades in REST answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from venues.model import Instrument, Liquidity, Side
from venues.simulators.figures import milliseconds
from venues.simulators.max.figures import figure, optional_figure
from venues.simulators.max.orders import CANCEL, FAILED, Shown
from venues.simulators.max.wallet import M
from venues.simulators.orders import MAIN, LocalFill

ACCOUNTS = {"spot": MAIN, "m": M}
WALLETS = {number: name for name, number in ACCOUNTS.items()}


def order_row(shown: Shown) -> dict[str, Any]:
    """Returns an order. What REST has no word for (failed) is cancelled here."""
    return {
        "id": shown.id,
        "wallet_type": WALLETS[shown.account],
        "market": shown.symbol.lower(),
        "client_oid": shown.client_id or None,
        "group_id": shown.group_id,
        "side": shown.side.value,
        "state": CANCEL if shown.state == FAILED else shown.state,
        "ord_type": shown.kind,
        "price": optional_figure(shown.price),
        "stop_price": optional_figure(shown.stop_price),
        "avg_price": figure(round(shown.average, 8)),
        "volume": figure(shown.quantity),
        "remaining_volume": figure(shown.left),
        "executed_volume": figure(shown.filled),
        "trades_count": shown.count,
        "created_at": milliseconds(shown.ts_created),
        "updated_at": milliseconds(shown.ts_event),
    }


def paired(fills: Iterable[LocalFill]) -> list[tuple[LocalFill, LocalFill | None]]:
    """Returns fills with the bid of a trade with oneself beside its ask, in the order given."""
    found: dict[int, LocalFill] = {}
    bids: dict[int, LocalFill] = {}
    for fill in fills:
        other = found.get(fill.trade_id)
        if other is None:
            found[fill.trade_id] = fill
            continue
        ask, bid = (fill, other) if fill.side is Side.SELL else (other, fill)
        found[fill.trade_id], bids[fill.trade_id] = ask, bid
    return [(fill, bids.get(number)) for number, fill in found.items()]


def trade_row(fill: LocalFill, bid: LocalFill | None, instrument: Instrument, *, has_fee: bool) -> dict[str, Any]:
    """Returns a trade; with a `bid` it is one with oneself, and `fill` is its ask."""
    row = {
        "id": fill.trade_id,
        "order_id": fill.order_id,
        "wallet_type": WALLETS[fill.account],
        "price": figure(fill.price),
        "volume": figure(fill.quantity),
        "funds": figure(fill.value),
        "market": instrument.id.symbol.lower(),
        "market_name": instrument.name,
        "side": fill.side.value if bid is None else "self-trade",
        "fee": figure(fill.fee) if has_fee else None,
        "fee_currency": fill.fee_currency.lower() if has_fee else None,
        "fee_discounted": False if has_fee else None,
        "self_trade_bid_fee": None,
        "self_trade_bid_fee_currency": None,
        "self_trade_bid_fee_discounted": None,
        "self_trade_bid_order_id": None,
        "liquidity": "maker" if fill.liquidity is Liquidity.MAKER else "taker",
        "created_at": milliseconds(fill.ts_event),
    }
    if bid is not None:
        row["self_trade_bid_order_id"] = bid.order_id
        if has_fee:
            row["self_trade_bid_fee"] = figure(bid.fee)
            row["self_trade_bid_fee_currency"] = bid.fee_currency.lower()
            row["self_trade_bid_fee_discounted"] = False
    return row
