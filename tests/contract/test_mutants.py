"""The suite finds what it is there to find: adapters with one defect each, and the test that catches it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from tests.contract import (
    http_faults,
    stream_faults,
    test_account,
    test_changes,
    test_elsewhere,
    test_life,
    test_market_data,
    test_orders,
    waiting,
)
from tests.contract import mutants as of
from tests.contract import rig as rig_module
from tests.contract.rig import ACCOUNT_POLLED, POLLING, STREAMED, Desk, Exchange, Exchanges, desk_of, rig_of
from tests.contract.scene import scene_of
from venues.model import OrderType, Side, TimeInForce
from venues.port import Venue
from venues.registry import create_venue

Check = Callable[[Desk], Awaitable[object]]


def with_scene(check: Callable[..., Awaitable[object]], *more: object) -> Check:
    async def run(desk: Desk) -> None:
        await check(desk.rig, await scene_of(desk.rig), *more)

    return run


CAUGHT: dict[type[of.Mutant], Check] = {
    of.LosesFills: lambda desk: test_orders.test_market_orders(desk, Side.BUY),
    of.TellsFillsTwice: lambda desk: test_orders.test_market_orders(desk, Side.BUY),
    of.InventsFills: lambda desk: test_orders.test_market_orders(desk, Side.SELL),
    of.MistakesFees: test_account.test_fills_and_fees_add_up_with_the_balances,
    of.LosesOrderUpdates: lambda desk: test_changes.test_one_order_is_cancelled_and_no_other(desk, "both"),
    of.CallsPartFillsFilled: test_orders.test_a_resting_order_is_filled_by_what_others_do,
    of.HidesWhatIsForeign: test_elsewhere.test_an_order_placed_elsewhere_is_seen_live,
    of.SwallowsGaps: test_market_data.test_the_book_is_the_exchanges_own_after_thousands_of_events,
    of.KeepsOldLevels: test_market_data.test_the_book_is_the_exchanges_own_after_thousands_of_events,
    of.TellsTradesTwice: test_market_data.test_trades_come_once_and_in_order,
    of.MistakesTheAggressor: test_market_data.test_trades_come_once_and_in_order,
    of.LosesTickers: test_market_data.test_tickers_follow_the_market,
    of.LosesBalances: lambda desk: test_account.test_a_resting_order_holds_what_it_may_cost(desk, Side.BUY),
    of.SwapsCloseAndHigh: with_scene(test_market_data.test_bars_of_every_interval),
    of.ReadsNoFillsBack: test_account.test_what_is_read_back_is_what_was_pushed,
    of.ForgetsSince: test_account.test_what_is_read_back_is_what_was_pushed,
    of.ReadsNoOrdersBack: lambda desk: test_changes.test_one_order_is_cancelled_and_no_other(desk, "both"),
    of.CancelsEverything: lambda desk: test_changes.test_one_order_is_cancelled_and_no_other(desk, "venue id"),
    of.CancelsNothing: lambda desk: test_changes.test_one_order_is_cancelled_and_no_other(desk, "client id"),
    of.CancelsBothSides: lambda desk: test_changes.test_all_of_a_kind_are_cancelled_and_no_other(desk, "buys"),
    of.LeavesStops: lambda desk: test_changes.test_all_of_a_kind_are_cancelled_and_no_other(desk, "everything"),
    of.IgnoresPostOnly: lambda desk: test_orders.test_post_only_orders(desk, "whole"),
    of.IgnoresHowLong: lambda desk: test_orders.test_limit_orders(desk, TimeInForce.FOK, "part", Side.BUY),
    of.TakesStopsForMarketOrders: lambda desk: test_orders.test_stops_wait_for_their_trigger_and_then_act(
        desk, OrderType.STOP, Side.BUY
    ),
    of.DropsWhatIsNotClaimed: with_scene(test_orders.test_what_is_not_claimed_is_refused_in_words, "reduce_only"),
    of.SendsBeforeTheJournal: with_scene(test_life.test_nothing_leaves_before_the_journal_has_it),
    of.NeverAsksTheJournal: with_scene(
        test_life.test_a_change_that_the_journal_can_not_keep_is_not_sent, "cancel"
    ),
    of.IsAheadOfTime: lambda desk: test_market_data.test_the_venues_clock(desk.rig),
}


CAUGHT_UNDER_HTTP_FAULTS: dict[type[of.Mutant], tuple[str, str]] = {
    of.CallsItRefused: ("executed, never answered", "submit"),
    of.CallsItNotSent: ("half the headers", "cancel"),
    of.TriesAgain: ("half the body", "submit"),
    of.CallsAFailedLookupAMiss: ("502 / 503 / 504 with HTML", "query"),
}
CAUGHT_UNDER_STREAM_FAULTS: dict[type[of.Mutant], tuple[str, str]] = {
    of.NeverSaysThatItIsOld: ("heartbeats only", "nothing says that it is old"),
    of.ReadsNoFillsBack: ("reset", "fills are missing"),
}


def made_with(kind: type[of.Mutant], exchange: Exchange) -> Exchange:
    return exchange.wrapped(lambda venue: cast(Venue, kind(venue)))


@pytest.mark.parametrize("kind", CAUGHT, ids=lambda kind: kind.__name__)
async def test_a_defect_is_found(
    exchanges: Exchanges, monkeypatch: pytest.MonkeyPatch, kind: type[of.Mutant]
) -> None:
    monkeypatch.setattr(test_market_data, "CROWD_EVENTS", 200)
    async with rig_of(made_with(kind, exchanges["paper"])) as rig, desk_of(rig) as desk:
        rig.patience = 1.5  # many times what a good adapter needs
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await CAUGHT[kind](desk)


@pytest.mark.parametrize("kind", [of.Mutant, of.TellsOrdersTwice], ids=lambda kind: kind.__name__)
async def test_nothing_is_found_where_nothing_is_wrong(exchanges: Exchanges, kind: type[of.Mutant]) -> None:
    async with rig_of(made_with(kind, exchanges["paper"])) as rig, desk_of(rig) as desk:
        await test_orders.test_a_resting_order_is_filled_by_what_others_do(desk)
        await test_orders.test_market_orders(desk, Side.BUY)
        await test_account.test_what_is_read_back_is_what_was_pushed(desk)
        await test_changes.test_all_of_a_kind_are_cancelled_and_no_other(desk, "everything")


async def test_a_task_that_is_left_is_found(exchanges: Exchanges, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(name: str, settings: dict[str, object]) -> Venue:
        made.append(of.LeavesATask(create_venue(name, settings)))
        return cast(Venue, made[-1])

    made: list[of.LeavesATask] = []
    monkeypatch.setattr(test_life, "create_venue", make)
    monkeypatch.setattr(test_life, "PATIENCE", 0.5)
    with pytest.raises(AssertionError, match="tasks are left"):
        await test_life.test_a_venue_that_was_never_opened_is_closed(exchanges, "paper")
    for one in made:
        assert one.left is not None
        one.left.cancel()


@pytest.mark.parametrize("kind", CAUGHT_UNDER_HTTP_FAULTS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", STREAMED)
async def test_a_wrong_verdict_is_found(exchanges: Exchanges, name: str, kind: type[of.Mutant]) -> None:
    fault, call = CAUGHT_UNDER_HTTP_FAULTS[kind]
    with pytest.raises(AssertionError):
        await http_faults.try_fault(made_with(kind, exchanges[name]), http_faults.FAULTS[fault], call)


@pytest.mark.parametrize("kind", CAUGHT_UNDER_STREAM_FAULTS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", STREAMED)
async def test_a_desk_that_missed_something_is_found(
    exchanges: Exchanges, monkeypatch: pytest.MonkeyPatch, name: str, kind: type[of.Mutant]
) -> None:
    monkeypatch.setattr(rig_module, "PATIENCE", 6.0)
    if kind is of.NeverSaysThatItIsOld:  # it is found by the clock, on which no machine is too busy to be late
        monkeypatch.setattr(waiting, "kept_waiting", float)
    async with rig_of(exchanges[name]) as rig:  # what was before the desk is known by reading it back alone
        scene = await scene_of(rig)
        await scene.place_elsewhere(Side.BUY, scene.at(0), units=1)
        await scene.trade(Side.SELL, 1)
        await rig.until_true(lambda state: state.fills, "nothing was traded")
    fault, words = CAUGHT_UNDER_STREAM_FAULTS[kind]
    with pytest.raises(AssertionError, match=words):
        await stream_faults.try_fault(made_with(kind, exchanges[name]), stream_faults.FAULTS[fault])


@pytest.mark.parametrize("name", [*POLLING, *ACCOUNT_POLLED])
async def test_a_desk_that_polls_and_never_says_that_it_is_old_is_found(
    exchanges: Exchanges, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(waiting, "kept_waiting", float)
    mutant = made_with(of.NeverSaysThatItIsOld, exchanges[name])
    with pytest.raises(AssertionError, match=r"nothing says that it is old|a dead link is not noticed"):
        await stream_faults.try_fault(mutant, stream_faults.OF_READS["never answered"])
