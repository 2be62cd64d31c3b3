"""The M-wallet seen as positions, while it owes anything.

A position is what is there of a currency less what is owed of it, if an order can close it. TWD and USDT are what
it is bought and sold for, and none themselves: whoever closes everything must not sell what a short is bought back
with. The venue tells no entry price, so that the last price stands for it and no profit is made up. Without a debt
the wallet is money like any other, and no position.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from venues.events import Event, PositionUpdate
from venues.margin import MarginAsset
from venues.max.client import Client
from venues.max.figures import plain
from venues.max.listing import Listing
from venues.max.margin_book import MarginBook
from venues.max.parse import instrument_id, market_name
from venues.max.trading import POSITION
from venues.model import ZERO, Instrument, InstrumentId, MarginMode, Position
from venues.rounding import nearest_to

_MONEY = ("TWD", "USDT")
_RESERVE = Decimal("1.02")  # of a short's worth: the price moves, and there is a fee


class MarginPositions:
    """Makes positions of one wallet. `last_price` is the newest price known, None where it is not fresh."""

    def __init__(
        self,
        client: Client,
        book: MarginBook,
        listing: Listing,
        *,
        last_price: Callable[[InstrumentId], Decimal | None],
    ) -> None:
        self._client = client
        self._book = book
        self._listing = listing
        self._last_price = last_price
        self._prices: dict[InstrumentId, Decimal] = {}
        self._told: dict[InstrumentId, Position] = {}
        self._is_asked_for = False  # until then nobody wants to hear of them

    async def read(self, at: int) -> list[Position]:
        """Returns the positions as the book has them; `at` in nanoseconds UTC. Raises VenueError."""
        await self._listing.all()
        await self._read_prices()
        self._told = {position.instrument: position for position in self._positions(at)}
        self._is_asked_for = True
        return list(self._told.values())

    def news(self, ts_event: int) -> list[Event]:
        """Returns the positions that are not as they were told last; one that is over has nothing in it."""
        if not self._is_asked_for:
            return []
        now = {position.instrument: position for position in self._positions(ts_event)}
        events: list[Event] = []
        for instrument, position in now.items():
            told = self._told.get(instrument)
            if told is None or (told.quantity, told.note) != (position.quantity, position.note):
                events.append(PositionUpdate(position))
        for instrument, told in self._told.items():
            if instrument not in now:
                ended = msgspec.structs.replace(told, quantity=ZERO, note="", ts_event=ts_event)
                events.append(PositionUpdate(ended))
        self._told = now
        return events

    def _positions(self, ts_event: int) -> list[Position]:
        if not self._book.has_debt:
            return []
        found = []
        for each in self._book.assets:
            market = self._market_of(each)
            if market is None:
                continue  # what is owed of it stands in the note
            price = self._entry(market, each.net)
            if price is None or _is_crumb(each.net, market, price):
                continue
            found.append(
                Position(
                    instrument=market.id,
                    quantity=each.net,
                    entry_price=price,
                    position_id=POSITION,
                    margin_mode=MarginMode.CROSS,
                    ts_event=ts_event,
                    note=self._words(each),
                    in_margin_wallet=True,
                )
            )
        return found

    def _market_of(self, asset: MarginAsset) -> Instrument | None:
        """Returns the market that closes what is held: where a loan is paid with it, where money for it is."""
        if asset.currency in _MONEY:
            return None
        markets = self._listing.margin_markets(asset.currency, _MONEY)
        kept = next((market for market in markets if market.id in self._told), markets[0] if markets else None)
        if kept is None:
            return None
        if asset.net > 0:
            owed = [market for market in markets if self._book.debt(market.quote)]
            return kept if kept.id in self._told or not owed else owed[0]
        enough = self._affordable(kept)
        if enough is None or enough >= -asset.net * _RESERVE:
            return kept
        return max(markets, key=lambda market: self._affordable(market) or ZERO)

    def _affordable(self, market: Instrument) -> Decimal | None:
        """Returns how much of its base the wallet's money could buy there; None while no price is known."""
        price = self._price(market.id)
        money = sum(
            (each.available + each.locked for each in self._book.assets if each.currency == market.quote), ZERO
        )
        return None if price is None else money / price

    def _entry(self, market: Instrument, quantity: Decimal) -> Decimal | None:
        """Returns what it was entered at: of what has come since it was told, the last price."""
        told, price = self._told.get(market.id), self._price(market.id)
        if told is None or price is None or told.quantity * quantity <= 0:
            return price if told is None or price is not None else told.entry_price
        before, now = abs(told.quantity), abs(quantity)
        if now <= before:
            return told.entry_price
        return nearest_to((before * told.entry_price + (now - before) * price) / now, market.tick_size)

    def _words(self, of: MarginAsset) -> str:
        """Returns what a position has no field for: what is owed, of it and of money."""
        parts = []
        if of.principal:
            parts.append(f"loan {plain(of.principal)} {of.currency}")
        if of.interest:
            parts.append(f"interest {plain(of.interest)} {of.currency}")
        parts += [
            f"the wallet owes {plain(each.debt)} {each.currency}"
            for each in self._book.assets
            if each.debt and each.currency in _MONEY
        ]
        return ", ".join(parts)

    def _price(self, instrument: InstrumentId) -> Decimal | None:
        return self._last_price(instrument) or self._prices.get(instrument)

    async def _read_prices(self) -> None:
        """Reads the last prices of what is held and nobody knows a fresh price of. Raises VenueError."""
        if not self._book.has_debt:
            return
        held = [each.currency for each in self._book.assets if each.net and each.currency not in _MONEY]
        markets = [market for currency in held for market in self._listing.margin_markets(currency, _MONEY)]
        missing = [market.id for market in markets if self._last_price(market.id) is None]
        if missing:
            tickers = await self._client.tickers([market_name(instrument) for instrument in missing])
            self._prices |= {instrument_id(each.market): each.last for each in tickers if each.last > 0}


def _is_crumb(quantity: Decimal, market: Instrument, price: Decimal) -> bool:
    """Says whether no order is small enough for it: the interest of a loan, or what a fee has left."""
    least = max(market.lot_size, market.min_quantity)
    return abs(quantity) < least or abs(quantity) * price < market.min_notional
