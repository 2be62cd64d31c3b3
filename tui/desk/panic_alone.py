"""Panic without a desk: one venue is opened, cleared and closed, with a journal that the next start takes in."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tui.desk.frame import Fact, PanicReceipt
from tui.desk.inert import sanitise
from tui.desk.journal_store import SqliteJournal
from tui.desk.session import Session
from venues.model import NANOSECONDS
from venues.port import Venue

LINK_SECONDS = 5.0
_LOOK_SECONDS = 0.02


class LonePanic(msgspec.Struct, frozen=True, kw_only=True):
    """What it came to. `fault` says why nothing could be done at all; `journal` is the file's name."""

    receipt: PanicReceipt
    journal: str
    fault: str = ""


async def panic_alone(
    venue: Venue,
    state_dir: Path,
    account: str,
    *,
    clock: Callable[[], int] = time.time_ns,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    link_seconds: float = LINK_SECONDS,
    patience: float = 15.0,
) -> LonePanic:
    """Opens `venue`, cancels and closes everything there, and closes it again. `state_dir` is there and private.

    It begins once the venue's instruments are known, and after `link_seconds` in any case: a stream that can not
    be had must not hold up the cancels. It gives up after `patience` seconds.
    """
    now = clock()
    stamp = datetime.fromtimestamp(now // NANOSECONDS, UTC)
    # Two at the same second keep apart by venue and process.
    path = state_dir / f"panic-{stamp:%Y%m%dT%H%M%SZ}-{venue.name}-{os.getpid()}.sqlite3"
    journal = SqliteJournal(path, desk=f"{venue.capabilities.mode.value}/{account}", clock=clock)
    facts: list[Fact] = []
    session = Session(
        [venue], tell=facts.append, journal=journal, account=account, clock=clock, panic_patience=patience
    )
    link = session.links[venue.name]
    try:
        await session.open()
        try:
            async with asyncio.timeout(link_seconds):
                while not (session.store.markets or link.fault):
                    await sleep(_LOOK_SECONDS)
        except TimeoutError:
            pass
        receipt = await session.panic()
        for line in receipt.lines:
            proof = "twice read as empty" if line.is_proven else f"not proven ({line.note})"
            session.keeper.note(
                f"panic without the desk: {line.cancelled} cancelled, {line.closed} closed, {proof}", "panic"
            )
        detail = session.store.venues[venue.name].detail
    finally:
        await session.aclose()
    fault = "" if receipt.lines else sanitise(link.fault or detail or "it has no account here that can trade")
    return LonePanic(receipt=receipt, journal=path.name, fault=fault)
