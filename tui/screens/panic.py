"""Panic: the overlay that says what it would touch, and the receipt that says what it achieved."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.desk.frame import Frame, PanicLine, PanicReceipt
from tui.desk.key_gate import KeyGate
from tui.formatting import count, time_of_day
from tui.widgets.cells import plain
from tui.widgets.order_words import is_exit
from venues.model import NANOSECONDS, ZERO
from venues.port import Mode

Clock = Callable[[], int]


class PanicScope(msgspec.Struct, frozen=True, kw_only=True):
    """What panic would touch at one venue's account; `rest` says that holdings stay."""

    venue: str
    account: str
    orders: int = 0
    external: int = 0
    exits: int = 0  # of positions, by take-profit or stop-loss: some venues make them of an order's own
    positions: int = 0
    notional: Decimal | None = ZERO  # None: some position has no price
    currency: str = ""
    rest: bool = False
    why_not: str = ""  # why panic does nothing there

    @property
    def words(self) -> str:
        """Says it: "3 orders (1 placed elsewhere), 2 positions ~18,400 USDT"."""
        if self.why_not and not (self.orders or self.positions):
            return self.why_not
        orders = count(self.orders, "order")
        apart = [f"{self.external} placed elsewhere"] if self.external else []
        apart += [count(self.exits, "exit")] if self.exits else []
        orders += f" ({', '.join(apart)})" if apart else ""
        parts = [orders]
        if self.positions:
            size = f" ~{self.notional:,.0f} {self.currency}" if self.notional is not None else ", unpriced"
            parts.append(count(self.positions, "position") + size)
        words = ", ".join(parts)
        return f"{words}; balances stay as they are" if self.rest else words


def panic_scopes(state: Frame) -> list[PanicScope]:
    """Returns what panic would touch, a line for each venue and account, from all that is known."""
    scopes = {
        (view.venue, view.account): PanicScope(
            venue=view.venue,
            account=view.account,
            rest=not view.capabilities.positions,
            why_not="READ-ONLY: nothing is sent there" if view.mode is Mode.READ_ONLY else view.fault,
        )
        for view in state.venues or ()
    }
    for order in state.orders or ():
        key = (order.order.instrument.venue, order.account)
        scope = scopes.get(key) or PanicScope(venue=key[0], account=key[1])
        is_of_position = is_exit(order.order)
        scopes[key] = msgspec.structs.replace(
            scope,
            orders=scope.orders + 1,
            external=scope.external + (order.order.is_external and not is_of_position),
            exits=scope.exits + is_of_position,
        )
    for view in state.positions or ():
        key = (view.position.instrument.venue, view.account)
        scope = scopes.get(key) or PanicScope(venue=key[0], account=key[1])
        unpriced = scope.notional is None or view.notional is None
        scopes[key] = msgspec.structs.replace(
            scope,
            positions=scope.positions + 1,
            notional=None if unpriced else (scope.notional or ZERO) + abs(view.notional or ZERO),
            currency=view.instrument.quote,
        )
    return list(scopes.values())


class PanicOverlay(ModalScreen[bool]):
    """Asks once before panic: `y` does it, Esc leaves. Dismisses with whether to do it.

    `y` is deaf for a moment after the overlay came up, so that no key that was on its way starts it. `clock`
    gives nanoseconds.
    """

    follows_desk = True

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "go", "do it"),
        Binding("escape,n,q", "leave", "leave"),
    ]

    def __init__(self, state: Frame, *, clock: Clock = time.monotonic_ns, gate: KeyGate | None = None) -> None:
        super().__init__()
        self._state = state
        self._clock = clock
        self._gate = gate or KeyGate()

    def compose(self) -> ComposeResult:
        box = Static(self._panic_words(), id="panic", classes="dialog -alarm")
        box.border_title = Content(" PANIC ")
        yield box

    def on_mount(self) -> None:
        self._gate.put(self._clock())

    def take(self, frame: Frame) -> None:
        """Takes the newest state, so that the counts are those of now."""
        self._state = frame
        # A frame may come before the words have their place: they are made of the newest state then.
        for box in self.query("#panic").results(Static):
            box.update(self._panic_words())

    def _panic_words(self) -> Content:
        scopes = panic_scopes(self._state)
        lines = [Content.styled("cancels every order and flattens reduce-only:", "$muted"), Content("")]
        wide = max((len(plain(s.venue)) for s in scopes), default=0)
        names = max((len(plain(s.account)) for s in scopes), default=0)
        for scope in scopes:
            who = f"  {plain(scope.venue):<{wide}}  {plain(scope.account):<{names}}  "
            lines.append(Content.assemble((who, "bold"), plain(scope.words)))
        if not scopes:
            lines.append(Content("  no venue is known yet; panic asks each one that opens"))
        lines += [
            Content(""),
            Content.assemble(("y", "bold $alarm"), "  do it      ", ("Esc", "bold"), "  leave"),
        ]
        return Content("\n").join(lines)

    def on_key(self, event: events.Key) -> None:
        # A key that comes while the overlay is deaf keeps it deaf: it may be held, or part of a burst.
        if event.key not in {"y", "escape", "n", "q"} and not self._gate.is_open(self._clock()):
            self._gate.push_on(self._clock())

    def action_go(self) -> None:
        if self._gate.let_through(self._clock()):
            self.dismiss(True)

    def action_leave(self) -> None:
        self.dismiss(False)


class Receipt(ModalScreen[None]):
    """What panic achieved, venue by venue, and what is left and why."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "leave", "leave")]

    def __init__(self, receipt: PanicReceipt) -> None:
        super().__init__()
        self._receipt = receipt

    def compose(self) -> ComposeResult:
        receipt = self._receipt
        clean = all(line.is_proven for line in receipt.lines)
        box = Static(receipt_words(receipt), id="receipt", classes="dialog" if clean else "dialog -alarm")
        seconds = receipt.duration / NANOSECONDS
        box.border_title = Content(
            f" PANIC RECEIPT {time_of_day(receipt.ts, milliseconds=False)} UTC · {seconds:.1f} s "
        )
        yield box

    def action_leave(self) -> None:
        self.dismiss(None)


def receipt_words(receipt: PanicReceipt) -> Content:
    """Returns the receipt as a table: venue, what was done, what is left, whether that was read back."""
    table = [(f"{plain(line.venue)}  {plain(line.account)}", _done(line), _left(line)) for line in receipt.lines]
    headings = ("venue", "done", "left")
    widths = [max(len(row[column]) for row in (headings, *table)) for column in range(3)]

    def cells(row: tuple[str, str, str]) -> list[str]:
        return [f"{text:<{width}}  " for text, width in zip(row, widths, strict=True)]

    lines = [Content.styled("".join(cells(headings)), "$muted")]
    for line, row in zip(receipt.lines, table, strict=True):
        who, *rest = cells(row)
        proven = ("✓ proven", "$success") if line.is_proven else ("", "")
        lines.append(Content.assemble((who, "bold"), *rest, proven))
        if note := _note(line):
            lines.append(Content.styled(f"  {note}", "$muted" if line.is_proven else "bold $alarm"))
    if not table:
        lines = [Content("no venue was open: nothing was cancelled, nothing was read back")]
    lines += [Content(""), Content.assemble(("Esc", "bold"), "  leave")]
    return Content("\n").join(lines)


def _done(line: PanicLine) -> str:
    parts = [f"{line.cancelled} cancelled"]
    if line.closed:
        parts.append(f"{line.closed} closed")
    return ", ".join(parts)


def _left(line: PanicLine) -> str:
    return f"{count(line.orders_left, 'order')}, {count(line.positions_left, 'position')}"


def _note(line: PanicLine) -> str:
    note = plain(line.note)
    if line.is_proven:
        return note
    return "! NOT PROVEN: " + (note or "look at the venue's own site")
