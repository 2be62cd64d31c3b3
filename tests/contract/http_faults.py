"""The 20 ways in which a request goes wrong (by the names of the reliability notes), and what may be said of each.

Most are the simulator's. Three are made here: a name that is not resolved, by the resolver of this process; a pool
that is exhausted, by as many requests as it has connections; TLS, by a server whose certificate nobody trusts.

Whatever a command raises is held against what the exchange did: refused and not sent must never have been carried
out, and an acknowledgement must have been.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import msgspec
import pytest
import trustme

from tests.contract.rig import Exchange, Rig, outcome_of, rig_of
from tests.contract.scene import Scene, scene_of
from tests.contract.test_changes import cancel_of, placed
from tests.contract.waiting import passes
from venues.commands import CancelRequest, OrderRequest
from venues.errors import NotSent, OrderError, OrderNotFound, OutcomeUnknown, VenueError
from venues.model import Order
from venues.port import Venue
from venues.registry import create_venue
from venues.simulators.serving import served_in_thread
from venues.transport.timing import Timing

CALLS = ("submit", "cancel", "query")
BOOKED_LATER = "a 4xx for an order that is booked later"
_UNCOUNTED = frozenset({"refused", "connect timeout", "the venue's clock is off"})
_HELD_LONGER = 4.0  # times
HEARD = 0.1  # seconds after which a connection that was closed is known as that
LATE = 0.5  # seconds until an order that was refused is booked all the same


class HttpFault(msgspec.Struct, frozen=True):
    """One kind. `specs` are the simulator's, "@call" filled in; what is done on our side has none.

    `never_left`: the connection was never made, so that anything but NotSent would leave a trader in needless
    doubt. `is_executed` None: it depends on the spec, "=unexecuted" or not.
    """

    name: str
    specs: tuple[str, ...]
    never_left: bool = False
    is_executed: bool | None = None

    def executes(self, spec: str) -> bool:
        return self.is_executed if self.is_executed is not None else "unexecuted" not in spec


def _both(*kinds: str) -> tuple[str, ...]:
    return tuple(f"{kind}@call={how}" for kind in kinds for how in ("executed", "unexecuted"))


FAULTS = {
    fault.name: fault
    for fault in (
        HttpFault("refused", ("refuse",), never_left=True, is_executed=False),
        HttpFault("name not resolved", ("",), never_left=True, is_executed=False),
        HttpFault("connect timeout", ("connect-timeout",), never_left=True, is_executed=False),
        HttpFault("pool exhausted", ("never-executed@submit+cancel+query",), never_left=True, is_executed=False),
        HttpFault("TLS handshake fails", ("",), never_left=True, is_executed=False),
        HttpFault("accepted, reset before reading", ("reset-before@call",), is_executed=False),
        HttpFault("accepted, closed before reading", ("closed-before@call",), is_executed=False),
        HttpFault("read, then reset", _both("reset-after")),
        HttpFault("read, then closed", _both("closed-after")),
        HttpFault("keep-alive connection reset on reuse", _both("keep-alive-reset")),
        HttpFault("half the headers", _both("half-headers")),
        HttpFault("half the body", _both("half-body")),
        HttpFault("garbage instead of HTTP", _both("garbage")),
        HttpFault("executed, never answered", ("lost-reply@call",), is_executed=True),
        HttpFault("not executed, never answered", ("never-executed@call",), is_executed=False),
        HttpFault("body dripped past the deadline", ("drip@call=2",), is_executed=True),
        HttpFault("502 / 503 / 504 with HTML", _both("502", "503", "504")),
        HttpFault("200 with HTML", _both("html-200")),
        HttpFault("307 redirect", _both("redirect")),
        HttpFault(BOOKED_LATER, (f"late-booking@submit={LATE}",), is_executed=True),
    )
}

OTHERS = {
    fault.name: fault
    for fault in (
        HttpFault("rate limit", ("rate-limit@call=1",), is_executed=False),
        HttpFault("ban", ("ban@call=1",), is_executed=False),
        HttpFault("signature refused", ("auth-refused@call",), is_executed=False),
        HttpFault("the venue's clock is off", ("skewed-clock=-300",), is_executed=None),
        HttpFault("maintenance", ("maintenance",), is_executed=False),
        HttpFault("answers come late", ("delay@call=0.1",), is_executed=True),
    )
}
"""What the issue lists beyond the 20: the verdict is held against the truth in the same way."""


class Case(msgspec.Struct, frozen=True):
    """What became of one command or query under one fault."""

    spec: str
    call: str
    outcome: str
    was_executed: bool


async def try_fault(exchange: Exchange, fault: HttpFault, call: str) -> list[Case]:
    """Tries one kind on one kind of call, in each of its forms.

    Raises:
        AssertionError: what was said of it is not what was so.
    """
    return [await _try_spec(exchange, fault, spec.replace("@call", f"@{call}"), call) for spec in fault.specs]


async def _try_spec(exchange: Exchange, fault: HttpFault, spec: str, call: str) -> Case:
    async with _opened(exchange, fault) as (rig, victim):
        scene = await scene_of(rig)
        request = scene.order()
        resting = await placed(rig, request) if call != "submit" and fault.name != BOOKED_LATER else []
        kind = spec.split("@")[0].split("=")[0]
        done = await rig.control.done(kind) if kind else 0
        async with _fault_on(rig, fault, spec):
            outcome = await _attempt(rig, victim, fault, call, request, resting)
            if kind and fault.name not in _UNCOUNTED:
                assert await rig.control.done(kind) > done, f"{spec} was never met"
        was_executed = await _truth_of(rig, fault, spec, call, request)
        _judge(fault, spec, call, outcome, was_executed)
        assert len((await rig.state()).of_client(request.client_order_id)) <= 1, (
            f"{spec}, {call}: it was sent twice"
        )
        await _settles(rig, call, request, was_executed)
        return Case(spec or fault.name, call, type(outcome).__name__, was_executed)


@asynccontextmanager
async def _opened(exchange: Exchange, fault: HttpFault) -> AsyncIterator[tuple[Rig, Venue]]:
    """Yields a rig, and the adapter that meets the fault: another one where its address is what is wrong."""
    origin = exchange.settings().get("rest_url", "")
    if fault.name == "name not resolved":
        async with rig_of(exchange, rest_url=origin.replace("127.0.0.1", "localhost")) as rig:
            yield rig, rig.venue
    elif fault.name == "TLS handshake fails":
        async with rig_of(exchange) as rig:
            with served_in_thread(exchange.name, rate=0.0, tls=_tls_of_nobody()) as impostor:
                victim = create_venue(exchange.name, exchange.settings(rest_url=impostor.rest_url))
                connecting = asyncio.ensure_future(victim.connect())
                await asyncio.wait([connecting])
                assert connecting.exception() is None or isinstance(connecting.exception(), VenueError)
                try:
                    yield rig, victim
                finally:
                    await victim.aclose()
                assert not impostor.requests
    elif fault.name == "pool exhausted":
        # The connections are held until their deadline: on a busy machine it takes a while to see that all are.
        async with rig_of(exchange, time_scale=_HELD_LONGER * exchange.scale) as rig:
            if rig.can.position_sides:  # what its commands stand on is read before anything is sent
                await rig.venue.fetch_positions()
            yield rig, rig.venue
    else:
        async with rig_of(exchange) as rig:
            yield rig, rig.venue


def _tls_of_nobody() -> ssl.SSLContext:
    """Returns the certificate of an authority that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@asynccontextmanager
async def _fault_on(rig: Rig, fault: HttpFault, spec: str) -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if fault.name in ("name not resolved", "connect timeout"):
            # A connection that is kept alive is not made again: those that there are have to go first.
            await rig.control.switch("refuse")
            await rig.control.switch("")
            await passes(HEARD)
        if fault.name == "name not resolved":
            patch.setattr(socket, "getaddrinfo", _resolve_nothing)
        await rig.control.switch(spec)
        if fault.name == "refused":
            await passes(HEARD)  # a request on a connection whose reset is on its way would be in doubt, rightly
        try:
            yield
        finally:
            await rig.control.switch("")


def _resolve_nothing(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def _attempt(
    rig: Rig, victim: Venue, fault: HttpFault, call: str, request: OrderRequest, resting: list[Order]
) -> Order | VenueError:
    if fault.name == "pool exhausted":
        return await _last_of_many(rig, victim, call, request, resting)
    if fault.name == "keep-alive connection reset on reuse":
        # The first request of a connection goes through; whichever comes second on it is reset.
        for _ in range(8):
            with_reads = await outcome_of(victim.fetch_order(request.instrument, request.client_order_id))
            if isinstance(with_reads, VenueError) and not isinstance(with_reads, OrderNotFound):
                break
    if fault.name == BOOKED_LATER and call != "submit":
        # It is asked for, or cancelled, while the venue does not have it yet.
        outcome = await outcome_of(victim.submit_order(request))
        assert isinstance(outcome, OutcomeUnknown), repr(outcome)
    return await outcome_of(_call(victim, call, request, resting))


def _call(victim: Venue, call: str, request: OrderRequest, resting: list[Order]) -> Awaitable[Order]:
    match call:
        case "submit":
            return victim.submit_order(request)
        case "cancel":
            if not resting:
                return victim.cancel_order(
                    CancelRequest(
                        instrument=request.instrument, client_order_id=request.client_order_id, venue_order_id=""
                    )
                )
            return victim.cancel_order(cancel_of(resting[0]))
        case _:
            return victim.fetch_order(request.instrument, request.client_order_id)


async def _last_of_many(
    rig: Rig, victim: Venue, call: str, request: OrderRequest, resting: list[Order]
) -> Order | VenueError:
    """Takes every connection with requests that nobody answers, and then sends the one that is judged."""
    scene = Scene(rig, rig.main(), request.price or rig.main().tick_size)
    kind = "query" if call == "query" else "submit"
    loop = asyncio.get_running_loop()
    while True:
        before = await rig.control.done("never-executed")
        began = loop.time()
        crowd = [
            asyncio.ensure_future(outcome_of(_call(victim, kind, scene.order(price=request.price), resting)))
            for _ in range(12)
        ]
        seen = [before]
        while seen[-1] == before or seen[-1] != seen[-6]:  # until no more of them get through
            await passes(0.04)
            # Not all requests: a venue that polls asks for more all the while.
            seen = [*[before] * 6, *seen, await rig.control.done("never-executed")][-6:]
        if loop.time() - began < Timing().attempt * _HELD_LONGER * rig.scale / 3:
            break
        await asyncio.gather(*crowd)  # too busy a machine: they would let go of their connections too soon
    outcome = await outcome_of(_call(victim, call, request, resting))
    for other in await asyncio.gather(*crowd):
        assert isinstance(other, (NotSent, OutcomeUnknown) if kind == "submit" else VenueError), repr(other)
    return outcome


async def _truth_of(rig: Rig, fault: HttpFault, spec: str, call: str, request: OrderRequest) -> bool:
    """Returns whether the exchange carried the command out, once nothing of it can be on its way any more."""
    name = request.client_order_id

    async def carried_out() -> bool:
        found = (await rig.state()).of_client(name)
        is_open = any(order.is_open for order in found)
        return is_open if call == "submit" else not is_open

    if fault.name == BOOKED_LATER:
        await rig.until_true(lambda state: state.of_client(name), f"{spec}: it was never booked")
    if call == "query":
        return True
    if fault.name == BOOKED_LATER and call == "cancel":
        await passes(0.1)
    elif fault.executes(spec):
        loop = asyncio.get_running_loop()
        until_at = loop.time() + LATE + 2.0
        while not await carried_out() and loop.time() < until_at:
            await passes(0.02)
    else:
        await passes(0.1)
    return await carried_out()


def _judge(fault: HttpFault, spec: str, call: str, outcome: Order | VenueError, was_executed: bool) -> None:
    words = f"{fault.name} ({spec}), {call}: {outcome!r}, and the exchange {'did' if was_executed else 'did not'}"
    if call == "query":
        # Right after a lost answer a miss proves nothing, and the port says so.
        assert not isinstance(outcome, OrderNotFound) or fault.name == BOOKED_LATER, words
        return
    if fault.name in FAULTS and not (fault.name == BOOKED_LATER and call == "cancel"):
        assert was_executed is fault.executes(spec), f"the exchange did not do as it was told: {words}"
    if isinstance(outcome, Order):
        assert was_executed, f"acknowledged, never carried out: {words}"
        return
    assert isinstance(outcome, (OrderError, NotSent, OutcomeUnknown)), f"a command raises nothing else: {words}"
    if isinstance(outcome, (OrderError, NotSent)):
        assert not was_executed, f"an unknown outcome was called failed: {words}"
    if fault.never_left:
        assert isinstance(outcome, NotSent), f"it provably never left: {words}"
    assert outcome.message, words


async def _settles(rig: Rig, call: str, request: OrderRequest, was_executed: bool) -> None:
    """Healed, the venue tells at once how it is: nothing stays in doubt that can be looked up."""
    is_open = was_executed if call == "submit" else not was_executed or call == "query"

    def words() -> str:
        return f"after {call}, healed: {found!r}, and it {'rests' if is_open else 'does not'}"

    found: Order | VenueError
    loop = asyncio.get_running_loop()
    until_at = loop.time() + rig.patience / 2 + rig.exchange.longest_ban
    while True:
        found = await outcome_of(rig.venue.fetch_order(request.instrument, request.client_order_id))
        if isinstance(found, (Order, OrderNotFound)) or loop.time() > until_at:
            break
        await passes(0.05)
    if is_open:
        assert isinstance(found, Order) and found.is_open, words()
    else:
        assert isinstance(found, OrderNotFound) or (isinstance(found, Order) and not found.is_open), words()
    await rig.venue.cancel_all_orders(request.instrument)
    await rig.until_true(lambda state: not state.open_orders, f"after {call}: what was cancelled rests")
