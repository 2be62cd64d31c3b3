"""What the fault heartbeats-only keeps back of the account's news: nothing of it may be lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from venues.simulators.faults import Faults
from venues.simulators.outgoing import ACCOUNT, Outgoing

HEARTBEATS_ONLY = "heartbeats-only"


class HeldClient(Protocol):
    """A connection; `held` is what waits until the fault is over."""

    outgoing: Outgoing
    held: deque[bytes]


def put_private(client: HeldClient, data: bytes, faults: Faults) -> None:
    """Queues news of the account, or keeps them back."""
    if client.held or faults.on(HEARTBEATS_ONLY, ACCOUNT):
        client.held.append(data)
    else:
        client.outgoing.put(data, ACCOUNT)


def give_held(clients: Iterable[HeldClient], faults: Faults) -> None:
    """Queues what was kept back, once that is over."""
    if faults.is_on(HEARTBEATS_ONLY, ACCOUNT):
        return
    for client in clients:
        while client.held:
            client.outgoing.put(client.held.popleft(), ACCOUNT)
