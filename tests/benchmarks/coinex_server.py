"""The local CoinEx as a process: it prints where it listens as JSON, and ends when its standard input does.

python -m tests.benchmarks.coinex_server RATE TIME_SCALE [CERTIFICATE]
"""

from __future__ import annotations

import asyncio
import ssl
import sys

from venues.simulators.serving import serving


async def serve(rate: float, time_scale: float, certificate: str | None) -> None:
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    async with serving("coinex", rate=rate, time_scale=time_scale, tls=tls) as practice:
        sys.stdout.write(practice.line() + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
