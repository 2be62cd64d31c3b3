"""The configuration of keys, proxy and addresses: what could leak, or send an order elsewhere, is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.config import Config, ConfigError, VenueSection, parse_config
from tui.keyed_settings import choices_of, place_of

PATH = Path("config.toml")
REST, STREAM = 'rest_url = "http://127.0.0.1:8000"\n', 'ws_url = "ws://127.0.0.1:8000/"\n'


def test_keys_are_kept_in_the_keyring_and_nothing_is_between_unless_somebody_says_so() -> None:
    config = Config()
    assert (config.credentials.store, config.credentials.allow_withdrawal) == ("keyring", False)
    assert (config.network.proxy, config.venues) == ("", {})


def test_what_is_said_is_read() -> None:
    text = f"[credentials]\nstore = 'file'\nallow_withdrawal = true\n[venues.coinex]\n{REST}{STREAM}"
    config = parse_config(text, PATH)
    assert (config.credentials.store, config.credentials.allow_withdrawal) == ("file", True)
    assert config.venues["coinex"] == VenueSection(rest_url="http://127.0.0.1:8000", ws_url="ws://127.0.0.1:8000/")
    assert parse_config("[venues.coinex]\n", PATH).venues["coinex"] == VenueSection()


def test_what_a_venues_document_leaves_open_is_read() -> None:
    text = """
[venues.pumpkin]
rest_url = "https://rest.example/v2"
ws_url = "wss://stream.example/public"
user_ws_url = "wss://stream.example/private"
position_model = "DISAGGREGATION"
trigger_price = "last"
signs_encoded = false
minute_quota = 1200
"""
    config = parse_config(text, PATH)
    assert place_of("pumpkin", config) == {
        "rest_url": "https://rest.example/v2", "ws_url": "wss://stream.example/public",
        "user_ws_url": "wss://stream.example/private", "position_model": "DISAGGREGATION",
        "trigger_price": "last", "signs_encoded": False, "minute_quota": 1200,
    }  # fmt: skip
    assert place_of("coinex", config) == {}
    practised = {"position_model": "DISAGGREGATION", "trigger_price": "last"}
    assert choices_of("pumpkin", config) == practised, "where it is and what it asks for are practice's own"


def test_a_venue_whose_stream_is_uncertain_can_do_without() -> None:
    assert place_of("pumpkin", parse_config("[venues.pumpkin]\nws_url = ''\n", PATH)) == {"ws_url": ""}


@pytest.mark.parametrize(
    "proxy",
    ["", "http://127.0.0.1:3128", "https://proxy.example:443/", "http://[::1]:3128", "http://proxy.example:1"],
)
def test_a_proxy_is_a_scheme_a_host_and_a_port(proxy: str) -> None:
    assert parse_config(f'[network]\nproxy = "{proxy}"\n', PATH).network.proxy == proxy


@pytest.mark.parametrize(
    ("proxy", "word"),
    [
        ("proxy.example:3128", "a host and a port"),
        ("http://proxy.example", "a host and a port"),
        ("http://proxy.example:0", "a host and a port"),
        ("http://proxy.example:70000", "a host and a port"),
        ("http://proxy.example:x", "a host and a port"),
        ("http://:3128", "a host and a port"),
        ("http://proxy.example:3128/path", "a host and a port"),
        ("http://proxy.example:3128?a=b", "a host and a port"),
        ("http://pröxy.example:3128", "a host and a port"),
        ("http://proxy example:3128", "a host and a port"),
        ("ftp://proxy.example:3128", "a host and a port"),
        ("socks5://proxy.example:1080", "socks is not spoken here"),
        ("http://me:hunter2@proxy.example:3128", "no user and no password"),
        ("http://me@proxy.example:3128", "no user and no password"),
        ("me:hunter2@proxy.example:3128", "no user and no password"),
        ("http://me:hunter2@proxy.example:x", "no user and no password"),
    ],
)
def test_any_other_proxy_is_refused_with_its_line_and_without_its_password(proxy: str, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f'[network]\n\nproxy = "{proxy}"\n', PATH)
    words = str(caught.value)
    assert words.startswith("config.toml, line 3: network.proxy must")
    assert word in words
    assert "hunter2" not in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[credentials]\nstore = 'plain'\n", ["line 2", "credentials.store", "is wrong"]),
        ("[credentials]\nallow_withdrawal = 1\n", ["line 2", "credentials.allow_withdrawal", "expected `bool`"]),
        ("[credentials]\nsecret = 'x'\n", ["line 2", "credentials.secret", "is no setting"]),
        ("[network]\nproxy = true\n", ["line 2", "network.proxy", "expected `str`"]),
        ("[venues.paper]\n" + REST + STREAM, ["line 1", "venues.paper", "can not be set", "coinex"]),
        ("[venues.nowhere]\n", ["line 1", "venues.nowhere", "can not be set"]),
        ("[venues.coinex]\nkey = 'x'\n", ["line 2", "venues.coinex.key", "is no setting"]),
        ("[venues.coinex]\nws_url = 3\n", ["line 2", "venues.coinex.ws_url", "expected `str`"]),
        ("[venues.coinex]\ntrigger_price = 'mark'\n", ["line 2", "trigger_price", "is no setting of coinex"]),
        ("[venues.coinex]\n" + REST + "ws_url = ''\n", ["line 3", "venues.coinex.ws_url", "is missing"]),
        ("[venues.coinex]\nws_url = ''\n", ["venues.coinex.rest_url", "is missing"]),
        ("[venues.pumpkin]\ntrigger_price = 'index'\n", ["line 2", "venues.pumpkin.trigger_price", "'index'"]),
        ("[venues.pumpkin]\nminute_quota = 0\n", ["line 2", "minute_quota", "must be above zero"]),
        ("[venues.pumpkin]\nws_url = ''\nday_quota = -1\n", ["line 3", "day_quota", "above zero"]),
        ("[venues.pumpkin]\nws_url = 'wss://a.example/x'\n", ["venues.pumpkin.rest_url", "is missing"]),
        ("[venues.pumpkin]\nuser_ws_url = 'ws://a.example/x'\n", ["line 2", "must begin with wss://"]),
        ("[venues.pumpkin]\nuser_ws_url = 'wss://me@a.example'\n", ["line 2", "a path if need be"]),
        ("[venues.coinex]\n" + REST, ["venues.coinex.ws_url", "is missing", "both addresses"]),
        ("[venues.coinex]\n" + STREAM, ["venues.coinex.rest_url", "is missing", "both addresses"]),
        (
            "[venues.coinex]\nrest_url = 'http://exchange.example'\n" + STREAM,
            ["line 2", "venues.coinex.rest_url", "must begin with https://"],
        ),
        (
            "[venues.coinex]\nrest_url = 'https://exchange.example/v1'\n" + STREAM,
            ["line 2", "venues.coinex.rest_url", "a host and nothing more"],
        ),
        (
            "[venues.coinex]\nrest_url = 'https://me:x@exchange.example'\n" + STREAM,
            ["line 2", "venues.coinex.rest_url", "a host and nothing more"],
        ),
        (
            "[venues.coinex]\n" + REST + "ws_url = 'http://127.0.0.1:8000'\n",
            ["line 3", "venues.coinex.ws_url", "wss://exchange.example"],
        ),
        (
            "[venues.coinex]\n" + REST + "ws_url = 'ws://exchange.example'\n",
            ["line 3", "venues.coinex.ws_url", "must begin with wss://"],
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, PATH)
    assert all(word in str(caught.value) for word in words), str(caught.value)
