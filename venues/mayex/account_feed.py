"""The private stream: opened by a token, which is refreshed at half of its life.

Nothing is pushed when it is subscribed: what there is then is read. A token that is another after its refresh is
subscribed to beside the one before, which is left then; one in the address takes another connection.
"""

from __future__ import annotations

from collections.abc import Iterable

from venues.events import Event
from venues.mayex.account import Account
from venues.mayex.calls import Calls
from venues.mayex.pushes import Denied, read_push
from venues.mayex.token import Token
from venues.transport.account_feed import AccountFeed, RenewedFeed
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox


def make_account_feed(
    stream: Stream,
    account: Account,
    outbox: Outbox,
    *,
    token: Token,
    calls: Calls | None = None,
    time_scale: float = 1.0,
) -> AccountFeed:
    """Returns the feed, not opened. `calls` are those of the login; without them the token is in the address."""
    token.now, token.failed = account.now, account.stream_failed

    def read(frame: Frame) -> Iterable[Event]:
        push = read_push(frame.data)
        if isinstance(push, Denied):
            stream.reconnect("the token is no good any more")
            return ()
        return account.take(push) if push is not None else ()

    async def renew() -> None:
        before = token.names
        if not await token.refresh():
            return
        if calls is None:
            stream.reconnect("the token has been replaced")
            return
        await stream.ask(calls.subscribe(token.names))
        await stream.ask(calls.unsubscribe(before))

    return RenewedFeed(
        stream,
        read,
        outbox,
        due=lambda: token.due,
        renew=renew,
        settled=account.settled,
        time_scale=time_scale,
    )
