"""A venue is made with the key that is stored for it, where the configuration says that it is."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.tui.desk.key_rig import OTHER_KEY, OTHER_SECRET, entry_of
from tui.config import Config, ContractSection, VenueSection, parse_config
from tui.desk.key_entries import KeyEntry, KeyName, KeyStore
from tui.keyed_settings import account_settings, open_with, vault_of
from tui.paths import profile_paths
from tui.redaction import Redactor
from venues import open_venue
from venues.coinex.venue import CoinexVenue
from venues.errors import ConfigurationError
from venues.mayex.settings import TableRow
from venues.port import Credentials, Mode, Permissions, Venue
from venues.registry import key_parts, readings, venue_names
from venues.transport.settings import VenueSettings

KEY = Credentials(OTHER_KEY, OTHER_SECRET)
ELSEWHERE = """
[credentials]
store = "file"
[network]
proxy = "http://proxy.example:3128"
[venues.coinex]
rest_url = "https://rest.example"
ws_url = "wss://stream.example"
"""


def made(config: Config, entry: KeyEntry) -> Venue:
    return open_with(config, Redactor())(entry.name, entry)


def test_without_a_key_nothing_but_the_account_is_said() -> None:
    assert account_settings("coinex", "main", Config(), None) == {"account": "main"}


async def test_the_configuration_says_where_and_the_entry_who() -> None:
    config = parse_config(ELSEWHERE, Path("config.toml"))
    venue = made(config, entry_of(KEY))
    assert isinstance(venue, CoinexVenue)
    settings = venue.settings
    assert (settings.rest_url, settings.ws_url) == ("https://rest.example", "wss://stream.example")
    assert settings.proxy == "http://proxy.example:3128" and settings.account == "main"
    assert settings.credentials == KEY and venue.capabilities.mode is Mode.LIVE
    await venue.aclose()


@pytest.mark.parametrize(("may_trade", "mode"), [(None, Mode.LIVE), (True, Mode.LIVE), (False, Mode.READ_ONLY)])
async def test_only_a_key_that_may_only_read_makes_the_venue_read_only(may_trade: bool | None, mode: Mode) -> None:
    venue = made(Config(), entry_of(KEY, permissions=Permissions(trade=may_trade)))
    assert venue.capabilities.mode is mode and venue.capabilities.reads_account
    await venue.aclose()


def test_what_a_document_leaves_open_is_called_as_the_adapter_calls_it() -> None:
    for name in [name for name in venue_names() if key_parts(name)]:
        settings = import_module(type(open_venue(name)).__module__).Settings
        assert set(readings(name)) == {*settings.__struct_fields__} - {*VenueSettings.__struct_fields__}
    read = {setting for name in venue_names() for setting in readings(name)}
    assert set(VenueSection().__struct_fields__) == {"rest_url", "ws_url", *read}
    assert ContractSection.__struct_fields__ == TableRow.__struct_fields__


def test_a_venue_that_is_not_there_is_an_error_without_the_key() -> None:
    nowhere = entry_of(KEY, name=KeyName("mtgox"))
    with pytest.raises(ConfigurationError, match="no venue of this name") as error:
        made(Config(), nowhere)
    assert OTHER_SECRET not in f"{error.value!r} {error.value}"


def test_the_keys_are_kept_where_the_configuration_says_whatever_the_profile() -> None:
    config = parse_config(ELSEWHERE, Path("config.toml"))
    assert vault_of(profile_paths("other"), config).store is KeyStore.FILE
    assert vault_of(profile_paths(), Config()).store is KeyStore.KEYRING
    assert profile_paths("other").keys_dir == profile_paths().keys_dir
