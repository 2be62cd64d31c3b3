"""`python -m tui` and the installed `pitside`."""

from __future__ import annotations

import sys

from tui.hardening import harden


def main() -> None:
    """Runs pitside and leaves with its exit code."""
    harden()
    # Only now: what is imported may look at the environment.
    from tui.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
