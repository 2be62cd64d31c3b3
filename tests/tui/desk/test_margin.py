"""Margin wallets: read back and kept current, warned about once, and counted in what the desk is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec
import pytest

from tests.tui.desk.funds_rig import D, FundsRig, MarginVenue
from tests.tui.desk.rig import SPOT, START, Rig, ScriptedVenue, ticker, until
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.margin import MarginLevels, MarginWallets
from tui.desk.store import Topic
from venues.commands import FundsKind
from venues.errors import VenueUnavailable
from venues.events import BalanceUpdate, LinkState, MarginUpdate, StreamStatus
from venues.margin import MarginAccount, MarginAsset
from venues.model import Balance, Position
from venues.port import VenueTime


class Watched:
    """Wallets on their own, and what is told of them."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.now = START
        self.wallets = MarginWallets(lambda: self.now, self.facts.append, lambda _: "M-wallet")

    def take(self, ratio: str | None, debt: str = "1", ts_event: int = 0) -> list[str]:
        """Tells a ratio; returns what was said about it."""
        self.facts.clear()
        self.wallets.take(_wallet(ratio, debt, ts_event))
        return [f"{fact.severity.value}: {fact.text}" for fact in self.facts]


def _wallet(ratio: str | None, debt: str = "1", ts_event: int = 0) -> MarginAccount:
    asset = MarginAsset(currency="BTC", available=D(2), principal=D(debt))
    value = D(ratio) if ratio is not None else None
    return MarginAccount(venue="max", assets=(asset,), ratio=value, ts_event=ts_event)


def test_each_crossing_is_told_once() -> None:
    watched = Watched()
    own = "(a level of this desk's own, max names none)"
    course = [
        ("2", []),
        ("1.5", []),
        ("1.49996", [f"warning: max M-wallet: AD ratio 1.4999 is below 1.5 {own}"]),
        ("1.5", []),
        ("1.3", []),
        ("1.529", []),
        ("1.2", [f"alarm: max M-wallet: AD ratio 1.2 is BELOW 1.25 {own}: pay back, or transfer in"]),
        ("1.26", []),
        ("1.1", []),
        ("1.276", [f"warning: max M-wallet: AD ratio 1.276 is back above 1.25, and still below 1.5 {own}"]),
        (None, []),
        ("1.53", ["good: max M-wallet: AD ratio 1.53 is back above 1.5"]),
        ("1.24", [f"alarm: max M-wallet: AD ratio 1.24 is BELOW 1.25 {own}: pay back, or transfer in"]),
        ("9999999999", ["good: max M-wallet: AD ratio over 1000 is back above 1.5"]),
        ("NaN", []),
    ]
    for ratio, words in course:
        assert watched.take(ratio) == words, ratio
    watched.take("1.4")
    assert watched.take(None, debt="0") == ["good: max M-wallet: nothing is owed now"]


def test_the_levels_are_the_desks_own_to_choose() -> None:
    watched = Watched()
    watched.wallets.levels = MarginLevels(warn_below=D(3), alarm_below=D(2))
    assert "below 3" in watched.take("2.5")[0]
    assert "BELOW 2" in watched.take("1.9")[0]
    (view,) = watched.wallets.views(lambda _: "main", lambda _: ())
    assert (view.name, view.account, view.warn_below, view.alarm_below) == ("M-wallet", "main", D(3), D(2))


def test_what_is_older_than_the_last_push_changes_nothing() -> None:
    watched = Watched()
    watched.take("2", ts_event=10)
    watched.take("1.1", ts_event=9)
    held = watched.wallets.get("max")
    assert held is not None
    assert held.ratio == D(2)
    began = watched.now
    watched.now += 5
    watched.take("1.9", ts_event=11)
    watched.wallets.replace(_wallet("1.8"), began)  # asked for before the last push came
    held = watched.wallets.get("max")
    assert held is not None
    assert held.ratio == D("1.9")
    watched.wallets.replace(_wallet("1.7"), watched.now)
    held = watched.wallets.get("max")
    assert held is not None
    assert held.ratio == D("1.7")


def test_what_no_currency_can_be_called_is_left_out() -> None:
    watched = Watched()
    wallet = _wallet("2")
    odd = MarginAsset(currency="B\x1b[31mTC", available=D(1))
    watched.wallets.take(msgspec.structs.replace(wallet, assets=(*wallet.assets, odd), currency="\x07"))
    held = watched.wallets.get("max")
    assert held is not None
    assert ([asset.currency for asset in held.assets], held.currency) == (["BTC"], "")


async def test_it_is_read_at_the_start_and_after_each_loss_and_ages_between() -> None:
    venue = MarginVenue()
    venue.owe("1")
    venue.ratio = D(2)
    async with FundsRig(venue) as rig:
        frame = rig.store.frame(rig.clock.now)
        assert frame is not None
        assert frame.margins is not None
        (view,) = frame.margins
        assert (view.venue, view.account, view.name, view.wallet.ratio) == ("test", "main", "M-wallet", D(2))
        assert view.ts_recv == rig.clock.now
        read = venue.called("fetch_margin_account")
        venue.faults = {"fetch_margin_account": [VenueUnavailable("test", "502")]}
        rig.clock.pass_seconds(5)
        await rig.tell(StreamStatus("test", LinkState.RECONNECTING))
        assert rig.view().ts_recv == view.ts_recv  # it stands there, and its age says how old it is
        venue.ratio = D("1.4")
        await rig.tell(StreamStatus("test", LinkState.LIVE))
        await until(lambda: rig.session.links["test"].is_reconciled)
        assert venue.called("fetch_margin_account") == read + 2
        assert rig.view().wallet.ratio == D("1.4")
        assert rig.view().ts_recv > view.ts_recv
        assert rig.texts().count("AD ratio 1.4 is below 1.5") == 1


async def test_pushes_keep_it_current() -> None:
    venue = MarginVenue()
    venue.owe("1")
    levels = MarginLevels(warn_below=D(2), alarm_below=D("1.6"))
    async with FundsRig(venue, margin_levels=levels) as rig:
        rig.store.frame(rig.clock.now)
        await rig.tell(venue.told("1.5", ts_event=START + 1))
        frame = rig.store.frame(rig.clock.now)
        assert frame is not None
        assert frame.margins is not None
        assert frame.margins[0].wallet.ratio == D("1.5")
        fact = rig.facts[-1]
        assert (fact.kind, fact.severity) == (FactKind.NOTICE, Severity.ALARM)
        assert "BELOW 1.6" in fact.text
        await rig.tell(venue.told("1.5", ts_event=START + 2))
        assert rig.texts().count("BELOW") == 1


async def test_what_is_there_less_what_is_owed_is_valued_in_the_accounts_currency() -> None:
    venue = MarginVenue()
    venue.owe("0.5", available=D("0.2"))
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        await rig.tell(venue.told("1.5", ts_event=START + 1))
        frame = rig.store.frame(rig.clock.now)
        assert frame is not None
        assert frame.margins is not None
        assert frame.margins[0].values == {"BTC": D(-30), "USDT": D(500)}, "nothing prices MAX"


async def test_a_venue_without_one_has_none() -> None:
    async with Rig(ScriptedVenue()) as rig:
        frame = rig.store.frame(rig.clock.now)
        assert frame is not None
        assert frame.margins == ()


async def test_an_account_that_can_not_be_read_any_more_is_not_shown() -> None:
    async with FundsRig() as rig:
        assert rig.store.margins.get("test") is not None
        rig.store.forget_account("test")
        assert rig.store.margins.get("test") is None


async def test_a_loan_and_a_transfer_make_nobody_richer() -> None:
    async with FundsRig() as rig:
        await rig.tell(ticker(D(100), SPOT))
        rig.store.frame(rig.clock.now)
        worth = rig.store.worth()
        assert worth == D(1000) + D(1000) * 100 + D(500)  # spot, and the wallet's USDT; nothing prices MAX
        await rig.move(FundsKind.BORROW, "3")
        await rig.all_over()
        assert rig.store.worth() == worth
        await rig.move(FundsKind.TRANSFER_IN, "100")
        await rig.all_over()
        assert rig.store.worth() == worth
        assert rig.store.day_pnl() == D(0)


class Lagging(MarginVenue):
    """Calls `between` when the one account has been read and the other has not."""

    between: Callable[[], None] | None = None

    async def fetch_balances(self) -> Sequence[Balance]:
        if self.between is not None:
            self.between()
        return await super().fetch_balances()


async def test_no_loss_is_made_of_money_that_moves() -> None:
    """A transfer is read out of the one account before it is read into the other."""
    venue = Lagging()
    seen: list[Decimal | None] = []
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        await rig.move(FundsKind.TRANSFER_IN, "100")
        await rig.all_over()
        rig.store.frame(rig.clock.now)
        worth = rig.store.worth()
        venue.between = lambda: seen.extend((rig.store.worth(), rig.store.day_pnl()))
        await rig.move(FundsKind.TRANSFER_OUT, "100")
        await rig.all_over()
        assert worth is not None
        assert seen == [worth - 10_000, None]
        assert rig.store.day_pnl() == D(0)


async def test_what_the_day_counts_from_has_the_wallet_in_it() -> None:
    venue = Lagging()
    venue.balances = venue.balances[:1]  # USDT, which needs no price
    rig = FundsRig(venue)

    def show() -> None:
        rig.store.mark_dirty(Topic.ACCOUNTS)
        rig.store.frame(rig.clock.now)

    venue.between = show
    async with rig:
        await rig.tell(ticker(D(100), SPOT))
        rig.store.frame(rig.clock.now)
        assert rig.store.ledger.day_open == rig.store.worth() == D(1500)


async def test_nothing_is_reckoned_of_balances_that_are_pushed_before_the_wallet_is_read() -> None:
    async with FundsRig() as rig:
        wallet = rig.store.margins.get("test")
        assert wallet is not None
        rig.store.ledger.day_open = None
        rig.store.margins.forget("test")
        await rig.tell(ticker(D(100), SPOT), BalanceUpdate("test", (rig.margin.balances[0],), rig.clock.now))
        rig.store.frame(rig.clock.now)
        assert rig.store.ledger.day_open is None
        assert rig.store.worth() is None
        rig.store.replace_margin(wallet, rig.clock.now)
        rig.store.frame(rig.clock.now)
        assert rig.store.ledger.day_open == rig.store.worth() == D(101_500)


async def test_a_position_of_the_wallet_counts_once() -> None:
    venue = MarginVenue()
    venue.owe("2")
    held = Position(
        instrument=SPOT, quantity=D(-2), entry_price=D(50), position_id="m", in_margin_wallet=True, ts_event=START
    )
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        before = rig.store.worth()
        venue.held = [held]
        rig.store.ledger.replace_positions("test", [held], rig.clock.now)
        assert rig.store.worth() == before


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_wallet_of_a_venue_that_is_not_there_is_harmless(is_told: bool) -> None:
    async with FundsRig() as rig:
        venue = MarginVenue()
        update = MarginUpdate(msgspec.structs.replace(venue.account(), venue="mars" if is_told else "test"))
        await rig.tell(update)
        assert rig.margin.time == VenueTime(rig.clock.now, 0)
        assert len(rig.store.margins.views(rig.store.account_of, lambda _: ())) == 1 + is_told
