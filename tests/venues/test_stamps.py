"""What an account tells one after the other never looks older than what came before: a desk would pass it over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from typing import TypeAlias

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

Venue: TypeAlias = MayexVenue | PumpkinVenue
Read: TypeAlias = Callable[[str, float], list[Event]]


class Clock:
    """A machine's clock, which is put back by the time server."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def of_mayex(clock: Clock) -> tuple[MayexVenue, Read]:
    venue = MayexVenue(MayexSettings(rest_url=NOWHERE, ws_url="ws://127.0.0.1:1"), wall=clock)
    assets: Assets = msgspec.json.decode(mayex_example("assets").raw, type=in_envelope(Assets)).data

    def read(total: str, began: float) -> list[Event]:
        rows = [msgspec.structs.replace(assets.accounts[0], currency="usdt", account_balance=D(total))]
        return venue._account._balances.take_read(rows, began)

    return venue, read


def of_pumpkin(clock: Clock) -> tuple[PumpkinVenue, Read]:
    venue = PumpkinVenue(PumpkinSettings(rest_url=NOWHERE, ws_url=""), wall=clock)

    def read(total: str, began: float) -> list[Event]:
        row = PumpkinBalance(
            coin="usdt", wallet_balance=D(total), available_balance=D(total), isolated_margin=ZERO,
            crossed_margin=ZERO, open_order_margin_frozen=ZERO,
        )  # fmt: skip
        return venue._account._balances.take_read([row], began)

    return venue, read


class Rig:
    """A venue, a read of its balances, and the ledger of a desk that is told all of it."""

    def __init__(self, clock: Clock, venue: Venue, read: Read) -> None:
        self.clock, self.account, self.read = clock, venue._account, read
        self.name = venue._account._venue
        self.ledger = Ledger(NOW)

    def hear(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case BalanceUpdate():
                    self.ledger.take_balances(event.venue, event.balances, self.clock.now, event.ts_event)
                case PositionUpdate():
                    self.ledger.take_position(event.position, self.clock.now)
                case _:
                    raise AssertionError(event)


@pytest.fixture(params=[of_mayex, of_pumpkin])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    clock = Clock()
    venue, read = request.param(clock)
    yield Rig(clock, venue, read)
    await venue.aclose()


def test_money_that_is_told_after_the_clock_was_put_back_is_known(rig: Rig) -> None:
    for at, total in enumerate(("100", "90", "80")):
        rig.hear(rig.read(total, float(at)))
        assert rig.ledger.balances[rig.name]["USDT"].total == D(total)
        rig.clock.now -= SECOND
    rig.clock.now = NOW + SECOND
    assert rig.account.stamp() == rig.clock.now


def test_a_position_that_is_opened_anew_after_the_clock_was_put_back_is_known(rig: Rig) -> None:
    told = rig.account._positions._told
    held = Position(
        instrument=InstrumentId(rig.name, "btc_usdt"), quantity=D(1), entry_price=D(60_000),
        position_id="long:isolated", leverage=D(10), margin_mode=MarginMode.ISOLATED, margin=D(6_000),
    )  # fmt: skip
    rig.hear(told.tell([held]))
    rig.hear([told.close(held)])
    assert not rig.ledger.positions
    rig.clock.now -= SECOND
    rig.hear(told.tell([held]))
    assert [one.quantity for one in rig.ledger.positions.values()] == [D(1)]
