"""One connection to an MCP server, from its handshake to its end."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from botctl.duration import format_duration
from botctl.errors import OutsideError
from botctl.tools.mcp import ServerSettings
from botctl.tools.mcp_failure import SessionGoneError, broken_answer, connect_error, refused_call
from botctl.tools.mcp_http import FAILED_ON_THE_WAY, open_http_client
from botctl.tools.mcp_result import to_result, to_tool
from botctl.tools.tool import Tool, ToolResult

if TYPE_CHECKING:
    from anyio import CancelScope
    from mcp import Client
    from mcp.client._transport import Transport, TransportStreams
    from mcp_types import ServerNotification

_MOST_PAGES = 100
_GOODBYE_SECONDS = 3.0
_LONGEST_LOG = 1_000_000
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0


class Connection:
    """An owner task opens the connection, holds it and closes it: the SDK's cancel scopes must be left in the
    task that entered them. Any task may call tools, several at once.

    tools: what the server offers, by full name; replaced when the server says that it changed.
    gone: no new call can be made, because the server went, the session was lost, or `end` was called.
    answered: whether it gave any result yet. error: why it could not be opened. opened_at, ended_at: the
    loop's time, None before.
    """

    def __init__(self, settings: ServerSettings, log_folder: Path | None) -> None:
        self.tools: Mapping[str, Tool] = {}
        self.gone = False
        self.answered = False
        self.error: OutsideError | None = None
        self.opened_at: float | None = None
        self.ended_at: float | None = None
        self._settings = settings
        self._log_file = _log_file(settings.name, log_folder)
        self._client: Client | None = None
        self._scope: CancelScope | None = None
        self._opened = asyncio.Event()
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._fresh = asyncio.Event()
        self._fresh.set()
        self._owner = asyncio.create_task(self._own(), name=f"mcp {settings.name}")

    @property
    def usable(self) -> bool:
        """Whether tools can be called now, without waiting."""
        return self._client is not None and not self.gone

    async def opened(self) -> None:
        """Return when tools can be called; OutsideError when the connection could not be made."""
        await self._opened.wait()
        if self.error is not None:
            raise self.error

    async def find(self, name: str) -> Tool | None:
        """The tool of this full name. Waits only if it is unknown while a changed list is being fetched."""
        if name not in self.tools and not self._fresh.is_set():
            await self._fresh.wait()
        return self.tools.get(name)

    async def call(self, tool: Tool, arguments: Mapping[str, Any], timeout: float) -> ToolResult:
        """Call a tool; SessionGoneError if the call was surely not made and a new connection may make it."""
        client = self._client
        if client is None or self.gone:
            raise SessionGoneError(f"MCP server `{self._settings.name}` has gone", retryable=True)
        from mcp.shared.exceptions import MCPError

        try:
            async with asyncio.timeout(timeout):
                result = await client.call_tool(
                    tool.name.removeprefix(self._settings.prefix), dict(arguments)
                )
        except TimeoutError:
            raise OutsideError(
                f"`{tool.name}` did not answer within {format_duration(timeout)}",
                help="raise `timeout` of its server in the workspace, or of the node",
                retryable=True,
            ) from None
        except MCPError as error:
            raise refused_call(error, tool.name, self._settings, self.gone) from None
        except (ValueError, RuntimeError) as error:  # the SDK's words for a result that breaks the protocol
            raise broken_answer(error, tool.name, self._settings) from None
        self.answered = True
        return to_result(result, tool)

    def end(self) -> None:
        """Take no new calls and begin to close; calls in flight fail."""
        self.gone = True
        self._stop.set()
        if self._scope is not None and not self._opened.is_set():
            self._scope.cancel()

    async def ended(self) -> None:
        """Return when nothing of the connection is left: no task, no child process, no open file."""
        await asyncio.wait({self._owner})
        if not self._owner.cancelled():
            self._owner.result()

    async def _own(self) -> None:
        try:
            await asyncio.to_thread(_load_sdk)
            await self._open_and_hold()
        finally:
            self.gone = True
            self._client = None
            self.ended_at = asyncio.get_running_loop().time()
            if self.error is None and self.opened_at is None:
                self.error = OutsideError(
                    f"the connection to MCP server `{self._settings.name}` was closed", not_executed=True
                )
            self._opened.set()
            self._fresh.set()

    async def _open_and_hold(self) -> None:
        import anyio
        from mcp.shared.exceptions import MCPError

        timer = asyncio.get_running_loop().call_later(self._settings.connect_timeout, self._expire)
        try:
            with anyio.CancelScope() as self._scope:
                if not self._stop.is_set():
                    await self._live(timer)
        except (OSError, ValueError, RuntimeError, MCPError, OutsideError, ExceptionGroup) as error:
            if self.opened_at is None and self.error is None:
                self.error = connect_error(error, self._settings, self._log_file)
        finally:
            timer.cancel()

    def _expire(self) -> None:
        """Tell those who wait at once; ending a program that does not listen takes its time."""
        within = format_duration(self._settings.connect_timeout)
        self.error = OutsideError(
            f"MCP server `{self._settings.name}` was not ready within {within}",
            help="raise `connect_timeout` in the workspace"
            + (f"; what it said is in {self._log_file}" if self._log_file and not self._settings.url else ""),
            retryable=True,
            not_executed=True,
        )
        self.gone = True
        self._opened.set()
        if self._scope is not None:
            self._scope.cancel()

    async def _live(self, timer: asyncio.TimerHandle) -> None:
        import anyio
        import mcp
        from mcp_types import Implementation

        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                mcp.Client(
                    await self._transport(stack),
                    cache=None,
                    message_handler=self._notice,
                    client_info=Implementation(name="botctl", version="0.1.0"),
                )
            )
            await self._list(client)
            timer.cancel()
            self._client = client
            self.opened_at = asyncio.get_running_loop().time()
            self._opened.set()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._keep_list, client)
                tasks.start_soon(self._subscribe, client)
                await self._stop.wait()
                tasks.cancel_scope.cancel()
            self._client = None
            assert self._scope is not None
            self._scope.deadline = anyio.current_time() + _GOODBYE_SECONDS

    async def _transport(self, stack: AsyncExitStack) -> Transport:
        from mcp.client.stdio import StdioServerParameters, stdio_client
        from mcp.client.streamable_http import streamable_http_client

        settings = self._settings
        if settings.url:
            http = await stack.enter_async_context(open_http_client(settings))
            return streamable_http_client(settings.url, http_client=http)
        if settings.cwd and not os.path.isdir(settings.cwd):  # noqa: ASYNC240  (a stat, once per start)
            raise OutsideError(
                f"MCP server `{settings.name}` cannot be started: there is no folder {settings.cwd}",
                help="correct its `cwd`, which is relative to the project",
                not_executed=True,
            )
        # The SDK starts a program in a session of its own, so that ^C in the terminal does not reach it
        # before botctl has finished with it. It gives it HOME, LOGNAME, PATH, SHELL, TERM and USER beside
        # `env` (mcp 2.3.0, client/stdio.py); the rest of our environment stays with us.
        parameters = StdioServerParameters(
            command=settings.program,
            args=list(settings.args),
            env=dict(settings.env),
            cwd=settings.cwd or None,
        )
        log = stack.enter_context(_open_log(self._log_file))
        return _watched(stdio_client(parameters, errlog=log), self.end_of_server)

    def end_of_server(self) -> None:
        """The program has closed its output: it died, or is about to."""
        self.gone = True
        self._stop.set()

    async def _list(self, client: Client) -> None:
        tools: dict[str, Tool] = {}
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            listed = (to_tool(self._settings.prefix, tool) for tool in page.tools)
            tools.update((tool.name, tool) for tool in listed)
            cursor = page.next_cursor
            if cursor is None:
                break
        self.tools = tools

    async def _notice(self, message: ServerNotification | Exception) -> None:
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self._mark_changed()

    def _mark_changed(self) -> None:
        self._fresh.clear()
        self._changed.set()

    async def _keep_list(self, client: Client) -> None:
        """Fetch the list again when it changed. If that fails, the old one stands until the next change."""
        from mcp.shared.exceptions import MCPError

        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._list(client)
            except (MCPError, ValueError):
                pass
            if not self._changed.is_set():
                self._fresh.set()

    async def _subscribe(self, client: Client) -> None:
        """Ask to be told of changes where the protocol wants to be asked (since 2026-07-28)."""
        import anyio
        from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
        from mcp.shared.exceptions import MCPError

        offered = client.server_capabilities.tools
        if offered is None or not offered.list_changed:
            return
        pause = _FIRST_PAUSE
        while True:
            try:
                async with client.listen(tools_list_changed=True) as subscription:
                    self._mark_changed()  # what happened before it was open is never told
                    async for _ in subscription:
                        self._mark_changed()
            except ListenNotSupportedError:
                return
            except MCPError as error:
                if error.code != FAILED_ON_THE_WAY:
                    return
            except SubscriptionLost:
                pass
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


class WatchedStream:
    """The SDK's stream of what a server says, which also tells when the server has said its last."""

    def __init__(self, stream: Any, at_end: Callable[[], None]) -> None:
        self._stream = stream
        self._at_end = at_end

    async def receive(self) -> Any:
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> WatchedStream:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._at_end()
            raise

    async def __aenter__(self) -> WatchedStream:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> bool | None:
        left: bool | None = await self._stream.__aexit__(*raised)
        return left


@asynccontextmanager
async def _watched(transport: Any, at_end: Callable[[], None]) -> AsyncIterator[TransportStreams]:
    async with transport as (reading, writing):
        yield WatchedStream(reading, at_end), writing


def _load_sdk() -> None:
    """Import the SDK (most of a second) outside the event loop, and keep its log off the user's terminal."""
    for module in ("anyio", "mcp", "mcp.client.stdio", "mcp.client.streamable_http", "jsonschema"):
        importlib.import_module(module)
    for name in ("mcp", "client"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _log_file(server: str, folder: Path | None) -> Path | None:
    return folder / f"mcp-{re.sub(r'[^A-Za-z0-9_.-]', '_', server)}.log" if folder is not None else None


def _open_log(file: Path | None) -> TextIO:
    """Where a program's stderr goes: its log file, begun anew when it has grown long, or nowhere."""
    if file is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_file() and file.stat().st_size > _LONGEST_LOG:
        file.replace(file.with_suffix(".log.old"))
    return file.open("a", encoding="utf-8")
