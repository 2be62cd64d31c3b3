"""What may be sent to Pumpkin: checked here, and written as the venue reads it.

Raises (all that check):
    BadRequest: it is not written as the venue writes it. Nothing was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias, TypeVar
from urllib.parse import urlencode

from venues.errors import BadRequest
from venues.pumpkin import VENUE
from venues.transport.parameters import Checks, compact, given, plain_figure

T = TypeVar("T")

Value: TypeAlias = bool | int | str
Figure: TypeAlias = Decimal | str | int

LONGEST_CLIENT_ORDER_ID = 32
MOST_A_PAGE = 100  # inferred: documented of funding records alone
MOST_BARS = 1_000
MOST_LEVELS = 50
MOST_SYMBOLS = 30  # inferred: the size of a whitelist; no list is given a limit
FIRST_MOMENT = 1_262_304_000_000  # milliseconds (2010)
LAST_MOMENT = 4_102_444_800_000

_is_symbol = re.compile(r"[a-z0-9]{1,24}_[a-z0-9]{1,12}", re.ASCII).fullmatch
_is_ticker = re.compile(r"[A-Z0-9]{1,24}_[A-Z0-9]{1,12}", re.ASCII).fullmatch
_is_coin = re.compile(r"[a-z0-9]{1,24}", re.ASCII).fullmatch
_is_word = re.compile(r"[A-Z0-9_]{1,40}", re.ASCII).fullmatch
_is_id = re.compile(r"[1-9][0-9]{0,19}", re.ASCII).fullmatch
# "Alphanumeric" by the table, with an underscore in the document's own example.
_is_client_order_id = re.compile(rf"[A-Za-z0-9_]{{1,{LONGEST_CLIENT_ORDER_ID}}}", re.ASCII).fullmatch

_checks = Checks(VENUE)


def encode(parameters: Mapping[str, Value]) -> str:
    """Returns the parameters as query and body have them: sorted by name, form-encoded, empty without any."""
    return urlencode(sorted((name, _text(value)) for name, value in parameters.items()))


def symbol_of(symbol: str) -> str:
    """Returns a contract such as "btc_usdt"."""
    return _checks.matches(symbol, _is_symbol, "a symbol of an impossible name")


def ticker_of(ticker_id: str) -> str:
    """Returns a contract as the third-party formats name it, such as "BTC_USDT"."""
    return _checks.matches(ticker_id, _is_ticker, "a ticker_id of an impossible name")


def symbols_of(symbols: Sequence[str]) -> str:
    """Returns a comma list of contracts."""
    names = [symbol_of(each) for each in _several(symbols, "symbols", MOST_SYMBOLS)]
    return ",".join(names)


def coin_of(coin: str) -> str:
    """Returns a coin such as "usdt"."""
    return _checks.matches(coin, _is_coin, "a coin of an impossible name")


def one_of(word: str, words: Sequence[str], what: str) -> str:
    """Returns `word`, which is among `words`."""
    return _checks.one_of(word, words, what)


def word_of(word: str, what: str) -> str:
    """Returns a word that the venue may have more of than the document lists."""
    return _checks.matches(word, _is_word, f"{what} that can not be one")


def id_of(identity: str | int, what: str) -> str:
    """Returns an id of the venue as text: it is above 2**53, and never 0."""
    text = str(identity) if type(identity) is int else identity
    if not isinstance(text, str) or not _is_id(text):
        raise BadRequest(VENUE, f"{what} that can not be one")
    return text


def maybe_id_of(identity: str | int | None, what: str) -> str | None:
    """Returns None as it is, and an id as `id_of` does."""
    return None if identity is None else id_of(identity, what)


def ids_of(identities: Sequence[str | int], what: str) -> list[str]:
    """Returns ids of the venue, at least one."""
    return [id_of(each, what) for each in _several(identities, what, MOST_A_PAGE)]


def client_order_id_of(client_order_id: str) -> str:
    """Returns our id of an order, never empty."""
    words = f"a clientOrderId takes up to {LONGEST_CLIENT_ORDER_ID} letters, digits and underscores"
    return _checks.matches(client_order_id, _is_client_order_id, words)


def figure_of(value: Figure, what: str) -> str:
    """Returns a price or an amount above zero as text, with all its digits and no exponent."""
    return _checks.figure(value, what)


def contracts_of(value: Figure, what: str = "a quantity", *, least: int = 1) -> str:
    """Returns a number of whole contracts as text, without a point; 0 only where it means the whole position."""
    text = plain_figure(value)
    if text is None or (figure := Decimal(text)) % 1 or figure < least:
        raise BadRequest(VENUE, f"{what} is a whole number of contracts, {least} or more")
    return text.partition(".")[0]


def moment_of(moment: int) -> int:
    """Returns a moment in milliseconds of Unix time."""
    return number_of(moment, "a moment in milliseconds", FIRST_MOMENT, LAST_MOMENT)


def limit_of(limit: int, most: int = MOST_A_PAGE) -> int:
    return number_of(limit, "a limit", 1, most)


def page_of(page: int) -> int:
    return number_of(page, "a page", 1, 2**31 - 1)


def number_of(number: int, what: str, least: int, most: int) -> int:
    """Returns `number`, which is between `least` and `most`."""
    return _checks.number(number, what, least, most)


def span_of(start_time: int | None, end_time: int | None) -> dict[str, Value]:
    """Returns `startTime` and `endTime`, milliseconds, which do not run backwards."""
    if start_time is not None and end_time is not None and end_time < start_time:
        raise BadRequest(VENUE, "the end comes before the start")
    return compact(startTime=given(start_time, moment_of), endTime=given(end_time, moment_of))


def _several(values: Sequence[T], what: str, most: int) -> Sequence[T]:
    if isinstance(values, str) or not 1 <= len(values) <= most:
        raise BadRequest(VENUE, f"{what}: between 1 and {most} of them are needed")
    return values


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
