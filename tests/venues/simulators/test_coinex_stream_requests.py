"""Whatever a client sends to the CoinEx simulator's stream is answered, with the document's codes alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.simulators.coinex_streams import ManualClock
from venues.simulators.coinex.asking import MESSAGES, Desk
from venues.simulators.coinex.client import Client
from venues.simulators.coinex.exchange import create
from venues.simulators.coinex.pushes import Publisher
from venues.simulators.coinex.requests import METHODS, take
from venues.simulators.faults import Faults
from venues.simulators.outgoing import Outgoing
from venues.simulators.port import SimulatorSettings

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 120)
    | st.sampled_from([2**63, 10**30, 1e300, 0.5, 60, 86400, 1_700_000_000])
    | st.sampled_from(["BTCUSDT", "ETHUSDT", "BTC", "USDT", "0", "0.01", "1min", "", "DEMO"])
    | st.text(max_size=5)
)
_VALUES = st.recursive(
    _SCALARS, lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=3), each, max_size=2)
)


class Room(Outgoing):
    """Keeps what is queued, for a test that looks at it without sending."""

    def __init__(self) -> None:
        super().__init__(self._never)
        self.frames: list[bytes] = []

    async def _never(self, data: bytes, /, *, call: str, is_push: bool) -> None:
        raise AssertionError("nothing is sent here")

    def put(self, data: bytes, call: str = "market", *, is_push: bool = True) -> None:
        if not is_push:
            self.frames.append(data)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    simulator = create(SimulatorSettings(rate=0, symbols=("BTCUSDT", "ETHUSDT")), Faults(), clock=ManualClock())
    yield Desk(simulator, Publisher(simulator))


@given(method=st.sampled_from([*METHODS, "no.such"]), params=_VALUES, is_signed=st.booleans())
@settings(max_examples=600, deadline=None)
def test_any_params_are_answered_once_with_a_result_or_a_documented_code(
    desk: Desk, method: str, params: Any, is_signed: bool
) -> None:
    room = Room()
    client = Client(room)
    client.is_signed = is_signed
    desk.publisher.join(client)

    take(desk, client, json.dumps({"method": method, "params": params, "id": 5}))
    desk.publisher.tick()
    desk.publisher.leave(client)

    (frame,) = room.frames
    answer = json.loads(frame)
    assert set(answer) == {"error", "result", "id"}
    assert answer["id"] == 5
    assert (answer["error"] is None) is (answer["result"] is not None)
    if answer["error"]:
        assert answer["error"]["message"] == MESSAGES[answer["error"]["code"]]


@given(frame=st.binary(max_size=60) | st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_frame_is_answered(desk: Desk, frame: bytes | str) -> None:
    room = Room()

    take(desk, Client(room), frame)

    assert len(room.frames) == 1
