"""What may be sent to Mayex: checked here, and written as the venue reads it.

Raises (all that check):
    BadRequest: it is not written as the venue writes it. Nothing was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import urlencode

from venues.errors import BadRequest
from venues.mayex import VENUE
from venues.transport.parameters import Checks, compact, given

Value: TypeAlias = bool | int | str | None
Figure: TypeAlias = Decimal | str | int

LONGEST_CLIENT_ORDER_ID = 40  # section "place order"
MOST_A_PAGE = 500
MOST_LEVERAGE = 1_000
FIRST_MOMENT = 1_262_304_000_000  # milliseconds (2010)
LAST_MOMENT = 4_102_444_800_000
_MOST_ID = 2**63 - 1

_is_symbol = re.compile(r"[a-z0-9]{1,32}", re.ASCII).fullmatch
_is_coin = re.compile(r"[A-Z0-9]{1,24}", re.ASCII).fullmatch
# Inferred: the document has letters and digits, the platform an underscore besides, and refuses others with 213.
_is_client_order_id = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_CLIENT_ORDER_ID}}}", re.ASCII).fullmatch

_checks = Checks(VENUE)
one_of = _checks.one_of
number_of = _checks.number


def query_of(parameters: Mapping[str, Value]) -> str:
    """Returns the query of a GET, in the order given, empty without any."""
    return urlencode([(name, _text(value)) for name, value in parameters.items()])


def symbol_of(symbol: str) -> str:
    """Returns a contract such as "btcusdt": paths, queries and bodies have it in lower case."""
    return _checks.matches(symbol, _is_symbol, "a symbol of an impossible name")


def figure_of(value: Figure, what: str) -> str:
    """Returns a price or an amount above zero as text, with all its digits and no exponent."""
    return _checks.figure(value, what)


def coin_of(coin: str) -> str:
    """Returns a coin such as "USDT"."""
    return _checks.matches(coin, _is_coin, "a coin of an impossible name")


def client_order_id_of(client_order_id: str) -> str:
    """Returns our id of an order, never empty."""
    words = f"a clientOrderId takes up to {LONGEST_CLIENT_ORDER_ID} letters, digits, '-' and '_'"
    return _checks.matches(client_order_id, _is_client_order_id, words)


def order_id_of(order_id: int) -> int:
    """Returns the venue's number of an order, never 0."""
    return number_of(order_id, "an order's id", 1, _MOST_ID)


def leverage_of(leverage: int) -> str:
    """Returns a leverage, which the venue wants as text."""
    return str(number_of(leverage, "a leverage", 1, MOST_LEVERAGE))


def change_of(change: Figure) -> str:
    """Returns an amount by which a margin changes: below zero it is taken out."""
    text = change if isinstance(change, str) else format(change, "f")
    return ("-" if text.startswith("-") else "") + figure_of(text.removeprefix("-"), "a change of margin")


def flag_of(flag: bool, what: str) -> bool:
    """Returns true or false, and nothing that only counts as one of them."""
    if not isinstance(flag, bool):
        raise BadRequest(VENUE, f"{what} is true or false")
    return flag


def page_of(
    start_time: int | None, end_time: int | None, page_index: int | None, page_size: int | None
) -> dict[str, Value]:
    """Returns what bounds a history: all of it is the platform's, and left out it is not in the document.

    Moments in milliseconds, which do not run backwards.
    """
    if start_time is not None and end_time is not None and end_time < start_time:
        raise BadRequest(VENUE, "the end comes before the start")
    moment = ("a moment in milliseconds", FIRST_MOMENT, LAST_MOMENT)
    return compact(
        startTime=given(start_time, number_of, *moment),
        endTime=given(end_time, number_of, *moment),
        pageIndex=given(page_index, number_of, "a page", 0, 2**31 - 1),
        pageSize=given(page_size, number_of, "a page's size", 1, MOST_A_PAGE),
    )


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
