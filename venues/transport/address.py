"""Where a venue is: the addresses of its REST half and of its streams."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from venues.errors import ConfigurationError
from venues.transport.exchange import Headers

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_is_prefix = re.compile(r"(?:/[A-Za-z0-9_-]+)*", re.ASCII).fullmatch


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


def with_path(venue: str, url: str, path: str) -> str:
    """Returns an address with `path` where it has none of its own; nothing for nothing.

    Raises:
        ConfigurationError: it is none.
    """
    if not url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigurationError(venue, "an address that is not a URL") from None
    return parts._replace(path=parts.path if parts.path.strip("/") else path).geturl()


def split_url(venue: str, base_url: str) -> tuple[str, str]:
    """Returns the origin and the path of an address. Raises ConfigurationError."""
    try:
        url = urlsplit(base_url)
    except ValueError:
        raise ConfigurationError(venue, "the venue's address is not a URL") from None
    prefix = url.path.rstrip("/")
    if url.query or url.fragment or not _is_prefix(prefix):
        raise ConfigurationError(venue, "the venue's address must be a host and a path")
    return f"{url.scheme}://{url.netloc}", prefix
