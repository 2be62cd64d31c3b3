"""The demo account's past, and what it adds to it: deposits, withdrawals, rewards, converts, one liquidation.

All of it is invented. The rows are kept in the form in which they are answered; `created_at` is in milliseconds,
a convert's in seconds.
"""

from __future__ import annotations

import uuid
from typing import Any

from venues.simulators.figures import milliseconds
from venues.simulators.max.figures import seconds

_DAY = 86_400_000  # milliseconds
_ADDRESSES = {
    "usdt": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "btc": "bc1qpracticeaddress0000000000000000000000",
    "eth": "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
}
_PROTOCOLS = {"usdt": "ethereum-erc20", "btc": "bitcoin", "eth": "ethereum-erc20"}


def _uuid(number: int) -> str:
    """Returns a uuid of version 4's form that is the same in every run."""
    return str(uuid.UUID(int=(number << 96) + 0x5EED, version=4))


class Past:
    """The lists behind the reads of funds. `start` is when the simulator began, in nanoseconds UTC."""

    def __init__(self, start: int) -> None:
        self._now = milliseconds(start)
        self._number = 1_000
        self.addresses = [self._address(number, name) for number, name in enumerate(_ADDRESSES, 1)]
        self.deposits = [
            self._deposit(11, "usdt", "50000.0", 30),
            self._deposit(12, "btc", "1.0", 28),
            self._deposit(13, "twd", "3000000.0", 27),
            self._deposit(14, "eth", "10.0", 3),
        ]
        self.withdrawals = [
            self._withdrawal(21, "usdt", "120.0", "done", 20),
            self._withdrawal(22, "btc", "0.01", "canceled", 12),
        ]
        self.internal_transfers = [
            self._internal_transfer(31, "usdt", "25.0", "in", 15),
            self._internal_transfer(32, "max", "10.0", "out", 14),
        ]
        self.rewards = [
            self._reward(41, "max", "3.25", "airdrop_reward", 18),
            self._reward(42, "twd", "12.5", "commission", 9),
            self._reward(43, "max", "0.71", "trading_reward", 2),
        ]
        self.converts: list[dict[str, Any]] = [self._old_convert(51, 16)]
        self.transfers = [self._fund_transfer(61, "usdt", "500.0", 8)]
        self.liquidations = [self._liquidation(71, 45)]

    def _at(self, days: int) -> int:
        return self._now - days * _DAY

    def next_number(self) -> int:
        """Takes a number for something new."""
        self._number += 1
        return self._number

    def _address(self, number: int, currency: str) -> dict[str, Any]:
        return {
            "uuid": _uuid(number),
            "currency": currency,
            "network_protocol": _PROTOCOLS[currency],
            "address": _ADDRESSES[currency],
            "extra_label": f"my {currency}",
            "created_at": self._at(60 + number),
            "activated_at": self._at(59 + number),
            "is_internal": False,
            "network_congested": False,
        }

    def _deposit(self, number: int, currency: str, amount: str, days: int) -> dict[str, Any]:
        is_coin = currency in _PROTOCOLS
        return {
            "uuid": _uuid(number),
            "currency": currency,
            "network_protocol": _PROTOCOLS.get(currency, "fiat"),
            "amount": amount,
            "to_address": _ADDRESSES.get(currency, "bank account"),
            "txid": f"{number:064x}" if is_coin else f"bank-{number}",
            "created_at": self._at(days),
            "confirmations": 64 if is_coin else 0,
            "state": "done",
            "state_reason": "",
        }

    def _withdrawal(self, number: int, currency: str, amount: str, state: str, days: int) -> dict[str, Any]:
        return {
            "uuid": _uuid(number),
            "currency": currency,
            "network_protocol": _PROTOCOLS.get(currency, "fiat"),
            "amount": amount,
            "fee": "1.0" if currency != "btc" else "0.0003",
            "fee_currency": currency,
            "to_address": _ADDRESSES.get(currency, "bank account"),
            "label": f"my {currency}",
            "txid": f"{number:064x}" if state == "done" else None,
            "created_at": self._at(days),
            "state": state,
            "transaction_type": "external",
        }

    def add_withdrawal(self, currency: str, amount: str, fee: str, at: int) -> dict[str, Any]:
        """Adds one that has just been asked for; `at` in nanoseconds UTC."""
        row = self._withdrawal(self.next_number(), currency, amount, "processing", 0)
        row["fee"], row["created_at"] = fee, milliseconds(at)
        self.withdrawals.append(row)
        return row

    def _internal_transfer(self, number: int, currency: str, amount: str, side: str, days: int) -> dict[str, Any]:
        me, other = "pra***@practice.test", "fri***@practice.test"
        return {
            "side": side,
            "uuid": _uuid(number),
            "currency": currency,
            "amount": amount,
            "created_at": self._at(days),
            "from": other if side == "in" else me,
            "to": me if side == "in" else other,
            "state": "done",
        }

    def _reward(self, number: int, currency: str, amount: str, kind: str, days: int) -> dict[str, Any]:
        return {
            "uuid": _uuid(number),
            "currency": currency,
            "amount": amount,
            "created_at": self._at(days),
            "type": kind,
            "note": "practice",
        }

    def _old_convert(self, number: int, days: int) -> dict[str, Any]:
        return self._convert(number, ("twd", "3150.0"), ("usdt", "99.8"), ("0.2", "6.3"), self._at(days) // 1000)

    def add_convert(
        self, source: tuple[str, str], target: tuple[str, str], fee: tuple[str, str], at: int
    ) -> dict[str, Any]:
        """Adds a convert: what of, into what (currency, amount), the fee in the target and in TWD, and when."""
        row = self._convert(self.next_number(), source, target, fee, seconds(at))
        self.converts.append(row)
        return row

    def _convert(
        self, number: int, source: tuple[str, str], target: tuple[str, str], fee: tuple[str, str], at: int
    ) -> dict[str, Any]:
        return {
            "sn": f"C{number:012d}",
            "from_currency": source[0],
            "from_amount": source[1],
            "to_currency": target[0],
            "to_amount": target[1],
            "fee": fee[0],
            "fee_currency": target[0],
            "fee_in_twd": fee[1],
            "created_at": at,
        }

    def _fund_transfer(self, number: int, currency: str, amount: str, days: int) -> dict[str, Any]:
        return {
            "sn": f"T{number:012d}",
            "currency": currency,
            "amount": amount,
            "state": "done",
            "created_at": self._at(days),
            "from": {"platform": "MAX", "sn": "main", "wallet_type": "spot"},
            "to": {"platform": "MAX", "sn": "main", "wallet_type": "m"},
        }

    def _liquidation(self, number: int, days: int) -> dict[str, Any]:
        repaid = {
            "currency": "btc",
            "amount": "0.05",
            "principal": "0.0499",
            "interest": "0.0001",
            "state": "confirmed",
        }
        return {
            "sn": f"L{number:012d}",
            "ad_ratio": "1.05",
            "expected_ad_ratio": "1.3",
            "created_at": self._at(days),
            "state": "liquidated",
            "repayments": [repaid],
            "liquidations": [
                {
                    "market": "btcusdt",
                    "type": "buy",
                    "price": "88000.0",
                    "volume": "0.05",
                    "fee": "6.6",
                    "fee_currency": "usdt",
                    "repayment": repaid,
                }
            ],
        }


def fund_deposit(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a deposit as the fund transactions have it."""
    return {
        "sn": f"D{row['uuid'][:8]}",
        "is_internal": False,
        "currency": row["currency"],
        "amount": row["amount"],
        "state": row["state"],
        "created_at": row["created_at"],
        "network_protocol": row["network_protocol"],
        "to_address": row["to_address"],
        "txid": row["txid"],
        "from": None,
    }


def fund_withdrawal(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a withdrawal as the fund transactions have it."""
    return {
        "sn": f"W{row['uuid'][:8]}",
        "is_internal": False,
        "currency": row["currency"],
        "amount": row["amount"],
        "state": row["state"],
        "created_at": row["created_at"],
        "network_protocol": row["network_protocol"],
        "to_address": row["to_address"],
        "txid": row["txid"],
        "fee": row["fee"],
        "fee_currency": row["fee_currency"],
        "label": row["label"],
        "to": None,
    }


def fund_reward(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a reward as the fund transactions have it."""
    return {
        "sn": f"R{row['uuid'][:8]}",
        "currency": row["currency"],
        "amount": row["amount"],
        "state": "done",
        "created_at": row["created_at"],
        "type": row["type"],
        "note": row["note"],
    }
