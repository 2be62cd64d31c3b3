"""What the journal keeps: one row for each thing that happened, and how a row is written and read.

Decimals are text and times are whole nanoseconds UTC, so that what is read is what was written. A row names its
command whole: an answer stays readable where the rows before it were lost.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import msgspec

from tui.desk.journal import CancelAllRequest, Command, JournalError, Resolution, Word
from venues import errors
from venues.commands import AmendRequest, CancelRequest, FundsRequest, OrderRequest
from venues.errors import VenueError
from venues.margin import FundsReceipt
from venues.model import Fill, Order
from venues.port import Departure

GENESIS = ""  # what the first row's digest follows


class EventKind(StrEnum):
    """What happened. Only INTENT and NOTE say nothing about what a venue may hold."""

    INTENT = "intent"
    SENDING = "sending"
    ANSWERED = "answered"
    AMBIGUOUS = "ambiguous"
    FACT = "fact"
    RESOLVED = "resolved"
    NOTE = "note"  # what the desk did by itself: a detach policy carried out, a broken file set aside


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A venue's refusal, or the proof that nothing left: the error's name, its words and its code."""

    error: str
    venue: str
    message: str
    code: str | None = None

    @property
    def is_missing_order(self) -> bool:
        """Says whether the venue answered that it does not find the order."""
        return self.error == errors.OrderNotFound.__name__

    @property
    def was_not_sent(self) -> bool:
        return self.error == errors.NotSent.__name__


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one row tells. Exactly one command, or a fact, or neither for a NOTE."""

    submit: OrderRequest | None = None
    amend: AmendRequest | None = None
    cancel: CancelRequest | None = None
    cancel_all: CancelAllRequest | None = None
    funds: FundsRequest | None = None
    desk: str = ""  # mode and account, "PAPER/main": several may share a profile's journal
    nonce: int | None = None
    deadline: int | None = None  # nanoseconds UTC of the venue's clock: it no longer takes the request after it
    sent_after: int | None = None  # of the same clock: what the venue wrote down before this is not of the request
    wire_hash: str = ""  # SHA-256 of the request as it went out
    notional: Decimal | None = None  # what the order counts in the budget, in the account's currency; a note's
    order: Order | None = None
    is_answer: bool = False  # the venue was asked for the order, which settles what was unknown
    fill: Fill | None = None
    receipt: FundsReceipt | None = None
    refusal: Refusal | None = None
    resolution: Resolution | None = None
    text: str = ""  # why it is ambiguous, or the note
    topic: str = ""  # of a note
    since: int | None = None  # of a "start": the oldest row that matters to whoever starts after it
    since_digest: str = ""  # and that row's digest
    locked_until: int | None = None  # nanoseconds UTC

    @property
    def command(self) -> Command | None:
        return self.submit or self.amend or self.cancel or self.cancel_all or self.funds


class Row(NamedTuple):
    """One row as it lies in the file. `digest` covers it and, through the one before it, all rows so far."""

    number: int
    ts: int
    kind: str
    venue: str
    symbol: str
    client_order_id: str
    venue_order_id: str
    body_hash: str  # of the command, SHA-256; empty where there is none
    body: str
    digest: str

    def event(self) -> Event:
        """Reads the body. Raises JournalError where this version does not understand it."""
        return event_of(self.body, self.number)


def event_of(body: str, number: int) -> Event:
    """Reads the body of the row `number`. Raises JournalError where this version does not understand it."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError) as error:
        raise JournalError(f"row {number} of the journal can not be read: {error}") from error


class Draft(NamedTuple):
    """A row before it has its number and digest."""

    ts: int
    kind: str
    venue: str
    symbol: str
    client_order_id: str
    venue_order_id: str
    body_hash: str
    body: str

    def row(self, number: int, before: str) -> Row:
        """Makes it the row `number`, after one whose digest is `before`."""
        text = "\x1f".join((before, str(number), str(self.ts), *self[1:]))
        return Row(number, *self, hashlib.sha256(text.encode()).hexdigest()[:32])


def draft_of(row: Row) -> Draft:
    return Draft(*row[1:9])


def hash_of(command: Command) -> str:
    """Returns the SHA-256 of a command's body: the same for the same body only."""
    # Journals began without these fields: a body that does not need them has the hash that it had in them.
    body = _encoder.encode(command).replace(_SPOT, b"").replace(_NO_POSITION, b"")
    return hashlib.sha256(type(command).__name__.encode() + body).hexdigest()


def draft_command(
    kind: EventKind,
    command: Command,
    ts: int,
    *,
    order: Order | None = None,
    receipt: FundsReceipt | None = None,
    refusal: Refusal | None = None,
    resolution: Resolution | None = None,
    text: str = "",
    departure: Departure | None = None,
    notional: Decimal | None = None,
    desk: str = "",
) -> Draft:
    """Writes a row about a command. Raises JournalError for text that can not be kept."""
    event = Event(
        submit=command if isinstance(command, OrderRequest) else None,
        amend=command if isinstance(command, AmendRequest) else None,
        cancel=command if isinstance(command, CancelRequest) else None,
        cancel_all=command if isinstance(command, CancelAllRequest) else None,
        funds=command if isinstance(command, FundsRequest) else None,
        order=order,
        receipt=receipt,
        refusal=refusal,
        resolution=resolution,
        text=text,
        desk=desk,
        nonce=departure.nonce if departure is not None else None,
        deadline=departure.deadline if departure is not None else None,
        sent_after=departure.sent_after if departure is not None else None,
        wire_hash=departure.body_hash if departure is not None else "",
        notional=notional,
    )
    return _draft(kind, ts, _names_of(command, event), event, command)


def _names_of(command: Command, event: Event) -> tuple[str, str, str, str]:
    """Returns the row's venue, symbol, and the ids of the desk and of the venue."""
    if isinstance(command, CancelAllRequest):
        return command.venue, command.instrument.symbol if command.instrument is not None else "", "", ""
    if isinstance(command, FundsRequest):
        receipt = event.receipt or (event.resolution.receipt if event.resolution is not None else None)
        venue_id = receipt.venue_id if receipt is not None else ""
        return command.venue, command.currency, command.request_id, venue_id
    venue_order_id = event.order.venue_order_id if event.order is not None else ""
    if isinstance(command, AmendRequest | CancelRequest):
        venue_order_id = command.venue_order_id
    return *command.instrument, command.client_order_id, venue_order_id


def draft_answer(command: Command, answer: Word, ts: int, desk: str = "") -> Draft:
    """Writes the row of a venue's word about a command. Raises JournalError for text that can not be kept."""
    return draft_command(
        EventKind.ANSWERED,
        command,
        ts,
        order=answer if isinstance(answer, Order) else None,
        receipt=answer if isinstance(answer, FundsReceipt) else None,
        refusal=refusal_of(answer) if isinstance(answer, VenueError) else None,
        desk=desk,
    )


def draft_fact(fact: Order | Fill, ts: int, desk: str = "", *, is_answer: bool = False) -> Draft:
    """Writes a row about what a venue told. Raises JournalError for text that can not be kept."""
    if isinstance(fact, Order):
        event = Event(order=fact, desk=desk, is_answer=is_answer)
    else:
        event = Event(fill=fact, desk=desk)
    names = (*fact.instrument, fact.client_order_id, fact.venue_order_id)
    return _draft(EventKind.FACT, ts, names, event)


def draft_note(
    text: str,
    ts: int,
    topic: str = "",
    locked_until: int | None = None,
    amount: Decimal | None = None,
    desk: str = "",
    since: tuple[int, str] = (0, ""),
) -> Draft:
    """Writes a row about what the desk did. Raises JournalError for text that can not be kept."""
    event = Event(
        text=text,
        topic=topic,
        locked_until=locked_until,
        notional=amount,
        desk=desk,
        since=since[0] or None,
        since_digest=since[1],
    )
    return _draft(EventKind.NOTE, ts, ("", "", "", ""), event)


def refusal_of(error: VenueError) -> Refusal:
    return Refusal(type(error).__name__, error.venue, error.message, error.code)


def _draft(
    kind: EventKind, ts: int, names: tuple[str, str, str, str], event: Event, command: Command | None = None
) -> Draft:
    try:
        body_hash = hash_of(command) if command is not None else ""
        draft = Draft(ts, kind.value, *names, body_hash, _encoder.encode(event).decode())
    except UnicodeEncodeError as error:
        raise JournalError("the journal can not keep text that is no Unicode") from error
    if not -(2**63) <= ts < 2**63:
        raise JournalError(f"the journal can not keep the time {ts}")
    return draft


_encoder = msgspec.json.Encoder()
_SPOT = b',"in_margin_wallet":false'
_NO_POSITION = b',"instrument":null,"position_id":"","held_before":null'
_decoder = msgspec.json.Decoder(Event)
