"""The seam of the write-ahead journal: what is written before an order leaves, and what became of it after."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol, TypeAlias

import msgspec

from venues.commands import AmendRequest, CancelRequest, FundsRequest, OrderRequest
from venues.errors import VenueError
from venues.margin import FundsReceipt
from venues.model import Fill, InstrumentId, Order, Side
from venues.port import Departure


class CancelAllRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Cancels what rests on a venue; None does not restrict."""

    venue: str
    instrument: InstrumentId | None = None
    side: Side | None = None


Command: TypeAlias = OrderRequest | AmendRequest | CancelRequest | CancelAllRequest | FundsRequest
Word: TypeAlias = Order | FundsReceipt | VenueError | None
"""What a venue answered to a command; None to one that answers without anything."""


BY_TRADER = "trader"


class Resolution(msgspec.Struct, frozen=True, omit_defaults=True):
    """What settled a command that nobody had answered. `order` is how it then stood."""

    by: str  # BY_TRADER, "lookup" ...
    why: str
    order: Order | None = None
    was_never_placed: bool = False  # proven, or decided by a person
    is_concluded: bool = False  # `order` is the desk's conclusion, which a word of the venue's undoes
    receipt: FundsReceipt | None = None  # of a loan, repayment or transfer: what the venue has written down


class JournalError(Exception):
    """The journal could not be written; the message says why (disk full, read-only)."""


class Journal(Protocol):
    """Where commands and their fates are kept. A method returns when what it was given is durable.

    An exception from `intent` or `sending` denies the command: nothing has been sent, and nothing will be. One
    from the others is told to the trader, and changes nothing about the order. Times are nanoseconds UTC.
    """

    async def intent(self, command: Command, ts: int, *, notional: Decimal | None = None) -> None:
        """Keeps what the trader wants; `notional` is what it counts in the session's budget.

        Raises JournalError.
        """
        ...

    async def sending(self, command: Command, departure: Departure, ts: int) -> None:
        """Keeps that the command's first byte is about to leave. Raises JournalError."""
        ...

    async def answered(self, command: Command, answer: Word, ts: int) -> None:
        """Keeps the venue's word: an order, a receipt, a refusal or NotSent; None where it answers without one."""
        ...

    async def ambiguous(self, command: Command, why: str, ts: int) -> None:
        """Keeps that nobody has said what became of the command."""
        ...

    async def fact(self, fact: Order | Fill, ts: int, *, is_answer: bool = False) -> None:
        """Keeps what the venue told about an order or an execution; `is_answer` where it was asked for it."""
        ...

    async def resolved(self, command: Command, resolution: Resolution, ts: int) -> None:
        """Keeps what settled a command that nobody had answered: by whom, and why."""
        ...

    async def note(
        self,
        text: str,
        ts: int,
        *,
        topic: str = "",
        locked_until: int | None = None,
        amount: Decimal | None = None,
    ) -> None:
        """Keeps what the desk did by itself. `topic` is "start", "detach", "loss" ...

        Until `locked_until` (nanoseconds) nothing that adds risk may be sent, over restarts. `amount` is what the
        note is about, such as the equity that a day began with.
        """
        ...

    async def aclose(self) -> None:
        """Ends writing. Again is no error."""
        ...


class ClosedJournal:
    """Keeps nothing, and says why: nothing is sent."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def _refuse(self, *_: object, **__: object) -> None:
        raise JournalError(self._why)

    intent = sending = answered = ambiguous = fact = resolved = note = _refuse

    async def aclose(self) -> None:
        pass


class NoJournal:
    """Keeps nothing: for desks whose orders do not outlive them."""

    async def _keep_nothing(self, *_: object, **__: object) -> None:
        pass

    intent = sending = answered = ambiguous = fact = resolved = note = aclose = _keep_nothing
