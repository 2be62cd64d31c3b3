"""The venue as a whole: what is unverified until it is proven, and what falls back where the venue has it not."""

from __future__ import annotations

import pytest

from tests.venues.mayex.account_rig import ACCOUNT, BTC, BTC_ID, SCALE, Exchange, connected, until
from venues.commands import Channel, Subscription
from venues.errors import AuthenticationError, ConnectionLost, MissingCredentials, UnknownInstrument
from venues.events import LinkState, MarkPrice, Ticker
from venues.mayex.abilities import EXPIRY_HEEDED, EXPIRY_TRIED
from venues.mayex.auth import LIFE
from venues.model import NANOSECONDS, InstrumentId, InstrumentKind
from venues.port import HasBills, HasMarginWallet, KeepsBooks, Mode, MovesFunds, Venue

SPOT_ID = InstrumentId("mayex", "btcusdt.spot")


async def test_signing_is_unverified_until_a_signed_call_has_succeeded(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False) as rig:
        venue = rig.venue
        first = venue.capabilities
        assert first.authentication_unverified
        assert venue.capabilities is first, "whoever compares has no news"
        await venue.fetch_instruments()
        assert venue.capabilities is first, "what everybody may read proves nothing"
        await venue.fetch_balances()
        assert not venue.capabilities.authentication_unverified
        assert len(venue.capabilities.unverified) == len(first.unverified) - 1


async def test_the_venues_clock_is_known_before_anything_is_signed_by_it(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False) as rig:
        now = rig.venue.venue_time()
        assert now is not None
        assert now.uncertainty <= 2 * NANOSECONDS


async def test_a_key_that_is_refused_proves_nothing(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False, header_prefix="x-mayex-") as rig:
        with pytest.raises(AuthenticationError):
            await rig.venue.fetch_balances()
        with pytest.raises(AuthenticationError):
            await rig.venue.subscribe(ACCOUNT)
        assert rig.venue.capabilities.authentication_unverified


@pytest.mark.parametrize("is_enforced", [True, False])
async def test_an_order_has_a_life_where_expiries_are_proven_to_be_heeded(
    exchange: Exchange, is_enforced: bool
) -> None:
    exchange.act("expiry", enforced=is_enforced)
    async with connected(exchange, expiry_proof="probe") as rig:
        can = rig.venue.capabilities
        assert can.order_life == (LIFE * SCALE if is_enforced else None)
        assert (EXPIRY_TRIED in can.unverified, EXPIRY_HEEDED in can.unverified) == (not is_enforced, is_enforced)


async def test_without_a_private_stream_the_account_is_polled_and_that_is_said_once(exchange: Exchange) -> None:
    exchange.act("endpoints", token=False, products=False)
    async with connected(exchange, private_stream="subscribe") as rig:
        assert (await rig.venue.fetch_balances())[0].currency == "USDT"
        await until(lambda: rig.state is LinkState.LIVE)
        assert len([text for text in rig.notices if "no private stream" in text]) == 1
        assert rig.venue._connections.account_feed is None
        listed = {one.id: one for one in await rig.venue.fetch_instruments()}
        assert listed[BTC_ID].is_tradable, "of the table where there is no product list"
        await rig.venue.unsubscribe(ACCOUNT)
        await rig.venue.subscribe(ACCOUNT)
        assert (await rig.venue.fetch_balances())[0].currency == "USDT"


async def test_contracts_are_traded_and_spot_pairs_are_watched(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False) as rig:
        listed = {one.id: one for one in await rig.venue.fetch_instruments()}
        spot = listed[SPOT_ID]
        assert (spot.kind, spot.is_tradable, spot.note) == (InstrumentKind.SPOT, False, "market data only")
        assert (listed[BTC_ID].name, spot.name) == ("BTC/USDT perp", "BTC/USDT")
        await rig.venue.subscribe(Subscription(Channel.TICKER, BTC_ID))
        await rig.venue.subscribe(Subscription(Channel.TICKER, SPOT_ID))
        await until(lambda: {one.instrument for one in rig.of(Ticker)} == {BTC_ID, SPOT_ID})
        await rig.venue.subscribe(Subscription(Channel.MARK, BTC_ID))
        await until(lambda: rig.of(MarkPrice))
        assert {one.instrument for one in rig.of(MarkPrice)} == {BTC_ID}, "spot pairs have no mark"
        with pytest.raises(UnknownInstrument):
            await rig.venue.subscribe(Subscription(Channel.TICKER, InstrumentId("mayex", "nosuchusdt")))


async def test_it_is_a_venue_that_keeps_books_and_moves_margin(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False, credentials=None, is_practice=False) as rig:
        venue = rig.venue
        assert all(isinstance(venue, kind) for kind in (Venue, KeepsBooks, MovesFunds))
        assert not isinstance(venue, HasBills)
        assert not isinstance(venue, HasMarginWallet)
        assert venue.capabilities.mode is Mode.READ_ONLY
        with pytest.raises(MissingCredentials):
            await venue.subscribe(ACCOUNT)
        await venue.subscribe(Subscription(Channel.BOOK, BTC_ID))
        await until(lambda: (book := venue.book(BTC_ID)) is not None and book.is_valid)
        assert exchange.simulator.state()["books"][BTC]
        assert repr(venue) == "MayexVenue(READ-ONLY)"


async def test_what_is_closed_says_so(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False) as rig:
        await rig.venue.aclose()
        with pytest.raises(ConnectionLost):
            await rig.venue.subscribe(ACCOUNT)
        await rig.venue.aclose()
