"""From which state an order goes where on what news: one explicit table.

Everything that a venue tells may come late, twice or in the wrong order, so the terminal states are joined, not
overwritten: REJECTED < EXPIRED < CANCELED < FILLED. Whatever the order in which a set of facts arrives, the
highest of them stays.
"""

from __future__ import annotations

from enum import Enum, auto

from venues.model import OrderStatus


class OrderNews(Enum):
    """What can be heard about an order, from the venue or from our own sending."""

    ACKNOWLEDGED = auto()  # the venue's stream says that it rests; may be old
    RESTS = auto()  # the venue was asked, with no command of ours on its way, and it rests
    PART_FILLED = auto()
    ALL_FILLED = auto()
    CANCEL_SENT = auto()
    REPLACE_SENT = auto()
    COMMAND_REFUSED = auto()  # a cancel or an amendment was provably not carried out
    REPLACED = auto()
    AMBIGUOUS = auto()  # a command was sent, and nobody has said what became of it
    MISSING = auto()  # the venue does not find it: no proof of anything
    CANCELED = auto()
    REJECTED = auto()
    EXPIRED = auto()


_NEW_ = OrderStatus.PENDING_NEW
_OPEN = OrderStatus.NEW
_PART = OrderStatus.PARTIALLY_FILLED
_CANC = OrderStatus.PENDING_CANCEL
_REPL = OrderStatus.PENDING_REPLACE
_UNKN = OrderStatus.UNKNOWN
_FULL = OrderStatus.FILLED
_GONE = OrderStatus.CANCELED
_EXPD = OrderStatus.EXPIRED
_REJD = OrderStatus.REJECTED

# Columns in the order of OrderNews. `_OPEN` reads: rests, which the tracker shows as PARTIALLY_FILLED where it has
# fills, and as PENDING_NEW where nobody has confirmed it yet.
# fmt: off
_ROWS: dict[OrderStatus, tuple[OrderStatus, ...]] = {
    #        ack    rests  part   full   cancel replac refusd replcd ambig  missng cancld rejctd expird
    _NEW_: (_OPEN, _OPEN, _PART, _FULL, _CANC, _NEW_, _NEW_, _OPEN, _UNKN, _NEW_, _GONE, _REJD, _EXPD),
    _OPEN: (_OPEN, _OPEN, _PART, _FULL, _CANC, _REPL, _OPEN, _OPEN, _OPEN, _UNKN, _GONE, _REJD, _EXPD),
    # What traded in part can not have been refused whole: the rest of it lapsed.
    _PART: (_PART, _PART, _PART, _FULL, _CANC, _REPL, _PART, _PART, _PART, _UNKN, _GONE, _EXPD, _EXPD),
    # A venue may confirm an order, or trade it, while our cancel is on its way.
    _CANC: (_CANC, _OPEN, _CANC, _FULL, _CANC, _CANC, _OPEN, _CANC, _UNKN, _UNKN, _GONE, _REJD, _EXPD),
    _REPL: (_REPL, _OPEN, _REPL, _FULL, _CANC, _REPL, _OPEN, _OPEN, _UNKN, _UNKN, _GONE, _REJD, _EXPD),
    # A miss never makes a failure of it: right after a timeout it was wrong 54 times of 62.
    _UNKN: (_OPEN, _OPEN, _PART, _FULL, _UNKN, _UNKN, _UNKN, _OPEN, _UNKN, _UNKN, _GONE, _REJD, _EXPD),
    _FULL: (_FULL, _FULL, _FULL, _FULL, _FULL, _FULL, _FULL, _FULL, _FULL, _FULL, _FULL, _FULL, _FULL),
    # A cancel that was acknowledged does not exclude a late fill.
    _GONE: (_GONE, _GONE, _GONE, _FULL, _GONE, _GONE, _GONE, _GONE, _GONE, _GONE, _GONE, _GONE, _GONE),
    _EXPD: (_EXPD, _EXPD, _EXPD, _FULL, _EXPD, _EXPD, _EXPD, _EXPD, _EXPD, _EXPD, _GONE, _EXPD, _EXPD),
    # A venue has been seen to answer "refused" and to book the order seconds later.
    _REJD: (_REJD, _OPEN, _EXPD, _FULL, _REJD, _REJD, _REJD, _REJD, _REJD, _REJD, _GONE, _REJD, _EXPD),
}
# fmt: on

TRANSITIONS: dict[tuple[OrderStatus, OrderNews], OrderStatus] = {
    (state, news): row[index] for state, row in _ROWS.items() for index, news in enumerate(OrderNews)
}
