"""What the libraries would tell others if they were left as they are."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable

_TELLING = ("httpx", "httpcore", "stamina")


def default_tls() -> ssl.SSLContext:
    """Returns TLS 1.2 or newer with certificate and host name checked.

    `ssl.create_default_context` would write every session's keys to the file that SSLKEYLOGFILE names.
    """
    import certifi  # 5 ms, which a desk without a network has no use for

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    return context


def no_tls() -> ssl.SSLContext:
    """Returns what trusts nobody, for an origin without TLS: reading all authorities takes 17 ms a client."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def quiet_loggers() -> Callable[[], None]:
    """Keeps the libraries' logs to themselves; returns what undoes it. The entry point calls it once.

    At INFO httpx writes whole URLs with their signatures, at DEBUG httpcore writes headers.
    """
    # A logger that was given a level of its own does not ask its parent.
    below = [f"httpcore.{name}" for name in ("connection", "http11", "proxy", "socks")]
    loggers = {name: logging.getLogger(name) for name in (*_TELLING, *below)}
    before = [(each, each.level, each.propagate, list(each.handlers)) for each in loggers.values()]
    for name in _TELLING:
        logger = loggers[name]
        logger.setLevel(logging.CRITICAL)
        logger.propagate = False
        if not logger.handlers:  # without one, Python writes warnings to stderr: the trader's screen
            logger.addHandler(logging.NullHandler())
    for name in below:
        loggers[name].setLevel(logging.NOTSET)

    def undo() -> None:
        for logger, level, propagate, handlers in before:
            logger.setLevel(level)
            logger.propagate = propagate
            logger.handlers[:] = handlers

    return undo
