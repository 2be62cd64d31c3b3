"""The command line from outside the desk: one line, one wish, and in words what became of it.

It has the words of the desk's own `:` line as far as they need no screen: prices and sizes are written as in the
ticket, and an instrument is named whole, never guessed. Nothing is overridden without `is_sure`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from tui.desk.appraisal import Context
from tui.desk.control import CancelScope, OrderIntent, Outcome, Reason, Verdict
from tui.desk.draft import Draft, Field, evaluate, fields_for
from tui.desk.facts import can_rest, describe_tracked, figure
from tui.desk.frame import PanicReceipt
from tui.desk.inert import sanitise
from tui.desk.orders import Tracked
from tui.desk.remote_messages import Decided
from tui.desk.store import Store
from tui.desk.views import book_view
from venues.errors import VenueError
from venues.model import Instrument, InstrumentId, MarginMode, OrderStatus, OrderType, Position, Side, TimeInForce

GRAMMAR = (
    "buy|sell SYMBOL SIZE [@ PRICE] [ioc|fok] [post-only] [reduce-only] [isolated|cross]",
    "cancel KEY",
    "cancel all [SYMBOL]",
    "close SYMBOL [long|short|#ID] [PERCENT]",
    "flatten [SYMBOL]",
    "lock [REASON]",
    "arm",
)
_ANSWER_SECONDS = 3.0  # for the venue's word; the request itself has more time
_LOOK_SECONDS = 0.02
_MOST_QUESTIONS = 3  # kinds of guards that ask
_SIDES = {"long": 1, "short": -1}
_MODES = frozenset(mode.value for mode in MarginMode)
_FLAGS = frozenset({"ioc", "fok", "post-only", "reduce-only"}) | _MODES
_ON_ITS_WAY = frozenset({OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE})
_ENDS = {
    OrderStatus.NEW: "rests",
    OrderStatus.PARTIALLY_FILLED: "is partly filled",
    OrderStatus.FILLED: "is filled",
    OrderStatus.CANCELED: "is cancelled",
    OrderStatus.EXPIRED: "has expired",
    OrderStatus.REJECTED: "was refused",
}
_TAKEN = "is taken by the venue, which has not told yet what has traded: pitside orders"


class RemoteDesk(Protocol):
    """What is asked of the desk, on its own loop: `Session` has all of it."""

    store: Store

    async def panic(self) -> PanicReceipt: ...

    async def submit(self, intent: OrderIntent) -> Outcome: ...

    async def cancel(self, key: str) -> Outcome: ...

    async def cancel_all(self, scope: CancelScope) -> Outcome: ...

    async def close_position(self, instrument: InstrumentId, position_id: str, percent: int) -> Outcome: ...

    async def flatten(self, instrument: InstrumentId | None = None) -> Outcome: ...

    async def arm(self) -> Outcome: ...

    async def lock(self, reason: str) -> None: ...


class Refused(ValueError):
    """The line can not be carried out; the message says why, and what can."""


class RemoteCommands:
    """Carries out command lines on `desk`. `clock` returns nanoseconds UTC, `sleep` takes seconds."""

    def __init__(
        self,
        desk: RemoteDesk,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        patience: float = _ANSWER_SECONDS,
    ) -> None:
        self._desk = desk
        self._store = desk.store
        self._clock = clock
        self._sleep = sleep
        self._patience = patience

    async def run(self, line: str, is_sure: bool) -> Decided:
        """Carries out one line. What is wrong with it is in the answer."""
        words = line.split()
        try:
            return await self._run(words, is_sure)
        except Refused as error:
            return Decided(verdict=Verdict.DENIED, text=str(error))
        except VenueError as error:
            return Decided(verdict=Verdict.DENIED, text=sanitise(error.message))

    async def _run(self, words: Sequence[str], is_sure: bool) -> Decided:
        match [word.lower() for word in words[:2]]:
            case ["buy" | "sell" as verb, _]:
                return await self._trade(Side(verb), words[1], words[2:], is_sure)
            case ["cancel", "all"]:
                return await self.cancel_all(words[2:])
            case ["cancel", _] if len(words) == 2:
                return await self.cancel(words[1])
            case ["close", _] if len(words) <= 4:
                return await self._close(words[1], words[2:], is_sure)
            case ["flatten", *_] if len(words) <= 2:
                return await self._flatten(words[1:], is_sure)
            case ["lock", *_]:
                await self._desk.lock(sanitise(" ".join(words[1:])) or "by a command")
                return Decided(verdict=Verdict.SENT, text="the desk is locked", is_done=True)
            case ["arm"]:
                outcome = await self._desk.arm()
                is_armed = outcome.verdict is Verdict.SENT
                return _decided(outcome, "the desk is armed" if is_armed else "", is_armed)
            case ["panic", *_]:
                raise Refused("panic is a command of its own: pitside panic")
        known = "; ".join(GRAMMAR)
        raise Refused(f"{sanitise(' '.join(words), 60)!r} is no command here; there are: {known}")

    async def cancel(self, key: str) -> Decided:
        """Cancels the order of that key, and waits for the venue's word."""
        tracked = self._store.orders.get(key)
        if tracked is None:
            raise Refused(f"there is no order {sanitise(key, 64)!r} here: pitside orders lists their keys")
        return await self._told(await self._desk.cancel(key), tracked, is_cancel=True)

    async def cancel_all(self, symbols: Sequence[str] = ()) -> Decided:
        """Cancels everything, or what rests in one instrument."""
        instrument = self._named(symbols[0]).id if symbols else None
        if len(symbols) > 1:
            raise Refused("cancel all takes one instrument at most")
        outcome = await self._desk.cancel_all(CancelScope(instrument=instrument))
        if outcome.verdict is not Verdict.SENT:
            return _decided(outcome)
        return await self._emptied(instrument, with_positions=False)

    async def _flatten(self, symbols: Sequence[str], is_sure: bool) -> Decided:
        instrument = self._named(symbols[0]).id if symbols else None
        orders, positions = self._count(instrument)
        if not is_sure:
            what = f"it cancels {orders} orders and closes {positions} positions"
            return Decided(
                verdict=Verdict.NEEDS_YES, text="flatten asks first", reasons=(Reason("confirm", what),)
            )
        outcome = await self._desk.flatten(instrument)
        if outcome.verdict is not Verdict.SENT:
            return _decided(outcome)
        return await self._emptied(instrument, with_positions=True)

    async def _close(self, symbol: str, rest: Sequence[str], is_sure: bool) -> Decided:
        instrument = self._named(symbol)
        which = rest[0].lower() if rest and (rest[0].lower() in _SIDES or rest[0].startswith("#")) else ""
        rest = rest[1:] if which else rest
        percent = rest[0].removesuffix("%") if rest else "100"
        is_part = percent.isascii() and percent.isdigit() and len(percent) <= 3 and 1 <= int(percent) <= 100
        if not is_part or len(rest) > 1:
            raise Refused(f"{sanitise(' '.join(rest), 20)!r} is no part of a position: say 1 to 100")
        all_held = [one for (held, _), one in self._store.ledger.positions.items() if held == instrument.id]
        meant = [one for one in all_held if _is_meant(one, which)]
        if len(meant) != 1:
            where = f" {sanitise(which, 32)}" if which else ""
            none = f"there is no{where} position in {instrument.id.symbol}"
            raise Refused(_several(instrument, meant) if meant else none)
        outcome = await self._desk.close_position(instrument.id, meant[0].position_id, int(percent))
        if outcome.verdict is Verdict.NEEDS_YES and is_sure:
            raise Refused("a close of this position is on its way already: wait for it")
        return await self._told(outcome)

    async def _trade(self, side: Side, symbol: str, rest: Sequence[str], is_sure: bool) -> Decided:
        instrument = self._named(symbol)
        draft = _read_draft(side, " ".join(rest))
        context = self._context(instrument)
        fields = fields_for(draft, context)
        for is_wanted, field in (
            (draft.post_only, Field.POST_ONLY),
            (draft.reduce_only, Field.REDUCE_ONLY),
            (draft.time_in_force is not TimeInForce.GTC, Field.TIME_IN_FORCE),
            (draft.margin_mode is not None, Field.MARGIN_MODE),
        ):
            if is_wanted and field not in fields:
                raise Refused(f"{field.value} can not be had for this order here: leave it out")
        meant = evaluate(draft, context)
        if meant.intent is None:
            problems = "; ".join(f"{field.value}: {words}" for field, words in meant.problems.items())
            raise Refused(sanitise(meant.obstacle or problems))
        intent, overridden = meant.intent, tuple[Reason, ...]()
        outcome = await self._desk.submit(intent)
        for _ in range(_MOST_QUESTIONS):
            if outcome.verdict is not Verdict.NEEDS_YES or not is_sure:
                break
            overridden += outcome.reasons
            intent = msgspec.structs.replace(intent, overrides=frozenset(one.guard for one in overridden))
            outcome = await self._desk.submit(intent)
        decided = await self._told(outcome)
        return msgspec.structs.replace(decided, reasons=decided.reasons or overridden)

    async def _told(self, outcome: Outcome, tracked: Tracked | None = None, *, is_cancel: bool = False) -> Decided:
        """Waits for the venue's word about an order that was sent."""
        if outcome.verdict is not Verdict.SENT:
            return _decided(outcome)
        tracked = tracked or self._store.orders.get(outcome.order_key)
        if tracked is None:
            return _decided(outcome, "it was sent: pitside orders shows what becomes of it")
        await self._until(lambda: not tracked.in_flight and tracked.status not in _ON_ITS_WAY)
        if tracked.status is OrderStatus.NEW and not can_rest(tracked.order):  # some say first that they have it
            await self._until(lambda: tracked.status is not OrderStatus.NEW)
        order = tracked.order
        what = describe_tracked(tracked, self._store.instrument(order.instrument))
        reason = f": {sanitise(order.reason)}" if order.reason else ""
        if order.status is OrderStatus.UNKNOWN:
            text = f"UNKNOWN what became of {what}{reason}; the desk looks it up: pitside orders"
        elif tracked.in_flight or order.status not in _ENDS:
            text = f"{what} is on its way, and the venue has not answered yet: pitside orders"
        else:
            done = f", {figure(order.filled_quantity)} filled" if order.filled_quantity else ""
            is_taken = order.status is OrderStatus.NEW and not can_rest(order)
            end = _TAKEN if is_taken else _ENDS[order.status]
            text = f"{what} {end}{done}{reason if order.status.is_terminal else ''}"
        if is_cancel:
            is_done = order.status is OrderStatus.CANCELED
        else:
            is_open = order.status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)
            is_done = (is_open and not tracked.in_flight) or bool(order.filled_quantity)
        return _decided(outcome, f"{text} ({sanitise(tracked.key, 64)})", is_done)

    async def _emptied(self, instrument: InstrumentId | None, *, with_positions: bool) -> Decided:
        def left() -> tuple[int, int]:
            orders, positions = self._count(instrument)
            return orders, positions if with_positions else 0

        await self._until(lambda: left() == (0, 0))
        orders, positions = left()
        words = f"{orders} orders{f', {positions} positions' if with_positions else ''}"
        if not orders and not positions:
            text = f"nothing is left: {words}"
        else:
            text = f"it goes on, so far there are left: {words}; pitside orders shows what becomes of them"
        return Decided(verdict=Verdict.SENT, text=text, is_done=not orders and not positions)

    def _count(self, instrument: InstrumentId | None) -> tuple[int, int]:
        orders = sum(instrument in (None, one.order.instrument) for one in self._store.orders.open_orders())
        positions = sum(instrument in (None, held) for held, _ in self._store.ledger.positions)
        return orders, positions

    async def _until(self, is_over: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while not is_over():
                    await self._sleep(_LOOK_SECONDS)
        except TimeoutError:
            return

    def _named(self, symbol: str) -> Instrument:
        """Returns the instrument of that symbol or name, "BTC-PERP" or "BTC-PERP@paper". Raises Refused."""
        wanted = symbol.upper()
        known = [market.instrument for market in self._store.markets.values()]
        found = [one for one in known if wanted in (one.id.symbol.upper(), str(one.id).upper())]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(str(one.id) for one in found)
            raise Refused(f"{found[0].id.symbol} is on several venues: say {names}")
        names = ", ".join(one.id.symbol for one in known[:12])
        raise Refused(f"there is no instrument {sanitise(symbol, 32)!r} here; there are {names or 'none yet'}")

    def _context(self, instrument: Instrument) -> Context:
        store, market, now = self._store, self._store.markets[instrument.id], self._clock()
        view = store.venues[instrument.id.venue]
        has_book = market.book is not None
        return Context(
            instrument=instrument,
            capabilities=view.capabilities,
            account=view.account,
            mode=view.mode,
            is_armed=store.desk.is_armed,
            lock_reason=store.desk.lock_reason,
            now=now,
            book=book_view(instrument, market.book, market.book_ts_recv) if has_book else None,
            quote=market.quote_view(),
            balances=tuple(store.ledger.balances.get(view.venue, {}).values()),
            positions=tuple(one for (held, _), one in store.ledger.positions.items() if held == instrument.id),
        )


def _read_draft(side: Side, text: str) -> Draft:
    """Reads "SIZE [@ PRICE] [flags]". Raises Refused."""
    words = text.replace("@", " @ ").split()
    flags = set()
    while words and words[-1].lower() in _FLAGS:
        flags.add(words.pop().lower())
    size, at, price = " ".join(words).partition("@")
    if not size.strip() or (at and not price.strip()) or "@" in price:
        raise Refused(f"an order is written  {GRAMMAR[0]}")
    if {"ioc", "fok"} <= flags:
        raise Refused("ioc or fok, not both")
    if flags >= _MODES:
        raise Refused("isolated or cross, not both")
    mode = next((MarginMode(flag) for flag in flags & _MODES), None)
    life = next((TimeInForce(flag) for flag in ("ioc", "fok") if flag in flags), TimeInForce.GTC)
    return Draft(
        side=side,
        type=OrderType.LIMIT if at else OrderType.MARKET,
        size=size.strip(),
        price=price.strip(),
        time_in_force=life,
        post_only="post-only" in flags,
        reduce_only="reduce-only" in flags,
        margin_mode=mode,
    )


def _decided(outcome: Outcome, text: str = "", is_done: bool = False) -> Decided:
    if not text:
        text = "it was not sent" if outcome.verdict is Verdict.DENIED else "it was not sent: a guard asks"
    return Decided(
        verdict=outcome.verdict, text=text, is_done=is_done, reasons=outcome.reasons, order_key=outcome.order_key
    )


def _is_meant(position: Position, which: str) -> bool:
    if which in _SIDES:
        return position.quantity * _SIDES[which] > 0
    return not which or position.position_id.lower() == which.removeprefix("#")


def _several(instrument: Instrument, held: Sequence[Position]) -> str:
    names = ", ".join(f"#{sanitise(one.position_id, 32)} ({one.quantity:+f})" for one in held)
    symbol = instrument.id.symbol
    return f"several positions are open in {symbol}: {names}: say  close {symbol} #ID, or  flatten {symbol}"
