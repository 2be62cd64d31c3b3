"""`python -m tui` and the installed `pitside`."""

from __future__ import annotations

import sys

from tui.cli import run


def main() -> None:
    """Runs pitside and leaves with its exit code."""
    sys.exit(run())


if __name__ == "__main__":
    main()
