"""The engine thread: one asyncio loop with the session, and the two places where the UI meets it.

Frames go into a mailbox of one slot, where they merge; facts go into a queue. Wishes come in as coroutines handed
to the loop, and nobody waits for them. The desk goes on whatever the terminal does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from tui.desk.bill_reading import read_bills
from tui.desk.control import AmendIntent, Bills, CancelScope, FundsIntent, OrderIntent, Outcome
from tui.desk.detaching import DetachReport
from tui.desk.frame import Fact, FactKind, Frame, PanicReceipt, Severity
from tui.desk.inert import sanitise
from tui.desk.key_control import KeyReport, KeysView, NewKey
from tui.desk.key_entries import KeyName
from tui.desk.session import Session
from venues.model import InstrumentId, MarginMode
from venues.secret import Secret

if TYPE_CHECKING:
    from tui.desk.key_service import KeyService

logger = logging.getLogger(__name__)
T = TypeVar("T")
Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

FRAME_INTERVAL = 0.1
HEARTBEAT = 0.02


class Door(Protocol):
    """How other processes reach a session."""

    async def start(self) -> None:
        """Raises OSError, whose words say why nobody can reach the session."""
        ...

    async def aclose(self) -> None: ...


class Mailbox:
    """One slot for frames. Thread-safe; what nobody has taken yet is merged with what comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frame: Frame | None = None

    def put(self, frame: Frame) -> None:
        with self._lock:
            self._frame = frame if self._frame is None else frame.over(self._frame)

    def take(self) -> Frame | None:
        with self._lock:
            frame, self._frame = self._frame, None
            return frame


class Engine:
    """Runs a session on a thread of its own, and implements `Desk` for those on other threads.

    `make_session` is called by `start` with the sink for facts. `frame_interval` is in seconds. `make_door` makes
    what other processes reach the session by, None where none may; it is opened and closed on the loop.
    """

    def __init__(
        self,
        make_session: Callable[[Callable[[Fact], None]], Session],
        *,
        frame_interval: float = FRAME_INTERVAL,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        make_door: Callable[[Session], Door | None] = lambda _: None,
    ) -> None:
        self._make_door = make_door
        self._make_session = make_session
        self._frame_interval = frame_interval
        self._clock = clock
        self._monotonic = monotonic
        self._mailbox = Mailbox()
        self._facts: deque[Fact] = deque()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: Session | None = None
        self._halt: asyncio.Event | None = None
        self._is_up = threading.Event()
        self._opening: asyncio.Event | None = None
        self._door: Door | None = None
        self._keys: asyncio.Future[KeyService] | None = None
        self._hold = 0.0
        self._longest_gap = 0.0

    @property
    def is_running(self) -> bool:
        """Says whether wishes are carried out."""
        return self._thread is not None and self._thread.is_alive() and self._session is not None

    @property
    def longest_gap(self) -> float:
        """The longest time, in seconds, for which the loop has not come round more than it should have."""
        return self._longest_gap

    def reset_longest_gap(self) -> None:
        self._longest_gap = 0.0

    def start(self, hold: float = 0.0) -> None:
        """Starts the thread and returns once its loop runs and the first frame lies ready.

        Venues open in the background, at `release` or after `hold` seconds: opening one takes the processor
        for 50 to 200 ms, which the first paint would wait for.

        Raises:
            RuntimeError: it was started before.
        """
        if self._thread is not None:
            raise RuntimeError("the engine was started before")
        self._hold = hold
        session = self._make_session(self._facts.append)
        self._thread = threading.Thread(target=self._main, args=(session,), name="engine", daemon=True)
        self._thread.start()
        self._is_up.wait()

    def release(self) -> None:
        """Opens the venues now, where `start` holds them back. From any thread, and as often as one likes."""
        loop, opening = self._loop, self._opening
        if loop is not None and opening is not None and not loop.is_closed():
            # The loop may close between the question and here.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(opening.set)

    def stop(self, policy: str | None = "leave", timeout: float = 5.0) -> DetachReport | None:
        """Carries out the detach policy, closes the venues and ends the thread, all within `timeout` seconds.

        Without a policy (it has been carried out before) only the rest is done. Returns the policy's report; None
        where there was none, or it did not come to its end in time or failed. May be called from any thread but
        the engine's, and twice.
        """
        thread = self._thread
        if thread is None or not thread.is_alive():
            return None
        deadline = self._monotonic() + timeout
        # A fifth is left for closing the venues.
        report = None if policy is None else self._carry_out(policy, timeout * 0.8)
        self.begin_stop()
        thread.join(max(0.1, deadline - self._monotonic()))
        return report

    def begin_stop(self) -> None:
        """Has the venues closed and the thread ended, without waiting for it. From any thread, and twice."""
        loop, halt = self._loop, self._halt
        if loop is not None and halt is not None and not loop.is_closed():
            # The loop may close between the question and here.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(halt.set)

    def _carry_out(self, policy: str, seconds: float) -> DetachReport | None:
        future = self.detach(policy)
        try:
            return future.result(seconds)
        except FutureTimeout:
            future.cancel()
            logger.error("the detach policy %s was not carried out within %.1f s", policy, seconds)
        except (CancelledError, ValueError, RuntimeError) as error:
            logger.error("the detach policy %s failed: %s", policy, error)
        return None

    def detach(self, policy: str, why: str = "") -> Future[DetachReport]:
        """Carries out a detach policy, and goes on running."""
        return self._ask(lambda session: session.detach(policy, why))

    def take_frame(self) -> Frame | None:
        return self._mailbox.take()

    def take_facts(self) -> list[Fact]:
        taken = []
        while self._facts:
            taken.append(self._facts.popleft())
        return taken

    def show(self, instrument: InstrumentId) -> Future[None]:
        return self._ask(lambda session: session.show(instrument))

    def open_venue(self, name: str) -> Future[Outcome]:
        return self._ask(lambda session: session.open_venue(name))

    def set_bar_interval(self, seconds: int) -> Future[None]:
        return self._ask(lambda session: session.set_bar_interval(seconds))

    def set_favourite(self, instrument: InstrumentId, is_favourite: bool) -> Future[None]:
        return self._ask(lambda session: session.set_favourite(instrument, is_favourite))

    def check(self, intent: OrderIntent) -> Future[Outcome]:
        return self._ask(lambda session: session.check(intent))

    def submit(self, intent: OrderIntent) -> Future[Outcome]:
        return self._ask(lambda session: session.submit(intent))

    def amend(self, intent: AmendIntent) -> Future[Outcome]:
        return self._ask(lambda session: session.amend(intent))

    def cancel(self, key: str) -> Future[Outcome]:
        return self._ask(lambda session: session.cancel(key))

    def cancel_all(self, scope: CancelScope) -> Future[Outcome]:
        return self._ask(lambda session: session.cancel_all(scope))

    def close_position(self, instrument: InstrumentId, position_id: str, percent: int) -> Future[Outcome]:
        return self._ask(lambda session: session.close_position(instrument, position_id, percent))

    def reverse_position(self, instrument: InstrumentId, position_id: str) -> Future[Outcome]:
        return self._ask(lambda session: session.reverse_position(instrument, position_id))

    def flatten(self, instrument: InstrumentId | None = None) -> Future[Outcome]:
        return self._ask(lambda session: session.flatten(instrument))

    def panic(self) -> Future[PanicReceipt]:
        return self._ask(lambda session: session.panic())

    def set_leverage(
        self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode
    ) -> Future[Outcome]:
        return self._ask(lambda session: session.set_leverage(instrument, leverage, margin_mode))

    def move_funds(self, intent: FundsIntent) -> Future[Outcome]:
        return self._ask(lambda session: session.move_funds(intent))

    def fetch_bills(self, venue: str, limit: int) -> Future[Bills]:
        return self._ask(lambda session: read_bills(session.links, venue, limit))

    def decide_gone(self, key: str) -> Future[Outcome]:
        return self._ask(lambda session: session.decide_gone(key))

    def end_recovery(self) -> Future[Outcome]:
        return self._ask(lambda session: session.end_recovery())

    def arm(self) -> Future[Outcome]:
        return self._ask(lambda session: session.arm())

    def lock(self, reason: str) -> Future[None]:
        return self._ask(lambda session: session.lock(reason))

    def list_keys(self, password: Secret | None = None) -> Future[KeysView]:
        return self._ask_keys(lambda keys: keys.list(password))

    def add_key(self, wanted: NewKey, password: Secret | None = None) -> Future[KeyReport]:
        return self._ask_keys(lambda keys: keys.add(wanted, password))

    def test_key(self, name: KeyName, password: Secret | None = None) -> Future[KeyReport]:
        return self._ask_keys(lambda keys: keys.test(name, password))

    def remove_key(self, name: KeyName, password: Secret | None = None) -> Future[KeyReport]:
        return self._ask_keys(lambda keys: keys.remove(name, password))

    def use_keys(self, password: Secret | None = None) -> Future[KeyReport]:
        return self._ask_keys(lambda keys: keys.use(password))

    def _ask_keys(self, wish: Callable[[KeyService], Coroutine[Any, Any, T]]) -> Future[T]:
        async def ask(session: Session) -> T:
            if session.make_keys is None:
                raise RuntimeError("this desk uses no keys")
            if self._keys is None:
                # Most desks never ask: it is imported only now, beside the loop, and for all who ask meanwhile.
                self._keys = asyncio.ensure_future(asyncio.to_thread(session.make_keys))
            return await wish(await asyncio.shield(self._keys))

        return self._ask(ask)

    def _ask(self, wish: Callable[[Session], Coroutine[Any, Any, T]]) -> Future[T]:
        """Hands a wish over. A desk that does not run answers with RuntimeError in the future."""
        loop, session = self._loop, self._session
        if loop is None or session is None or loop.is_closed():
            future: Future[T] = Future()
            future.set_exception(RuntimeError("the engine does not run"))
            return future
        work = wish(session)
        try:
            return asyncio.run_coroutine_threadsafe(work, loop)
        except RuntimeError:  # the loop closed between the question and here
            work.close()
            refused: Future[T] = Future()
            refused.set_exception(RuntimeError("the engine does not run"))
            return refused

    def _main(self, session: Session) -> None:
        try:
            asyncio.run(self._serve(session))
        finally:
            self._session = None
            self._is_up.set()

    async def _serve(self, session: Session) -> None:
        self._loop = asyncio.get_running_loop()
        self._halt = asyncio.Event()
        self._opening = asyncio.Event()
        self._session = session
        self._put_frame(session)
        self._is_up.set()
        opening = asyncio.create_task(self._open_venues(session, self._opening))
        try:
            await self._until_halted(session, self._halt)
        finally:
            self._session = None
            if self._keys is not None and self._keys.done() and not self._keys.exception():
                self._keys.result().vault.abort()  # its thread would hold up the end of the process
            opening.cancel()
            await asyncio.wait({opening})
            if self._door is not None:
                await self._door.aclose()
            await session.aclose()
            self._put_frame(session)

    async def _open_door(self, session: Session) -> Door | None:
        """Lets other processes in; where that can not be, it is told, and the desk goes on without."""
        door = self._make_door(session)
        if door is None:
            return None
        try:
            await door.start()
        except OSError as error:
            session.say(FactKind.NOTICE, Severity.WARNING, sanitise(str(error)))
            return None
        return door

    async def _let_others_in(self, session: Session) -> None:
        if self._door is None:
            self._door = await self._open_door(session)

    async def _open_venues(self, session: Session, release: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(release.wait(), self._hold)
        # Not before the first paint either: what answers other processes takes 20 ms to import.
        await self._let_others_in(session)
        session.note_profile_taken = lambda: self._let_others_in(session)
        await session.open()

    async def _until_halted(self, session: Session, halt: asyncio.Event) -> None:
        """Runs heartbeat and frames until `stop`. One that breaks is told and begun anew: no silent darkness."""
        halted = asyncio.create_task(halt.wait())
        works: tuple[Work, ...] = (self._beat, lambda: self._make_frames(session))
        running = {asyncio.create_task(work()): work for work in works}
        try:
            while not halt.is_set():
                done, _ = await asyncio.wait({halted, *running}, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in running if task in done]:
                    error = task.exception()
                    logger.error("the engine's own work failed", exc_info=error)
                    text = f"internal fault: {type(error).__name__}, see pitside.log"
                    self._facts.append(
                        Fact(ts=self._clock(), kind=FactKind.NOTICE, severity=Severity.ALARM, text=text)
                    )
                    work = running.pop(task)
                    await asyncio.sleep(self._frame_interval)
                    running[asyncio.create_task(work())] = work
        finally:
            halted.cancel()
            for task in running:
                task.cancel()
            await asyncio.wait({halted, *running})

    async def _beat(self) -> None:
        """Measures how late the loop comes round."""
        last = self._monotonic()
        while True:
            await asyncio.sleep(HEARTBEAT)
            now = self._monotonic()
            self._longest_gap = max(self._longest_gap, now - last - HEARTBEAT)
            last = now

    async def _make_frames(self, session: Session) -> None:
        while True:
            self._put_frame(session)
            await asyncio.sleep(self._frame_interval)

    def _put_frame(self, session: Session) -> None:
        frame = session.store.frame(self._clock())
        if frame is not None:
            self._mailbox.put(frame)
