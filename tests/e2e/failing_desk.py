"""The desk with faults of its own, each of which has the API key in its words and in its variables.

    python -m tests.e2e.failing_desk FOLDER --venue coinex

As it opens, the venue's worker fails. With the first order a task fails that nobody looks after, and a thread, and
careless code writes the key to logs, as libraries would. ctrl+p ends the screens by an error. Pictures of the
screen are written to FOLDER as long as it runs.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import warnings
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import venues.coinex.venue as coinex
from tui.cli import run
from tui.desk.frame import Fact
from tui.hardening import harden
from tui.terminal.environment import prepare
from venues.commands import OrderRequest
from venues.model import Bar, InstrumentId, Order
from venues.port import Credentials, Depart

if TYPE_CHECKING:
    from tui.app import PitsideApp

NAMES = (
    "httpx",
    "httpcore.http11",
    "websockets.client",
    "keyring.backend",
    "jeepney.io",
    "asyncio",
    "tests.careless",
)
PICTURES = count()
HAS_FAILED: list[str] = []


def fail(where: str, key: str, secret: str) -> None:
    held = {"access_id": key, "secret_key": secret}
    raise RuntimeError(f"the {where} fails with {held} and https://host/?access_id={key}&signature={secret}")


def misbehave(credentials: Credentials) -> None:
    """Does what must not show: on the engine's loop."""
    key, secret = credentials.key.reveal(), credentials.secret.reveal()

    async def nobody_looks() -> None:
        fail("task", key, secret)

    task = asyncio.get_running_loop().create_task(nobody_looks())
    task.add_done_callback(lambda _: asyncio.get_running_loop().call_soon(gc.collect))
    thread = threading.Thread(target=fail, args=("thread", key, secret), name="careless")
    thread.start()
    thread.join()
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.debug("GET /?signature=%s %r", secret, {"key": key})
        logger.error("%s: header authorization: %s, key %r", name, secret, key, stack_info=True)
    try:
        fail("work", key, secret)
    except RuntimeError:
        logging.getLogger("tests.careless").exception("with %s", credentials)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"careless {secret}", UserWarning, stacklevel=1)


class FailingVenue(coinex.CoinexVenue):
    has_failed = False

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        if not self.has_failed and self.settings.credentials is not None:
            self.has_failed = True
            misbehave(self.settings.credentials)
        return await super().submit_order(request, depart=depart)

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        credentials = self.settings.credentials
        if not HAS_FAILED and credentials is not None:
            HAS_FAILED.append("chart")
            fail("chart", credentials.key.reveal(), credentials.secret.reveal())
        return await super().fetch_bars(instrument, interval, limit)


OPENED: list[FailingVenue] = []


def create(settings: coinex.Settings) -> FailingVenue:
    OPENED.append(FailingVenue(settings))
    return OPENED[-1]


def make_app(folder: Path) -> type[PitsideApp]:
    from tui.app import PitsideApp

    class FailingApp(PitsideApp):
        def show_fact(self, fact: Fact) -> None:
            super().show_fact(fact)
            self.call_after_refresh(self.picture)

        def picture(self) -> None:
            (folder / f"{next(PICTURES)}.svg").write_text(self.export_screenshot())

        def action_command_palette(self) -> None:
            self.picture()
            credentials = OPENED[-1].settings.credentials
            assert credentials is not None
            fail("screen", credentials.key.reveal(), credentials.secret.reveal())

    return FailingApp


def main() -> int:
    harden()
    prepare()
    import tui.app

    # As attributes by name: the registry and the launch module take them from there.
    vars(coinex)["create"] = create
    vars(tui.app)["PitsideApp"] = make_app(Path(sys.argv[1]))
    return run(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
