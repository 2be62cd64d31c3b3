"""How Mayex is opened: where it is, and how what its document leaves open is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from venues.errors import ConfigurationError
from venues.mayex import BASE_URL, VENUE
from venues.mayex.models.words import TriggerType
from venues.mayex.profile import PrivateStream, Profile, ProfileName, SecretDecoding, SignedPath, profile_of
from venues.model import MarginMode
from venues.transport.address import with_path
from venues.transport.settings import VenueSettings

STREAM_ORIGIN = "wss://www.mayex.com"
CONTRACTS_PATH, SPOT_PATH = "/ws/", "/spot-ws/"


class TableRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person states of one contract, beside or in place of what the venue lists.

    Prices, quantities (base coin) and rates (fractions) are Decimal; what is left out is not known.
    """

    base: str = ""
    quote: str = ""
    settle: str = ""
    tick: Decimal | None = None
    step: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    maximum_market: Decimal | None = None
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None
    maximum_leverage: Decimal | None = None
    maintenance_margin: Decimal | None = None


class Settings(VenueSettings, frozen=True, kw_only=True):
    """Where it is and who we are, and the readings that can be switched.

    `profile` answers for what is None below. The documented paths follow `rest_url` as it is, so that it ends in
    "/api" by default (section 1 names that base, one of its samples does without). A stream's address is a host,
    which gets the documented path, or a host and a path; `spot_ws_url` is on the host of `ws_url` where nothing
    else is said, and an empty one means that there is no spot market.
    """

    rest_url: str = BASE_URL
    ws_url: str = STREAM_ORIGIN
    profile: ProfileName = "fairdesk"
    spot_ws_url: str | None = None
    header_prefix: str | None = None
    secret_decoding: SecretDecoding | None = None
    signed_path: SignedPath | None = None
    product_path: str | None = None
    token_path: str | None = None
    private_stream: PrivateStream | None = None
    depth: Literal["auto", "replace", "diff"] = "auto"
    depth_levels: Literal[10, 20, 100] = 100
    text_ping: bool = False  # {"event":"ping"} every 5 s, as a client of the platform sends it
    expiry_proof: Literal["probe", "none"] = "probe"
    margin_mode: Literal["isolated", "cross"] = "isolated"  # of orders that name none
    maintenance_margin: Decimal = Decimal("0.005")  # of a position's value, where the product list has none
    minute_quota: int | None = None
    trigger_price: Literal["mark", "last"] = "mark"
    instruments: dict[str, TableRow] = msgspec.field(default_factory=dict)

    @property
    def facts(self) -> Profile:
        """The profile, with what is set beside it. Raises ConfigurationError."""
        profile = profile_of(self.profile)
        given = {name: getattr(self, name) for name in profile.__struct_fields__}
        return msgspec.structs.replace(profile, **{name: it for name, it in given.items() if it is not None})

    @property
    def base_url(self) -> str:
        """The address that all REST paths follow."""
        return self.rest_url

    @property
    def contract_address(self) -> str:
        """Where the contracts' stream is. Raises ConfigurationError."""
        return with_path(VENUE, self.ws_url, CONTRACTS_PATH)

    @property
    def spot_address(self) -> str:
        """Where the stream of the spot pairs is, empty where there is none. Raises ConfigurationError."""
        if self.spot_ws_url is not None:
            return with_path(VENUE, self.spot_ws_url, SPOT_PATH)
        try:
            parts = urlsplit(self.ws_url)
        except ValueError:
            raise ConfigurationError(VENUE, "an address that is not a URL") from None
        return parts._replace(path=SPOT_PATH).geturl()

    @property
    def trigger_type(self) -> TriggerType:
        return TriggerType.MARK_PRICE if self.trigger_price == "mark" else TriggerType.LAST_PRICE

    @property
    def usual_margin_mode(self) -> MarginMode:
        """The margin mode of orders that name none."""
        return MarginMode(self.margin_mode)
