"""Orders, money and positions of the demo user: told at once and in order, to whoever has given the token.

The document has none of it: events and fields are those of the platform that it is a white label of. No snapshot
comes with a subscription.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from venues.model import ZERO, Liquidity, Side
from venues.simulators.figures import cut, milliseconds
from venues.simulators.held import give_held, put_private
from venues.simulators.mayex.actions import BAD_TOKEN
from venues.simulators.mayex.client import Client
from venues.simulators.mayex.markets import BILL_WORDS
from venues.simulators.mayex.rows import digits
from venues.simulators.mayex.tokens import USER
from venues.simulators.outgoing import ACCOUNT

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator
    from venues.simulators.mayex.tickets import OrderTold, Shown
    from venues.simulators.orders import LocalFill
    from venues.simulators.perpetuals.positions import HeldPosition

ACCOUNT_NUMBER = 1_001_770_011
# Why the account has changed, by the kind of its newest bill: most come of orders.
_REASONS = {
    BILL_WORDS.funding: "FUNDING_FEE",
    BILL_WORDS.transfer: "TRANSFER",
    BILL_WORDS.liquidation: "LIQUIDATION",
}
_ORDER, _MARGIN = "ORDER", "MARGIN_CHANGE"


class AccountPushes:
    """What is pushed of the demo user. Every row of the account has a version that rises."""

    def __init__(self, venue: MayexSimulator, clients: Iterable[Client]) -> None:
        self._venue = venue
        self._faults = venue.faults
        self._clients = clients
        self._first = milliseconds(venue.clock.time_ns())  # versions rise over restarts as well
        self._versions: dict[tuple[object, ...], int] = {}
        self._money: dict[str, tuple[str, str]] = {}
        self._bill = 0  # the newest one that was told of
        self.is_as_sampled = False  # every order is told as new, as in the platform's own example
        venue.orders.told = self.tell_order
        self._is_richer = False
        venue.wallet.changed = self._note_money

    def tell_order(self, told: OrderTold) -> None:
        """Tells how an order stands."""
        if any(client.token for client in self._clients):
            now = milliseconds(self._venue.market.now)
            row = _order_row(told.shown, told.fill)
            row |= {"x": "E_NEW", "X": "NEW"} if self.is_as_sampled else {"x": told.kind}
            self._tell({"e": "ORDER_TRADE_UPDATE", "T": now, "E": self._event_time(), "o": row})

    def _note_money(self) -> None:
        self._is_richer = True

    def flush(self) -> None:
        """Tells what positions and balances have become since the last time; the times here are nanoseconds."""
        positions = self._venue.positions.take_changed()
        if not positions and not self._is_richer:
            return
        self._is_richer = False
        balances = self._balances()
        reason = self._reason()
        if not positions and not balances:
            return
        account = {"m": reason, "B": balances, "P": [self._position(one) for one in positions]}
        push = {"T": self._venue.market.now, "E": self._event_time(), "i": str(USER), "a": account}
        self._tell({"e": "ACCOUNT_UPDATE", **push})

    def _reason(self) -> str:
        bills = self._venue.wallet.bills
        if not bills or bills[-1].id == self._bill:
            return _MARGIN  # which moves no cash
        self._bill = bills[-1].id
        return _REASONS.get(bills[-1].kind, _ORDER)

    def tick(self) -> None:
        """Gives what heartbeats-only has kept back, and ends the streams whose token is good no more."""
        give_held(self._clients, self._faults)
        now = self._venue.clock.time_ns()
        for client in self._clients:
            if client.token and not self._venue.tokens.is_good(client.token, now):
                client.token = ""
                gone = {"code": BAD_TOKEN, "msg": "invalid token"}
                client.outgoing.put(msgspec.json.encode(gone), ACCOUNT)

    def _event_time(self) -> int:
        return milliseconds(self._venue.server_time_ns())

    def _tell(self, push: dict[str, Any]) -> None:
        data = msgspec.json.encode(push)
        for client in self._clients:
            if client.token:
                put_private(client, data, self._faults)

    def _version(self, *row: object) -> int:
        found = self._versions[row] = self._versions.get(row, self._first) + 1
        return found

    def _balances(self) -> list[dict[str, Any]]:
        """Returns the balances that differ from what was told: `cb` is what no isolated position holds."""
        rows: list[dict[str, Any]] = []
        for purse in self._venue.wallet.purses():
            told = padded(cut(purse.wallet)), padded(cut(purse.wallet - purse.isolated))
            if self._money.get(purse.coin) != told:
                self._money[purse.coin] = told
                currency = purse.coin.upper()
                version = self._version(currency)
                rows.append({"ccy": currency, "ab": told[0], "cb": told[1], "vid": version})
        return rows

    def _position(self, one: HeldPosition) -> dict[str, Any]:
        return {
            "a": ACCOUNT_NUMBER,
            "ccy": self._venue.wallet.coin.upper(),
            "s": one.symbol,
            "ps": one.side.value,
            "is": one.is_isolated,
            "pa": padded(one.quantity),
            "ep": padded(one.entry_price),
            "cr": padded(cut(one.net)),
            "im": padded(cut(one.margin if one.is_isolated else ZERO)),
            "vid": self._version(one.symbol, one.side, one.is_isolated),
            "T": milliseconds(one.ts_event),
        }


def padded(value: Decimal) -> str:
    """Returns a number with six digits after the point, or with the eight at most that it has."""
    return digits(round(value, 8), 6)


def _order_row(shown: Shown, fill: LocalFill | None) -> dict[str, Any]:
    fee = -fill.fee if fill is not None else ZERO  # what is charged is negative, as in the trade history
    return {
        "ac": ACCOUNT_NUMBER,
        "L": padded(fill.price if fill is not None else ZERO),
        "l": padded(fill.quantity if fill is not None else ZERO),
        "ap": padded(shown.average),
        "rq": padded(shown.left),
        "z": padded(shown.filled),
        "n": padded(fee),
        "i": shown.number,
        "c": shown.client_id,
        "C": 0,
        "s": shown.symbol,
        "S": "BUY" if shown.side is Side.BUY else "SELL",
        "ps": shown.position_side.value,
        "o": shown.type,
        "is": shown.isolated,
        "f": shown.time_in_force,
        "p": padded(shown.price),
        "q": padded(shown.quantity),
        "X": shown.status,
        "T": milliseconds(shown.ts),
        "m": fill is not None and fill.liquidity is Liquidity.MAKER,
        "cP": shown.close_position,
        "tp": padded(shown.trigger_price),
        "tt": shown.trigger_type,
        "tpType": shown.tp_type,
        "tpPrice": padded(shown.tp_price),
        "slType": shown.sl_type,
        "slPrice": padded(shown.sl_price),
        "sPid": shown.parent,
    }
