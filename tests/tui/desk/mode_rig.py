"""A venue whose orders each say their margin mode: positions are told apart by side and mode, as at Mayex."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tests.tui.desk.hedge_rig import D, HedgeVenue, hedged, held
from venues.commands import OrderRequest
from venues.errors import OrderRejected
from venues.model import InstrumentId, MarginMode, Position
from venues.port import Capabilities

SETTINGS = ("header_prefix", "secret_decoding", "signed_path", "rest_url")


def by_order(**changes: Any) -> Capabilities:
    """What such a venue can do; its orders bring no leverage."""
    made = hedged(margin_mode_of_order=True, leverage_of_order=False, leverage_needs_flat=False)
    return msgspec.structs.replace(made, **changes)


def in_mode(position_id: str, quantity: str, leverage: int = 10, **changes: Any) -> Position:
    """Returns a position that its id says all of: "long:isolated"."""
    mode = MarginMode(position_id.partition(":")[2])
    return held(position_id, quantity, leverage, **({"margin_mode": mode} | changes))


class ModeVenue(HedgeVenue):
    """Merges what is of one side and mode, and refuses an order that names no mode, as nobody may guess it there.

    `refusal` is what a change of leverage is refused with.
    """

    def __init__(self, *positions: Position, caps: Capabilities | None = None) -> None:
        super().__init__(*positions, caps=caps if caps is not None else by_order())
        self.refusal = ""
        self.set: list[tuple[Decimal, MarginMode]] = []

    def book_order(self, request: OrderRequest) -> None:
        if not request.reduce_only and (request.margin_mode is None or request.leverage is not None):
            raise OrderRejected(self.name, "216 mandatory param missing")
        super().book_order(request)

    def _move_position(self, request: OrderRequest) -> None:
        if request.reduce_only:
            super()._move_position(request)
            return
        side = "long" if request.side.sign > 0 else "short"
        name = f"{side}:{request.margin_mode}"
        before = next((one for one in self.held if one.position_id == name), in_mode(name, "0"))
        self._keep(before, request.side.sign * request.quantity)

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        await super().set_leverage(instrument, leverage, margin_mode)
        if self.refusal:
            raise OrderRejected(self.name, self.refusal, "1012")
        self.set.append((leverage, margin_mode))
        self.held = [
            msgspec.structs.replace(one, leverage=leverage) if one.margin_mode is margin_mode else one
            for one in self.held
        ]


LONG, CROSS_LONG = in_mode("long:isolated", "2"), in_mode("long:cross", "1", margin=D(0))
SHORT = in_mode("short:isolated", "-0.5", 20)
