"""Servers of the older protocol, which most servers still speak: handshake, sessions, pages of tools."""

from __future__ import annotations

import asyncio
from pathlib import Path

from botctl.tools.mcp import ServerSettings
from botctl.tools.mcp_server import McpServer
from tests.tools.older import older_http_server
from tests.tools.world import call, when_found

OLDER = Path(__file__).with_name("older.py")


def test_an_older_server_is_talked_to_and_its_notice_of_a_new_tool_is_heard() -> None:
    server = McpServer(ServerSettings(name="older", command="python", args=(str(OLDER),)))

    async def main() -> tuple[list[str], object, str]:
        before = list(await server.tools())
        result = await call(server, "count")
        found = await when_found(server, "more")
        await server.close()
        return before, result.value, found

    assert asyncio.run(main()) == (["older__count", "older__last"], 1, "older__more")


def test_a_session_that_the_server_forgot_costs_no_call_and_no_second_one() -> None:
    with older_http_server() as remote:
        server = McpServer(ServerSettings(name="older", url=f"http://127.0.0.1:{remote.server_port}/mcp"))

        async def main() -> list[object]:
            first = (await call(server, "count")).value
            remote.sessions.clear()
            second = (await call(server, "count")).value
            await server.close()
            return [first, second]

        assert asyncio.run(main()) == [1, 2]
        assert (remote.older.calls, remote.opened, remote.sessions) == (2, 2, set())
