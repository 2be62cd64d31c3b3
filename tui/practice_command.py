"""`pitside practice`: a local exchange that speaks a venue's own protocol, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.desk.inert import sanitise
from venues.simulators.registry import served_names

if TYPE_CHECKING:
    from venues.simulators.serving import Practice

_GRACE = 3.0  # seconds that it has to end once nobody is there any more
# A terminal that hangs up and a `kill` say so in the exit code, as everywhere; Ctrl+C is how it is meant to end.
_EXIT_CODES = {signal.SIGINT: 0, signal.SIGTERM: 143, signal.SIGHUP: 129}


def _list_faults(context: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        from venues.simulators.fault_kinds import KINDS

        width = max(map(len, KINDS))
        for kind in KINDS.values():
            value = f" (={kind.value})" if kind.value else ""
            click.echo(f"{kind.name:{width}}  {kind.does}{value}")
        context.exit()


@click.command(
    short_help="Run a local exchange that speaks a venue's protocol.",
    help="Run a local exchange that speaks VENUE's own protocol, REST and WebSocket, on 127.0.0.1, until it is "
    "stopped. Nothing on it is real, and nothing outside this machine is reached. Any client of the venue can use "
    "it, with the demo key that is printed.\n\n\b\n"
    "A desk of its own on one:  pitside --venue VENUE --practice",
)
@click.argument("venue", type=click.Choice(served_names()))
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Where to listen.  [default: a free port]")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Which market.")
@click.option("--rate", type=click.FloatRange(0, 100_000), help="Market events a second.")
@click.option(
    "--replay", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A recording whose market it shows.",
)  # fmt: skip
@click.option(
    "--faults", "spec", metavar="SPEC", default="",
    help="What it does wrong: kind[@call][:share][=value][*times], with commas between.",
)  # fmt: skip
@click.option(
    "--list-faults", is_flag=True, is_eager=True, expose_value=False, callback=_list_faults,
    help="Show every kind of fault and exit.",
)  # fmt: skip
@click.option("--json", "is_json", is_flag=True, help="Print one line of JSON: the URLs and the demo key.")
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
@click.pass_context
def practice(
    context: click.Context,
    venue: str,
    port: int,
    seed: int,
    rate: float | None,
    replay: Path | None,
    spec: str,
    is_json: bool,
    until_stdin_closes: bool,
) -> None:
    settings = {"port": port, "seed": seed, "rate": rate, "replay": replay, "faults": spec}
    context.exit(asyncio.run(_serve(venue, settings, is_json=is_json, ends_with_stdin=until_stdin_closes)))


COMMANDS = (practice,)


async def _serve(venue: str, settings: dict[str, Any], *, is_json: bool, ends_with_stdin: bool) -> int:
    """Serves until it is told to stop, and returns the exit code. Raises ConfigurationError."""
    from venues.simulators.serving import serving

    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(code: int) -> None:
        if not stopped.done():
            stopped.set_result(code)

    for number, code in _EXIT_CODES.items():
        if signal.getsignal(number) is not signal.SIG_IGN:  # as below nohup
            loop.add_signal_handler(number, stop, code)
    if ends_with_stdin:
        _watch_stdin(lambda: loop.call_soon_threadsafe(stop, 0))
    async with serving(venue, **settings) as exchange:
        for line in [exchange.line()] if is_json else _welcome(exchange):
            click.echo(line)
        market = asyncio.ensure_future(exchange.ended())
        waited: set[asyncio.Future[Any]] = {stopped, market}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if market.done():
            market.result()  # a market never ends by itself: what went wrong is raised
        market.cancel()
    return stopped.result() if stopped.done() else 1


def _watch_stdin(told: Callable[[], object]) -> None:
    """Tells once the other end of standard input is closed, and sees to it that the process ends then."""

    def watch() -> None:
        descriptor = sys.stdin.fileno()
        while os.read(descriptor, 4_096):
            pass
        told()
        # Whoever started it is gone: even an exchange that hangs must not stay behind.
        time.sleep(_GRACE)
        os._exit(1)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def _welcome(exchange: Practice) -> list[str]:
    venue = exchange.venue
    return [
        f"a local {venue}: nothing on it is real; Ctrl+C ends it",
        "",
        f"  REST       {exchange.rest_url}",
        f"  WebSocket  {exchange.ws_url}",
        f"  key        {exchange.api_key}",
        f"  secret     {exchange.api_secret}",
        "",
        f"Give any client of {venue} these in place of the venue's own addresses and of your key. In Python:",
        "",
        "  from venues import open_venue",
        "  from venues.port import Credentials",
        f'  venue = open_venue("{venue}", rest_url="{exchange.rest_url}", ws_url="{exchange.ws_url}",',
        f'                     credentials=Credentials("{exchange.api_key}", "{exchange.api_secret}"))',
        "",
        f"What it knows:  curl {exchange.rest_url}/practice/state",
        f"""Faults:         curl -X PUT -d '{{"faults": "drop:0.1"}}' {exchange.rest_url}/practice/faults""",
        *([f"Switched on:    {sanitise(exchange.faults.spec)}"] if exchange.faults.spec else []),
    ]
