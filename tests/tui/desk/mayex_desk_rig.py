"""The desk over Mayex's adapter and the exchange at hand, both in the loop's virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from tests.tui.desk.pumpkin_desk_rig import PumpkinDesk, opened
from tests.venues.max.client_rig import shared_tls
from tests.venues.max.wallet_rig import LoopClock
from venues.mayex.settings import Settings
from venues.mayex.venue import MayexVenue
from venues.port import Credentials, Venue
from venues.simulators.faults import Faults
from venues.simulators.mayex.exchange import MayexSimulator, create
from venues.simulators.port import SimulatorSettings
from venues.simulators.serving import Practice, serving_simulator

SYMBOL = "btcusdt"


class MayexDesk(PumpkinDesk):
    """A session over the adapter, which polls its account; prices come by the stream, as there is no other way."""

    name = "mayex"
    symbol = SYMBOL

    def make_venue(self, practice: Practice, clock: LoopClock) -> Venue:
        return MayexVenue(
            Settings(
                rest_url=practice.rest_url,
                ws_url=practice.ws_url,
                credentials=Credentials(practice.api_key, practice.api_secret),
                is_practice=True,
                minute_quota=60_000,
                token_path="",
                seed=4,
            ),
            tls=shared_tls(),
            wall=clock.time_ns,
            monotonic=asyncio.get_running_loop().time,
        )

    def sizes(self) -> dict[str, Decimal]:
        """What the desk knows of the positions, by their ids."""
        return {one.position.position_id: one.position.quantity for one in self.positions()}


@asynccontextmanager
async def mayex_desk(clock: LoopClock) -> AsyncIterator[tuple[MayexSimulator, MayexDesk]]:
    simulator = create(SimulatorSettings(seed=7, rate=0, symbols=(SYMBOL,)), Faults(""), clock=clock)
    simulator.act({"do": "quota", "minute": 60_000})
    async with serving_simulator(simulator) as practice, opened(MayexDesk(simulator, practice, clock)) as rig:
        yield simulator, rig
