"""The account of MAX: who the user is, and what each wallet holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venues.model import Balance
from venues.simulators.max.calls import Call
from venues.simulators.max.figures import figure
from venues.simulators.max.markets import MAKER_FEE, TAKER_FEE
from venues.simulators.max.params import Params
from venues.simulators.max.rest_orders import read_wallet
from venues.simulators.max.wallet import M

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator


def _info(venue: MaxSimulator, _params: Params) -> Any:
    return {
        "email": "practice@practice.test",
        "level": 2,
        "m_wallet_enabled": venue.wallet.is_enabled,
        "current_vip_level": _vip(1, 0, 0, float(MAKER_FEE), float(TAKER_FEE)),
        "next_vip_level": _vip(2, 3_000_000, 500, 0.00036, 0.00135),
    }


def _vip(level: int, volume: int, staking: int, maker: float, taker: float) -> dict[str, Any]:
    return {
        "level": level,
        "minimum_trading_volume": volume,
        "minimum_staking_volume": staking,
        "maker_fee": maker,
        "taker_fee": taker,
    }


def _accounts(venue: MaxSimulator, params: Params) -> Any:
    """Returns every currency that the venue has, or the one that is named."""
    account = read_wallet(params)
    wanted = params.optional_currency(venue.currencies())
    names = [wanted] if wanted else venue.currencies()
    return [account_row(venue, account, venue.market.balance(account, name)) for name in names]


def account_row(venue: MaxSimulator, account: int, balance: Balance) -> dict[str, Any]:
    """Returns a balance; the M-wallet's has its debt beside it."""
    row: dict[str, Any] = {
        "currency": balance.currency.lower(),
        "balance": figure(balance.available),
        "locked": figure(balance.locked),
        "staked": "0.0" if balance.currency == "MAX" and account != M else None,
    }
    if account == M:
        debt = venue.wallet.debt(balance.currency)
        row |= {"principal": figure(debt.loan), "interest": figure(debt.interest)}
    return row


CALLS = (
    Call("GET", "/info", _info),
    Call("GET", "/wallet/{wallet}/accounts", _accounts, "query"),
)
