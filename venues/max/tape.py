"""The public trades of one market, each once.

The stream gives a trade neither an id nor a side. Its name here is made of its moment, price and volume, and of
how many of that kind came before it, as for a trade that REST tells. Its side is taken from the book: a price
on the asks' side of the middle is a buy; without a book, from where the price went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeAlias

from venues.events import Trade
from venues.max.figures import ns_of_milliseconds, plain, positive
from venues.max.models import PublicTrade
from venues.max.parse import instrument_id
from venues.max.wire import Message, WireTrade, decode_part
from venues.model import Side
from venues.transport.recent import Recent

KEPT = 2_000
_MESSAGES = 200

_Kind: TypeAlias = tuple[int, Decimal, Decimal]


class Tape:
    """Knows the trades of `market` that were told. `mid` is the middle of its book, None where nobody knows it."""

    def __init__(self, market: str, mid: Callable[[], Decimal | None] = lambda: None) -> None:
        self.market = market
        self._mid = mid
        self._told: Counter[_Kind] = Counter()
        # Updates that were taken, the newest last.
        self._messages: Recent[tuple[int, tuple[_Kind, ...]], None] = Recent(_MESSAGES)
        self._last: tuple[Decimal, Side] | None = None

    def take(self, message: Message, ts_recv: int) -> list[Trade]:
        """Returns the trades of a message that were not told yet, oldest first.

        A snapshot repeats what updates have told; an update that came before, word for word, is a doublet.

        Raises:
            DecodeError: a figure is none; then nothing of the message counts as told.
        """
        rows: list[WireTrade] = decode_part(message.trades, list[WireTrade])
        kinds = [(row.time, positive(row.p), positive(row.v)) for row in rows]
        order = sorted(range(len(rows)), key=lambda at: rows[at].time)
        if not message.is_snapshot:
            doublet = (message.time, tuple(kinds))
            if doublet in self._messages:
                return []
            self._messages[doublet] = None
        trades: list[Trade] = []
        met: Counter[_Kind] = Counter()
        mid = self._mid()
        for at in order:
            kind = kinds[at]
            met[kind] += 1
            if message.is_snapshot and met[kind] <= self._told[kind]:
                continue
            number = self._told[kind]
            self._told[kind] += 1
            trades.append(self._trade(kind, number, self._side(kind[1], rows[at].tr, mid), ts_recv))
        self._forget()
        return trades

    def _trade(self, kind: _Kind, number: int, side: Side, ts_recv: int) -> Trade:
        time, price, volume = kind
        self._last = (price, side)
        # What a person reads runs forward: the venue may tell of two moments in one message, or late.
        return Trade(
            instrument_id(self.market),
            name_of(kind, number),
            side,
            price,
            volume,
            ns_of_milliseconds(time),
            ts_recv,
        )

    def _side(self, price: Decimal, trend: str, mid: Decimal | None) -> Side:
        if mid is not None and price != mid:
            return Side.BUY if price > mid else Side.SELL
        if self._last is not None and price == self._last[0]:
            return self._last[1]
        return Side.SELL if trend == "down" else Side.BUY

    def _forget(self) -> None:
        for kind in list(self._told)[: max(0, len(self._told) - KEPT)]:
            del self._told[kind]


def name_of(kind: _Kind, number: int) -> str:
    """Returns the name of a trade, the `number`th of its kind."""
    time, price, volume = kind
    name = f"{time}-{plain(price)}-{plain(volume)}"
    return f"{name}-{number}" if number else name


def parse_trades(market: str, rows: Iterable[PublicTrade], ts_recv: int) -> list[Trade]:
    """Returns the trades of a REST answer, oldest first. Their side on the wire is the maker's."""
    met: Counter[_Kind] = Counter()
    trades: list[Trade] = []
    for row in sorted(rows, key=lambda row: (row.created_at, row.id)):
        kind = (row.created_at, positive(row.price), positive(row.volume))
        name = name_of(kind, met[kind])
        met[kind] += 1
        side = Side(row.taker_side.value)
        trades.append(
            Trade(instrument_id(market), name, side, kind[1], kind[2], ns_of_milliseconds(row.created_at), ts_recv)
        )
    return trades
