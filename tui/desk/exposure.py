"""What the desk holds of each asset over all its venues: spot, margin wallets and positions together.

A long of 1 BTC at one venue and a short of 1 BTC at another is nothing in BTC. The account's own currency is left
out: everything is counted in it. Pure Decimal, out of frame views.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from tui.desk.facts import mode_of_id
from tui.desk.frame import Frame, PositionView
from venues.model import ZERO, InstrumentId


class Share(NamedTuple):
    """What one venue adds to an asset: `what` is "balance", the margin wallet's name, or a position in words."""

    venue: str
    what: str
    quantity: Decimal
    instrument: InstrumentId | None = None  # of a position


class Exposure(NamedTuple):
    """An asset's net over all venues in its own units, and in the account's currency where a price is known."""

    asset: str
    net: Decimal
    value: Decimal | None
    shares: tuple[Share, ...]

    def at(self, venue: str) -> Decimal | None:
        """Returns the net at one venue; None where nothing is held there."""
        found = [share.quantity for share in self.shares if share.venue == venue]
        return sum(found, ZERO) if found else None


def exposures(state: Frame) -> tuple[Exposure, ...]:
    """Returns every asset of which anything is held or owed, what is worth most first."""
    currency, found = currency_of(state), dict[str, list[Share]]()
    for asset, share in _shares(state):
        if asset != currency:
            found.setdefault(asset, []).append(share)
    prices = _prices(state, currency)
    made = [_exposure(asset, tuple(shares), prices.get(asset)) for asset, shares in found.items()]
    return tuple(sorted(made, key=lambda one: (one.value is None, -abs(one.value or ZERO), one.asset)))


def exposure_in(state: Frame, asset: str) -> Exposure | None:
    """Returns that of one asset; None where nothing of it is held, and of the account's own currency."""
    currency = currency_of(state)
    shares = tuple(share for of, share in _shares(state) if of == asset)
    if asset == currency or not shares:
        return None
    return _exposure(asset, shares, _prices(state, currency).get(asset))


def currency_of(state: Frame) -> str:
    """Returns what the account is counted in."""
    return next((account.currency for account in state.accounts or ()), "")


def untold_venues(state: Frame) -> tuple[str, ...]:
    """Returns the venues whose account was never read, or can not be: what is held there is not counted.

    One that was read, and has nothing, tells no balance either.
    """
    told = {view.venue for view in state.balances or ()}
    waiting = (view for view in state.venues or () if view.is_reconciling or view.fault)
    return tuple(view.venue for view in waiting if view.capabilities.reads_account and view.venue not in told)


def _exposure(asset: str, shares: tuple[Share, ...], price: Decimal | None) -> Exposure:
    net = sum((share.quantity for share in shares), ZERO)
    return Exposure(asset, net, None if price is None else net * price, shares)


def _shares(state: Frame) -> Iterator[tuple[str, Share]]:
    for held in state.balances or ():
        if held.balance.total:
            yield held.balance.currency, Share(held.venue, "balance", held.balance.total)
    for view in state.margins or ():
        for asset in view.wallet.assets:
            if asset.net:
                yield asset.currency, Share(view.venue, view.name, asset.net)
    for each in state.positions or ():
        if _counts(each):
            yield each.instrument.base, _share_of(each)


def _counts(view: PositionView) -> bool:
    """Whether a position adds to its base: a margin wallet has its own account of it, an inverse one has none."""
    is_inverse = view.instrument.kind.value.startswith("inverse")
    return bool(view.position.quantity) and not view.position.in_margin_wallet and not is_inverse


def _share_of(view: PositionView) -> Share:
    position = view.position
    side = "LONG" if position.quantity > 0 else "SHORT"
    mode = mode_of_id(position.position_id)
    words = f"{side} {view.instrument.name}{f' {mode.value}' if mode is not None else ''}"
    return Share(position.instrument.venue, words, position.quantity, position.instrument)


def _prices(state: Frame, currency: str) -> dict[str, Decimal]:
    """Returns what a unit of each asset is worth in `currency`, as far as anything tells."""
    found: dict[str, Decimal] = {}
    for quote in state.quotes or ():
        price = quote.mark or quote.last
        if price is not None and quote.instrument.quote == currency:
            found.setdefault(quote.instrument.base, price)
    for each in state.positions or ():
        if each.mark is not None and each.instrument.quote == currency:
            found[each.instrument.base] = each.mark
    for held in state.balances or ():
        if held.value and held.balance.total:
            found[held.balance.currency] = held.value / held.balance.total
    return found
