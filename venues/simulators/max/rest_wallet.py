"""The M-wallet of MAX: loans, transfers, repayments, liquidations, interest, and the AD ratio."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from venues.errors import VenueError
from venues.simulators.figures import milliseconds
from venues.simulators.max.calls import Call
from venues.simulators.max.figures import figure
from venues.simulators.max.params import Params
from venues.simulators.max.refusals import CREATE_FAILED, FORBIDDEN, NO_FUNDS, NO_RESOURCE, Refusal
from venues.simulators.max.wallet import HOURLY_RATES, InterestRow, Row

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

_DONE = "confirmed"
_MOVED = "done"  # the word of transfers


def _loan_row(row: Row) -> dict[str, Any]:
    return {**_common(row), "interest_rate": f"{row.rate:f}"}


def _transfer_row(row: Row) -> dict[str, Any]:
    return {**_common(row), "side": row.side, "state": _MOVED}


def _repayment_row(row: Row) -> dict[str, Any]:
    return {**_common(row), "principal": figure(row.amount - row.interest), "interest": figure(row.interest)}


def _common(row: Row) -> dict[str, Any]:
    return {
        "sn": row.sn,
        "currency": row.currency.lower(),
        "amount": figure(row.amount),
        "state": _DONE,
        "created_at": milliseconds(row.at),
    }


def _loan(venue: MaxSimulator, params: Params) -> Any:
    currency, amount = params.currency(HOURLY_RATES), params.amount("amount")
    return _loan_row(_done(venue, lambda: venue.wallet.borrow(currency, amount)))


def _transfer(venue: MaxSimulator, params: Params) -> Any:
    currency, amount = params.currency(HOURLY_RATES), params.amount("amount")
    side = params.one_of("side", ("in", "out"))
    return _transfer_row(_done(venue, lambda: venue.wallet.transfer(currency, amount, side)))


def _repayment(venue: MaxSimulator, params: Params) -> Any:
    currency, amount = params.currency(HOURLY_RATES), params.amount("amount")
    return _repayment_row(_done(venue, lambda: venue.wallet.repay(currency, amount)))


def _done(venue: MaxSimulator, work: Callable[[], Row]) -> Row:
    """Does it; by the fault late-booking later, after an answer that proves nothing."""
    if venue.faults.on("late-booking", "submit"):
        venue.queue.put_late(partial(_do_late, work), venue.faults.number("late-booking", "submit"))
        raise Refusal(CREATE_FAILED, "Failed to process")
    try:
        return work()
    except VenueError as error:
        if error.code == "INSUFFICIENT_FUNDS":
            raise Refusal(NO_FUNDS) from None
        raise Refusal(FORBIDDEN, error.message) from None


def _do_late(work: Callable[[], Row]) -> None:
    with contextlib.suppress(VenueError, Refusal):  # nobody is there to be told
        work()


def _rows(name: str, show: Callable[[Row], dict[str, Any]]) -> Callable[[MaxSimulator, Params], Any]:
    """Returns a handler that lists one of the wallet's histories of a currency."""

    def answer(venue: MaxSimulator, params: Params) -> Any:
        currency = params.currency(HOURLY_RATES)
        side = params.one_of("side", ("in", "out")) if name == "transfers" else ""
        kept: list[Row] = getattr(venue.wallet, name)
        mine = (row for row in kept if row.currency == currency and side in ("", row.side))
        found = [row for row in mine if not venue.is_unseen(row.at)]
        return [show(row) for row in params.page(found, lambda row: milliseconds(row.at))]

    return answer


def _interests(venue: MaxSimulator, params: Params) -> Any:
    venue.wallet.charge()
    currency = params.optional_currency(HOURLY_RATES)
    found = [row for row in venue.wallet.interests if currency in ("", row.currency)]
    return [_interest_row(row) for row in params.page(found, lambda row: milliseconds(row.at))]


def _interest_row(row: InterestRow) -> dict[str, Any]:
    return {
        "currency": row.currency.lower(),
        "amount": figure(row.amount),
        "interest_rate": f"{row.rate:f}",
        "principal": figure(row.principal),
        "created_at": milliseconds(row.at),
    }


def _liquidations(venue: MaxSimulator, params: Params) -> Any:
    rows = params.page(venue.past.liquidations, lambda row: int(row["created_at"]))
    return [{name: row[name] for name in row if name not in ("repayments", "liquidations")} for row in rows]


def _liquidation(venue: MaxSimulator, params: Params) -> Any:
    number = params.text("sn")
    for row in venue.past.liquidations:
        if row["sn"] == number:
            return row
    raise Refusal(NO_RESOURCE)


def _ad_ratio(venue: MaxSimulator, _params: Params) -> Any:
    found = venue.wallet.ratio()
    return {
        "ad_ratio": figure(found.ratio),
        "asset_in_usdt": figure(found.assets),
        "debt_in_usdt": figure(found.debts),
    }


CALLS = (
    Call("POST", "/wallet/m/loan", _loan, "submit"),
    Call("GET", "/wallet/m/loans", _rows("loans", _loan_row), "query"),
    Call("POST", "/wallet/m/transfer", _transfer, "submit"),
    Call("GET", "/wallet/m/transfers", _rows("transfers", _transfer_row), "query"),
    Call("POST", "/wallet/m/repayment", _repayment, "submit"),
    Call("GET", "/wallet/m/repayments", _rows("repayments", _repayment_row), "query"),
    Call("GET", "/wallet/m/liquidations", _liquidations, "query"),
    Call("GET", "/wallet/m/liquidation", _liquidation, "query"),
    Call("GET", "/wallet/m/interests", _interests, "query"),
    Call("GET", "/wallet/m/ad_ratio", _ad_ratio, "query"),
)
