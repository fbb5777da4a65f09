"""MCP servers over real streamable HTTP: headers, refusals, and a server that restarts."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from botctl.errors import OutsideError
from botctl.tools.mcp import ServerSettings
from botctl.tools.mcp_server import McpServer
from tests.tools.world import call, facts, http_server, when_found


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http_server() as (_, port):
        yield port


def remote(port: int, path: str = "/mcp", **settings: Any) -> McpServer:
    return McpServer(ServerSettings(name="remote", url=f"http://127.0.0.1:{port}{path}", **settings))


def failure(server: McpServer) -> OutsideError:
    async def main() -> OutsideError:
        try:
            with pytest.raises(OutsideError) as caught:
                await server.tools()
            return caught.value
        finally:
            await server.close()

    return asyncio.run(main())


def test_tools_are_called_over_http_with_the_servers_headers(port: int) -> None:
    server = remote(port, headers={"Authorization": "Bearer open-sesame"})

    async def main() -> list[Any]:
        answers = await asyncio.gather(*(call(server, "echo", text=str(n)) for n in range(3)))
        await server.close()
        return [answer.value for answer in answers]

    assert asyncio.run(main()) == ["0", "1", "2"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/seen") as seen:
        assert seen.read() == b"Bearer open-sesame"


def test_a_slow_call_is_in_doubt_and_others_go_on(port: int) -> None:
    server = remote(port)

    async def main() -> tuple[OutsideError, Any]:
        tool = await server.find("remote__hang")
        assert tool is not None
        with pytest.raises(OutsideError) as caught:
            await server.call(tool, {}, 0.05)
        after = (await call(server, "echo", text="on")).value
        await server.close()
        return caught.value, after

    error, after = asyncio.run(main())

    assert facts(error) == (True, False)
    assert after == "on"


def test_a_tool_that_comes_later_is_found_over_http_too(port: int) -> None:
    server = remote(port)

    async def main() -> str:
        await call(server, "learn", name="dance")
        found = await when_found(server, "dance")
        await server.close()
        return found

    assert asyncio.run(main()) == "remote__dance"


def test_a_port_where_nobody_listens_is_surely_not_executed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]

    error = failure(remote(free))

    assert error.message.startswith(f"MCP server `remote` at 127.0.0.1:{free} cannot be reached: ")
    assert facts(error) == (True, True)


def test_a_server_that_accepts_and_says_nothing_fails_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = failure(remote(silent.getsockname()[1], connect_timeout=0.1))

    assert error.message == "MCP server `remote` was not ready within 100ms"
    assert facts(error) == (True, True)


@pytest.mark.parametrize(
    ("status", "words", "retryable", "retry_after"),
    [
        (401, "refuses the credentials (HTTP 401)", False, None),
        (404, "answered HTTP 404", False, None),
        (429, "has too much to do (HTTP 429)", True, 7.0),
        (503, "answered HTTP 503", True, None),
    ],
)
def test_a_refusal_says_its_status_and_no_more_of_the_address_than_the_host(
    port: int, status: int, words: str, retryable: bool, retry_after: float | None
) -> None:
    error = failure(remote(port, f"/status/{status}?key=open-sesame"))

    assert error.message == f"MCP server `remote` at 127.0.0.1:{port} {words}"
    assert (error.retryable, error.not_executed, error.retry_after) == (retryable, True, retry_after)


def test_a_header_that_http_does_not_allow_is_not_repeated(port: int) -> None:
    error = failure(remote(port, headers={"Authorization": "Bearer open-sesame\n"}))

    assert "have characters that HTTP does not allow" in error.message
    assert "sesame" not in f"{error.message} {error.help} {error.__cause__} {error.__context__}"


def test_a_call_to_a_server_that_went_is_surely_not_executed_and_works_when_it_is_back() -> None:
    with http_server() as (child, port):
        server = remote(port)

        async def main() -> tuple[OutsideError, Any]:
            await call(server, "echo", text="first")
            child.kill()
            child.wait()
            with pytest.raises(OutsideError) as caught:
                await call(server, "echo", text="second")
            with http_server(port):
                back = (await call(server, "echo", text="third")).value
                await server.close()
            return caught.value, back

        error, back = asyncio.run(main())

    assert facts(error) == (True, True)
    assert "when `remote__echo` was called" in error.message
    assert back == "third"


def test_a_server_that_dies_in_a_call_leaves_it_in_doubt() -> None:
    with http_server() as (_, port):
        server = remote(port)

        async def main() -> OutsideError:
            with pytest.raises(OutsideError) as caught:
                await call(server, "die")
            await server.close()
            return caught.value

        error = asyncio.run(main())

    assert facts(error) == (True, False)
