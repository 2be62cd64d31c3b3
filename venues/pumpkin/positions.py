"""Positions of Pumpkin, several of each side where they are not joined, by the venue's own ids.

The venue tells neither a mark nor a liquidation price: that one is computed, and always an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from venues.errors import DecodeError
from venues.events import Event, Notice
from venues.liquidation import PositionKey
from venues.model import ZERO, Fill, Instrument, InstrumentId, MarginMode, Order, Position, Side
from venues.pumpkin import VENUE
from venues.pumpkin.figures import base_of, instrument_id
from venues.pumpkin.funding import FundingBook
from venues.pumpkin.models import Position as Row
from venues.transport.freshness import BEHIND, Newest
from venues.transport.recent import Recent
from venues.transport.told_positions import ToldPositions, crossed, funding_words

_SIGNS = {"LONG": 1, "SHORT": -1}
_MODES = {
    "CROSSED": MarginMode.CROSS,
    "CROSS": MarginMode.CROSS,  # as the table of symbols writes it
    "ISOLATED": MarginMode.ISOLATED,
}
_MOST_CLOSED = 2_000


class Facts(msgspec.Struct, frozen=True):
    """What the venue says of a position. `quantity` is signed, in base units; `free` may still be closed."""

    instrument: InstrumentId
    position_id: str
    quantity: Decimal
    entry_price: Decimal
    margin: Decimal
    mode: MarginMode
    leverage: int
    realized: Decimal
    free: Decimal

    @property
    def key(self) -> PositionKey:
        return self.instrument, self.position_id

    @property
    def closing_side(self) -> Side:
        return Side.SELL if self.quantity > 0 else Side.BUY


class _Tally:
    """What the only position of a side has paid in fees, by the executions: those of the one before it aside."""

    def __init__(self, size: Decimal = ZERO, fees: Decimal = ZERO) -> None:
        self.size = size
        self.fees = fees

    def take(self, quantity: Decimal, fee: Decimal, *, closes: bool) -> None:
        if not self.size:
            self.fees = ZERO  # another position begins
            if closes:
                return  # the end of one of which nothing was known
        self.fees += fee
        self.size = max(ZERO, self.size - quantity) if closes else self.size + quantity


class Positions:
    """The open positions as they were told last. `now` is the venue's clock, nanoseconds.

    `wallets` returns whole balances by currency, `mark` a mark price; None where it is not known.
    """

    def __init__(
        self,
        *,
        instrument: Callable[[InstrumentId], Instrument | None],
        wallets: Callable[[], Mapping[str, Decimal]],
        mark: Callable[[InstrumentId], Decimal | None],
        now: Callable[[], int],
        monotonic: Callable[[], float],
        joins: bool = True,
        time_scale: float = 1.0,
        on_loss: Callable[[Facts, Decimal], None] = lambda *_: None,
    ) -> None:
        """`joins`: there is one position of a side at most.

        `on_loss` hears of each position as it was, and how many base units of it are gone now.
        """
        self._joins = joins
        self._on_loss = on_loss
        self._instrument = instrument
        self._now = now
        self.funding = FundingBook()
        self.newest: Newest[PositionKey, Facts] = Newest(monotonic, BEHIND * time_scale)
        self._told = ToldPositions(instrument=instrument, wallets=wallets, mark=mark, now=now)
        self._fees: dict[PositionKey, Decimal] = {}
        self._tallies: dict[tuple[InstrumentId, Side], _Tally] = {}  # by what closes, where positions are joined
        self._made: Recent[str, PositionKey] = Recent(_MOST_CLOSED)  # by the order that has opened it
        self._early_fees: dict[tuple[InstrumentId, Side], Decimal] = {}  # by what closes the position to come
        self._opened: dict[PositionKey, int] = {}
        self._closed: Recent[PositionKey, Facts] = Recent(_MOST_CLOSED)  # as they were last
        self._ended: Recent[PositionKey, None] = Recent(_MOST_CLOSED)  # that the stream has closed
        # Of contracts, as they were set here last: those of positions say nothing of what comes after them.
        self.leverages: dict[InstrumentId, int] = {}
        self.modes: dict[InstrumentId, MarginMode] = {}
        self.read_at = 0  # the venue's clock at the last read
        self.is_read = False

    # What is told of them.

    @staticmethod
    def parsed(rows: Iterable[Row]) -> list[Facts]:
        """Returns what a read of all positions says. Raises DecodeError: then it says nothing."""
        return [one for one in map(parse_position, rows) if one.quantity]

    def take_read(self, parsed: Sequence[Facts], began: float) -> list[Event]:
        """Takes a read of all positions that began then; returns what it changes."""
        before = dict(self.newest.values)
        # An id is never used again: what the stream has closed stays so, whatever a late read says. What a read
        # did not list may come back.
        found = {one.key: one for one in parsed if one.key not in self._ended}
        changed, gone = self.newest.read(found, began)
        events: list[Event] = []
        for key in changed:
            events += self._changed(before.get(key), self.newest.values[key])
        for key in gone:
            self._on_loss(before[key], abs(before[key].quantity))
            events.append(self._closing(before[key]))
        self.is_read = True
        self.read_at = self._now()
        return [*events, *self.reprice()]

    def take_push(self, row: Row, total_fee: Decimal | None) -> list[Event]:
        """Takes what the stream tells of one; returns what it changes. Raises DecodeError."""
        facts = parse_position(row)
        key, before = facts.key, self.newest.values.get(facts.key)
        if key in self._ended:
            return []
        if not facts.quantity:
            self.newest.drop(key)
            self._ended[key] = None
            self._note_fees(before, ZERO, total_fee)
            if before is None:
                return []
            self._on_loss(before, abs(before.quantity))
            return [self._closing(msgspec.structs.replace(before, realized=facts.realized)), *self.reprice()]
        if not self.newest.push(key, facts):
            return []
        self._note_fees(facts, abs(facts.quantity), total_fee)
        return [*self._changed(before, facts), *self.reprice()]

    def forget_stream(self) -> None:
        """Is told that the stream is lost: what it told last says nothing of the next."""
        self.newest.forget_stream()

    def take_fee(self, fill: Fill, order: Order) -> None:
        """Counts the fee of a fill, which names no position: of the only one that it can be of.

        A fill that opens may be known before its position is. Where positions are not joined, each order that
        opens makes one of its own.
        """
        closing_side = fill.side if order.reduce_only else fill.side.opposite
        if self._joins:
            tally = self._tallies.setdefault((fill.instrument, closing_side), _Tally())
            tally.take(fill.quantity, fill.fee, closes=order.reduce_only)
            for one in self.facts(fill.instrument):
                if one.closing_side is closing_side:
                    self._fees[one.key] = tally.fees
            return
        fitting = [
            one.key
            for one in self.facts(fill.instrument)
            if one.closing_side is closing_side and order.position_id in ("", one.position_id)
        ]
        made = self._made.get(fill.venue_order_id)
        if made is not None:
            fitting = [made]
        elif not order.reduce_only:
            fitting = [key for key in fitting if self._opened.get(key) and key not in self._fees]
        if len(fitting) == 1:
            self._fees[fitting[0]] = self._fees.get(fitting[0], ZERO) + fill.fee
            if not order.reduce_only:
                self._made[fill.venue_order_id] = fitting[0]
        elif not fitting and not order.reduce_only:
            early = (fill.instrument, closing_side)
            self._early_fees[early] = self._early_fees.get(early, ZERO) + fill.fee

    def _note_fees(self, facts: Facts | None, size: Decimal, fees: Decimal | None) -> None:
        if facts is not None and fees is not None:
            self._fees[facts.key] = fees
            self._tallies[facts.instrument, facts.closing_side] = _Tally(size, fees)

    def reprice(self) -> list[Event]:
        """Computes where positions are liquidated; returns those that differ from what was told."""
        return self._told.tell([self._position(one) for one in self.newest.values.values()])

    # What is known of them.

    def open(self) -> list[Position]:
        """Returns the open positions as they were told last."""
        return self._told.open()

    def facts(self, instrument: InstrumentId | None = None) -> list[Facts]:
        """Returns what the venue says of the open ones."""
        return [one for one in self.newest.values.values() if instrument in (None, one.instrument)]

    def find(self, instrument: InstrumentId, position_id: str) -> Facts | None:
        """Returns a position, also one that is closed, as it was last."""
        key = (instrument, position_id)
        return self.newest.values.get(key) or self._closed.get(key)

    def entry_of(self, instrument: InstrumentId, position_id: str, closing_side: Side) -> Decimal | None:
        """Returns at which price was opened what an order closes; None where several could be meant."""
        if position_id:
            found = self.find(instrument, position_id)
            return found.entry_price if found is not None else None
        entries = {one.entry_price for one in self.facts(instrument) if one.closing_side is closing_side}
        if not entries:  # the order has closed the last of them
            closed = [one for one in self._closed.values() if one.instrument == instrument]
            entries = {one.entry_price for one in closed[-1:] if one.closing_side is closing_side}
        return entries.pop() if len(entries) == 1 else None

    @property
    def moves_with_marks(self) -> bool:
        """Whether liquidation prices depend on marks: those of cross positions do on the marks of the others."""
        return len(self._crossed()) > 1

    def is_unmarked(self, mark: Callable[[InstrumentId], Decimal | None]) -> bool:
        """Whether a liquidation price waits for a mark that `mark` does not tell."""
        crossed = self._crossed()
        return len(crossed) > 1 and any(mark(one) is None for one in crossed)

    def _crossed(self) -> set[InstrumentId]:
        return crossed((one.instrument, one.mode) for one in self.facts())

    def _changed(self, before: Facts | None, facts: Facts) -> list[Event]:
        key = facts.key
        if self.leverages.get(facts.instrument) != facts.leverage:  # it was changed elsewhere since
            self.leverages.pop(facts.instrument, None)
        if self.modes.get(facts.instrument) is not facts.mode:
            self.modes.pop(facts.instrument, None)
        if before is None:
            self._closed.pop(key, None)
            self._opened[key] = self._now() if self.is_read else 0
            side = facts.instrument, facts.closing_side
            tally = self._tallies.setdefault(side, _Tally(ZERO if self.is_read else abs(facts.quantity)))
            early = self._early_fees.pop(side, None)
            if self._joins and tally.size:
                early = tally.fees
            if early is not None:
                self._fees.setdefault(key, early)
            return []
        if (lost := abs(before.quantity) - abs(facts.quantity)) > 0:
            self._on_loss(before, lost)
        has_traded = (before.quantity, before.entry_price) != (facts.quantity, facts.entry_price)
        paid = self.funding.profit_changed(key, facts.realized - before.realized, has_traded=has_traded)
        return [self._funding_notice(facts, paid)] if paid else []

    def _funding_notice(self, facts: Facts, amount: Decimal) -> Notice:
        listed = self._instrument(facts.instrument)
        words = funding_words(listed, facts.instrument.symbol, facts.quantity, amount)
        return Notice(VENUE, words, False, self._now())

    def _closing(self, facts: Facts) -> Event:
        told = self._told.close(self._position(facts))
        self._note_closed(facts)
        return told

    def _note_closed(self, facts: Facts) -> None:
        self.funding.forget(facts.key)
        self._fees.pop(facts.key, None)
        self._opened.pop(facts.key, None)
        self._closed[facts.key] = facts

    def _position(self, facts: Facts) -> Position:
        funding = self.funding.of(facts.key)
        return Position(
            instrument=facts.instrument,
            quantity=facts.quantity,
            entry_price=facts.entry_price,
            position_id=facts.position_id,
            leverage=Decimal(facts.leverage),
            margin_mode=facts.mode,
            margin=facts.margin,
            realized_pnl=facts.realized - funding,
            fees=self._fees.get(facts.key, ZERO),
            funding=funding,
            ts_opened=self._opened.get(facts.key, 0),
        )


def parse_position(row: Row) -> Facts:
    """Returns what a row says. Raises DecodeError."""
    sign, mode = _SIGNS.get(row.position_side), _MODES.get(row.position_type)
    if sign is None or mode is None or not row.position_id or row.leverage < 1:
        raise DecodeError(VENUE, "a position of no side, no margin mode or no leverage")
    if row.position_size < 0 or row.contract_size <= 0 or (row.position_size and row.entry_price <= 0):
        raise DecodeError(VENUE, "a position that can not be")
    return Facts(
        instrument=instrument_id(row.symbol),
        position_id=row.position_id,
        quantity=base_of(sign * row.position_size, row.contract_size),
        entry_price=row.entry_price,
        margin=row.isolated_margin,
        mode=mode,
        leverage=row.leverage,
        realized=row.realized_profit,
        free=base_of(row.available_close_size, row.contract_size),
    )
