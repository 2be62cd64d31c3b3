"""What a desk holds in memory, container by container, so that the one that grows without end has a name."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

_CONTAINERS = (dict, list, set, deque)
_ROOM = 64  # entries that come and go
_FACTOR = 1.25


def sizes_of(root: object) -> Counter[str]:
    """Returns the lengths of all containers below `root`, added up by the way that leads to them."""
    sizes: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: list[tuple[str, object]] = [(type(root).__name__, root)]
    while waiting:
        path, one = waiting.pop()
        if id(one) in seen:
            continue
        if isinstance(one, _CONTAINERS):
            seen.add(id(one))
            if getattr(one, "maxlen", None) is None:  # else it is bounded by what it is
                sizes[path] += len(one)
            inside = one.values() if isinstance(one, dict) else one
            waiting.extend((f"{path}[]", child) for child in inside)
        elif type(one).__module__.startswith(("tui.", "venues.")) and not isinstance(one, msgspec.Struct):
            seen.add(id(one))
            waiting.extend((f"{path}.{name}", child) for name, child in _fields(one).items())
    return sizes


def _fields(one: object) -> Mapping[str, object]:
    fields = dict(getattr(one, "__dict__", {}))
    for kind in type(one).__mro__:
        slots = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(one, name):
                fields[name] = getattr(one, name)
    return fields


def growing(points: Sequence[Counter[str]], bounds: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Returns what is larger than it may be at the end of `points`: how large it may be, and how large it is.

    `bounds` names, by the end of their ways, containers that fill up to a known length. Any other must not be
    larger than it was in the first half.
    """
    half, last = points[: max(1, len(points) // 2)], points[-1]
    found = {}
    for path in sorted(last):
        bound = next((most for end, most in bounds.items() if path.endswith(end)), None)
        allowed = round(_FACTOR * max(point[path] for point in half)) + _ROOM if bound is None else bound
        if last[path] > allowed:
            found[path] = (allowed, last[path])
    return found


def allocated_blocks() -> int:
    """Returns how many blocks Python's allocator has given out: exact, where the resident size is rounded.

    Strings, numbers and structs count, which the garbage collector does not track.
    """
    gc.collect()
    return sys.getallocatedblocks()


def resident_bytes() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def count_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
