"""How a MAX venue is opened."""

from __future__ import annotations

from venues.max import REST_ORIGIN, STREAM_URL
from venues.transport.settings import VenueSettings


class Settings(VenueSettings, frozen=True, kw_only=True):
    """Where it is and who we are, the venue itself unless another address is named."""

    rest_url: str = REST_ORIGIN
    ws_url: str = STREAM_URL
