"""What stands between a wish to borrow, pay back, transfer or change a margin and the wire.

What brings a wallet nearer to its liquidation meets what every order that adds risk meets. What takes it further
away passes the lock and the day's loss: a limit must never keep a trader from paying back.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tui.desk.control import FundsIntent, Outcome, Reason, Verdict
from tui.desk.facts import describe_funds, figure
from tui.desk.funds_book import PROCESSING, SENT, UNKNOWN
from tui.desk.guards import Guards
from tui.desk.inert import sanitise
from tui.desk.link import Link
from tui.desk.margin_moves import margin_denials, margin_questions, not_an_amount, standing_denials
from tui.desk.store import Store
from venues.commands import FundsKind, FundsRequest
from venues.margin import MarginAccount, MarginAsset
from venues.model import ZERO
from venues.port import HasMarginWallet, Mode

_MOST_REASONS = 3


def check_funds(intent: FundsIntent, link: Link | None, store: Store, guards: Guards, now: int) -> Outcome:
    """Judges one request; `now` in nanoseconds."""
    denials = list(_denials(intent, link, store, guards, now))
    if denials:
        return Outcome(verdict=Verdict.DENIED, reasons=tuple(denials[:_MOST_REASONS]))
    asked = [reason for reason in _questions(intent, store, guards, now) if reason.guard not in intent.overrides]
    if asked:
        return Outcome(verdict=Verdict.NEEDS_YES, reasons=tuple(asked[:_MOST_REASONS]))
    return Outcome(verdict=Verdict.SENT)


def _questions(intent: FundsIntent, store: Store, guards: Guards, now: int) -> Iterator[Reason]:
    if intent.kind.is_of_position:
        yield from margin_questions(intent, store, now)
    if words := _twin(intent, store, guards, now):
        yield Reason("duplicate", words)


def _denials(intent: FundsIntent, link: Link | None, store: Store, guards: Guards, now: int) -> Iterator[Reason]:
    if link is None:
        yield Reason("venue", f"there is no venue {sanitise(intent.venue, 32)} here")
        return
    if guards.is_read_only or link.venue.capabilities.mode is Mode.READ_ONLY:
        yield Reason("read-only", guards.read_only_reason or f"{link.name} is open for reading only")
        return
    if intent.kind.is_of_position is not (intent.instrument is not None and bool(intent.position_id)):
        yield Reason("position", "a change of margin, and only that, names a position")
        return
    if intent.kind.is_of_position:
        yield from margin_denials(intent, link, store, guards, now)
        return
    if not isinstance(link.venue, HasMarginWallet) or not link.venue.capabilities.margin_wallet:
        yield Reason("supported", f"{link.name} has no margin wallet")
        return
    if store.margins.is_absent(link.name):
        name = link.venue.capabilities.margin_wallet
        yield Reason("supported", f"this account, or its key, has no {name} at {link.name}")
        return
    if (nothing := not_an_amount(intent)) is not None:
        yield nothing
        return
    yield from standing_denials(intent, link, guards, now, "what is held and owed is")
    wallet = store.margins.get(link.name)
    if wallet is None:
        if intent.kind.adds_risk:
            name = link.venue.capabilities.margin_wallet
            yield Reason("reconciling", f"what is in the {name} is not known yet")
        return
    yield from _beyond(intent, wallet, store, link.venue.capabilities.margin_wallet)


def _beyond(intent: FundsIntent, wallet: MarginAccount, store: Store, name: str) -> Iterator[Reason]:
    """Yields what is not there to be lent, paid back or moved."""
    currency, amount = sanitise(intent.currency, 32), intent.amount
    spot = store.ledger.balances.get(wallet.venue, {}).get(intent.currency)
    asset = wallet.asset(intent.currency)
    if asset is None and spot is None:
        yield Reason("currency", f"{currency} is not known at {wallet.venue}")
        return
    asset = asset or MarginAsset(currency=intent.currency)
    match intent.kind:
        case FundsKind.BORROW:
            yield from _beyond_limit(asset, amount, wallet.venue)
        case FundsKind.REPAY:
            if amount > asset.debt:
                owed = f"{figure(asset.debt)} {currency} is owed" if asset.debt else f"no {currency} is owed"
                yield Reason("size", owed)
            if amount > asset.available:
                yield _short(asset.available, currency, f"in the {name}")
        case FundsKind.TRANSFER_IN:
            free = spot.available if spot is not None else ZERO
            if amount > free:
                yield _short(free, currency, "in the spot account")
        case FundsKind.TRANSFER_OUT:
            if amount > asset.available:
                yield _short(asset.available, currency, f"in the {name}")


def _beyond_limit(asset: MarginAsset, amount: Decimal, venue: str) -> Iterator[Reason]:
    currency = sanitise(asset.currency, 32)
    if not asset.is_lent:
        yield Reason("currency", f"{venue} does not lend {currency}, as far as is known here")
    elif asset.borrow_limit is not None and asset.debt + amount > asset.borrow_limit:
        left = max(ZERO, asset.borrow_limit - asset.debt)
        yield Reason(
            "size", f"{figure(left)} {currency} can be borrowed: the limit is {figure(asset.borrow_limit)}"
        )


def _short(free: Decimal, currency: str, where: str) -> Reason:
    return Reason(
        "size", f"{figure(free)} {currency} is free {where}" if free else f"no {currency} is free {where}"
    )


def _twin(intent: FundsIntent, store: Store, guards: Guards, now: int) -> str:
    """Says why one more of the same may be one too many; empty where nothing speaks for it."""
    request = FundsRequest(
        venue=intent.venue, request_id="new", kind=intent.kind, currency=intent.currency, amount=intent.amount,
        instrument=intent.instrument, position_id=intent.position_id,
    )  # fmt: skip
    twin = store.funds.twin(request, now, guards.limits.duplicate_window)
    if twin is None:
        return ""
    place = twin.place
    what = describe_funds(twin.request, store.instrument(place[0]) if place is not None else None)
    if twin.state == UNKNOWN:
        return f"{what} was sent, and nobody knows yet what became of it"
    return f"{what} is on its way" if twin.state in (SENT, PROCESSING) else f"{what} was sent a moment ago"
