"""Orders of which nobody may tell what became: who looks, how often, and that a miss concludes nothing."""

from __future__ import annotations

import asyncio

from tests.venues.transport.stream_rig import until
from tests.venues.transport.test_order_memory import REQUEST, Known, order
from venues.errors import OrderNotFound
from venues.model import OrderStatus
from venues.transport.asides import Asides
from venues.transport.doubts import Doubts
from venues.transport.means import Means
from venues.transport.remedies import Remedies
from venues.transport.sending import Sender

VENUE = REQUEST.instrument.venue


class Over(Known):
    """An order that a look may end."""

    @property
    def is_over(self) -> bool:
        return self.last is not None and not self.last.is_open


class Looks:
    """Looks that find nothing until the one of the number `ends`."""

    def __init__(self, ends: int = 0) -> None:
        self.ends = ends
        self.pauses: list[float] = []
        self.looks = self.told = 0

    async def look(self, known: Over) -> None:
        self.looks += 1
        if self.looks != self.ends:
            raise OrderNotFound(VENUE, "it is not shown")
        known.last = order(OrderStatus.FILLED)

    def tell(self) -> None:
        self.told += 1

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)


async def test_it_is_looked_for_with_growing_pauses_and_nothing_is_concluded() -> None:
    looks, known = Looks(), Over(order(OrderStatus.NEW))
    doubts: Doubts[Over] = Doubts(VENUE, looks.look, looks.tell, sleep=looks.sleep, time_scale=0.5)
    for _ in range(3):
        doubts.about(known)
    await until(lambda: looks.told == 8)
    await doubts.aclose()
    assert looks.pauses == sorted(looks.pauses) and looks.pauses[0] == 0.15
    assert (looks.looks, known.last) == (8, order(OrderStatus.NEW))


async def test_it_is_left_once_it_is_over() -> None:
    looks, known = Looks(ends=2), Over(order(OrderStatus.NEW))
    doubts: Doubts[Over] = Doubts(VENUE, looks.look, looks.tell, sleep=looks.sleep)
    doubts.about(known)
    await until(lambda: len(looks.pauses) == 3)
    await doubts.aclose()
    assert (looks.looks, looks.told, known.is_over) == (2, 2, True)


async def test_what_should_end_is_looked_at_for_a_moment_and_then_doubted() -> None:
    looks, known, other = Looks(ends=2), Over(order(OrderStatus.NEW)), Over(order(OrderStatus.NEW))
    doubted: list[Over] = []
    urgent: list[bool] = []

    class Noting:
        def about(self, known: Over) -> None:
            doubted.append(known)

    sender = Sender(VENUE, Remedies(VENUE, "Here", {}), life=None, has_credentials=True)
    asides = Asides()
    means = Means(None, sender, asides, None, None, Noting(), looks.sleep, 0.1)

    async def look(is_urgent: bool) -> None:
        urgent.append(is_urgent)
        await looks.look(known)

    await means.see_to_end([known], look, (0.0, 1.0, 2.0), 1.0)
    assert (urgent, looks.pauses, doubted) == ([True, False], [0.0, 0.1], [])
    await means.see_to_end([known, other], look, (0.0,), 1.0)
    assert doubted == [other]
    await asides.aclose()
