"""What a person can do about an answer of Mayex, in the words of who trades."""

from __future__ import annotations

from venues.mayex import VENUE
from venues.transport.remedies import Remedies

_KEY = "the key was not accepted: check both halves of it, and the address that it is for"

REMEDIES = Remedies(
    VENUE,
    "Mayex",
    {
        "HTTP 401": _KEY,
        "10500": _KEY,
        "HTTP 403": "the key lacks the right for this: allow it at Mayex, for this machine's address too",
        "HTTP 404": "there is no such call at this address: check rest_url, with or without /api",
        "HTTP 405": "there is no such call at this address: check rest_url, with or without /api",
        "203": "the price is not a multiple of the tick: round it",
        "207": "the quantity is not a multiple of the step: round it",
        "401": "the account may not trade: ask Mayex why",
        "1003": "the account is being liquidated: nothing can be changed until that is over",
        "1004": "the leverage is below what the contract takes: choose a higher one",
        "1005": "the leverage is above what the contract takes: choose a lower one",
        "1006": "the leverage is that already",
        "1012": "leverage can not be lowered over an isolated position: close it first, or add margin",
        "1015": "the account may not trade: ask Mayex why",
        "1016": "the account may only reduce positions: ask Mayex why",
        "4006": "the price is past the trigger already: choose another, or send a market order",
        "4008": "more than the position has left: cancel what rests to close it, or close less",
        "4011": "there are as many open orders as Mayex allows: cancel some",
        "4012": "there are as many orders with a trigger as Mayex allows: cancel some",
        "4050": "a market order would reach too far from the price: send a limit order",
        "4051": "the price is too far from the market: move it closer",
        "4072": "Mayex has locked the account for a while: wait, or ask there",
        "5002": "the margin can not be changed so: only an isolated position's can, and not below what it needs",
        "5003": "the margin can not be changed so: only an isolated position's can, and not below what it needs",
        "5004": "the margin can not be changed so: only an isolated position's can, and not below what it needs",
    },
)
