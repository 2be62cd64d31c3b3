"""What a change of a position's margin, or of leverage and margin mode, would do, worked out before it is sent.

Amounts are in the settle currency. Estimates, all of them: the venue has the last word. None says that it is not
known, or that there is none. Pure Decimal, no clock.

    amount    50   50 usdt   25%   all          of what is free, or of what is beyond the initial margin
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import NamedTuple

import msgspec

from tui.desk.control import FundsIntent
from tui.desk.expressions import ExpressionError, parse_number
from tui.desk.facts import describe_order, describe_position
from tui.desk.frame import Frame, PositionView
from tui.desk.margin_estimate import PRECISION, parse_amount
from venues.commands import FundsKind
from venues.liquidation import Stake, brackets_of, liquidation_price, unrealized_pnl
from venues.model import ZERO, Instrument, InstrumentId, MarginMode, Order, Position
from venues.port import Capabilities, Mode
from venues.rounding import floor_to

_FINEST = Decimal("0.00000001")  # of a share: venues count money in no smaller steps
NEAR = Decimal("0.05")
"""A liquidation nearer to the mark than this fraction of it is an alarm."""
CLOSE = Decimal("0.08")
"""One nearer than this is a warning: an isolated position at 10x begins just beyond."""
FAR = Decimal(10)
"""One farther than so many times the mark is no price that is ever reached, as of a long hedged by a short."""
_MOST_NAMED = 3


class PositionContext(msgspec.Struct, frozen=True, kw_only=True):
    """What is known around a position. `free` is what is available of the settle currency."""

    view: PositionView
    capabilities: Capabilities
    mode: Mode = Mode.PAPER
    is_armed: bool = True
    lock_reason: str = ""
    fault: str = ""  # why nothing can be sent at all
    free: Decimal | None = None

    @property
    def instrument(self) -> Instrument:
        return self.view.instrument

    @property
    def currency(self) -> str:
        return self.view.instrument.settle


def make_position_context(
    frame: Frame, instrument: InstrumentId, position_id: str, account: str
) -> PositionContext | None:
    """Gathers from a complete frame what concerns a position; None where it, or its venue, is gone."""
    view = next(
        (
            each
            for each in frame.positions or ()
            if (each.position.instrument, each.position.position_id, each.account)
            == (instrument, position_id, account)
            and each.position.quantity
        ),
        None,
    )
    venue = next(
        (each for each in frame.venues or () if each.venue == instrument.venue and each.account == account), None
    )
    if view is None or venue is None:
        return None
    desk, settle = frame.desk, view.instrument.settle
    held = [each.balance for each in frame.balances or () if (each.venue, each.account) == (venue.venue, account)]
    return PositionContext(
        view=view,
        capabilities=venue.capabilities,
        mode=venue.mode,
        is_armed=desk is None or desk.is_armed,
        lock_reason="" if desk is None else desk.lock_reason,
        fault=venue.fault,
        free=next((each.available for each in held if each.currency == settle), None),
    )


def distance_of(price: Decimal | None, mark: Decimal | None) -> Decimal | None:
    """Returns how far a price is from the mark, as a fraction of it."""
    return None if price is None or not mark else abs(price - mark) / mark


def gravity_of(distance: Decimal | None) -> int:
    """Returns how grave it is that a liquidation is so near (a fraction of the mark): 0 calm, 1 close, 2 near."""
    return 0 if distance is None or distance >= CLOSE else 1 if distance >= NEAR else 2


def is_far(distance: Decimal | None) -> bool:
    """Whether a liquidation is so far away that no price there is worth a word."""
    return distance is not None and distance > FAR


def liquidation_with(view: PositionView, margin: Decimal) -> Decimal | None:
    """Returns where an isolated position with so much margin is liquidated; None where no price does it."""
    position, instrument = view.position, view.instrument
    stake = Stake(position.quantity, position.entry_price, brackets_of(instrument))
    return liquidation_price([stake], margin, instrument.tick_size)


def removable(view: PositionView) -> Decimal | None:
    """Returns what may be taken out of an isolated margin: what is beyond the initial margin and a loss.

    None where the mark is not known.
    """
    position, mark = view.position, view.mark
    if mark is None or not position.leverage:
        return None
    initial = abs(position.quantity) * position.entry_price / position.leverage
    loss = min(ZERO, unrealized_pnl(position.quantity, position.entry_price, mark))
    return max(ZERO, floor_to(position.margin + loss - initial, _FINEST))


class MarginEstimate(NamedTuple):
    """A position's margin and its liquidation, before and after; the distances are fractions of the mark."""

    margin_before: Decimal
    margin_after: Decimal
    liquidation_before: Decimal | None
    liquidation_after: Decimal | None
    distance_before: Decimal | None
    distance_after: Decimal | None
    free_after: Decimal | None


class MarginEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft means now: an `intent`, or words that say what is missing."""

    intent: FundsIntent | None = None
    estimate: MarginEstimate | None = None
    problem: str = ""  # of the amount
    obstacle: str = ""  # why nothing of the kind can be sent
    resolved: str = ""  # what the amount was turned into, where that is not what was typed
    warnings: tuple[str, ...] = ()


def evaluate_margin(kind: FundsKind, text: str, around: PositionContext) -> MarginEvaluation:
    """Works out what adding to a position's margin, or taking from it, means now."""
    obstacle = _obstacle(around) or _not_isolated(around)
    if obstacle:
        return MarginEvaluation(obstacle=obstacle)
    with localcontext(prec=PRECISION):
        try:
            amount, resolved = _read_amount(kind, text, around)
        except ExpressionError as problem:
            return MarginEvaluation(problem=str(problem))
        position = around.view.position
        intent = FundsIntent(
            venue=position.instrument.venue,
            kind=kind,
            currency=around.currency,
            amount=amount,
            instrument=position.instrument,
            position_id=position.position_id,
        )
        return MarginEvaluation(
            intent=intent,
            estimate=estimate_margin(intent, around),
            resolved=resolved,
            warnings=tuple(_warnings(intent, around)),
        )


def estimate_margin(intent: FundsIntent, around: PositionContext) -> MarginEstimate:
    """Returns what a change of margin does to the position as it stands now."""
    view = around.view
    signed = intent.amount if intent.kind is FundsKind.ADD_MARGIN else -intent.amount
    free_after = None if around.free is None else around.free - signed
    return _with_margin(view, view.position.margin + signed, free_after)


def is_past(view: PositionView, price: Decimal | None) -> bool:
    """Whether the mark has passed a liquidation price already."""
    if price is None or view.mark is None:
        return False
    return view.mark <= price if view.position.quantity > 0 else view.mark >= price


def _obstacle(around: PositionContext) -> str:
    if around.mode is Mode.READ_ONLY:
        return around.fault or "this venue is read-only here"
    return around.fault


def _not_isolated(around: PositionContext) -> str:
    position = around.view.position
    if not around.capabilities.position_margin:
        return f"{position.instrument.venue} does not let the margin of a position be changed"
    if position.margin_mode is not MarginMode.ISOLATED:
        return "it is a cross position: all that is available stands behind it already"
    return ""


def _read_amount(kind: FundsKind, text: str, around: PositionContext) -> tuple[Decimal, str]:
    whole = around.free if kind is FundsKind.ADD_MARGIN else removable(around.view)
    read = parse_amount(text, around.currency)
    if read.value is not None:
        amount, resolved = read.value, ""
    elif whole is None:
        what = "is available" if kind is FundsKind.ADD_MARGIN else "may be taken out"
        raise ExpressionError(f"what {what} is not known: type an amount")
    else:
        amount = floor_to(whole * (read.share or ZERO), _FINEST)
        resolved = f"= {amount:,f} {around.currency}"
    if not amount or (whole is not None and amount > whole):
        free = f"{whole.normalize():,f} {around.currency}" if whole else "nothing"
        more = (
            "is available" if kind is FundsKind.ADD_MARGIN else "may be taken out: the rest is the initial margin"
        )
        raise ExpressionError(f"{free} {more}")
    return amount, resolved


def _warnings(intent: FundsIntent, around: PositionContext) -> list[str]:
    words = []
    if intent.kind.adds_risk and not around.is_armed:
        why = f" ({around.lock_reason})" if around.lock_reason else ""
        words.append(f"locked{why}: press A on the desk to arm")
    expected = estimate_margin(intent, around)
    if is_past(around.view, expected.liquidation_after):
        words.append("it would be liquidated at once, by this estimate")
    elif expected.distance_after is not None and expected.distance_after < NEAR:
        words.append(f"the liquidation would be {expected.distance_after:.1%} from the mark")
    return words


class LeverageWish(NamedTuple):
    """A leverage and a margin mode for one instrument."""

    instrument: InstrumentId
    leverage: Decimal
    margin_mode: MarginMode


def estimate_leverage(wish: LeverageWish, frame: Frame) -> list[tuple[PositionView, MarginEstimate]]:
    """Returns what another leverage does to the isolated positions that have it, about.

    Their margin becomes what an entry at that leverage would take: a higher one lets go of some of it, and brings
    the liquidation near. A venue that wants none open has none.
    """
    made = []
    for view in frame.positions or ():
        position = view.position
        is_meant = position.instrument == wish.instrument and position.quantity and not position.in_margin_wallet
        if not is_meant or not wish.margin_mode is position.margin_mode is MarginMode.ISOLATED:
            continue
        if position.leverage != wish.leverage:
            after = abs(position.quantity) * position.entry_price / wish.leverage
            made.append((view, _with_margin(view, after, None)))
    return made


def _with_margin(view: PositionView, margin: Decimal, free_after: Decimal | None) -> MarginEstimate:
    then, before = liquidation_with(view, margin), view.position.liquidation_price
    return MarginEstimate(
        margin_before=view.position.margin,
        margin_after=margin,
        liquidation_before=before,
        liquidation_after=then,
        distance_before=distance_of(before, view.mark),
        distance_after=distance_of(then, view.mark),
        free_after=free_after,
    )


class LeverageEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a leverage and a mode mean now: a `wish`, or words that say what is missing."""

    wish: LeverageWish | None = None
    problem: str = ""
    obstacle: str = ""


def in_the_way(instrument: Instrument, held: Sequence[Position], resting: Sequence[Order]) -> list[str]:
    """Returns what stands against a change of leverage at a venue that wants neither position nor order there.

    "pumpkin changes neither leverage nor margin mode over a position: close LONG 0.25 BTC/USDT perp #12 first".
    """
    changes, words = f"{instrument.id.venue} changes neither leverage nor margin mode over", []
    if held:
        named = _listed([describe_position(one, instrument) for one in held])
        words.append(f"{changes} a position: close {named} first")
    if resting:
        named = _listed([describe_order(one, instrument) for one in resting])
        words.append(f"{changes} an open order: cancel {named} first")
    return words


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def why_not_flat(frame: Frame, instrument: Instrument) -> str:
    """Says what the venue refuses a change of leverage over, before it is asked; empty where nothing does."""
    venue = next((each for each in frame.venues or () if each.venue == instrument.id.venue), None)
    if venue is None or not venue.capabilities.leverage_needs_flat:
        return ""
    held = [each.position for each in frame.positions or () if each.position.instrument == instrument.id]
    orders = [each.order for each in frame.orders or () if each.order.instrument == instrument.id]
    found = in_the_way(instrument, [one for one in held if one.quantity], [one for one in orders if one.is_open])
    return next(iter(found), "")


def evaluate_leverage(
    text: str, margin_mode: MarginMode | None, instrument: Instrument, frame: Frame
) -> LeverageEvaluation:
    """Works out what a change of leverage and margin mode means now."""
    venue = next((each for each in frame.venues or () if each.venue == instrument.id.venue), None)
    if venue is None or not instrument.is_perpetual or not venue.capabilities.leverage:
        return LeverageEvaluation(obstacle=f"{instrument.name} has no leverage that could be set here")
    if venue.mode is Mode.READ_ONLY or venue.fault:
        return LeverageEvaluation(obstacle=venue.fault or "this venue is read-only here")
    if obstacle := why_not_flat(frame, instrument):
        return LeverageEvaluation(obstacle=obstacle)
    try:
        leverage = parse_number(text.strip().lower().removesuffix("x").strip(), "10")
    except ExpressionError as problem:
        return LeverageEvaluation(problem=str(problem))
    most = instrument.max_leverage
    if not 1 <= leverage <= most or leverage != leverage.to_integral_value():
        return LeverageEvaluation(problem=f"a whole number from 1 to {most:f}")
    mode = margin_mode or MarginMode.CROSS
    return LeverageEvaluation(wish=LeverageWish(instrument.id, leverage, mode))
