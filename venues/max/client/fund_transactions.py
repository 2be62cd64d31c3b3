"""What moved in and out of the account and its sub-accounts, as the venue's books have it."""

from __future__ import annotations

from venues.max.client.calls import Calls, paged
from venues.max.models import FundTransactionDeposit, FundTransactionTransfer, FundTransactionWithdrawal
from venues.max.parameters import word_of
from venues.transport.parameters import compact

_DEPOSIT, _WITHDRAWAL, _TRANSFER = (f"/fund_transactions/{kind}" for kind in ("deposit", "withdrawal", "transfer"))


class FundTransactionCalls(Calls):
    """Every `timestamp` is in milliseconds, and every list has 50 rows, the newest first, unless it is told."""

    async def fund_transaction_deposits(
        self, *, timestamp: int | None = None, order: str | None = None, limit: int | None = None
    ) -> list[FundTransactionDeposit]:
        into = list[FundTransactionDeposit]
        return await self._read("list deposits", f"{_DEPOSIT}s", into, paged(timestamp, order, limit))

    async def fund_transaction_deposit(self, sn: str) -> FundTransactionDeposit:
        return await self._read("look up deposit", _DEPOSIT, FundTransactionDeposit, compact(sn=_sn(sn)))

    async def fund_transaction_withdrawals(
        self, *, timestamp: int | None = None, order: str | None = None, limit: int | None = None
    ) -> list[FundTransactionWithdrawal]:
        into = list[FundTransactionWithdrawal]
        return await self._read("list withdrawals", f"{_WITHDRAWAL}s", into, paged(timestamp, order, limit))

    async def fund_transaction_withdrawal(self, sn: str) -> FundTransactionWithdrawal:
        return await self._read("look up withdrawal", _WITHDRAWAL, FundTransactionWithdrawal, compact(sn=_sn(sn)))

    async def fund_transaction_transfers(
        self, *, timestamp: int | None = None, order: str | None = None, limit: int | None = None
    ) -> list[FundTransactionTransfer]:
        into = list[FundTransactionTransfer]
        return await self._read("list transfers", f"{_TRANSFER}s", into, paged(timestamp, order, limit))

    async def fund_transaction_transfer(self, sn: str) -> FundTransactionTransfer:
        return await self._read("look up transfer", _TRANSFER, FundTransactionTransfer, compact(sn=_sn(sn)))


def _sn(sn: str) -> str:
    return word_of(sn, "a serial number")
