"""The public trades of one market, each once: every subscription begins with about 100 that are old already."""

from __future__ import annotations

from collections import deque

import msgspec

from venues.coinex.messages import DealsUpdate
from venues.coinex.parse import parse_deals_push
from venues.events import Trade

KEPT = 500  # five times what a subscription begins with


class Tape:
    """Knows the trades that were told. One that comes late is told late; one of long ago counts as told."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._floor = -1  # the highest id that is no longer known
        self._known: set[int] = set()
        self._order: deque[int] = deque()
        self.last_id = -1  # the highest that was told

    def take(self, push: DealsUpdate, ts_recv: int) -> list[Trade]:
        """Returns the trades that were not told yet, oldest first.

        Raises:
            DecodeError: a figure is none; then nothing of the push counts as told.
        """
        market, deals = push.params
        known, floor = self._known, self._floor
        fresh = tuple(deal for deal in deals if deal.id > floor and deal.id not in known)
        if not fresh:
            return []
        if len({deal.id for deal in fresh}) < len(fresh):
            fresh = tuple({deal.id: deal for deal in fresh}.values())
        if len(fresh) < len(deals):
            push = msgspec.structs.replace(push, params=(market, fresh))
        trades = parse_deals_push(push, ts_recv)
        for deal in fresh:
            known.add(deal.id)
            self.last_id = max(self.last_id, deal.id)
        self._order.extend(sorted(deal.id for deal in fresh))
        while len(self._order) > self._kept:
            gone = self._order.popleft()
            known.discard(gone)
            self._floor = max(self._floor, gone)
        return trades
