"""Orders, fills, positions and money of the demo user: told at once and in order, to whoever has a listen key.

The document has none of it; topics and fields are those of its kin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from venues.simulators.figures import amount, figure, milliseconds
from venues.simulators.held import give_held, put_private
from venues.simulators.orders import LocalFill, LocalOrder
from venues.simulators.perpetuals.positions import HeldPosition
from venues.simulators.pumpkin.client import Client, Private
from venues.simulators.pumpkin.figures import trade_number
from venues.simulators.pumpkin.keys import KeyState
from venues.simulators.pumpkin.rows import in_contracts, order_row, position_row, purse_row, side_text
from venues.simulators.pumpkin.tickets import Ticket

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

CHANNELS = ("order", "trade", "position", "balance", "notify")
DENIED = 40005
_ORDER_FIELDS = (
    "symbol", "orderId", "clientOrderId", "origQty", "avgPrice", "price", "executedQty", "orderSide",
    "positionSide", "marginFrozen", "sourceId", "state", "orderType", "timeInForce", "forceClose",
)  # fmt: skip

_FULLER = ("execId", "fee", "feeCoin")


class AccountPushes:
    """What is pushed of the demo user."""

    def __init__(self, venue: PumpkinSimulator, clients: Iterable[Client]) -> None:
        self._venue = venue
        self._faults = venue.faults
        self._clients = clients
        self.is_bare = False  # executions are told without their number and their fee, as by its kin

    def tell_order(self, order: LocalOrder, ticket: Ticket) -> None:
        """Tells how an order stands."""
        if not self._is_wanted():
            return
        row = order_row(order, ticket)
        data = {name: row[name] for name in _ORDER_FIELDS}
        source = "ENTRUST" if ticket.source_id else "DEFAULT"
        self._tell("order", data | {"sourceType": source, "createTime": row["createdTime"]})

    def tell_fill(self, fill: LocalFill, ticket: Ticket) -> None:
        if not self._is_wanted():
            return
        data = {
            "symbol": ticket.symbol,
            "orderSide": side_text(fill.side),
            "positionSide": ticket.position_side.value,
            "orderId": str(fill.order_id),
            "execId": str(trade_number(fill.trade_id)),
            "price": figure(fill.price),
            "quantity": in_contracts(fill.quantity, ticket.symbol),
            "fee": amount(fill.fee),
            "feeCoin": fill.fee_currency,
            "marginUnfrozen": "0",
            "timestamp": milliseconds(fill.ts_event),
        }
        if self.is_bare:
            data = {name: value for name, value in data.items() if name not in _FULLER}
        self._tell("trade", data)

    def tell_position(self, position: HeldPosition) -> None:
        """Tells a position, with a size of 0 once it is closed."""
        if not self._is_wanted():
            return
        more = {"markPrice": figure(self._venue.mark(position.symbol)), "totalFee": amount(position.fees)}
        self._tell("position", position_row(self._venue, position) | more)

    def tell_balance(self) -> None:
        if self._is_wanted():
            for purse in self._venue.wallet.purses():
                self._tell("balance", {**purse_row(purse), "underlyingType": "U_BASED"})

    def tell_notice(self, text: str) -> None:
        self._tell("notify", {"title": "notice", "content": text})

    def tick(self) -> None:
        """Gives what heartbeats-only has kept back, and ends the topics whose key has expired."""
        give_held(self._clients, self._faults)
        now = self._venue.clock.time_ns()
        for client in self._clients:
            gone = [one for one in client.privates if self._venue.keys.state(one.key, now) is not KeyState.GOOD]
            for private in gone:
                del client.privates[private]
            if gone:
                gone_news = msgspec.json.encode({"code": DENIED, "msg": "token expire"})
                put_private(client, gone_news, self._faults)

    def _is_wanted(self) -> bool:
        return any(client.privates for client in self._clients)

    def _tell(self, channel: str, data: dict[str, Any]) -> None:
        for client in self._clients:
            for private in client.privates:
                if private.channel == channel:
                    put_private(client, self._encode(private, data), self._faults)

    @staticmethod
    def _encode(private: Private, data: dict[str, Any]) -> bytes:
        return msgspec.json.encode({"topic": private.channel, "event": private.event, "data": data})
