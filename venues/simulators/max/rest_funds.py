"""Funds of MAX: withdrawals, deposits, transfers, rewards, converts. What is there at the start is invented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.errors import VenueError
from venues.rounding import floor_to
from venues.simulators.max.calls import Call
from venues.simulators.max.demo import fund_deposit, fund_reward, fund_withdrawal
from venues.simulators.max.figures import figure
from venues.simulators.max.params import Params, invalid
from venues.simulators.max.refusals import (
    INVALID,
    NO_DEPOSIT_TXID,
    NO_DEPOSIT_UUID,
    NO_FUNDS,
    NO_RESOURCE,
    TOO_SMALL,
    Refusal,
)
from venues.simulators.orders import MAIN

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

_REWARDS = (
    "vip_rebate", "staking_reward", "redemption_reward", "commission", "airdrop_reward", "trading_reward",
    "mining_reward", "holding_reward", "yield",
)  # fmt: skip
_STATES = ("processing", "failed", "canceled", "done")
_TWD_FEE = Decimal(15)
_LEAST_TWD = Decimal(100)
_CONVERT_FEE = Decimal("0.002")  # of what one gets
_LEAST_CONVERT = Decimal(250)  # TWD
_SHOWN = Decimal("1e-8")
_List = Callable[["MaxSimulator"], Sequence[dict[str, Any]]]


def _paged(params: Params, rows: Sequence[dict[str, Any]], scale: int = 1) -> list[dict[str, Any]]:
    return params.page(rows, lambda row: int(row["created_at"]) * scale)


def _of_currency(venue: MaxSimulator, params: Params, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = params.optional_currency(venue.currencies()).lower()
    return [row for row in rows if wanted in ("", row["currency"])]


def _found(rows: Sequence[dict[str, Any]], name: str, value: str, code: int = NO_RESOURCE) -> dict[str, Any]:
    for row in rows:
        if row[name] == value:
            return row
    raise Refusal(code)


def _withdrawal(venue: MaxSimulator, params: Params) -> Any:
    return _found(venue.past.withdrawals, "uuid", params.text("uuid"))


def _withdrawals(venue: MaxSimulator, params: Params) -> Any:
    state = params.one_of("state", _STATES) if params.has("state") else ""
    rows = _of_currency(venue, params, venue.past.withdrawals)
    return _paged(params, [row for row in rows if state in ("", row["state"])])


def _withdraw(venue: MaxSimulator, params: Params) -> Any:
    address = _found(venue.past.addresses, "uuid", params.text("withdraw_address_uuid"))
    currency = str(address["currency"])
    return _take_out(venue, currency, params.amount("amount"), Decimal("0.0003" if currency == "btc" else "1"))


def _withdraw_twd(venue: MaxSimulator, params: Params) -> Any:
    amount = params.amount("amount")
    if amount < _LEAST_TWD:
        raise Refusal(TOO_SMALL)
    return _take_out(venue, "twd", amount, _TWD_FEE)


def _take_out(venue: MaxSimulator, currency: str, amount: Decimal, fee: Decimal) -> dict[str, Any]:
    market = venue.market
    try:
        market.accounts.fund(MAIN, currency.upper(), -(amount + fee), market.now)
    except VenueError:
        raise Refusal(NO_FUNDS) from None
    market.settle()
    return venue.past.add_withdrawal(currency, figure(amount), figure(fee), venue.server_time_ns())


def _addresses(venue: MaxSimulator, params: Params) -> Any:
    wanted = params.currency(venue.currencies()).lower()
    rows = [row for row in venue.past.addresses if row["currency"] == wanted]
    offset, limit = params.integer("offset", 0), params.limit(50, 1_000)
    return rows[offset : offset + limit]


def _deposit(venue: MaxSimulator, params: Params) -> Any:
    if params.has("txid"):
        return _found(venue.past.deposits, "txid", params.text("txid"), NO_DEPOSIT_TXID)
    return _found(venue.past.deposits, "uuid", params.text("uuid"), NO_DEPOSIT_UUID)


def _deposits(venue: MaxSimulator, params: Params) -> Any:
    return _paged(params, _of_currency(venue, params, venue.past.deposits))


def _deposit_address(venue: MaxSimulator, params: Params) -> Any:
    version = params.text("currency_version")
    for row in venue.past.addresses:
        if version.startswith(str(row["currency"])):
            return {
                "currency": row["currency"],
                "network_protocol": row["network_protocol"],
                "currency_version": version,
                "address": row["address"],
            }
    raise invalid("currency_version")


def _internal_transfers(venue: MaxSimulator, params: Params) -> Any:
    side = params.one_of("side", ("in", "out"))
    rows = [row for row in venue.past.internal_transfers if row["side"] == side]
    chosen = _paged(params, _of_currency(venue, params, rows))
    return [{name: value for name, value in row.items() if name != "side"} for row in chosen]


def _rewards(venue: MaxSimulator, params: Params) -> Any:
    kind = params.one_of("reward_type", _REWARDS) if params.has("reward_type") else ""
    rows = [row for row in venue.past.rewards if kind in ("", row["type"])]
    return _paged(params, _of_currency(venue, params, rows))


def _convert_one(venue: MaxSimulator, params: Params) -> Any:
    return _found(venue.past.converts, "sn", params.text("sn"))


def _converts(venue: MaxSimulator, params: Params) -> Any:
    return _paged(params, venue.past.converts, 1_000)


def _convert(venue: MaxSimulator, params: Params) -> Any:
    """Changes money at the market's price less a fee. Without the money for it the answer has status 200."""
    known = venue.currencies()
    source, target = params.currency(known, "from_currency"), params.currency(known, "to_currency")
    given, wanted = params.optional_amount("from_amount"), params.optional_amount("to_amount")
    if source == target or (given is None) is (wanted is None):
        raise Refusal(INVALID, "exactly one of from_amount and to_amount must be given")
    rate = _worth(venue, source) / _worth(venue, target) * (1 - _CONVERT_FEE)
    if given is None:
        given = _up((wanted or Decimal(0)) / rate)
    got = floor_to(given * rate, _SHOWN) if wanted is None else wanted
    if given * _worth(venue, source) < _LEAST_CONVERT or not got:
        raise Refusal(TOO_SMALL)
    market = venue.market
    if given > market.balance(MAIN, source).available:
        return Refusal(NO_FUNDS).short_body()
    market.accounts.fund(MAIN, source, -given, market.now)
    market.accounts.fund(MAIN, target, got, market.now)
    market.settle()
    fee = floor_to(got / (1 - _CONVERT_FEE) * _CONVERT_FEE, _SHOWN)
    return venue.past.add_convert(
        (source.lower(), figure(given)),
        (target.lower(), figure(got)),
        (figure(fee), figure(round(fee * _worth(venue, target), 2))),
        venue.server_time_ns(),
    )


def _up(value: Decimal) -> Decimal:
    return floor_to(value, _SHOWN) + _SHOWN


def _worth(venue: MaxSimulator, currency: str) -> Decimal:
    """Returns what one unit is worth in TWD. Raises Refusal where nothing says it."""
    market, usdt = venue.market, venue.wallet.index_prices()["USDTTWD"]
    if currency in ("TWD", "USDT"):
        return Decimal(1) if currency == "TWD" else usdt
    if f"{currency}TWD" in market.instruments:
        return market.last(f"{currency}TWD")
    if f"{currency}USDT" in market.instruments:
        return market.last(f"{currency}USDT") * usdt
    raise invalid("to_currency")


def _listed(rows: _List) -> Callable[[MaxSimulator, Params], Any]:
    return lambda venue, params: _paged(params, rows(venue))


def _one(rows: _List) -> Callable[[MaxSimulator, Params], Any]:
    return lambda venue, params: _found(rows(venue), "sn", params.text("sn"))


def _fund_deposits(venue: MaxSimulator) -> list[dict[str, Any]]:
    return [fund_deposit(row) for row in venue.past.deposits]


def _fund_withdrawals(venue: MaxSimulator) -> list[dict[str, Any]]:
    return [fund_withdrawal(row) for row in venue.past.withdrawals]


def _fund_transfers(venue: MaxSimulator) -> list[dict[str, Any]]:
    return venue.past.transfers


def _fund_rewards(venue: MaxSimulator) -> list[dict[str, Any]]:
    return [fund_reward(row) for row in venue.past.rewards]


CALLS = (
    Call("GET", "/withdrawal", _withdrawal, "query"),
    Call("POST", "/withdrawal", _withdraw, "submit"),
    Call("POST", "/withdrawal/twd", _withdraw_twd, "submit"),
    Call("GET", "/withdrawals", _withdrawals, "query"),
    Call("GET", "/withdraw_addresses", _addresses, "query"),
    Call("GET", "/deposit", _deposit, "query"),
    Call("GET", "/deposits", _deposits, "query"),
    Call("GET", "/deposit_address", _deposit_address, "query"),
    Call("GET", "/internal_transfers", _internal_transfers, "query"),
    Call("GET", "/rewards", _rewards, "query"),
    Call("GET", "/fund_transactions/deposits", _listed(_fund_deposits), "query"),
    Call("GET", "/fund_transactions/deposit", _one(_fund_deposits), "query"),
    Call("GET", "/fund_transactions/withdrawals", _listed(_fund_withdrawals), "query"),
    Call("GET", "/fund_transactions/withdrawal", _one(_fund_withdrawals), "query"),
    Call("GET", "/fund_transactions/transfers", _listed(_fund_transfers), "query"),
    Call("GET", "/fund_transactions/transfer", _one(_fund_transfers), "query"),
    Call("GET", "/fund_transactions/rewards", _listed(_fund_rewards), "query"),
    Call("GET", "/fund_transactions/reward", _one(_fund_rewards), "query"),
    Call("POST", "/convert", _convert, "submit", status=201),
    Call("GET", "/convert", _convert_one, "query"),
    Call("GET", "/converts", _converts, "query"),
)
