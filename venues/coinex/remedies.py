"""What a person can do about an answer of CoinEx that concerns the API key."""

from __future__ import annotations

from venues.coinex import VENUE
from venues.transport.remedies import Remedies

REMEDIES = Remedies(
    VENUE,
    "CoinEx",
    {
        "6": "the key was not accepted: check both halves of it",
        "23": "this machine's address is not on the key's list: add it there, or take the list away",
        "24": "no such key: check it, and give a new one ten minutes",
        "25": "the secret does not belong to the key: enter both again",
        "34": "the key has expired: renew it at CoinEx",
        "40": "the key belongs to another sub-account",
        "115": "the account or the key may not trade: see its settings at CoinEx",
        "227": "the time of this machine is wrong: set its clock",
    },
)
