"""How a venue with an account is made: its address and proxy from the configuration, its key from the keyring."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tui.config import Config
from tui.desk.key_entries import KeyEntry, KeyName, KeyStore
from tui.paths import Paths
from tui.redaction import Redactor
from venues.port import Venue
from venues.registry import create_venue

if TYPE_CHECKING:
    from tui.desk.vault import Vault

_CHOICES = ("position_model", "trigger_price", "margin_mode", "profile", "private_stream", "depth_levels")


def place_of(venue: str, config: Config) -> dict[str, Any]:
    """Returns where a venue that takes keys is reached and how it is read, as far as the configuration says it."""
    settings: dict[str, Any] = {}
    if (place := config.venues.get(venue)) is not None:
        settings |= place.given
    if config.network.proxy:
        settings["proxy"] = config.network.proxy
    return settings


def choices_of(venue: str, config: Config) -> dict[str, Any]:
    """Returns what a person has chosen of a venue wherever it is reached: it holds for practice as well."""
    return {key: value for key, value in place_of(venue, config).items() if key in _CHOICES}


def account_settings(venue: str, account: str, config: Config, entry: KeyEntry | None) -> dict[str, Any]:
    """Returns what a venue that takes keys is made with; without a key it can only be watched."""
    settings = {"account": account} | place_of(venue, config)
    if entry is not None:
        settings |= {"credentials": entry.credentials, "may_trade": entry.may_trade}
    return settings


def open_with(config: Config, redactor: Redactor) -> Callable[[KeyName, KeyEntry | None], Venue]:
    """Returns what makes an unconnected venue, with a key or without; it raises VenueError if it can not.

    `redactor` learns what must not be written anywhere.
    """

    def make(name: KeyName, entry: KeyEntry | None) -> Venue:
        if entry is not None:
            learn(redactor, entry)
        return create_venue(name.venue, account_settings(name.venue, name.account, config, entry))

    return make


def learn(redactor: Redactor, entry: KeyEntry) -> None:
    """Has a key masked wherever something is written."""
    redactor.learn(entry.credentials.key, entry.credentials.secret, entry.credentials.passphrase)


def vault_of(paths: Paths, config: Config) -> Vault:
    """Returns where the keys are kept, as the configuration says; nothing is opened."""
    # What it brings with it is 8 ms that no paper desk's first paint should wait for.
    from tui.desk.vault import Vault

    return Vault(paths.keys_dir, store=KeyStore(config.credentials.store))
