"""Tasks of which there is one for each thing at a time."""

from __future__ import annotations

import asyncio

from venues.transport.crew import Part


class SingleFlight:
    """Runs a task for each thing that is asked about; asking twice is asking once. For one event loop."""

    def __init__(self, name: str) -> None:
        """`name` is that of the tasks."""
        self._name = name
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by the identity of the thing
        self._is_closed = False

    def begin(self, thing: object, work: Part) -> None:
        """Runs `work`, which is about `thing`, unless there is a task about it already. After `aclose` nothing."""
        if id(thing) in self._tasks or self._is_closed:
            return
        task = asyncio.get_running_loop().create_task(work(), name=self._name)
        self._tasks[id(thing)] = task

        def ended(_: asyncio.Task[None]) -> None:
            del self._tasks[id(thing)]

        task.add_done_callback(ended)

    async def aclose(self) -> None:
        """Ends the tasks under way. May be called twice."""
        self._is_closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
