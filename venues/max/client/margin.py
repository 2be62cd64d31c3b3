"""The M-wallet: what is borrowed, moved between the wallets, paid back, and taken.

Raises (the commands):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    OrderError: provably refused.
    NotSent: no byte of it has left.
    OutcomeUnknown: anything else. Money may have moved: look before you try again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from venues.max.client.calls import Calls, paged
from venues.max.codes import judge_funds
from venues.max.models import (
    MWalletADRatio,
    MWalletInterest,
    MWalletLiquidation,
    MWalletLiquidationDetail,
    MWalletLoan,
    MWalletRepayment,
    MWalletTransfer,
)
from venues.max.parameters import Figure, Value, currency_of, figure_of, one_of, word_of
from venues.transport.exchange import Dispatch
from venues.transport.parameters import compact, given

T = TypeVar("T")

DIRECTIONS = ("in", "out")


class MarginCalls(Calls):
    """Every `timestamp` is in milliseconds, and every list has 50 rows, the newest first, unless it is told."""

    async def create_m_wallet_loan(
        self, *, currency: str, amount: Figure, dispatch: Dispatch | None = None
    ) -> MWalletLoan:
        """Borrows into the M-wallet."""
        parameters = compact(currency=currency_of(currency), amount=figure_of(amount, "the amount"))
        return await self._move("borrow", "/wallet/m/loan", MWalletLoan, parameters, dispatch)

    async def m_wallet_loans(
        self, currency: str, *, timestamp: int | None = None, order: str | None = None, limit: int | None = None
    ) -> list[MWalletLoan]:
        return await self._read(
            "list loans",
            "/wallet/m/loans",
            list[MWalletLoan],
            paged(timestamp, order, limit, currency=currency_of(currency)),
        )

    async def create_m_wallet_transfer(
        self, *, currency: str, amount: Figure, side: str, dispatch: Dispatch | None = None
    ) -> MWalletTransfer:
        """Moves what is ours between the wallets: "in" to the M-wallet, "out" of it."""
        parameters = compact(
            currency=currency_of(currency),
            amount=figure_of(amount, "the amount"),
            side=one_of(side, DIRECTIONS, "a side"),
        )
        return await self._move("transfer", "/wallet/m/transfer", MWalletTransfer, parameters, dispatch)

    async def m_wallet_transfers(
        self,
        *,
        currency: str,
        side: str,
        timestamp: int | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> list[MWalletTransfer]:
        return await self._read(
            "list transfers",
            "/wallet/m/transfers",
            list[MWalletTransfer],
            paged(
                timestamp, order, limit, currency=currency_of(currency), side=one_of(side, DIRECTIONS, "a side")
            ),
        )

    async def create_m_wallet_repayment(
        self, *, currency: str, amount: Figure, dispatch: Dispatch | None = None
    ) -> MWalletRepayment:
        """Pays back principal and interest."""
        parameters = compact(currency=currency_of(currency), amount=figure_of(amount, "the amount"))
        return await self._move("repay", "/wallet/m/repayment", MWalletRepayment, parameters, dispatch)

    async def m_wallet_repayments(
        self, currency: str, *, timestamp: int | None = None, order: str | None = None, limit: int | None = None
    ) -> list[MWalletRepayment]:
        return await self._read(
            "list repayments",
            "/wallet/m/repayments",
            list[MWalletRepayment],
            paged(timestamp, order, limit, currency=currency_of(currency)),
        )

    async def m_wallet_liquidations(
        self, *, timestamp: int | None = None, order: str | None = None, limit: int | None = None
    ) -> list[MWalletLiquidation]:
        into = list[MWalletLiquidation]
        return await self._read(
            "list liquidations", "/wallet/m/liquidations", into, paged(timestamp, order, limit)
        )

    async def m_wallet_liquidation(self, sn: str) -> MWalletLiquidationDetail:
        """Returns one liquidation with what was sold and what was paid back."""
        return await self._read(
            "look up liquidation",
            "/wallet/m/liquidation",
            MWalletLiquidationDetail,
            compact(sn=word_of(sn, "a serial number")),
        )

    async def m_wallet_interests(
        self,
        *,
        currency: str | None = None,
        timestamp: int | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> list[MWalletInterest]:
        return await self._read(
            "list interest",
            "/wallet/m/interests",
            list[MWalletInterest],
            paged(timestamp, order, limit, currency=given(currency, currency_of)),
        )

    async def m_wallet_ad_ratio(self) -> MWalletADRatio:
        """Returns how well the debts are covered."""
        return await self._read("read AD ratio", "/wallet/m/ad_ratio", MWalletADRatio)

    async def _move(
        self, what: str, path: str, into: type[T], parameters: Mapping[str, Value], dispatch: Dispatch | None
    ) -> T:
        return await self._command(what, "POST", path, into, parameters, judge=judge_funds, dispatch=dispatch)
