"""The program in the package's docstring runs, at the local exchange."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import venues.max
from tests.venues.examples import run_example
from venues.max.models import Order, OrderState


def test_the_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order: Order = run_example(venues.max, "Without a key", tmp_path)
    assert order.state == OrderState.CANCEL
    assert (order.client_oid, order.executed_volume) == ("a-name-of-yours", Decimal(0))
    assert order.price is not None
    assert order.price * order.volume >= 250  # what the venue takes at least
    bid, ask = map(Decimal, capsys.readouterr().out.split(" to "))
    assert order.price < bid < ask
