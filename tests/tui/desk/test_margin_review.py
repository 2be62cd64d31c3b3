"""What a margin wallet must never do to the rest of the desk: stop spot, overbuy, lock the day, read another's."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec
import pytest

from tests.tui.desk.funds_rig import D, FundsRig, MarginVenue
from tests.tui.desk.rig import SPOT, START, capabilities, instrument, intent, order, request, ticker, until
from tests.tui.desk.test_margin_orders import CLOSE, WalletVenue, judged, said, wallet_position
from tui.desk.control import Verdict
from tui.desk.guards import Guards, Limits, MarketNow
from tui.desk.journal_events import hash_of
from tui.desk.ledger import midnight
from tui.desk.market import Market
from tui.desk.rates import Rates
from tui.desk.reconcile import read_money
from tui.desk.remote_rows import order_lines, position_lines
from tui.desk.store import Topic
from venues.commands import FundsKind, OrderRequest
from venues.errors import NotSupported
from venues.events import OrderUpdate, PositionUpdate
from venues.margin import MarginAccount
from venues.model import NANOSECONDS, Balance, OrderStatus, Side
from venues.port import Depart


class HeldVenue(MarginVenue):
    """Does not tell what is in its wallet before it may, once it has a `gate`."""

    gate: asyncio.Event | None = None

    async def fetch_margin_account(self) -> MarginAccount:
        found = await super().fetch_margin_account()
        if self.gate is not None:
            await self.gate.wait()
        return found


class NoWalletVenue(MarginVenue):
    """Its account has no margin wallet, while `is_without`."""

    is_without = True

    async def fetch_margin_account(self) -> MarginAccount:
        if self.is_without:
            raise NotSupported(self.name, "this account has no M-wallet")
        return await super().fetch_margin_account()


async def test_an_account_without_a_wallet_trades_spot() -> None:
    venue = NoWalletVenue()
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        link = rig.session.links["test"]
        assert (link.has_account, link.fault) == (True, "")
        await rig.place(instrument=SPOT, price=D(98))
        rig.store.frame(rig.clock())
        assert rig.store.worth() is not None
        assert said(await rig.move()) == (Verdict.DENIED, "supported")
        outcome = await rig.session.submit(intent(instrument=SPOT, price=D(97), in_margin_wallet=True))
        assert said(outcome) == (Verdict.DENIED, "supported")
        venue.is_without = False  # it was enabled meanwhile
        rig.session.supervisor.distrust(link)
        await until(lambda: link.is_reconciled)
        assert rig.store.margins.get("test") is not None


class QueueVenue(WalletVenue):
    """Tells of its orders without saying that they close anything, and of positions when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.rests = False

    def book_order(self, request: OrderRequest) -> None:
        super().book_order(request)
        key = request.client_order_id
        changes: dict[str, Any] = {"status": OrderStatus.NEW, "filled_quantity": D(0)} if self.rests else {}
        self.orders[key] = msgspec.structs.replace(self.orders[key], reduce_only=False, **changes)

    def _move_position(self, request: OrderRequest) -> None:
        pass  # it is told later


async def test_another_key_brings_no_wallet_of_the_account_before() -> None:
    """Its account may have none; and what was read with the key before can come in late."""
    old = HeldVenue()
    async with FundsRig(old) as rig:
        await rig.tell(ticker(D(100), SPOT))
        rig.store.frame(rig.clock())
        link = rig.session.links["test"]
        old.gate = asyncio.Event()
        reading = asyncio.ensure_future(read_money(link, rig.store, rig.clock))
        await until(lambda: old.called("fetch_margin_account") == 2)
        poor = NoWalletVenue()
        poor.balances = []
        assert (await rig.session.rekey(poor)).verdict is Verdict.SENT
        await until(lambda: link.is_reconciled)
        old.gate.set()
        await reading
        assert rig.store.margins.get("test") is None
        assert not rig.store.ledger.balances["test"]


async def test_a_wallet_that_can_not_be_read_for_once_is_not_gone() -> None:
    venue = NoWalletVenue()
    venue.is_without = False
    async with FundsRig(venue) as rig:
        venue.is_without = True
        await read_money(rig.session.links["test"], rig.store, rig.clock)
        assert rig.store.margins.get("test") is not None
        frame = rig.store.frame(rig.clock())
        assert frame is not None and "no M-wallet" in "".join(line.text for line in frame.log or ())


@pytest.mark.parametrize("rests", [False, True])
@pytest.mark.parametrize(("first", "second"), [(100, 100), (50, 100)])
async def test_a_second_close_waits_until_the_first_is_shown(rests: bool, first: int, second: int) -> None:
    """Nothing holds an order of the wallet to reducing: two of them would buy the other side."""
    venue = QueueVenue()
    venue.show("-2")
    venue.rests = rests
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        rig.session.guards.lock("by hand")
        assert (await rig.session.close_position(SPOT, "m", first)).verdict is Verdict.SENT
        await rig.session.settled()
        assert (await rig.session.close_position(SPOT, "m", second)).verdict is not Verdict.SENT
        assert said(await rig.session.reverse_position(SPOT, "m"))[0] is not Verdict.SENT
        await rig.session.settled()
        assert len(venue.asked) == 1
        if rests:
            before, size = venue.orders[venue.asked[0].client_order_id], venue.asked[0].quantity
            done = msgspec.structs.replace(before, filled_quantity=size, ts_event=before.ts_event + 9)
            await rig.tell(OrderUpdate(msgspec.structs.replace(done, status=OrderStatus.FILLED)))
            assert (await rig.session.close_position(SPOT, "m", second)).verdict is not Verdict.SENT
        if first == 50:
            venue.rests = False
            await rig.tell(PositionUpdate(wallet_position("-1")))
            assert (await rig.session.close_position(SPOT, "m", 100)).verdict is Verdict.SENT
            await rig.session.settled()
            assert sum(one.quantity for one in venue.asked) == D(2)


async def test_a_close_that_came_to_nothing_or_is_long_over_may_be_sent_again() -> None:
    venue = QueueVenue()
    venue.show("-2")
    venue.rests = True
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        await rig.session.close_position(SPOT, "m", 100)
        await rig.session.settled()
        before = venue.orders[venue.asked[0].client_order_id]
        gone = msgspec.structs.replace(before, status=OrderStatus.CANCELED, ts_event=before.ts_event + 1)
        await rig.tell(OrderUpdate(gone))
        venue.rests = False
        assert (await rig.session.close_position(SPOT, "m", 100)).verdict is Verdict.SENT
        await rig.session.settled()
        assert (await rig.session.close_position(SPOT, "m", 100)).verdict is Verdict.DENIED
        rig.clock.pass_seconds(venue.capabilities.settle + 1)
        assert (await rig.session.close_position(SPOT, "m", 100)).verdict is Verdict.SENT
        await rig.session.settled()
        assert len(venue.asked) == 3


def test_what_the_wallet_holds_is_not_closed_while_it_is_read_back() -> None:
    found = judged({"in_wallet": D(-2), "is_reconciling": True}, side=Side.BUY, quantity=D(2), **CLOSE)
    assert found == (Verdict.DENIED, "reconciling")


async def test_money_that_is_all_in_the_wallet_is_worth_what_it_is() -> None:
    venue = MarginVenue()
    venue.balances = []
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        rig.store.frame(rig.clock())
        assert rig.store.worth() == D(500)
        assert rig.store.day_pnl() == D(0)


async def test_money_on_its_way_between_the_wallets_is_no_loss() -> None:
    venue = MarginVenue()
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        rig.store.frame(rig.clock())
        rig.is_still = True
        venue.fates = ["works"]
        await rig.move(FundsKind.TRANSFER_IN, "2")
        await until(lambda: not any(rig.store.funds.unread.values()))
        assert rig.rows()[0][1] == "processing"
        assert rig.store.day_pnl() is None
        # Nor may a day begin with it: all of its P&L would be wrong by that.
        venue.balances = [msgspec.structs.replace(one, total=D(900)) for one in venue.balances]
        await read_money(rig.session.links["test"], rig.store, rig.clock)
        rig.clock.now = midnight(rig.clock.now) + 86_400 * NANOSECONDS
        move = rig.store.funds.get(rig.view().funds[0].request.request_id)
        assert move is not None
        move.ts_sent = rig.clock.now  # a moment before midnight
        rig.store.frame(rig.clock())
        assert rig.store.ledger.day_open is None
        rig.clock.pass_seconds(121)
        rig.store.mark_dirty(Topic.ACCOUNTS)
        rig.store.frame(rig.clock())
        assert rig.store.ledger.day_open is not None


async def test_a_loan_does_not_leave_a_desk_that_was_locked_meanwhile() -> None:
    venue = SlowVenue()
    async with FundsRig(venue) as rig:
        for kind, sent in ((FundsKind.BORROW, 0), (FundsKind.TRANSFER_IN, 1)):
            venue.before.clear()
            await rig.session.arm()
            assert (await rig.ask(kind)).verdict is Verdict.SENT
            await until(lambda: venue.is_at_gate)
            await rig.session.lock("by hand")
            venue.before.set()
            await rig.all_over()
            assert len(venue.sent) == sent
        assert [row[1] for row in rig.rows()] == ["done", "refused"]
        assert "not sent: BORROW 0.1 BTC at test: the desk is locked" in rig.texts()


class SlowVenue(MarginVenue):
    """Takes its time before anything leaves: it reads what is owed first."""

    def __init__(self) -> None:
        super().__init__()
        self.before = asyncio.Event()
        self.is_at_gate = False

    async def _leave(self, depart: Depart | None) -> None:
        self.is_at_gate = True
        await self.before.wait()
        self.is_at_gate = False
        await super()._leave(depart)


def test_a_market_without_a_price_tells_no_rate() -> None:
    rates = Rates()
    market = Market(instrument(SPOT))
    rates.add(market)
    market.last = D(0)
    assert rates.rate("test", "BTC", "USDT") is None
    assert rates.rate("test", "USDT", "BTC") is None


async def test_one_that_the_venue_still_works_on_is_asked_about_however_long() -> None:
    venue = MarginVenue()
    async with FundsRig(venue) as rig:
        rig.is_still = True
        venue.fates = ["works"]
        await rig.move()
        rig.clock.pass_seconds(60)
        assert said(await rig.move()) == (Verdict.NEEDS_YES, "duplicate")
        assert (await rig.move(amount="0.2")).verdict is Verdict.SENT
        assert [str(one.amount) for one in venue.sent] == ["0.1", "0.2"]


async def test_what_the_wallet_has_not_got_is_not_reversed() -> None:
    venue = WalletVenue()
    venue.show("2")
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        for free, verdict in (("3", Verdict.DENIED), ("4", Verdict.SENT)):
            venue.owe("2", available=D(free))
            await read_money(rig.session.links["test"], rig.store, rig.clock)
            outcome = await rig.session.reverse_position(SPOT, "m")
            assert outcome.verdict is verdict, outcome
            assert verdict is Verdict.SENT or "borrow BTC (M)" in outcome.reasons[0].text
            await rig.session.settled()
        assert [one.reduce_only for one in venue.asked] == [True, False]


def test_without_a_rate_a_value_is_in_the_currency_that_it_is_in() -> None:
    now = MarketNow(
        instrument=instrument(SPOT, quote="TWD"), capabilities=capabilities(), mid=D(100), best_bid=D(99),
        best_ask=D(101), is_book_valid=True, rate=None, currency="USDT",
    )  # fmt: skip
    outcome = Guards(Limits(max_notional=D(50)), is_armed=True).check(intent(instrument=SPOT), now, (), 0)
    assert outcome.reasons[0].text.startswith("100.00 TWD is above your limit")


def test_what_was_not_sent_is_not_given_back_to_the_next_day() -> None:
    guards, noon = Guards(Limits(), is_armed=True), midnight(START) + 12 * 3600 * NANOSECONDS
    guards.note_sent(intent(), D(100), noon)
    guards.note_sent(intent(price=D(99)), D(100), noon)
    guards.note_not_sent(intent(price=D(99)), D(100))
    assert guards.budget_used == D(100)
    tomorrow = noon + 86_400 * NANOSECONDS
    guards.note_sent(intent(price=D(98)), D(30), tomorrow)
    guards.note_not_sent(intent(), D(100))
    assert guards.budget_used == D(30)


async def test_a_loss_has_to_stand_before_it_locks_the_day() -> None:
    """What leaves one wallet is told before it is in the other: a second later nothing was lost."""
    looks = asyncio.Semaphore(0)

    async def pulse(_seconds: float) -> None:
        await looks.acquire()

    venue = MarginVenue()
    async with FundsRig(venue, limits=Limits(day_loss=D(300)), pulse=pulse) as rig:
        await rig.tell(ticker(D(100), SPOT))
        rig.store.frame(rig.clock())

        async def look(times: int) -> None:
            for _ in range(times):
                looks.release()
                looks.release()  # another of the session's watches waits by it as well
            await until(lambda: looks.locked())
            for _ in range(5):
                await asyncio.sleep(0)

        await look(4)
        gone = [Balance(currency="USDT", total=D(100), available=D(100), locked=D(0))]
        whole = list(venue.balances)
        rig.store.ledger.replace_balances("test", [*gone, whole[1]], rig.clock.now)
        assert rig.store.day_pnl() == D(-900)
        await look(1)
        rig.store.ledger.replace_balances("test", whole, rig.clock.now)
        await look(3)
        assert not rig.session.guards.loss_reason
        rig.store.ledger.replace_balances("test", [*gone, whole[1]], rig.clock.now)
        await look(4)
        assert "900.00 USDT reached your limit" in rig.session.guards.loss_reason


def test_a_journal_of_before_there_were_wallets_is_still_read_as_it_was() -> None:
    """What was left unanswered in it could never be settled, were the hash of its body another one now."""
    spot = request("a")
    body = msgspec.to_builtins(spot)
    assert body.pop("in_margin_wallet") is False
    before = b"OrderRequest" + msgspec.json.encode(body)
    assert hash_of(spot) == hashlib.sha256(before).hexdigest()
    assert hash_of(msgspec.structs.replace(spot, in_margin_wallet=True)) != hash_of(spot)
    trap = msgspec.structs.replace(spot, client_order_id='a,"in_margin_wallet":false')
    assert hash_of(trap) != hash_of(spot)


async def test_the_lists_of_the_shell_name_the_wallet() -> None:
    venue = WalletVenue()
    venue.show("-2")
    venue.orders["x"] = order("x", instrument=SPOT, in_margin_wallet=True)
    async with FundsRig(venue) as rig:
        assert [line.in_margin_wallet for line in order_lines(rig.store)] == [True]
        assert [line.in_margin_wallet for line in position_lines(rig.store)] == [True]
