"""Which proxy an address is reached by: the one that was named, never one of the environment."""

from __future__ import annotations

from urllib.parse import urlsplit

from venues.errors import ConfigurationError


def chosen_proxy(venue: str, proxy: str | None, *, is_secure: bool) -> str | None:
    """Returns the proxy to tunnel by (CONNECT), or None.

    What is sent in clear goes by none: it is for this machine, and a proxy would read what we sign.

    Raises:
        ConfigurationError: it is no "http://host:port" or "https://host:port". The message does not quote it.
    """
    if not proxy:
        return None
    try:
        url = urlsplit(proxy)
        is_usable = url.scheme in {"http", "https"} and bool(url.hostname) and bool(url.port)
    except ValueError:
        is_usable = False
    if not is_usable or "@" in proxy or not proxy.isascii() or not proxy.isprintable() or " " in proxy:
        words = "the proxy setting is not http://host:port or https://host:port, without user and password"
        raise ConfigurationError(venue, words)
    return proxy if is_secure else None
