"""The client has every name of its document, and importing its package costs nothing."""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import venues.max
import venues.max.client
from tests.venues.max.documented import SHAPES, methods, surface
from venues.max import Client, auth, models


def test_every_call_of_the_document_is_there_and_asynchronous() -> None:
    named = surface().calls
    assert len(named) == len(set(named)) == 56
    for name in named:
        call = getattr(Client, name)
        assert inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call), name
        assert inspect.getdoc(call) or call.__annotations__["return"], name


def test_what_the_document_has_twice_is_the_same_in_another_form() -> None:
    """Its `..._sync` calls wrap the asynchronous ones; we have these alone."""
    assert set(surface().synchronous_too) == set(surface().calls) - {
        "aclose",
        "iter_wallet_trades",
        "iter_order_history",
    }
    assert [name for name in dir(Client) if name.endswith("_sync")] == []


def test_every_call_of_the_table_is_one_of_the_client() -> None:
    others = {"aclose", "request", "iter_wallet_trades", "iter_order_history"}
    assert set(methods()) == set(surface().calls) - others
    assert {name for name in methods() if name not in SHAPES} == {
        "cancel_order",
        "m_wallet_index_prices",
        "m_wallet_limits",
    }
    public = {name for name, call in inspect.getmembers(Client, inspect.isfunction) if name[0] != "_"}
    assert public - set(surface().calls) == {"measure_clock"}


def test_every_model_of_the_document_is_there() -> None:
    assert set(surface().models) <= set(models.__all__)
    assert all(hasattr(models, name) for name in models.__all__)


def test_the_helpers_of_the_signature_are_there() -> None:
    """But for its nonce, the time alone, which two programs draw twice."""
    assert {name for name in surface().auth if not hasattr(auth, name)} == {"generate_nonce"}


def test_the_client_is_imported_only_when_it_is_asked_for(project_root: Path) -> None:
    program = (
        "import json, sys, venues.max; before = set(sys.modules); venues.max.Client;"
        "print(json.dumps([sorted(before), sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, after = map(set, json.loads(done.stdout))
    assert not before & {"httpx", "msgspec", "venues.max.client", "venues.transport.http"}
    assert after > {"httpx", "venues.max.client"}
    assert venues.max.Client is Client
    assert not hasattr(venues.max, "Server")


@pytest.mark.parametrize("package", [venues.max, venues.max.client])
def test_each_module_stands_in_the_list_of_its_package(package: ModuleType) -> None:
    listed = (inspect.getdoc(package) or "").split("only when it is asked for.")[-1]
    heads = re.findall(r"^(?: {4})?([a-z_]+(?:, [a-z_]+)*)(?:  .*)?$", listed, re.MULTILINE)
    names = [name for head in heads for name in head.split(", ")]
    assert sorted(names) == sorted(each.name for each in pkgutil.iter_modules(package.__path__))
