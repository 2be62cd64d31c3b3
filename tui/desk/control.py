"""The trader's hand on the desk: the wishes that screens hand over to the engine thread.

Every method returns at once with a future; a key handler never waits for it. What becomes of an order after it
was sent comes back in frames and facts, never in the future.
"""

from __future__ import annotations

from concurrent.futures import Future
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import msgspec

from tui.desk.frame import Fact, Frame, PanicReceipt
from tui.desk.key_control import KeyDesk
from venues.bills import Bill
from venues.commands import FundsKind
from venues.model import InstrumentId, MarginMode, OrderType, Side, TimeInForce


class OrderIntent(msgspec.Struct, frozen=True, kw_only=True):
    """What the trader wants sent, rounded to tick and lot already. The engine makes the client order id.

    `overrides` names the soft guards that the trader has answered with a yes.
    """

    instrument: InstrumentId
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    position_id: str | None = None
    in_margin_wallet: bool = False
    overrides: frozenset[str] = frozenset()


class FundsIntent(msgspec.Struct, frozen=True, kw_only=True):
    """What the trader wants done with a venue's margin wallet, or a position's margin. The engine makes the id."""

    venue: str
    kind: FundsKind
    currency: str
    amount: Decimal
    instrument: InstrumentId | None = None  # of the position, where its margin is changed
    position_id: str = ""
    overrides: frozenset[str] = frozenset()


class AmendIntent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the order with this `OrderView.key`; None leaves as it is. `quantity` is the new total."""

    key: str
    price: Decimal | None = None
    quantity: Decimal | None = None
    trigger_price: Decimal | None = None
    overrides: frozenset[str] = frozenset()


class Verdict(StrEnum):
    SENT = "sent"  # it passed all guards and is on its way; frames and facts tell the rest
    DENIED = "denied"  # a hard limit or the lock: nothing can override it from here
    NEEDS_YES = "needs_yes"  # soft guards ask; send again with their names in `overrides`


class Reason(msgspec.Struct, frozen=True):
    """One guard's word. `guard` is its name ("lock", "size", "notional", "band", "fresh", "duplicate")."""

    guard: str
    text: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk itself decided about a wish, before any venue did. At most three reasons."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    order_key: str = ""
    notional: Decimal | None = None  # what an order that needs a yes is reckoned to be worth, in `currency`
    currency: str = ""


def denied(guard: str, text: str) -> Outcome:
    """Returns the outcome of a wish that one guard stands against."""
    return Outcome(verdict=Verdict.DENIED, reasons=(Reason(guard, text),))


class Bills(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue wrote down, newest first; or why it could not be read, and the remedy."""

    bills: tuple[Bill, ...] = ()
    refusal: str = ""
    are_kept: bool = True  # whether the venue tells any at all


class CancelScope(msgspec.Struct, frozen=True, kw_only=True):
    """Which open orders; None does not restrict. External orders are included."""

    venue: str | None = None
    instrument: InstrumentId | None = None
    side: Side | None = None


class Desk(KeyDesk, Protocol):
    """What screens may ask for. Thread-safe; called on the UI thread."""

    def take_frame(self) -> Frame | None:
        """Takes what is in the mailbox: all that changed since it was last taken, or None."""
        ...

    def take_facts(self) -> list[Fact]:
        """Takes every fact since the last call, oldest first."""
        ...

    def show(self, instrument: InstrumentId) -> Future[None]:
        """Makes book, tape and candles those of `instrument`."""
        ...

    def open_venue(self, name: str) -> Future[Outcome]:
        """Opens one more venue beside those that are open, until the desk is left."""
        ...

    def set_bar_interval(self, seconds: int) -> Future[None]: ...

    def set_favourite(self, instrument: InstrumentId, is_favourite: bool) -> Future[None]: ...

    def check(self, intent: OrderIntent) -> Future[Outcome]:
        """Asks the guards without sending: SENT here means that it would be."""
        ...

    def submit(self, intent: OrderIntent) -> Future[Outcome]: ...

    def amend(self, intent: AmendIntent) -> Future[Outcome]: ...

    def cancel(self, key: str) -> Future[Outcome]: ...

    def cancel_all(self, scope: CancelScope) -> Future[Outcome]: ...

    def close_position(self, instrument: InstrumentId, position_id: str, percent: int) -> Future[Outcome]:
        """Sends a reduce-only market order for `percent` of the position, rounded down to the lot."""
        ...

    def reverse_position(self, instrument: InstrumentId, position_id: str) -> Future[Outcome]:
        """Closes, and only when the close is FILLED opens the same size the other way."""
        ...

    def flatten(self, instrument: InstrumentId | None = None) -> Future[Outcome]:
        """Cancels and closes an instrument, or everything."""
        ...

    def panic(self) -> Future[PanicReceipt]:
        """Cancels everything, flattens reduce-only, reads back, repeats. Works while locked."""
        ...

    def set_leverage(
        self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode
    ) -> Future[Outcome]: ...

    def move_funds(self, intent: FundsIntent) -> Future[Outcome]:
        """Borrows, repays, transfers, or changes a position's margin; `order_key` of the outcome is its id."""
        ...

    def fetch_bills(self, venue: str, limit: int) -> Future[Bills]:
        """Reads what a venue wrote down of the account's money."""
        ...

    def decide_gone(self, key: str) -> Future[Outcome]:
        """Takes the trader's word that an UNKNOWN order is not at the venue: he has looked there himself."""
        ...

    def end_recovery(self) -> Future[Outcome]:
        """Goes on after the recovery screen; what is still UNKNOWN stays so, and is looked up further."""
        ...

    def arm(self) -> Future[Outcome]: ...

    def lock(self, reason: str) -> Future[None]: ...
