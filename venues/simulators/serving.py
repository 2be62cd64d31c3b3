"""Serves a simulator on this machine: REST, streams and the control API on one port of 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from venues.errors import ConfigurationError
from venues.simulators.faults import Faults
from venues.simulators.gate import HOST, Gate
from venues.simulators.gate_connection import CONNECTION, Connection, ServerProtocol
from venues.simulators.port import DEFAULT_RATE, Simulator, SimulatorSettings
from venues.simulators.registry import check_server, create_simulator

T = TypeVar("T")

_KEPT_ALIVE = 75  # seconds that an idle connection is kept, as proxies commonly do
_ENDING = 0.4  # seconds that what is still being answered gets after its client is gone
_STARTING = 30.0  # seconds that a thread gets to listen


class Practice:
    """A served simulator: where it listens and the demo key. `aclose` ends it within a second."""

    def __init__(self, simulator: Simulator, tls: ssl.SSLContext | None = None) -> None:
        self.simulator = simulator
        self.venue = simulator.venue
        self.api_key = simulator.api_key
        self.api_secret = simulator.api_secret
        self.faults = simulator.faults
        self._tasks: set[asyncio.Task[None]] = set()
        self._secure = "s" if tls is not None else ""
        self._gate = Gate(self.venue, self._make_server(), self.faults, simulator.call_of, tls)
        self._market: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"Practice({self.venue!r}, {self.rest_url!r})"

    @property
    def port(self) -> int:
        return self._gate.port

    @property
    def rest_url(self) -> str:
        return f"http{self._secure}://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws{self._secure}://{HOST}:{self.port}/"

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return self._gate.connections

    @property
    def requests(self) -> int:
        """Requests so far, those for the control API left out, those that a fault swallowed included."""
        return self._gate.requests

    def line(self) -> str:
        """Returns what `--json` prints: where it listens and the demo key, on one line."""
        names = ("venue", "rest_url", "ws_url", "api_key", "api_secret")
        return msgspec.json.encode({name: getattr(self, name) for name in names}).decode()

    async def start(self, port: int = 0) -> None:
        """Listens and lets the market live. Raises ConfigurationError: the port can not be had."""
        self._loop = asyncio.get_running_loop()
        await self._gate.open(port)
        self._market = asyncio.create_task(self.simulator.run())

    async def call(self, what: Callable[[], T]) -> T:
        """Calls something of the exchange in its own loop, from another, and returns or raises what that does.

        It is as the control API, without the way there.
        """
        if self._loop is None:
            raise RuntimeError("the practice exchange has not been started")

        async def called() -> T:
            return what()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(called(), self._loop))

    def state(self) -> dict[str, Any]:
        """Returns all that is true there, as the control API tells it."""
        return self.simulator.state() | {"connections": self.connections, "requests": self.requests}

    async def ended(self) -> None:
        """Waits until the market ends by itself, which it never should; raises what ended it."""
        if self._market is not None:
            await asyncio.shield(self._market)

    async def aclose(self) -> None:
        """Ends it, with whoever is connected. May be called twice; only in the loop that it was started in."""
        await self._gate.aclose()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_ENDING)
        ending = [task for task in (*self._tasks, self._market) if task is not None]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def raise_failure(self) -> None:
        """Raises what ended the market, if it ended by an error."""
        market = self._market
        if market is not None and market.done() and not market.cancelled() and (error := market.exception()):
            raise error

    def _make_server(self) -> Callable[[Connection], ServerProtocol]:
        """Returns what makes the server's side of each connection."""
        check_server(self.venue)
        # Only here: the desk and its tests import this module's kin without a server installed.
        import uvicorn
        from starlette.applications import Starlette
        from uvicorn.server import ServerState

        from venues.simulators.control import control_routes
        from venues.simulators.pings import PingHearing

        routes = [*control_routes(self.simulator, self.state), *self.simulator.routes()]
        config = uvicorn.Config(
            Starlette(routes=routes),
            http="h11",
            ws=PingHearing,
            lifespan="off",
            log_config=None,
            log_level="error",  # a client that sends nonsense is no news
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            ws_ping_interval=None,  # the venue's own heartbeat is part of its protocol
            ws_ping_timeout=None,
            timeout_keep_alive=_KEPT_ALIVE,
        )
        config.load()
        logging.getLogger("uvicorn.error").addFilter(_is_ours)
        state = ServerState()
        self._tasks = state.tasks
        make = cast(Callable[..., ServerProtocol], config.http_protocol_class)

        def make_server(connection: Connection) -> ServerProtocol:
            return make(
                config=config, server_state=state, app_state={CONNECTION: connection}, _loop=connection.loop
            )

        return make_server


def _is_ours(record: logging.LogRecord) -> bool:
    """Says whether a line of the server's log is about the exchange, and not about what a client sent."""
    return not record.getMessage().startswith("Invalid UTF-8")


@asynccontextmanager
async def serving_simulator(
    simulator: Simulator, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Practice]:
    """Serves a simulator in the running loop, and raises at the end what ended its market. As `serving`."""
    practice = Practice(simulator, tls)
    await practice.start(port)
    try:
        yield practice
        practice.raise_failure()
    finally:
        await practice.aclose()


@asynccontextmanager
async def serving(
    venue: str,
    *,
    port: int = 0,
    seed: int = 1,
    rate: float | None = None,
    replay: Path | None = None,
    faults: str = "",
    symbols: tuple[str, ...] = (),
    time_scale: float = 1.0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Practice]:
    """Serves a venue's simulator in the running loop; port 0 takes a free one, `rate` None is its own.

    Raises:
        ConfigurationError: no such simulator, no server installed, the port taken, or a setting that can not be
            used; the message says the remedy.
    """
    try:
        switched = Faults(faults, seed=seed)
    except ValueError as error:
        raise ConfigurationError(venue, str(error)) from error
    settings = SimulatorSettings(
        seed=seed,
        rate=DEFAULT_RATE if rate is None else rate,
        replay=replay,
        symbols=symbols,
        time_scale=time_scale,
    )
    async with serving_simulator(create_simulator(venue, settings, switched), port=port, tls=tls) as practice:
        yield practice


@contextmanager
def served_in_thread(venue: str, **options: Any) -> Iterator[Practice]:
    """Serves a venue's simulator in a thread and a loop of its own, with the options of `serving`; raises as it.

    The practice's faults may be switched from any thread; it is closed by leaving the context.
    """
    with in_thread(lambda: serving(venue, **options)) as practice:
        yield practice


@contextmanager
def in_thread(serve: Callable[[], contextlib.AbstractAsyncContextManager[Practice]]) -> Iterator[Practice]:
    """Enters what `serve` makes in a loop of its own, and raises here what is raised there."""
    served = _Served(serve)
    served.start()
    try:
        yield served.practice()
    finally:
        served.stop()


class _Served(threading.Thread):
    """The thread of one served simulator."""

    def __init__(self, serve: Callable[[], contextlib.AbstractAsyncContextManager[Practice]]) -> None:
        super().__init__(name="practice", daemon=True)
        self._serve = serve
        self._is_ready = threading.Event()
        self._practice: Practice | None = None
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopped: asyncio.Event | None = None

    def run(self) -> None:
        self._failure = asyncio.run(self._caught())
        self._is_ready.set()

    def practice(self) -> Practice:
        """Waits until it listens."""
        if not self._is_ready.wait(_STARTING):
            raise TimeoutError(f"the practice exchange did not start within {_STARTING:g} s")
        if self._practice is None:
            raise self._failure or RuntimeError("the practice exchange ended at once")
        return self._practice

    def stop(self) -> None:
        """Ends it, waits for the thread and raises what went wrong meanwhile."""
        if self._loop is not None and self._is_stopped is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it may have ended in this moment
                self._loop.call_soon_threadsafe(self._is_stopped.set)
        self.join()
        if self._practice is not None and self._failure is not None:
            raise self._failure

    async def _caught(self) -> BaseException | None:
        (failure,) = await asyncio.gather(self._live(), return_exceptions=True)
        return failure

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_stopped = asyncio.Event()
        async with self._serve() as practice:
            self._practice = practice
            self._is_ready.set()
            await self._is_stopped.wait()
