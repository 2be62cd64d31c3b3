"""The exchange that the way of an order is measured against: TLS, keep-alive, an acknowledgement at once.

    python -m tests.benchmarks.order_server CERTIFICATE

It prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import ssl
import sys

from tests.venues.transport.scripted import read_request, say

ACKNOWLEDGEMENT = b'{"code": 0, "id": "o-1"}'


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await read_request(reader, 0)
            await say(writer, 200, {"Content-Type": "application/json"}, ACKNOWLEDGEMENT)
    except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
        writer.close()


async def serve(certificate: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
