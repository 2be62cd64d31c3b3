"""What a loan, a repayment or a transfer would do to a margin wallet, worked out before it is sent.

Amounts are in the currency that is moved, ratios assets over debts. Estimates, all of them: the venue values by
its own index prices, which the desk does not see. None says that it is not known. Pure Decimal, no clock.

    amount    0.1   0.1 btc   50%   all          of what is owed, free, or can still be borrowed
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, localcontext
from enum import StrEnum

import msgspec

from tui.desk.control import FundsIntent
from tui.desk.expressions import ExpressionError, parse_number
from tui.desk.frame import BookView, Frame, MarginView, QuoteView
from venues.commands import FundsKind
from venues.margin import MarginAccount, MarginAsset
from venues.model import NANOSECONDS, ZERO, Instrument
from venues.port import Mode
from venues.rounding import floor_to

PRECISION = 90  # as for orders: 20 digits before the point and 20 behind it, multiplied
LARGEST = Decimal(10) ** 15  # what is larger has a digit too many
STALE_AFTER = 60 * NANOSECONDS  # what a wallet holds is told when it changes, and read anew now and then
_HOURS = 24
_FINEST = Decimal("0.00000001")  # of a share where no step is known: venues count in no smaller ones
BEYOND = Decimal(1000)  # a ratio from which on its figure says nothing: a crumb is owed
_SHARE = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*%")
_AMOUNT = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*((?!e[0-9])[a-z][a-z0-9]*)", re.IGNORECASE)
_HUNDRED = Decimal(100)


class Level(StrEnum):
    """How near a margin wallet is to trouble, by the trader's own levels."""

    NO_DEBT = "no debt"
    UNKNOWN = "not known"  # it owes, and the venue has not told the ratio
    CALM = "calm"
    WARNING = "WARNING"
    ALARM = "ALARM"


def level_of(ratio: Decimal | None, view: MarginView, *, has_debt: bool = True) -> Level:
    """Returns what a ratio means by the levels of `view`."""
    if not has_debt:
        return Level.NO_DEBT
    if ratio is None:
        return Level.UNKNOWN
    if ratio < view.alarm_below:
        return Level.ALARM
    return Level.WARNING if ratio < view.warn_below else Level.CALM


def level_now(view: MarginView) -> Level:
    """Returns how near a wallet is to trouble as it was last heard of."""
    return level_of(view.wallet.ratio, view, has_debt=view.wallet.has_debt)


def borrowable(asset: MarginAsset) -> Decimal | None:
    """Returns how much more may be borrowed of a currency; None where it is not lent, or not known."""
    return None if asset.borrow_limit is None else max(ZERO, asset.borrow_limit - asset.debt)


class Amount(msgspec.Struct, frozen=True):
    """An amount as it was typed: `value` alone, or a `share` (0..1) of what there is."""

    value: Decimal | None = None
    share: Decimal | None = None


def parse_amount(text: str, currency: str) -> Amount:
    """Reads an amount of `currency`.

    Raises:
        ExpressionError: it can not be read, is zero, or names another currency.
    """
    text = text.strip()
    if not text:
        raise ExpressionError(f"type an amount in {currency}, or 50%, all")
    if text.lower() == "all":
        return Amount(share=Decimal(1))
    if share := _SHARE.fullmatch(text):
        percent = Decimal(share[1])
        if not 0 < percent <= _HUNDRED:
            raise ExpressionError("write a share above 0 % and up to 100 %")
        return Amount(share=percent / _HUNDRED)
    if amount := _AMOUNT.fullmatch(text):
        number, named = amount.groups()
        if named.lower() != currency.lower():
            raise ExpressionError(f"this is in {currency}, not {named}: choose the currency above")
        text = number
    elif text[0].isalpha():
        raise ExpressionError("write an amount, 50% or all")
    value = parse_number(text, "0.5")
    if value == 0:
        raise ExpressionError("the amount must be above zero")
    if value >= LARGEST:
        raise ExpressionError("that is too large to be meant")
    return Amount(value=value)


def share_of(share: Decimal, whole: Decimal, step: Decimal | None = None) -> Decimal:
    """Returns a share of an amount, rounded down to `step`: a debt has more digits than can be paid back.

    Where no step is known it is eight digits.
    """
    amount = floor_to(whole * share, _FINEST if step is None else step)
    return whole if amount == whole else amount


class FundsDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the form: a kind, a currency, and the raw text of the amount."""

    kind: FundsKind
    currency: str
    amount: str = ""


class FundsContext(msgspec.Struct, frozen=True, kw_only=True):
    """What is known around a wish for a margin wallet. All as of `now`."""

    margin: MarginView
    mode: Mode = Mode.PAPER
    is_armed: bool = True
    lock_reason: str = ""
    fault: str = ""  # why nothing can be sent at all
    now: int = 0
    spot: Mapping[str, Decimal] | None = None  # what is free beside the wallet; None: not known yet
    prices: Mapping[str, Decimal] = {}  # of one unit of a currency, in the wallet's

    def asset(self, currency: str) -> MarginAsset:
        return self.margin.wallet.asset(currency) or MarginAsset(currency=currency)

    def price(self, currency: str) -> Decimal | None:
        return Decimal(1) if currency == self.margin.wallet.currency else self.prices.get(currency)

    def base_of(self, kind: FundsKind, currency: str) -> Decimal | None:
        """Returns what a share of is meant; None while it is not known."""
        asset = self.asset(currency)
        match kind:
            case FundsKind.BORROW:
                return borrowable(asset)
            case FundsKind.REPAY:
                return asset.debt
            case FundsKind.TRANSFER_OUT:
                return asset.available
        return None if self.spot is None else self.spot.get(currency, ZERO)

    def currencies(self, kind: FundsKind, wanted: str = "") -> tuple[str, ...]:
        """Returns the currencies with which this can be done; `wanted` is always among them."""
        assets = self.margin.wallet.assets
        match kind:
            case FundsKind.BORROW:
                found = [asset.currency for asset in assets if asset.is_lent]
            case FundsKind.REPAY:
                found = [asset.currency for asset in assets if asset.debt]
            case FundsKind.TRANSFER_OUT:
                found = [asset.currency for asset in assets if asset.available]
            case _:
                found = [asset.currency for asset in assets]
                found += [name for name, free in (self.spot or {}).items() if free and name not in found]
        if wanted and wanted not in found:
            found.insert(0, wanted)
        return tuple(found)


class FundsEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be expected. `interest_per_hour` is that of the amount: paid for a loan, saved by a repayment."""

    interest_per_hour: Decimal | None = None
    hourly_rate: Decimal | None = None
    next_hourly_rate: Decimal | None = None
    level_before: Level = Level.UNKNOWN
    level_after: Level = Level.UNKNOWN
    ratio_before: Decimal | None = None
    ratio_after: Decimal | None = None
    why_unknown: str = ""  # of the ratio
    owed_after: Decimal = ZERO
    available_after: Decimal = ZERO
    borrowable_after: Decimal | None = None

    @property
    def interest_per_day(self) -> Decimal | None:
        return None if self.interest_per_hour is None else self.interest_per_hour * _HOURS


class FundsEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft means now: an intent, or words that say what is missing."""

    intent: FundsIntent | None = None
    problem: str = ""  # of the amount
    obstacle: str = ""  # why nothing can be done here at all
    resolved: str = ""  # what the text was turned into, where that is not what was typed
    estimate: FundsEstimate | None = None
    warnings: tuple[str, ...] = ()


def read_wish(kind: FundsKind, words: str) -> FundsDraft:
    """Returns the draft that a `:` line means: "0.1 BTC", "all BTC", "BTC", "50%"; what is missing stays open."""
    amount, _, rest = words.strip().partition(" ")
    if not rest and amount.isalnum() and amount[:1].isalpha() and amount.lower() != "all":
        amount, rest = "", amount
    return FundsDraft(kind=kind, currency=rest.strip().upper(), amount=amount)


def make_funds_context(frame: Frame, venue: str) -> FundsContext | None:
    """Gathers from a complete frame what concerns a venue's margin wallet; None where there is none."""
    margin = next((view for view in frame.margins or () if view.venue == venue), None)
    view = next((each for each in frame.venues or () if each.venue == venue), None)
    if margin is None or view is None:
        return None
    desk = frame.desk
    fault = view.fault or (desk.read_only_reason if desk is not None else "")
    if view.mode is Mode.READ_ONLY:
        fault = f"{venue} is READ-ONLY here{f': {fault}' if fault else ''}"
    spot = None
    if frame.balances is not None:
        held = [each for each in frame.balances if each.venue == venue and each.account == margin.account]
        spot = {each.balance.currency: each.balance.available for each in held}
    return FundsContext(
        margin=margin,
        mode=view.mode,
        is_armed=desk is None or desk.is_armed,
        lock_reason="" if desk is None else desk.lock_reason,
        fault=fault,
        now=frame.ts,
        spot=spot,
        prices=prices_in(margin.wallet.currency, frame.quotes or (), frame.book, venue),
    )


def prices_in(
    currency: str, quotes: tuple[QuoteView, ...], book: BookView | None, venue: str
) -> dict[str, Decimal]:
    """Returns what a unit of each currency is worth in `currency`, by the prices of `venue` that are known.

    A market against another currency counts where that one's own price is known: BTC/TWD with USDT/TWD.
    """
    if not currency:
        return {}
    markets: list[tuple[Instrument, Decimal]] = []
    if book is not None and book.instrument.id.venue == venue and book.is_valid and book.bids and book.asks:
        markets.append((book.instrument, (book.bids[0].price + book.asks[0].price) / 2))
    for quote in quotes:
        price = quote_price(quote)
        if quote.instrument.id.venue == venue and price is not None and price > 0:
            markets.append((quote.instrument, price))
    prices = {currency: Decimal(1)}
    with localcontext(prec=PRECISION):
        for _ in range(2):  # one market, or one by way of another currency
            known = dict(prices)
            for instrument, price in markets:
                if instrument.quote in known:
                    prices.setdefault(instrument.base, price * known[instrument.quote])
                elif instrument.base in known:
                    prices.setdefault(instrument.quote, known[instrument.base] / price)
    return prices


def quote_price(quote: QuoteView) -> Decimal | None:
    """Returns a market's price in one number: index, else mark, else mid, else last."""
    mid = (quote.bid + quote.ask) / 2 if quote.bid is not None and quote.ask is not None else None
    return quote.index or quote.mark or mid or quote.last


def evaluate_funds(draft: FundsDraft, context: FundsContext) -> FundsEvaluation:
    """Works out what a draft means now."""
    with localcontext(prec=PRECISION):
        return _evaluate(draft, context)


def _evaluate(draft: FundsDraft, context: FundsContext) -> FundsEvaluation:
    if obstacle := context.fault or _obstacle(draft, context):
        return FundsEvaluation(obstacle=obstacle)
    try:
        amount = _read(draft, context)
    except ExpressionError as problem:
        return FundsEvaluation(problem=str(problem))
    intent = FundsIntent(venue=context.margin.venue, kind=draft.kind, currency=draft.currency, amount=amount)
    written = draft.amount.strip().lower()
    is_as_typed = written == f"{amount:f}" or written.split()[0] == f"{amount:f}"
    expected = estimate_funds(intent, context)
    return FundsEvaluation(
        intent=intent,
        resolved="" if is_as_typed else f"= {amount:,f} {draft.currency}",
        estimate=expected,
        warnings=tuple(_warnings(intent, context, expected)),
    )


def _obstacle(draft: FundsDraft, context: FundsContext) -> str:
    """Says why this can not be done with any amount of the currency; empty where it can."""
    name, currency = context.margin.name, draft.currency
    if not currency:
        return {
            FundsKind.BORROW: f"{context.margin.venue} tells of no currency that it lends",
            FundsKind.REPAY: f"nothing is owed in the {name}",
            FundsKind.TRANSFER_OUT: f"nothing is free in the {name}",
        }.get(draft.kind, "no currency is known to transfer")
    asset = context.asset(currency)
    if draft.kind is FundsKind.BORROW and not asset.is_lent:
        return f"{context.margin.venue} does not lend {currency}, as far as it is known"
    if draft.kind is FundsKind.REPAY and not asset.debt:
        return f"no {currency} is owed"
    return ""


def _read(draft: FundsDraft, context: FundsContext) -> Decimal:
    """Returns the amount. Raises ExpressionError with a sentence for its field."""
    typed, currency, kind = parse_amount(draft.amount, draft.currency), draft.currency, draft.kind
    asset, base = context.asset(currency), context.base_of(kind, currency)
    name, what = context.margin.name, currency
    if typed.value is None:
        if base is None:
            raise ExpressionError(f"a share of what? {_BASES[kind]} is not known: type an amount in {what}")
        amount = share_of(typed.share or ZERO, base, asset.step)
    else:
        amount = typed.value
        if asset.step is not None and amount % asset.step:
            raise ExpressionError(f"{what} goes in steps of {asset.step:f} here")
    match kind:
        case FundsKind.BORROW if base is not None and amount > base:
            raise ExpressionError(f"at most {base:,f} {what} can still be borrowed")
        case FundsKind.REPAY if amount > asset.debt:
            raise ExpressionError(f"only {asset.debt:,f} {what} is owed: type all")
        case FundsKind.REPAY if amount > asset.available:
            raise ExpressionError(f"only {asset.available:,f} {what} is free in the {name}: transfer in or buy it")
        case FundsKind.TRANSFER_OUT if amount > asset.available:
            raise ExpressionError(f"only {asset.available:,f} {what} is free in the {name}")
        case FundsKind.TRANSFER_IN if base is not None and amount > base:
            raise ExpressionError(f"only {base:,f} {what} is free in spot")
    if amount <= 0:
        raise ExpressionError(f"no {what} is there for that")
    return amount


_BASES = {
    FundsKind.BORROW: "what can still be borrowed",
    FundsKind.REPAY: "what is owed",
    FundsKind.TRANSFER_OUT: "what is free in it",
    FundsKind.TRANSFER_IN: "what is free in spot",
}


def estimate_funds(intent: FundsIntent, context: FundsContext) -> FundsEstimate:
    """Works out what `intent` would do."""
    asset, kind, amount = context.asset(intent.currency), intent.kind, intent.amount
    is_of_loan = kind in (FundsKind.BORROW, FundsKind.REPAY)
    rate = asset.hourly_rate if is_of_loan else None
    debt = asset.debt
    if kind is FundsKind.BORROW:
        debt += amount
    elif kind is FundsKind.REPAY:
        debt = max(ZERO, debt - amount)
    gained = amount if kind in (FundsKind.BORROW, FundsKind.TRANSFER_IN) else -amount
    view, wallet = context.margin, context.margin.wallet
    owes_after = debt > 0 or any(each.debt for each in wallet.assets if each.currency != intent.currency)
    ratio, why = _ratio_after(intent, context) if owes_after else (None, "")
    return FundsEstimate(
        interest_per_hour=None if rate is None else rate * amount,
        hourly_rate=rate,
        next_hourly_rate=asset.next_hourly_rate if is_of_loan else None,
        level_before=level_now(view),
        level_after=level_of(ratio, view, has_debt=owes_after),
        ratio_before=wallet.ratio if wallet.has_debt else None,
        ratio_after=ratio,
        why_unknown=why,
        owed_after=debt,
        available_after=max(ZERO, asset.available + gained),
        borrowable_after=None if asset.borrow_limit is None else max(ZERO, asset.borrow_limit - debt),
    )


def _ratio_after(intent: FundsIntent, context: FundsContext) -> tuple[Decimal | None, str]:
    """Returns assets over debts as they would be, or why that is not known."""
    wallet, price = context.margin.wallet, context.price(intent.currency)
    if price is None:
        unit = wallet.currency or "the wallet's currency"
        return None, f"no price of {intent.currency} in {unit} is known"
    assets, debts = totals(wallet, context)
    if assets is None or debts is None:
        return None, "the venue has not told what the wallet is worth"
    value = intent.amount * price
    match intent.kind:
        case FundsKind.BORROW:
            assets, debts = assets + value, debts + value
        case FundsKind.REPAY:
            assets, debts = assets - value, debts - value
        case FundsKind.TRANSFER_IN:
            assets += value
        case FundsKind.TRANSFER_OUT:
            assets -= value
    asset = context.asset(intent.currency)
    is_alone = not any(each.debt for each in wallet.assets if each.currency != intent.currency)
    if intent.kind is FundsKind.REPAY and is_alone and asset.debt - intent.amount < (asset.step or _FINEST):
        return BEYOND, ""  # less is left than the prices known here differ from the venue's
    if debts <= 0:
        return None, "the venue's figures and the prices known here do not agree"
    return max(ZERO, assets) / debts, ""


def totals(wallet: MarginAccount, context: FundsContext) -> tuple[Decimal | None, Decimal | None]:
    """Returns a wallet's assets and debts in its currency: the venue's word, else by the prices that are known."""
    debts = wallet.total_debts if wallet.total_debts is not None else None if wallet.has_debt else ZERO
    if wallet.total_assets is not None:
        return wallet.total_assets, debts
    worth = ZERO
    for asset in wallet.assets:
        held, price = asset.available + asset.locked, context.price(asset.currency)
        if held and price is None:
            return None, debts
        worth += held * (price or ZERO)
    return worth, debts


def _warnings(intent: FundsIntent, context: FundsContext, expected: FundsEstimate) -> list[str]:
    """Lists what is worth a word, the gravest first."""
    view, words = context.margin, []
    if not context.is_armed and intent.kind.adds_risk:
        why = f" ({context.lock_reason})" if context.lock_reason else ""
        words.append(f"locked{why}: A on the desk arms it")
    if expected.level_after in (Level.ALARM, Level.WARNING) and intent.kind.adds_risk:
        level = view.alarm_below if expected.level_after is Level.ALARM else view.warn_below
        words.append(f"the ratio would be below your {expected.level_after} level of {level:f}")
    same = [each for each in view.funds if each.state == "UNKNOWN" and not each.is_over]
    if any((each.request.kind, each.request.currency) == (intent.kind, intent.currency) for each in same):
        words.append(f"another one in {intent.currency} is UNKNOWN: this may be a second one")
    if view.ts_recv and context.now - view.ts_recv > STALE_AFTER:
        words.append(f"the wallet's figures are {(context.now - view.ts_recv) // NANOSECONDS} s old")
    if intent.kind is FundsKind.REPAY:
        step = context.asset(intent.currency).step or _FINEST
        if 0 < expected.owed_after < step:
            words.append(f"{expected.owed_after:f} {intent.currency} stays owed: it is paid in steps of {step:f}")
        elif not expected.owed_after:
            words.append("interest is charged each hour: a little may be charged before it arrives")
    return words
