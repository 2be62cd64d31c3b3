"""What each call weighs, and the quotas that it draws from (section "Weight and Quota Rules").

A key has a quota of weight a minute and one a day; a call draws its weight from both, and gets 439 where either is
short. Their sizes are lost (see `readings`). They begin anew with each minute and each day of the venue; on this
side a unit is free again only a whole period later, which no counting over there can exceed.
"""

from __future__ import annotations

from collections.abc import Mapping

from venues.pumpkin.readings import Readings
from venues.transport.ratelimit import Pool, Weight

MINUTE, DAY = "minute", "day"

WEIGHTS: Mapping[str, int] = {
    "/v2/order/create": 20,
    "/v2/order/create-batch": 15,
    "/v2/order/cancel": 5,
    "/v2/order/cancel-batch": 8,
    "/v2/order/cancel-all": 10,
    "/v2/order/list": 2,
    "/v2/order/list-history": 2,
    "/v2/order/detail": 1,
    "/v2/order/trade-list": 2,
    "/v2/order/listUnfinished": 1,
    "/v2/order/all/listUnfinished": 1,
    "/v2/order/list-by-ids": 1,
    "/v2/position/list": 2,
    "/v2/position/adjust-leverage": 8,
    "/v2/position/margin": 5,
    "/v2/position/close-all": 10,
    "/v2/position/change-type": 3,
    "/v2/entrust/create-plan": 10,
    "/v2/entrust/create-profit": 8,
    "/v2/entrust/cancel-plan": 5,
    "/v2/entrust/cancel-profit-stop": 5,
    "/v2/entrust/update-profit-stop": 3,
    "/v2/entrust/cancel-all-plan": 8,
    "/v2/entrust/cancel-all-profit-stop": 8,
    "/v2/entrust/plan-list": 2,
    "/v2/entrust/plan-list-history": 2,
    "/v2/entrust/profit-list": 2,
    "/v2/entrust/plan-detail": 1,
    "/v2/entrust/profit-detail": 1,
    "/v2/order-entrust/list": 2,
    "/v2/order-entrust/cancel": 5,
    "/v2/order-entrust/cancel-all": 8,
    "/v2/balance/list": 2,
    "/v2/balance/detail": 1,
    "/v2/balance/bills": 2,
    "/v2/user/listen-key": 5,
    "/v2/channel/rebateDetail": 1,
}
_PUBLIC = ("/v2/public/", "/common/v2/", "/cmc/v2/", "/cg/v2/")
HEAVIEST = max(WEIGHTS.values())
LEAST_QUOTA = HEAVIEST * 5 // 4  # that one of the heaviest calls fits in beside the fifth that is kept


def pools(readings: Readings) -> tuple[Pool, ...]:
    """Returns the quotas of a key; a fifth of each is kept for cancels."""
    minute = Pool(name=MINUTE, units=readings.minute_quota, period=60.0)
    if readings.day_quota is None:
        return (minute,)
    return minute, Pool(name=DAY, units=readings.day_quota, period=86_400.0)


def weight_of(path: str, readings: Readings) -> Weight:
    """Returns what a call of `path`, without the venue's prefix, draws; one that nobody listed, the most."""
    units = 1 if path.startswith(_PUBLIC) else WEIGHTS.get(path, HEAVIEST)
    return tuple((pool.name, units) for pool in pools(readings))
