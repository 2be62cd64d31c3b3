"""What the document does not say, and how it is read: each value is inferred, and can be set otherwise.

FAIRDESK is how the platform works that the venue is a white label of; DOCUMENTED has only what the venue's own
document has: no product list, and no token for a private stream. Neither knows how the venue signs.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from venues.errors import ConfigurationError
from venues.mayex import VENUE

SecretDecoding = Literal["raw", "base64url"]
SignedPath = Literal["url", "bare"]
PrivateStream = Literal["subscribe", "query", "none"]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Where what is not documented is, and what is signed how. An empty path means that there is no such thing.

    `header_prefix` begins the names of the three headers of a signed call. `secret_decoding` is what of the API
    secret is the key of the HMAC: its text, or what it says in base64url. `signed_path` is the path as the URL has
    it, or without what the base address adds. A private stream's token is subscribed to like a stream, or stands
    in the query of its address.
    """

    header_prefix: str = "x-fairdesk-"
    secret_decoding: SecretDecoding = msgspec.field(default="raw")
    signed_path: SignedPath = "url"
    product_path: str = "/user/v1/public/instrument/products"
    token_path: str = msgspec.field(default="/user/v1/private/token")
    private_stream: PrivateStream = "subscribe"
    minute_quota: int = 200  # the platform's, of calls a minute that are ours


FAIRDESK = Profile()
DOCUMENTED = Profile(product_path="", token_path="", private_stream="none")

ProfileName = Literal["fairdesk", "documented"]


def profile_of(name: str) -> Profile:
    """Returns a profile by its name. Raises ConfigurationError."""
    match name:
        case "fairdesk":
            return FAIRDESK
        case "documented":
            return DOCUMENTED
        case _:
            raise ConfigurationError(VENUE, "there is no profile of this name: fairdesk and documented are known")
