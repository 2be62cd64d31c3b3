"""What may be sent to MAX: checked here, and written as the venue reads it.

Raises (all that check):
    BadRequest: it is not written as the venue writes it. Nothing was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from venues.errors import BadRequest
from venues.max import VENUE
from venues.max.limits import MOST_A_PAGE
from venues.transport.parameters import Checks, compact

Value: TypeAlias = bool | int | str | Sequence[str]
Figure: TypeAlias = Decimal | str

LONGEST_CLIENT_OID = 36
WALLETS = ("spot", "m")
FIRST_MOMENT = 1_512_950_400_000  # milliseconds (December 2017); the venue takes none before, nor after the last
LAST_MOMENT = 4_102_444_800_000

_is_name = re.compile(r"[a-z0-9]{1,32}", re.ASCII).fullmatch
_is_word = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII).fullmatch
_is_client_oid = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_CLIENT_OID}}}", re.ASCII).fullmatch
_MOST_GROUP_ID = 2**31 - 1
_MOST_ID = 2**63 - 1

_checks = Checks(VENUE)


def flat(parameters: Mapping[str, Value]) -> list[tuple[str, str]]:
    """Returns the parameters as the pairs of a query; a list repeats its name with brackets."""
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, int | str):
            pairs.append((name, str(value)))
        else:
            pairs.extend((f"{name}[]", each) for each in value)
    return pairs


def market_of(market: str) -> str:
    """Returns a market such as "btctwd"."""
    return _checks.matches(market, _is_name, "a market of an impossible name")


def currency_of(currency: str) -> str:
    """Returns a currency such as "twd", or one of its versions such as "trc20usdt"."""
    return _checks.matches(currency, _is_name, "a currency of an impossible name")


def wallet_of(wallet_type: str) -> str:
    """Returns "spot", or "m" for the M-wallet."""
    return one_of(wallet_type, WALLETS, "a wallet")


def one_of(word: str, words: Sequence[str], what: str) -> str:
    """Returns `word`, which is among `words`."""
    return _checks.one_of(word, words, what)


def word_of(word: str, what: str) -> str:
    """Returns a word that the venue may have more of than the document lists, or a serial number."""
    return _checks.matches(word, _is_word, f"{what} that can not be one")


def figure_of(value: Figure, what: str) -> str:
    """Returns a price or an amount above zero as text, with all its digits and no exponent."""
    return _checks.figure(value, what)


def client_oid_of(client_oid: str) -> str:
    """Returns our id of an order, never empty."""
    words = f"a client_oid takes up to {LONGEST_CLIENT_OID} letters, digits, '-' and '_'"
    return _checks.matches(client_oid, _is_client_oid, words)


def id_of(number: int, what: str) -> int:
    """Returns the venue's id of an order or a trade, never 0."""
    return number_of(number, what, 1, _MOST_ID)


def group_id_of(group_id: int) -> int:
    return number_of(group_id, "a group_id", 1, _MOST_GROUP_ID)


def moment_of(timestamp: int) -> int:
    """Returns a moment in milliseconds of Unix time."""
    return number_of(timestamp, "a timestamp in milliseconds", FIRST_MOMENT, LAST_MOMENT)


def limit_of(limit: int, most: int = MOST_A_PAGE) -> int:
    return number_of(limit, "a limit", 1, most)


def number_of(number: int, what: str, least: int, most: int) -> int:
    """Returns `number`, which is between `least` and `most`."""
    return _checks.number(number, what, least, most)


def exactly_one(what: str, **parameters: Value | None) -> dict[str, Value]:
    """Returns the one parameter that is given: none would mean another thing than is wanted, and two might."""
    given = compact(**parameters)
    if len(given) != 1:
        raise BadRequest(VENUE, f"{what}: give exactly one of {' and '.join(parameters)}")
    return given
