"""How much is tried of what is tried at random: as much as CI has time for, or all of it."""

from __future__ import annotations

import os

IS_LONG = os.environ.get("PITSIDE_TEST_LONG", "") not in ("", "0")


def tries(short: int, long: int) -> int:
    """Returns `short`, or `long` where the environment has PITSIDE_TEST_LONG=1."""
    return long if IS_LONG else short
