"""What a person can do about an answer of MAX that concerns the API key."""

from __future__ import annotations

from venues.max import VENUE
from venues.transport.remedies import Remedies

REMEDIES = Remedies(
    VENUE,
    "MAX",
    {
        "1006": "the time of this machine is wrong: set its clock",
        "1007": "the key was not accepted: check both halves of it, and the addresses that it is for",
        "2005": "the secret does not belong to the key: enter both again",
        "2007": "the time of this machine is wrong: set its clock",
        "2008": "no such key: check it",
        "2009": "the key is switched off: switch it on at MAX",
        "2010": "the key has expired: renew it at MAX",
        "2011": "the key may not do this: see its permissions at MAX",
        "4002": "the account or the key may not do this: see its settings at MAX",
    },
)
