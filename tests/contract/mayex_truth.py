"""What is true at the local Mayex, in the words of every venue."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.contract.truth import ServedControl, State

Row = dict[str, Any]


class MayexControl(ServedControl):
    """The control API of the local Mayex."""

    def read(self, answer: bytes) -> State:
        found = msgspec.json.decode(answer)
        found |= {
            "positions": [_position(row) for row in found["positions"]],
            "leverage": {symbol: row["isolated"] for symbol, row in found["settings"].items()},
        }
        return msgspec.convert(found, State, strict=False)

    async def act(self, **wish: Any) -> Row:
        if name := wish.pop("position_id", ""):
            side, _, mode = name.partition(":")
            wish |= {"position_side": side.upper(), "isolated": mode == "isolated"}
        return await super().act(**wish)


def _position(row: Row) -> Row:
    return row | {"quantity": row["quantity"] if row["side"] == "LONG" else f"-{row['quantity']}"}
