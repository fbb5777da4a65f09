"""The world of tools under test: real servers in children of this process, over pipes and loopback."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botctl.errors import OutsideError
from botctl.tools.mcp import ServerSettings
from botctl.tools.mcp_server import McpServer
from botctl.tools.tool import ToolResult

ROOT = Path(__file__).resolve().parent.parent.parent
MISCHIEF = Path(__file__).with_name("mischief.py")
SILENT = "import sys; sys.stdin.read()"
"""A program that reads all it is told, never answers, and ends when nobody talks to it."""


def stdio(name: str = "mischief", **settings: Any) -> ServerSettings:
    """The misbehaving server, as a program."""
    return ServerSettings(name=name, command="python", args=(str(MISCHIEF),), **settings)


def program(source: str, name: str = "other", **settings: Any) -> ServerSettings:
    """A server that is a line of Python."""
    return ServerSettings(name=name, command="python", args=("-c", source), **settings)


@contextmanager
def http_server(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The misbehaving server behind a port of this machine, a free one if none is given."""
    child = subprocess.Popen(
        [sys.executable, str(MISCHIEF), "http", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert child.stdout is not None
        yield child, int(child.stdout.readline())
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


async def call(server: McpServer, tool: str, /, **arguments: Any) -> ToolResult:
    """Find and call, as a node does."""
    found = await server.find(server.settings.prefix + tool)
    assert found is not None, tool
    return await server.call(found, arguments)


async def when_found(server: McpServer, tool: str) -> str:
    """The full name of a tool, as soon as the server's notice of it has arrived."""
    async with asyncio.timeout(5):
        while (found := await server.find(server.settings.prefix + tool)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
    return found.name


def facts(error: OutsideError) -> tuple[bool, bool]:
    """(retryable, not_executed)"""
    return error.retryable, error.not_executed
