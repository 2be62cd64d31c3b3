"""What positions have paid and received as funding. The venue counts it into their realised profit.

A realised profit that changes while the size does not is funding, to the last digit. Where both have changed the
bills tell, which name no position: a bill is ascribed where only one position can have had it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from venues.bills import Bill, BillKind
from venues.liquidation import PositionKey
from venues.model import ZERO, InstrumentId
from venues.transport.recent import Recent

_MOST_SEEN = 2_000
_LOOKS = 2  # the venue books late


class FundingBook:
    """The funding of positions since they were opened, as far as it can be known."""

    def __init__(self) -> None:
        self._amounts: dict[PositionKey, Decimal] = {}
        self._unbilled: dict[InstrumentId, list[Decimal]] = {}  # told by profits, with a bill to come
        self._unclaimed: dict[InstrumentId, list[Decimal]] = {}  # bills that no profit has explained
        # Whose size has changed with their profit, and how many more reads of bills may tell the funding in it.
        self._mixed: dict[InstrumentId, dict[PositionKey, int]] = {}
        self._seen: Recent[str, None] = Recent(_MOST_SEEN)

    @property
    def wants_bills(self) -> bool:
        """Whether something can not be told without the bills."""
        return any(self._mixed.values())

    def of(self, key: PositionKey) -> Decimal:
        return self._amounts.get(key, ZERO)

    def profit_changed(self, key: PositionKey, change: Decimal, *, has_traded: bool) -> Decimal:
        """Takes a change of a realised profit; returns what of it is funding for certain."""
        instrument = key[0]
        if not change:
            return ZERO
        if has_traded:
            self._mixed.setdefault(instrument, {})[key] = _LOOKS
            return ZERO
        self._pay(key, change)
        unclaimed = self._unclaimed.get(instrument, [])
        if change in unclaimed:
            unclaimed.remove(change)
        else:
            self._unbilled.setdefault(instrument, []).append(change)
        return change

    def take_bills(self, bills: Iterable[Bill]) -> list[PositionKey]:
        """Takes bills, each once, whatever they are about; returns the positions whose funding they change."""
        for bill in bills:
            if bill.kind is not BillKind.FUNDING or bill.instrument is None or bill.bill_id in self._seen:
                continue
            self._seen[bill.bill_id] = None
            unbilled = self._unbilled.get(bill.instrument, [])
            if bill.amount in unbilled:
                unbilled.remove(bill.amount)
            else:
                self._unclaimed.setdefault(bill.instrument, []).append(bill.amount)
        return self._ascribe()

    def begin(self, key: PositionKey, realized: Decimal, bills: Sequence[Bill]) -> None:
        """Takes the bills of an instrument, newest first, of whose only position nobody knows the past.

        Those of its life are as many of the newest as add up to its realised profit.
        """
        total = funding = ZERO
        for bill in bills:
            if total == realized:
                break
            if bill.instrument == key[0] and bill.kind in (BillKind.FUNDING, BillKind.REALIZED):
                total += bill.amount
                funding += bill.amount if bill.kind is BillKind.FUNDING else ZERO
        if total == realized and funding:
            self._amounts[key] = funding  # of its whole life: what was counted before is in it

    def skip(self, bills: Iterable[Bill]) -> None:
        """Takes bills of before, which explain no change that is yet to come."""
        for bill in bills:
            self._seen[bill.bill_id] = None

    def forget(self, key: PositionKey) -> None:
        """Is told that a position is closed."""
        self._amounts.pop(key, None)
        for keys in self._mixed.values():
            keys.pop(key, None)

    def _ascribe(self) -> list[PositionKey]:
        changed: list[PositionKey] = []
        for instrument, unclaimed in self._unclaimed.items():
            unbilled, mixed = self._unbilled.get(instrument, []), self._mixed.get(instrument, {})
            if sum(unclaimed) == sum(unbilled):  # several settlements were one change
                unclaimed.clear()
                unbilled.clear()
            if unclaimed and len(mixed) == 1:
                (key,) = mixed
                self._pay(key, sum(unclaimed, ZERO))
                unclaimed.clear()
                changed.append(key)
                del mixed[key]
        for keys in self._mixed.values():
            for key in list(keys):
                keys[key] -= 1
                if not keys[key]:
                    del keys[key]
        return changed

    def _pay(self, key: PositionKey, amount: Decimal) -> None:
        self._amounts[key] = self._amounts.get(key, ZERO) + amount
