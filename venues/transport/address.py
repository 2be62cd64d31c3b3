"""Where a stream connects to."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from venues.errors import ConfigurationError
from venues.transport.exchange import Headers

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A URL and the headers of the handshake. Either may hold a token: its repr shows none."""

    url: str
    headers: Headers = ()

    def __repr__(self) -> str:
        return "Address(***)"

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("wss:")


def check_address(venue: str, address: Address) -> None:
    """Raises ConfigurationError where the URL can not be used: plain ws is for the loopback only."""
    try:
        url = urlsplit(address.url)
        host, _ = url.hostname, url.port
    except ValueError:
        raise ConfigurationError(venue, "the stream's address is not a URL") from None
    is_plain = url.scheme == "ws" and host in _LOOPBACK
    if not (url.scheme == "wss" or is_plain) or not host:
        raise ConfigurationError(venue, "the stream's address must begin with wss://")
    if url.username is not None or url.password is not None or url.fragment:
        raise ConfigurationError(venue, "the stream's address must name no user and no fragment")
    if not address.url.isascii() or not address.url.isprintable() or " " in address.url:
        raise ConfigurationError(venue, "the stream's address is not percent-encoded")
    if any("\r" in text or "\n" in text for header in address.headers for text in header):
        raise ConfigurationError(venue, "a header of the stream that can not be sent")
