"""Loans, repayments and transfers at the practice exchange, with every fault of a request: never two of one.

Where nobody told what became of one, that is what is said; the venue's lists tell it then, and nothing else.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.venues.max.margin_rows import WALLET_KINDS
from tests.venues.max.wallet_rig import WalletDesk, rows_of, wallet_desk, wish
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import FundsKind
from venues.errors import InsufficientFunds, NotSent, OrderRejected, OutcomeUnknown, VenueError
from venues.margin import FundsReceipt, FundsState

D = Decimal

EXECUTED = (
    "lost-reply=hang", "lost-reply=reset", "lost-reply=close", "half-headers", "half-body", "garbage", "502",
    "503", "504", "html-200", "redirect", "reset-after=executed", "closed-after=executed",
)  # fmt: skip
UNEXECUTED = (
    "reset-after", "closed-after", "never-executed", "half-headers=unexecuted",
    "half-body=unexecuted", "garbage=unexecuted", "502=unexecuted", "503=unexecuted", "504=unexecuted",
    "html-200=unexecuted", "redirect=unexecuted", "maintenance",
)  # fmt: skip


async def outcome(desk: WalletDesk, kind: FundsKind, amount: str) -> FundsReceipt | VenueError:
    """Sends one, and checks that it departed at most once."""
    departed = len(desk.departures)
    try:
        return await desk.venue.move_funds(wish(kind, amount), depart=desk.depart)
    except VenueError as error:
        return error
    finally:
        assert len(desk.departures) - departed <= 1


async def owes_money(desk: WalletDesk) -> None:
    await desk.venue.client.create_m_wallet_loan(currency="usdt", amount=D(5_000))


@pytest.mark.parametrize("kind", WALLET_KINDS)
@pytest.mark.parametrize("faults", [EXECUTED, UNEXECUTED], ids=["executed", "unexecuted"])
def test_answers_that_are_lost(kind: FundsKind, faults: tuple[str, ...]) -> None:
    @in_virtual_time
    async def run() -> None:
        async with wallet_desk() as desk:
            await owes_money(desk)
            is_executed = faults is EXECUTED
            for number, fault in enumerate(faults, 1):
                before, amount = len(rows_of(desk, kind)), f"{10 + number}.5"
                name, _, value = fault.partition("=")
                since = desk.clock.time_ns()
                desk.faults.switch(f"{name}@submit{f'={value}' if value else ''}*1")
                found = await outcome(desk, kind, amount)
                desk.faults.heal()
                assert type(found) is OutcomeUnknown, (fault, found)
                assert len(rows_of(desk, kind)) - before == is_executed, fault
                receipts = await desk.venue.find_funds(wish(kind, amount), since)
                assert [each.state for each in receipts] == [FundsState.DONE] * is_executed, fault
                assert all(each.request == wish(kind, amount) for each in receipts)
            assert len(desk.departures) == len(faults)

    run()


@pytest.mark.parametrize("what", ["executed", "unexecuted"])
def test_a_kept_connection_that_breaks(what: str) -> None:
    @in_virtual_time
    async def run() -> None:
        async with wallet_desk() as desk:
            desk.faults.switch(f"keep-alive-reset@submit={what}")
            found: list[FundsReceipt | VenueError] = []
            while not isinstance(found[-1] if found else None, OutcomeUnknown):  # one that is fresh does not break
                found.append(await outcome(desk, FundsKind.BORROW, f"{10 + len(found)}"))
                assert len(found) < 9
            assert len(desk.wallet.loans) == len(found) - (what == "unexecuted")

    run()


@pytest.mark.parametrize("kind", [FundsKind.BORROW, FundsKind.TRANSFER_OUT])
def test_connections_that_break_before_anything_is_read(kind: FundsKind) -> None:
    """Nothing was carried out; whether that is proven depends on whether the request had left."""

    @in_virtual_time
    async def run() -> None:
        async with wallet_desk() as desk:
            for number, fault in enumerate(("reset-before", "closed-before"), 1):
                since = desk.clock.time_ns()
                desk.faults.switch(f"{fault}@submit*1")
                found = await outcome(desk, kind, f"{10 + number}")
                assert isinstance(found, OutcomeUnknown | NotSent), fault
                desk.faults.heal()
                assert rows_of(desk, kind) == []
                assert await desk.venue.find_funds(wish(kind, f"{10 + number}"), since) == []

    run()


@in_virtual_time
async def test_where_nobody_listens_nothing_is_sent() -> None:
    async with wallet_desk() as desk:
        await desk.venue.fetch_margin_account()
        await desk.venue.move_funds(wish(FundsKind.TRANSFER_IN, "1"))  # what it needs to know is known
        desk.faults.switch("refuse")
        await passes(1)
        found = await outcome(desk, FundsKind.BORROW, "20")
        assert type(found) is NotSent
        desk.faults.heal()
        assert desk.wallet.loans == []


@in_virtual_time
async def test_an_answer_that_comes_late_is_an_answer() -> None:
    async with wallet_desk() as desk:
        desk.faults.switch("delay@submit=2*1")
        receipt = await desk.venue.move_funds(wish(FundsKind.BORROW, "20"))
        assert (receipt.state, len(desk.wallet.loans)) == (FundsState.DONE, 1)
        desk.faults.switch("delay@submit=20*1")
        assert type(await outcome(desk, FundsKind.BORROW, "21")) is OutcomeUnknown
        assert len(desk.wallet.loans) == 2


@pytest.mark.parametrize("kind", WALLET_KINDS)
def test_one_that_is_carried_out_late(kind: FundsKind) -> None:
    """A refusal that proves nothing: the list is empty at first, and before its time is over that is no proof."""

    @in_virtual_time
    async def run() -> None:
        async with wallet_desk() as desk:
            await owes_money(desk)
            loans = len(desk.wallet.loans)
            since, request = desk.clock.time_ns(), wish(kind, "33")
            desk.faults.switch("late-booking@submit=20*1")
            assert type(await outcome(desk, kind, "33")) is OutcomeUnknown
            assert await desk.venue.find_funds(request, since) == []
            await passes(21)
            (receipt,) = await desk.venue.find_funds(request, since)
            assert receipt.state is FundsState.DONE
            deadline = desk.departures[-1].deadline
            assert deadline is not None
            assert receipt.ts_event <= deadline, "within the life that the departure names"
            assert len(rows_of(desk, kind)) == 1 + (loans if kind is FundsKind.BORROW else 0)

    run()


@in_virtual_time
async def test_a_list_that_lags_finds_it_later() -> None:
    async with wallet_desk() as desk:
        since = desk.clock.time_ns()
        desk.faults.switch("lost-reply@submit*1,stale-orders@query=4")
        assert type(await outcome(desk, FundsKind.BORROW, "33")) is OutcomeUnknown
        found = [len(await desk.venue.find_funds(wish(FundsKind.BORROW, "33"), since))]
        await passes(desk.venue.capabilities.settle)
        found.append(len(await desk.venue.find_funds(wish(FundsKind.BORROW, "33"), since)))
        assert found[-1] == 1, "by the time that the venue is given to show what it took"


@in_virtual_time
async def test_only_the_one_that_is_looked_for_is_found() -> None:
    async with wallet_desk() as desk:
        for kind, amount in (
            (FundsKind.BORROW, "50"),
            (FundsKind.BORROW, "50.00000001"),
            (FundsKind.TRANSFER_IN, "50"),
            (FundsKind.TRANSFER_OUT, "50"),
            (FundsKind.REPAY, "50"),
        ):
            await desk.venue.move_funds(wish(kind, amount))
            await passes(0.01)
        since = desk.clock.time_ns()
        await desk.venue.move_funds(wish(FundsKind.BORROW, "1000", "TWD"))
        await desk.venue.move_funds(wish(FundsKind.BORROW, "50"))
        for kind in WALLET_KINDS:
            assert len(await desk.venue.find_funds(wish(kind, "50"), 0)) == 1 + (kind is FundsKind.BORROW)
        (newest,) = await desk.venue.find_funds(wish(FundsKind.BORROW, "50.0"), since)
        assert newest.ts_event >= since - 10**6
        assert await desk.venue.find_funds(wish(FundsKind.BORROW, "50", "BTC"), 0) == []
        repaid = (await desk.venue.find_funds(wish(FundsKind.REPAY, "50"), 0))[0]
        assert repaid.principal is not None
        assert repaid.interest is not None
        assert repaid.principal + repaid.interest == 50


@in_virtual_time
async def test_refusals_are_proofs() -> None:
    async with wallet_desk() as desk:
        await owes_money(desk)
        for kind, amount, currency, expected in (
            (FundsKind.BORROW, "1", "USDT", OrderRejected),  # below the least
            (FundsKind.BORROW, "99000", "USDT", OrderRejected),  # the AD ratio would be too low
            (FundsKind.TRANSFER_OUT, "9000", "USDT", OrderRejected),
            (FundsKind.TRANSFER_IN, "99000000", "USDT", InsufficientFunds),
            (FundsKind.BORROW, "10", "SOL", NotSent),
            (FundsKind.REPAY, "6000", "USDT", NotSent),  # more than is owed
        ):
            counts = [len(rows_of(desk, each)) for each in WALLET_KINDS]
            with pytest.raises(expected):
                await desk.venue.move_funds(wish(kind, amount, currency), depart=desk.depart)
            assert [len(rows_of(desk, each)) for each in WALLET_KINDS] == counts
        desk.faults.switch("auth-refused@submit*1")
        assert type(await outcome(desk, FundsKind.BORROW, "20")) is OrderRejected
        desk.faults.heal()
        assert len(desk.wallet.loans) == 1


@in_virtual_time
async def test_too_many_requests_prove_nothing_and_nothing_follows_them() -> None:
    async with wallet_desk() as desk:
        await desk.venue.move_funds(wish(FundsKind.TRANSFER_IN, "1"))
        desk.faults.switch("rate-limit@submit*1")
        assert type(await outcome(desk, FundsKind.BORROW, "20")) is OutcomeUnknown
        desk.faults.heal()
        assert desk.wallet.loans == []


@in_virtual_time
async def test_who_stops_waiting_leaves_one_at_most() -> None:
    async with wallet_desk() as desk:
        desk.faults.switch("delay@submit=3*1")
        sending = asyncio.ensure_future(desk.venue.move_funds(wish(FundsKind.BORROW, "20"), depart=desk.depart))
        await until(lambda: desk.wallet.loans)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await passes(10)
        assert len(desk.wallet.loans) == len(desk.departures) == 1
