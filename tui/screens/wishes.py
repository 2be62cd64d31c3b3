"""What the trader wants done, carried to the desk: asked about where it must be, and answered with words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

import msgspec
from textual.app import App
from textual.screen import Screen

from tui import abilities, formatting
from tui.desk.control import CancelScope, Desk, OrderIntent, Outcome, Verdict
from tui.desk.facts import mode_of_id
from tui.desk.frame import Frame, OrderView, PanicReceipt, PositionView, VenueOffer, VenueView
from tui.desk.inert import sanitise
from tui.screens.confirm import CloseChooser, Confirm
from tui.screens.error import ErrorDialog
from tui.screens.panic import PanicOverlay, Receipt
from tui.widgets.cells import plain
from tui.widgets.order_words import is_exit, kind_in_words, opening_words, position_names, triggers_in_words
from venues.model import Instrument, InstrumentId, MarginMode, OrderType, Side
from venues.port import Mode

_MOST_REASONS = 3  # more are not read: 711 were once, and all of them overridden


class HasState(Protocol):
    """Whoever knows the newest state of the desk."""

    @property
    def state(self) -> Frame: ...


class Wishes:
    """Asks, sends, and says what the desk itself decided. What venues make of it comes in frames and facts.

    Nothing here waits in a key handler: each wish is a worker of `screen`, which dies with it.
    """

    def __init__(
        self,
        screen: Screen[Any],
        owner: HasState,
        desk: Desk,
        *,
        asks_before_cancel: bool = False,
        asks_before_panic: bool = True,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._screen = screen
        self._owner = owner
        self._desk = desk
        self._asks_before_cancel = asks_before_cancel
        self._asks_before_panic = asks_before_panic
        self._clock = clock
        self._is_panicking = False
        self._opening: set[str] = set()
        self._receipt_shown = 0

    @property
    def _app(self) -> App[Any]:
        return self._screen.app

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Runs `work` beside the keys; an error in it is shown by the app and ends nothing."""
        self._screen.run_worker(work, name=name, exit_on_error=False)

    def say(self, text: str, *, is_bad: bool = False) -> None:
        """Shows a toast."""
        self._app.notify(plain(text), severity="error" if is_bad else "information", markup=False, timeout=6)

    def say_failure(self, what: str, error: BaseException | None) -> None:
        """Says that a wish broke in the desk itself; a broken panic is said in a dialog that stays."""
        words = sanitise(f"{type(error).__name__}: {error}")
        if what == "panic":
            remedy = "Look at each venue's own site now; `pitside panic` acts without this screen."
            self._app.push_screen(ErrorDialog("PANIC DID NOT FINISH", f"{words}\n{remedy}"))
        else:
            self.say(f"{what}: {words}", is_bad=True)

    @property
    def _names_venues(self) -> bool:
        """Whether a name of an instrument alone could be of more than one venue."""
        return len(self._owner.state.venues or ()) > 1

    def name_of(self, instrument: Instrument) -> str:
        """Returns an instrument's name, with its venue where more than one is open: "BTC/USDT@coinex"."""
        return venue_name(instrument) if self._names_venues else instrument.name

    def opens_words(self, instrument: Instrument, side: Side, mode: MarginMode | None = None) -> str:
        """Returns what an order that is not reduce-only opens where both sides stand at once: " open short".

        Where it names its margin mode that stands there instead of the verb, which a narrow ladder would cut.
        """
        venue = next((each for each in self._owner.state.venues or () if each.venue == instrument.id.venue), None)
        has_sides = venue is not None and venue.capabilities.position_sides and instrument.is_perpetual
        words = opening_words(side, reduce_only=False)
        if mode is not None:
            words = f"{mode.value} {words.removeprefix('open ')}"
        return f" {words}" if has_sides else ""

    def _position_words(self, view: PositionView) -> str:
        return f"{position_words(view, names_venue=self._names_venues)}{self._number_of(view)}"

    def _number_of(self, view: PositionView) -> str:
        """Returns what tells a position from others of its market and side, where there are any: " #88213"."""
        names = position_names(self._owner.state.positions or ())
        name = names.get((view.position.instrument, view.position.position_id), "")
        return "".join(name.partition(" ")[1:])

    async def _carry_out(self, what: str, send: Callable[[], Future[Outcome]]) -> Outcome:
        outcome = await asyncio.wrap_future(send())
        if outcome.verdict is not Verdict.SENT:
            self.say(f"{what}: not sent. {reasons_text(outcome)}", is_bad=True)
        return outcome

    async def _is_sure(self, question: str, reasons: Sequence[str] = (), yes: str = "yes") -> bool:
        dialog = Confirm(
            plain(question), [plain(reason) for reason in reasons][:_MOST_REASONS], yes=yes, clock=self._clock
        )
        sure: bool = await self._app.push_screen_wait(dialog)
        return sure

    def submit(self, intent: OrderIntent, what: str) -> None:
        """Sends an order; soft guards are put as a question, and a yes sends it with their names."""
        self.start(self._submit(intent, what), "submit")

    async def _submit(self, intent: OrderIntent, what: str) -> None:
        outcome = await asyncio.wrap_future(self._desk.submit(intent))
        if outcome.verdict is Verdict.NEEDS_YES:
            value = f" ~{outcome.notional:,.2f} {outcome.currency}" if outcome.notional else ""
            if not await self._is_sure(f"{what}{value}?", [reason.text for reason in outcome.reasons], "send it"):
                return
            overrides = intent.overrides | {reason.guard for reason in outcome.reasons}
            again = msgspec.structs.replace(intent, overrides=overrides)
            outcome = await asyncio.wrap_future(self._desk.submit(again))
        if outcome.verdict is not Verdict.SENT:
            self.say(f"{what}: not sent. {reasons_text(outcome)}", is_bad=True)

    def cancel(self, orders: Sequence[OrderView]) -> None:
        """Cancels these orders."""
        if orders:
            self.start(self._cancel(tuple(orders)), "cancel")

    async def _cancel(self, orders: Sequence[OrderView]) -> None:
        words = [order_words(view, names_venue=self._names_venues) for view in orders]
        if self._asks_before_cancel and not await self._is_sure("Cancel?", words, "cancel"):
            return
        for view, text in zip(orders, words, strict=True):
            await self._carry_out(f"cancel {text}", partial(self._desk.cancel, view.key))

    def cancel_all(self, scope: CancelScope) -> None:
        """Cancels what `scope` names, after a yes that says what that is."""
        self.start(self._cancel_all(scope), "cancel all")

    async def _cancel_all(self, scope: CancelScope) -> None:
        orders = [view for view in self._owner.state.orders or () if in_scope(view, scope)]
        where = scope_words(scope, orders, names_venue=self._names_venues)
        if not orders:
            self.say(f"no open order {where} is known; nothing to cancel")
            return
        if await self._is_sure(f"Cancel all orders {where}?", [counts_words(orders)], "cancel them"):
            await self._carry_out(f"cancel all {where}", lambda: self._desk.cancel_all(scope))

    def cancel_unanswered(self, key: str, what: str) -> None:
        """Cancels an order of which nobody knows whether it exists."""
        self.start(self._cancel_unanswered(key, plain(what)), "cancel")

    async def _cancel_unanswered(self, key: str, what: str) -> None:
        outcome = await self._carry_out(f"cancel {what}", partial(self._desk.cancel, key))
        if outcome.verdict is Verdict.SENT:
            self.say(f"a cancel of {what} is on its way; its answer is no proof yet")

    def decide_gone(self, key: str, what: str) -> None:
        """Tells the desk that an UNKNOWN order is not at its venue; whoever calls has asked."""
        self.start(self._decide_gone(key, plain(what)), "decide")

    async def _decide_gone(self, key: str, what: str) -> None:
        outcome = await asyncio.wrap_future(self._desk.decide_gone(key))
        if outcome.verdict is Verdict.SENT:
            self.say(f"{what}: taken as gone, by your word")
        else:
            self.say(f"{what}: not taken as gone. {reasons_text(outcome)}", is_bad=True)

    def end_recovery(self, done: Callable[[bool], None]) -> None:
        """Goes on from the recovery screen; `done` hears whether the desk does."""
        self.start(self._end_recovery(done), "recovery")

    async def _end_recovery(self, done: Callable[[bool], None]) -> None:
        is_over = False
        try:
            outcome = await asyncio.wrap_future(self._desk.end_recovery())
            is_over = outcome.verdict is Verdict.SENT
            if not is_over:
                self.say(f"the desk stays locked. {reasons_text(outcome)}", is_bad=True)
        finally:
            done(is_over)

    def close(self, view: PositionView, percent: int | None = None) -> None:
        """Closes a part of a position, reduce-only, after the choice of how much."""
        self.start(self._close(view, percent), "close")

    async def _close(self, view: PositionView, percent: int | None) -> None:
        if percent is None:
            what = f"{position_words(view)}{self._number_of(view)}"
            title = f"close {what} · {view.position.instrument.venue} · {view.account}"
            percent = await self._app.push_screen_wait(
                CloseChooser(plain(title), lambda p: close_words(view, p), clock=self._clock)
            )
        if percent is not None:
            chosen = percent
            position = view.position
            held = self._quantity_now(view)
            if held * position.quantity <= 0:
                name = self.name_of(view.instrument)
                self.say(f"close {name}: not sent. It is not the position it was", is_bad=True)
                return
            await self._carry_out(
                f"close {chosen} % of {self.name_of(view.instrument)}",
                lambda: self._desk.close_position(position.instrument, position.position_id, chosen),
            )

    def reverse(self, view: PositionView) -> None:
        """Turns a position round, after a yes."""
        self.start(self._reverse(view), "reverse")

    async def _reverse(self, view: PositionView) -> None:
        position = view.position
        other = "SHORT" if position.quantity > 0 else "LONG"
        size = formatting.quantity(abs(position.quantity), view.instrument)
        account, mode = f"{position.instrument.venue} · {view.account}", mode_of_id(position.position_id)
        in_mode = f" {mode.value}" if mode is not None else ""
        reasons = [
            f"{account}: closes {size}{value_words(view)}, then opens {other} {size}{in_mode} at market",
            "the second order is sent only when the first is FILLED",
        ]
        beside = [
            each
            for each in self._owner.state.positions or ()
            if each.position.instrument == position.instrument and each.position.quantity * position.quantity < 0
        ]
        # Of one side and mode there is one position only: what opens adds to it.
        grown = [each for each in beside if mode is not None and mode_of_id(each.position.position_id) is mode]
        named = [f"{position_words(each, names_venue=self._names_venues)}{in_mode}" for each in grown]
        reasons += [f"{one} is open already, and grows by it" for one in named]
        stays = [each for each in beside if each not in grown]
        reasons += [f"{self._position_words(each)} is open already, and stays" for each in stays[:1]]
        if await self._is_sure(f"Reverse {self._position_words(view)}?", reasons, "reverse"):
            if self._quantity_now(view) != position.quantity:
                # A fill meanwhile: the yes was to other sizes, or even to the other side.
                self.say(
                    f"reverse {self.name_of(view.instrument)}: not sent. The position has changed", is_bad=True
                )
                return
            await self._carry_out(
                f"reverse {self.name_of(view.instrument)}",
                lambda: self._desk.reverse_position(position.instrument, position.position_id),
            )

    def _quantity_now(self, view: PositionView) -> Decimal:
        """Returns the signed size of a position as it stands now; zero where it is gone."""
        name, held = (view.position.instrument, view.position.position_id), self._owner.state.positions or ()
        found = (each.position for each in held)
        return next((one.quantity for one in found if (one.instrument, one.position_id) == name), Decimal(0))

    def flatten(self, instrument: InstrumentId | None) -> None:
        """Cancels and closes an instrument, or everything, after a yes."""
        self.start(self._flatten(instrument), "flatten")

    async def _flatten(self, instrument: InstrumentId | None) -> None:
        state = self._owner.state
        orders = [o for o in state.orders or () if instrument in (None, o.order.instrument)]
        positions = [p for p in state.positions or () if instrument in (None, p.position.instrument)]
        known = next((each for each in state.instruments or () if each.id == instrument), None)
        name = (
            "everything" if instrument is None else self.name_of(known) if known is not None else str(instrument)
        )
        reasons = [f"cancels {counts_words(orders)}", f"closes {formatting.count(len(positions), 'position')}"]
        reasons[1] += "".join(f"; {self._position_words(p)}{value_words(p)}" for p in positions[:4])
        if await self._is_sure(f"Flatten {name}?", reasons, "flatten"):
            await self._carry_out(f"flatten {name}", lambda: self._desk.flatten(instrument))

    def toggle_lock(self) -> None:
        """Locks an armed desk, arms a locked one."""
        desk, venues = self._owner.state.desk, self._owner.state.venues or ()
        if desk is not None and desk.mode is Mode.READ_ONLY and venues:
            self.say(f"there is nothing to arm: {why_no_orders(venues[0])}", is_bad=True)
        elif desk is not None and desk.is_armed:
            self.lock()
        else:
            self.start(self._arm(), "arm")

    def lock(self) -> None:
        self.start(self._lock(), "lock")

    async def _arm(self) -> None:
        outcome = await self._carry_out("arm", self._desk.arm)
        if outcome.verdict is Verdict.SENT:
            self.say("ARMED: orders that add risk are sent")

    async def _lock(self) -> None:
        await asyncio.wrap_future(self._desk.lock("by hand"))
        self.say("LOCKED: cancels, reduce-only and panic still work")

    def set_leverage(self, instrument: Instrument, leverage: Decimal, mode: MarginMode) -> None:
        """Sets an instrument's leverage and margin mode at its venue."""
        place = plain(f"{instrument.name} · {instrument.id.venue}")
        words = f"leverage {formatting.grouped(leverage)}x {mode} on {place}"
        self.start(self._set_leverage(words, instrument.id, leverage, mode), "leverage")

    async def _set_leverage(
        self, words: str, instrument: InstrumentId, leverage: Decimal, mode: MarginMode
    ) -> None:
        outcome = await self._carry_out(words, lambda: self._desk.set_leverage(instrument, leverage, mode))
        if outcome.verdict is Verdict.SENT and not outcome.reasons:  # a reason says that the outcome is unknown
            self.say(f"{words}: set")

    def open_venue(self, offer: VenueOffer) -> None:
        """Has one more venue opened; one on which orders are real, after a yes."""
        if offer.venue not in self._opening:
            self._opening.add(offer.venue)
            self.start(self._open_venue(offer), "open")

    async def _open_venue(self, offer: VenueOffer) -> None:
        venue, means = plain(offer.venue), offer.words or abilities.OPENING[offer.mode]
        try:
            if offer.mode is Mode.LIVE and not await self._is_sure(f"Open {venue} LIVE?", [means], "open it"):
                return
            outcome = await asyncio.wrap_future(self._desk.open_venue(offer.venue))
            if outcome.verdict is Verdict.SENT:
                self.say(f"{venue} is being opened, {offer.mode}: {means}")
            else:
                self.say(f"{venue} is not opened. {reasons_text(outcome)}", is_bad=True)
        finally:
            self._opening.discard(offer.venue)

    def panic(self) -> None:
        """Puts the panic question, unless it stands or panic runs already."""
        if not self._is_panicking:
            self._is_panicking = True
            self.start(self._panic(), "panic")

    async def _panic(self) -> None:
        try:
            if self._asks_before_panic and not await self._app.push_screen_wait(
                PanicOverlay(self._owner.state, clock=self._clock)
            ):
                return
            self._app.notify(
                "PANIC runs: cancelling and flattening …", severity="warning", markup=False, timeout=4
            )
            receipt = await asyncio.wrap_future(self._desk.panic())
            self.show_receipt(receipt)
        finally:
            self._is_panicking = False

    def show_receipt(self, receipt: PanicReceipt) -> None:
        """Shows a panic's receipt, once, whichever way it came."""
        if receipt.ts != self._receipt_shown:
            self._receipt_shown = receipt.ts
            self._app.push_screen(Receipt(receipt))


def reasons_text(outcome: Outcome) -> str:
    """Returns an outcome's reasons in one line."""
    return "; ".join(plain(reason.text) for reason in outcome.reasons[:_MOST_REASONS]) or "the desk gave no reason"


def why_no_orders(view: VenueView) -> str:
    """Returns why nothing can be ordered at a venue, with the remedy; empty where it can."""
    if view.mode is Mode.READ_ONLY:
        return f"{view.venue} is READ-ONLY: {view.fault or abilities.remedy_of(view.venue)}"
    return f"no order can be sent to {view.venue}: {view.fault}" if view.fault else ""


def venue_name(instrument: Instrument) -> str:
    """Returns an instrument's name and its venue's: "BTC/USDT@coinex"."""
    return f"{instrument.name}@{instrument.id.venue}"


def order_words(view: OrderView, *, names_venue: bool = False) -> str:
    """Returns an order in words: "BUY 0.250 BTC/USDT perp @ 60,624.0"."""
    order = view.order
    at = formatting.price(order.price, view.instrument) if order.price is not None else ""
    if not order.type.has_price:
        at, _ = triggers_in_words(view)
    price = f" @ {at}" if at else ""
    kind = "" if order.type is OrderType.LIMIT else f" {kind_in_words(order)}"
    size = formatting.quantity(order.remaining, view.instrument)
    name = venue_name(view.instrument) if names_venue else view.instrument.name
    return f"{order.side.upper()} {size} {name}{kind}{price}{_wallet_words(order.in_margin_wallet)}"


def position_words(view: PositionView, *, names_venue: bool = False) -> str:
    """Returns a position in words: "LONG 0.250 BTC/USDT perp"."""
    side = "LONG" if view.position.quantity > 0 else "SHORT"
    size = formatting.quantity(abs(view.position.quantity), view.instrument)
    name = venue_name(view.instrument) if names_venue else view.instrument.name
    return f"{side} {size} {name}{_wallet_words(view.position.in_margin_wallet)}"


def _wallet_words(in_margin_wallet: bool) -> str:
    return " in the margin wallet" if in_margin_wallet else ""


def close_words(view: PositionView, percent: int) -> str | None:
    """Returns what closing `percent` of a position sends, rounded down to the lot; None for less than a lot."""
    side = (Side.SELL if view.position.quantity > 0 else Side.BUY).upper()
    lot = view.instrument.lot_size
    quantity = abs(view.position.quantity) * percent / 100 // lot * lot
    if not quantity:
        return None
    share = quantity / abs(view.position.quantity)
    return f"{side} {formatting.quantity(quantity, view.instrument)} market, reduce-only{value_words(view, share)}"


def value_words(view: PositionView, share: Decimal = Decimal(1)) -> str:
    """Returns what a position, or a share of it, is worth at the mark: " ~15,156 USDT"; nothing without a mark."""
    if view.notional is None:
        return ""
    return f" ~{abs(view.notional) * share:,.0f} {view.instrument.quote}"


def in_scope(view: OrderView, scope: CancelScope) -> bool:
    """Whether an order is one of those that `scope` names."""
    order = view.order
    return (
        scope.venue in (None, order.instrument.venue)
        and scope.instrument in (None, order.instrument)
        and scope.side in (None, order.side)
    )


def scope_words(scope: CancelScope, orders: Sequence[OrderView], *, names_venue: bool = False) -> str:
    """Returns where a scope reaches: "on BTC/USDT perp", "everywhere"."""
    side = f"to {scope.side} " if scope.side is not None else ""
    if scope.instrument is not None:
        name = str(scope.instrument)
        if orders:
            name = venue_name(orders[0].instrument) if names_venue else orders[0].instrument.name
        return f"{side}on {name}"
    return f"{side}on {scope.venue}" if scope.venue is not None else f"{side}everywhere"


def counts_words(orders: Sequence[OrderView]) -> str:
    """Returns how many orders, with those placed elsewhere and the other accounts apart."""
    external = sum(view.order.is_external and not is_exit(view.order) for view in orders)
    exits = sum(is_exit(view.order) for view in orders)
    accounts = sorted({f"{view.order.instrument.venue}/{view.account}" for view in orders})
    text = formatting.count(len(orders), "order")
    if external:
        text += f", {external} of them placed elsewhere"
    if exits:
        text += f", {formatting.count(exits, 'exit')} of positions among them"
    return f"{text}, on {' and '.join(accounts)}" if accounts else text
