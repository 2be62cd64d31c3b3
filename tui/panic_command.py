"""`pitside panic`: through the desk that runs, and without one where none answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import click
import msgspec

from tui.cli import Options
from tui.config import Config, ConfigError, load_config
from tui.desk.frame import PanicLine
from tui.desk.inert import sanitise
from tui.desk.instance import Holder, InstanceError, last_holder
from tui.desk.panic_alone import LonePanic, panic_alone
from tui.desk.remote_client import LostDesk, NoDesk, RemoteFault, ask
from tui.desk.remote_messages import Failed, Receipt, VenueLine
from tui.desk_commands import holder_of, receipt_words, say, venue_words
from tui.launch import venue_settings
from tui.paths import UnsafePath, make_private_dir
from venues.errors import VenueError
from venues.port import Mode, Venue
from venues.registry import create_venue


class _Target(NamedTuple):
    venue: str
    account: str


def run_panic(options: Options, venue: str | None, *, is_sure: bool) -> bool:
    """Clears what the desk of the profile trades on, or `venue`; says whether all of it is proven."""
    if not is_sure and not _is_confirmed(options, venue):
        say("nothing was done", is_bad=True)
        return False
    lines = _through_desk(options)
    if lines is not None:
        is_proven = _say_receipt(lines)
        if venue is None or venue in {line.venue for line in lines}:
            return is_proven
        say(f"the desk that runs does not trade on {venue}: it is cleared without it", is_bad=True)
        return _alone(options, venue, None) and (is_proven or not lines)
    holder, fault = holder_of(options)
    if holder is not None:
        say(
            f"a desk ({holder.words()}) holds the profile and did not answer: panic acts without it. "
            f"What that process may still send is not covered: end it with  kill -9 {holder.pid}",
            is_bad=True,
        )
    elif fault:
        say(fault, is_bad=True)
    # A desk that only stands still can go on sending: as long as it lives nothing is proven for good.
    return _alone(options, venue, holder) and holder is None


def _is_confirmed(options: Options, venue: str | None) -> bool:
    try:
        for answer in ask(options.paths.state_dir, "status"):
            if isinstance(answer, VenueLine):
                say(venue_words(answer), is_bad=True)
    except RemoteFault:
        names = ", ".join(f"{one.venue}/{one.account}" for one in _targets(options, venue, _config_of(options)))
        say(f"no desk answers for profile {options.paths.profile}; without one: {names}", is_bad=True)
    return click.confirm("Cancel all orders and close all positions there?", err=True)


def _through_desk(options: Options) -> Sequence[PanicLine] | None:
    """Returns the receipt of the desk that runs; None where none did it."""
    try:
        for answer in ask(options.paths.state_dir, "panic"):
            if isinstance(answer, Receipt):
                return answer.receipt.lines
            if isinstance(answer, Failed):
                say(f"the desk could not do it: {answer.text}", is_bad=True)
    except LostDesk as error:
        say(f"the desk began, and its answer broke off: {error}", is_bad=True)
    except NoDesk:
        pass
    except RemoteFault as error:
        say(f"the desk did not answer within 1 s: {error}", is_bad=True)
    return None


def _say_receipt(lines: Sequence[PanicLine]) -> bool:
    for line in lines:
        say(receipt_words(line), is_bad=not line.is_proven)
    if not lines:
        say("no venue of the desk has an account that can trade: nothing was done", is_bad=True)
    return bool(lines) and all(line.is_proven for line in lines)


def _config_of(options: Options) -> Config:
    try:
        return load_config(options.paths.config_file)
    except ConfigError as error:  # a mistake in it must not stand against a panic
        say(f"the configuration is left aside: {error}", is_bad=True)
        return Config()


def _targets(options: Options, venue: str | None, config: Config) -> list[_Target]:
    """Returns where to act without a desk: where the last one traded, whatever the configuration says now, too."""
    try:
        last = last_holder(options.paths.state_dir) or Holder()
    except InstanceError as error:
        say(str(error), is_bad=True)
        last = Holder()
    names = dict.fromkeys((venue,) if venue is not None else (*last.venues, config.desk.venue))
    return [
        _Target(name, options.account or (last.account if name in last.venues else "") or config.desk.account)
        for name in names
    ]


def _alone(options: Options, wanted: str | None, holder: Holder | None) -> bool:
    config = _config_of(options)
    opened: list[tuple[Venue, str]] = []
    is_proven = True
    for target in _targets(options, wanted, config):
        if target.venue == "replay":  # a recording can not be opened without its file, and keeps nothing
            is_proven = _say_paper(target, holder) and is_proven
            continue
        try:
            chosen = msgspec.structs.replace(options, venue=target.venue, account=target.account)
            venue = create_venue(target.venue, venue_settings(chosen, config))
        except (VenueError, UnsafePath) as error:
            say(f"{target.venue}: {error}", is_bad=True)
            is_proven = False
            continue
        if venue.capabilities.mode in (Mode.PAPER, Mode.REPLAY):
            is_proven = _say_paper(target, holder) and is_proven
        else:
            opened.append((venue, target.account))
    if opened:
        is_proven = _clear(options, opened) and is_proven
    return is_proven


def _say_paper(target: _Target, holder: Holder | None) -> bool:
    if holder is not None and (target.venue in holder.venues or not holder.pid):
        say(
            f"{target.venue}/{target.account}: its orders live in the desk, which does not answer: wake it with  "
            f"kill -CONT {holder.pid}  or end it with  kill -9 {holder.pid}",
            is_bad=True,
        )
        return False
    say(
        f"{target.venue}/{target.account}: no desk is running there, and its orders do not outlive one: "
        "there is nothing to cancel; positions wait in the paper account"
    )
    return True


def _clear(options: Options, opened: Sequence[tuple[Venue, str]]) -> bool:
    folder = make_private_dir(options.paths.state_dir)

    async def clear() -> list[LonePanic]:
        return await asyncio.gather(*(panic_alone(venue, folder, account) for venue, account in opened))

    try:
        done = asyncio.run(clear())
    except KeyboardInterrupt as error:
        raise click.ClickException("interrupted: nobody knows what is left; run it again") from error
    is_proven = True
    for (venue, account), one in zip(opened, done, strict=True):
        if one.fault:
            say(f"{venue.name}/{account}: nothing was done: {sanitise(one.fault)}", is_bad=True)
            is_proven = False
        else:
            is_proven = _say_receipt(one.receipt.lines) and is_proven
    say(f"kept for the next start in {', '.join(one.journal for one in done)}", is_bad=True)
    return is_proven
