"""Who trades on a profile: this desk, or another one that runs already, and beside which this one only watches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui.desk.frame import PanicReceipt
from tui.desk.instance import InstanceError, InstanceLock
from tui.desk.roster import mode_of
from venues.port import Mode

if TYPE_CHECKING:
    from tui.desk.engine import Door
    from tui.desk.session import Session

UNKEPT = frozenset({Mode.REPLAY, Mode.READ_ONLY})
"""The modes of which nothing outlives the desk: neither journal nor lock are needed."""


class Holding:
    """The right to trade on the profile kept in `state_dir`, or the reason why this desk has it not."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._lock = InstanceLock(state_dir)
        self.read_only_reason = ""

    def take(self, modes: Mapping[str, Mode], account: str) -> None:
        """Takes the profile for a desk whose venues have these modes, where nobody has it.

        A replay touches nothing of it, and where nothing can be ordered nothing is kept: both take nothing.
        """
        try:
            self.take_later(modes, account)
        except InstanceError as error:
            self.read_only_reason = str(error)

    def take_later(self, modes: Mapping[str, Mode], account: str) -> None:
        """Takes the profile for a desk that has only watched so far, where something can now be ordered.

        Raises:
            InstanceError: another desk has it, or nobody can.
        """
        traded = tuple(name for name, mode in modes.items() if mode not in UNKEPT)
        if traded:
            mode = mode_of(modes.values()).value
            self._lock.acquire(mode, traded, account)
            self._lock.note(mode, traded, account)

    def release(self) -> None:
        self._lock.release()

    @property
    def panic_elsewhere(self) -> Callable[[], Awaitable[PanicReceipt]] | None:
        """Returns what asks the desk that trades, where this one does not."""
        return self._ask_for_panic if self.read_only_reason else None

    def make_door(self, session: Session) -> Door | None:
        """Returns what lets other processes reach the session; only whoever holds the profile has one."""
        if not self._lock.is_held:
            return None
        from tui.desk.remote import RemoteControl

        return RemoteControl(session, self._state_dir, self._lock)

    async def _ask_for_panic(self) -> PanicReceipt:
        from tui.desk.remote_client import RemoteFault, ask
        from tui.desk.remote_messages import Failed, Receipt

        try:
            answers = await asyncio.to_thread(lambda: list(ask(self._state_dir, "panic")))
        except RemoteFault as error:
            raise RuntimeError(f"the desk that trades did not do it: {error}") from error
        for answer in answers:
            if isinstance(answer, Receipt):
                return answer.receipt
            if isinstance(answer, Failed):
                raise RuntimeError(f"the desk that trades could not do it: {answer.text}")
        raise RuntimeError("the desk that trades gave no receipt")
