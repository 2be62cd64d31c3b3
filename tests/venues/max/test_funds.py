"""Loans, repayments and transfers at a scripted MAX: what is sent, what an answer proves, what is found again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.max.margin_rows import WALLET_KINDS, account, debt_push, has_wallet
from tests.venues.max.scripted_max import Call
from tests.venues.max.scripted_venue import TIME_MS
from tests.venues.max.venue_rig import VenueRig, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import FundsKind, FundsRequest
from venues.errors import (
    BadRequest,
    InsufficientFunds,
    MissingCredentials,
    NotSent,
    NotSupported,
    OrderRejected,
    OutcomeUnknown,
    VenueUnavailable,
)
from venues.events import MarginUpdate
from venues.margin import FundsReceipt, FundsState
from venues.model import InstrumentId
from venues.port import Departure

D = Decimal
LOAN, REPAYMENT, TRANSFER = "POST /wallet/m/loan", "POST /wallet/m/repayment", "POST /wallet/m/transfer"
COMMANDS = {
    FundsKind.BORROW: LOAN, FundsKind.REPAY: REPAYMENT, FundsKind.TRANSFER_IN: TRANSFER,
    FundsKind.TRANSFER_OUT: TRANSFER,
}  # fmt: skip
LISTS = {
    FundsKind.BORROW: "GET /wallet/m/loans", FundsKind.REPAY: "GET /wallet/m/repayments",
    FundsKind.TRANSFER_IN: "GET /wallet/m/transfers", FundsKind.TRANSFER_OUT: "GET /wallet/m/transfers",
}  # fmt: skip


def wish(kind: FundsKind = FundsKind.BORROW, amount: str = "0.5", **changes: Any) -> FundsRequest:
    given: dict[str, Any] = {"venue": "max", "request_id": "f1", "currency": "BTC"} | changes
    return FundsRequest(kind=kind, amount=D(amount), **given)


def row(kind: FundsKind = FundsKind.BORROW, **changes: Any) -> dict[str, Any]:
    common = {"sn": "21", "currency": "btc", "amount": "0.5", "state": "confirmed", "created_at": TIME_MS + 7}
    match kind:
        case FundsKind.BORROW:
            common |= {"interest_rate": "0.0000031"}
        case FundsKind.REPAY:
            common |= {"principal": "0.49", "interest": "0.01"}
        case _:
            common |= {"side": kind.removeprefix("transfer_"), "state": "done"}
    return common | changes


def owes(rig: VenueRig) -> None:
    has_wallet(rig.rest, account("btc", "2", "1.0", "0.001"))


@pytest.mark.parametrize("kind", WALLET_KINDS)
def test_what_is_sent_and_what_comes_of_it(kind: FundsKind) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            owes(rig)
            rig.rest.on(COMMANDS[kind], row(kind))
            receipt = await rig.venue.move_funds(wish(kind), depart=rig.depart)
            (call,) = rig.rest.of(COMMANDS[kind])
            side = {"side": kind.removeprefix("transfer_")} if "transfer" in kind else {}
            assert call.parameters == {"currency": "btc", "amount": "0.5"} | side
            (departure,) = rig.departures
            assert (departure.nonce, departure.deadline) == (call.nonce, (call.nonce or 0) * 10**6 + 30 * 10**9)
            assert departure.body_hash
            parts = (D("0.49"), D("0.01")) if kind is FundsKind.REPAY else (None, None)
            assert receipt == FundsReceipt(
                request=wish(kind), venue_id="21", state=FundsState.DONE, principal=parts[0], interest=parts[1],
                ts_event=(TIME_MS + 7) * 10**6,
            )  # fmt: skip

    run()


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("confirmed", FundsState.DONE), ("done", FundsState.DONE), ("failed", FundsState.FAILED),
        ("canceled", FundsState.FAILED), ("processing", FundsState.PROCESSING), ("odd", FundsState.PROCESSING),
    ],
)  # fmt: skip
def test_the_words_for_its_state(word: str, state: FundsState) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            owes(rig)
            rig.rest.on(LOAN, row(state=word))
            assert (await rig.venue.move_funds(wish())).state is state

    run()


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (wish(amount="0.000000001"), "up to 8 decimals"),
        (wish(currency="TWD", amount="0.5"), "up to 0 decimals"),
        (wish(currency="DOGE"), "DOGE is not listed"),
        (wish(currency="a b"), "not listed"),
        (wish(venue="coinex"), "for coinex"),
        (wish(FundsKind.ADD_MARGIN, instrument=InstrumentId("max", "BTCUSDT"), position_id="m"), "of its own"),
        (wish(FundsKind.REPAY, "1.0011"), "only 1.001 BTC are owed"),
        (wish(FundsKind.REPAY, "5", currency="TWD"), "no TWD are owed"),
        (wish(amount="123456789012345678901"), "up to 20 digits"),
    ],
)
def test_what_would_be_carried_out_otherwise_is_not_sent(request_: FundsRequest, words: str) -> None:
    """What the venue might cut to its own steps, or to what is owed, would not be found again by its amount."""

    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            owes(rig)
            with pytest.raises(NotSent, match=words):
                await rig.venue.move_funds(request_, depart=rig.depart)
            assert not rig.departures
            assert rig.rest.commands == []

    run()


@in_virtual_time
async def test_all_that_is_owed_can_be_paid_back_as_soon_as_it_is() -> None:
    async with connected(account=True) as rig:
        owes(rig)
        await rig.venue.fetch_margin_account()
        await until(lambda: rig.of(MarginUpdate))
        rig.rest.on(REPAYMENT, row(FundsKind.REPAY, amount="1.0012"))
        reads = len(rig.rest.of("GET /wallet/m/accounts"))
        rig.stream.push(debt_push("btc", "1.0", "0.0012"))
        await until(lambda: len(rig.of(MarginUpdate)) > 1)
        await rig.venue.move_funds(wish(FundsKind.REPAY, "1.0012"))
        assert len(rig.rest.of("GET /wallet/m/accounts")) == reads, "the stream has told of the interest"


@in_virtual_time
async def test_a_journal_that_denies_keeps_everything_here() -> None:
    async with connected(has_key=True) as rig:
        owes(rig)

        async def deny(_: Departure) -> None:
            assert rig.rest.commands == []
            raise NotSent("max", "the journal is full")

        for kind in WALLET_KINDS:
            with pytest.raises(NotSent, match="journal is full"):
                await rig.venue.move_funds(wish(kind), depart=deny)
        assert rig.rest.commands == []


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (2018, 400, InsufficientFunds), (2016, 400, OrderRejected), (1001, 400, OrderRejected),
        (2007, 401, OrderRejected), (2006, 401, OrderRejected), (4002, 400, OrderRejected),
        (2008, 401, OrderRejected), (2018, 200, InsufficientFunds),
        (2002, 400, OutcomeUnknown), (4000, 404, OutcomeUnknown), (9999, 400, OutcomeUnknown),
        (2018, 500, OutcomeUnknown), (4002, 503, OutcomeUnknown), (404, 404, OutcomeUnknown),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", [FundsKind.BORROW, FundsKind.REPAY])
def test_what_an_answer_proves(command: FundsKind, code: int, status: int, kind: type[Exception]) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            owes(rig)
            rig.rest.refuse(COMMANDS[command], code, status)
            with pytest.raises(kind):
                await rig.venue.move_funds(wish(command), depart=rig.depart)
            assert rig.rest.commands == [COMMANDS[command]]

    run()


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>", b"", b"{}", b"[]", row(currency="eth"), row(amount="0.4"), row(amount="0.6"),
        row(FundsKind.TRANSFER_OUT), row(sn=7), row(created_at="now"),
    ],
)  # fmt: skip
def test_an_answer_about_something_else_leaves_it_open(answer: Any) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            owes(rig)
            rig.rest.on(TRANSFER, answer)
            with pytest.raises(OutcomeUnknown):
                await rig.venue.move_funds(wish(FundsKind.TRANSFER_IN))
            assert rig.rest.commands == [TRANSFER]

    run()


@in_virtual_time
async def test_without_an_m_wallet_nothing_is_sent() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /info", rig.rest.info(has_margin=False))
        for _ in range(2):
            with pytest.raises(NotSupported, match="enable it"):
                await rig.venue.find_funds(wish(), 0)
        with pytest.raises(NotSent, match="enable it"):
            await rig.venue.move_funds(wish())
        assert rig.rest.commands == []


@in_virtual_time
async def test_without_a_key_nothing_is_sent_and_nothing_looked_up() -> None:
    async with connected() as rig:
        with pytest.raises(NotSent):
            await rig.venue.move_funds(wish())
        with pytest.raises(MissingCredentials):
            await rig.venue.find_funds(wish(), 0)


@in_virtual_time
async def test_what_steps_there_are_has_to_be_known_once() -> None:
    async with connected(has_key=True, time_scale=0.1) as rig:
        owes(rig)
        rig.rest.refuse("GET /currencies", 1001)
        with pytest.raises(NotSent):
            await rig.venue.move_funds(wish())
        owes(rig)
        rig.rest.statuses.clear()
        rig.rest.on(LOAN, row())
        await rig.venue.move_funds(wish())
        await passes(31)
        rig.rest.refuse("GET /currencies", 1001)
        await rig.venue.move_funds(wish())
        assert rig.rest.commands == [LOAN, LOAN]


# Looking for one whose answer was lost.


def pages(rows: list[dict[str, Any]], *, most: int = 1_000, inclusive: bool = True) -> Any:
    """A list of the venue as it answers a page: from a moment on, the oldest first."""

    def answer(call: Call) -> list[dict[str, Any]]:
        given = call.parameters
        assert given["order"] == "asc"
        begin = int(given["timestamp"]) + (not inclusive)
        found = sorted((one for one in rows if one["created_at"] >= begin), key=lambda one: one["created_at"])
        return found[: min(most, int(given["limit"]))]

    return answer


@pytest.mark.parametrize("kind", WALLET_KINDS)
def test_what_is_found(kind: FundsKind) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            owes(rig)
            rows = [
                row(kind, sn="before", created_at=TIME_MS - 1),
                row(kind, sn="other amount", amount="0.50000001"),
                row(kind, sn="same", amount="0.500", created_at=TIME_MS),
                row(kind, sn="late", created_at=TIME_MS + 90_000, state="processing"),
                row(kind, sn="other currency", currency="eth"),
            ]
            if "transfer" in kind:
                rows.append(row(kind, sn="other way", side="in" if kind is FundsKind.TRANSFER_OUT else "out"))
            rig.rest.on(LISTS[kind], pages(rows))
            found = await rig.venue.find_funds(wish(kind), TIME_MS * 10**6 + 999_999)
            assert [(each.venue_id, each.state) for each in found] == [
                ("same", FundsState.DONE), ("late", FundsState.PROCESSING),
            ]  # fmt: skip
            assert found[0].request == wish(kind)
            given = rig.rest.of(LISTS[kind])[0].parameters
            assert given["currency"] == "btc"
            assert given.get("side") == (kind.removeprefix("transfer_") if "transfer" in kind else None)

    run()


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("most", [1, 2, 3, 1_000])
def test_every_page_is_read(most: int, inclusive: bool) -> None:
    """Whether the moment asked for is left out or not, and however short the venue cuts its pages."""

    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            owes(rig)
            rows = [row(sn=str(number), created_at=TIME_MS + 10 * number) for number in range(7)]
            rig.rest.on(LISTS[FundsKind.BORROW], pages(rows, most=max(most, 2), inclusive=inclusive))
            found = await rig.venue.find_funds(wish(), TIME_MS * 10**6)
            assert [each.venue_id for each in found] == [str(number) for number in range(7)]
            assert await rig.venue.find_funds(wish(), (TIME_MS + 61) * 10**6) == []

    run()


@in_virtual_time
async def test_a_list_that_can_not_be_read_proves_nothing() -> None:
    async with connected(has_key=True) as rig:
        owes(rig)
        rig.rest.refuse(LISTS[FundsKind.BORROW], 1001)
        with pytest.raises(BadRequest):
            await rig.venue.find_funds(wish(), TIME_MS * 10**6)
        rig.rest.on(LISTS[FundsKind.BORROW], b"busy", 503)
        with pytest.raises(VenueUnavailable):
            await rig.venue.find_funds(wish(), TIME_MS * 10**6)
