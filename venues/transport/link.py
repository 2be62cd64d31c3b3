"""One supervised WebSocket connection to a venue: it comes back by itself, and gives its frames in order.

`stream.py` makes each connection, `conversation.py` is what is said over it; here is what outlives it: what is
subscribed, the frames that wait, the pauses and the bans.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import msgspec

from venues.errors import ConnectionLost, DecodeError, ProtocolError, RateLimited, RequestTimeout, VenueError
from venues.events import LinkState, StreamStatus
from venues.redaction import Redaction
from venues.transport.address import Address, check_address
from venues.transport.asks import Ask
from venues.transport.backoff import Backoff
from venues.transport.conversation import Conversation, Rules, Surroundings
from venues.transport.frames import Frame, FrameQueue
from venues.transport.privacy import default_tls
from venues.transport.proxying import chosen_proxy
from venues.transport.ratelimit import RateLimiter, Urgency, Weight
from venues.transport.stream import JudgeClosing, Opening, StreamLimits, WebSocket, open_websocket

_STEP = 0.005  # seconds; the end of a ban and the end of a pause may differ by one step of a clock


class Quarantined(msgspec.Struct, frozen=True):
    """A frame that could not be used: what was wrong, never what it said. `count` is the stream's so far."""

    why: str
    size: int  # bytes
    ts_recv: int
    count: int


class Stream:
    """The stream of one venue, for one event loop. `start` it, then take its `batches`.

    `address` may be a function: it is awaited before each connection, for URLs that hold a token. `on_status` is
    told of every change; `on_open` gets the number of each connection once it is logged in and subscribed. With
    `holds` the frames of each connection are held back until `release`. `limiter` and `weight` count connections
    and keep bans, and may be shared by the venue's streams.

    Raises:
        ConfigurationError: the address or the proxy can not be used.
    """

    def __init__(
        self,
        rules: Rules,
        address: Address | Callable[[], Awaitable[Address]],
        *,
        on_status: Callable[[StreamStatus], None],
        on_open: Callable[[int], None] | None = None,
        on_quarantine: Callable[[Quarantined], None] | None = None,
        judge_closing: JudgeClosing | None = None,
        holds: bool = False,
        limits: StreamLimits | None = None,
        limiter: RateLimiter | None = None,
        weight: Weight = (),
        compresses: bool = False,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        hide: Redaction | None = None,
        rng: random.Random | None = None,
        wall: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if isinstance(address, Address):
            check_address(rules.venue, address)
        chosen_proxy(rules.venue, proxy, is_secure=True)
        self.venue = rules.venue
        self._rules = rules
        self._address = address
        self._on_status = on_status
        self._on_open = on_open
        self._on_quarantine = on_quarantine
        self._judge_closing = judge_closing
        self._holds = holds
        self._limits = limits or StreamLimits()
        self._limiter = limiter or RateLimiter(rules.venue, ())
        self._weight = weight
        self._compresses = compresses
        self._tls = tls
        self._proxy = proxy
        self._hide = hide
        self._wall = wall
        self._sleep = sleep
        self._backoff = Backoff(rules.timing, rng or random.Random())
        self._retry_rng = rng or random.Random()
        self._queue = FrameQueue(self._limits.waiting, self._limits.batch)
        self._kept: dict[str, Ask] = {}
        self._conversation: Conversation | None = None
        self._task: asyncio.Task[None] | None = None
        self._opening: set[asyncio.Future[None]] = set()
        self._is_closed = False
        self._data_at: float | None = None
        self.connections = 0  # that were made; the number of the newest
        self.quarantined = 0
        self.status = StreamStatus(rules.venue, LinkState.CONNECTING)

    def __repr__(self) -> str:
        return f"Stream({self.venue!r}, {self.status.state})"

    @property
    def age(self) -> float | None:
        """Seconds since the last data of any connection; None before the first connection."""
        at = self._conversation.data_at if self._conversation else self._data_at
        return None if at is None else asyncio.get_running_loop().time() - at

    @property
    def is_open(self) -> bool:
        """Logged in and subscribed."""
        return self._conversation is not None and self._conversation.opened_at is not None

    @property
    def is_behind(self) -> bool:
        """Nothing is read, since too many frames wait for the consumer."""
        return self._queue.is_full

    def start(self) -> None:
        """Connects, and again after every loss, until `aclose`."""
        if self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._supervise())

    async def opened(self) -> None:
        """Waits until it is open. Raises VenueError for an attempt that failed; the stream goes on trying."""
        if self._is_closed:
            raise ConnectionLost(self.venue, "this stream is closed")
        if self.is_open:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._opening.add(waiter)
        try:
            await waiter
        finally:
            self._opening.discard(waiter)

    async def batches(self) -> AsyncIterator[Sequence[Frame]]:
        """Yields the frames in the order they came, those that wait together at once; one consumer only."""
        while batch := await self._queue.take():
            yield batch

    async def subscribe(self, key: str, ask: Ask) -> None:
        """Keeps `ask` under `key`, in place of what was there, and asks now and after each reconnect.

        An answer that does not come in time, or a connection that is lost, is made good by itself.

        Raises:
            VenueError: the venue refused; it is not kept.
        """
        self._kept[key] = ask
        conversation = self._conversation
        if conversation is None or not conversation.is_logged_in:
            return
        try:
            await conversation.ask_kept(key)
        except (ConnectionLost, RequestTimeout):
            return
        except VenueError:
            if self._kept.get(key) is ask:
                del self._kept[key]
            raise

    async def unsubscribe(self, key: str, ask: Ask | None = None) -> None:
        """Forgets what is kept under `key`, and sends `ask` if there is a connection. Raises VenueError."""
        self._kept.pop(key, None)
        conversation = self._conversation
        if conversation is not None:
            conversation.forget(key)
            if ask is not None and conversation.is_logged_in:
                await conversation.ask(ask)

    async def ask(self, ask: Ask) -> Frame:
        """Asks once and returns the answer. Raises VenueError; ConnectionLost where there is no connection."""
        conversation = self._conversation
        if conversation is None or not conversation.is_logged_in:
            raise ConnectionLost(self.venue, f"{ask.what}: the stream is not connected")
        return await conversation.ask(ask)

    def release(self, connection: int) -> bool:
        """Hands over what is held back, and holds no more until the next connection.

        Returns False, and goes on holding, where `connection` is no longer the newest: there is more to reconcile.
        """
        if connection != self.connections:
            return False
        self._queue.release()
        return True

    def check(self, frame: Frame) -> None:
        """Raises DecodeError for a frame of a kind that the venue does not send, text or binary."""
        if not self._rules.expects.admits(frame):
            raise DecodeError(self.venue, f"a {'text' if frame.is_text else 'binary'} frame")

    def quarantine(self, frame: Frame, why: str) -> None:
        """Counts a frame that the consumer could not decode; `why` must not quote it."""
        self._set_aside(len(frame.data), frame.ts_recv, why)

    def reconnect(self, why: str) -> None:
        """Gives up the present connection for a new one, with the pauses of any loss."""
        if self._conversation is not None:
            self._conversation.end(ConnectionLost(self.venue, why))

    async def aclose(self) -> None:
        """Closes the connection and ends `batches` after what waits. May be called twice, in any state."""
        self._is_closed = True
        self._queue.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._fail_opening(ConnectionLost(self.venue, "this stream is closed"))
        self._tell(LinkState.DOWN, "closed")

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            (outcome,) = await asyncio.gather(self._attempt(), return_exceptions=True)
            error = outcome if isinstance(outcome, VenueError) else self._stumbled(outcome)
            pause = max(self._backoff.next_pause(loop.time()), self._limiter.penalty_left())
            is_down = self._backoff.failures >= self._rules.timing.down_after or self._limiter.penalty_left() > 0
            words = f"{error.message}; the next attempt in {pause:.1f} s" if pause else error.message
            self._tell(LinkState.DOWN if is_down else LinkState.RECONNECTING, words)
            self._fail_opening(error)
            if pause:
                await self._sleep(pause + _STEP)

    async def _attempt(self) -> VenueError:
        """Makes one connection and returns why it ended, or was not made."""
        if self.connections:
            self._tell(LinkState.RECONNECTING, "")
        loop = asyncio.get_running_loop()
        socket = await self._connect()
        if isinstance(socket, VenueError):
            return socket
        self.connections += 1
        error: VenueError | None = None
        try:
            if self._holds:
                self._queue.hold()
            to = Surroundings(
                tell=self._tell,
                measured=self._measured,
                opened=self._opened,
                sleep=self._sleep,
                retry_pause=self._retry_pause,
            )
            self._conversation = conversation = Conversation(self._rules, socket, self._queue, self._kept, to)
            error = await conversation.run()
            opened_at = conversation.opened_at
            if opened_at is not None and loop.time() - opened_at >= self._rules.timing.health:
                self._backoff.reset()
        finally:
            if self._conversation is not None:
                self._data_at = self._conversation.data_at
                self._conversation = None
            # A link that is dead would not answer the closing handshake either.
            await socket.close(is_graceful=not isinstance(error, ConnectionLost))
        if isinstance(error, DecodeError):
            self._set_aside(self._limits.frame_size, self._wall(), error.message)
        self._heed(error)
        return error

    async def _connect(self) -> WebSocket | VenueError:
        timing = self._rules.timing
        async with AsyncExitStack() as stack:
            while True:
                try:
                    await stack.enter_async_context(self._limiter.admitted(self._weight, Urgency.READ, 0.0))
                except RateLimited as error:
                    self._tell(LinkState.DOWN, error.message)
                    await self._sleep((error.retry_after or 0.0) + _STEP)
                else:
                    break
            try:
                async with asyncio.timeout(timing.open):
                    address = self._address if isinstance(self._address, Address) else await self._address()
                    check_address(self.venue, address)
                    opening = Opening(
                        venue=self.venue,
                        address=address,
                        timing=timing,
                        limits=self._limits,
                        compresses=self._compresses,
                        tls=(self._tls or default_tls()) if address.is_secure else None,
                        proxy=chosen_proxy(self.venue, self._proxy, is_secure=address.is_secure),
                        hide=self._hide,
                        judge_closing=self._judge_closing,
                        wall=self._wall,
                        number=self.connections + 1,
                    )
                    return await open_websocket(opening)
            except TimeoutError:
                return RequestTimeout(self.venue, "no connection in time")
            except VenueError as error:
                self._heed(error)
                return error

    def _heed(self, error: VenueError) -> None:
        """After a ban nothing connects before it is over: an attempt during a ban can begin it anew."""
        if isinstance(error, RateLimited):
            self._limiter.stop(self._rules.timing.ban if error.retry_after is None else error.retry_after)

    def _retry_pause(self, failures: int) -> float:
        timing = self._rules.timing
        ceiling = min(timing.ceiling, timing.base * 2.0 ** min(failures, 16))
        return self._retry_rng.uniform(timing.floor, max(timing.floor, ceiling))

    def _opened(self) -> None:
        for waiter in self._opening:
            if not waiter.done():
                waiter.set_result(None)
        if self._on_open is not None:
            self._on_open(self.connections)

    def _fail_opening(self, error: VenueError) -> None:
        for waiter in self._opening:
            if not waiter.done():
                waiter.set_exception(error)

    def _measured(self, seconds: float) -> None:
        self.status = msgspec.structs.replace(self.status, round_trip=round(seconds * 1e9), ts_event=self._wall())
        self._on_status(self.status)

    def _tell(self, state: LinkState, detail: str) -> None:
        if (state, detail) == (self.status.state, self.status.detail):
            return
        self.status = msgspec.structs.replace(self.status, state=state, detail=detail, ts_event=self._wall())
        self._on_status(self.status)

    def _set_aside(self, size: int, ts_recv: int, why: str) -> None:
        self.quarantined += 1
        if self._on_quarantine is not None:
            self._on_quarantine(Quarantined(why, size, ts_recv, self.quarantined))

    def _stumbled(self, error: BaseException) -> VenueError:
        # A fault of ours or of a callback. Its text may quote what was sent: its kind has to do.
        words = f"the stream stumbled ({type(error).__name__})"
        logging.getLogger(__name__).error("%s: %s", self.venue, words)
        return ProtocolError(self.venue, words)
