"""A venue without any desk: the package's own example runs, and what can not be opened is said."""

from __future__ import annotations

import asyncio
import inspect
import json
import runpy
import subprocess
import sys
import textwrap
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import venues
from venues import open_venue
from venues.errors import ConfigurationError, UnknownVenue
from venues.model import Order, OrderStatus
from venues.port import Credentials, Mode, Venue
from venues.registry import venue_names
from venues.simulators.serving import served_in_thread

KEY = Credentials("a-key", "a-secret")
URLS = {"rest_url": "http://127.0.0.1:9", "ws_url": "ws://127.0.0.1:9/"}


@pytest.fixture
def example(tmp_path: Path) -> Callable[..., Coroutine[Any, Any, Order]]:
    """The program of the package's docstring, read off the docstring."""
    text = inspect.getdoc(venues) or ""
    start, end = text.index("    import asyncio"), text.index("\nThe same with")
    file = tmp_path / "example.py"
    file.write_text(textwrap.dedent(text[start:end]))
    main: Callable[..., Coroutine[Any, Any, Order]] = runpy.run_path(str(file))["main"]
    return main


def test_the_example_runs_on_the_paper_venue(
    example: Callable[..., Coroutine[Any, Any, Order]], capsys: pytest.CaptureFixture[str]
) -> None:
    order = asyncio.run(example())
    assert order.status is OrderStatus.CANCELED
    said = capsys.readouterr().out.splitlines()
    assert " at " in said[0]
    assert said[-1].startswith("new (Order(")


def test_the_example_runs_on_a_local_coinex(
    example: Callable[..., Coroutine[Any, Any, Order]], capsys: pytest.CaptureFixture[str]
) -> None:
    with served_in_thread("coinex", seed=3, rate=500) as practice:
        where = {
            "rest_url": practice.rest_url,
            "ws_url": practice.ws_url,
            "credentials": Credentials(practice.api_key, practice.api_secret),
        }
        order = asyncio.run(example("coinex", **where))
        (placed,) = practice.simulator.state()["orders"]
    assert order.status is OrderStatus.CANCELED
    assert placed["client_id"] == order.client_order_id
    assert " at " in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in venue_names() if name != "replay"])
def test_every_venue_is_opened_by_its_name_alone(name: str) -> None:
    venue = open_venue(name)
    assert isinstance(venue, Venue)
    assert venue.name == name
    assert venue.capabilities.mode is (Mode.PAPER if name == "paper" else Mode.READ_ONLY)


def test_with_a_key_a_venue_is_live() -> None:
    assert open_venue("coinex", credentials=KEY).capabilities.mode is Mode.LIVE
    assert open_venue("coinex", credentials=KEY, **URLS).capabilities.mode is Mode.LIVE


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("paper", URLS, "runs inside this program: give it no rest_url and no ws_url"),
        ("paper", {"credentials": KEY}, "give it no credentials"),
        ("replay", {}, "needs its file"),
        ("coinex", {"rest_url": URLS["rest_url"]}, "give both rest_url and ws_url, or neither"),
        ("coinex", {"ws_url": URLS["ws_url"]}, "give both rest_url and ws_url, or neither"),
        ("coinex", URLS | {"ws_url": "ws://example.org/"}, "wss://"),
    ],
)
def test_what_can_not_be_opened_is_said(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_venue(name, **given)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_unknown_venue_is_said_with_those_that_are_known() -> None:
    with pytest.raises(UnknownVenue, match="known are: paper"):
        open_venue("mtgox")


def test_importing_the_package_imports_no_adapter_and_no_registry(project_root: Path) -> None:
    program = (
        "import json, sys, venues\nprint(json.dumps([n for n in sys.modules if n.split('.')[0] == 'venues']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["venues"]
    assert venues.__all__ == ["open_venue"]
