"""The signal thread: on SIGHUP, SIGTERM or a hang-up the detach policy is carried out, then the process leaves.

Neither loop handles these signals. The UI's may stand still (a stalled terminal, a wedged widget), and the
engine's must not be interrupted: the signals are blocked in every thread, and one thread waits for them.
SIGTSTP is blocked with them, since a stopped process watches no orders; SIGINT is a plain key in raw mode.

Child processes inherit the blocked signals and would ignore `kill`. Start them inside `unblocked_in_child()`,
or, where the library starts them itself and takes a `preexec_fn`, give it `child_setup`. The first is to be
preferred: code between fork and exec can deadlock in a program with threads.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager

LEAVING = frozenset({signal.SIGHUP, signal.SIGTERM})
BLOCKED = LEAVING | {signal.SIGTSTP}

POLICY_SECONDS = 5.0
UI_SECONDS = 1.0
# What the program may take to close the journal and the sockets once the terminal is restored.
CLOSE_SECONDS = 0.4
# How often a hang-up without a signal is looked for: a terminal that is not the controlling one sends none.
LOOK_SECONDS = 0.25
# `timeout` and some supervisors send SIGTERM to the process and to its group: that is one wish, not two.
SAME_WISH_SECONDS = 0.25
_STEP_SECONDS = 0.02


def mask_signals() -> None:
    """Blocks the signals in this thread and all it will start: call it on the main thread, before any other.

    A handler is installed too. It runs only in the moment in which `unblocked_in_child` has a signal
    unblocked, and passes the signal on to the thread that waits for it; without it that moment would be deadly.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    for number in LEAVING:
        signal.signal(number, _pass_on)


def _pass_on(number: int, _frame: object) -> None:
    # Handlers run on the main thread. Where that is the unblocked one, it would only get the signal again.
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    os.kill(os.getpid(), number)


def child_setup() -> None:
    """Unblocks the signals; a `preexec_fn` for where `unblocked_in_child` cannot be used."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)


@contextmanager
def unblocked_in_child() -> Iterator[None]:
    """Within it a child process is started with the signals unblocked: it inherits this thread's mask."""
    previous = signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


class SignalWatch:
    """Waits for the end, and sees to it that the end comes.

    `detach` starts the detach policy on the engine's loop and returns its future; `exit_ui` asks the UI to
    leave, from this thread; `begin_close` has everything else closed (journal, sockets, the paper account) and
    does not wait for it; `force_restore` puts the terminal back without the UI's help; `leave` ends the
    process at once. A second SIGTERM cuts the present wait short: first the policy's, then the UI's.

    The exit code is 128 + the signal's number: 129 for a hang-up, 143 for SIGTERM.
    """

    def __init__(
        self,
        *,
        detach: Callable[[int], Future[object]],
        exit_ui: Callable[[], object],
        force_restore: Callable[[], object],
        begin_close: Callable[[], object] = lambda: None,
        is_hung_up: Callable[[], bool] = lambda: False,
        leave: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
        policy_seconds: float = POLICY_SECONDS,
        ui_seconds: float = UI_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self._detach = detach
        self._exit_ui = exit_ui
        self._force_restore = force_restore
        self._begin_close = begin_close
        self._is_hung_up = is_hung_up
        self._leave = leave
        self._clock = clock
        self._policy_seconds = policy_seconds
        self._ui_seconds = ui_seconds
        self._close_seconds = close_seconds
        self._ui_done = threading.Event()
        self._policy_done = threading.Event()
        self._last_term = 0.0
        self.exit_code: int | None = None
        self.policy_error: str = ""
        self._thread = threading.Thread(target=self._watch, name="signals", daemon=True)

    def start(self) -> None:
        """Starts the thread; `mask_signals` was called before."""
        self._thread.start()

    def ui_finished(self) -> None:
        """Says that the UI has left and the terminal is restored: nobody needs to do it by force."""
        self._ui_done.set()

    def policy_finished(self) -> bool:
        """Says whether the end came by a signal; then it waits until the policy was carried out or given up."""
        return self.exit_code is not None and self._policy_done.wait(self._policy_seconds + self._ui_seconds)

    def _watch(self) -> None:
        number = self._wait_for_end()
        self.exit_code = 128 + number
        if number == signal.SIGTERM:
            self._last_term = self._clock()
        self._carry_out_policy(number)
        self._policy_done.set()
        # Already now: a UI that does not leave must not cost what is still to be saved.
        self._begin_close()
        if not self._ui_done.is_set():
            self._exit_ui()
            if not self._wait(self._ui_done.is_set, self._ui_seconds):
                self._force_restore()
                self._leave(self.exit_code)
                return
        # The main thread closes what is open and leaves with the same code; this is for when it does not.
        self._wait(lambda: False, self._close_seconds)
        self._leave(self.exit_code)

    def _wait_for_end(self) -> int:
        while True:
            received = signal.sigtimedwait(BLOCKED, LOOK_SECONDS)
            if received is not None and received.si_signo in LEAVING:
                return received.si_signo
            if received is None and self._is_hung_up():
                return signal.SIGHUP

    def _carry_out_policy(self, number: int) -> None:
        policy = self._detach(number)
        if not self._wait(policy.done, self._policy_seconds):
            self.policy_error = "not finished in time"
            return
        try:
            error = policy.exception()
        except CancelledError:
            self.policy_error = "cancelled"
        else:
            self.policy_error = "" if error is None else f"{type(error).__name__}: {error}"

    def _wait(self, is_done: Callable[[], bool], seconds: float) -> bool:
        """Waits until it is done, for so many seconds, or until SIGTERM comes again."""
        end = self._clock() + seconds
        while not is_done():
            left = end - self._clock()
            if left <= 0:
                return False
            received = signal.sigtimedwait(LEAVING, min(left, _STEP_SECONDS))
            if received is not None and received.si_signo == signal.SIGTERM:
                previous, self._last_term = self._last_term, self._clock()
                if previous and self._last_term - previous > SAME_WISH_SECONDS:
                    return is_done()
        return True
