"""A callback's other end: takes POSTs over loopback, remembers them, and answers with one status."""

from __future__ import annotations

import asyncio
from typing import Self


class CallbackServer:
    """A server on a free loopback port. received: (headers by lower-case name, raw body), in order."""

    def __init__(self, status: int, *, retry_after: str = "") -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        extra = f"retry-after: {retry_after}\r\n" if retry_after else ""
        self._answer = (
            f"HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n{extra}\r\n".encode()
        )

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/answers"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in pairs}
        self.received.append((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(self._answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
