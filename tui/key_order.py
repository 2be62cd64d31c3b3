"""Keys one after another: what a key does is done before the next one goes to whoever has the focus then.

A key travels from the focused widget up to the app, a queue at each level. Textual sends the next one off at once,
to the focus of that moment: a Tab and digits that a slow line delivers together would put the digits, or some of
them, into the field that the Tab was to leave.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from textual import events
from textual.message_pump import MessagePump

Input = events.Key | events.Paste

PATIENCE = 0.25
"""Seconds after which the next key no longer waits: a widget on the way may have gone, with its queue."""


class KeyOrder:
    """Hands inputs to `deliver` in their order, each after the one before has arrived at the end of its path.

    `deliver` forwards one and returns the message pumps that it passes, the first one first and the app last; none
    when it was dropped. `clock` gives seconds.
    """

    def __init__(
        self,
        deliver: Callable[[Input], Awaitable[Sequence[MessagePump]]],
        clock: Callable[[], float],
        patience: float = PATIENCE,
    ) -> None:
        self._deliver = deliver
        self._clock = clock
        self._patience = patience
        self._waiting: deque[Input] = deque()
        self._is_busy = False
        self._sent_at = 0.0
        self._number = 0

    async def take(self, event: Input) -> None:
        """Delivers an input, or keeps it while another one is on its way. Called on the app's pump."""
        self._waiting.append(event)
        await self.look()

    async def look(self) -> None:
        """Delivers what waits, if nothing is on its way or that has taken too long; called now and then too."""
        if self._is_busy and self._clock() - self._sent_at < self._patience:
            return
        self._is_busy = False
        while self._waiting and not self._is_busy:
            event = self._waiting.popleft()
            self._is_busy, self._sent_at = True, self._clock()
            self._number += 1
            path = await self._deliver(event)
            if path:
                await self._follow(self._number, deque(path))
            else:
                self._is_busy = False

    async def _follow(self, number: int, path: deque[MessagePump]) -> None:
        """Waits behind the input in the queue of each pump that it passes."""
        while path:
            if path.popleft().call_later(self._follow, number, path):
                return
        if number == self._number and self._is_busy:
            self._is_busy = False
            await self.look()
