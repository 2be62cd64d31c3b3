"""What an account tells one after the other never looks older than what came before: a desk would pass it over."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from tests.venues.mayex.documented import example as mayex_example
from tui.desk.ledger import Ledger
from venues.events import BalanceUpdate, Event, PositionUpdate
from venues.mayex.models import Assets
from venues.mayex.models.figures import in_envelope
from venues.mayex.settings import Settings as MayexSettings
from venues.mayex.venue import MayexVenue
from venues.model import ZERO, InstrumentId, MarginMode, Position
from venues.pumpkin.models import Balance as PumpkinBalance
from venues.pumpkin.settings import Settings as PumpkinSettings
from venues.pumpkin.venue import PumpkinVenue

D = Decimal
NOW, SECOND = 1_795_000_000_000_000_000, 1_000_000_000
NOWHERE = "http://127.0.0.1:1"


class Clock:
    """A machine's clock, which is put back by the time server."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def of_mayex(clock: Clock) -> tuple[MayexVenue, Callable[[str, float], list[Event]]]:
    venue = MayexVenue(MayexSettings(rest_url=NOWHERE, ws_url="ws://127.0.0.1:1"), wall=clock)
    assets: Assets = msgspec.json.decode(mayex_example("assets").raw, type=in_envelope(Assets)).data

    def read(total: str, began: float) -> list[Event]:
        rows = [msgspec.structs.replace(assets.accounts[0], currency="usdt", account_balance=D(total))]
        return venue._account._balances.take_read(rows, began)

    return venue, read


def of_pumpkin(clock: Clock) -> tuple[PumpkinVenue, Callable[[str, float], list[Event]]]:
    venue = PumpkinVenue(PumpkinSettings(rest_url=NOWHERE, ws_url=""), wall=clock)

    def read(total: str, began: float) -> list[Event]:
        row = PumpkinBalance(
            coin="usdt", wallet_balance=D(total), available_balance=D(total), isolated_margin=ZERO,
            crossed_margin=ZERO, open_order_margin_frozen=ZERO,
        )  # fmt: skip
        return venue._account._balances.take_read([row], began)

    return venue, read


@pytest.mark.parametrize("make", [of_mayex, of_pumpkin])
async def test_money_that_is_told_after_the_clock_was_put_back_is_known(
    make: Callable[[Clock], tuple[MayexVenue | PumpkinVenue, Callable[[str, float], list[Event]]]],
) -> None:
    clock, ledger = Clock(), Ledger(NOW)
    venue, read = make(clock)
    try:
        for at, total in enumerate(("100", "90", "80")):
            for event in read(total, float(at)):
                assert isinstance(event, BalanceUpdate)
                ledger.take_balances(event.venue, event.balances, clock.now, event.ts_event)
            assert ledger.balances[venue._account._venue]["USDT"].total == D(total)
            clock.now -= SECOND
        clock.now = NOW + SECOND
        assert venue._account.stamp() == clock.now
    finally:
        await venue.aclose()


@pytest.mark.parametrize("make", [of_mayex, of_pumpkin])
async def test_a_position_that_is_opened_anew_after_the_clock_was_put_back_is_known(
    make: Callable[[Clock], tuple[MayexVenue | PumpkinVenue, Callable[[str, float], list[Event]]]],
) -> None:
    clock, ledger = Clock(), Ledger(NOW)
    venue, _ = make(clock)
    told = venue._account._positions._told
    held = Position(
        instrument=InstrumentId(venue._account._venue, "btc_usdt"), quantity=D(1), entry_price=D(60_000),
        position_id="long:isolated", leverage=D(10), margin_mode=MarginMode.ISOLATED, margin=D(6_000),
    )  # fmt: skip
    try:
        for events in (told.tell([held]), [told.close(held)]):
            for event in events:
                assert isinstance(event, PositionUpdate)
                ledger.take_position(event.position, clock.now)
        assert not ledger.positions
        clock.now -= SECOND
        for event in told.tell([held]):
            assert isinstance(event, PositionUpdate)
            ledger.take_position(event.position, clock.now)
        assert [one.quantity for one in ledger.positions.values()] == [D(1)]
    finally:
        await venue.aclose()
