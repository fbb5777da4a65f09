"""MCP servers: programs over stdio and addresses over streamable HTTP, through the official SDK's client.

A server is connected when it is first needed and again after it died. The SDK's connection must be entered
and left in one task, so each has a task that owns it; calls are made from any task.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botctl.errors import BotctlError, OutsideError, UserError
from botctl.tools.tool import Tool, ToolHints, ToolResult

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult
    from mcp_types import Tool as McpTool

_FIRST_REST = 0.5
_LONGEST_REST = 30.0
_MOST_PAGES = 100
_CLOSING_PATIENCE = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSettings:
    """A server as declared, with every `${NAME}` resolved; cwd absolute; times in seconds."""

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    connect_timeout: float = 15.0
    timeout: float = 30.0


@dataclass(slots=True)
class _Connection:
    """A connection that is open. `leave` asks its owner to close it."""

    client: Client
    owner: asyncio.Task[None]
    leave: asyncio.Event


class McpServer:
    """One server; safe to be called from many conversations at once."""

    def __init__(self, settings: ServerSettings, log_folder: Path | None = None) -> None:
        self.name = settings.name
        self._settings = settings
        self._log_folder = log_folder
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._tools: dict[str, Tool] | None = None
        self._owners: set[asyncio.Task[None]] = set()
        self._rest = _FIRST_REST
        self._resting_until = 0.0
        self._fault: OutsideError | None = None

    async def tools(self) -> dict[str, Tool]:
        """Its tools by their own names, asked for once; OutsideError if it cannot be reached."""
        connection = await self._connected()
        if self._tools is None:
            found: dict[str, Tool] = {}
            cursor: str | None = None
            for _ in range(_MOST_PAGES):
                page = await self._ask(
                    connection,
                    connection.client.list_tools(cursor=cursor, cache_mode="refresh"),
                    self._settings.timeout,
                )
                found.update({tool.name: _tool(self.name, tool) for tool in page.tools})
                cursor = page.next_cursor
                if not cursor:
                    break
            self._tools = found
        return self._tools

    async def call(self, tool: str, arguments: Mapping[str, Any], timeout: float | None) -> ToolResult:
        """Call a tool by its own name; see `ToolBox.call` for what goes wrong how."""
        connection = await self._connected()
        seconds = timeout or self._settings.timeout
        result = await self._ask(connection, connection.client.call_tool(tool, dict(arguments)), seconds)
        return _result(result)

    async def close(self) -> None:
        """Close the connection; a program is ended, by force if need be."""
        self._drop()
        if self._owners:
            _, late = await asyncio.wait(self._owners, timeout=_CLOSING_PATIENCE)
            for owner in late:
                owner.cancel()
            await asyncio.gather(*self._owners, return_exceptions=True)

    async def _connected(self) -> _Connection:
        """The open connection, or a new one."""
        if self._connection is not None and not self._connection.owner.done():
            return self._connection
        async with self._connecting:
            if self._connection is not None and not self._connection.owner.done():
                return self._connection
            self._drop()
            if self._fault is not None and time.monotonic() < self._resting_until:
                raise self._fault
            try:
                self._connection = await self._connect()
            except OutsideError as fault:
                self._fault = fault
                self._resting_until = time.monotonic() + self._rest
                self._rest = min(self._rest * 2, _LONGEST_REST)
                raise
            self._fault, self._rest = None, _FIRST_REST
            return self._connection

    async def _connect(self) -> _Connection:
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        leave = asyncio.Event()
        owner = asyncio.create_task(self._own(ready, leave), name=f"mcp {self.name}")
        self._owners.add(owner)
        owner.add_done_callback(self._owners.discard)
        seconds = self._settings.connect_timeout
        try:
            either: set[asyncio.Future[Any]] = {owner, ready}
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            owner.cancel()
            raise
        if ready.done() and not ready.cancelled():
            return _Connection(ready.result(), owner, leave)
        if not owner.done():
            owner.cancel()
            raise OutsideError(
                f"server `{self.name}` did not get ready within {seconds:g} s",
                retryable=True,
                not_executed=True,
            )
        error = None if owner.cancelled() else _innermost(owner.exception())
        if isinstance(error, BotctlError):
            raise error
        told = f"{type(error).__name__}: {error}" if error is not None else "it ended at once"
        raise OutsideError(
            f"server `{self.name}` could not be connected: {self._without_secrets(told)}",
            help=self._where_to_look(),
            retryable=True,
            not_executed=True,
        )

    async def _own(self, ready: asyncio.Future[Client], leave: asyncio.Event) -> None:
        """Enter the connection, keep it, leave it: all in this one task."""
        from mcp import Client

        async with AsyncExitStack() as stack:
            transport = await self._transport(stack)
            client = await stack.enter_async_context(Client(transport, message_handler=self._hear))
            if not ready.done():
                ready.set_result(client)
            await leave.wait()

    async def _transport(self, stack: AsyncExitStack) -> Any:
        settings = self._settings
        if settings.url:
            import httpx2
            from mcp.client.streamable_http import streamable_http_client

            client = httpx2.AsyncClient(
                headers=dict(settings.headers), timeout=httpx2.Timeout(settings.connect_timeout, read=300.0)
            )
            await stack.enter_async_context(client)
            return streamable_http_client(settings.url, http_client=client)
        from mcp import StdioServerParameters
        from mcp.client.stdio import stdio_client

        parameters = StdioServerParameters(
            command=sys.executable if settings.command == "python" else settings.command,
            args=list(settings.args),
            env=dict(settings.env),
            cwd=settings.cwd or None,
        )
        log = stack.enter_context(self._log_path().open("a"))
        return stdio_client(parameters, errlog=log)

    async def _hear(self, message: Any) -> None:
        """A server may say that its tools have changed: they are asked for again."""
        if type(message).__name__ == "ToolListChangedNotification" or (
            type(getattr(message, "root", None)).__name__ == "ToolListChangedNotification"
        ):
            self._tools = None

    async def _ask(self, connection: _Connection, question: Any, seconds: float) -> Any:
        """Await the SDK, for so many seconds, and only as long as the connection lives."""
        asking = asyncio.ensure_future(question)
        try:
            await asyncio.wait(
                {asking, connection.owner}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            if not asking.done():
                asking.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({asking}, timeout=1)
        if asking.cancelled() or not asking.done():
            if connection.owner.done():
                self._drop()
                raise OutsideError(f"server `{self.name}` died during the call", retryable=True)
            raise OutsideError(f"server `{self.name}` did not answer within {seconds:g} s", retryable=True)
        error = asking.exception()
        if error is None:
            return asking.result()
        raise self._fault_of(error) from error

    def _fault_of(self, error: BaseException) -> BotctlError:
        """What the SDK raised, in our words."""
        from mcp.shared.exceptions import MCPError
        from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT

        inner = _innermost(error)
        if isinstance(inner, MCPError) and inner.code == REQUEST_TIMEOUT:
            return OutsideError(f"server `{self.name}` did not answer in time", retryable=True)
        if isinstance(inner, MCPError) and inner.code != CONNECTION_CLOSED:
            return UserError(f"server `{self.name}` refused the call: {self._without_secrets(inner.message)}")
        self._drop()
        refused = type(inner).__name__ == "ConnectError"
        told = (
            f"server `{self.name}` could not be reached"
            if refused
            else f"server `{self.name}` broke off the call"
        )
        return OutsideError(told, retryable=True, not_executed=refused, help=self._where_to_look())

    def _drop(self) -> None:
        """Let the owner close the connection; the next call makes a new one."""
        if self._connection is not None:
            self._connection.leave.set()
            self._connection = None
        self._tools = None

    def _log_path(self) -> Path:
        if self._log_folder is None:
            return Path("/dev/null")
        self._log_folder.mkdir(parents=True, exist_ok=True)
        return self._log_folder / f"server-{self.name}.log"

    def _where_to_look(self) -> str:
        return f"what it said is in {self._log_path()}" if self._settings.command and self._log_folder else ""

    def _without_secrets(self, text: str) -> str:
        for secret in (*self._settings.headers.values(), *self._settings.env.values()):
            if len(secret) >= 6:
                text = text.replace(secret, "***")
        return text


def _tool(server: str, tool: McpTool) -> Tool:
    said = tool.annotations
    return Tool(
        name=f"{server}__{tool.name}",
        description=tool.description or "",
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        hints=ToolHints(
            read_only=said.read_only_hint,
            destructive=said.destructive_hint,
            idempotent=said.idempotent_hint,
            open_world=said.open_world_hint,
        )
        if said is not None
        else ToolHints(),
    )


def _result(result: CallToolResult) -> ToolResult:
    """Structured content if there is any, else the text, parsed where it is JSON."""
    text = "\n".join(_part(part) for part in result.content)
    if result.is_error:
        return ToolResult(value=text, text=text, is_error=True)
    structured = result.structured_content
    if structured is not None:
        # a server's plain return value comes as {"result": value}: MCP wants an object there
        return ToolResult(
            value=structured["result"] if structured.keys() == {"result"} else structured, text=text
        )
    try:
        return ToolResult(value=json.loads(text), text=text)
    except ValueError:
        return ToolResult(value=text, text=text)


def _part(part: Any) -> str:
    if hasattr(part, "text"):
        return str(part.text)
    resource = getattr(part, "resource", None)
    if resource is not None and hasattr(resource, "text"):
        return str(resource.text)
    return f"[{getattr(part, 'type', 'content')}]"


def _innermost(error: BaseException | None) -> BaseException | None:
    """The one error inside of the groups that task groups wrap around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
