"""The M-wallet: one cross margin account over all currencies, seen as positions while it owes anything.

A position is what is there of a currency less what is owed of it. The venue tells no entry price, so that the last
price stands for it and no profit is made up. Without a debt the wallet is money like any other, and no position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from venues.events import Event, PositionUpdate
from venues.max.client import Client
from venues.max.figures import amount, ns_of_milliseconds, plain, positive_or_none
from venues.max.listing import Listing
from venues.max.lookups import Lookups
from venues.max.models import Account
from venues.max.parse import instrument_id, market_name
from venues.max.profile import MARGIN, Profile
from venues.max.trading import POSITION
from venues.max.wire import WireBalance, WireDebt, WireRatio
from venues.model import ZERO, InstrumentId, MarginMode, Position


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One currency of the M-wallet, named as a desk does ("BTC")."""

    currency: str
    available: Decimal = ZERO
    locked: Decimal = ZERO
    principal: Decimal = ZERO
    interest: Decimal = ZERO

    @property
    def debt(self) -> Decimal:
        return self.principal + self.interest

    @property
    def net(self) -> Decimal:
        """What is there, less what is owed."""
        return self.available + self.locked - self.debt


class MarginWallet:
    """Follows the M-wallet of one key. `last_price` is the newest price known, None where it is not fresh."""

    def __init__(
        self,
        client: Client,
        lookups: Lookups,
        listing: Listing,
        profile: Profile,
        *,
        last_price: Callable[[InstrumentId], Decimal | None],
    ) -> None:
        self._client = client
        self._lookups = lookups
        self._listing = listing
        self._profile = profile
        self._last_price = last_price
        self._holdings: dict[str, Holding] = {}
        self._prices: dict[InstrumentId, Decimal] = {}
        self._told: dict[InstrumentId, Position] = {}
        self._has_read = False
        self.ratio: Decimal | None = None  # assets over debts; None without a debt, or not told yet

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """What is in the wallet, as far as it is known."""
        return tuple(self._holdings.values())

    async def read(self) -> tuple[Holding, ...]:
        """Reads what is in the wallet. Raises VenueError."""
        rows = await self._lookups.of_wallets(self._accounts)
        self._holdings = {
            account.currency.upper(): Holding(
                currency=account.currency.upper(),
                available=account.balance,
                locked=account.locked,
                principal=account.principal or ZERO,
                interest=account.interest or ZERO,
            )
            for _, account in rows
        }
        if any(each.debt for each in self.holdings):
            self.ratio = (await self._lookups.read(self._client.m_wallet_ad_ratio())).ad_ratio
        else:
            self.ratio = None
        self._has_read = True
        return self.holdings

    async def positions(self) -> list[Position]:
        """Returns what the wallet holds of each currency, where it owes anything. Raises VenueError."""
        at = self._lookups.as_of()
        await self.read()
        await self._listing.all()
        await self._read_prices()
        found = {position.instrument: position for position in self._positions(at)}
        self._told = found
        return list(found.values())

    async def compare(self) -> list[Event]:
        """Reads the wallet again, and returns what pushes never told. Raises VenueError."""
        if not self._has_read:
            return []
        at = self._lookups.as_of()
        await self.read()
        return self._news(at)

    def take_balances(self, rows: Iterable[WireBalance], time: int) -> list[Event]:
        """Takes what the stream tells of balances, at `time` in milliseconds. Raises DecodeError."""
        changes = {
            row.cu.upper(): {"available": amount(row.av), "locked": amount(row.locked)} for row in rows
        }  # fmt: skip
        return self._changed(changes, time)

    def take_debts(self, rows: Iterable[WireDebt], time: int) -> list[Event]:
        """Takes what the stream tells of loans, at `time` in milliseconds. Raises DecodeError."""
        changes = {row.cu.upper(): {"principal": amount(row.dbp), "interest": amount(row.dbi)} for row in rows}
        return self._changed(changes, time)

    def take_ratio(self, ratio: WireRatio, time: int) -> list[Event]:
        """Takes what the stream tells of the AD ratio. Raises DecodeError."""
        told = positive_or_none(ratio.ad)
        self.ratio = told if any(each.debt for each in self.holdings) else None
        return self._news(ns_of_milliseconds(time))

    async def _accounts(self, wallet: str) -> list[Account]:
        return await self._client.accounts(wallet_type=MARGIN) if wallet == MARGIN else []

    def _changed(self, changes: dict[str, dict[str, Decimal]], time: int) -> list[Event]:
        for currency, change in changes.items():
            before = self._holdings.get(currency) or Holding(currency=currency)
            self._holdings[currency] = msgspec.structs.replace(before, **change)
        return self._news(ns_of_milliseconds(time))

    def _news(self, ts_event: int) -> list[Event]:
        """Returns the positions that are not as they were told last; one that is over has nothing in it."""
        if not self._has_read:  # prices are read with it, and the stream began with all that there is
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
        if not any(each.debt for each in self.holdings):
            return []
        found = []
        for each in self.holdings:
            market = self._listing.priced(each.currency)
            if market is None or not (each.net or each.debt):
                continue  # TWD is priced in nothing: what is owed of it stands in the note
            told = self._told.get(market.id)
            price = told.entry_price if told is not None else self._price(market.id)
            if price is None:
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
                )
            )
        return found

    def _words(self, of: Holding) -> str:
        """Returns what a position has no field for: what is owed, and how near the venue sees the end."""
        parts = []
        if of.principal:
            parts.append(f"loan {plain(of.principal)} {of.currency}")
        if of.interest:
            parts.append(f"interest {plain(of.interest)} {of.currency}")
        parts += [
            f"the wallet owes {plain(each.debt)} {each.currency}"
            for each in self.holdings
            if each.debt and self._listing.priced(each.currency) is None
        ]
        if self.ratio is not None:
            parts.append(f"AD ratio {plain(self.ratio)}")
        return ", ".join(parts)

    def _price(self, instrument: InstrumentId) -> Decimal | None:
        return self._last_price(instrument) or self._prices.get(instrument)

    async def _read_prices(self) -> None:
        """Reads the last prices of what is held and nobody knows a price of. Raises VenueError."""
        if not any(each.debt for each in self.holdings):
            return
        markets = [self._listing.priced(each.currency) for each in self.holdings if each.net or each.debt]
        missing = [market.id for market in markets if market is not None and self._price(market.id) is None]
        if missing:
            tickers = await self._client.tickers([market_name(instrument) for instrument in missing])
            self._prices |= {instrument_id(each.market): each.last for each in tickers if each.last > 0}
