"""What the libraries would tell others if they were left as they are."""

from __future__ import annotations

import logging
import ssl

import certifi


def default_tls() -> ssl.SSLContext:
    """Returns TLS 1.2 or newer with certificate and host name checked.

    `ssl.create_default_context` would write every session's keys to the file that SSLKEYLOGFILE names.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    return context


def quiet_loggers() -> None:
    """Keeps the libraries' logs to themselves; the entry point calls it once.

    At INFO httpx writes whole URLs with their signatures, at DEBUG httpcore writes headers.
    """
    for name in ("httpx", "httpcore", "stamina"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL)
        logger.propagate = False
        if not logger.handlers:  # without one, Python writes warnings to stderr: the trader's screen
            logger.addHandler(logging.NullHandler())
    # A logger that was given a level of its own does not ask its parent.
    for name in ("connection", "http11", "proxy", "socks"):
        logging.getLogger(f"httpcore.{name}").setLevel(logging.NOTSET)
