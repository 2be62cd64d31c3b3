"""The account's stream beside the market's: signed in, told as one chip, and never in the market's way."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.coinex.documented import stream
from tests.venues.coinex.scripted_coinex import deal, push
from tests.venues.coinex.venue_rig import ACCOUNT, BOOK, BTC, KEY, VenueRig, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.coinex.auth import signature
from venues.coinex.channels import Call
from venues.coinex.messages import decode_result
from venues.commands import Channel, Subscription
from venues.errors import AuthenticationError, ConnectionLost, MissingCredentials, VenueError
from venues.events import BalanceUpdate, LinkState, Notice, OrderUpdate, StreamStatus, Trade

PRIVATE = ["order.subscribe", "deals_own.subscribe", "notice.subscribe", "asset.subscribe"]
ORDER = push("order.update", 1, stream("order.update").value["params"][1][0] | {"market": "BTCUSDT"})


async def opened(rig: VenueRig) -> None:
    """Has book and account subscribed: the newest connection is the account's."""
    await rig.venue.subscribe(BOOK)
    await rig.venue.subscribe(ACCOUNT)
    await until(lambda: rig.state is LinkState.LIVE)


@in_virtual_time
async def test_without_a_key_there_is_no_account() -> None:
    async with connected() as rig:
        with pytest.raises(MissingCredentials):
            await rig.venue.subscribe(ACCOUNT)
        with pytest.raises(VenueError):
            await rig.venue.fetch_balances()
        assert len(rig.stream.peers) == 1


@in_virtual_time
async def test_the_fees_are_the_account_s_own() -> None:
    async with connected(credentials=KEY) as rig:
        fees = {each.id.symbol: str(each.taker_fee) for each in await rig.venue.fetch_instruments()}
        assert fees == {"BTCUSDT": "0.0012", "ETHUSDT": "0.003", "CETUSDT": "0.003", "CETBTC": "0.003"}


@in_virtual_time
async def test_it_signs_in_and_subscribes_to_everything() -> None:
    async with connected(credentials=KEY) as rig:
        rig.stream.skew = 90
        await passes(11)
        before = len(rig.states)
        await opened(rig)
        assert set(rig.states[before:]) <= {LinkState.LIVE}  # that the account is opened is no news
        ((key, signed, tonce),) = rig.stream.signed
        assert (key, signed) == (
            KEY.key.reveal(),
            signature({"access_id": KEY.key.reveal(), "tonce": tonce}, KEY.secret.reveal()),
        )
        assert abs(tonce - rig.stream.time * 1_000) < 2_000  # by the venue's clock
        asked = {method: rig.stream.asked(method) for method in PRIVATE}
        assert asked["order.subscribe"] == asked["deals_own.subscribe"] == [[]]
        assert asked["notice.subscribe"] == [[101]]
        assert [sorted(each) for each in asked["asset.subscribe"]] == [["BTC", "CET", "ETH", "USDT"]]
        rig.stream.push(ORDER, push("asset.update", {"BTC": {"available": "250", "frozen": "10"}}))
        rig.stream.push(push("notice.update", 101, {"started_at": 1, "ended_at": 2, "scope": ["SPOT"]}))
        await until(lambda: rig.of(Notice))
        assert len(rig.of(OrderUpdate)) == len(rig.of(BalanceUpdate)) == 1
        assert rig.of(Notice)[0].is_alarm


@pytest.mark.parametrize("code", [1, 6, 11])
def test_a_key_that_is_refused_never_stops_the_market(code: int) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(credentials=KEY) as rig:
            await rig.venue.subscribe(BOOK)
            rig.stream.refusals["server.sign"] = code
            with pytest.raises(AuthenticationError):
                await rig.venue.subscribe(ACCOUNT)
            market = rig.stream.peers[0]
            assert not market.ended.is_set()
            await until(lambda: rig.state is LinkState.LIVE, 1)
            await passes(20)
            assert len(rig.stream.signed) == 1  # it is not tried again by itself
            del rig.stream.refusals["server.sign"]
            await rig.venue.subscribe(ACCOUNT)
            assert len(rig.stream.signed) == 2

    run()


@in_virtual_time
async def test_a_key_that_is_refused_later_is_tried_again() -> None:
    async with connected(credentials=KEY) as rig:
        await opened(rig)
        rig.stream.refusals["server.sign"] = 6
        rig.stream.peer.reset()
        await until(lambda: rig.state is LinkState.DOWN, 30)
        assert rig.of(StreamStatus)[-1].detail.startswith("account: the key was not accepted: check both halves")
        rig.stream.peers[0].say(rig.stream.books["BTCUSDT"].change("bids", "99.00", "7").decode())
        book = rig.venue.book(BTC)
        assert book is not None
        await until(lambda: book.is_valid and book.sequence == rig.stream.books["BTCUSDT"].time)
        rig.stream.refusals.clear()
        await until(lambda: rig.state in (LinkState.LIVE, LinkState.STALE), 15)
        told = rig.states
        assert told[max(at for at, state in enumerate(told) if state is LinkState.DOWN) + 1 :].count(
            LinkState.LIVE
        )


@in_virtual_time
async def test_a_lost_account_is_told_and_its_return_though_the_market_is_silent() -> None:
    async with connected(credentials=KEY) as rig:
        await opened(rig)
        await until(lambda: rig.state is LinkState.STALE)  # nobody trades
        before = len(rig.states)
        rig.stream.peer.reset()
        await until(lambda: len(rig.stream.peers) == 3 and rig.state is LinkState.STALE)
        details = [status.detail for status in rig.of(StreamStatus) if status.state is LinkState.RECONNECTING]
        assert set(details) == {"account: the connection broke off"}
        assert rig.states[before:] == [LinkState.RECONNECTING, LinkState.LIVE, LinkState.STALE]
        book = rig.venue.book(BTC)
        assert book is not None
        assert book.is_valid  # the market's connection stood all the while
        assert len(rig.stream.asked("order.subscribe")) == 2


@in_virtual_time
async def test_a_silent_account_is_no_news() -> None:
    async with connected(credentials=KEY) as rig:
        await opened(rig)
        theirs = rig.stream.books["BTCUSDT"]
        for number in range(40):
            rig.stream.peers[0].say(theirs.change("bids", "99.00", f"{number}.5").decode())
            await passes(1)
        assert rig.states[-1] is LinkState.LIVE
        assert LinkState.STALE not in rig.states[rig.states.index(LinkState.LIVE) :]


@in_virtual_time
async def test_what_the_account_told_and_nobody_can_read_has_to_be_read_back() -> None:
    async with connected(credentials=KEY) as rig:
        await opened(rig)
        before = len(rig.of(StreamStatus))
        for _ in range(20):
            rig.stream.push(b'{"method": "order.update", "params": [1, {"canary": 1}]}')
        await until(lambda: rig.venue.quarantined == 20)
        await passes(0.5)
        told = rig.of(StreamStatus)[before:]
        assert LinkState.RECONNECTING in {status.state for status in told}
        assert told[-1].state in (LinkState.LIVE, LinkState.STALE)
        assert sum(status.state is LinkState.RECONNECTING for status in told) == 1
        await passes(5)
        later = rig.of(StreamStatus)[before:]
        assert sum(status.state is LinkState.RECONNECTING for status in later) == 2  # what came after the first
        assert len(rig.stream.peers) == 2
        assert "canary" not in str(rig.events)


@in_virtual_time
async def test_an_account_that_is_left_leaves_the_market() -> None:
    async with connected(credentials=KEY) as rig:
        await opened(rig)
        await rig.venue.unsubscribe(ACCOUNT)
        assert rig.stream.peer.ended.is_set() or rig.stream.peer.close_code is not None
        assert rig.state in (LinkState.LIVE, LinkState.STALE)
        await rig.venue.subscribe(ACCOUNT)
        assert len(rig.stream.signed) == 2


@in_virtual_time
async def test_a_subscription_that_does_not_stand_in_time() -> None:
    async with connected(credentials=KEY) as rig:
        rig.stream.refusals["asset.subscribe"] = 3
        with pytest.raises(VenueError):
            await rig.venue.subscribe(ACCOUNT)
        rig.stream.refusals.clear()
        await rig.venue.subscribe(ACCOUNT)
        assert len(rig.stream.signed) == 1


@in_virtual_time
async def test_a_slow_consumer_holds_up_no_account_event() -> None:
    async with connected(credentials=KEY) as rig:
        await opened(rig)
        await rig.venue.subscribe(Subscription(Channel.TRADES, BTC))
        rig.pace.clear()
        market = rig.stream.peers[0]
        for number in range(20_000):
            market.say(push("deals.update", "BTCUSDT", [deal(number)]).decode())
        await passes(5)
        for _ in range(50):
            rig.stream.push(ORDER)
        await passes(5)
        rig.pace.set()
        await until(lambda: len(rig.of(Trade)) == 20_000)
        assert len(rig.of(OrderUpdate)) >= 1
        orders = [at for at, event in enumerate(rig.events) if isinstance(event, OrderUpdate)]
        assert orders[0] < len(rig.events) - 5_000  # it did not wait for all that the market had to say


@in_virtual_time
async def test_it_is_closed_within_a_second_though_nobody_answers() -> None:
    async with connected(credentials=KEY) as rig:
        await opened(rig)
        rig.stream.answers_closing = False
        loop = asyncio.get_running_loop()
        began = loop.time()
        await rig.venue.aclose()
        assert loop.time() - began < 1.0


@in_virtual_time
async def test_the_account_s_stream_can_be_asked() -> None:
    async with connected(credentials=KEY) as rig:
        question = Call("asset.account_query_all", is_private=True)
        with pytest.raises(ConnectionLost):
            await rig.venue._ask_account(question)
        await opened(rig)
        assert decode_result(await rig.venue._ask_account(question), str) == "success"
        rig.stream.refusals["asset.account_query_all"] = 6
        with pytest.raises(AuthenticationError):
            await rig.venue._ask_account(question)
