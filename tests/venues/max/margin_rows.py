"""The M-wallet in the forms in which a scripted MAX tells of it."""

from __future__ import annotations

from typing import Any

from tests.venues.max.scripted_venue import TIME_MS, RoutedRest, user
from venues.commands import FundsKind

WALLET_KINDS = [kind for kind in FundsKind if not kind.is_of_position]

RATIO = {"ad_ratio": "2.5", "asset_in_usdt": "2500", "debt_in_usdt": "1000"}
NO_DEBT = {"ad_ratio": "999999.0", "asset_in_usdt": "2500", "debt_in_usdt": "0.0"}
LIMITS = {"btc": "2.0", "twd": "3000000.0"}
RATES = {
    "btc": {"hourly_interest_rate": "0.0000031", "next_hourly_interest_rate": "0.000004"},
    "twd": {"hourly_interest_rate": "0.0000062", "next_hourly_interest_rate": "0.0000062"},
}


def account(
    currency: str, balance: str, principal: str = "0", interest: str = "0", locked: str = "0"
) -> dict[str, Any]:
    return {
        "currency": currency, "balance": balance, "locked": locked, "principal": principal, "interest": interest,
    }  # fmt: skip


def currency(name: str, precision: int = 8) -> dict[str, Any]:
    return {
        "currency": name, "type": "crypto", "precision": precision, "m_wallet_supported": True,
        "m_wallet_mortgageable": True, "m_wallet_borrowable": True, "min_borrow_amount": "0.001", "networks": [],
        "staking": None,
    }  # fmt: skip


def has_wallet(rest: RoutedRest, *rows: dict[str, Any], ratio: dict[str, Any] | None = None) -> None:
    """Has the venue tell of an M-wallet with these accounts, and of what it lends."""
    rest.on("GET /wallet/m/accounts", list(rows))
    rest.on("GET /wallet/m/ad_ratio", ratio or RATIO)
    rest.on("GET /wallet/m/limits", LIMITS)
    rest.on("GET /wallet/m/interest_rates", RATES)
    rest.on("GET /wallet/m/liquidations", [])
    rest.on("GET /currencies", [currency("btc"), currency("twd", 0)])


def balance_push(name: str, available: str, locked: str = "0", at: int = TIME_MS) -> dict[str, Any]:
    return user("mwallet_account_update", "B", {"cu": name, "av": available, "l": locked}) | {"T": at}


def debt_push(name: str, principal: str, interest: str = "0", at: int = TIME_MS) -> dict[str, Any]:
    return user("borrowing_update", "db", {"cu": name, "dbp": principal, "dbi": interest, "TU": at}) | {"T": at}


def ratio_push(ratio: str, assets: str = "2", debts: str = "1", at: int = TIME_MS) -> dict[str, Any]:
    body = {"ad": ratio, "as": assets, "db": debts, "idxp": [{"M": "btcusdt", "p": "1"}], "TU": at}
    return {"c": "user", "e": "ad_ratio_update", "T": at, "ad": body}
