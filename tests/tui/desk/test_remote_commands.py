"""The command line from outside: what each line does, what guards say about it, and what it is never taken for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tui.desk.rig import PERP, Rig, ScriptedVenue, capabilities, position, update
from tui.desk.control import Verdict
from tui.desk.remote_commands import GRAMMAR, RemoteCommands
from tui.desk.remote_messages import Decided
from venues.commands import OrderRequest
from venues.errors import OrderRejected, OutcomeUnknown
from venues.events import PositionUpdate
from venues.model import Order, OrderStatus, OrderType, Side, TimeInForce
from venues.port import Mode

D = Decimal


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with Rig() as made:
        yield made


def commands(rig: Rig) -> RemoteCommands:
    return RemoteCommands(rig.session, rig.clock, patience=0.2)


async def run(rig: Rig, line: str, is_sure: bool = False) -> Decided:
    return await commands(rig).run(line, is_sure)


def only(rig: Rig) -> Order:
    (order,) = rig.venue.orders.values()
    return order


@pytest.mark.parametrize(
    ("line", "side", "kind", "quantity", "price"),
    [
        ("buy BTC-PERP 0.5 @ 100", Side.BUY, OrderType.LIMIT, "0.5", "100"),
        ("SELL btc-perp 0.5@100.5", Side.SELL, OrderType.LIMIT, "0.5", "100.5"),
        ("buy BTC-PERP@test 50 usdt @ 100", Side.BUY, OrderType.LIMIT, "0.5", "100"),
        ("buy BTC-PERP 0.5 @ bid-2t", Side.BUY, OrderType.LIMIT, "0.5", "98.5"),
        ("buy BTC-PERP 0.5", Side.BUY, OrderType.MARKET, "0.5", None),
    ],
)
async def test_an_order_is_read_as_in_the_ticket(
    line: str, side: Side, kind: OrderType, quantity: str, price: str | None, rig: Rig
) -> None:
    told = await run(rig, line)
    order = only(rig)
    assert (order.side, order.type, order.quantity) == (side, kind, D(quantity))
    assert order.price == (None if price is None else D(price))
    assert (told.verdict, told.is_done, told.reasons) == (Verdict.SENT, True, ())
    assert order.client_order_id in told.text


class NotingVenue(ScriptedVenue):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[OrderRequest] = []

    def book_order(self, request: OrderRequest) -> None:
        self.asked.append(request)
        super().book_order(request)


async def test_flags_are_read_and_sent() -> None:
    venue = NotingVenue()
    async with Rig(venue) as rig:
        for line in ("@ 100 ioc", "@ 99 FOK", "@ 98 post-only"):
            assert (await run(rig, f"buy BTC-PERP 0.5 {line}")).is_done
        await rig.tell(PositionUpdate(position()))
        assert (await run(rig, "sell BTC-PERP 50% position reduce-only")).is_done
    assert [(one.time_in_force, one.post_only, one.reduce_only) for one in venue.asked] == [
        (TimeInForce.IOC, False, False),
        (TimeInForce.FOK, False, False),
        (TimeInForce.GTC, True, False),
        (TimeInForce.GTC, False, True),
    ]
    assert venue.asked[-1].quantity == D(1)


async def test_a_flag_that_does_not_apply_is_refused_and_never_left_out(rig: Rig) -> None:
    sent = rig.venue.called("submit_order")
    for line, words in (
        ("buy BTC-PERP 0.5 post-only", "can not be had"),
        ("buy BTC-PERP 0.5 @ 100 ioc fok", "not both"),
        ("buy BTC-USDT 0.5 @ 100 reduce-only", "can not be had"),
        ("buy BTC-PERP 0.5 @ 100 reduce-only", "no short position"),
        ("buy BTC-PERP 0.5 @ 100 isolated cross", "not both"),
        ("buy BTC-USDT 0.5 @ 100 cross", "margin can not be had"),
        ("buy BTC-PERP 0.5 @ 100 now", "price"),
    ):
        told = await run(rig, line)
        assert told.verdict is Verdict.DENIED
        assert words in told.text
        assert not told.is_done
    assert rig.venue.called("submit_order") == sent


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "no command"),
        ("buy", "no command"),
        ("buy BTC-PERP", "an order is written"),
        ("buy BTC-PERP @ 100", "an order is written"),
        ("buy BTC-PERP 1 @", "an order is written"),
        ("buy BTC-PERP 1 @ 100 @ 99", "an order is written"),
        ("buy BTC 1 @ 100", "there is no instrument 'BTC'"),
        ("buy \x1b[2J 1 @ 100", "there is no instrument"),
        ("buy BTC-PERP 0,5 @ 100", "size"),
        ("buy BTC-PERP 1_000 @ 100", "size"),
        ("buy BTC-PERP 0 @ 100", "size"),
        ("buy BTC-PERP -1 @ 100", "size"),
        ("buy BTC-PERP nan @ 100", "size"),
        ("buy BTC-PERP 0.0001 @ 100", "size"),
        ("cancel", "no command"),
        ("cancel nobody", "there is no order 'nobody'"),
        ("cancel a b", "no command"),
        ("cancel all BTC-PERP BTC-USDT", "one instrument at most"),
        ("close BTC-PERP", "there is no position"),
        ("close BTC-PERP 0", "no part of a position"),
        ("close BTC-PERP ٥", "no part of a position"),
        ("close BTC-PERP 101%", "no part of a position"),
        ("flatten a b", "no command"),
        ("arm now", "no command"),
        ("panic", "pitside panic"),
        ("theme light", "no command"),
    ],
)
async def test_what_can_not_be_meant_is_refused_with_words(line: str, words: str, rig: Rig) -> None:
    told = await run(rig, line, is_sure=True)
    assert told.verdict is Verdict.DENIED
    assert words in told.text
    assert told.text.isprintable()
    assert not told.is_done
    assert rig.venue.orders == {}


async def test_an_instrument_on_two_venues_is_never_guessed() -> None:
    async with Rig(ScriptedVenue("one"), ScriptedVenue("two")) as rig:
        told = await run(rig, "buy BTC-PERP 1 @ 100")
        assert "say BTC-PERP@one, BTC-PERP@two" in told.text
        assert (await run(rig, "buy BTC-PERP@two 1 @ 100", is_sure=True)).is_done
        assert rig.venues[0].orders == {}


async def test_a_question_needs_a_yes_and_a_limit_none_lifts(rig: Rig) -> None:
    far = "buy BTC-PERP 1 @ 90"
    asked = await run(rig, far)
    assert (asked.verdict, asked.is_done) == (Verdict.NEEDS_YES, False)
    assert [reason.guard for reason in asked.reasons] == ["band"]
    assert rig.venue.orders == {}
    sure = await run(rig, far, is_sure=True)
    assert sure.is_done
    assert [reason.guard for reason in sure.reasons] == ["band"], "what was overridden is said"
    twin = await run(rig, far)
    assert {reason.guard for reason in twin.reasons} == {"band", "duplicate"}
    hard = await run(rig, "buy BTC-PERP 1 @ 50", is_sure=True)
    assert hard.verdict is Verdict.DENIED
    assert len(rig.venue.orders) == 1


async def test_what_a_venue_refuses_or_leaves_open_is_said_as_it_is(rig: Rig) -> None:
    rig.venue.faults["submit_order"] = [OrderRejected("test", "too \x1b[31mpoor")]
    refused = await run(rig, "buy BTC-PERP 1 @ 100")
    assert "was refused: too" in refused.text
    assert refused.text.isprintable()
    assert not refused.is_done
    rig.venue.faults["submit_order"] = [OutcomeUnknown("test", "no answer")]
    unknown = await run(rig, "buy BTC-PERP 2 @ 100")
    assert "UNKNOWN what became of BUY 2" in unknown.text
    assert not unknown.is_done
    rig.venue.hold = asyncio.Event()
    waiting = await run(rig, "buy BTC-PERP 3 @ 100")
    assert "has not answered yet" in waiting.text
    assert not waiting.is_done
    rig.venue.hold.set()


async def test_cancels_wait_for_the_venues_word(rig: Rig) -> None:
    key = await rig.place()
    told = await run(rig, f"cancel {key}")
    assert told.is_done
    assert "is cancelled" in told.text
    over = await run(rig, f"cancel {key}")
    assert (over.verdict, over.reasons[0].text) == (Verdict.DENIED, "the order is over")
    await rig.place(quantity=D(2))
    await rig.place(quantity=D(3))
    told = await run(rig, "cancel all BTC-PERP")
    assert told.is_done
    assert rig.store.orders.get(key) is not None
    await rig.tell(update("external", is_external=True))
    rig.venue.faults["cancel_all_orders"] = [OutcomeUnknown("test", "no answer")]
    left = await run(rig, "cancel all")
    assert not left.is_done
    assert "1 orders" in left.text


async def test_positions_are_closed_and_flattened_with_a_yes(rig: Rig) -> None:
    rig.venue.held = [position()]
    await rig.tell(PositionUpdate(position()))
    half = await run(rig, "close BTC-PERP 50%")
    assert half.is_done
    assert only(rig).quantity == D(1)
    assert only(rig).reduce_only
    await rig.tell(PositionUpdate(rig.venue.held[0]))
    asked = await run(rig, "flatten")
    assert asked.verdict is Verdict.NEEDS_YES
    assert "closes 1 positions" in asked.reasons[0].text
    assert len(rig.venue.held) == 1
    done = await run(rig, "flatten BTC-PERP", is_sure=True)
    assert done.is_done, done
    assert rig.venue.held == []


async def test_the_lock_holds_for_commands_too() -> None:
    async with Rig(ScriptedVenue(caps=capabilities(mode=Mode.LIVE))) as rig:
        denied = await run(rig, "buy BTC-PERP 1 @ 100", is_sure=True)
        assert denied.verdict is Verdict.DENIED
        assert [reason.guard for reason in denied.reasons] == ["lock"]
        assert (await run(rig, "arm")).is_done
        assert (await run(rig, "buy BTC-PERP 1 @ 100")).is_done
        assert (await run(rig, "lock lunch")).is_done
        assert rig.store.desk.lock_reason == "lunch"
        assert (await run(rig, f"cancel {only(rig).client_order_id}")).is_done


async def test_a_desk_for_reading_can_not_be_armed() -> None:
    async with Rig() as rig:
        rig.store.change_desk(mode=Mode.READ_ONLY)
        told = await run(rig, "arm")
        assert (told.verdict, told.is_done) == (Verdict.DENIED, False)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.one_of(st.text(max_size=60), st.from_regex(r"(buy|sell) BTC-PERP [^@]{0,12}( @ .{0,12})?\Z")))
async def test_no_line_breaks_it(line: str, rig: Rig) -> None:
    told = await run(rig, line)
    assert told.text.isprintable()
    assert all(order.instrument == PERP for order in rig.venue.orders.values())
    assert told.verdict is not Verdict.SENT or rig.venue.called("submit_order") or not told.order_key


async def test_the_grammar_that_is_shown_is_the_one_that_is_read(rig: Rig) -> None:
    for line in GRAMMAR:
        verb = line.split()[0].split("|")[0]
        told = await run(rig, f"{verb} x")
        assert "is no command here" not in told.text or verb == "arm"
    assert all(order.status is not OrderStatus.NEW for order in rig.venue.orders.values())
