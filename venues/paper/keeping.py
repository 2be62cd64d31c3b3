"""When the paper account is loaded and saved: at the start, every few seconds if it changed, and at exit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from venues.errors import ConfigurationError
from venues.events import Notice
from venues.model import NANOSECONDS, Order, OrderStatus
from venues.paper.exchange import TRADER
from venues.paper.instruments import VENUE
from venues.paper.session import Session
from venues.paper.state import BrokenState, Kept, StateFile, encode

_SAVE_EVERY = 5 * NANOSECONDS
_SAVE_AGAIN = 30 * NANOSECONDS  # after a save that failed: a full disk is not helped by trying harder
_NAMED_ORDERS = 3  # orders that a notice names one by one

Telling = tuple[str, bool]
"""What a person should read, and whether it is an alarm."""


class Keeper:
    """Keeps one account in one file."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path)
        self._save: asyncio.Task[None] | None = None
        self._next_save = 0
        self._fault: str = ""

    def open(self, seed: int, *, is_fresh: bool) -> tuple[Kept | None, tuple[Telling, ...]]:
        """Returns what was kept, if the market goes on from it, and what the trader is to be told.

        Raises:
            ConfigurationError: the file may not be read or renamed, or a newer version wrote it.
        """
        if is_fresh:
            return None, _aside(self._file.set_aside("old"), "a new paper account was opened as asked", False)
        try:
            kept = self._file.load()
        except BrokenState as fault:
            aside = self._file.set_aside("broken")
            return None, _aside(
                aside, f"the paper account's file made no sense ({fault}); a new one was opened", True
            )
        if kept is None:
            return None, ()
        if kept.seed != seed:
            aside = self._file.set_aside(f"seed{kept.seed}")
            return None, _aside(aside, f"seed {seed} is another market: a new paper account was opened", False)
        try:
            return (kept if kept.is_clean else _closed(kept)), _farewell(kept)
        except (LookupError, TypeError) as error:
            return None, self.reject(BrokenState(str(error)))

    def reject(self, fault: BrokenState) -> tuple[Telling, ...]:
        """Keeps a file aside that can not be used; returns what the trader is to be told.

        Raises:
            ConfigurationError: it can not be renamed.
        """
        aside = self._file.set_aside("broken")
        return _aside(aside, f"the paper account's file made no sense ({fault}); a new one was opened", True)

    def tend(self, session: Session, now: int) -> None:
        """Saves in the background where it is time to (`now` is monotonic) and the account has changed."""
        if now < self._next_save or not session.feed.is_account_changed:
            return
        if self._save is not None and not self._save.done():
            return
        session.feed.is_account_changed = False
        self._next_save = now + _SAVE_EVERY
        self._save = asyncio.create_task(self._save_now(session, session.keep(), now), name="paper account")

    async def close(self, kept: Kept) -> None:
        """Saves for the last time. Raises ConfigurationError where that fails."""
        if self._save is not None:
            await asyncio.wait([self._save])
        await asyncio.to_thread(self._write, kept)

    async def _save_now(self, session: Session, kept: Kept, now: int) -> None:
        try:
            await asyncio.to_thread(self._write, kept)
            self._fault = ""
        except ConfigurationError as error:
            session.feed.is_account_changed = True
            self._next_save = now + _SAVE_AGAIN
            if self._fault != error.message:
                self._fault = error.message
                session.feed.tell(Notice(VENUE, error.message, True, session.exchange.now))

    def _write(self, kept: Kept) -> None:
        self._file.save(encode(kept))


def _aside(renamed: Path | None, text: str, is_alarm: bool) -> tuple[Telling, ...]:
    """Says where an old account has gone; nothing where there was none."""
    return ((f"{text}; the old one is kept in {renamed}", is_alarm),) if renamed else ()


def _closed(kept: Kept) -> Kept:
    """Enters what rested when the desk was killed as cancelled, so that asking for such an order finds it."""
    ended = [
        msgspec.to_builtins(
            msgspec.structs.replace(
                order, status=OrderStatus.CANCELED, reason="the desk ended without closing the market"
            )
        )
        for order in kept.resting
    ]
    owners = kept.account["owners"]
    trader = {**owners[TRADER], "closed": [*owners[TRADER]["closed"], *ended]}
    return msgspec.structs.replace(kept, account={**kept.account, "owners": {**owners, TRADER: trader}})


def _farewell(kept: Kept) -> tuple[Telling, ...]:
    """Says what became of the orders that rested when the desk last ended."""
    count = len(kept.resting)
    if not count:
        return ()
    orders = "1 resting order was" if count == 1 else f"{count} resting orders were"
    named = ", ".join(_words(order) for order in kept.resting[:_NAMED_ORDERS])
    more = f" and {count - _NAMED_ORDERS} more" if count > _NAMED_ORDERS else ""
    how = "at the last exit" if kept.is_clean else "when the desk ended without closing the market"
    return ((f"{orders} cancelled {how}: {named}{more}", not kept.is_clean),)


def _words(order: Order) -> str:
    price = order.price if order.price is not None else order.trigger_price
    at = f" at {price:f}" if price is not None else ""
    return f"{order.side} {order.remaining:f} {order.instrument.symbol}{at}"
