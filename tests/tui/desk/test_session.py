"""Wishes on their way to a venue: what is written first, what an answer means, what is refused before."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.tui.desk.rig import (
    PERP,
    SPOT,
    START,
    RecordingJournal,
    Rig,
    ScriptedVenue,
    capabilities,
    intent,
    position,
    until,
    update,
)
from tui.desk.control import AmendIntent, CancelScope, Verdict
from tui.desk.frame import FactKind
from tui.desk.session import Session
from venues.errors import InsufficientFunds, NotSent, OrderNotFound, OutcomeUnknown, UnknownInstrument
from venues.events import PositionUpdate
from venues.model import InstrumentId, MarginMode, OrderStatus, OrderType, Side
from venues.port import Mode

D = Decimal
S = OrderStatus


async def test_an_order_is_sent_after_the_journal_has_it() -> None:
    venue = ScriptedVenue()
    journal = RecordingJournal(venue)
    async with Rig(venue, journal=journal) as rig:
        key = await rig.place()
        assert rig.status(key) is S.NEW
        assert key.startswith("p")
        await rig.tell(update(key, ts_event=START + 99))
    assert journal.entries == [
        "intent after 0 sent",
        "sending after 0 sent",
        "answered Order after 1 sent",
        "fact Order after 1 sent",
    ]


@pytest.mark.parametrize("broken", ["intent", "sending"])
async def test_without_a_journal_nothing_is_sent(broken: str) -> None:
    journal = RecordingJournal()
    async with Rig(journal=journal) as rig:
        resting = await rig.place()
        journal.broken = broken
        before = len(rig.facts)
        for wish in (
            rig.session.submit(intent(price=D(99))),
            rig.session.cancel(resting),
            rig.session.amend(AmendIntent(key=resting, price=D(98))),
        ):
            outcome = await wish
            await rig.session.settled()
            if broken == "intent":
                assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.DENIED, "journal")
                assert "the journal can not be written: disk full" in outcome.reasons[0].text
        told = [fact for fact in rig.facts[before:] if fact.kind is FactKind.NOT_SENT]
        assert len(told) == (3 if broken == "sending" else 1)
        assert all("the journal can not be written: disk full" in fact.text for fact in told)
        assert rig.status(resting) is S.NEW
        assert not [one for one in rig.store.orders.open_orders() if one.key != resting]
        assert [rig.venue.called(f"{name}_order") for name in ("submit", "cancel", "amend")] == [1, 0, 0]


async def test_a_journal_that_fails_afterwards_is_told_and_changes_nothing() -> None:
    journal = RecordingJournal()
    journal.broken = "answered"
    async with Rig(journal=journal) as rig:
        assert rig.status(await rig.place()) is S.NEW
        assert "journal can not be written: disk full" in rig.texts()


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (InsufficientFunds("test", "not enough \x1b[31m"), S.REJECTED, FactKind.REJECTED),
        (NotSent("test", "connection refused"), S.REJECTED, FactKind.NOT_SENT),
        (OutcomeUnknown("test", "timeout"), S.UNKNOWN, FactKind.UNKNOWN),
        (KeyError("a bug"), S.UNKNOWN, FactKind.UNKNOWN),
        (asyncio.CancelledError(), S.UNKNOWN, FactKind.UNKNOWN),
    ],
)
async def test_what_a_failed_submit_means(fault: BaseException, status: OrderStatus, kind: FactKind) -> None:
    async with Rig() as rig:
        rig.venue.faults = {"submit_order": [fault]}
        key = await rig.place()
        assert rig.status(key) is status
        assert kind in {fact.kind for fact in rig.facts if fact.order_key == key}
        assert "\x1b" not in rig.texts()
        assert rig.venue.called("submit_order") == 1


async def test_an_unknown_order_is_found_when_the_venue_has_it() -> None:
    async with Rig() as rig:
        rig.venue.faults = {"answer": [OutcomeUnknown("test", "timeout")]}
        key = await rig.place()
        await until(lambda: rig.status(key) is S.NEW)
        assert 0.375 <= rig.waits[-1] <= 0.5
        assert rig.venue.called("submit_order") == 1


async def test_an_unknown_order_that_is_never_found_stays_unknown() -> None:
    async with Rig() as rig:
        rig.venue.faults = {"submit_order": [OutcomeUnknown("test", "timeout")]}
        key = await rig.place()
        await until(lambda: rig.venue.called("fetch_order") >= 5)
        assert rig.status(key) is S.UNKNOWN
        outcome = await rig.session.submit(intent())
        assert [reason.guard for reason in outcome.reasons] == ["duplicate"]
        frame = rig.store.frame(rig.clock())
        assert frame is not None
        assert frame.orders is not None
        assert frame.orders[0].unknown_since == START


async def test_an_order_on_its_way_when_the_desk_closes_is_unknown() -> None:
    async with Rig() as rig:
        rig.venue.hold = asyncio.Event()
        key = (await rig.session.submit(intent())).order_key
        await until(lambda: rig.venue.called("submit_order") == 1)
        await rig.session.aclose()
        assert rig.status(key) is S.UNKNOWN


async def test_a_second_press_while_the_journal_is_slow_is_asked_about() -> None:
    async with Rig(journal=RecordingJournal()) as rig:
        first, second = await asyncio.gather(rig.session.submit(intent()), rig.session.submit(intent()))
        assert (first.verdict, second.verdict) == (Verdict.SENT, Verdict.NEEDS_YES)


async def test_cancel_shows_pending_at_once_and_the_venues_word_after() -> None:
    async with Rig() as rig:
        key = await rig.place()
        assert (await rig.session.cancel(key)).verdict is Verdict.SENT
        assert rig.status(key) is S.PENDING_CANCEL
        await rig.session.settled()
        assert rig.status(key) is S.CANCELED
        assert (await rig.session.cancel(key)).verdict is Verdict.DENIED


async def test_a_cancel_that_the_venue_does_not_find_is_looked_up() -> None:
    async with Rig() as rig:
        key = await rig.place()
        rig.venue.end(key, S.EXPIRED)
        rig.venue.faults = {"cancel_order": [OrderNotFound("test", "gone")]}
        await rig.session.cancel(key)
        await until(lambda: rig.status(key) is S.EXPIRED)


async def test_an_order_that_was_held_back_is_told_once_and_not_as_refused() -> None:
    async with Rig() as rig:
        rig.venue.faults = {"submit_order": [NotSent("test", "the venue told us to be silent")]}
        await rig.place()
        (told,) = [fact.text for fact in rig.facts if "silent" in fact.text]
        assert told == "not sent: BUY 1 BTC-PERP at 100: the venue told us to be silent"


async def test_a_refused_cancel_is_told_and_leaves_the_order() -> None:
    async with Rig() as rig:
        key = await rig.place()
        rig.venue.faults = {"cancel_order": [NotSent("test", "no connection")]}
        await rig.session.cancel(key)
        await rig.session.settled()
        assert rig.status(key) is S.NEW
        assert "cancel not sent: no connection" in rig.texts()


async def test_amend_changes_price_and_size() -> None:
    async with Rig() as rig:
        key = await rig.place()
        outcome = await rig.session.amend(AmendIntent(key=key, price=D(99), quantity=D(2)))
        assert outcome.verdict is Verdict.SENT
        assert rig.status(key) is S.PENDING_REPLACE
        assert (await rig.session.amend(AmendIntent(key=key, price=D(98)))).reasons[0].guard == "order"
        await rig.session.settled()
        tracked = rig.store.orders.get(key)
        assert tracked is not None
        assert (tracked.status, tracked.order.price, tracked.order.quantity) == (S.NEW, D(99), D(2))
        assert rig.session.guards.budget_used == 198
        far = await rig.session.amend(AmendIntent(key=key, price=D(150)))
        assert [reason.guard for reason in far.reasons] == ["band"]


async def test_cancel_all_keeps_to_its_scope() -> None:
    async with Rig() as rig:
        buy = await rig.place()
        sell = await rig.place(side=Side.SELL)
        await rig.session.cancel_all(CancelScope(instrument=PERP, side=Side.SELL))
        await rig.session.settled()
        assert (rig.status(buy), rig.status(sell)) == (S.NEW, S.CANCELED)
        await rig.session.cancel_all(CancelScope())
        await rig.session.settled()
        assert rig.status(buy) is S.CANCELED


async def test_a_live_desk_starts_locked_and_cancels_all_the_same() -> None:
    async with Rig(ScriptedVenue(caps=capabilities(mode=Mode.LIVE))) as rig:
        assert (await rig.session.check(intent())).reasons[0].guard == "lock"
        assert (await rig.session.arm()).verdict is Verdict.SENT
        key = await rig.place()
        assert key.startswith("l")
        await rig.session.lock("hang-up")
        assert (await rig.session.submit(intent(price=D(99)))).verdict is Verdict.DENIED
        await rig.session.cancel(key)
        await rig.session.settled()
        assert rig.status(key) is S.CANCELED
        assert (rig.store.desk.is_armed, rig.store.desk.lock_reason) == (False, "hang-up")


async def test_a_read_only_desk_can_not_be_armed() -> None:
    venue = ScriptedVenue(caps=capabilities(mode=Mode.READ_ONLY, reads_account=False))
    rig = Rig(venue)
    await rig.session.open()
    await until(lambda: rig.store.shown is not None)
    assert (await rig.session.arm()).verdict is Verdict.DENIED
    assert (await rig.session.submit(intent())).reasons[0].guard == "read-only"
    assert venue.called("fetch_open_orders") == 0
    await rig.session.aclose()


@pytest.mark.parametrize(("percent", "closed"), [(50, "1.001"), (100, "2.003"), (1, "0.020")])
async def test_a_part_of_a_position_is_closed_rounded_down_to_the_lot(percent: int, closed: str) -> None:
    async with Rig() as rig:
        await rig.tell(PositionUpdate(position(D("2.003"))))
        await rig.session.lock("test")
        outcome = await rig.session.close_position(PERP, "net", percent)
        await rig.session.settled()
        sent = rig.venue.orders[outcome.order_key]
        assert (sent.side, sent.quantity, sent.reduce_only) == (Side.SELL, D(closed), True)
        assert sent.type is OrderType.MARKET


async def test_what_can_not_be_closed_is_said() -> None:
    async with Rig() as rig:
        assert (await rig.session.close_position(PERP, "net", 100)).reasons[0].guard == "position"
        await rig.tell(PositionUpdate(position(D("0.002"))))
        assert (await rig.session.close_position(PERP, "net", 25)).reasons[0].guard == "size"


async def test_reverse_closes_then_opens_the_other_way() -> None:
    async with Rig() as rig:
        rig.venue.held = [position(D(2))]
        await rig.tell(PositionUpdate(position(D(2))))
        await rig.session.reverse_position(PERP, "net")
        await rig.session.settled()
        sent = list(rig.venue.orders.values())
        assert [(one.side, one.quantity, one.reduce_only) for one in sent] == [
            (Side.SELL, D(2), True),
            (Side.SELL, D(2), False),
        ]


async def test_reverse_stops_where_nobody_knows_what_became_of_the_close() -> None:
    async with Rig() as rig:
        rig.venue.faults = {"submit_order": [OutcomeUnknown("test", "timeout")]}
        await rig.tell(PositionUpdate(position(D(2))))
        await rig.session.reverse_position(PERP, "net")
        await rig.session.settled()
        assert rig.venue.called("submit_order") == 1
        assert "reverse stopped: the close is unknown" in rig.texts()


async def test_reverse_of_a_locked_desk_does_not_even_close() -> None:
    async with Rig() as rig:
        await rig.tell(PositionUpdate(position(D(2))))
        await rig.session.lock("test")
        assert (await rig.session.reverse_position(PERP, "net")).reasons[0].guard == "lock"
        assert rig.venue.called("submit_order") == 0


async def test_leverage_is_bounded_by_the_instrument() -> None:
    async with Rig() as rig:
        assert (await rig.session.set_leverage(PERP, D(11), MarginMode.CROSS)).verdict is Verdict.DENIED
        assert (await rig.session.set_leverage(PERP, D(5), MarginMode.CROSS)).verdict is Verdict.SENT
        assert rig.venue.called("set_leverage") == 1


async def test_an_instrument_that_is_not_there_is_an_error() -> None:
    async with Rig() as rig:
        with pytest.raises(UnknownInstrument):
            await rig.session.submit(intent(instrument=PERP._replace(symbol="NOPE")))
        with pytest.raises(UnknownInstrument):
            await rig.session.show(PERP._replace(symbol="NOPE"))


@pytest.mark.parametrize(("policy", "left"), [("leave", 2), ("cancel_session", 1), ("cancel_all", 0)])
async def test_detach_policies(policy: str, left: int) -> None:
    async with Rig() as rig:
        await rig.place()
        await rig.tell(update("x"))
        rig.venue.orders["x"] = update("x").order
        report = await rig.session.detach(policy)
        assert sum(one.is_open for one in rig.venue.orders.values()) == left
        assert report.policy == policy
    with pytest.raises(ValueError, match="detach policy"):
        await rig.session.detach("explode")


@pytest.mark.parametrize("wanted", [None, InstrumentId("elsewhere", "GONE")])
async def test_a_desk_begins_with_a_perpetual_where_there_is_one(wanted: InstrumentId | None) -> None:
    venue = ScriptedVenue()
    venue.instruments.reverse()
    assert venue.instruments[0].id == SPOT
    session = Session((venue,), tell=lambda _fact: None, shown=wanted)
    await session.open()
    await until(lambda: session.store.shown is not None)
    assert session.store.shown is not None
    assert session.store.shown.instrument.id == PERP
    await session.aclose()


async def test_a_spot_venue_begins_with_its_first_market() -> None:
    venue = ScriptedVenue()
    venue.instruments = [venue.instruments[1]]
    session = Session((venue,), tell=lambda _fact: None)
    await session.open()
    await until(lambda: session.store.shown is not None)
    assert session.store.shown is not None
    assert session.store.shown.instrument.id == SPOT
    await session.aclose()
