"""Plan orders, take-profit and stop-loss (section "Trading and Account Interface", /v2/entrust); milliseconds.

There is no id of ours for any of them: where the answer of a `create_` is lost, only its look tells which it is.

Raises (the commands):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    OrderError: provably refused.
    NotSent: no byte of it has left.
    OutcomeUnknown: anything else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

import msgspec

from venues.errors import OutcomeUnknown
from venues.pumpkin import VENUE
from venues.pumpkin.client.calls import Calls, cursor
from venues.pumpkin.client.paging import by_cursor
from venues.pumpkin.codes import judge_cancel, judge_read_order
from venues.pumpkin.models import (
    Direction,
    EntrustState,
    Page,
    PlanOrder,
    PlanReceipt,
    ProfitReceipt,
    ProfitStop,
    ProfitUpdate,
)
from venues.pumpkin.parameters import MOST_A_PAGE, id_of, symbol_of, word_of
from venues.pumpkin.requests import NewPlan, NewProfitStop, ProfitStopChange
from venues.transport.exchange import Dispatch
from venues.transport.parameters import compact, given

T = TypeVar("T")

_ENTRUST = "/v2/entrust"


class PlanCalls(Calls):
    """Lists have 10 rows unless they are told, the newest first; `is_urgent` as of `OrderListCalls`."""

    async def create_plan(self, plan: NewPlan, *, dispatch: Dispatch | None = None) -> PlanReceipt:
        """Places a plan order (section "Create Conditional Order")."""
        raw = await self._command(
            "place plan order", f"{_ENTRUST}/create-plan", msgspec.Raw, plan.fields(), dispatch=dispatch
        )
        return _receipt("place plan order", raw, PlanReceipt, "entrustId")

    async def cancel_plan(self, entrust_id: str | int, *, dispatch: Dispatch | None = None) -> None:
        """Asks for the end of a plan order (section "Cancel Plan Order")."""
        found = compact(entrustId=id_of(entrust_id, "an id"))
        await self._end("cancel plan order", "cancel-plan", found, dispatch)

    async def cancel_all_plans(self, *, symbol: str | None = None, dispatch: Dispatch | None = None) -> None:
        """Asks for the end of all plan orders of a contract, without one **of all**.

        Section "Cancel All Plan Orders".
        """
        found = compact(symbol=given(symbol, symbol_of))
        await self._end("cancel plan orders", "cancel-all-plan", found, dispatch)

    async def plan(self, entrust_id: str | int, *, is_urgent: bool = False) -> PlanOrder:
        """Returns one plan order (section "Query Plan Order Details"). Raises OrderNotFound."""
        found = compact(entrustId=id_of(entrust_id, "an id"))
        path = f"{_ENTRUST}/plan-detail"
        return await self._read(
            "look up plan order", path, PlanOrder, found, judge=judge_read_order, is_urgent=is_urgent
        )

    async def plans(
        self,
        *,
        symbol: str | None = None,
        state: EntrustState | str | None = None,
        from_id: str | int | None = None,
        direction: Direction | str | None = None,
        limit: int | None = None,
        is_urgent: bool = False,
    ) -> Page[PlanOrder]:
        """Returns plan orders that wait (section "Query Plan Order List")."""
        found = compact(symbol=given(symbol, symbol_of), state=given(state, word_of, "a state"))
        found |= cursor(from_id, direction, limit)
        return await self._read(
            "list plan orders", f"{_ENTRUST}/plan-list", Page[PlanOrder], found, is_urgent=is_urgent
        )

    def iter_plans(
        self, *, symbol: str | None = None, state: EntrustState | str | None = None, max_items: int | None = None
    ) -> AsyncIterator[PlanOrder]:
        """Yields plan orders that wait."""

        async def fetch(last: str | None) -> Page[PlanOrder]:
            return await self.plans(
                symbol=symbol, state=state, from_id=last, direction=Direction.NEXT, limit=MOST_A_PAGE
            )

        return by_cursor(fetch, _plan_id, max_items=max_items)

    async def plan_history(
        self,
        *,
        symbol: str | None = None,
        from_id: str | int | None = None,
        direction: Direction | str | None = None,
        limit: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Page[PlanOrder]:
        """Returns plan orders that no longer wait (section "Query Plan Order History")."""
        found = compact(symbol=given(symbol, symbol_of)) | cursor(from_id, direction, limit, start_time, end_time)
        return await self._read("list past plan orders", f"{_ENTRUST}/plan-list-history", Page[PlanOrder], found)

    def iter_plan_history(
        self,
        *,
        symbol: str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        max_items: int | None = None,
    ) -> AsyncIterator[PlanOrder]:
        """Yields plan orders that no longer wait."""

        async def fetch(last: str | None) -> Page[PlanOrder]:
            return await self.plan_history(
                symbol=symbol,
                from_id=last,
                direction=Direction.NEXT,
                limit=MOST_A_PAGE,
                start_time=start_time,
                end_time=end_time,
            )

        return by_cursor(fetch, _plan_id, max_items=max_items)

    async def create_profit_stop(
        self, exits: NewProfitStop, *, is_urgent: bool = False, dispatch: Dispatch | None = None
    ) -> ProfitReceipt:
        """Places a take-profit, a stop-loss or both (section "Create Take Profit/Stop Loss")."""
        what = "place exits"
        raw = await self._command(
            what,
            f"{_ENTRUST}/create-profit",
            msgspec.Raw,
            exits.fields(),
            dispatch=dispatch,
            is_cancel=is_urgent and exits.position_id is not None,
        )
        return _receipt(what, raw, ProfitReceipt, "profitId")

    async def update_profit_stop(
        self, change: ProfitStopChange, *, dispatch: Dispatch | None = None
    ) -> ProfitUpdate:
        """Changes exits; the answer says PROCESSING (section "Update Take Profit/Stop Loss")."""
        path = f"{_ENTRUST}/update-profit-stop"
        return await self._command(
            "change exits", path, ProfitUpdate, change.fields(), judge=judge_cancel, dispatch=dispatch
        )

    async def cancel_profit_stop(self, profit_id: str | int, *, dispatch: Dispatch | None = None) -> None:
        """Asks for the end of exits (section "Cancel Take Profit/Stop Loss")."""
        await self._end(
            "cancel exits", "cancel-profit-stop", compact(profitId=id_of(profit_id, "an id")), dispatch
        )

    async def cancel_all_profit_stops(
        self, *, symbol: str | None = None, dispatch: Dispatch | None = None
    ) -> None:
        """Asks for the end of all exits of a contract, without one **of all**.

        Section "Cancel All Take Profit/Stop Loss".
        """
        found = compact(symbol=given(symbol, symbol_of))
        await self._end("cancel all exits", "cancel-all-profit-stop", found, dispatch)

    async def profit_stop(self, profit_id: str | int, *, is_urgent: bool = False) -> ProfitStop:
        """Returns one (section "Query Take Profit/Stop Loss Details"). Raises OrderNotFound."""
        found, path = compact(profitId=id_of(profit_id, "an id")), f"{_ENTRUST}/profit-detail"
        return await self._read(
            "look up exits", path, ProfitStop, found, judge=judge_read_order, is_urgent=is_urgent
        )

    async def profit_stops(
        self,
        *,
        symbol: str | None = None,
        state: EntrustState | str | None = None,
        from_id: str | int | None = None,
        direction: Direction | str | None = None,
        limit: int | None = None,
        is_urgent: bool = False,
    ) -> Page[ProfitStop]:
        """Section "Query Take Profit/Stop Loss List"."""
        found = compact(symbol=given(symbol, symbol_of), state=given(state, word_of, "a state"))
        found |= cursor(from_id, direction, limit)
        path = f"{_ENTRUST}/profit-list"
        return await self._read("list exits", path, Page[ProfitStop], found, is_urgent=is_urgent)

    def iter_profit_stops(
        self, *, symbol: str | None = None, state: EntrustState | str | None = None, max_items: int | None = None
    ) -> AsyncIterator[ProfitStop]:
        """Yields take-profits and stop-losses."""

        async def fetch(last: str | None) -> Page[ProfitStop]:
            return await self.profit_stops(
                symbol=symbol, state=state, from_id=last, direction=Direction.NEXT, limit=MOST_A_PAGE
            )

        return by_cursor(fetch, lambda row: row.profit_id, max_items=max_items)

    async def _end(self, what: str, name: str, found: dict[str, Any], dispatch: Dispatch | None) -> None:
        await self._act(what, f"{_ENTRUST}/{name}", found, judge=judge_cancel, dispatch=dispatch, is_cancel=True)


def _receipt(what: str, raw: msgspec.Raw, into: type[T], id_name: str) -> T:
    """Returns the receipt. Inferred: it may be the bare id, as of an order, and as at the sibling."""
    try:
        text = bytes(raw)
        if text[:1] == b'"':
            return msgspec.convert({id_name: msgspec.json.decode(text, type=str)}, into)
        return msgspec.json.decode(text, type=into)
    except msgspec.MsgspecError:
        raise OutcomeUnknown(VENUE, f"{what}: the answer is not of the documented shape") from None


def _plan_id(plan: PlanOrder) -> str:
    return plan.entrust_id
