"""What is true at the local Pumpkin, in the words of every venue.

A plan order and the order that it places are one here, and so are a take-profit with its stop and the order that
closes: the exchange has two rows of each, with two numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tests.contract.truth import ServedControl, State

Row = dict[str, Any]


class PumpkinControl(ServedControl):
    """The control API of the local Pumpkin."""

    def read(self, answer: bytes) -> State:
        found = msgspec.json.decode(answer)
        children = {row["source_id"]: row for row in found["orders"] if row.get("source_id")}
        waiting = [*_plans(found), *_exits(found)]
        placed = [row for row in found["orders"] if "became" not in row and not row.get("source_id")]
        names = {row["id"]: row["id"] for row in placed} | {
            child["id"]: one["id"] for one in waiting if (child := children.get(_number(one["id"])))
        }
        found |= {
            "orders": [*placed, *(_joined(one, children.get(_number(one["id"]))) for one in waiting)],
            "fills": [_fill(row, names) for row in found["fills"]],
            "balances": {coin.upper(): row for coin, row in found["balances"].items()},
            "positions": [_position(row) for row in found["positions"]],
            "leverage": {symbol: row["leverage"] for symbol, row in found["settings"].items()},
        }
        return msgspec.convert(found, State, strict=False)

    async def act(self, **wish: Any) -> Row:
        if wish["do"] == "cancel":
            wish["id"] = _number(str(wish["id"]))
        return await super().act(**wish)


def _number(order_id: str) -> str:
    """Returns the exchange's number of what the adapter calls `plan:7`, `exit:7` or `7`."""
    return order_id.rpartition(":")[2]


def _plans(state: Row) -> Iterable[Row]:
    return (row | {"id": f"plan:{row['id']}"} for row in state["orders"] if "became" in row)


def _exits(state: Row) -> Iterable[Row]:
    """Returns take-profits with stops as orders that close."""
    for row in state["protections"]:
        is_profit = row["take_profit"] is not None
        yield {
            "id": f"exit:{row['id']}",
            "client_id": "",
            "symbol": row["symbol"],
            "side": "sell" if row["side"] == "LONG" else "buy",
            "type": "take_profit" if is_profit else "stop",
            "quantity": row["quantity"],
            "price": None,
            "trigger": row["take_profit"] if is_profit else row["stop_loss"],
            "status": "new" if row["status"] == "NOT_TRIGGERED" else "canceled",
        }


def _joined(waiting: Row, child: Row | None) -> Row:
    if child is None:
        return waiting
    return waiting | {"filled": child["filled"], "status": child["status"]}


def _fill(row: Row, names: dict[str, str]) -> Row:
    return row | {
        "order_id": names.get(row["order_id"], row["order_id"]),
        "fee_currency": row["fee_currency"].upper(),
    }


def _position(row: Row) -> Row:
    return row | {"quantity": row["quantity"] if row["side"] == "LONG" else f"-{row['quantity']}"}
