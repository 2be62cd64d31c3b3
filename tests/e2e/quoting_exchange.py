"""A local CoinEx with a key of the test's own, which quotes in each refusal what it was sent.

Real venues do: "access_id ... does not exist", "signature ... expected", a gateway that repeats the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from venues.simulators.coinex.calls import Call
from venues.simulators.coinex.exchange import CoinexSimulator
from venues.simulators.coinex.rest import Rest
from venues.simulators.faults import Faults
from venues.simulators.port import SimulatorSettings, WallClock
from venues.simulators.serving import Practice, in_thread, serving_simulator


class QuotingRest(Rest):
    """Answers as CoinEx does, but for its words."""

    def __init__(self, venue: QuotingExchange) -> None:
        super().__init__(venue)
        self._quoting = venue

    def _answer(self, call: Call, request: Request, body: bytes) -> Response:
        signature = request.headers.get("authorization", "")
        self._quoting.signatures.append(signature)
        # The signature and the secret first: the adapter keeps the beginning of what a venue says.
        sent = f"{request.url.query} {body.decode()} {dict(request.headers)}"
        self._quoting.words = f"{signature} with {self._quoting.api_secret} of {sent}"
        if call.kind == "submit" and self._quoting.refuses:
            return self._envelope(self._quoting.refuses, {}, "refused", {})
        return super()._answer(call, request, body)

    def _envelope(self, code: int, data: Any, message: str, headers: Mapping[str, str]) -> Response:
        if code:
            self._quoting.quoted += 1
            message = f"{message}: {self._quoting.words}"
        return super()._envelope(code, data, message, headers)


class QuotingExchange(CoinexSimulator):
    """`refuses` is the code that new orders are refused with, 0 for none."""

    def __init__(self, key: str, secret: str) -> None:
        super().__init__(SimulatorSettings(rate=20.0), Faults(""), WallClock(), key, secret)
        self._rest = QuotingRest(self)
        self.refuses = 0
        self.quoted = 0  # refusals so far
        self.words = ""
        self.signatures: list[str] = []

    def served(self) -> AbstractContextManager[Practice]:
        """Serves it in a thread of its own."""
        return in_thread(lambda: serving_simulator(self))
