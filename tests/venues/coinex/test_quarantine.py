"""Damaged frames through the adapter to the desk's log: none breaks anything, each is counted, and it is said."""

from __future__ import annotations

import random

from tests.venues.coinex.documented import examples
from tests.venues.coinex.test_mutations import damaged, pushes_beyond_the_document
from tui.desk.frame import VenueView
from tui.desk.store import Store
from venues.coinex.account_feed import make_account_feed
from venues.coinex.connection import Calls
from venues.coinex.venue import CoinexVenue, Settings
from venues.events import Event, Notice
from venues.port import Credentials
from venues.transport.frames import Frame

COUNT = 40_000
TOGETHER = 20  # frames of one read
NOWHERE = Settings(
    rest_url="http://127.0.0.1:9",
    ws_url="ws://127.0.0.1:9/",
    credentials=Credentials("key", "secret"),
    time_scale=0.001,
)


async def test_what_can_not_be_read_is_counted_and_stands_in_the_log() -> None:
    rng = random.Random(7)
    shown = [each for each in examples("stream") if each.kind == "push"] + pushes_beyond_the_document()
    venue = CoinexVenue(NOWHERE)
    market = venue._market
    market.books.open("BTCUSDT")
    outbox = venue._connections.outbox
    account = make_account_feed(market.stream, Calls(), venue._account, outbox, ("BTC",))
    log = Store(lambda: 1, lambda _: None)
    log.set_venue(
        VenueView(venue="coinex", account="main", mode=venue.capabilities.mode, capabilities=venue.capabilities)
    )
    told: list[Event] = []
    for _ in range(COUNT // TOGETHER):
        raw = [damaged(rng, each.value, each.raw) for each in rng.choices(shown, k=TOGETHER)]
        frames = [Frame(data=data, is_text=True, ts_recv=1, connection=1) for data in raw]
        (market._intake if rng.random() < 0.5 else account).take(frames, told)
    await venue.aclose()
    told += [event async for batch in venue.events() for event in batch]

    notices = [event for event in told if isinstance(event, Notice) and "could not be read" in event.text]
    counted = sum(int(each.text.split()[0]) for each in notices)
    assert COUNT // 20 < venue.quarantined < COUNT
    assert counted == venue.quarantined
    for event in notices:
        log.apply(event)
    frame = log.frame(1)
    assert frame is not None
    assert frame.log is not None
    assert [line.text for line in frame.log] == [f"coinex: {each.text}" for each in notices]
