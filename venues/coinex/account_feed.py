"""The account's half of the stream: `server.sign`, then orders, executions, balances and the venue's notices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from venues.coinex import channels
from venues.coinex.account import Account
from venues.coinex.connection import Calls, passing
from venues.coinex.messages import AccountPush, decode_frame
from venues.events import Event
from venues.transport.account_feed import AccountFeed
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox


def make_account_feed(
    stream: Stream,
    calls: Calls,
    account: Account,
    outbox: Outbox,
    currencies: Sequence[str],
    *,
    time_scale: float = 1.0,
) -> AccountFeed:
    """Returns the feed, not opened. `currencies` are those whose balances are told, every one that there is."""

    def read(frame: Frame) -> Iterable[Event]:
        message = decode_frame(frame.data)
        return account.take(message, frame.ts_recv) if isinstance(message, AccountPush) else ()

    wanted = (
        channels.subscribe_orders(),
        channels.subscribe_own_deals(),
        channels.subscribe_notices(),
        channels.subscribe_assets(currencies),
    )
    return AccountFeed(
        stream,
        read,
        outbox,
        subscriptions={call.method: calls.ask_for(call, judge=passing) for call in wanted},
        time_scale=time_scale,
    )
