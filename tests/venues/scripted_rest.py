"""A venue that does as it is told: its REST half on a real socket of this loop."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from collections import deque
from typing import Generic, TypeAlias, TypeVar

from tests.venues.documented import RestExample
from tests.venues.transport.loopback import LoopbackServer
from tests.venues.transport.scripted import Received, read_request, say

C = TypeVar("C")
Answer: TypeAlias = tuple[int, dict[str, str], bytes]

JSON = {"Content-Type": "application/json"}


class ScriptedRest(LoopbackServer, Generic[C]):
    """Answers with what waits in `answers`, one after the other; the last of them stays."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[C] = []
        self.answers: deque[Answer] = deque()

    def answer(self, body: object, status: int = 200, **headers: str) -> None:
        """Puts an answer behind those that wait."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, JSON | named, raw))

    def answer_as(self, example: RestExample) -> None:
        self.answer(example.raw, example.status)

    @property
    def call(self) -> C:
        """The only call so far."""
        (call,) = self.calls
        return call

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await say(writer, *self._answer(await read_request(reader, 0)))

    @abstractmethod
    def judge(self, request: Received) -> Answer | None:
        """Notes the call; returns the answer to one that can not be right."""

    def _answer(self, request: Received) -> Answer:
        if (refusal := self.judge(request)) is not None:
            return refusal
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
