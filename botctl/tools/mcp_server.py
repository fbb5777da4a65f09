"""An MCP server as the rest of botctl sees it: connected at first use, and again after it went."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botctl.errors import OutsideError, UserError
from botctl.tools.mcp import ServerSettings
from botctl.tools.mcp_connection import Connection
from botctl.tools.mcp_failure import SessionGoneError
from botctl.tools.tool import Tool, ToolResult

_SHORT_LIFE = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0


class McpServer:
    """One server and its current connection. Callers that come while it is being made share it.

    A server that cannot be connected, or goes before it did anything, is left alone for a while: 0.5 s after
    the second time, doubled each time, up to 15 s. Whoever asks in that time gets the last error at once.
    """

    def __init__(self, settings: ServerSettings, *, log_folder: Path | None = None) -> None:
        self.settings = settings
        self._log_folder = log_folder
        self._connection: Connection | None = None
        self._leaving: set[Connection] = set()
        self._failures = 0
        self._not_before = 0.0
        self._last_error: OutsideError | None = None
        self._closed = False

    @property
    def problem(self) -> OutsideError | None:
        """Why it could not be connected last time; None if it could, or nobody tried."""
        return self._connection.error if self._connection is not None else self._last_error

    async def tools(self) -> Mapping[str, Tool]:
        """Its tools by full name; OutsideError if it is down."""
        return (await self._connected()).tools

    async def find(self, name: str) -> Tool | None:
        """The tool of this full name; OutsideError if the server is down. No wait on a connected server."""
        connection = self._connection
        if connection is None or not connection.usable:
            connection = await self._connected()
        return await connection.find(name)

    async def call(
        self, tool: Tool, arguments: Mapping[str, Any], timeout: float | None = None
    ) -> ToolResult:
        """Call one of its tools; timeout is in seconds and counts from when it is connected.

        If the connection turns out to be lost before the call was made, it is made on a new one.
        """
        seconds = self.settings.timeout if timeout is None else timeout
        connection = await self._connected()
        try:
            return await connection.call(tool, arguments, seconds)
        except SessionGoneError:
            connection.end()
        return await (await self._connected()).call(tool, arguments, seconds)

    async def close(self) -> None:
        """End the connection, and the program with it. A program that does not listen is killed."""
        self._closed = True
        self._retire()
        if self._leaving:
            await asyncio.gather(*(connection.ended() for connection in tuple(self._leaving)))

    async def _connected(self) -> Connection:
        if self._closed:
            raise UserError(f"MCP server `{self.settings.name}` is closed: botctl is shutting down")
        if self._connection is not None and self._connection.gone:
            self._retire()
        if self._connection is None:
            self._refuse_haste()
            self._connection = Connection(self.settings, self._log_folder)
        connection = self._connection
        await connection.opened()
        return connection

    def _retire(self) -> None:
        """Let go of the connection and note whether it had any life."""
        connection = self._connection
        if connection is None:
            return
        connection.end()
        self._connection = None
        self._leaving = {old for old in self._leaving if old.ended_at is None} | {connection}
        now = asyncio.get_running_loop().time()
        ended = connection.ended_at or now
        old = connection.opened_at is not None and ended - connection.opened_at >= _SHORT_LIFE
        self._failures = 0 if old or connection.answered else self._failures + 1
        pause = min(_FIRST_PAUSE * 2 ** (self._failures - 2), _LONGEST_PAUSE) if self._failures >= 2 else 0.0
        self._not_before = ended + pause
        self._last_error = connection.error

    def _refuse_haste(self) -> None:
        """Refuse to connect again so soon."""
        remaining = self._not_before - asyncio.get_running_loop().time()
        if remaining <= 0:
            return
        last = self._last_error
        raise OutsideError(
            last.message
            if last is not None
            else f"MCP server `{self.settings.name}` ended {self._failures} times soon after it was started",
            help=last.help if last is not None else None,
            retryable=last.retryable if last is not None else True,
            not_executed=True,
            retry_after=remaining,
        )
