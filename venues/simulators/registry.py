"""Venue name -> simulator, imported only when it is asked for: the desk itself needs no server installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from venues.errors import ConfigurationError, UnknownVenue
from venues.registry import venue_names

if TYPE_CHECKING:
    from venues.simulators.faults import Faults
    from venues.simulators.port import Simulator, SimulatorSettings

_MODULES: Mapping[str, str] = {
    "coinex": "venues.simulators.coinex.exchange",
    "max": "venues.simulators.max.exchange",
    "pumpkin": "venues.simulators.pumpkin.exchange",
    "mayex": "venues.simulators.mayex.exchange",
}
_NEEDED = ("starlette.applications", "uvicorn")
_REMEDY = 'install it with `uv sync --extra practice`, or with `pip install "pitside[practice]"`'


def simulator_names() -> tuple[str, ...]:
    """Returns the venues that have a simulator and can be traded on: those that a desk may practise on."""
    return tuple(name for name in _MODULES if name in venue_names())


def served_names() -> tuple[str, ...]:
    """Returns the venues that have a simulator, for whatever client."""
    return tuple(_MODULES)


def check_server(venue: str) -> None:
    """Makes sure that a simulator can be served.

    Raises:
        ConfigurationError: the extra `practice` is not installed; the message says how to install it.
    """
    for name in _NEEDED:
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            missing = (error.name or name).partition(".")[0]
            raise ConfigurationError(
                venue, f"practice needs {missing}, which is not installed: {_REMEDY}"
            ) from error


def create_simulator(venue: str, settings: SimulatorSettings, faults: Faults) -> Simulator:
    """Makes a simulator that is not served yet. Each simulator's module has `create(settings, faults)`.

    Raises:
        UnknownVenue: no simulator has this name.
        ConfigurationError: the extra `practice` is not installed, or a setting can not be used.
    """
    if venue not in _MODULES:
        known = ", ".join(_MODULES)
        raise UnknownVenue(venue, f"there is no practice exchange of this name; known are: {known}")
    check_server(venue)
    simulator: Simulator = import_module(_MODULES[venue]).create(settings, faults)
    return simulator
