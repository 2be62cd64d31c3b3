"""An empty Textual app: what any program on this framework takes to its first paint."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class Minimal(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("first paint")


if __name__ == "__main__":
    Minimal().run()
