"""What the desk knows around an order, the line that says what is sent, and the warnings that go with it.

Everything here comes out of frame views, so it can be worked out again on every frame. Pure, Decimal, no clock.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

import msgspec

from tui.desk.control import OrderIntent
from tui.desk.estimate import Estimate, estimate, is_within, opposite_levels
from tui.desk.expressions import Anchor
from tui.desk.facts import number_words
from tui.desk.frame import BookView, Frame, QuoteView
from venues.margin import MarginAccount, MarginAsset
from venues.model import (
    NANOSECONDS,
    ZERO,
    Balance,
    Instrument,
    MarginMode,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Mode

PRECISION = 28
FAR_FROM_MID = Decimal("0.05")
STALE_AFTER = 5 * NANOSECONDS


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What is known around a ticket: the instrument, its market, and the account's means. All as of `now`."""

    instrument: Instrument
    capabilities: Capabilities
    account: str = "main"
    mode: Mode = Mode.PAPER
    is_armed: bool = True
    lock_reason: str = ""
    now: int = 0
    book: BookView | None = None  # None while another instrument's book is shown
    quote: QuoteView | None = None
    balances: tuple[Balance, ...] | None = None  # None: not known yet
    positions: tuple[Position, ...] = ()  # this instrument's, this account's
    margin: MarginAccount | None = None  # the venue's margin wallet, where it has one that is known
    wallet: str = ""  # the margin wallet's name where these means are its own: then an order goes there

    @property
    def takes_margin(self) -> bool:
        """Whether an order may go to the venue's margin wallet as well as to the spot account."""
        return bool(self.capabilities.margin_wallet) and self.instrument.takes_margin

    def of_wallet(self, in_margin_wallet: bool) -> Context:
        """Returns what is known around an order in the margin wallet, or in the spot account."""
        positions = tuple(each for each in self.positions if each.in_margin_wallet is in_margin_wallet)
        if not in_margin_wallet:
            return self if positions == self.positions else msgspec.structs.replace(self, positions=positions)
        balances = None if self.margin is None else tuple(map(_balance, self.margin.assets))
        name = self.capabilities.margin_wallet or "margin wallet"
        return msgspec.structs.replace(self, positions=positions, balances=balances, wallet=name)

    @property
    def anchors(self) -> dict[Anchor, Decimal]:
        """The prices that an expression may start from. From a book that can not be trusted there are none."""
        found: dict[Anchor, Decimal | None] = {}
        if self.book is not None:
            found[Anchor.BID] = self.book.bids[0].price if self.book.is_valid and self.book.bids else None
            found[Anchor.ASK] = self.book.asks[0].price if self.book.is_valid and self.book.asks else None
        elif self.quote is not None:
            found[Anchor.BID] = self.quote.bid
            found[Anchor.ASK] = self.quote.ask
        bid, ask = found.get(Anchor.BID), found.get(Anchor.ASK)
        if bid is not None and ask is not None:
            found[Anchor.MID] = (bid + ask) / 2
        if self.quote is not None:
            found[Anchor.LAST] = self.quote.last
            found[Anchor.MARK] = self.quote.mark
        return {anchor: price for anchor, price in found.items() if price is not None and price > 0}

    @property
    def reference(self) -> Decimal | None:
        """The market's price in one number: mid, else mark, else last."""
        anchors = self.anchors
        return anchors.get(Anchor.MID) or anchors.get(Anchor.MARK) or anchors.get(Anchor.LAST)

    def expected_price(self, side: Side) -> Decimal | None:
        """Returns what an order of this side would begin to trade at now."""
        anchors = self.anchors
        return anchors.get(Anchor.ASK if side is Side.BUY else Anchor.BID) or self.reference

    def available(self, currency: str) -> Decimal | None:
        """Returns what is free of a currency; None while no balance is known."""
        if self.balances is None:
            return None
        return next((b.available for b in self.balances if b.currency == currency), ZERO)

    def total(self, currency: str) -> Decimal | None:
        """Returns what is held of a currency; None while no balance is known."""
        if self.balances is None:
            return None
        return next((b.total for b in self.balances if b.currency == currency), ZERO)

    def position(self, position_id: str | None = None, reducible_by: Side | None = None) -> Position | None:
        """Returns the position of this id, or the only one that an order of side `reducible_by` would reduce."""
        open_ones = [p for p in self.positions if p.quantity]
        if position_id is not None:
            return next((p for p in open_ones if p.position_id == position_id), None)
        if reducible_by is not None:
            open_ones = [p for p in open_ones if p.quantity * reducible_by.sign < 0]
        return open_ones[0] if len(open_ones) == 1 else None

    @property
    def terms(self) -> Position | None:
        """A position that has the leverage and margin mode of all that are open; None where they differ."""
        open_ones = [p for p in self.positions if p.quantity]
        are_alike = len({(p.leverage, p.margin_mode) for p in open_ones}) == 1
        return open_ones[0] if are_alike else None

    def touched_by(self, intent: OrderIntent) -> Position | None:
        """Returns the position that an order would add to or reduce; None where it opens one of its own."""
        if intent.reduce_only:
            return self.position(intent.position_id, intent.side)
        if not self.capabilities.position_sides:
            return self.position(intent.position_id)
        # Long and short stand side by side. Where a side has several, each order opens one more.
        same = [p for p in self.positions if p.quantity * intent.side.sign > 0 and self._has_mode(p, intent)]
        return same[0] if len(same) == 1 else None

    def leverage_in(self, mode: MarginMode | None) -> Decimal | None:
        """Returns the leverage that an order of this mode is sized with; None or zero where none is told."""
        if not self.capabilities.margin_mode_of_order:
            return self.terms.leverage if self.terms is not None else None
        told = (p.leverage for p in self.positions if p.quantity and p.leverage and p.margin_mode is mode)
        return next(told, None)

    def terms_of(self, intent: OrderIntent) -> Position | None:
        """Returns a position with the leverage and margin mode that an order goes with, as far as any tells."""
        if (touched := self.touched_by(intent)) is not None:
            return touched
        if not self.capabilities.margin_mode_of_order:
            return self.terms
        return next((p for p in self.positions if p.quantity and p.leverage and self._has_mode(p, intent)), None)

    def _has_mode(self, position: Position, intent: OrderIntent) -> bool:
        return not self.capabilities.margin_mode_of_order or intent.margin_mode in (None, position.margin_mode)


def make_context(frame: Frame, instrument: Instrument, account: str | None = None) -> Context | None:
    """Gathers from a complete frame what concerns an instrument; None while its venue is not known."""
    venue = next(
        (
            view
            for view in frame.venues or ()
            if view.venue == instrument.id.venue and (account is None or view.account == account)
        ),
        None,
    )
    if venue is None:
        return None
    book = frame.book
    return Context(
        instrument=instrument,
        capabilities=venue.capabilities,
        account=venue.account,
        mode=venue.mode,
        is_armed=frame.desk is None or frame.desk.is_armed,
        lock_reason="" if frame.desk is None else frame.desk.lock_reason,
        now=frame.ts,
        book=book if book is not None and book.instrument.id == instrument.id else None,
        quote=next((q for q in frame.quotes or () if q.instrument.id == instrument.id), None),
        balances=None
        if frame.balances is None
        else tuple(
            view.balance for view in frame.balances if view.venue == venue.venue and view.account == venue.account
        ),
        positions=tuple(
            view.position
            for view in frame.positions or ()
            if view.position.instrument == instrument.id and view.account == venue.account
        ),
        margin=next(
            (
                view.wallet
                for view in frame.margins or ()
                if view.venue == venue.venue and view.account == venue.account
            ),
            None,
        ),
    )


def _balance(asset: MarginAsset) -> Balance:
    total = asset.available + asset.locked
    return Balance(currency=asset.currency, total=total, available=asset.available, locked=asset.locked)


class Appraisal(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is, in one line, what it is expected to cost, and what the trader should know of it."""

    line: str = ""
    estimate: Estimate = Estimate()
    warnings: tuple[str, ...] = ()


def describe(intent: OrderIntent, instrument: Instrument, wallet: str = "margin wallet") -> str:
    """Says in one line what will be sent, exactly as it will be sent; `wallet` is the venue's name of that."""
    words = [intent.side.upper(), f"{intent.quantity:,f}", instrument.base]
    words.append("at market" if intent.price is None else f"@ {intent.price:,f}")
    if intent.trigger_price is not None:
        words.append(f"when {intent.trigger_price:,f} is reached")
    if intent.time_in_force is not TimeInForce.GTC:
        words.append(intent.time_in_force.upper())
    if intent.post_only:
        words.append("post-only")
    if intent.reduce_only:
        words.append(f"reduce-only{number_words(intent.position_id or '')}")
    if intent.leverage is not None:
        words.append(f"{intent.leverage:f}x")
    if intent.margin_mode is not None:
        words.append(intent.margin_mode.value)
    for name, price in (("TP", intent.take_profit), ("or SL" if intent.reduce_only else "SL", intent.stop_loss)):
        if price is not None:
            words.append(f"{name} {price:,f}")
    if intent.in_margin_wallet:
        words.append(f"· {wallet}")
    return " ".join(words)


def appraise(intent: OrderIntent, context: Context) -> Appraisal:
    """Works out cost, effect and warnings of an order with what is known now, and with its own wallet's means."""
    context = context.of_wallet(intent.in_margin_wallet)
    # Estimates: the usual precision, whatever that of the caller is.
    with localcontext(prec=PRECISION):
        position, like = context.touched_by(intent), context.terms_of(intent)
        expected = estimate(
            intent,
            context.instrument,
            book=context.book,
            reference=context.reference,
            position=position,
            leverage=intent.leverage or (None if like is None else like.leverage),
            margin_mode=intent.margin_mode or (MarginMode.CROSS if like is None else like.margin_mode),
            collateral=context.total(context.instrument.settle),
            beside=tuple(p for p in context.positions if p.quantity and p is not position),
        )
        return Appraisal(
            line=describe(intent, context.instrument, context.wallet),
            estimate=expected,
            warnings=tuple(_warnings(intent, context, expected)),
        )


def _warnings(intent: OrderIntent, context: Context, expected: Estimate) -> list[str]:
    """Lists what is worth a word, the gravest first."""
    warnings = []
    if not context.is_armed and not intent.reduce_only:
        why = f" ({context.lock_reason})" if context.lock_reason else ""
        warnings.append(f"locked{why}: press A outside the ticket to arm")
    warnings.extend(_market_warnings(intent, context, expected))
    warnings.extend(_means_warnings(intent, context, expected))
    if context.instrument.note:  # whose word its steps are, where it is not the venue's
        warnings.append(context.instrument.note)
    return warnings


def _market_warnings(intent: OrderIntent, context: Context, expected: Estimate) -> list[str]:
    book, warnings = context.book, []
    if book is None:
        warnings.append("the book of this instrument is not shown: no depth to judge by")
    elif not book.is_valid:
        warnings.append(f"the book is not valid{f' ({book.fault})' if book.fault else ''}: no depth to judge by")
    elif book.ts_recv and context.now - book.ts_recv > STALE_AFTER:
        warnings.append(f"the book is {(context.now - book.ts_recv) // NANOSECONDS} s old")
    mid = context.reference
    if intent.price is not None and mid is not None:
        distance = intent.price / mid - 1
        if abs(distance) > FAR_FROM_MID:
            where = "above" if distance > 0 else "below"
            warnings.append(f"price is {abs(distance):.1%} {where} the market")
    if intent.post_only and intent.price is not None and book is not None and book.is_valid:
        best = opposite_levels(book, intent.side)[:1]
        if best and is_within(best[0].price, intent.side, intent.price):
            warnings.append("post-only at a price that would trade at once: it will be refused")
    if expected.is_beyond_book:
        warnings.append("larger than the whole book shown: the price is open")
    if intent.time_in_force is TimeInForce.FOK and expected.filled_now < intent.quantity:
        warnings.append("fill-or-kill, and the book shown can not fill it")
    if intent.time_in_force is TimeInForce.IOC and intent.type is OrderType.LIMIT and not expected.filled_now:
        warnings.append("immediate-or-cancel, and nothing trades at this price now")
    return warnings


def _means_warnings(intent: OrderIntent, context: Context, expected: Estimate) -> list[str]:
    """What the account lacks. The venue decides: an order is not stopped here for it."""
    instrument = context.instrument
    if intent.reduce_only:
        position = context.position(intent.position_id, intent.side)
        if position is not None and intent.quantity > abs(position.quantity):
            return [f"more than the position of {abs(position.quantity):,f} {instrument.base}"]
        return []
    fee = max(expected.fee or ZERO, ZERO)
    needed: Decimal | None
    if instrument.is_perpetual:
        currency, needed = instrument.settle, expected.margin
        position = context.touched_by(intent)
        if position is not None and position.quantity * intent.side.sign < 0:
            return []
    elif intent.side is Side.SELL:
        currency, needed, fee = instrument.base, intent.quantity, ZERO
    else:
        currency, needed = instrument.quote, expected.notional
    available = context.available(currency)
    if needed is not None and available is None and context.wallet:
        return [f"what is in the {context.wallet} is not known"]
    if needed is None or available is None or needed + fee <= available:
        return []
    if context.wallet:
        return [_lacking(needed + fee, available, currency, context)]
    return [f"needs {format_amount(needed + fee)} {currency}, {format_amount(available)} free"]


def _lacking(needed: Decimal, available: Decimal, currency: str, context: Context) -> str:
    """Says that an order in a margin wallet has to be borrowed for first: no venue here lends by itself."""
    asset = context.margin.asset(currency) if context.margin is not None else None
    missing = f"{format_amount(needed - available)} {currency}"
    remedy = (
        f"borrow {missing} first (M)" if asset is not None and asset.is_lent else f"transfer {missing} in first"
    )
    free = f"{format_amount(available)} {currency} free in the {context.wallet}"
    return f"{free}, and {context.instrument.id.venue} does not lend by itself: {remedy}"


def format_amount(value: Decimal) -> str:
    """Writes an amount of money: cents where there are whole units, three significant digits below that."""
    if abs(value) >= 1 or not value:
        return f"{value:,.2f}"
    return f"{value:.{min(8, 2 - value.adjusted())}f}".rstrip("0").rstrip(".") or "0"
