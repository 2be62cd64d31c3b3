"""Instruments, requests and short ways to say them, for the tests of the paper exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.events import Event
from venues.model import Instrument, InstrumentId, InstrumentKind, OrderType, Side
from venues.paper.exchange import PaperExchange

SPOT = InstrumentId("paper", "BTCUSDT")
PERP = InstrumentId("paper", "BTCUSDT-PERP")
ETH_PERP = InstrumentId("paper", "ETHUSDT-PERP")
START = 1_700_000_000_000_000_000  # 2023-11-14 22:13:20 UTC: the next funding is at 00:00
ME = "trader"
D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def spot(**changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "id": SPOT,
        "name": "BTC/USDT",
        "kind": InstrumentKind.SPOT,
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "tick_size": D("0.5"),
        "lot_size": D("0.01"),
        "maker_fee": D("0.001"),
        "taker_fee": D("0.002"),
    }
    return Instrument(**(fields | changes))


def perpetual(**changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "id": PERP,
        "name": "BTC/USDT perp",
        "kind": InstrumentKind.LINEAR_PERPETUAL,
        "maker_fee": D("0.0002"),
        "taker_fee": D("0.0005"),
        "max_leverage": D(50),
        "maintenance_margin": D("0.01"),
    }
    return spot(**(fields | changes))


def exchange(**changes: Any) -> PaperExchange:
    arguments: dict[str, Any] = {
        "start": START,
        "deposits": {ME: {"USDT": D(10_000), "BTC": D(10)}, "other": {"USDT": D(10_000), "BTC": D(10)}},
    }
    listed = [spot(), perpetual(), perpetual(id=ETH_PERP, name="ETH/USDT perp", base="ETH")]
    return PaperExchange(listed, **(arguments | changes))


def request(
    client_order_id: str, side: Side, quantity: str, price: str | None = None, **rest: Any
) -> OrderRequest:
    """A spot limit order, or a market order where there is no price."""
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    fields: dict[str, Any] = {
        "instrument": SPOT,
        "type": kind,
        "price": None if price is None else D(price),
        "client_order_id": client_order_id,
        "side": side,
        "quantity": D(quantity),
    }
    return OrderRequest(**(fields | rest))


def amend_request(client_order_id: str, *, venue_order_id: str = "", **changes: Any) -> AmendRequest:
    fields: dict[str, Any] = {"instrument": SPOT, "venue_order_id": venue_order_id}
    return AmendRequest(client_order_id=client_order_id, **(fields | changes))


def cancel_request(client_order_id: str, instrument: InstrumentId = SPOT) -> CancelRequest:
    return CancelRequest(instrument=instrument, client_order_id=client_order_id, venue_order_id="")


def quote(
    paper: PaperExchange, instrument: InstrumentId, bid: str, ask: str, quantity: str = "5"
) -> tuple[int, int]:
    """Puts one house order on each side and returns their numbers."""
    return (
        paper.flow_limit(instrument, BUY, D(bid), D(quantity)),
        paper.flow_limit(instrument, SELL, D(ask), D(quantity)),
    )


def of_kind(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
