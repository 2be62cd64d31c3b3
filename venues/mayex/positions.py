"""Positions of Mayex: of a contract as many as four side by side, long and short, isolated and cross.

The venue tells neither leverage nor a liquidation price (`margin` and `liqPrice` come as empty texts): the price
is computed, and an estimate, unless it does tell one. Nor does it tell fees and funding apart: its realised profit
is net of both. Fees and profits are those of the executions, funding what a settlement changes beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from venues.errors import DecodeError
from venues.events import Event, Notice
from venues.liquidation import PositionKey
from venues.mayex import VENUE
from venues.mayex.figures import instrument_id, milliseconds_of, neat
from venues.mayex.funding import FundingBook
from venues.mayex.models import Position as Row
from venues.mayex.pushes import PushedPosition
from venues.mayex.sides import position_id_of
from venues.model import ZERO, Fill, Instrument, InstrumentId, MarginMode, Position, Side
from venues.transport.freshness import BEHIND, Newest
from venues.transport.told_positions import ToldPositions, crossed

_GUESSED = Decimal("0.02")  # of a leverage, that fees and the rounding of margin may change it by


class Facts(msgspec.Struct, frozen=True):
    """What reads and pushes alike say of a position. `quantity` is signed; `net` is its realised profit."""

    instrument: InstrumentId
    position_id: str
    quantity: Decimal
    entry_price: Decimal
    margin: Decimal
    mode: MarginMode
    net: Decimal

    @property
    def key(self) -> PositionKey:
        return self.instrument, self.position_id

    @property
    def closing_side(self) -> Side:
        return Side.SELL if self.quantity > 0 else Side.BUY


class Extras(msgspec.Struct, frozen=True):
    """What only reads say: moments in milliseconds, the profit of its present life, where it is liquidated."""

    traded_at: int = 0
    funded_at: int = 0
    term: Decimal | None = None
    liquidation_price: Decimal | None = None


class Positions:
    """The open positions as they were told last. `now` is the venue's clock, nanoseconds.

    `wallets` returns whole balances by currency, `mark` a mark price; None where it is not known. `on_loss` hears
    of each position as it was, and how many base units of it are gone now.
    """

    def __init__(
        self,
        *,
        instrument: Callable[[InstrumentId], Instrument | None],
        wallets: Callable[[], Mapping[str, Decimal]],
        mark: Callable[[InstrumentId], Decimal | None],
        now: Callable[[], int],
        monotonic: Callable[[], float],
        time_scale: float = 1.0,
        on_loss: Callable[[Facts, Decimal], None] = lambda *_: None,
    ) -> None:
        self._instrument = instrument
        self._now = now
        self._on_loss = on_loss
        self._told = ToldPositions(instrument=instrument, wallets=wallets, mark=mark, now=now)
        self.newest: Newest[PositionKey, Facts] = Newest(monotonic, BEHIND * time_scale)
        self.funding = FundingBook(instrument, now)
        self._extras: dict[PositionKey, Extras] = {}
        self._versions: dict[PositionKey, int] = {}
        self._opened: dict[PositionKey, int] = {}
        self._guesses: dict[PositionKey, Decimal] = {}  # leverages, by the margin that positions were met with
        self.leverages: dict[tuple[InstrumentId, MarginMode], Decimal] = {}  # as they were set here last
        self.read_at = 0  # the venue's clock at the last read
        self.is_read = False
        self._unread: dict[InstrumentId, str] = {}  # contracts of rows of the last read that say nothing: why
        self._said: set[InstrumentId] = set()

    # What is told of them.

    def parsed(self, rows: Iterable[Row]) -> list[tuple[Facts, Extras]]:
        """Returns what a read of all positions says: what of it can not be read ends no position that is known.

        Raises:
            DecodeError: none of them can be read.
        """
        found: list[tuple[Facts, Extras]] = []
        unread: dict[InstrumentId, DecodeError] = {}
        for row in rows:
            try:
                facts, extras = parse_position(row)
            except DecodeError as error:
                if row.quantity:
                    unread[instrument_id(row.symbol)] = error
            else:
                found += [(facts, extras)] if facts.quantity else []
        if unread and not found:
            raise next(iter(unread.values()))
        self._unread = {instrument: error.message for instrument, error in unread.items()}
        return found

    def take_read(self, parsed: Sequence[tuple[Facts, Extras]], began: float) -> list[Event]:
        """Takes a read of all positions that began then; returns what it changes."""
        before = dict(self.newest.values)
        doubtful = {key: facts for key, facts in before.items() if facts.instrument in self._unread}
        changed, gone = self.newest.read(doubtful | {facts.key: facts for facts, _ in parsed}, began)
        for key in changed:
            self._changed(before.get(key), self.newest.values[key])
        events: list[Event] = []
        for key in gone:
            events += self._closed(before[key])
        for facts, extras in parsed:
            if self.newest.values.get(facts.key) == facts:
                self._extras[facts.key] = extras
                events += self.funding.take(facts, extras.funded_at, extras.traded_at)
        self.is_read = True
        self.read_at = self._now()
        for instrument in sorted(self._unread.keys() - self._said):
            self._said.add(instrument)
            words = f"{instrument.symbol[:40]}: a position can not be read, and is not shown"
            events.append(Notice(VENUE, f"{words}: {self._unread[instrument]}", True, self.read_at))
        return [*events, *self.reprice()]

    def take_push(self, row: PushedPosition) -> list[Event]:
        """Takes a row of ACCOUNT_UPDATE; returns what it changes. An older version of it than was told is none.

        What lacks something, or brings a profit without a trade, is to be read.
        """
        facts = parse_push(row)
        if facts is None:
            self.newest.want_read()
            return []
        key = facts.key
        if row.version is not None:
            known = self._versions.get(key, -1)
            if row.version <= known:
                if row.version < known:  # late, or a position that is numbered anew
                    self.newest.want_read()
                return []
            self._versions[key] = row.version
        before = self.newest.values.get(key)
        if before is not None and not before.quantity:
            before = None
        if not self.newest.push(key, facts):
            return []
        if not facts.quantity:
            return [*self._closed(before), *self.reprice()] if before is not None else []
        if before is not None and before.quantity == facts.quantity and before.net != facts.net:
            self.newest.want_read()
        self._changed(before, facts)
        if before is None and row.time is not None:
            self.funding.meet(facts, row.time)
        return self.reprice()

    def forget_stream(self) -> None:
        """Is told that the stream is lost: another one may number anew."""
        self.newest.forget_stream()
        self._versions.clear()

    def take_fill(self, fill: Fill, position_id: str, *, closes: bool) -> None:
        """Counts the fee and the profit of an execution of a position."""
        self.funding.take_fill(fill, position_id, closes=closes)

    def begin(self, fills: Sequence[tuple[Fill, str, bool]]) -> None:
        """Takes executions of before, oldest first, each with its position's id and whether it closed."""
        for facts in self.facts():
            extras = self._extras.get(facts.key, Extras())
            self.funding.begin(facts, fills, extras.term, extras.funded_at)

    def reprice(self) -> list[Event]:
        """Computes where positions are liquidated; returns those that differ from what was told."""
        return self._told.tell([self._position(one) for one in self.facts()])

    # What is known of them.

    def open(self) -> list[Position]:
        """Returns the open positions as they were told last."""
        return self._told.open()

    def facts(self, instrument: InstrumentId | None = None) -> list[Facts]:
        """Returns what the venue says of the open ones."""
        found = self.newest.values.values()
        return [one for one in found if one.quantity and instrument in (None, one.instrument)]

    def find(self, instrument: InstrumentId, position_id: str) -> Facts | None:
        """Returns an open position."""
        found = self.newest.values.get((instrument, position_id))
        return found if found is not None and found.quantity else None

    def leverage_of(self, instrument: InstrumentId, mode: MarginMode) -> Decimal | None:
        """Returns the leverage as it was set here last, or as an open position's margin had it; else None."""
        if (found := self.leverages.get((instrument, mode))) is not None:
            return found
        keys = (one.key for one in self.facts(instrument) if one.mode is mode)
        return next((self._guesses[key] for key in keys if key in self._guesses), None)

    def doubt_leverage(self, instrument: InstrumentId, mode: MarginMode) -> None:
        """Is told that the leverage may have been changed: what is known of it counts no longer."""
        self.leverages.pop((instrument, mode), None)
        for one in self.facts(instrument):
            if one.mode is mode:
                self._guesses.pop(one.key, None)

    @property
    def moves_with_marks(self) -> bool:
        """Whether liquidation prices depend on marks: those of cross positions do on the marks of the others."""
        return len(crossed((one.instrument, one.mode) for one in self.facts())) > 1

    def _changed(self, before: Facts | None, facts: Facts) -> None:
        if before is None or not before.quantity:
            self._opened[facts.key] = self._now() if self.is_read else 0
            self._guess(facts)
        elif (lost := abs(before.quantity) - abs(facts.quantity)) > 0:
            self._on_loss(before, lost)

    def _guess(self, facts: Facts) -> None:
        if facts.mode is MarginMode.ISOLATED and facts.margin > 0:
            quotient = abs(facts.quantity) * facts.entry_price / facts.margin
            guess = max(1, round(quotient))
            if abs(quotient - guess) <= guess * _GUESSED:  # else margin was added, or taken out
                self._guesses[facts.key] = Decimal(guess)

    def _closed(self, facts: Facts) -> list[Event]:
        if not facts.quantity:
            return []
        self._on_loss(facts, abs(facts.quantity))
        event = self._told.close(self._position(facts))
        for kept in (self._extras, self._opened, self._guesses):
            kept.pop(facts.key, None)
        self.funding.forget(facts.key)
        return [event]

    def _position(self, facts: Facts) -> Position:
        extras, listed = self._extras.get(facts.key, Extras()), self._instrument(facts.instrument)
        return Position(
            instrument=facts.instrument,
            quantity=facts.quantity if listed is None else neat(facts.quantity, listed.lot_size),
            entry_price=facts.entry_price if listed is None else neat(facts.entry_price, listed.tick_size),
            position_id=facts.position_id,
            leverage=self.leverages.get((facts.instrument, facts.mode)) or self._guesses.get(facts.key, ZERO),
            margin_mode=facts.mode,
            margin=facts.margin,
            liquidation_price=extras.liquidation_price,
            realized_pnl=self.funding.realized(facts.key),
            fees=self.funding.fees(facts.key),
            funding=self.funding.of(facts.key),
            ts_opened=self._opened.get(facts.key, 0),
        )


def parse_position(row: Row) -> tuple[Facts, Extras]:
    """Returns what a row of current-positions says. Raises DecodeError."""
    facts = _facts(
        row.symbol, row.position_side, row.isolated, row.quantity, row.avg_entry_price, row.isolated_margin,
        row.cum_realized_pnl,
    )  # fmt: skip
    if facts is None:
        raise DecodeError(VENUE, "a position that can not be")
    traded_at, funded_at = (milliseconds_of(told or 0) for told in (row.last_tx_time, row.last_funding_time))
    liquidation = row.liq_price if row.liq_price is not None and row.liq_price > 0 else None
    return facts, Extras(traded_at, funded_at, row.realised_pnl, liquidation)


def parse_push(row: PushedPosition) -> Facts | None:
    """Returns what a row of a push says; None where something that is needed is not there, or can not be."""
    if row.isolated is None or row.quantity is None or row.net_realized is None:
        return None
    if row.isolated and row.margin is None and row.quantity:
        return None
    return _facts(
        row.symbol, row.position_side, row.isolated, row.quantity, row.entry_price, row.margin, row.net_realized
    )


def _facts(
    symbol: str,
    side: str | None,
    isolated: bool,
    quantity: Decimal,
    entry_price: Decimal | None,
    margin: Decimal | None,
    net: Decimal | None,
) -> Facts | None:
    position_id = position_id_of(side or "", isolated=isolated)
    if not position_id or (quantity and (entry_price is None or entry_price <= 0)) or (margin or ZERO) < 0:
        return None
    size = abs(quantity)
    return Facts(
        instrument=instrument_id(symbol),
        position_id=position_id,
        quantity=-size if side == "SHORT" else size,
        entry_price=entry_price or ZERO,
        margin=(margin or ZERO) if isolated else ZERO,
        mode=MarginMode.ISOLATED if isolated else MarginMode.CROSS,
        net=net or ZERO,
    )
