"""The isolated margin accounts of CoinEx, one a market, seen as positions where something is owed.

Which of a hundred are in use one call of the account's stream tells. Where that is not to be had all are read by
REST, once, then those that were in use, and all again every ten minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import msgspec

from venues.coinex import channels, endpoints
from venues.coinex.channels import Call
from venues.coinex.figures import amount, positive
from venues.coinex.lookups import Lookups
from venues.coinex.messages import Reply, decode_result
from venues.coinex.parse_account import MarginAccount, parse_margin_account
from venues.coinex.wire import WireAsset
from venues.errors import OrderNotFound, RequestError, VenueError
from venues.model import Position
from venues.transport.together import together

Ask: TypeAlias = Callable[[Call], Awaitable[Reply]]
"""Asks over the account's stream. Raises VenueError, also where it is not open."""

_ALL_AGAIN = 600.0  # seconds
_AT_ONCE = 4

_Held: TypeAlias = dict[str, dict[str, WireAsset]]


class Margin:
    """Reads the margin accounts of one key. `monotonic` returns seconds."""

    def __init__(
        self,
        lookups: Lookups,
        *,
        ask: Ask | None,
        monotonic: Callable[[], float],
        time_scale: float = 1.0,
    ) -> None:
        self._lookups = lookups
        self._ask = ask
        self._monotonic = monotonic
        self._all_again = _ALL_AGAIN * time_scale
        self._listed_at = 0.0
        self._markets: dict[str, int] = {}  # the account's id of each market that has one
        self._read_all_at: float | None = None
        self._in_use: dict[str, MarginAccount] = {}

    async def positions(self) -> list[Position]:
        """Returns every account that owes something. Raises VenueError."""
        accounts = await self.accounts()
        return [await self._position(account) for account in accounts.values() if account.has_loan]

    async def accounts(self) -> Mapping[str, MarginAccount]:
        """Returns the accounts in which there is something, by market. Raises VenueError."""
        self._lookups.require_key()
        markets = await self._list_markets()
        named = await self._used_markets(markets)
        if named is None:
            now = self._monotonic()
            is_whole = self._read_all_at is None or now - self._read_all_at >= self._all_again
            named = list(markets if is_whole else self._in_use)
            found = await self._read(named)
            if is_whole:
                self._read_all_at = now
        else:
            found = await self._read(named)
        self._in_use = {market: account for market, account in found.items() if _is_used(account)}
        for account in self._in_use.values():
            self._lookups.accounts[account.account_id] = None
        return self._in_use

    async def _list_markets(self) -> Mapping[str, int]:
        now = self._monotonic()
        if not self._markets or now - self._listed_at >= self._all_again:
            answer = await self._lookups.fetch(endpoints.margin_markets(), endpoints.MarginMarkets)
            self._markets, self._listed_at = answer.data, now
        return self._markets

    async def _used_markets(self, markets: Mapping[str, int]) -> list[str] | None:
        """Returns the markets whose account holds something; None where the stream does not tell."""
        if self._ask is None:
            return None
        try:
            held: _Held = decode_result(await self._ask(channels.query_every_asset()), _Held)
            used = {
                int(account)
                for account, assets in held.items()
                if account.isdecimal() and any(amount(a.available) or amount(a.frozen) for a in assets.values())
            }
        except VenueError:
            return None
        return [market for market, account in markets.items() if account in used]

    async def _read(self, markets: list[str]) -> dict[str, MarginAccount]:
        gate = asyncio.Semaphore(_AT_ONCE)  # a read that waited for the limit too long would fail

        async def read(market: str) -> MarginAccount | None:
            async with gate:
                request = endpoints.margin_account(market)
                try:
                    answer = await self._lookups.fetch(request, endpoints.MarginAccountAnswer)
                except (RequestError, OrderNotFound):  # a market whose account was never opened
                    return None
                return parse_margin_account(answer.data)

        found = await together(*map(read, markets))
        return {market: account for market, account in zip(markets, found, strict=True) if account is not None}

    async def _position(self, account: MarginAccount) -> Position:
        """The venue tells no entry price: the last one stands for it, so that no profit is made up."""
        instrument = account.instrument
        answer = await self._lookups.fetch(endpoints.market_ticker(instrument.symbol), endpoints.TickerAt)
        position = account.position(positive(answer.data.ticker.last), self._lookups.now())
        return msgspec.structs.replace(position, note=_words(account))


def _is_used(account: MarginAccount) -> bool:
    return account.has_loan or bool(account.base or account.quote)


def _words(account: MarginAccount) -> str:
    """Returns what a position has no field for: what is owed, and how near the venue sees its end."""
    parts = []
    units = account.base_name, account.quote_name
    for name, values in (
        ("loan", (account.base_loan, account.quote_loan)),
        ("interest", (account.base_interest, account.quote_interest)),
    ):
        owed = [f"{value:f} {unit}" for value, unit in zip(values, units, strict=True) if value]
        if owed:
            parts.append(f"{name} {' and '.join(owed)}")
    if account.risk_rate is not None:
        parts.append(f"risk rate {account.risk_rate:f} %")
    return ", ".join(parts)
