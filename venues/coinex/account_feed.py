"""The account's half of the stream: `server.sign`, then orders, executions, balances and the venue's notices.

It is opened with the first subscription of the account, so that a key that is not taken never stops market data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from venues.coinex import VENUE, channels
from venues.coinex.account import Account
from venues.coinex.channels import Call
from venues.coinex.connection import Calls, passing, read_reply
from venues.coinex.messages import AccountPush, Reply, decode_frame
from venues.errors import DecodeError, RequestTimeout
from venues.events import Event
from venues.transport.crew import Crew
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox

_PATIENCE = 10.0  # seconds until the login and the subscriptions have to stand


class AccountFeed:
    """Feeds `outbox` from the account's stream; nothing that it tells is ever dropped."""

    def __init__(
        self,
        stream: Stream,
        calls: Calls,
        account: Account,
        outbox: Outbox,
        *,
        time_scale: float = 1.0,
    ) -> None:
        self.stream = stream
        self._calls = calls
        self._account = account
        self._outbox = outbox
        self._patience = _PATIENCE * time_scale
        self._crew = Crew(outbox.fail)
        self._is_started = False

    async def open(self, currencies: Sequence[str]) -> None:
        """Connects and waits until everything is subscribed; later it comes back by itself.

        `currencies` are those whose balances are told, every one that there is.

        Raises:
            AuthenticationError: the venue does not take the key.
            VenueError: an attempt failed; the stream goes on trying.
        """
        if not self._is_started:
            self._is_started = True
            for call in (
                channels.subscribe_orders(),
                channels.subscribe_own_deals(),
                channels.subscribe_notices(),
                channels.subscribe_assets(currencies),
            ):
                await self.stream.subscribe(call.method, self._calls.ask_for(call, judge=passing))
            self.stream.start()
        self.start()
        try:
            async with asyncio.timeout(self._patience):
                await self.stream.opened()
        except TimeoutError:
            raise RequestTimeout(VENUE, "the account's stream is not subscribed in time") from None

    def start(self) -> None:
        """Takes the frames, anew where that has broken."""
        self._crew.keep("account", self._consume)

    async def ask(self, call: Call) -> Reply:
        """Asks once. Raises VenueError: what the venue says against it, ConnectionLost without a connection."""
        reply = read_reply(await self.stream.ask(self._calls.ask_for(call)))
        if reply is None:
            raise DecodeError(VENUE, f"{call.method}: an answer that can not be read")
        return reply

    def take(self, frames: Sequence[Frame], events: list[Event]) -> None:
        """Adds to `events` what the frames tell."""
        for frame in frames:
            try:
                message = decode_frame(frame.data)
                if isinstance(message, AccountPush):
                    events.extend(self._account.take(message, frame.ts_recv))
            except DecodeError as error:
                self.stream.quarantine(frame, error.message)

    async def aclose(self) -> None:
        """Ends everything, after what was received is told. May be called twice."""
        await self.stream.aclose()
        await self._crew.aclose(cancels=False)

    async def _consume(self) -> None:
        async for frames in self.stream.batches():
            events: list[Event] = []
            self.take(frames, events)
            self._outbox.push(events)
