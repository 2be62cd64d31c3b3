"""Deposits, withdrawals, transfers, rewards and converts: nothing that a desk needs to trade.

Raises (the commands):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    OrderError: provably refused.
    NotSent: no byte of it has left.
    OutcomeUnknown: anything else. Money may have moved: look before you try again.
"""

from __future__ import annotations

from venues.max.client.calls import Calls, paged
from venues.max.models import (
    ConvertOrder,
    Deposit,
    DepositAddress,
    InternalTransfer,
    Reward,
    WithdrawAddress,
    Withdrawal,
)
from venues.max.parameters import Figure, currency_of, exactly_one, figure_of, limit_of, number_of, one_of, word_of
from venues.transport.exchange import Dispatch
from venues.transport.parameters import compact, given

STATES = ("processing", "failed", "canceled", "done")
DIRECTIONS = ("in", "out")
_MOST_OFFSET = 2**31 - 1


class FundCalls(Calls):
    """Every `timestamp` is in milliseconds, and every list has 50 rows, the newest first, unless it is told."""

    async def withdrawal(self, uuid: str) -> Withdrawal:
        return await self._read(
            "look up withdrawal", "/withdrawal", Withdrawal, compact(uuid=word_of(uuid, "a uuid"))
        )

    async def create_withdrawal(
        self, *, withdraw_address_uuid: str, amount: Figure, dispatch: Dispatch | None = None
    ) -> Withdrawal:
        """Sends coins to an address confirmed at the venue; the key has to be bound to IP addresses."""
        parameters = compact(
            withdraw_address_uuid=word_of(withdraw_address_uuid, "a uuid"),
            amount=figure_of(amount, "the amount"),
        )
        return await self._command("withdraw", "POST", "/withdrawal", Withdrawal, parameters, dispatch=dispatch)

    async def create_twd_withdrawal(self, amount: Figure, *, dispatch: Dispatch | None = None) -> Withdrawal:
        """Sends TWD to the account's own bank."""
        parameters = compact(amount=figure_of(amount, "the amount"))
        return await self._command(
            "withdraw TWD", "POST", "/withdrawal/twd", Withdrawal, parameters, dispatch=dispatch
        )

    async def withdrawals(
        self,
        *,
        currency: str | None = None,
        state: str | None = None,
        timestamp: int | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> list[Withdrawal]:
        return await self._read(
            "list withdrawals",
            "/withdrawals",
            list[Withdrawal],
            paged(
                timestamp,
                order,
                limit,
                currency=given(currency, currency_of),
                state=given(state, one_of, STATES, "a state"),
            ),
        )

    async def withdraw_addresses(
        self, currency: str, *, limit: int | None = None, offset: int | None = None
    ) -> list[WithdrawAddress]:
        return await self._read(
            "list addresses",
            "/withdraw_addresses",
            list[WithdrawAddress],
            compact(
                currency=currency_of(currency),
                limit=given(limit, limit_of),
                offset=given(offset, number_of, "an offset", 0, _MOST_OFFSET),
            ),
        )

    async def deposit(self, *, txid: str | None = None, uuid: str | None = None) -> Deposit:
        """Returns the deposit that either of the two names."""
        named = exactly_one(
            "look up deposit",
            txid=given(txid, word_of, "a txid"),
            uuid=given(uuid, word_of, "a uuid"),
        )
        return await self._read("look up deposit", "/deposit", Deposit, named)

    async def deposits(
        self,
        *,
        currency: str | None = None,
        timestamp: int | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> list[Deposit]:
        return await self._read(
            "list deposits",
            "/deposits",
            list[Deposit],
            paged(timestamp, order, limit, currency=given(currency, currency_of)),
        )

    async def deposit_address(self, currency_version: str) -> DepositAddress:
        """Returns where to send a version of a currency, such as "trc20usdt"; without an address, ask again."""
        return await self._read(
            "read deposit address",
            "/deposit_address",
            DepositAddress,
            compact(currency_version=currency_of(currency_version)),
        )

    async def internal_transfers(
        self,
        side: str,
        *,
        currency: str | None = None,
        timestamp: int | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> list[InternalTransfer]:
        """Returns the transfers between people at the venue; `side` is "in" or "out"."""
        return await self._read(
            "list transfers",
            "/internal_transfers",
            list[InternalTransfer],
            paged(
                timestamp,
                order,
                limit,
                side=one_of(side, DIRECTIONS, "a side"),
                currency=given(currency, currency_of),
            ),
        )

    async def rewards(
        self,
        *,
        reward_type: str | None = None,
        currency: str | None = None,
        timestamp: int | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> list[Reward]:
        """Returns what the venue gave; a `reward_type` is such as "trading_reward"."""
        return await self._read(
            "list rewards",
            "/rewards",
            list[Reward],
            paged(
                timestamp,
                order,
                limit,
                reward_type=given(reward_type, word_of, "a reward type"),
                currency=given(currency, currency_of),
            ),
        )

    async def create_convert(
        self,
        *,
        from_currency: str,
        to_currency: str,
        from_amount: Figure | None = None,
        to_amount: Figure | None = None,
        dispatch: Dispatch | None = None,
    ) -> ConvertOrder:
        """Changes one currency into another at once, at the venue's price; either amount is given, not both."""
        amount = exactly_one(
            "convert",
            from_amount=None if from_amount is None else figure_of(from_amount, "the amount"),
            to_amount=None if to_amount is None else figure_of(to_amount, "the amount"),
        )
        parameters = compact(
            from_currency=currency_of(from_currency), to_currency=currency_of(to_currency), **amount
        )
        return await self._command("convert", "POST", "/convert", ConvertOrder, parameters, dispatch=dispatch)

    async def convert(self, sn: str) -> ConvertOrder:
        return await self._read(
            "look up convert", "/convert", ConvertOrder, compact(sn=word_of(sn, "a serial number"))
        )

    async def converts(
        self, *, timestamp: int | None = None, order: str | None = None, limit: int | None = None
    ) -> list[ConvertOrder]:
        return await self._read("list converts", "/converts", list[ConvertOrder], paged(timestamp, order, limit))
