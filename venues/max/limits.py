"""The request limits of MAX, and what a call draws from them.

The document: 1,200 public requests a minute for each address, and 1,200 private ones for each account, whichever
of its keys signs them. Other people's clients hold themselves far below.
"""

from __future__ import annotations

from venues.transport.ratelimit import Pool, Weight

POOLS: tuple[Pool, ...] = (
    Pool(name="public", units=1_200, period=60.0, has_reserve=False),
    Pool(name="private", units=1_200, period=60.0),
)

PUBLIC: Weight = (("public", 1),)
PRIVATE: Weight = (("private", 1),)

MOST_A_PAGE = 1_000
MOST_BARS = 10_000
MOST_LEVELS = 300
