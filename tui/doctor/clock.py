"""Our clock: what the kernel says of it, and how far it is from the venues'. Orders are signed with the time."""

from __future__ import annotations

import ctypes
import sys
from typing import NamedTuple

from tui.doctor.findings import Finding, Topic, fault, note, ok, warning

_UNSYNCHRONISED = 0x0040  # STA_UNSYNC of <sys/timex.h>
_WARN, _FAULT = 500_000_000, 5_000_000_000  # nanoseconds: venues refuse what is 5 to 60 s off
_SET_CLOCK = "have it set by the network: `sudo timedatectl set-ntp true`, or install chrony"


class KernelClock(NamedTuple):
    """What the kernel keeps of its clock. `error` is the most by which it says to be wrong, in microseconds."""

    is_synchronised: bool
    error: int


class _Timex(ctypes.Structure):
    """The head of `struct timex`; the rest is room that the kernel writes to."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 40),
    )


def read_kernel_clock() -> KernelClock | None:
    """Asks the kernel, and changes nothing: `modes` is 0. None where it is not told (not Linux, or forbidden)."""
    if sys.platform != "linux":
        return None
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    timex = _Timex()
    if adjtimex(ctypes.byref(timex)) < 0:
        return None
    return KernelClock(not timex.status & _UNSYNCHRONISED, timex.maxerror)


def check_kernel_clock(clock: KernelClock | None) -> list[Finding]:
    """Says whether anything keeps the clock right."""
    if clock is None:
        return [note(Topic.CLOCK, "this system does not tell whether its clock is kept right")]
    if clock.is_synchronised:
        return [
            ok(Topic.CLOCK, f"it is kept right, within {clock.error / 1000:,.0f} ms by the kernel's reckoning")
        ]
    words = "nothing is known to keep it right: the kernel calls it unsynchronised (in a container or a virtual "
    words += "machine the host may do it)"
    return [note(Topic.CLOCK, words, _SET_CLOCK)]


def check_offset(place: str, offset: int, uncertainty: int) -> list[Finding]:
    """Judges the time of `place` minus ours, in nanoseconds; what may be the measurement's error is no alarm."""
    least = max(0, abs(offset) - uncertainty)
    side = "behind" if offset > 0 else "ahead of"
    words = f"this machine is {abs(offset) / 1e9:,.2f} s {side} {place} (within {uncertainty / 1e9:.2f} s)"
    if least > _FAULT:
        return [fault(Topic.CLOCK, f"{words}: venues refuse orders that are signed with such a time", _SET_CLOCK)]
    if least > _WARN:
        return [warning(Topic.CLOCK, words, _SET_CLOCK)]
    if abs(offset) <= uncertainty:
        return [
            ok(Topic.CLOCK, f"no difference to {place} that could be measured (within {uncertainty / 1e9:.2f} s)")
        ]
    return [ok(Topic.CLOCK, words)]
