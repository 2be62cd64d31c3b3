"""Margin accounts of CoinEx: isolated by market, with loans and interest. Document: "Account API".

Nothing is liquidated here: risk and liquidation price are told, and what follows is left to the trader.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.errors import VenueError
from venues.model import NANOSECONDS, ZERO, Instrument
from venues.simulators.accounts import HistoryRow
from venues.simulators.coinex.answers import eight, short
from venues.simulators.coinex.calls import Call
from venues.simulators.coinex.markets import DAY_RATE, LEVERAGE
from venues.simulators.coinex.params import MOST_ROWS, Params
from venues.simulators.coinex.private import USER
from venues.simulators.coinex.refusals import Refusal, refusal_of
from venues.simulators.loans import Loan, liquidation_price, risk_percent
from venues.simulators.orders import MAIN

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator

_MOST_VALUE = Decimal(2_000_000)  # of a loan, in quote units of a market that USDT prices
_CENT = Decimal("0.01")
_LOAN_LASTS = 864_000  # seconds: the ten days between the two times of the document's example


def _market_account(venue: CoinexSimulator, params: Params) -> tuple[Instrument, int]:
    instrument = params.market()
    account = venue.margin_accounts.get(instrument.id.symbol)
    if account is None:
        raise Refusal(2, f"{instrument.id.symbol} is no margin market")
    return instrument, account


def _account(venue: CoinexSimulator, params: Params) -> Any:
    instrument, number = _market_account(venue, params)
    accounts, now = venue.market.accounts, venue.market.now
    base, quote = (accounts.balance(number, currency) for currency in (instrument.base, instrument.quote))
    base_debt, quote_debt = (
        accounts.loans.debt(number, currency, now) for currency in (instrument.base, instrument.quote)
    )
    sums = base.total, quote.total, base_debt.total, quote_debt.total
    risk = risk_percent(*sums, venue.market.last(instrument.id.symbol))
    price = liquidation_price(*sums)
    return {
        "account_id": number,
        "leverage": LEVERAGE,
        "market_type": instrument.id.symbol,
        "sell_asset_type": instrument.base,
        "buy_asset_type": instrument.quote,
        "balance": _pair(base.available, quote.available),
        "frozen": _pair(base.locked, quote.locked),
        "loan": _pair(base_debt.loan, quote_debt.loan),
        "interest": _pair(base_debt.interest, quote_debt.interest),
        "can_transfer": _pair(
            max(ZERO, base.available - base_debt.total), max(ZERO, quote.available - quote_debt.total)
        ),
        "warn_rate": "" if risk is None else f"{risk.quantize(_CENT):f}",
        "liquidation_price": "" if price is None else f"{round(price, instrument.price_decimals):f}",
    }


def _pair(base: Decimal, quote: Decimal) -> dict[str, str]:
    return {"sell_type": short(Decimal(eight(base))), "buy_type": short(Decimal(eight(quote)))}


def _config(venue: CoinexSimulator, params: Params) -> Any:
    if params.values.get("market"):
        instrument, _ = _market_account(venue, params)
        return _terms(venue, instrument)
    return [_terms(venue, venue.market.instruments[symbol]) for symbol in venue.margin_accounts]


def _terms(venue: CoinexSimulator, instrument: Instrument) -> dict[str, Any]:
    least_quote, most_quote = _quote_bounds(instrument)
    last = venue.market.last(instrument.id.symbol)
    return {
        "market": instrument.id.symbol,
        "leverage": LEVERAGE,
        "day_rate": short(DAY_RATE),
        instrument.base: {
            "min_amount": short(instrument.min_quantity),
            "max_amount": short((most_quote / last).quantize(Decimal("0.001"))),
        },
        instrument.quote: {"min_amount": short(least_quote), "max_amount": short(most_quote)},
    }


def _quote_bounds(instrument: Instrument) -> tuple[Decimal, Decimal]:
    return (Decimal(1), _MOST_VALUE) if instrument.quote == "USDT" else (Decimal("0.0001"), Decimal(30))


def _loan(venue: CoinexSimulator, params: Params) -> Any:
    instrument, number = _market_account(venue, params)
    currency = params.one_of("coin_type", (instrument.base, instrument.quote))
    amount, is_renewed = params.amount("amount"), params.flag("renew")
    bounds = _terms(venue, instrument)[currency]
    if amount < Decimal(bounds["min_amount"]):
        raise Refusal(602)
    if amount > min(Decimal(bounds["max_amount"]), _borrowable(venue, instrument, number, currency)):
        raise Refusal(107, "more than the leverage of the account allows")
    accounts, now = venue.market.accounts, venue.market.now
    loan = accounts.loans.borrow(number, currency, amount, day_rate=DAY_RATE, is_renewed=is_renewed, now=now)
    accounts.note(number, "margin_loan", loan.id, currency, amount, now)
    venue.market.settle()
    return {"loan_id": loan.id}


def _borrowable(venue: CoinexSimulator, instrument: Instrument, number: int, currency: str) -> Decimal:
    """Returns what may still be borrowed: debts up to leverage - 1 times what is the user's own."""
    accounts, now = venue.market.accounts, venue.market.now
    price = venue.market.last(instrument.id.symbol)
    own = debts = ZERO
    for name, factor in ((instrument.base, price), (instrument.quote, Decimal(1))):
        debt = accounts.loans.debt(number, name, now).total
        debts += debt * factor
        own += (accounts.balance(number, name).total - debt) * factor
    room = max(ZERO, own * (LEVERAGE - 1) - debts)
    return room if currency == instrument.quote else room / price


def _flat(venue: CoinexSimulator, params: Params) -> None:
    instrument, number = _market_account(venue, params)
    currency = params.one_of("coin_type", (instrument.base, instrument.quote))
    amount = params.amount("amount")
    loan_id = params.integer("loan_id") if params.values.get("loan_id") else None
    accounts, now = venue.market.accounts, venue.market.now
    try:
        accounts.loans.repay(number, currency, amount, loan_id=loan_id, now=now)
    except VenueError as error:
        raise refusal_of(error) from None
    accounts.note(number, "margin_flat", loan_id or 0, currency, -amount, now)
    venue.market.settle()


def _transfer(venue: CoinexSimulator, params: Params) -> None:
    currency, amount = params.text("coin_type"), params.amount("amount")
    source, target = params.integer("from_account"), params.integer("to_account")
    for account in (source, target):
        if account != MAIN and currency not in _currencies_of(venue, account):
            raise Refusal(2, f"account {account} does not hold {currency[:20]}")
    if source == target:
        raise Refusal(2, "both accounts are the same")
    try:
        venue.market.accounts.transfer(source, target, currency, amount, venue.market.now)
    except VenueError as error:
        raise refusal_of(error) from None
    venue.market.settle()


def _loan_history(venue: CoinexSimulator, params: Params) -> Any:
    accounts = _accounts_of(venue, params)
    status = params.text("status", "")
    markets = {number: symbol for symbol, number in venue.margin_accounts.items()}
    rows = [
        _loan_row(loan, markets[loan.account])
        for loan in venue.market.accounts.loans.history(accounts, venue.market.now)
    ]
    rows = [row for row in rows if status in ("", row["status"])]
    chosen, page = params.page(rows)
    limit = params.integer("limit", MOST_ROWS)
    return {"page": page["curr_page"], "limit": limit, "total": len(rows), "data": chosen}


def _loan_row(loan: Loan, market: str) -> dict[str, Any]:
    created = loan.ts_created // NANOSECONDS
    return {
        "loan_id": loan.id,
        "create_time": created,
        "market_type": market,
        "coin_type": loan.currency,
        "day_rate": short(loan.day_rate),
        "loan_amount": short(loan.amount),
        "unflat_amount": eight(loan.left + loan.interest),
        "expire_time": created + _LOAN_LASTS,
        "is_renew": loan.is_renewed,
        "status": "pass" if loan.left or loan.interest else "finish",
    }


def _transfer_history(venue: CoinexSimulator, params: Params) -> Any:
    accounts, asset = _accounts_of(venue, params), params.text("asset", "")
    kept = venue.market.accounts.history
    rows = [
        _transfer_row(number, row)
        for number, row in enumerate(kept)
        if row.business == "transfer" and row.account in accounts and asset in ("", row.currency)
    ]
    chosen, _ = params.page(rows[::-1])
    return {"records": chosen, "total": len(rows)}


def _transfer_row(number: int, row: HistoryRow) -> dict[str, Any]:
    """Tells a transfer from the side of the margin account that it went to or came from."""
    at, is_in = row.ts_event // NANOSECONDS, row.change > 0
    return {
        "id": number,
        "updated_at": at,
        "user_id": USER,
        "from_account_id": MAIN if is_in else row.account,
        "to_account_id": row.account if is_in else MAIN,
        "asset": row.currency,
        "amount": short(abs(row.change)),
        "balance": short(row.balance),
        "transfer_type": "IN" if is_in else "OUT",
        "status": "SUCCESS",
        "created_at": at,
    }


def _accounts_of(venue: CoinexSimulator, params: Params) -> Collection[int]:
    """Reads which margin accounts are meant: that of the market, where one is named, or all."""
    return (_market_account(venue, params)[1],) if params.values.get("market") else venue.margin_accounts.values()


def _currencies_of(venue: CoinexSimulator, account: int) -> tuple[str, ...]:
    for symbol, number in venue.margin_accounts.items():
        if number == account:
            instrument = venue.market.instruments[symbol]
            return instrument.base, instrument.quote
    return ()


def _credit_balance(venue: CoinexSimulator, _params: Params) -> Any:
    """What all margin accounts owe. The document's table spells it `intrest_amount`, its example does not."""
    owed = venue.market.accounts.loans.owed(venue.market.now)
    return [
        {"asset": currency, "unflat_amount": eight(debt.loan), "interest_amount": eight(debt.interest)}
        for currency, debt in owed.items()
        if debt.total
    ]


def _credit_info(venue: CoinexSimulator, _params: Params) -> Any:
    """The credit account (loans against all that one has) is not practised: it owes nothing."""
    total = ZERO
    for balance in venue.market.balances(MAIN):
        symbol = f"{balance.currency}USDT"
        price = venue.market.last(symbol) if symbol in venue.market.instruments else Decimal(1)
        total += balance.total * price
    worth = eight(total)
    return {
        "withdraw_rate": "1.4",
        "trade_rate": "2",
        "current_balance": worth,
        "unflat_balance": "0",
        "can_withdraw_balance": worth,
        "can_trade_balance": worth,
        "current_rate": "",
    }


CALLS = (
    Call("GET", "/margin/account", _account, is_signed=True),
    Call("GET", "/margin/config", _config, is_signed=True),
    Call("POST", "/margin/loan", _loan, "submit", is_signed=True, quota="loan"),
    Call("POST", "/margin/flat", _flat, "submit", is_signed=True),
    Call("POST", "/margin/transfer", _transfer, "submit", is_signed=True),
    Call("GET", "/margin/loan/history", _loan_history, is_signed=True),
    Call("GET", "/margin/transfer/history", _transfer_history, is_signed=True),
    Call("GET", "/credit/balance", _credit_balance, is_signed=True),
    Call("GET", "/credit/info", _credit_info, is_signed=True),
)
