"""`pitside panic`: through the desk that runs, and without one where none answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import click
import msgspec

from tui.asking import has_terminal, line_of_input
from tui.cli import Options
from tui.config import Config, ConfigError, load_config
from tui.desk.frame import PanicLine
from tui.desk.inert import sanitise
from tui.desk.instance import Holder, InstanceError, last_holder
from tui.desk.key_entries import KeyEntry, KeyName, KeyringFault, KeyringState
from tui.desk.panic_alone import LonePanic, panic_alone
from tui.desk.remote_client import LostDesk, NoDesk, RemoteFault, ask
from tui.desk.remote_messages import Failed, Receipt, VenueLine
from tui.desk_commands import holder_of, receipt_words, say, venue_words
from tui.keyed_settings import learn, vault_of
from tui.logs import open_log
from tui.opening import keys_wanted, venue_settings
from tui.paths import UnsafePath, make_private_dir
from tui.redaction import Redactor
from tui.unlocking import ask_password, keys_for
from venues.errors import VenueError
from venues.port import Mode, Venue
from venues.registry import create_venue, key_parts
from venues.secret import Secret

_WITHOUT = "Enter alone goes on without: where a key is needed, nothing is cancelled then"
_PATIENCE = 2.0  # seconds for a line of standard input: a panic that nobody answers must not wait


class _Target(NamedTuple):
    venue: str
    account: str
    is_practice: bool = False
    is_wanted: bool = True  # else it is only where a desk would be opened, and need not have been
    played: str = ""  # the last desk's mode, where that had nothing to do with this venue: it is left alone
    uses_key: bool = True  # else a desk there had none: one with paper orders on it uses no keys


def run_panic(options: Options, venues: Sequence[str], *, is_sure: bool) -> bool:
    """Clears what the desk of the profile trades on, or `venues`; says whether all of it is proven."""
    if not is_sure and not _is_confirmed(options, venues):
        say("nothing was done", is_bad=True)
        return False
    lines = _through_desk(options)
    if lines is not None:
        is_proven = _say_receipt(lines)
        missed = tuple(name for name in venues if name not in {line.venue for line in lines})
        if not missed:
            return is_proven
        say(f"the desk that runs does not trade on {', '.join(missed)}: cleared without it", is_bad=True)
        return _alone(options, missed, None) and (is_proven or not lines)
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
    return _alone(options, venues, holder) and holder is None


def _is_confirmed(options: Options, venues: Sequence[str]) -> bool:
    try:
        for answer in ask(options.paths.state_dir, "status"):
            if isinstance(answer, VenueLine):
                say(venue_words(answer), is_bad=True)
    except RemoteFault:
        names = ", ".join(f"{one.venue}/{one.account}" for one in _targets(options, venues, _config_of(options)))
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


def _targets(options: Options, venues: Sequence[str], config: Config) -> list[_Target]:
    """Returns where to act without a desk: where the last one traded, whatever the configuration says now, too."""
    try:
        last = last_holder(options.paths.state_dir) or Holder()
    except InstanceError as error:
        say(str(error), is_bad=True)
        last = Holder()

    def targets(
        names: Iterable[str], *, is_practice: bool = False, is_wanted: bool = True, uses_key: bool = True
    ) -> list[_Target]:
        accounts = {name: options.account or (last.account if name in last.venues else "") for name in names}
        return [
            _Target(name, account or config.desk.account, is_practice, is_wanted, uses_key=uses_key)
            for name, account in accounts.items()
        ]

    if venues:
        return targets(venues, is_practice=options.is_practice)
    was_practice = last.mode == Mode.PRACTICE
    was_live = last.mode == Mode.LIVE
    lived = targets(last.venues, is_practice=was_practice, uses_key=was_live)
    done = () if was_practice else last.venues
    rest = targets((name for name in config.desk.venues if name not in done), is_wanted=False)
    wanted = {name.venue for name in keys_wanted(config.desk.venues, options, config)}
    # What is real there was not traded on by a desk that only played: it may be a person's own affair.
    played = last.mode if last.venues and not was_live else ""
    return lived + [
        one._replace(uses_key=one.venue in wanted and not played, played=played if one.venue in wanted else "")
        for one in rest
    ]


def _ask(state: KeyringState, otherwise: str) -> Secret | None:
    """Asks on the terminal; without one, a line of standard input is taken, if one is there."""
    if has_terminal():
        return ask_password(state, otherwise)
    say(
        f"{state.sentence}; there is no terminal (ssh -t brings one): a line of standard input is read",
        is_bad=True,
    )
    return line_of_input("password", _PATIENCE)


def _keys_for(options: Options, targets: Sequence[_Target], config: Config) -> Mapping[KeyName, KeyEntry]:
    """Reads the keys that are needed, asking for the keyring's password where it must."""
    wanted = [KeyName(one.venue, one.account) for one in targets if one.uses_key and not one.is_practice]
    found = keys_for(
        [name for name in wanted if key_parts(name.venue)],
        vault_of(options.paths, config),
        ask=_ask,
        otherwise=_WITHOUT,
    )
    for notice in found.notices:
        say(notice, is_bad=True)
    return found.entries


def _alone(options: Options, wanted: Sequence[str], holder: Holder | None) -> bool:
    redactor = Redactor()
    with open_log(options.paths.state_dir, redactor):
        return _act_alone(options, wanted, holder, redactor)


def _act_alone(options: Options, wanted: Sequence[str], holder: Holder | None, redactor: Redactor) -> bool:
    config = _config_of(options)
    opened: list[tuple[Venue, str]] = []
    targets = _targets(options, wanted, config)
    keys = _keys_for(options, targets, config)
    for entry in keys.values():
        learn(redactor, entry)
    stored = _stored(options, config)
    is_proven = True
    watched = 0
    for target in targets:
        if target.venue == "replay" or target.is_practice:
            # Neither can be opened: a recording needs its file, a practice exchange ends with its desk.
            is_proven = _say_paper(target, holder) and is_proven
            continue
        if target.played and KeyName(target.venue, target.account) in stored:
            say(
                f"{target.venue}: the last desk was {target.played} and did not trade there: nothing is done; "
                f"to clear it:  pitside --venue {target.venue} panic",
                is_bad=True,
            )
            is_proven = False
            continue
        try:
            chosen = msgspec.structs.replace(options, account=target.account)
            venue = create_venue(target.venue, venue_settings(target.venue, chosen, config, keys))
        except (VenueError, UnsafePath) as error:
            say(f"{target.venue}: {error}", is_bad=True)
            is_proven = False
            continue
        match venue.capabilities.mode:
            case Mode.PAPER | Mode.REPLAY:
                is_proven = _say_paper(target, holder) and is_proven
            case Mode.READ_ONLY:
                is_proven = _say_watched(target) and is_proven
                watched += 1
            case _:
                opened.append((venue, target.account))
    if opened:
        is_proven = _clear(options, opened) and is_proven
    return is_proven and watched < len(targets)


def _stored(options: Options, config: Config) -> Sequence[KeyName]:
    try:
        return vault_of(options.paths, config).names()
    except KeyringFault:
        return ()


def _say_watched(target: _Target) -> bool:
    """Says that there is no key; a venue that was only configured to be watched has nothing of the desk's."""
    say(
        f"{target.venue}/{target.account}: there is no key for it that may trade: nothing was done there",
        is_bad=target.is_wanted,
    )
    return not target.is_wanted


def _say_paper(target: _Target, holder: Holder | None) -> bool:
    place = f"{target.venue}/{target.account}"
    if holder is not None and (target.venue in holder.venues or not holder.pid):
        say(
            f"{place}: its orders live in the desk, which does not answer: wake it with  "
            f"kill -CONT {holder.pid}  or end it with  kill -9 {holder.pid}",
            is_bad=True,
        )
        return False
    if target.is_practice:
        what = "a practice exchange ends with its desk: nothing of it is left"
    else:
        what = "its orders do not outlive one: there is nothing to cancel; positions wait in the paper account"
    say(f"{place}: no desk is running there, and {what}")
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
