"""The M-wallet of one key: one cross margin account over all currencies, read, and followed by the stream.

What the stream tells of it comes in pieces (balances, debts, the AD ratio); what goes out is the whole wallet,
once for all that came together.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from venues.errors import (
    AuthenticationError,
    NotSupported,
    OrderNotFound,
    RequestError,
    TransientError,
    VenueError,
)
from venues.events import Event, MarginUpdate
from venues.margin import MarginAccount
from venues.max import VENUE
from venues.max.client import Client
from venues.max.figures import ns_of_milliseconds
from venues.max.liquidations import LiquidationWatch
from venues.max.listing import Listing
from venues.max.loan_terms import LoanTerms
from venues.max.lookups import Lookups
from venues.max.margin_book import MarginBook
from venues.max.margin_positions import MarginPositions
from venues.max.profile import MARGIN, NO_MARGIN, Profile
from venues.max.wire import WireBalance, WireDebt, WireRatio
from venues.model import InstrumentId, Position

logger = logging.getLogger(__name__)


class MarginWallet:
    """Follows the M-wallet. `emit` gets what is told without a message of the stream.

    `last_price` is the newest price known, None where it is not fresh; `monotonic` returns seconds.
    """

    def __init__(
        self,
        client: Client,
        lookups: Lookups,
        listing: Listing,
        profile: Profile,
        emit: Callable[[Sequence[Event]], None],
        *,
        last_price: Callable[[InstrumentId], Decimal | None],
        time_scale: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._lookups = lookups
        self._profile = profile
        self._emit = emit
        self.book = MarginBook()
        self.terms = LoanTerms(client, time_scale=time_scale, monotonic=monotonic)
        self._positions = MarginPositions(client, self.book, listing, last_price=last_price)
        self._liquidations = LiquidationWatch(client, lookups)
        self._at = 0  # the moment of the newest that was told of it, nanoseconds UTC
        self._told: MarginAccount | None = None
        self._has_read = False
        self._has_owed = False
        self._is_followed = False
        self._must_tell = False  # the stream is new: the wallet is told whether anything differs or not
        self._beginning: asyncio.Task[None] | None = None
        self._is_closed = False

    async def fetch(self) -> MarginAccount:
        """Reads the whole wallet. Raises VenueError: NotSupported where the account has none."""
        self._lookups.require_key()
        await self.require()
        await self._read(is_strict=True)
        return self._account()

    async def positions(self) -> list[Position]:
        """Returns what the wallet holds of each currency, where it owes anything. Raises VenueError.

        No AD ratio is needed for that: where that alone can not be read, what is held can be closed all the same.
        """
        at = self._lookups.as_of()
        await self._read_assets()
        return await self._positions.read(at)

    async def compare(self) -> list[Event]:
        """Reads the wallet again, tells what pushes never told; returns its liquidations. Raises VenueError."""
        if not (self._has_read or self._is_followed) or MARGIN not in self._profile.wallets:
            return []
        if await self._read():
            self._must_tell = True  # also that nothing has changed: who shows it says how old it is
        self._emit(self.news())  # at once: what follows may fail, and would take it along
        if not self._has_owed:  # since it was looked for last: a liquidation is over in a moment
            return []
        told = await self._liquidations.look()
        self._has_owed = self.book.has_debt
        return told

    async def debt(self, currency: str, amount: Decimal) -> Decimal:
        """Returns what is owed of a currency ("BTC"), read anew where that is less than `amount`.

        Raises:
            VenueError: it can not be read.
        """
        if amount > self.book.debt(currency):
            await self._read_assets(is_strict=True)
        return self.book.debt(currency)

    async def require(self) -> None:
        """Raises NotSupported where the venue says that the account has no M-wallet."""
        try:
            await self._profile.read()
        except TransientError:
            return  # then the wallet itself is asked
        if MARGIN not in self._profile.wallets:
            raise NotSupported(VENUE, NO_MARGIN)

    def take_balances(self, rows: Iterable[WireBalance], time: int) -> None:
        """Takes what the stream tells of balances, at `time` in milliseconds. Raises DecodeError."""
        self.book.take_balances(rows, time)
        self._heard(time)

    def take_debts(self, rows: Iterable[WireDebt], time: int) -> None:
        """Takes what the stream tells of loans, at `time` in milliseconds. Raises DecodeError."""
        self.book.take_debts(rows, time)
        self._has_owed |= self.book.has_debt
        self._heard(time)

    def take_ratio(self, ratio: WireRatio, time: int) -> None:
        """Takes what the stream tells of the AD ratio, at `time` in milliseconds. Raises DecodeError."""
        self.book.take_ratio(ratio, time)
        self._heard(time)

    def news(self) -> list[Event]:
        """Returns what has changed since this was asked last."""
        if not self._has_read:  # the rates are read with it, and prices
            return []
        events = self._positions.news(self._at)
        if self._is_followed:
            now = self._account()
            if self._must_tell or not _is_same(now, self._told):
                self._must_tell = False
                self._told = now
                events.append(MarginUpdate(now))
        return events

    def resynced(self) -> None:
        """Is told each time the account's stream is signed in: the wallet is read and told as it is."""
        self._is_followed = self._must_tell = True
        self._liquidations.begin()
        self.book.begin()
        if MARGIN in self._profile.wallets and not self._is_closed:
            if self._beginning is not None:
                self._beginning.cancel()
            self._beginning = asyncio.create_task(self._begin(), name="max m-wallet")

    def unsubscribed(self) -> None:
        """Is told when nobody wants to hear of the account any more."""
        self._is_followed = False
        if self._beginning is not None:
            self._beginning.cancel()

    async def aclose(self) -> None:
        """Ends the read under way. May be called twice."""
        self._is_closed = True
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.gather(self._beginning, return_exceptions=True)

    async def _begin(self) -> None:
        try:
            await self._read()
        except VenueError as error:  # whoever compares reads it again within seconds
            logger.warning("the M-wallet can not be read: %s", error)
        else:
            self._emit(self.news())

    async def _read(self, *, is_strict: bool = False) -> bool:
        """Reads balances, debts, the AD ratio and the terms; False where no M-wallet is read. Raises VenueError.

        An account without an M-wallet may be refused to read it: that is an error only where `is_strict`.
        """
        if not await self._read_assets(is_strict=is_strict):
            return False
        await self._read_ratio()
        await self.terms.read(lambda: {asset.currency: asset.principal for asset in self.book.assets})
        self._has_read = True
        return True

    async def _read_assets(self, *, is_strict: bool = False) -> bool:
        """Reads balances and debts; False where there is no M-wallet to be read. Raises VenueError."""
        self._lookups.require_key()
        if not is_strict:
            try:
                await self.require()
            except NotSupported:
                return False
        mark, at = self.book.mark(), self._lookups.as_of()
        try:
            rows = await self._lookups.read(self._client.accounts(wallet_type=MARGIN))
        except (RequestError, AuthenticationError, OrderNotFound) as error:
            if is_strict or isinstance(error, TransientError):
                raise
            return False
        self.book.take_accounts(rows, mark)
        self._at = max(self._at, at)
        self._has_owed |= self.book.has_debt
        return True

    async def _read_ratio(self) -> None:
        """Raises VenueError; without a debt there may be none to be read, and what was told of it last will do."""
        mark = self.book.mark()
        try:
            told = await self._lookups.read(self._client.m_wallet_ad_ratio())
        except VenueError as error:
            if self.book.has_debt:
                raise
            if isinstance(error, TransientError):
                return
            told = None
        self.book.take_read_ratio(told, mark)

    def _account(self) -> MarginAccount:
        return self.book.account(self.terms.complete, self.terms.lent, self._at)

    def _heard(self, time: int) -> None:
        self._at = max(self._at, ns_of_milliseconds(time))


def _is_same(one: MarginAccount, other: MarginAccount | None) -> bool:
    return other is not None and one == msgspec.structs.replace(other, ts_event=one.ts_event)
