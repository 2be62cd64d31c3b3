"""A desk on four local exchanges at once: what stands there by each one's own record, and what a trader does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.e2e.mayex_desk import exchange as mayex_exchange
from tests.e2e.mayex_desk import settings_of as mayex_settings
from tests.e2e.perpetual_desk import START, PerpetualTrader
from tests.e2e.pumpkin_desk import exchange as pumpkin_exchange
from tests.e2e.pumpkin_desk import settings_of as pumpkin_settings
from tests.e2e.served_desk import Beside, act_at, truth_of
from tests.e2e.trader import Size, money
from venues.model import ZERO
from venues.simulators.serving import Practice, served_in_thread

FOUR = ("coinex", "max", "pumpkin", "mayex")
SYMBOLS = {"coinex": "BTCUSDT", "max": "BTCUSDT", "pumpkin": "btc_usdt", "mayex": "btcusdt"}
SIZE = Size(120, 40)


@contextmanager
def four_exchanges() -> Iterator[dict[str, Practice]]:
    """Serves all of them, each with a crowd of its own."""
    with ExitStack() as stack:
        opened = {
            "coinex": stack.enter_context(served_in_thread("coinex", rate=20.0, seed=1)),
            "max": stack.enter_context(served_in_thread("max", rate=20.0, seed=1)),
            "pumpkin": stack.enter_context(pumpkin_exchange()),
            "mayex": stack.enter_context(mayex_exchange()),
        }
        for practice in (opened["pumpkin"], opened["mayex"]):
            practice.simulator.act({"do": "quiet"})
        yield opened


@contextmanager
def desk_on_four(home: Path, exchanges: dict[str, Practice]) -> Iterator[FourTrader]:
    with FourTrader(home, exchanges) as trader:
        trader.wait_for(lambda: all(trader.is_well(name) for name in FOUR))
        for name in ("pumpkin", "mayex"):
            trader.act_on(name, do="mark", symbol=SYMBOLS[name], price=f"{START:f}")
        yield trader


class FourTrader(PerpetualTrader):
    """A trader at all of them. `exchanges` are by their names."""

    def __init__(self, home: Path, exchanges: dict[str, Practice]) -> None:
        self.exchanges = exchanges
        self._lost: dict[str, dict[str, Any]] = {}  # what stood at each that is lost
        settings = {
            "pumpkin": pumpkin_settings(exchanges["pumpkin"], True),
            "mayex": mayex_settings(True),
        }
        first, *others = FOUR
        super().__init__(
            home, SIZE, exchanges[first], time_scale=1.0,
            beside=[Beside(exchanges[name], settings.get(name, {})) for name in others],
        )  # fmt: skip

    def truth_at(self, name: str) -> dict[str, Any]:
        return self._lost.get(name) or truth_of(self.exchanges[name])

    def act_on(self, name: str, **wish: object) -> dict[str, Any]:
        return act_at(self.exchanges[name], **wish)

    def lose(self, name: str) -> None:
        """Has an exchange break all its connections, and refuse every new one."""
        self._lost[name] = self.truth_at(name)
        self.exchanges[name].faults.switch("refuse")

    def find_again(self, name: str) -> None:
        self.exchanges[name].faults.heal()
        del self._lost[name]

    def is_well(self, name: str) -> bool:
        """Whether the chip says of a venue that it can be traded on."""
        return f" {name} ●" in self.chip

    def show_at(self, name: str, words: str, instrument: str) -> None:
        """Picks the instrument of one venue that the ladder shows."""
        self.press("/")
        self.wait_for("Enter shows")
        self.desk.type(f"{words} {name}")
        self.wait_to_see(rf"[┃│] *{words} {name} ")
        self.wait_to_see(rf"[┃│][ ★]+{re.escape(instrument)} +{name} ")
        self.press("enter")
        self.wait_for(lambda: "Enter shows" not in self.desk.text)
        self.wait_for(lambda: f" {instrument}@{name} " in self.desk.line(0) and "spread" in self.ladder()[-1])

    def open_at(self, name: str) -> list[dict[str, Any]]:
        """Returns the open orders by the exchange's own record."""
        rows = self.truth_at(name)["orders"]
        return [row for row in rows if row["status"] in ("new", "partially_filled", "waiting")]

    def true_net(self, asset: str) -> Decimal:
        """Returns what the four records say is held of an asset: balances, and positions in it."""
        net = ZERO
        for name in FOUR:
            truth = self.truth_at(name)
            for coin, purse in truth["balances"].items():
                if coin.upper() == asset:
                    net += Decimal(purse["available"]) + Decimal(purse["frozen"])
            for row in truth.get("positions", ()):
                if row["symbol"].upper().startswith(asset):
                    net += Decimal(row["quantity"]) * (-1 if row["side"] == "SHORT" else 1)
        return net

    def shown_net(self, asset: str) -> Decimal | None:
        """Returns what the exposure screen says of an asset, where it is up."""
        match = self.sees(rf"[▶▷ ]{asset} +([+-][\d,.]+) ")
        return match and money(match[1])
