"""One connection's life, from the handshake to its end: login, subscriptions, heartbeats, frames in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from enum import Enum
from inspect import isawaitable
from typing import Any, Protocol

import msgspec

from venues.errors import ConnectionLost, ProtocolError, RequestTimeout, VenueError
from venues.events import LinkState
from venues.transport.asks import STUMBLED, Ask, Payload, PendingAsks
from venues.transport.frames import Frame, FrameQueue
from venues.transport.heartbeat import Form, Heartbeat, Pulse
from venues.transport.ratelimit import Pool, RateLimiter, Urgency
from venues.transport.timing import StreamTiming

_STEP = 0.001  # seconds; timers may end a step early, and must not be set anew for nothing
_FOR_EVER = 86_400.0


class Expects(Enum):
    """Which kind of frame the venue's document promises; the other kind answers nothing, and proves no data."""

    TEXT = "text"
    BINARY = "binary"
    EITHER = "either"

    def admits(self, frame: Frame) -> bool:
        return self is Expects.EITHER or frame.is_text is (self is Expects.TEXT)


class Socket(Protocol):
    """An open WebSocket connection. Each of its methods raises ConnectionLost once it is gone.

    ProtocolError where that was because of what it sent.
    """

    def on_control(self, hear: Callable[[bytes | None], None]) -> None: ...

    async def receive(self) -> Frame: ...

    async def send(self, payload: Payload) -> None: ...

    async def ping(self, payload: bytes) -> None: ...


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How to talk to a venue.

    `pools` are its limits on what one connection sends; each message draws one unit of every pool, and the
    heartbeats have the reserve. Without `is_pipelined` a new ask waits until the last one is answered.
    `ages` is False where silence is no news: a private stream on a quiet day.
    """

    venue: str
    heartbeat: Heartbeat
    timing: StreamTiming
    login: Ask | None = None
    expects: Expects = Expects.TEXT
    pools: tuple[Pool, ...] = ()
    is_pipelined: bool = True
    ages: bool = True


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation gets from its stream. `retry_pause` is asked with the number of failures in a row."""

    tell: Callable[[LinkState, str], None]
    measured: Callable[[float], None]  # a round trip in seconds
    opened: Callable[[], None]  # logged in, and every subscription stands for the first time
    sleep: Callable[[float], Awaitable[None]]
    retry_pause: Callable[[int], float]


class Conversation:
    """What is said over one connection, until it ends."""

    def __init__(
        self,
        rules: Rules,
        socket: Socket,
        queue: FrameQueue,
        kept: Mapping[str, Ask],
        surroundings: Surroundings,
    ) -> None:
        self._rules = rules
        self._socket = socket
        self._queue = queue
        self._kept = kept
        self._to = surroundings
        self._pending = PendingAsks()
        self._asked: dict[str, Ask] = {}
        self._turn = asyncio.Lock()
        self._must_ask = asyncio.Event()
        self._limiter = RateLimiter(rules.venue, rules.pools)
        self._weight = tuple((pool.name, 1) for pool in rules.pools)
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[VenueError] = self._loop.create_future()
        self._pulse = Pulse(rules.heartbeat, rules.timing, self._loop.time())
        self._call = rules.heartbeat.call.encode()
        self._is_stale = False
        self.opened_at: float | None = None  # the loop's seconds; logged in, and every subscription stands
        self.is_logged_in = False
        socket.on_control(self._hear_control)

    @property
    def data_at(self) -> float:
        """When the last data came, in the loop's seconds."""
        return self._pulse.data_at

    async def run(self) -> VenueError:
        """Returns why the connection is over; the caller closes it."""
        tasks = [asyncio.create_task(part()) for part in (self._read, self._open, self._beat)]
        try:
            ends: list[asyncio.Future[Any]] = [*tasks, self._over]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            ended = next((task for task in tasks if task.done()), None)
            error = self._over.result() if self._over.done() else self._reason(ended)
            self._pending.fail(ConnectionLost(self._rules.venue, error.message))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._pending.fail(ConnectionLost(self._rules.venue, "the connection was closed"))
            self._over.cancel()
        return error

    def end(self, error: VenueError) -> None:
        """Ends it from outside."""
        if not self._over.done():
            self._over.set_result(error)

    async def ask(self, ask: Ask) -> Frame:
        """Sends it and returns the frame that acknowledges it.

        Raises:
            VenueError: what the judge found, or `make` raised; RequestTimeout, ConnectionLost.
        """
        venue, timing = self._rules.venue, self._rules.timing
        async with AsyncExitStack() as stack:
            if not self._rules.is_pipelined:
                await stack.enter_async_context(self._turn)
            made = ask.make()
            payload = await made if isawaitable(made) else made
            future = self._pending.add(ask)
            stack.callback(self._pending.remove, future)
            await self._send(payload)
            try:
                async with asyncio.timeout(timing.ask if ask.deadline is None else ask.deadline):
                    return await future
            except TimeoutError:
                raise RequestTimeout(venue, f"{ask.what}: no answer in time") from None

    async def ask_kept(self, key: str) -> None:
        """Asks for what is kept under `key`, unless it stands already. Raises as `ask`."""
        ask = self._kept[key]
        if self._asked.get(key) is ask:
            return
        self._asked[key] = ask
        stands = False
        try:
            await self.ask(ask)
            stands = True
        finally:
            if not stands:
                if self._asked.get(key) is ask:
                    del self._asked[key]
                self._must_ask.set()

    def forget(self, key: str) -> None:
        """The subscription under `key` no longer stands."""
        self._asked.pop(key, None)

    async def _read(self) -> None:
        expects, queue, pulse, now = self._rules.expects, self._queue, self._pulse, self._loop.time
        while True:
            frame = await self._socket.receive()
            moment = now()
            pulse.hear(moment)
            if expects.admits(frame):  # else it is for the consumer, who knows what it may have been about
                if await self._is_heartbeat(frame, moment) or (self._pending and self._pending.settle(frame)):
                    continue
                pulse.data_at = moment
                if self._is_stale:
                    self._is_stale = False
                    self._to.tell(LinkState.LIVE, "")
            if queue.is_full:
                await self._put_late(frame)
            else:
                await queue.put(frame)

    async def _put_late(self, frame: Frame) -> None:
        """Waits for the consumer. Meanwhile nothing is read: the venue waits too, and nothing is lost."""
        why = "are held back" if self._queue.is_held else "wait to be taken"
        self._tell_if_open(f"{len(self._queue)} frames {why}")
        await self._queue.put(frame)
        self._pulse.hear(self._loop.time())
        self._tell_if_open("")

    async def _is_heartbeat(self, frame: Frame, now: float) -> bool:
        heartbeat = self._rules.heartbeat
        if self._call and frame.data == self._call:
            await self._send(heartbeat.reply, Urgency.CANCEL)
            return True
        if heartbeat.read_answer is None:
            return False
        try:
            number = heartbeat.read_answer(frame)
        except STUMBLED:
            return False  # for the consumer to stumble over, who has words for it
        if number is None:
            return False
        self._measure(number, now)
        return True

    def _hear_control(self, pong: bytes | None) -> None:
        now = self._loop.time()
        self._pulse.hear(now)
        if pong is not None and pong.isdigit() and len(pong) < 10:
            self._measure(int(pong), now)

    def _measure(self, number: int, now: float) -> None:
        round_trip = self._pulse.answer(number, now)
        if round_trip is not None:
            self._to.measured(round_trip)

    async def _open(self) -> None:
        """Logs in, then asks for what is kept: at once, and again for what was refused or not answered."""
        if self._rules.login is not None:
            await self.ask(self._rules.login)
        self.is_logged_in = True
        failures = 0
        while True:
            self._must_ask.clear()
            refused = await self._ask_missing()
            if refused is not None:
                failures += 1
                self._to.tell(LinkState.STALE, refused.message)
                await self._to.sleep(self._to.retry_pause(failures))
                continue
            failures = 0
            if self.opened_at is None:
                self.opened_at = self._loop.time()
                self._pulse.data_at = max(self._pulse.data_at, self.opened_at)
                self._to.opened()
            self._tell_if_open("")
            await self._must_ask.wait()

    async def _ask_missing(self) -> VenueError | None:
        missing = [key for key, ask in self._kept.items() if self._asked.get(key) is not ask]
        outcomes = await asyncio.gather(*(self.ask_kept(key) for key in missing), return_exceptions=True)
        refused: VenueError | None = None
        for key, outcome in zip(missing, outcomes, strict=True):
            if isinstance(outcome, VenueError) and key in self._kept:
                refused = outcome
            elif isinstance(outcome, BaseException) and key in self._kept:
                raise outcome
        return refused

    async def _beat(self) -> None:
        """Sends our heartbeats, and notices what is missing."""
        pulse, venue = self._pulse, self._rules.venue
        while True:
            now = self._loop.time()
            is_read = not self._queue.is_full
            if not is_read:  # silence proves nothing
                pulse.hear(now)
            if now >= pulse.dead_at:
                raise ConnectionLost(venue, f"nothing was heard for {now - pulse.heard_at:.1f} s")
            can_age = self._rules.ages and is_read and self.opened_at is not None and not self._is_stale
            if can_age and now >= pulse.stale_at:
                self._is_stale, can_age = True, False
                self._to.tell(LinkState.STALE, f"no data for {now - pulse.data_at:.1f} s")
            if now >= pulse.beat_at:
                await self._send_beat()
            # Whatever is heard meanwhile only postpones; what could come earlier is found at the next look.
            moments = [pulse.beat_at, pulse.dead_at, now + self._rules.timing.quiet]
            if can_age:
                moments.append(pulse.stale_at)
            await self._to.sleep(max(_STEP, min(moments) - self._loop.time()))

    async def _send_beat(self) -> None:
        heartbeat = self._rules.heartbeat
        number = self._pulse.next_number()
        if heartbeat.form is Form.PING:
            self._pulse.sent(number, self._loop.time())
            await self._socket.ping(b"%d" % number)
        elif heartbeat.message is not None:
            self._pulse.sent(number, self._loop.time())
            await self._send(heartbeat.message(number), Urgency.CANCEL)

    async def _send(self, payload: Payload, urgency: Urgency = Urgency.COMMAND) -> None:
        async with self._limiter.admitted(self._weight, urgency, _FOR_EVER):
            await self._socket.send(payload)

    def _tell_if_open(self, words: str) -> None:
        if self.opened_at is not None:
            self._to.tell(LinkState.STALE if self._is_stale else LinkState.LIVE, words)

    def _reason(self, task: asyncio.Task[None] | None) -> VenueError:
        error = None if task is None or task.cancelled() else task.exception()
        if isinstance(error, VenueError):
            return error
        # A fault of ours or the adapter's. Its text may quote what was sent: its kind has to do.
        return ProtocolError(self._rules.venue, f"the stream stumbled ({type(error).__name__})")
