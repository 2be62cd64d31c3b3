"""How Pumpkin is opened: where it is, and how what its document leaves open is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from venues.pumpkin import PREFIX, REST_ORIGIN, VENUE
from venues.pumpkin.models.words import PositionModel, TriggerPriceType
from venues.pumpkin.readings import Readings
from venues.transport.address import with_path
from venues.transport.settings import VenueSettings

STREAM_ORIGIN = "wss://openapi.pumpkin.xyz"
MARKET_PATH, USER_PATH = "/futures/ws/market", "/futures/ws/user"


class Settings(VenueSettings, frozen=True, kw_only=True):
    """Where it is and who we are, and the readings that can be switched.

    Each address is a host, which gets the usual path, or a host and a path. An empty stream address means that
    all it would tell is polled. The addresses of the streams are inferred: the document has lost them.
    """

    rest_url: str = REST_ORIGIN
    ws_url: str = STREAM_ORIGIN
    user_ws_url: str = ""  # of the private topics, which the document does not name: without it they are polled
    position_model: PositionModel = PositionModel.AGGREGATION  # of a change of the margin mode
    trigger_price: Literal["mark", "last"] = "mark"  # what triggers plan orders and exits
    signs_encoded: bool = True
    signs_public: bool = True
    minute_quota: int = 600  # weight; the document has lost the sizes of both quotas
    day_quota: int | None = None
    brackets_in_contracts: bool = True  # the unit of a bracket's maxPosition; else base units

    @property
    def readings(self) -> Readings:
        return Readings(
            signs_encoded=self.signs_encoded,
            signs_public=self.signs_public,
            minute_quota=self.minute_quota,
            day_quota=self.day_quota,
        )

    @property
    def trigger_price_type(self) -> TriggerPriceType:
        is_mark = self.trigger_price == "mark"
        return TriggerPriceType.MARK_PRICE if is_mark else TriggerPriceType.LATEST_PRICE

    @property
    def base_url(self) -> str:
        """The address that all REST paths follow. Raises ConfigurationError."""
        return with_path(VENUE, self.rest_url, PREFIX)

    @property
    def market_address(self) -> str:
        """Where the market's stream is, empty where there is none. Raises ConfigurationError."""
        return with_path(VENUE, self.ws_url, MARKET_PATH)

    @property
    def user_address(self) -> str:
        """Where the account's stream is, empty where there is none. Raises ConfigurationError."""
        return with_path(VENUE, self.user_ws_url, USER_PATH)

    def bracket_unit(self, contract_size: Decimal) -> Decimal:
        """Returns how many base units one unit of a bracket's maxPosition is."""
        return contract_size if self.brackets_in_contracts else Decimal(1)
