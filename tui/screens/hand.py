"""The trader's hand on the dashboard: which order, position or row a trading key means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from tui import formatting
from tui.desk.control import CancelScope, OrderIntent
from tui.desk.frame import BalanceView, FillView, Frame, OrderView, PositionView
from tui.desk.margin_modes import opening_mode_in
from tui.screens.sizes import SizeDial
from tui.widgets.balances import Balances, MarginHolding
from tui.widgets.blotter import Blotter
from tui.widgets.ladder import on_row, row_of
from tui.widgets.open_orders import OpenOrders
from tui.widgets.positions import Positions
from venues.model import Instrument, InstrumentKind, OrderType, Side

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard


class Preview(NamedTuple):
    """The line in the ladder that Enter would send, exactly as it would be sent."""

    intent: OrderIntent
    words: str


class Hand:
    """A row's action means the row: its own instrument, its own prices, never those that happen to be shown."""

    def __init__(self, dashboard: Dashboard, presets: Sequence[Decimal] = ()) -> None:
        self._dashboard = dashboard
        self._sizes = SizeDial(presets)
        self._preview: Preview | None = None

    def actions(self) -> dict[str, Callable[[str], None]]:
        """Returns what carries out each trading action, by its id; the text is what a `:` line gave besides."""
        return {
            "order.buy": lambda _: self._open(Side.BUY, OrderType.LIMIT),
            "order.sell": lambda _: self._open(Side.SELL, OrderType.LIMIT),
            "order.buy_market": lambda _: self._open_ticket(Side.BUY, OrderType.MARKET),
            "order.sell_market": lambda _: self._open_ticket(Side.SELL, OrderType.MARKET),
            "order.cancel": lambda _: self._cancel(),
            "order.cancel_all": self._cancel_all,
            "order.edit": lambda _: self._edit(),
            "position.close": self._close,
            "position.reverse": lambda _: self._reverse(),
            "position.flatten": self._flatten,
            "preview.send": lambda _: self.send_preview(),
            "preview.drop": lambda _: self.drop_preview(),
            "size.less": lambda _: self._turn(steps=-1),
            "size.more": lambda _: self._turn(steps=1),
            "size.previous": lambda _: self._turn(places=-1),
            "size.next": lambda _: self._turn(places=1),
        }

    @property
    def _state(self) -> Frame:
        return self._dashboard.state

    @property
    def has_preview(self) -> bool:
        return self._preview is not None

    def look_again(self) -> None:
        """Drops a preview whose instrument is no longer the ladder's."""
        ladder = self._dashboard.ladder.instrument
        if self._preview and (ladder is None or ladder.id != self._preview.intent.instrument):
            self.drop_preview()

    def _say(self, text: str) -> None:
        self._dashboard.wishes.say(text, is_bad=True)

    def _open(self, side: Side, kind: OrderType) -> None:
        ladder = self._dashboard.ladder
        if self._dashboard.focused is ladder and ladder.cursor_price is not None:
            self._draw_preview(side)
        else:
            self._open_ticket(side, kind)

    def _open_ticket(self, side: Side, kind: OrderType) -> None:
        row = self._row_in_focus()
        instrument, account, in_margin_wallet, position_id, mode = None, None, False, None, None
        if isinstance(row, PositionView | OrderView):
            instrument, account = row.instrument, row.account
            of = row.position if isinstance(row, PositionView) else row.order
            in_margin_wallet = of.in_margin_wallet
            if isinstance(row, PositionView) and row.position.quantity * side.sign < 0 and self._has_sides(row):
                position_id = row.position.position_id  # what the mark "reduce-only" would mean, of several
            elif isinstance(row, PositionView) and opening_mode_in(self._state, instrument, side) is not None:
                mode = row.position.margin_mode  # more of this very position
        elif isinstance(row, FillView):
            instrument, account, in_margin_wallet = row.instrument, row.account, row.fill.in_margin_wallet
        elif row is not None and hasattr(row, "instrument") and isinstance(row.instrument, Instrument):
            instrument = row.instrument
        self._dashboard.open_ticket(
            side,
            kind,
            instrument=instrument,
            account=account,
            position_id=position_id,
            in_margin_wallet=in_margin_wallet,
            margin_mode=mode,
        )

    def _has_sides(self, view: PositionView) -> bool:
        venue = view.position.instrument.venue
        return any(each.venue == venue and each.capabilities.position_sides for each in self._state.venues or ())

    def _row_in_focus(self) -> object | None:
        pane = self._dashboard.focused
        return pane.selected if isinstance(pane, Blotter) else None

    def _draw_preview(self, side: Side) -> None:
        ladder = self._dashboard.ladder
        instrument, price = ladder.instrument, ladder.cursor_price
        if instrument is None or price is None or self._dashboard.is_refused(instrument):
            return
        if not instrument.is_tradable:
            name = self._dashboard.wishes.name_of(instrument)
            self._say(f"{name} takes no orders here{f': {instrument.note}' if instrument.note else ''}")
            return
        size = self._sizes.size(instrument, price)
        mode = opening_mode_in(self._state, instrument, side)
        intent = OrderIntent(
            instrument=instrument.id, side=side, type=OrderType.LIMIT, quantity=size, price=price, margin_mode=mode
        )
        amount = f"{formatting.quantity(size, instrument)} @ {formatting.price(price, instrument)}"
        words = f"{side.upper()} {amount}{self._dashboard.wishes.opens_words(instrument, side, mode)}"
        self._preview = Preview(intent, f"{words} {self._dashboard.wishes.name_of(instrument)}")
        cost = f"~{formatting.money(size * price)} {instrument.quote}"
        ladder.show_preview(f"{words}  {cost}", side)
        ladder.border_subtitle = Content(" Enter sends · Esc drops ")

    def send_preview(self) -> None:
        """Sends exactly what the preview line says, once: the line is gone before the desk is asked."""
        preview = self._preview
        self.drop_preview()
        if preview is not None:
            self._dashboard.wishes.submit(preview.intent, preview.words)

    def drop_preview(self) -> None:
        """Takes the preview line away; nothing is sent."""
        if self._preview is not None:
            self._preview = None
            self._dashboard.ladder.show_preview(None)
            self._dashboard.ladder.border_subtitle = None

    def _turn(self, *, steps: int = 0, places: int = 0) -> None:
        ladder = self._dashboard.ladder
        instrument = ladder.instrument
        if instrument is None:
            return
        price = ladder.cursor_price
        if steps:
            size = self._sizes.step(instrument, steps, price)
        else:
            size = self._sizes.next_preset(instrument, places, price)
        if self._preview is not None:
            self._draw_preview(self._preview.intent.side)
        else:
            text = f"ladder size {formatting.quantity(size, instrument)} {instrument.base}"
            self._dashboard.show_size(text)

    def _cancel(self) -> None:
        orders = self._selected_orders()
        if orders:
            self._dashboard.wishes.cancel(orders)
        else:
            self._say("no order is selected: choose one in the open orders, or its row in the ladder")

    def _selected_orders(self) -> list[OrderView]:
        dashboard = self._dashboard
        ladder = dashboard.ladder
        if dashboard.focused is ladder:
            return self._orders_at_cursor()
        pane = dashboard.query_one("#orders", OpenOrders)
        # A selection that can not be seen is none.
        return [pane.selected] if pane.display and pane.selected is not None else []

    def _orders_at_cursor(self) -> list[OrderView]:
        ladder = self._dashboard.ladder
        instrument, price, step = ladder.instrument, ladder.cursor_price, ladder.step
        if instrument is None or price is None or step is None:
            return []
        row = on_row(price, step, ROUND_FLOOR)
        return [
            view
            for view in self._state.orders or ()
            if view.order.instrument == instrument.id and row_of(view.order, step) == row
        ]

    def _cancel_all(self, where: str) -> None:
        dashboard = self._dashboard
        shown = dashboard.ladder.instrument
        sides = {"buys": Side.BUY, "bids": Side.BUY, "sells": Side.SELL, "asks": Side.SELL}
        venues = {view.venue for view in self._state.venues or ()}
        if where in sides:
            scope = CancelScope(instrument=shown.id if shown else None, side=sides[where])
        elif where in venues:
            scope = CancelScope(venue=where)
        elif where in ("", "shown") and dashboard.focused is dashboard.ladder and shown is not None:
            scope = CancelScope(instrument=shown.id)
        elif where in ("", "everywhere", "all"):
            scope = CancelScope()
        else:
            self._say(f"cancel all {where}: say buys, sells, a venue, or everywhere")
            return
        dashboard.wishes.cancel_all(scope)

    def _edit(self) -> None:
        orders = self._selected_orders()
        if len(orders) != 1:
            self._say("select one order to edit: in the open orders, or its row in the ladder")
        else:
            self._dashboard.open_edit(orders[0])

    def _selected_position(self) -> PositionView | None:
        """The position under the cursor of its pane; from elsewhere that of the shown instrument, if it is one."""
        dashboard = self._dashboard
        pane = dashboard.query_one("#positions", Positions)
        if dashboard.focused is pane:
            return pane.selected
        shown = dashboard.ladder.instrument
        held = [p for p in self._state.positions or () if shown and p.position.instrument == shown.id]
        return held[0] if len(held) == 1 else None

    def _close(self, percent: str) -> None:
        dashboard = self._dashboard
        balances = dashboard.query_one("#balances", Balances)
        if dashboard.focused is balances:
            self._sell_balance(balances.selected)
            return
        position = self._selected_position()
        if position is None:
            self._say("no position is selected: choose one in the positions")
        elif not percent:
            dashboard.wishes.close(position)
        elif percent.rstrip(" %") in ("25", "50", "100"):
            dashboard.wishes.close(position, int(percent.rstrip(" %")))
        else:
            self._say(f"close {percent}: say 25, 50 or 100")

    def _sell_balance(self, view: BalanceView | MarginHolding | None) -> None:
        """Opens a filled-in sell ticket: a spot balance has no position that could be closed."""
        if view is None:
            self._say("no balance is selected")
            return
        in_margin_wallet = isinstance(view, MarginHolding)
        held = view.asset if isinstance(view, MarginHolding) else view.balance
        markets = [
            each
            for each in self._state.instruments or ()
            if each.kind is InstrumentKind.SPOT and each.base == held.currency and each.id.venue == view.venue
        ]
        if in_margin_wallet:
            markets = [each for each in markets if each.takes_margin]
        if not markets:
            self._say(f"{view.venue} has no market that sells {held.currency}")
            return
        self._dashboard.open_ticket(
            Side.SELL,
            OrderType.LIMIT,
            instrument=markets[0],
            account=view.account,
            size=f"{held.available:f}",
            in_margin_wallet=in_margin_wallet,
        )

    def _reverse(self) -> None:
        position = self._selected_position()
        if position is None:
            self._say("choose the position to reverse in the positions")
        else:
            self._dashboard.wishes.reverse(position)

    def _flatten(self, where: str) -> None:
        dashboard = self._dashboard
        if where in ("all", "everything"):
            dashboard.wishes.flatten(None)
            return
        position = self._selected_position()
        shown = dashboard.ladder.instrument
        if dashboard.focused is dashboard.query_one("#positions") and position is not None:
            dashboard.wishes.flatten(position.position.instrument)
        elif shown is not None:
            dashboard.wishes.flatten(shown.id)
        else:
            self._say("no instrument is shown; `:flatten all` flattens everything")
