"""Positions and money of Pumpkin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venues.simulators.figures import milliseconds
from venues.simulators.perpetuals.positions import MarginType
from venues.simulators.pumpkin.calls import Call, query, trade
from venues.simulators.pumpkin.markets import BILL_WORDS
from venues.simulators.pumpkin.params import Params
from venues.simulators.pumpkin.past import rebate_rows
from venues.simulators.pumpkin.positions import PositionModel
from venues.simulators.pumpkin.refusals import invalid
from venues.simulators.pumpkin.rows import bill_row, position_row, purse_row

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

_BILLS = (*BILL_WORDS, "ADL", "MERGE")


def _positions(venue: PumpkinSimulator, params: Params) -> list[dict[str, Any]]:
    return [position_row(venue, one) for one in venue.book.of(params.optional_symbol())]


def _leverage(venue: PumpkinSimulator, params: Params) -> None:
    venue.positions.set_leverage(params.symbol(), params.integer("leverage"))


def _margin(venue: PumpkinSimulator, params: Params) -> None:
    symbol, side = params.symbol(), params.position_side()
    position = venue.book.open.get(params.integer("positionId"))
    if position is None or position.symbol != symbol or position.side is not side:
        raise invalid("position_id")
    given = params.optional_number("margin")
    if given is None:
        raise invalid("margin")
    is_added = params.one_of("type", ("ADD", "SUB")) == "ADD"
    venue.positions.adjust_margin(position, given if is_added else -given)


def _close_all(venue: PumpkinSimulator, params: Params) -> bool:
    venue.positions.close_all(params.optional_symbol())
    return True


def _change_type(venue: PumpkinSimulator, params: Params) -> None:
    margin_type = MarginType(params.one_of("positionType", tuple(MarginType)))
    model = PositionModel(params.one_of("positionModel", tuple(PositionModel)))
    venue.positions.set_type(params.symbol(), margin_type, model)


def _balances(venue: PumpkinSimulator, _params: Params) -> list[dict[str, str]]:
    return [purse_row(purse) for purse in venue.wallet.purses()]


def _balance(venue: PumpkinSimulator, params: Params) -> dict[str, str]:
    coin = params.text("coin")
    known = {instrument.base for instrument in venue.market.instruments.values()} | set(venue.wallet.cash)
    if coin not in known:
        raise invalid("coin")
    return purse_row(venue.wallet.purse(coin))


def _bills(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    symbol, coin = params.optional_symbol(), params.text("coin", "")
    kind = params.one_of("type", _BILLS, "") if params.has("type") else ""
    chosen = [
        bill
        for bill in reversed(venue.wallet.bills)
        if symbol in ("", bill.symbol) and coin in ("", bill.coin) and kind in ("", bill.kind)
    ]
    found = params.within(chosen, lambda bill: bill.ts_event)
    before, after, rows = params.cursor(found, lambda bill: bill.id)
    return {"hasPrev": before, "hasNext": after, "items": [bill_row(bill) for bill in rows]}


def _listen_key(venue: PumpkinSimulator, _params: Params) -> str:
    return venue.keys.make(venue.clock.time_ns())


def _rebates(venue: PumpkinSimulator, params: Params) -> list[dict[str, object]]:
    number, at = params.integer("symbolId", 0), milliseconds(venue.market.now)
    if not params.integer("rebateStartDate", 0) <= at <= params.integer("rebateEndDate", 10**15):
        return []
    return [row for row in rebate_rows(venue.market.now) if number in (0, row["symbolId"])]


CALLS: tuple[Call, ...] = (
    query("/v2/position/list", _positions, 2),
    trade("/v2/position/adjust-leverage", _leverage, 8, "leverage", has_whitelist=True),
    trade("/v2/position/margin", _margin, 5, "margin", has_whitelist=True),
    trade("/v2/position/close-all", _close_all, 10, "submit"),
    trade("/v2/position/change-type", _change_type, 3, "leverage", has_whitelist=True),
    query("/v2/balance/list", _balances, 2),
    query("/v2/balance/detail", _balance, 1),
    query("/v2/balance/bills", _bills, 2),
    query("/v2/user/listen-key", _listen_key, 5),
    query("/v2/channel/rebateDetail", _rebates, 1),
)
