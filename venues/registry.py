"""Venue name -> factory, imported only when it is asked for: a venue that is not used costs nothing at start."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import msgspec

from venues.errors import ConfigurationError, UnknownVenue
from venues.port import Venue

_MODULES: Mapping[str, str] = {
    "paper": "venues.paper.venue",
    "replay": "venues.recording.venue",
    "coinex": "venues.coinex.venue",
    "max": "venues.max.venue",
    "pumpkin": "venues.pumpkin.venue",
    "mayex": "venues.mayex.venue",
}

# What a venue's API key consists of: the names are those of `Credentials`.
_KEY_PARTS: Mapping[str, tuple[str, ...]] = {
    "coinex": ("key", "secret"),
    "max": ("key", "secret", "sub_account"),
    "pumpkin": ("key", "secret"),
    "mayex": ("key", "secret"),
}

# What the document of a venue leaves open, and its settings therefore say.
_READINGS: Mapping[str, tuple[str, ...]] = {
    "pumpkin": (
        "user_ws_url",
        "position_model",
        "trigger_price",
        "signs_encoded",
        "signs_public",
        "minute_quota",
        "day_quota",
        "brackets_in_contracts",
    ),
    "mayex": (
        "profile",
        "spot_ws_url",
        "header_prefix",
        "secret_decoding",
        "signed_path",
        "product_path",
        "token_path",
        "private_stream",
        "depth",
        "depth_levels",
        "text_ping",
        "expiry_proof",
        "margin_mode",
        "maintenance_margin",
        "minute_quota",
        "trigger_price",
        "instruments",
    ),
}


def venue_names() -> tuple[str, ...]:
    """Returns the names that `create_venue` knows."""
    return tuple(_MODULES)


def key_parts(name: str) -> tuple[str, ...]:
    """Returns what a venue's API key consists of, as attributes of `Credentials`; nothing where it takes none."""
    return _KEY_PARTS.get(name, ())


def readings(name: str) -> tuple[str, ...]:
    """Returns the settings of a venue by which what its document leaves open is read; mostly there are none."""
    return _READINGS.get(name, ())


def create_venue(name: str, settings: Mapping[str, Any]) -> Venue:
    """Makes an unconnected venue. Each venue's module has a `Settings` struct and `create(settings)`.

    Raises:
        UnknownVenue: no venue has this name.
        ConfigurationError: a setting is unknown or has the wrong type; the message names it.
    """
    try:
        module = import_module(_MODULES[name])
    except KeyError:
        known = ", ".join(_MODULES)
        raise UnknownVenue(name, f"there is no venue of this name; known are: {known}") from None
    try:
        parsed = msgspec.convert(dict(settings), module.Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(name, f"a setting of this venue is wrong: {error}") from error
    venue: Venue = module.create(parsed)
    return venue
