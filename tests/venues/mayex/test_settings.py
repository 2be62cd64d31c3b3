"""Where Mayex is and how it is read: a profile, and what is set beside it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.venues.mayex.scripted_mayex import KEY, SECRET
from tui.config import ConfigError, parse_config
from tui.keyed_settings import choices_of, place_of
from venues.errors import ConfigurationError
from venues.mayex import BASE_URL
from venues.mayex.abilities import AUTHENTICATION, EXPIRY_HEEDED, UNVERIFIED, capabilities
from venues.mayex.models import TriggerType
from venues.mayex.profile import DOCUMENTED, FAIRDESK, Profile, profile_of
from venues.mayex.settings import Settings, TableRow
from venues.mayex.venue import MayexVenue
from venues.model import MarginMode
from venues.port import Credentials, Mode
from venues.registry import create_venue, key_parts

D = Decimal
PATH = Path("config.toml")


def test_by_itself_it_is_where_the_document_says() -> None:
    settings = Settings()
    assert settings.base_url == BASE_URL == "https://www.mayex.com/api"
    assert settings.contract_address == "wss://www.mayex.com/ws/"
    assert settings.spot_address == "wss://www.mayex.com/spot-ws/"
    assert (settings.facts, settings.trigger_type) == (FAIRDESK, TriggerType.MARK_PRICE)
    assert settings.usual_margin_mode is MarginMode.ISOLATED


@pytest.mark.parametrize(
    ("given", "contracts", "spot"),
    [
        ({"ws_url": "ws://127.0.0.1:8000"}, "ws://127.0.0.1:8000/ws/", "ws://127.0.0.1:8000/spot-ws/"),
        ({"ws_url": "wss://a.b/c"}, "wss://a.b/c", "wss://a.b/spot-ws/"),
        ({"ws_url": "wss://a.b", "spot_ws_url": "wss://c.d"}, "wss://a.b/ws/", "wss://c.d/spot-ws/"),
        ({"ws_url": "wss://a.b", "spot_ws_url": "wss://c.d/e"}, "wss://a.b/ws/", "wss://c.d/e"),
        ({"ws_url": "wss://a.b", "spot_ws_url": ""}, "wss://a.b/ws/", ""),
    ],
)
def test_an_address_is_a_host_or_a_host_and_a_path(given: dict[str, Any], contracts: str, spot: str) -> None:
    settings = Settings(**given)
    assert (settings.contract_address, settings.spot_address) == (contracts, spot)


def test_the_documents_own_profile_has_nothing_that_it_does_not_show() -> None:
    assert Settings(profile="documented").facts == DOCUMENTED == profile_of("documented")
    assert (DOCUMENTED.product_path, DOCUMENTED.token_path, DOCUMENTED.private_stream) == ("", "", "none")
    with pytest.raises(ConfigurationError, match="fairdesk and documented"):
        profile_of("other")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("header_prefix", "x-mayex-"), ("secret_decoding", "base64url"), ("signed_path", "bare"),
        ("product_path", ""), ("token_path", "/a"), ("private_stream", "query"), ("minute_quota", 20),
    ],
)  # fmt: skip
def test_each_value_of_a_profile_can_be_set_alone(name: str, value: Any) -> None:
    assert {name} == {*Profile.__struct_fields__} & {name}
    facts = Settings(**{name: value}).facts
    assert facts == msgspec.structs.replace(FAIRDESK, **{name: value}) != FAIRDESK


TEXT = """
[venues.mayex]
profile = "documented"
rest_url = "https://rest.example/api"
ws_url = "wss://stream.example"
spot_ws_url = ""
header_prefix = "x-mayex-"
margin_mode = "cross"
maintenance_margin = 0.004
depth_levels = 20
minute_quota = 400

[venues.mayex.instruments.btcusdt]
tick = 0.5
step = "0.001"
maker_fee = -0.0001
base = "BTC"

[venues.mayex.instruments.pepeusdt]
tick = 0.0000001
"""


async def test_the_configuration_reaches_the_venue_with_its_table_of_contracts() -> None:
    config = parse_config(TEXT.replace('"0.001"', "0.001"), PATH)
    place = place_of("mayex", config)
    venue = create_venue("mayex", place | {"credentials": Credentials(KEY, SECRET)})
    assert isinstance(venue, MayexVenue)
    settings = venue.settings
    assert isinstance(settings, Settings)
    assert settings.instruments == {
        "btcusdt": TableRow(base="BTC", tick=D("0.5"), step=D("0.001"), maker_fee=D("-0.0001")),
        "pepeusdt": TableRow(tick=D("0.0000001")),
    }
    assert (settings.facts.header_prefix, settings.facts.minute_quota) == ("x-mayex-", 400)
    assert (settings.maintenance_margin, settings.depth_levels, settings.spot_address) == (D("0.004"), 20, "")
    assert choices_of("mayex", config) == {"profile": "documented", "margin_mode": "cross", "depth_levels": 20}
    await venue.aclose()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("profile = 'phemex'", ["line 2", "venues.mayex.profile", "'phemex'"]),
        ("depth_levels = 50", ["line 2", "venues.mayex.depth_levels"]),
        ("user_ws_url = 'wss://a.b'", ["line 2", "user_ws_url", "is no setting of mayex"]),
        ("header_prefix = 'x mayex'", ["line 2", "header_prefix", "x-fairdesk-"]),
        ("header_prefix = ''", ["line 2", "header_prefix"]),
        ("token_path = 'user/v1'", ["line 2", "token_path", "a path below rest_url"]),
        ("product_path = '/a?b=c'", ["line 2", "product_path"]),
        ("spot_ws_url = 'ws://a.example'", ["line 2", "spot_ws_url", "must begin with wss://"]),
        ("maintenance_margin = 0", ["line 2", "maintenance_margin", "above zero"]),
        ("minute_quota = -1", ["line 2", "minute_quota", "above zero"]),
        ("[venues.mayex.instruments.btcusdt]\ntick = 0", ["line 3", "instruments.btcusdt.tick", "above zero"]),
        ("[venues.mayex.instruments.btcusdt]\nstep = nan", ["line 3", "instruments.btcusdt.step"]),
        ("[venues.mayex.instruments.btcusdt]\ntaker_fee = inf", ["line 3", "instruments.btcusdt.taker_fee"]),
        ("[venues.mayex.instruments.btcusdt]\nlot = 1", ["line 3", "lot", "is no setting"]),
        ("[venues.mayex.instruments.BTCUSDT]\ntick = 1", ["instruments.BTCUSDT", 'as in "btcusdt"']),
        ("[venues.mayex.instruments.btc_usdt]\ntick = 1", ["instruments.btc_usdt", 'as in "btcusdt"']),
    ],
)
def test_what_can_not_be_used_is_said_with_its_line(text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"[venues.mayex]\n{text}\n", PATH)
    assert [word for word in words if word not in str(caught.value)] == []


def test_what_it_can_do_follows_what_is_proven() -> None:
    settings = Settings(credentials=Credentials(KEY, SECRET), is_practice=True)
    first = capabilities(settings, order_life=None, is_verified=False)
    assert (first.mode, first.authentication_unverified, first.order_life) == (Mode.PRACTICE, True, None)
    assert first.authentication_settings == AUTHENTICATION
    assert set(AUTHENTICATION) <= {*Settings.__struct_fields__}
    assert first.unverified == UNVERIFIED
    later = capabilities(settings, order_life=60.0, is_verified=True)
    assert (later.authentication_unverified, later.order_life) == (False, 60.0)
    assert len(later.unverified) == len(UNVERIFIED) - 1 and EXPIRY_HEEDED in later.unverified
    assert (first.position_sides, first.margin_mode_of_order, first.leverage_of_order) == (True, True, False)
    assert not first.leverage_needs_flat
    assert not capabilities(Settings(), order_life=None, is_verified=False).reads_account
    assert key_parts("mayex") == ("key", "secret")


async def test_an_address_a_quota_or_a_secret_that_can_not_be_used_is_said_before_anything_is_opened() -> None:
    key = Credentials(KEY, "no base64url")
    for given in (
        {"ws_url": "http://a.b"}, {"rest_url": "https://a.b/c?d"}, {"rest_url": "http://a.b"}, {"minute_quota": 1},
        {"secret_decoding": "base64url", "credentials": key},
    ):  # fmt: skip
        with pytest.raises(ConfigurationError):
            create_venue("mayex", given)
