"""Small servers on threads of their own: whatever a client meets, the loop under test has no part in it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TypeAlias

import trustme

from tui.doctor.reach import Address

HOST = "127.0.0.1"
_PATIENCE = 10.0  # seconds after which a server gives a client up

Serve: TypeAlias = Callable[[socket.socket], None]
"""Serves one connection, which is closed after it; an OSError ends it."""


@contextmanager
def listening(serve: Serve, tls: ssl.SSLContext | None = None) -> Iterator[Address]:
    """Serves until the context is left, each connection on a thread."""
    threads: list[threading.Thread] = []

    def serve_one(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(_PATIENCE)
            if tls is None:
                serve(connection)
            else:
                with tls.wrap_socket(connection, server_side=True) as secured:
                    serve(secured)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve_one, args=(connection,), daemon=True))
                threads[-1].start()

    with socket.create_server((HOST, 0)) as listener:
        accepting = threading.Thread(target=accept, args=(listener,), daemon=True)
        accepting.start()
        try:
            yield Address(HOST, listener.getsockname()[1], tls is not None)
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            accepting.join(_PATIENCE)
            for thread in threads:
                thread.join(_PATIENCE)


@contextmanager
def refused() -> Iterator[Address]:
    """A port that is taken and not listened on."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield Address(HOST, taken.getsockname()[1], is_secure=False)


def head_of(connection: socket.socket) -> bytes:
    """Reads a request's head."""
    said = b""
    while b"\r\n\r\n" not in said:
        piece = connection.recv(4096)
        if not piece:
            break
        said += piece
    return said


def answering(head: bytes) -> Serve:
    """Returns a server that reads a request's head, says one thing and closes."""

    def serve(connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(head)

    return serve


def silent(connection: socket.socket) -> None:
    """Reads, and never says anything."""
    while connection.recv(4096):
        pass


def closing(connection: socket.socket) -> None:
    """Says and reads nothing."""


class Proxy:
    """An HTTP proxy that connects through, to this machine whatever the name, or says something else."""

    def __init__(self, says: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.says = says
        self.asked: list[bytes] = []

    def serve(self, connection: socket.socket) -> None:
        head = head_of(connection)
        self.asked.append(head)
        if b" 200 " not in self.says:
            connection.sendall(self.says)
            return
        port = int(head.split()[1].decode().rpartition(":")[2])
        with socket.create_connection((HOST, port), _PATIENCE) as onward:
            connection.sendall(self.says)
            back = threading.Thread(target=_pass_on, args=(onward, connection), daemon=True)
            back.start()
            _pass_on(connection, onward)
            back.join(_PATIENCE)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(4096):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def certified(authority: trustme.CA, name: str = HOST, not_after: datetime | None = None) -> ssl.SSLContext:
    """Returns a server's side of TLS, with a certificate for `name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=not_after).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Returns a client's side of TLS that trusts this authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context
