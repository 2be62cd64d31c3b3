"""The program in the package's docstring runs, at the local exchange."""

from __future__ import annotations

import asyncio
import inspect
import runpy
import textwrap
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import venues.max
from venues.max.models import Order, OrderState
from venues.simulators.serving import served_in_thread


def test_the_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = inspect.getdoc(venues.max) or ""
    start, end = text.index("    import asyncio"), text.index("\nWithout a key")
    file = tmp_path / "example.py"
    file.write_text(textwrap.dedent(text[start:end]))
    main: Callable[..., Coroutine[Any, Any, Order]] = runpy.run_path(str(file))["main"]
    with served_in_thread("max", seed=3, rate=0, time_scale=0.05) as practice:
        where = {"base_url": practice.rest_url, "api_key": practice.api_key, "api_secret": practice.api_secret}
        order = asyncio.run(main(**where))
    assert order.state == OrderState.CANCEL
    assert (order.client_oid, order.executed_volume) == ("a-name-of-yours", Decimal(0))
    assert order.price is not None
    assert order.price * order.volume >= 250  # what the venue takes at least
    bid, ask = map(Decimal, capsys.readouterr().out.split(" to "))
    assert order.price < bid < ask
