"""Words of a ticket: its border, and what an order does to the positions where both sides stand at once."""

from __future__ import annotations

from decimal import Decimal

from textual.content import Content
from textual.style import Style

from tui import formatting
from tui.desk.appraisal import Context
from tui.desk.control import OrderIntent
from tui.desk.draft import Draft
from tui.widgets.cells import plain
from tui.widgets.order_words import opening_words, short_id
from tui.widgets.palette import Palette
from venues.model import Position, Side


def dress_of(draft: Draft) -> tuple[bool, bool]:
    """Returns what of a draft the border tells and may change while it is open."""
    return draft.in_margin_wallet, draft.reduce_only


def title_words(draft: Draft, context: Context, palette: Palette, *, is_edit: bool) -> Content:
    """Returns the border's title: "▲ BUY BTC/USDT perp  PRACTICE", or "▲ BUY open long  PRACTICE"."""
    side = draft.side
    sign = "▲ BUY" if side is Side.BUY else "▼ SELL"
    word = "EDIT " if is_edit else ""
    name, opens = f" {context.instrument.name} ", ""
    if has_sides(context):
        # The name stands below: the mode must never be cut.
        name, opens = " ", f" {opening_words(side, reduce_only=draft.reduce_only)}"
    return Content.assemble(
        (f" {word}{sign}{opens}", Style.from_rich_style(palette.side(side)) + Style(bold=True)),
        (plain(name), Style(bold=True)),
        (f" {context.mode} ", Style.from_rich_style(palette.badges[context.mode])),
    )


def place_words(draft: Draft, context: Context) -> Content:
    """Returns what stands apart from the title, so that a narrow ticket cuts neither: venue, account, wallet."""
    name = f" {context.instrument.name} ·" if has_sides(context) else ""
    place = plain(f"{name} {context.instrument.id.venue} · {context.account} ")
    wallet = (plain(f"· {context.capabilities.margin_wallet} "), "bold $warning")
    return Content.assemble(place, wallet) if draft.in_margin_wallet else Content(place)


def has_sides(context: Context) -> bool:
    """Whether long and short of the instrument stand side by side."""
    return context.capabilities.position_sides and context.instrument.is_perpetual


def leverage_now(draft: Draft, context: Context) -> Decimal | None:
    """Returns what an order without a leverage of its own goes with, as far as positions tell."""
    if not has_sides(context):
        position = context.position(draft.position_id)
        return None if position is None else position.leverage or None
    held = [each for each in context.positions if each.quantity]
    mine = [each for each in held if each.quantity * draft.side.sign > 0]
    return next((each.leverage for each in mine + held if each.leverage), None)


def means_words(intent: OrderIntent | None, context: Context) -> str:
    """Returns what an order does to the positions: "open short; LONG 0.2500 stays".

    Empty where there is one position only, and what an order does to it is known to everybody.
    """
    if intent is None or not has_sides(context):
        return ""
    words = opening_words(intent.side, reduce_only=intent.reduce_only)
    if not intent.reduce_only:
        others = [each for each in context.positions if _stays(each, intent, context)]
        if context.capabilities.margin_mode_of_order and intent.margin_mode is not None:
            words = f"{words} {intent.margin_mode.value}"
        names = " and ".join(_name(each, context) for each in others)
        return f"{words}; {names} {'stays' if len(others) == 1 else 'stay'}" if others else words
    closed = context.position(intent.position_id, intent.side)
    if closed is None:
        return words
    left = abs(closed.quantity) - intent.quantity
    after = f"{_quantity(left, context)} of it stays" if left > 0 else "all of it"
    return f"{words} {short_id(closed.position_id)} of {_quantity(abs(closed.quantity), context)}; {after}"


def _stays(position: Position, intent: OrderIntent, context: Context) -> bool:
    """Whether an order that opens leaves a position as it is: the other side, and the other margin mode."""
    if position.quantity * intent.side.sign > 0:
        return context.capabilities.margin_mode_of_order and position.margin_mode is not intent.margin_mode
    return bool(position.quantity)


def _name(position: Position, context: Context) -> str:
    side = "LONG" if position.quantity > 0 else "SHORT"
    mode = f" {position.margin_mode.value}" if context.capabilities.margin_mode_of_order else ""
    return f"{side} {_quantity(abs(position.quantity), context)}{mode}"


def _quantity(quantity: Decimal, context: Context) -> str:
    return formatting.quantity(quantity, context.instrument)
