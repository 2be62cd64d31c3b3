"""What Pumpkin can do, and what of it rests on an inference."""

from __future__ import annotations

from venues.model import MarginMode, OrderType, TimeInForce
from venues.port import Capabilities
from venues.pumpkin.parameters import LONGEST_CLIENT_ORDER_ID
from venues.pumpkin.parse import INTERVALS
from venues.pumpkin.settings import Settings

_SETTLE = 5.0  # seconds; the venue is asynchronous, and nothing says by how much

UNVERIFIED = (
    "the address of the streams and the private topics: the document has lost them; without them all is polled",
    "the sizes of the quotas: stated in the settings, and learnt from the venue's refusals",
    "how values with reserved characters are signed: as they are sent, percent-encoded",
    "the unit of leverage brackets: contracts; liquidation prices are estimates that rest on it",
    "an order without a leverage: the contract's own counts, and none is sent that nobody has named or set here",
    "how depth increments join: each begins one behind the last, else the book is read anew",
)


def capabilities(settings: Settings) -> Capabilities:
    """Returns what this venue can do."""
    reads_account = settings.credentials is not None
    return Capabilities(
        mode=settings.mode,
        order_types=frozenset(OrderType),
        times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
        post_only=True,
        reduce_only=True,
        amend=False,
        leverage=True,
        margin_modes=frozenset(MarginMode),
        attached_exits=True,
        positions=reads_account,
        lookup_by_client_id=True,  # by the echo of it in the lists
        lookup_covers_closed=True,
        order_life=None,  # nothing bounds it: a miss never proves anything
        settle=_SETTLE * settings.time_scale,
        client_id_length=LONGEST_CLIENT_ORDER_ID,
        bar_intervals=tuple(INTERVALS),
        reads_account=reads_account,
        position_sides=True,
        leverage_needs_flat=True,
        position_margin=True,
        unverified=UNVERIFIED,
    )
