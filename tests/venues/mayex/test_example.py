"""The program in the package's docstring runs, at the local exchange."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import venues.mayex
from tests.venues.examples import run_example
from venues.mayex.models import PastOrder


def test_the_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[PastOrder] = run_example(venues.mayex, "The document has", tmp_path, path="/api")
    told = [(row.client_order_id, row.status, row.executed_qty) for row in rows]
    assert told == [("AnameOfYours1", "CANCELED", Decimal(0))]
    assert capsys.readouterr().out == f"placed {rows[0].order_id} of ['btcusdt']\n"
