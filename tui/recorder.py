"""`pitside record`: a venue's public data into a file, without any screen."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from venues.errors import UnknownInstrument
from venues.port import Venue
from venues.recording.writer import RecordingSummary, record
from venues.registry import create_venue


def record_venue(
    name: str,
    settings: Mapping[str, Any],
    out: Path,
    *,
    symbols: Sequence[str] = (),
    seconds: float | None = None,
) -> RecordingSummary | None:
    """Records until `seconds` are over, or SIGINT or SIGTERM comes; None when a signal ended it.

    Without `symbols` it records every instrument. The file is whole in every case. Raises VenueError.
    """
    return asyncio.run(_record_until_told(create_venue(name, settings), out, symbols, seconds))


async def _record_until_told(
    venue: Venue, out: Path, symbols: Sequence[str], seconds: float | None
) -> RecordingSummary | None:
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(_record(venue, out, symbols, seconds))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        return None
    finally:
        await venue.aclose()


async def _record(venue: Venue, out: Path, symbols: Sequence[str], seconds: float | None) -> RecordingSummary:
    await venue.connect()
    known = {instrument.id.symbol.upper(): instrument.id for instrument in await venue.fetch_instruments()}
    for symbol in symbols:
        if symbol.upper() not in known:
            names = ", ".join(each.symbol for each in list(known.values())[:20])
            raise UnknownInstrument(venue.name, f"there is no {symbol}; there are {names}")
    wanted = [known[symbol.upper()] for symbol in symbols] or list(known.values())
    return await record(venue, wanted, out, seconds=seconds)
