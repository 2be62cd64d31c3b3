"""Loans, repayments and transfers of the M-wallet: sent once, and looked up by what they were.

The venue knows no name of ours for them. What became of one whose answer was lost is told by its lists alone, by
currency, amount and moment; so that nothing is sent which the venue might carry out with another amount.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from venues.commands import FundsKind, FundsRequest
from venues.errors import DecodeError, NotSent, NotSupported, OutcomeUnknown, VenueError
from venues.margin import FundsReceipt, FundsState
from venues.max import VENUE
from venues.max.client import Client
from venues.max.client.paging import by_moment
from venues.max.figures import ns_of_milliseconds, plain
from venues.max.lookups import Lookups
from venues.max.margin import MarginWallet
from venues.max.models import MWalletLoan, MWalletRepayment, MWalletTransfer
from venues.max.parameters import FIRST_MOMENT
from venues.max.profile import MARGIN, NO_MARGIN, Profile
from venues.model import decimals_of
from venues.port import Depart
from venues.transport.exchange import Dispatch
from venues.transport.sending import Sender

Row: TypeAlias = MWalletLoan | MWalletRepayment | MWalletTransfer

_SIDES: Mapping[FundsKind, str] = {FundsKind.TRANSFER_IN: "in", FundsKind.TRANSFER_OUT: "out"}
# A transfer's words are documented; of loans and repayments only "confirmed" is.
_STATES: Mapping[str, FundsState] = {
    "confirmed": FundsState.DONE,
    "done": FundsState.DONE,
    "failed": FundsState.FAILED,
    "canceled": FundsState.FAILED,
    "cancelled": FundsState.FAILED,
    "rejected": FundsState.FAILED,
}


class Funds:
    """Moves funds of one account's M-wallet."""

    def __init__(
        self, client: Client, sender: Sender, lookups: Lookups, profile: Profile, wallet: MarginWallet
    ) -> None:
        self._client = client
        self._sender = sender
        self._lookups = lookups
        self._profile = profile
        self._wallet = wallet

    async def move(self, request: FundsRequest, depart: Depart | None) -> FundsReceipt:
        """Borrows, repays or transfers; an answer whose state is "failed" is a receipt as well.

        Raises:
            OrderError, NotSent, OutcomeUnknown: as a new order does, and nothing else.
        """
        self._sender.require_key()
        try:
            await self._check(request)
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None
        row = await self._sender.send(self._command(request), depart)
        try:
            return self._answered(request, row)
        except DecodeError as error:
            raise OutcomeUnknown(VENUE, f"taken, and {error.message}") from None

    async def find(self, request: FundsRequest, since: int) -> list[FundsReceipt]:
        """Returns what the venue lists of this kind, currency and amount from `since` on, oldest first.

        `since` in nanoseconds of the venue's clock, whose lists are cut to milliseconds. Raises VenueError.
        """
        self._lookups.require_key()
        await self._wallet.require()
        moment = max(since // 1_000_000, FIRST_MOMENT + 1)
        rows = [row async for row in by_moment(self._list(request), since=moment)]
        return [
            parse_receipt(request, row)
            for row in sorted(rows, key=lambda row: row.created_at)
            if row.created_at >= moment and _is_about(request, row) and row.amount == request.amount
        ]

    async def _check(self, request: FundsRequest) -> None:
        """Raises VenueError for what would not be carried out as it is asked for."""
        if request.venue != VENUE:
            raise NotSupported(VENUE, f"this is a request for {request.venue[:40]}")
        if request.kind.is_of_position:
            raise NotSupported(VENUE, "no position here has a margin of its own")
        if MARGIN not in self._profile.wallets:
            raise NotSupported(VENUE, NO_MARGIN)
        currency, amount = request.currency, request.amount
        decimals = await self._wallet.terms.decimals(currency)
        if decimals is None:
            raise NotSupported(VENUE, f"{currency[:40]} is not listed here")
        if decimals_of(amount) > decimals:
            raise NotSupported(VENUE, f"an amount of {currency} has up to {decimals} decimals here")
        if request.kind is FundsKind.REPAY:
            debt = await self._wallet.debt(currency, amount)
            if amount > debt:
                owed = f"only {plain(debt)} {currency} are owed" if debt else f"no {currency} are owed"
                raise NotSupported(VENUE, owed)

    def _command(self, request: FundsRequest) -> Callable[[Dispatch], Awaitable[Row]]:
        currency, amount = request.currency.lower(), request.amount

        async def send(dispatch: Dispatch) -> Row:
            if request.kind is FundsKind.BORROW:
                return await self._client.create_m_wallet_loan(currency=currency, amount=amount, dispatch=dispatch)
            if request.kind is FundsKind.REPAY:
                return await self._client.create_m_wallet_repayment(
                    currency=currency, amount=amount, dispatch=dispatch
                )
            return await self._client.create_m_wallet_transfer(
                currency=currency, amount=amount, side=_SIDES[request.kind], dispatch=dispatch
            )

        return send

    def _list(self, request: FundsRequest) -> Callable[[int, int], Awaitable[Sequence[Row]]]:
        """Returns what reads a page of the kind's list: from a moment on (milliseconds), so many rows."""
        currency = request.currency.lower()

        async def read(moment: int, limit: int) -> Sequence[Row]:
            answer: Awaitable[Sequence[Row]]
            if request.kind is FundsKind.BORROW:
                answer = self._client.m_wallet_loans(currency, timestamp=moment, order="asc", limit=limit)
            elif request.kind is FundsKind.REPAY:
                answer = self._client.m_wallet_repayments(currency, timestamp=moment, order="asc", limit=limit)
            else:
                answer = self._client.m_wallet_transfers(
                    currency=currency, side=_SIDES[request.kind], timestamp=moment, order="asc", limit=limit
                )
            return await self._lookups.read(answer)

        return read

    def _answered(self, request: FundsRequest, row: Row) -> FundsReceipt:
        """Returns the receipt of an answer. Raises DecodeError where it is about something else."""
        # The debt may have shrunk since it was read: a repayment that was cut to it is ours all the same.
        is_cut = request.kind is FundsKind.REPAY and 0 < row.amount < request.amount
        if not _is_about(request, row) or not (is_cut or row.amount == request.amount):
            raise DecodeError(VENUE, "the answer is about something else")
        return parse_receipt(request, row)


def parse_receipt(request: FundsRequest, row: Row) -> FundsReceipt:
    """Returns what a row of the venue says; a word that nobody knows is no end."""
    parts = (row.principal, row.interest) if isinstance(row, MWalletRepayment) else (None, None)
    return FundsReceipt(
        request=request,
        venue_id=row.sn,
        state=_STATES.get(row.state, FundsState.PROCESSING),
        principal=parts[0],
        interest=parts[1],
        ts_event=ns_of_milliseconds(row.created_at),
    )


def _is_about(request: FundsRequest, row: Row) -> bool:
    if row.currency.lower() != request.currency.lower():
        return False
    return not isinstance(row, MWalletTransfer) or row.side == _SIDES.get(request.kind)
