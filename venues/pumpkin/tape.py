"""The public trades of each contract, each told once, whoever tells of it.

A deal of REST has a moment and no number; a push in JSON has a number and no moment, one in protobuf has both.
What both know is price, contracts and side. So a deal that is read is one that was told where these are the same
and the moments are: exactly where both have one, within seconds where one is only known by its arrival. As many
alike as were told count as told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias

from venues.events import Trade
from venues.model import Instrument, Side
from venues.pumpkin.figures import aggressor_of, base_units, ns_of_milliseconds, plain, positive
from venues.pumpkin.models import Deal
from venues.pumpkin.wire import WireDeal

MOST_DEALS = 1_000
KEPT = 2_000
_NEAR = 5_000  # milliseconds between a trade and its arrival, at most
_LONG_AGO = 60_000  # milliseconds; a poll that comes late adds trades behind newer ones
_LEFT = 50  # contracts that nobody follows whose trades are still known

_Kind: TypeAlias = tuple[Decimal, Decimal, Side]  # price, contracts


class _Known:
    """A trade: `time` in milliseconds of the venue's clock, exact or its arrival."""

    __slots__ = ("is_exact", "is_told", "kind", "name", "number", "time")

    def __init__(
        self, kind: _Kind, name: str, time: int, *, number: int | None, is_exact: bool, is_told: bool
    ) -> None:
        self.kind = kind
        self.name = name
        self.time = time
        self.number = number
        self.is_exact = is_exact
        self.is_told = is_told

    def is_at(self, time: int, *, is_exact: bool) -> bool:
        return self.time == time if self.is_exact and is_exact else abs(self.time - time) <= _NEAR


class Tape:
    """Knows the trades of one contract.

    `since` is from when on what is read is to be told, `streamed_since` from when on the stream tells everything,
    both in milliseconds of the venue's clock: what was read of before is never that which is pushed.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.since: int | None = None
        self.streamed_since = 0
        self._known: deque[_Known] = deque()
        self._by_kind: dict[_Kind, list[_Known]] = {}
        self._numbers: set[int] = set()
        self._last = 0  # nanoseconds; what a person reads runs forward

    def take_push(self, wire: WireDeal, arrival: int, ts_recv: int) -> Trade | None:
        """Returns a trade of the stream, None for one that was told; `arrival` is by the venue's clock, in ms.

        Raises:
            DecodeError: a figure is none.
        """
        kind = (positive(wire.price), positive(wire.quantity), aggressor_of(wire.side))
        if wire.number is not None and wire.number in self._numbers:
            return None
        is_exact = wire.time is not None
        time = arrival if wire.time is None else wire.time
        known = None
        for each in self._alike(kind, time):
            if each.number is None and each.time >= self.streamed_since and each.is_at(time, is_exact=is_exact):
                known = each  # the oldest of them
        if known is None:
            name = str(wire.number) if wire.number is not None else self._name(kind, time)
            known = self._remember(kind, name, time, wire.number, is_exact=is_exact)
        elif wire.number is not None:
            known.number = wire.number
            self._numbers.add(wire.number)
        if known.is_told:
            return None
        known.is_told = True
        return self._trade(known, ts_recv)

    def take_deals(self, rows: Iterable[Deal], ts_recv: int) -> list[Trade]:
        """Returns those of an answer that were not told yet, oldest first. Raises DecodeError."""
        found = []
        for known in self._match(rows):
            if not known.is_told and self.since is not None and known.time >= self.since:
                known.is_told = True
                found.append(self._trade(known, ts_recv))
        return found

    def name(self, rows: Iterable[Deal], ts_recv: int) -> list[Trade]:
        """Returns all of an answer, oldest first, by the names by which they are told. Raises DecodeError."""
        size = self.instrument.contract_size
        return [
            Trade(
                self.instrument.id,
                known.name,
                known.kind[2],
                known.kind[0],
                base_units(known.kind[1], size),
                ns_of_milliseconds(known.time),
                ts_recv,
            )
            for known in self._match(rows)
        ]

    def _match(self, rows: Iterable[Deal]) -> list[_Known]:
        """Returns the trades that deals are, oldest first; those that are new are remembered."""
        deals = list(rows)
        deals.reverse()  # newest first in the example: so trades of one moment keep their order
        deals.sort(key=lambda row: row.time)
        kinds = [(positive(row.price), positive(row.quantity), aggressor_of(row.side)) for row in deals]
        used: set[int] = set()
        found: dict[int, _Known] = {}
        # The newest are matched first: what was told reaches to some moment, and an answer begins at another.
        for at in range(len(deals) - 1, -1, -1):
            time = deals[at].time
            for known in self._alike(kinds[at], time):
                if id(known) not in used and known.is_at(time, is_exact=True):
                    used.add(id(known))
                    found[at] = known
                    known.time, known.is_exact = time, True
                    break
        for at, row in enumerate(deals):
            if at not in found:
                name = self._name(kinds[at], row.time)
                found[at] = self._remember(kinds[at], name, row.time, None, is_exact=True)
        return [found[at] for at in range(len(deals))]

    def _alike(self, kind: _Kind, time: int) -> Iterator[_Known]:
        """Yields trades of a kind, the newest first, as far back as one of `time` may be."""
        for known in reversed(self._by_kind.get(kind, ())):
            if known.time < time - _LONG_AGO:
                return
            yield known

    def _remember(self, kind: _Kind, name: str, time: int, number: int | None, *, is_exact: bool) -> _Known:
        known = _Known(kind, name, time, number=number, is_exact=is_exact, is_told=False)
        self._known.append(known)
        self._by_kind.setdefault(kind, []).append(known)
        if number is not None:
            self._numbers.add(number)
        while len(self._known) > KEPT:
            old = self._known.popleft()
            alike = self._by_kind[old.kind]
            alike.remove(old)
            if not alike:
                del self._by_kind[old.kind]
            if old.number is not None:
                self._numbers.discard(old.number)
        return known

    def _name(self, kind: _Kind, time: int) -> str:
        name = f"{time}-{plain(kind[0])}-{plain(kind[1])}-{kind[2].value}"
        count = sum(1 for each in self._by_kind.get(kind, ()) if each.name.startswith(name))
        return f"{name}-{count}" if count else name

    def _trade(self, known: _Known, ts_recv: int) -> Trade:
        price, contracts, side = known.kind
        self._last = max(self._last, ns_of_milliseconds(known.time))
        quantity = base_units(contracts, self.instrument.contract_size)
        return Trade(self.instrument.id, known.name, side, price, quantity, self._last, ts_recv)


class Tapes:
    """The tapes of all contracts; those that nobody follows are forgotten in the end."""

    def __init__(self, is_followed: Callable[[str], bool] = lambda _: False) -> None:
        self.is_followed = is_followed
        self._tapes: dict[str, Tape] = {}

    def of(self, instrument: Instrument) -> Tape:
        """Returns the tape of a contract, made where there is none."""
        symbol = instrument.id.symbol
        tape = self._tapes.pop(symbol, None)
        is_new = tape is None
        tape = tape or Tape(instrument)
        tape.instrument = instrument
        self._tapes[symbol] = tape
        if not is_new:
            return tape
        left: Sequence[str] = [name for name in self._tapes if not self.is_followed(name) and name != symbol]
        for name in left[:-_LEFT]:
            del self._tapes[name]
        return tape
