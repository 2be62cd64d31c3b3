"""The fewest bytes that could have changed one frame into the next: the floor that a screen's output is held to.

The recorded output is played into a terminal emulator, cut into frames of 100 ms. Each frame is compared with
the one before; a run of changed cells costs a cursor move, a colour change where the colour differs from the
run before, and its characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pyte

FRAME_SECONDS = 0.1
JOIN = 4  # a gap of so few unchanged cells is cheaper to write again than to jump over
MOVE = 8  # ESC [ row ; column H
COLOUR = 19  # ESC [ 38;2;r;g;b m


def difference_bytes(chunks: Iterable[tuple[float, bytes]], rows: int, columns: int) -> int:
    """Returns the sum over all frames; `chunks` are (seconds, output) in order."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    before = cells(screen)
    total, frame_end = 0, None
    for at, data in chunks:
        if frame_end is None:
            frame_end = at + FRAME_SECONDS
        while at >= frame_end:
            after = cells(screen)
            total += cost(before, after)
            before = after
            frame_end += FRAME_SECONDS
        stream.feed(data)
    return total


Cell = tuple[str, str, str]


def cells(screen: pyte.Screen) -> list[list[Cell]]:
    return [
        [(char.data, char.fg, char.bg) for char in (screen.buffer[y][x] for x in range(screen.columns))]
        for y in range(screen.lines)
    ]


def cost(before: list[list[Cell]], after: list[list[Cell]]) -> int:
    total = 0
    for old, new in zip(before, after, strict=True):
        changed = [x for x in range(len(new)) if old[x] != new[x]]
        at = 0
        while at < len(changed):
            end = at
            while end + 1 < len(changed) and changed[end + 1] - changed[end] <= JOIN:
                end += 1
            run = new[changed[at] : changed[end] + 1]
            colours = 1 + sum(left[1:] != right[1:] for left, right in pairwise(run))
            total += MOVE + colours * COLOUR + sum(len(char.encode()) for char, _, _ in run)
            at = end + 1
    return total
