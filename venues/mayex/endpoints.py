"""The calls of the document, by their paths below the base address."""

from __future__ import annotations

PAIRS = "/user/v1/public/spot-marketing/all-pair"
PLACE = "/order/v1/private/orders/place-order"
CANCEL = "/order/v1/private/orders/cancel-order"
CANCEL_ALL = "/order/v1/private/orders/cancel-all-order"
LEVERAGE = "/order/v1/private/accounts/adjust-leverage"
MARGIN = "/order/v1/private/accounts/adjust-position-margin"
ASSET = "/user/v1/private/account/asset"
POSITIONS = "/user/v1/private/positions/current-positions"
OPEN_ORDERS = "/user/v1/private/order/open-orders"
TRADES = "/user/v1/private/order/trade-histories"
ORDERS = "/user/v1/private/order/order-histories"
