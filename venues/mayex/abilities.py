"""What Mayex can do, and what of it rests on an inference."""

from __future__ import annotations

from venues.mayex.parameters import LONGEST_CLIENT_ORDER_ID
from venues.mayex.parse import INTERVALS
from venues.mayex.settings import Settings
from venues.model import MarginMode, OrderType, TimeInForce
from venues.port import Capabilities

_SETTLE = 5.0  # seconds; nothing says how soon the lists show what was taken
AUTHENTICATION = ("header_prefix", "secret_decoding", "signed_path", "rest_url")
"""The settings that the signature rests on."""

UNVERIFIED = (
    "how calls are signed: the document does not say; it is inferred from the platform until one has succeeded",
    "the product list and the private stream: inferred; without them a table counts, and all is polled",
    "whether expiries are heeded: tried as the account is opened; where they are not, what is lost stays unknown",
    "what a message of the book is, all of it or changes: told from what arrives",
    "liquidation prices: estimates, since the venue sends none",
    "the size of the quota: stated in the settings",
)
EXPIRY_TRIED = UNVERIFIED[2]
EXPIRY_HEEDED = "that orders heed expiries as reads do, by which it was tried: a lost order is called dead by it"
"""What takes its place once it is proven that expiries are heeded."""


def capabilities(settings: Settings, *, order_life: float | None, is_verified: bool) -> Capabilities:
    """Returns what this venue can do; `order_life`, in seconds, is None where no expiry is proven to be heeded."""
    reads_account = settings.credentials is not None
    settled = {UNVERIFIED[0]} if is_verified else set()
    open_still = {EXPIRY_TRIED: EXPIRY_HEEDED} if order_life is not None else {}
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
        order_life=order_life,
        settle=_SETTLE * settings.time_scale,
        client_id_length=LONGEST_CLIENT_ORDER_ID,
        bar_intervals=tuple(INTERVALS),
        reads_account=reads_account,
        position_sides=True,
        leverage_needs_flat=False,
        position_margin=True,
        margin_mode_of_order=True,
        usual_margin_mode=settings.usual_margin_mode,
        leverage_of_order=False,
        unverified=tuple(open_still.get(each, each) for each in UNVERIFIED if each not in settled),
        authentication_unverified=not is_verified,
        authentication_settings=AUTHENTICATION,
    )
