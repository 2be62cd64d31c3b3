"""What rows add up to: orders, executions, earnings, and what nobody has answered."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.tui.desk.journal_rig import AMEND, CANCEL, kept, open_journal, place
from tests.tui.desk.rig import HUNDRED, PERP, START, fill, order, request
from tui.desk.journal import CancelAllRequest, Command, Resolution
from tui.desk.journal_events import Draft, EventKind, Refusal, Row, draft_command, draft_fact, draft_note
from tui.desk.journal_export import export_fills_csv, export_jsonl, read_state, verify
from tui.desk.journal_fold import JournalState, fold
from tui.desk.journal_store import SqliteJournal, journal_path
from venues.model import Fill, InstrumentId, Order, OrderStatus, Side
from venues.port import Departure

D = Decimal


def rows_of(*drafts: Draft) -> list[Row]:
    rows: list[Row] = []
    for number, draft in enumerate(drafts, 1):
        rows.append(draft.row(number, rows[-1].digest if rows else ""))
    return rows


def sent(key: str = "a") -> tuple[Draft, Draft]:
    return (
        draft_command(EventKind.INTENT, request(key), START),
        draft_command(EventKind.SENDING, request(key), START, departure=Departure(deadline=START + 5)),
    )


def answered(status: OrderStatus = OrderStatus.NEW, **changes: object) -> Draft:
    return draft_command(EventKind.ANSWERED, request("a"), START, order=order("a", status, **changes))


def told(fact: Order | Fill) -> Draft:
    return draft_fact(fact, START)


def status_of(state: JournalState, key: str = "a") -> OrderStatus:
    return state.orders[key].status


def test_an_intent_alone_was_never_sent() -> None:
    state = fold(rows_of(sent()[0]))
    assert list(state.not_sent) == ["a"]
    assert (state.orders, list(state.unresolved())) == ({}, [])
    state = fold(rows_of(*sent()))
    assert not state.not_sent


def test_a_sending_without_an_answer_is_listed_and_becomes_unknown() -> None:
    state = fold(rows_of(*sent()))
    (left,) = state.unresolved()
    assert (left.number, left.command, left.is_ambiguous, left.deadline) == (2, request("a"), False, START + 5)
    assert status_of(state) is OrderStatus.PENDING_NEW
    state.close_off(START + 9)
    assert status_of(state) is OrderStatus.UNKNOWN
    assert state.orders["a"].unknown_since == START + 9
    assert len(state.unresolved()) == 1


def test_an_ambiguous_order_is_listed_until_the_venue_tells_of_it() -> None:
    rows = rows_of(*sent(), draft_command(EventKind.AMBIGUOUS, request("a"), START, text="ReadTimeout"))
    state = fold(rows)
    (left,) = state.unresolved()
    assert (left.number, left.is_ambiguous, left.words) == (2, True, "ReadTimeout")
    assert status_of(state) is OrderStatus.UNKNOWN
    state.take(told(order("a")).row(4, ""))
    assert (status_of(state), list(state.unresolved())) == (OrderStatus.NEW, [])


def test_a_late_answer_of_a_lost_sending_still_makes_the_order() -> None:
    state = fold(rows_of(answered()))
    assert (status_of(state), list(state.unresolved())) == (OrderStatus.NEW, [])


def test_refusals_end_an_order_and_leave_one_that_is_only_to_be_cancelled() -> None:
    refused = draft_command(
        EventKind.ANSWERED, request("a"), START, refusal=Refusal("OrderRejected", "test", "no")
    )
    state = fold(rows_of(*sent(), refused))
    assert (status_of(state), state.orders["a"].order.reason) == (OrderStatus.REJECTED, "no")
    cancel = draft_command(EventKind.SENDING, CANCEL, START)
    no = draft_command(EventKind.ANSWERED, CANCEL, START, refusal=Refusal("OrderRejected", "test", "no"))
    assert status_of(fold(rows_of(*sent(), answered(), cancel))) is OrderStatus.PENDING_CANCEL
    assert status_of(fold(rows_of(*sent(), answered(), cancel, no))) is OrderStatus.NEW
    missing = draft_command(EventKind.ANSWERED, CANCEL, START, refusal=Refusal("OrderNotFound", "test", "gone"))
    assert status_of(fold(rows_of(*sent(), answered(), cancel, missing))) is OrderStatus.UNKNOWN


def test_an_unanswered_cancel_is_listed_until_the_order_is_over() -> None:
    rows = rows_of(*sent(), answered(), draft_command(EventKind.SENDING, CANCEL, START))
    state = fold(rows)
    assert [one.command for one in state.unresolved()] == [CANCEL]
    state.take(told(order("a", ts_event=START + 1)).row(5, ""))
    assert len(state.unresolved()) == 1  # it rests, but the cancel may still arrive
    state.take(told(order("a", OrderStatus.CANCELED, ts_event=START + 2)).row(6, ""))
    assert list(state.unresolved()) == []
    assert status_of(state) is OrderStatus.CANCELED


@pytest.mark.parametrize("change", [CANCEL, AMEND, CancelAllRequest(venue="test")])
def test_the_next_start_ends_what_was_on_its_way_so_that_the_venues_word_counts(change: Command) -> None:
    """A desk that is killed over a change, one that has it looked up, and what a third one starts with."""
    killed = (
        *sent(),
        answered(),
        draft_command(EventKind.SENDING, change, START, departure=Departure(deadline=START)),
    )
    state = fold(rows_of(*killed, draft_note("the desk was opened", START + 9, "start")))
    tracked = state.orders["a"]
    assert (tracked.status, tracked.in_flight, tracked.commands) == (OrderStatus.UNKNOWN, 0, [change])
    assert tracked.unknown_since == START + 9
    rests = order("a", OrderStatus.PARTIALLY_FILLED, filled_quantity=D(1), ts_event=START + 1)
    state.take(draft_fact(rests, START + 10, is_answer=True).row(6, ""))
    assert status_of(state) is OrderStatus.PARTIALLY_FILLED
    assert [(one.command, one.is_ambiguous) for one in state.unresolved()] == [(change, False)]
    died = Resolution("lookup", "the venue said: partially filled", rests)
    state.take(draft_command(EventKind.RESOLVED, change, START + 11, resolution=died).row(7, ""))
    state.close_off(START + 12)
    assert (status_of(state), tracked.commands, state.unresolved()) == (OrderStatus.PARTIALLY_FILLED, [], [])


def test_a_command_after_a_start_is_not_answered_for_by_the_same_one_from_before_it() -> None:
    cancel = draft_command(EventKind.SENDING, CANCEL, START)
    start = draft_note("the desk was opened", START, "start")
    state = fold(rows_of(*sent(), answered(), cancel, start, cancel))
    assert state.orders["a"].in_flight == 1
    state.take(draft_command(EventKind.ANSWERED, CANCEL, START).row(7, ""))
    assert state.orders["a"].in_flight == 0
    assert [one.number for one in state.unresolved()] == [4]  # the one from before it is as open as it was


def test_an_answer_settles_the_one_of_two_same_cancels_that_had_none() -> None:
    cancel = draft_command(EventKind.SENDING, CANCEL, START)
    lost = draft_command(EventKind.AMBIGUOUS, CANCEL, START, text="ReadTimeout")
    done = draft_command(EventKind.ANSWERED, CANCEL, START)
    state = fold(rows_of(*sent(), answered(), cancel, cancel, lost, done))
    assert [(one.is_ambiguous, one.words) for one in state.unresolved()] == [(True, "ReadTimeout")]


def test_an_amendment_and_a_cancel_of_all() -> None:
    everything = CancelAllRequest(venue="test")
    rows = rows_of(
        *sent(),
        answered(),
        draft_command(EventKind.SENDING, AMEND, START),
        draft_command(EventKind.ANSWERED, AMEND, START, order=order("a", price=D("99.50"), ts_event=START + 1)),
        draft_command(EventKind.SENDING, everything, START),
    )
    state = fold(rows)
    assert (state.orders["a"].order.price, status_of(state)) == (D("99.50"), OrderStatus.PENDING_CANCEL)
    assert [one.command for one in state.unresolved()] == [everything]
    state.take(draft_command(EventKind.ANSWERED, everything, START).row(7, ""))
    assert list(state.unresolved()) == []


def test_what_was_resolved_is_no_longer_listed() -> None:
    never = Resolution("trader", "the venue's page does not show it", was_never_placed=True)
    state = fold(rows_of(*sent(), draft_command(EventKind.RESOLVED, request("a"), START, resolution=never)))
    assert (status_of(state), list(state.unresolved())) == (OrderStatus.REJECTED, [])
    assert state.orders["a"].order.reason == "never placed: the venue's page does not show it"
    found = Resolution("lookup", "found", order("a", OrderStatus.FILLED))
    lost = draft_command(EventKind.AMBIGUOUS, request("a"), START, text="ReadTimeout")
    state = fold(rows_of(*sent(), lost, draft_command(EventKind.RESOLVED, request("a"), START, resolution=found)))
    assert (status_of(state), list(state.unresolved())) == (OrderStatus.FILLED, [])


def test_a_fill_counts_once_and_a_late_one_counts() -> None:
    gone = told(order("a", OrderStatus.CANCELED, ts_event=START + 1))
    state = fold(rows_of(*sent(), answered(), gone, told(fill("a", "t1")), told(fill("a", "t1"))))
    tracked = state.orders["a"]
    assert (tracked.status, tracked.order.filled_quantity, len(state.fills)) == (OrderStatus.CANCELED, D(1), 1)
    assert tracked.is_late_fill
    assert state.earnings[PERP].fees == {"USDT": D("0.1")}


async def test_ten_thousand_fills_are_exported_to_the_last_and_their_earnings_agree(tmp_path: Path) -> None:
    """The other computation knows nothing of positions: all is flat at the end, so that P&L is cash."""
    chance = random.Random(10_000)
    instruments = [PERP, InstrumentId("test", "ETH-PERP")]
    held = dict.fromkeys(instruments, D(0))
    cash, fees, rebates = dict.fromkeys(instruments, D(0)), D(0), D(0)
    drafts: list[Fill] = []
    for number in range(10_000):
        name = chance.choice(instruments)
        is_last = number >= 9_998
        name = instruments[number - 9_998] if is_last else name
        side = chance.choice([Side.BUY, Side.SELL])
        quantity = D(chance.randrange(1, 5000)) / 1000
        if is_last:  # flat at the end, so that P&L is the cash that went in and out
            side = Side.SELL if held[name] > 0 else Side.BUY
            quantity = abs(held[name])
        price = HUNDRED + D(chance.randrange(-4000, 4000)) / 100
        fee = price * quantity * D(chance.choice(["0.0005", "-0.0001"]))
        held[name] += side.sign * quantity
        cash[name] -= side.sign * quantity * price
        fees, rebates = fees + max(fee, D(0)), rebates + min(fee, D(0))
        drafts.append(fill(
            f"k{number}", f"t{number}", quantity, instrument=name, side=side, price=price, fee=fee,
            ts_event=START + number,
        ))  # fmt: skip
    assert set(held.values()) == {D(0)}
    journal = SqliteJournal(journal_path(tmp_path))
    for batch in range(0, 10_000, 250):
        await journal_facts(journal, drafts[batch : batch + 250])
    await journal_facts(journal, drafts[:100])  # told again, as after a reconnect
    await journal.aclose()

    text = io.StringIO()
    assert export_fills_csv(journal.path, text) == 10_000
    table = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert [line["trade_id"] for line in table] == [f"t{number}" for number in range(10_000)]
    exported = sum(
        (D(line["notional"]) * (1 if line["side"] == "sell" else -1) - D(line["fee"]) for line in table), D(0)
    )
    assert exported == sum(cash.values(), D(0)) - fees - rebates
    earnings = read_state(journal.path).earnings
    assert {name: earned.position for name, earned in earnings.items()} == held
    computed = sum((earned.average_pnl - earned.fees["USDT"] for earned in earnings.values()), D(0))
    assert abs(computed - exported) < D("1e-15")
    lines = io.StringIO()
    assert export_jsonl(journal.path, lines) == 10_100
    objects = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [one["number"] for one in objects] == list(range(1, 10_101))
    assert objects[17]["body"]["fill"]["price"] == str(drafts[17].price)
    assert verify(journal.path) == (10_100, 1, ())


async def journal_facts(journal: SqliteJournal, facts: list[Fill]) -> None:
    await asyncio.gather(*(journal.fact(fact, fact.ts_event) for fact in facts))


def test_realized_pnl_is_what_the_venue_said() -> None:
    closing = msgspec.structs.replace(fill("b", "t2", side=Side.SELL, price=D(103)), realized_pnl=D(3))
    state = fold(rows_of(told(fill("a", "t1")), told(closing)))
    earned = state.earnings[PERP]
    assert (earned.realized_pnl, earned.average_pnl, earned.position, earned.fills) == (D(3), D(3), D(0), 2)


async def test_ids_can_be_left_out_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        await place(journal, "a")
        await journal.fact(fill("a", "=cmd()", D("1E+1"), fee=D("-1E-8")), START)
    text = io.StringIO()
    export_fills_csv(journal.path, text)
    (line,) = csv.DictReader(io.StringIO(text.getvalue()))
    assert (line["trade_id"], line["quantity"], line["fee"]) == ("'=cmd()", "10", "-0.00000001")
    assert line["time"] == "2027-01-15T08:00:00.000000000Z"
    text = io.StringIO()
    export_fills_csv(journal.path, text, with_ids=False)
    assert "cmd" not in text.getvalue()
    assert "client_order_id" not in text.getvalue()
    assert len(kept(tmp_path)) == 4
