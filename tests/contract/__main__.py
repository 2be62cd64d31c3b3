"""The faults at full scale, as a table: how long it took to say so, to notice, and to be healthy again.

    python -m tests.contract [--scale 1] [--venue NAME] [--kind WORDS]

It ends with 1 where a limit was not kept, or something was wrong afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from tests.contract import http_faults, stream_faults
from tests.contract.rig import SERVED, Exchange, exchange_of


def _out(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _seconds(value: float | None) -> str:
    return "      -" if value is None else f"{value:6.2f}s"


async def _try_streams(exchange: Exchange, wanted: str) -> list[str]:
    failures = []
    kinds = {**stream_faults.FAULTS, **stream_faults.OTHERS}
    if exchange.is_polled:
        # Its market has streams, and its account none.
        public = {name: kind for name, kind in kinds.items() if not stream_faults.is_private(kind)}
        kinds = (public if exchange.name == "mayex" else {}) | stream_faults.OF_READS
    _out(f"{'reads' if exchange.is_polled else 'stream fault':26} {'aged':>7} {'noticed':>7} {'healed':>7}")
    for name, fault in kinds.items():
        if wanted not in name:
            continue
        try:
            found = await stream_faults.try_fault(exchange, fault)
        except AssertionError as error:
            failures.append(f"{name}: {error}")
            _out(f"{name:26} FAILED {error}")
        else:
            _out(f"{name:26} {_seconds(found.aged)} {_seconds(found.detected)} {_seconds(found.healed)}")
    return failures


async def _try_requests(name: str, scale: float, wanted: str) -> list[str]:
    """Each kind has an exchange of its own: of hundreds of orders a history may tell the newest only."""
    failures = []
    kinds = {**http_faults.FAULTS, **http_faults.OTHERS}
    _out(f"\n{'request fault':40} {'call':7} {'said':20} at the exchange")
    for kind, fault in kinds.items():
        if wanted not in kind:
            continue
        with exchange_of(name, scale) as exchange:
            for call in http_faults.CALLS:
                try:
                    cases = await http_faults.try_fault(exchange, fault, call)
                except AssertionError as error:
                    failures.append(f"{kind}, {call}: {error}")
                    _out(f"{kind:40} {call:7} FAILED {error}")
                    continue
                for case in cases:
                    truth = "" if call == "query" else "done" if case.was_executed else "not done"
                    _out(f"{case.spec:40} {call:7} {case.outcome:20} {truth}")
    return failures


async def _try_venue(name: str, scale: float, wanted: str) -> list[str]:
    _out(f"\n{name}, scale {scale:g}\n")
    with exchange_of(name, scale) as exchange:
        failures = await _try_streams(exchange, wanted)
    return failures + await _try_requests(name, scale, wanted)


def main() -> int:
    """Tries every kind on every venue that has a wire."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of every constant of time")
    parser.add_argument("--venue", choices=SERVED, action="append", help="only this one")
    parser.add_argument("--kind", default="", help="only kinds that are called so, in part")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)  # what goes wrong is the table's
    failures = []
    for name in options.venue or SERVED:
        failures += asyncio.run(_try_venue(name, options.scale, options.kind))
    _out("\nall limits kept" if not failures else "\n" + "\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
