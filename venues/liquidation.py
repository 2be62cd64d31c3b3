"""At which mark a venue closes perpetual positions by force: arithmetic on brackets, the same for every venue.

A position is closed once what stands behind it, its profit at the mark included, is down to its maintenance
margin: the notional at the mark times its bracket's rate, less the bracket's amount. The bracket follows from the
size alone. An isolated position has its margin behind it; all cross positions of one settle currency have the
wallet behind them, less what the isolated ones hold. The fee of a liquidation is no part of when it happens.

Quantities are signed and in base units, money in the settle currency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from venues.model import ZERO, Bracket, Instrument, InstrumentId, MarginMode, Position
from venues.rounding import nearest_to

_FARTHEST = 10**15  # ticks: what lies beyond is no price that is ever reached

PositionKey: TypeAlias = tuple[InstrumentId, str]
"""An instrument and the id of a position in it."""


class Stake(NamedTuple):
    """A position as the arithmetic sees it."""

    quantity: Decimal
    entry_price: Decimal
    brackets: Sequence[Bracket]


def key_of(position: Position) -> PositionKey:
    return position.instrument, position.position_id


def brackets_of(instrument: Instrument) -> Sequence[Bracket]:
    """Returns the brackets, the smallest first; one without an end where only a maintenance rate is known."""
    if instrument.brackets:
        return instrument.brackets
    return (
        Bracket(
            max_quantity=Decimal("Infinity"),
            max_leverage=instrument.max_leverage,
            maintenance_rate=instrument.maintenance_margin,
        ),
    )


def bracket_of(brackets: Sequence[Bracket], quantity: Decimal) -> Bracket:
    """Returns the bracket that a size falls into; beyond the last one it is the last one."""
    size = abs(quantity)
    return next((one for one in brackets if size <= one.max_quantity), brackets[-1])


def most_leverage(instrument: Instrument, quantity: Decimal) -> Decimal:
    """Returns the highest leverage that a size may have, 0 where no bracket takes it."""
    brackets = brackets_of(instrument)
    found = bracket_of(brackets, quantity)
    return found.max_leverage if abs(quantity) <= found.max_quantity else ZERO


def unrealized_pnl(quantity: Decimal, entry_price: Decimal, mark: Decimal) -> Decimal:
    """Returns what closing at the mark would bring, fees aside."""
    return (mark - entry_price) * quantity


def maintenance_margin(brackets: Sequence[Bracket], quantity: Decimal, mark: Decimal) -> Decimal:
    """Returns what has to stand behind a position at a mark."""
    found = bracket_of(brackets, quantity)
    return abs(quantity) * mark * found.maintenance_rate - found.maintenance_amount


def liquidation_price(stakes: Iterable[Stake], backing: Decimal, tick: Decimal) -> Decimal | None:
    """Returns the mark, on the nearest tick, at which `backing` and the profit of `stakes` are down to their
    maintenance margin; None where no price above zero does it.

    The stakes move with one mark: one isolated position with its margin behind it, or all cross positions of an
    instrument, long and short, with what `cross_backing` returns.
    """
    slope = level = ZERO
    for quantity, entry_price, brackets in stakes:
        found = bracket_of(brackets, quantity)
        slope += quantity - found.maintenance_rate * abs(quantity)
        level += quantity * entry_price - found.maintenance_amount
    if not slope:
        return None
    exact = (level - backing) / slope
    if not 0 < exact < _FARTHEST * tick:
        return None
    price = nearest_to(exact, tick)
    return price if price > 0 else None


def cross_backing(wallet: Decimal, isolated: Decimal, others: Iterable[tuple[Stake, Decimal]]) -> Decimal:
    """Returns what stands behind the cross positions of one instrument.

    `wallet` is the whole balance, profits aside; `isolated` what isolated positions hold of it; `others` the cross
    positions of other instruments with their marks, of which the profit helps and the maintenance margin is taken.
    """
    backing = wallet - isolated
    for (quantity, entry_price, brackets), mark in others:
        backing += unrealized_pnl(quantity, entry_price, mark) - maintenance_margin(brackets, quantity, mark)
    return backing


def liquidation_prices(
    positions: Iterable[Position],
    wallets: Mapping[str, Decimal],
    mark: Callable[[InstrumentId], Decimal | None],
    instrument: Callable[[InstrumentId], Instrument | None],
) -> dict[PositionKey, Decimal | None]:
    """Returns where each open position is liquidated, None where no price does it.

    `wallets` are whole balances by settle currency. A position is left out of the answer where something that
    bears on it is not known: its instrument, what has to be kept of it, the wallet, or the mark of another cross
    position.
    """
    prices: dict[PositionKey, Decimal | None] = {}
    crossed: dict[str, dict[InstrumentId, list[Position]]] = {}
    listed: dict[InstrumentId, Instrument] = {}
    isolated: dict[str, Decimal] = {}
    unclear: set[str] = set()  # settle currencies of cross positions of which nobody knows what has to be kept
    strangers = False
    for each in positions:
        if not each.quantity:
            continue
        found = instrument(each.instrument)
        if found is None:
            strangers = True
            continue
        listed[each.instrument] = found
        if each.margin_mode is MarginMode.ISOLATED:
            isolated[found.settle] = isolated.get(found.settle, ZERO) + each.margin
            if _is_covered(each, found):
                prices[key_of(each)] = liquidation_price([_stake(each, found)], each.margin, found.tick_size)
        elif not _is_covered(each, found):
            unclear.add(found.settle)
        else:
            crossed.setdefault(found.settle, {}).setdefault(each.instrument, []).append(each)
    if strangers:
        return prices
    for settle, by_instrument in crossed.items():
        if settle in wallets and settle not in unclear:
            backing = wallets[settle] - isolated.get(settle, ZERO)
            prices.update(_cross_prices(by_instrument, listed, backing, mark))
    return prices


def _cross_prices(
    crossed: Mapping[InstrumentId, Sequence[Position]],
    listed: Mapping[InstrumentId, Instrument],
    wallet: Decimal,
    mark: Callable[[InstrumentId], Decimal | None],
) -> dict[PositionKey, Decimal | None]:
    prices: dict[PositionKey, Decimal | None] = {}
    marks = {one: mark(one) for one in crossed}
    stakes = {one: [_stake(each, listed[one]) for each in positions] for one, positions in crossed.items()}
    for here, positions in crossed.items():
        others = [(stake, marks[there]) for there in crossed if there != here for stake in stakes[there]]
        known = [(stake, at) for stake, at in others if at is not None]
        if len(known) < len(others):
            continue
        price = liquidation_price(stakes[here], cross_backing(wallet, ZERO, known), listed[here].tick_size)
        prices.update(dict.fromkeys(map(key_of, positions), price))
    return prices


def _is_covered(position: Position, instrument: Instrument) -> bool:
    """Whether what has to be kept of a position is known: it is in a bracket, which asks for something."""
    found = bracket_of(brackets_of(instrument), position.quantity)
    return abs(position.quantity) <= found.max_quantity and found.maintenance_rate > 0


def _stake(position: Position, instrument: Instrument) -> Stake:
    return Stake(position.quantity, position.entry_price, brackets_of(instrument))
