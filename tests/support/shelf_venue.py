"""A LIVE venue whose truth lies in a file: several processes may trade on it, and none takes it down with it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

import venues.registry
from tests.tui.desk.rig import ScriptedVenue, capabilities, order, position
from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import RateLimited
from venues.model import InstrumentId, Order, Position, Side
from venues.port import Depart, Mode


class Shelf(msgspec.Struct):
    """What the file holds. `is_banned`: no request is answered; `is_stubborn`: nothing is changed."""

    orders: dict[str, Order] = {}
    held: list[Position] = []
    is_banned: bool = False
    is_stubborn: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str = ""
    account: str = "main"


class ShelfVenue(ScriptedVenue):
    """Reads the file before each request, and writes it after each command."""

    def __init__(self, path: Path) -> None:
        super().__init__("shelf", capabilities(mode=Mode.LIVE, settle=0.0))
        self._path = path

    def _read(self) -> None:
        shelf = read_shelf(self._path)
        if shelf.is_banned:
            raise RateLimited("shelf", "banned \x1b[31mfor now", retry_after=600.0)
        self.orders, self.held, self._is_stubborn = shelf.orders, shelf.held, shelf.is_stubborn

    def _write(self) -> None:
        if not self._is_stubborn:
            write_shelf(self._path, Shelf(orders=self.orders, held=self.held))

    async def fetch_open_orders(self) -> Sequence[Order]:
        self._read()
        return await super().fetch_open_orders()

    async def fetch_positions(self) -> Sequence[Position]:
        self._read()
        return await super().fetch_positions()

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        self._read()
        return await super().fetch_order(instrument, client_order_id, venue_order_id)

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        self._read()
        made = await super().submit_order(request, depart=depart)
        self._write()
        return made

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        self._read()
        made = await super().amend_order(request, depart=depart)
        self._write()
        return made

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        self._read()
        made = await super().cancel_order(request, depart=depart)
        self._write()
        return made

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        self._read()
        made = await super().cancel_all_orders(instrument, side, depart=depart)
        self._write()
        return made


def create(settings: Settings) -> ShelfVenue:
    return ShelfVenue(Path(settings.path or _default_path()))


def install() -> None:
    """Makes "shelf" a venue that can be opened by its name."""
    vars(venues.registry)["_MODULES"] = {**vars(venues.registry)["_MODULES"], "shelf": __name__}


def _default_path() -> Path:
    from tui.paths import profile_paths

    return profile_paths().state_dir / "shelf.json"


def read_shelf(path: Path) -> Shelf:
    return msgspec.json.decode(path.read_bytes(), type=Shelf) if path.exists() else Shelf()


def write_shelf(path: Path, shelf: Shelf) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(shelf))
    fresh.replace(path)


def fill_shelf(path: Path, orders: int = 3, **changes: bool) -> None:
    """Puts orders and a long position into the file."""
    perp = InstrumentId("shelf", "BTC-PERP")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_shelf(
        path,
        Shelf(
            orders={f"k{number}": order(f"k{number}", instrument=perp) for number in range(orders)},
            held=[position(Decimal(2), instrument=perp)],
            **changes,
        ),
    )
