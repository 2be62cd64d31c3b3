"""The request limits of CoinEx, and what each kind of call draws from them.

The document names one: 200 cancels in 10 s. An older page of the venue gives the same for all trading calls; the
other figures are what other people's clients hold themselves to: 400 units a second in all, 50 look-ups and 10
calls of the account or of a batch. Where two sources differ, the lower figure stands here.
"""

from __future__ import annotations

from venues.transport.ratelimit import Pool, Weight

POOLS: tuple[Pool, ...] = (
    Pool(name="requests", units=400),
    Pool(name="orders", units=200, period=10.0, has_reserve=False),
    Pool(name="cancels", units=200, period=10.0),
    Pool(name="lookups", units=50),
    Pool(name="account", units=10),
)

PUBLIC: Weight = (("requests", 1),)
LOOKUP: Weight = (("requests", 8), ("lookups", 1))
ACCOUNT: Weight = (("requests", 40), ("account", 1))
ORDER: Weight = (("requests", 14), ("orders", 1))
BATCH_ORDER: Weight = (("requests", 40), ("orders", 1), ("account", 1))
CANCEL: Weight = (("requests", 14), ("cancels", 1))
BATCH_CANCEL: Weight = (("requests", 40), ("cancels", 1), ("account", 1))

MOST_A_PAGE = 100
MOST_A_BATCH = 100
