"""A desk without a screen that trades on a bad venue until it is killed.

It uses the session as the screens do. Wishes come from the job's seed; an idle one only settles what was left.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

import msgspec

from tests.support.bad_venues.rules import VENUE
from tests.support.bad_venues.venue import BTC, BadVenue, Settings
from tui.desk import proof
from tui.desk.control import CancelScope, OrderIntent, Verdict
from tui.desk.guards import Limits
from tui.desk.inheritance import Inherited
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.session import Session
from tui.desk.takeover import inherit
from venues.commands import OrderRequest
from venues.errors import OutcomeUnknown
from venues.model import Order, OrderType, Side
from venues.port import Depart, Mode
from venues.transport.privacy import quiet_loggers

DESK = f"{Mode.PRACTICE.value}/main"
_BUDGET = Decimal(10**12)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What one life of the desk does. `wish_every` is in seconds, on average."""

    settings: Settings
    seed: int
    log: str
    wish_every: float = 0.1
    is_idle: bool = False
    mutant: str = ""


def resend() -> None:
    """The mutant that sends again what was not answered."""
    once = BadVenue.submit_order

    async def submit_order(self: BadVenue, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        try:
            return await once(self, request, depart=depart)
        except OutcomeUnknown:
            return await once(self, request, depart=depart)

    patch.object(BadVenue, "submit_order", submit_order).start()


def believe_misses() -> None:
    """The mutant to which "not found" is proof, whenever it was asked."""
    patch.object(proof, "is_answer_final", lambda *_: True).start()


def doubt_for_ever() -> None:
    """The mutant to which no answer is ever proof."""
    patch.object(proof, "is_answer_final", lambda *_: False).start()


def write_after() -> None:
    """The mutant that writes only what was answered."""

    async def nothing(*_: object, **__: object) -> None:
        pass

    patch.object(SqliteJournal, "intent", nothing).start()
    patch.object(SqliteJournal, "sending", nothing).start()


MUTANTS: dict[str, Callable[[], None]] = {
    "resend": resend,
    "believe-misses": believe_misses,
    "doubt-for-ever": doubt_for_ever,
    "write-after": write_after,
}


def make_session(job: Job) -> Session:
    path = journal_path(Path(job.settings.state_dir))

    def take_over() -> Inherited:
        return inherit(SqliteJournal(path, desk=DESK), DESK, time.time_ns)

    return Session(
        [BadVenue(job.settings)],
        tell=lambda _: None,
        limits=Limits(session_budget=_BUDGET),
        inherit=take_over,
    )


async def trade(
    session: Session,
    chance: random.Random,
    wish_every: float,
    telling: Connection,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Wishes for ever: twice as many orders as cancels, and now and then all of them gone.

    It tells when the first order leaves. `pause` takes seconds.
    """
    has_told = False
    while True:
        await pause(chance.expovariate(1 / wish_every))
        await session.end_recovery()
        drawn = chance.random()
        resting = [tracked.key for tracked in session.store.orders.open_orders(VENUE)]
        if drawn < 0.02:
            await session.cancel_all(CancelScope())
        elif drawn < 0.35 and resting:
            await session.cancel(chance.choice(resting))
        elif BTC in session.store.markets:
            side = chance.choice(tuple(Side))
            price = Decimal(chance.randrange(58_000, 60_000 if side is Side.BUY else 62_000))
            outcome = await session.submit(
                OrderIntent(
                    instrument=BTC,
                    side=side,
                    type=OrderType.LIMIT,
                    quantity=Decimal(chance.randrange(4, 400, 4)) / 10_000,
                    price=price,
                    overrides=frozenset({"fresh", "band"}),
                )
            )
            if outcome.verdict is Verdict.SENT and not has_told:
                telling.send(time.time_ns())
                has_told = True


async def run(job: Job, telling: Connection) -> None:
    session = make_session(job)
    await session.open()
    telling.send(time.time_ns())
    if job.is_idle:
        await session.end_recovery()
        await asyncio.Event().wait()
    await trade(session, random.Random(job.seed), job.wish_every, telling)


def live(job_json: bytes, telling: Connection) -> None:
    """Runs a `Job` for ever; tells when the desk is open, and when it first trades, in nanoseconds UTC."""
    job = msgspec.json.decode(job_json, type=Job)
    logging.basicConfig(level=logging.ERROR, filename=job.log)
    quiet_loggers()
    if job.mutant:
        MUTANTS[job.mutant]()
    asyncio.run(run(job, telling))
