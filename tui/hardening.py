"""What a process that holds API keys does first: nothing of its memory or its errors is left lying about."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

import msgspec

from tui.fault_words import trace_of

_PR_SET_DUMPABLE = 4
# TLS libraries write every session's keys to the file that this names.
_KEY_LOG = "SSLKEYLOGFILE"


class Hardened(msgspec.Struct, frozen=True, kw_only=True):
    """What was found and done at the start of this process."""

    removed: tuple[str, ...] = ()  # variables of the environment that would have had secrets written to a file
    core_limit: int | None = None  # bytes of a core dump that were allowed before; -1 for any; None: unknown here
    is_undumpable: bool = False  # no core dump, and no other process of this user may look into this one


@functools.cache
def harden() -> Hardened:
    """Makes this process keep what it knows to itself, and says what it found; a second call only says it.

    No core dump is written and no process of the same user may attach to this one (Linux); TLS keys go to no
    file; an error that nobody caught is printed without the values of variables.
    """
    removed = tuple(name for name in (_KEY_LOG,) if os.environ.pop(name, None) is not None)
    show_errors_plainly(lambda text: text)
    return Hardened(removed=removed, core_limit=_forbid_cores(), is_undumpable=_become_undumpable())


def show_errors_plainly(
    clean: Callable[[str], str], tell: Callable[[str, BaseException], object] | None = None
) -> Callable[[], None]:
    """From now on an error that nobody caught is printed by kind, words and places, through `clean`.

    One that does not end the process, in a thread or while something is tidied up, goes to `tell` with the place
    where it was, if there is one: the screen may be in use. Returns what puts it all back as it was.
    """
    before = sys.excepthook, threading.excepthook, sys.unraisablehook

    def beside(where: str, error: BaseException) -> None:
        if tell is not None:
            tell(where, error)
        else:
            _print(error, clean, f"{where}: ")

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        del kind, trace  # the error has both
        _print(error, clean)

    def show_of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            beside(f"in {args.thread.name if args.thread is not None else 'a thread'}", args.exc_value)

    def show_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_value is not None:
            beside("while something was tidied up", unraisable.exc_value)

    sys.excepthook = show
    threading.excepthook = show_of_thread
    sys.unraisablehook = show_unraisable

    def put_back() -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before

    return put_back


def _print(error: BaseException, clean: Callable[[str], str], where: str = "") -> None:
    # The stream may be a terminal that is gone, or closed by now.
    with suppress(OSError, ValueError, AttributeError):
        if isinstance(error, KeyboardInterrupt):
            sys.stderr.write("pitside: interrupted\n")
            return
        lines = trace_of(error, clean)
        sys.stderr.write(clean("\n".join([f"pitside: {where}{lines[0]}", *lines[1:]])) + "\n")
        sys.stderr.flush()


def _forbid_cores() -> int | None:
    try:
        import resource
    except ImportError:  # not a Unix
        return None
    allowed, _ = resource.getrlimit(resource.RLIMIT_CORE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return allowed


def _become_undumpable() -> bool:
    """A core pattern that is a pipe takes no notice of the limit; of this it does."""
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False
