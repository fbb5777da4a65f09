"""A bounded load of POSTs on this machine: keep-alive connections, raw sockets, nothing of botctl's."""

from __future__ import annotations

import asyncio
import sys
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

BODY = '{"text":"where is order 1042?","userId":"u%d","channelId":"c%d"}'


@dataclass(frozen=True, slots=True)
class Load:
    """requests per second; latencies in milliseconds; answers that were not 2xx."""

    per_second: float
    p50: float
    p99: float
    refused: int


async def post_many(url: str, requests: int, at_once: int) -> Load:
    """POST to a loopback address, `at_once` connections side by side."""
    address = urllib.parse.urlsplit(url)
    if address.hostname not in ("127.0.0.1", "localhost") or address.port is None:
        raise SystemExit("only addresses of this machine are loaded")
    numbers = iter(range(requests))
    latencies: list[float] = []
    refused: list[int] = []
    started = time.perf_counter()
    await asyncio.gather(
        *[
            _worker(address.hostname, address.port, address.path, numbers, latencies, refused)
            for _ in range(at_once)
        ]
    )
    took = time.perf_counter() - started
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99) - 1]
    return Load(requests / took, p50 * 1000, p99 * 1000, len(refused))


async def _worker(
    host: str, port: int, path: str, numbers: Iterator[int], latencies: list[float], refused: list[int]
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for number in numbers:
        body = (BODY % (number, number)).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        started = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - started)
        if not answer.startswith(b"http/1.1 2"):
            refused.append(number)
    writer.close()


if __name__ == "__main__":
    load = asyncio.run(post_many(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    print(
        f"{load.per_second:.0f} req/s  p50 {load.p50:.1f} ms  p99 {load.p99:.1f} ms  not 2xx {load.refused}"
    )
