"""What is listed: the document has no other market data by REST.

Raises (all of them):
    VenueError: what went wrong with the answer.
"""

from __future__ import annotations

from typing import Any

from venues.errors import BadRequest, NotSupported
from venues.mayex import VENUE
from venues.mayex.client.calls import ABSENT, Calls
from venues.mayex.endpoints import PAIRS
from venues.mayex.models import Pair, Product, Rows

_PAIRS: Any = list[Pair] | Rows[Pair]
_PRODUCTS: Any = list[Product] | Rows[Product]


class MarketCalls(Calls):
    """Public: no key is needed."""

    async def pairs(self) -> list[Pair]:
        """Returns the spot pairs (GET .../all-pair), whose answer the document does not show."""
        found: list[Pair] | Rows[Pair] = await self._ask("list spot pairs", PAIRS, _PAIRS)
        return found.rows if isinstance(found, Rows) else found

    async def products(self) -> list[Product]:
        """Returns the contracts. Inferred: the document has no product list.

        Raises:
            NotSupported: there is none, by the profile or by the venue.
        """
        path = self._profile.product_path
        if not path:
            raise NotSupported(VENUE, "there is no product list: the profile has no product_path")
        try:
            found: list[Product] | Rows[Product] = await self._ask("list contracts", path, _PRODUCTS)
        except BadRequest as error:
            if error.code not in ABSENT:
                raise
            raise NotSupported(VENUE, error.message, error.code) from None
        return found.rows if isinstance(found, Rows) else found
