"""What stands in a ticket, and what it means: texts and choices in, an order on tick and lot out, or words.

An `Evaluation` has an intent only when no field has a problem. Prices are rounded so that never more is paid than
was typed, sizes down to the lot; a share of the balance is taken with the fee in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import TypeVar

import msgspec

from tui.desk.appraisal import Appraisal, Context, appraise
from tui.desk.control import AmendIntent, OrderIntent
from tui.desk.expressions import ExpressionError, parse_number
from tui.desk.frame import OrderView
from tui.desk.margin_modes import opening_mode
from tui.desk.perpetual_guards import which_words, word_of
from tui.desk.resolving import read_exit, read_leverage, read_price, read_size, read_trigger
from venues.model import InstrumentKind, MarginMode, Order, OrderStatus, OrderType, Position, Side, TimeInForce
from venues.port import Mode
from venues.rounding import floor_to, order_faults

# 20 digits before the point and 20 after it, multiplied: the default of 28 would round, or fail on the lot.
PRECISION = 90
# What is larger has a digit too many; past it the arithmetic of the guards and the venues need not be tried.
LARGEST = Decimal(10) ** 15

# Said before an edit is sent to a venue that can not change an order.
BY_CANCEL_AND_NEW = "by cancel and new: it loses its place in the queue, and for a moment nothing rests"

_T = TypeVar("_T")


class Field(StrEnum):
    """A field of the ticket, in the order of the rows."""

    TYPE = "type"
    TIME_IN_FORCE = "tif"
    WALLET = "wallet"
    TRIGGER = "trigger"
    PRICE = "price"
    SIZE = "size"
    LEVERAGE = "leverage"
    MARGIN_MODE = "margin"
    POST_ONLY = "post-only"
    REDUCE_ONLY = "reduce-only"
    TAKE_PROFIT = "TP"
    STOP_LOSS = "SL"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The raw texts and choices of a ticket. Texts of fields that do not apply are ignored."""

    side: Side
    type: OrderType = OrderType.LIMIT
    price: str = ""
    size: str = ""
    trigger: str = ""
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    leverage: str = ""  # empty: as it is set at the venue
    margin_mode: MarginMode | None = None
    take_profit: str = ""
    stop_loss: str = ""
    position_id: str | None = None
    in_margin_wallet: bool = False  # else in the spot account, where a venue has both


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft means now. Either `intent` (for an edit: `amend`) is there, or words that say what is missing.

    `resolved` has, by field, what its text was turned into where that is not what was typed.
    """

    intent: OrderIntent | None = None
    amend: AmendIntent | None = None
    problems: Mapping[Field, str] = {}
    obstacle: str = ""  # why no order can be made here at all
    resolved: Mapping[Field, str] = {}
    notes: tuple[str, ...] = ()
    judged: OrderIntent | None = None  # what the appraisal is of: the intent; for an edit, what would then rest
    appraisal: Appraisal | None = None

    @property
    def is_ready(self) -> bool:
        return self.intent is not None or self.amend is not None


def fields_for(draft: Draft, context: Context) -> tuple[Field, ...]:
    """Returns the fields that this type of order has at this venue, in the order of the rows."""
    venue, is_perpetual = context.capabilities, context.instrument.is_perpetual
    fields = {Field.TYPE, Field.SIZE}
    if draft.type.has_price:
        fields.add(Field.PRICE)
    if draft.type.has_trigger:
        fields.add(Field.TRIGGER)
    if draft.type is OrderType.LIMIT:
        if len(venue.times_in_force) > 1:
            fields.add(Field.TIME_IN_FORCE)
        if venue.post_only:
            fields.add(Field.POST_ONLY)
    if context.takes_margin:
        fields.add(Field.WALLET)
    if is_perpetual and venue.reduce_only:
        fields.add(Field.REDUCE_ONLY)
    if not draft.reduce_only:
        if is_perpetual and venue.leverage and venue.leverage_of_order:
            fields.add(Field.LEVERAGE)
        if is_perpetual and (venue.margin_modes or venue.margin_mode_of_order):
            fields.add(Field.MARGIN_MODE)
        if is_perpetual and venue.attached_exits:
            fields |= {Field.TAKE_PROFIT, Field.STOP_LOSS}
    return tuple(field for field in Field if field in fields)


def edit_fields(view: OrderView) -> tuple[Field, ...]:
    """Returns the fields of a resting order that can be changed."""
    fields = {Field.SIZE}
    if view.order.type.has_price:
        fields.add(Field.PRICE)
    if view.order.type.has_trigger and not view.order.is_triggered:
        fields.add(Field.TRIGGER)
    return tuple(field for field in Field if field in fields)


def draft_of(view: OrderView) -> Draft:
    """Returns the draft that describes a resting order as it is."""
    order = view.order
    return Draft(
        side=order.side,
        type=order.type,
        price="" if order.price is None else f"{order.price:f}",
        size=f"{order.quantity:f}",
        trigger="" if order.trigger_price is None else f"{order.trigger_price:f}",
        time_in_force=order.time_in_force,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        margin_mode=view.margin_mode,
        position_id=_closes(order),
        in_margin_wallet=order.in_margin_wallet,
    )


def why_not_editable(view: OrderView) -> str:
    """Says why a resting order can not be changed now; empty when it can."""
    match view.order.status:
        case OrderStatus.NEW | OrderStatus.PARTIALLY_FILLED:
            return ""
        case OrderStatus.UNKNOWN:
            return "nobody has said yet what became of this order"
        case status if status.is_terminal:
            return f"this order is over: {status}"
    return "this order has a change on its way"


class _Reading:
    """Collects, field by field, what was read and what is wrong with it."""

    def __init__(self) -> None:
        self.problems: dict[Field, str] = {}
        self.resolved: dict[Field, str] = {}

    def take(self, field: Field, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except ExpressionError as problem:
            self.problems[field] = str(problem)
            return None

    def take_number(self, field: Field, text: str, read: Callable[[], Decimal], unit: str = "") -> Decimal | None:
        value = self.take(field, read)
        if value is None:
            return None
        if value >= LARGEST:
            self.problems[field] = "that is too large to be meant"
            return None
        shown = f"{value:f}"
        if text.strip() != shown and (not _is_same(text, value)):
            self.resolved[field] = f"= {value:,f}{f' {unit}' if unit else ''}"
        return value


def _is_same(text: str, value: Decimal) -> bool:
    """Says whether the text is that very number, so that nothing need be said about it."""
    try:
        return parse_number(text.strip()) == value
    except ExpressionError:
        return False


def evaluate(draft: Draft, context: Context) -> Evaluation:
    """Works out what a new order's draft means now."""
    with localcontext(prec=PRECISION):
        return _evaluate_new(draft, context)


def evaluate_edit(view: OrderView, draft: Draft, context: Context) -> Evaluation:
    """Works out what a draft changes about a resting order. Its size is the new total, fills included."""
    with localcontext(prec=PRECISION):
        return _evaluate_edit(view, draft, context)


def _evaluate_new(draft: Draft, context: Context) -> Evaluation:
    fields = fields_for(draft, context)
    # What does not apply is not read, so that nothing hidden is ever sent.
    if draft.in_margin_wallet and Field.WALLET not in fields:
        # Meant for the margin wallet, as from a position there: it must not go to the spot account instead.
        return Evaluation(obstacle=f"{context.instrument.name} takes no orders in a margin wallet here")
    draft = _without_hidden(draft, fields)
    context = context.of_wallet(draft.in_margin_wallet)
    instrument, side, reading = context.instrument, draft.side, _Reading()
    margin_mode = draft.margin_mode
    if margin_mode is None and not draft.reduce_only:
        margin_mode = opening_mode(context.capabilities, instrument, context.positions, side)
    if draft.type not in context.capabilities.order_types:
        reading.problems[Field.TYPE] = f"{instrument.id.venue} has no such orders"
    if draft.post_only and draft.time_in_force is not TimeInForce.GTC:
        reading.problems[Field.POST_ONLY] = "post-only rests: it goes with GTC only"
    position = context.position(draft.position_id, side if draft.reduce_only else None)
    if draft.reduce_only and (position is None or position.quantity * side.sign > 0):
        reading.problems[Field.REDUCE_ONLY] = _why_not_reducing(draft, context)
    leverage = reading.take(Field.LEVERAGE, lambda: read_leverage(draft.leverage, context))
    price, trigger = _read_prices(reading, draft, fields, context)
    size = None
    if reading.problems.keys().isdisjoint({Field.PRICE, Field.TRIGGER, Field.LEVERAGE}):
        size = reading.take_number(
            Field.SIZE,
            draft.size,
            lambda: read_size(
                draft.size,
                side,
                context,
                price=price or trigger,
                leverage=leverage or context.leverage_in(margin_mode),
                position=position,
                is_maker=draft.post_only,
            ),
            instrument.base,
        )
    entry = price or trigger or context.expected_price(side)
    take_profit, stop_loss = _read_exits(reading, draft, entry, context)
    if size is not None:
        _check_steps(reading, context, size, price, entry)
    obstacle = _obstacle(context)
    if size is None or reading.problems or obstacle:
        return Evaluation(problems=reading.problems, obstacle=obstacle, resolved=reading.resolved)
    intent = OrderIntent(
        instrument=instrument.id,
        side=side,
        type=draft.type,
        quantity=size,
        price=price,
        trigger_price=trigger,
        time_in_force=draft.time_in_force,
        post_only=draft.post_only,
        reduce_only=draft.reduce_only,
        leverage=leverage,
        margin_mode=margin_mode,
        take_profit=take_profit,
        stop_loss=stop_loss,
        position_id=_position_id(draft, position),
        in_margin_wallet=draft.in_margin_wallet,
    )
    return Evaluation(intent=intent, judged=intent, resolved=reading.resolved, appraisal=appraise(intent, context))


def _evaluate_edit(view: OrderView, draft: Draft, context: Context) -> Evaluation:
    order, reading, fields = view.order, _Reading(), edit_fields(view)
    context = context.of_wallet(order.in_margin_wallet)
    obstacle = why_not_editable(view) or _obstacle(context)
    price, trigger = _read_prices(reading, draft, fields, context)
    size = None
    if reading.problems.keys().isdisjoint({Field.PRICE, Field.TRIGGER}):
        size = reading.take_number(
            Field.SIZE,
            draft.size,
            lambda: read_size(
                draft.size,
                order.side,
                context,
                price=price or trigger,
                position=context.position(_closes(order), order.side if order.reduce_only else None),
            ),
            context.instrument.base,
        )
    if size is not None:
        if size <= order.filled_quantity:
            reading.problems[Field.SIZE] = f"{order.filled_quantity:,f} is filled already: type a larger total"
        else:
            sent = size if context.capabilities.amend else size - order.filled_quantity
            _check_steps(reading, context, sent, price, price or trigger)
    if size is None or reading.problems or obstacle:
        return Evaluation(problems=reading.problems, obstacle=obstacle, resolved=reading.resolved)
    after = OrderIntent(
        instrument=order.instrument,
        side=order.side,
        type=order.type,
        quantity=size - order.filled_quantity,
        price=price if Field.PRICE in fields else order.price,
        trigger_price=trigger if Field.TRIGGER in fields else None,
        time_in_force=order.time_in_force,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        margin_mode=view.margin_mode,
        take_profit=order.take_profit,
        stop_loss=order.stop_loss,
        position_id=_closes(order),
        in_margin_wallet=order.in_margin_wallet,
    )
    amend = AmendIntent(
        key=view.key,
        price=_changed(price, order.price),
        quantity=_changed(size, order.quantity),
        trigger_price=_changed(trigger, order.trigger_price),
    )
    is_changed = (amend.price, amend.quantity, amend.trigger_price) != (None, None, None)
    return Evaluation(
        amend=amend if is_changed else None,
        obstacle="" if is_changed else "nothing is changed yet",
        resolved=reading.resolved,
        notes=() if context.capabilities.amend else (BY_CANCEL_AND_NEW,),
        judged=after,
        appraisal=appraise(after, context),
    )


def _read_prices(
    reading: _Reading, draft: Draft, fields: tuple[Field, ...], context: Context
) -> tuple[Decimal | None, Decimal | None]:
    """Returns limit and trigger price, each None where the order has none or it can not be read."""
    price = trigger = None
    if Field.TRIGGER in fields:
        trigger = reading.take_number(
            Field.TRIGGER, draft.trigger, lambda: read_trigger(draft.trigger, draft.type, draft.side, context)
        )
    if Field.PRICE in fields:
        price = reading.take_number(Field.PRICE, draft.price, lambda: read_price(draft.price, draft.side, context))
    return price, trigger


def _read_exits(
    reading: _Reading, draft: Draft, entry: Decimal | None, context: Context
) -> tuple[Decimal | None, Decimal | None]:
    def read(field: Field, text: str) -> Decimal | None:
        if not text.strip():
            return None
        is_profit = field is Field.TAKE_PROFIT
        return reading.take_number(
            field, text, lambda: read_exit(text, draft.side, entry, context, is_profit=is_profit)
        )

    return read(Field.TAKE_PROFIT, draft.take_profit), read(Field.STOP_LOSS, draft.stop_loss)


def _why_not_reducing(draft: Draft, context: Context) -> str:
    word = word_of(draft.side.opposite)
    if draft.position_id is not None:
        return f"that {word} position is not open here"
    return which_words(context.positions, draft.side) or f"no {word} position here to reduce"


def _check_steps(
    reading: _Reading, context: Context, size: Decimal, price: Decimal | None, entry: Decimal | None
) -> None:
    """Holds the order against the instrument's steps and limits."""
    instrument = context.instrument
    expected = price
    if expected is None and entry is not None:
        expected = floor_to(entry, instrument.tick_size)
    for fault in order_faults(instrument, size, expected):
        field = Field.PRICE if fault.startswith("price") else Field.SIZE
        reading.problems.setdefault(field, fault)


def _without_hidden(draft: Draft, fields: tuple[Field, ...]) -> Draft:
    return msgspec.structs.replace(
        draft,
        time_in_force=draft.time_in_force if Field.TIME_IN_FORCE in fields else TimeInForce.GTC,
        post_only=draft.post_only and Field.POST_ONLY in fields,
        reduce_only=draft.reduce_only and Field.REDUCE_ONLY in fields,
        leverage=draft.leverage if Field.LEVERAGE in fields else "",
        margin_mode=draft.margin_mode if Field.MARGIN_MODE in fields else None,
        take_profit=draft.take_profit if Field.TAKE_PROFIT in fields else "",
        stop_loss=draft.stop_loss if Field.STOP_LOSS in fields else "",
        in_margin_wallet=draft.in_margin_wallet and Field.WALLET in fields,
    )


def _obstacle(context: Context) -> str:
    instrument = context.instrument
    if context.mode is Mode.READ_ONLY:
        return "this venue is read-only here"
    if instrument.kind is InstrumentKind.INVERSE_PERPETUAL:
        return "inverse contracts are shown and not traded"
    if not instrument.is_tradable:
        return f"not tradable{f': {instrument.note}' if instrument.note else ''}"
    return ""


def _position_id(draft: Draft, position: Position | None) -> str | None:
    """Names the position only where a venue keeps several: "net" is the only one there can be."""
    if not draft.reduce_only:
        return None
    if draft.position_id is not None:
        return None if draft.position_id == "net" else draft.position_id
    if position is None or position.position_id == "net":
        return None
    return position.position_id


def _closes(order: Order) -> str | None:
    """Returns the id of the position that an order closes, where its venue keeps several."""
    return order.position_id if order.reduce_only and order.position_id not in ("", "net") else None


def _changed(value: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if value == before else value
