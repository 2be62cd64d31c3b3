"""What was before the simulator opened, and is added to: funding rates, the risk fund, rebates. It is invented."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from venues.model import NANOSECONDS
from venues.paper.market import FUNDING_INTERVAL
from venues.simulators.figures import milliseconds
from venues.simulators.pumpkin.markets import COIN

_INTERVALS = 40  # funding times before the start
_FUND_ROWS, _FUND_EVERY = 40, 3_600_000  # rows of the risk fund, milliseconds between two


class FundingRow(NamedTuple):
    id: int
    symbol: str
    rate: Decimal
    at: int  # milliseconds
    seconds: int  # since the one before


class FundRow(NamedTuple):
    id: int
    amount: Decimal
    at: int  # milliseconds


class Past:
    """Histories that nobody but the venue makes."""

    def __init__(self, symbols: Iterable[str], start: int) -> None:
        last = start // FUNDING_INTERVAL * FUNDING_INTERVAL
        self._funding: dict[str, list[FundingRow]] = {}
        for symbol in symbols:
            rows = self._funding[symbol] = []
            for back in range(_INTERVALS, 0, -1):
                at = milliseconds(last - (back - 1) * FUNDING_INTERVAL)
                rate = Decimal("0.0001") + Decimal(back % 7 - 3) * Decimal("0.00001")
                rows.append(FundingRow(at, symbol, rate, at, FUNDING_INTERVAL // NANOSECONDS))
        at = milliseconds(start)
        self._fund = [
            FundRow(at - back * _FUND_EVERY, Decimal("940000.5") - back, at - back * _FUND_EVERY)
            for back in range(_FUND_ROWS)
        ]

    def note_funding(self, symbol: str, rate: Decimal, now: int, seconds: int) -> None:
        """Adds the rate of a funding time that has come."""
        at = milliseconds(now)
        rows = self._funding[symbol]
        if rows[-1].at != at:
            rows.append(FundingRow(at, symbol, rate, at, seconds))

    def funding(self, symbol: str) -> list[FundingRow]:
        """Returns the rates of a symbol, newest first."""
        return self._funding[symbol][::-1]

    @property
    def fund(self) -> list[FundRow]:
        """The balance of the risk fund, newest first."""
        return self._fund


def rebate_rows(now: int) -> list[dict[str, object]]:
    """Returns the rebates, numbers as numbers and the user's key misspelt, as the document's sample has them."""
    base: dict[str, object] = {
        "uid": "10000000",
        "pumpkinsUid": "10000001",
        "walletAddress": None,
        "rebateDate": milliseconds(now),
        "rebateType": 1,
        "rate": Decimal("0.5"),
        "userType": 2,
    }
    rows: list[dict[str, object]] = []
    for number, name, traded in ((1, "btc", Decimal("50616.55316")), (2, "eth", Decimal("21081.90828"))):
        fee = round(traded * Decimal("0.0005"), 8)
        money: dict[str, object] = {
            "totalTradeAmount": traded,
            "totalFee": fee,
            "totalRebateAmount": round(fee / 2, 8),
        }
        rows.append({**base, **money, "symbol": f"{name}_{COIN}", "symbolId": number})
    return rows
