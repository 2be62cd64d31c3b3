"""Which venues a desk opens, in which modes and with which settings, and which may be opened beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from tui.cli import Options
from tui.config import Config
from tui.desk.frame import VenueOffer
from tui.desk.key_entries import KeyEntry, KeyName
from tui.desk.roster import mixture, refusal
from tui.keyed_settings import account_settings
from tui.paths import ACCOUNT_RULE, is_account_name, make_private_dir
from venues.port import Mode, Venue
from venues.registry import create_venue, key_parts, venue_names

_TRADERS_OWN = frozenset({"state_path", "fresh", "credentials"})
NO_KEYS: Mapping[KeyName, KeyEntry] = {}


def chosen_venues(options: Options, config: Config) -> tuple[str, ...]:
    """Returns the venues that the desk is to be opened on.

    Raises:
        UsageError: it is to be practised where there is no practice exchange.
    """
    names = options.venues or config.desk.venues
    if options.is_practice:
        from venues.simulators.registry import simulator_names

        for name in names:
            if name not in simulator_names():
                raise click.UsageError(_not_practised(name, simulator_names()))
    return names


def _not_practised(name: str, known: Sequence[str]) -> str:
    why = "is practice already" if name == "paper" else "has no practice exchange"
    *first, last = known
    which = f"{', '.join(first)} and {last}" if first else last
    return f"{name} {why}; --practice is for {which}, as in  pitside --venue {known[0]} --practice"


def account_of(options: Options, config: Config) -> str:
    """Returns the name of the account that is opened on every venue.

    Raises:
        UsageError: an account can not be called so.
    """
    account = options.account or config.desk.account
    if not is_account_name(account):
        raise click.UsageError(f"{account!r} is no account's name: use {ACCOUNT_RULE}")
    return account


def keys_wanted(names: Sequence[str], options: Options, config: Config) -> list[KeyName]:
    """Returns the keys that a desk on these venues would use.

    One on which there are paper orders uses none: what is real can not be on it.
    """
    if options.is_practice or {"paper", "replay"}.intersection(names):
        return []
    account = account_of(options, config)
    return [KeyName(name, account) for name in names if key_parts(name)]


def opened(
    names: Sequence[str], options: Options, config: Config, keys: Mapping[KeyName, KeyEntry] = NO_KEYS
) -> list[Venue]:
    """Makes the venues that are not practised on, unconnected. Raises VenueError and UnsafePath."""
    return [create_venue(name, venue_settings(name, options, config, keys)) for name in names]


def modes_of(names: Sequence[str], venues: Sequence[Venue]) -> dict[str, Mode]:
    """Returns the mode of each venue of a desk; those that are not made yet are practised on.

    Raises:
        UsageError: they can not be on one desk.
    """
    modes = dict.fromkeys(names, Mode.PRACTICE)
    modes |= {venue.name: venue.capabilities.mode for venue in venues}
    if why := mixture(modes.values()):
        raise click.UsageError(f"{why}. Open one desk for each, with a --profile of its own")
    return modes


def venue_settings(
    name: str, options: Options, config: Config, keys: Mapping[KeyName, KeyEntry] = NO_KEYS
) -> dict[str, Any]:
    """Returns what a venue is made with; the paper account is kept in the profile's state folder.

    Of `keys` it gets that of the account that is opened, where there is one.
    """
    account = account_of(options, config)
    if name == "replay":
        speed = "max" if not options.speed else f"{options.speed:g}"
        return {"path": str(options.recording or ""), "speed": speed, "account": account}
    if name != "paper":
        return account_settings(name, account, config, keys.get(KeyName(name, account)))
    folder = make_private_dir(options.paths.state_dir)
    chosen = {
        "seed": options.seed if options.seed is not None else config.desk.seed,
        "rate": options.rate if options.rate is not None else config.desk.rate,
    }
    settings: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
    return settings | {
        "fresh": options.is_fresh,
        "state_path": str(folder / f"paper-{account}.json"),
        "account": account,
    }


def open_watching(name: str, options: Options, config: Config) -> Venue:
    """Makes a venue for a desk that only watches: the paper account's file is the other desk's."""
    settings = venue_settings(name, options, config)
    return create_venue(name, {key: value for key, value in settings.items() if key not in _TRADERS_OWN})


def practice_arguments(options: Options) -> list[str]:
    """Returns what of the command line is meant for the practice exchange."""
    given = {"--seed": options.seed, "--rate": options.rate}
    return [word for name, value in given.items() if value is not None for word in (name, f"{value}")]


def offers_beside(modes: Mapping[str, Mode]) -> list[VenueOffer]:
    """Returns the venues that are not among those of a desk, and whether each may join them.

    No adapter is imported for it: 200 ms that no first paint should wait for.
    """
    offers = []
    for name in venue_names():
        if name in modes or name == "replay":
            continue
        mode = Mode.PAPER if name == "paper" else Mode.READ_ONLY
        offers.append(VenueOffer(venue=name, mode=mode, refusal=refusal(name, mode, modes.values())))
    return offers
