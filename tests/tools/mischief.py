"""A real MCP server that misbehaves on demand: `mischief.py` on stdio, `mischief.py http` on a free port."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import Any

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from starlette.requests import Request
from starlette.responses import Response

server = MCPServer("mischief", log_level="WARNING")
meetings: dict[int, asyncio.Barrier] = {}


@server.tool(annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, destructive_hint=False))
async def echo(text: str) -> str:
    """Gives the text back."""
    return text


@server.tool()
async def numbers(count: int) -> list[int]:
    """The first numbers."""
    return list(range(count))


@server.tool()
async def own_result() -> dict[str, Any]:
    """An object whose only key is `result`."""
    return {"result": "mine"}


@server.tool(structured_output=False)
async def texts() -> list[str]:
    """Several parts of text."""
    return ["one", "two"]


@server.tool(structured_output=False)
async def json_text() -> str:
    """JSON, as text."""
    return '{"a": [1, 2]}'


@server.tool()
async def picture() -> Image:
    """A picture."""
    return Image(data=b"x" * 2048, format="png")


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
async def fail(reason: str) -> str:
    """Says that it failed."""
    raise ToolError(reason)


@server.tool()
async def broken() -> CallToolResult:
    """Breaks the promise of its own schema."""
    return CallToolResult(content=[TextContent(type="text", text="x")], structured_content={"n": "no number"})


@server.tool()
async def hang() -> str:
    """Never answers."""
    await asyncio.Event().wait()
    return ""


@server.tool()
async def meet(people: int) -> str:
    """Answers when so many calls are waiting at the same time."""
    await meetings.setdefault(people, asyncio.Barrier(people)).wait()
    return "met"


@server.tool()
async def die() -> str:
    """Ends the process in the middle of the call."""
    print("these are my last words", file=sys.stderr, flush=True)
    os._exit(3)


@server.tool()
async def leave() -> str:
    """Answers, and ends the process right after it."""
    asyncio.get_running_loop().call_later(0.02, os._exit, 0)
    return "bye"


@server.tool()
async def process() -> int:
    """The number of its process."""
    return os.getpid()


@server.tool()
async def environment() -> list[str]:
    """The names of its environment variables."""
    return sorted(os.environ)


@server.tool()
async def learn(name: str, context: Context) -> str:
    """Offers one more tool from now on, and says so."""

    async def learned() -> str:
        return "learned"

    server.add_tool(learned, name=name)
    await context.notify_tools_changed()
    return "ok"


for tool in server._tool_manager.list_tools():
    if tool.name == "broken":
        tool.fn_metadata.output_schema = {"type": "object", "properties": {"n": {"type": "integer"}}}


@server.custom_route("/status/{code:int}", methods=["POST", "GET", "DELETE"])
async def status(request: Request) -> Response:
    """Not MCP: answers with a status."""
    return Response(status_code=request.path_params["code"], headers={"retry-after": "7"})


@server.custom_route("/seen", methods=["GET"])
async def seen(request: Request) -> Response:
    """The last Authorization header of a call."""
    return Response(last_authorization)


last_authorization = ""


class Listener:
    """The app, and what it saw of the headers."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        global last_authorization
        if scope["type"] == "http" and scope["path"] == "/mcp":
            last_authorization = dict(scope["headers"]).get(b"authorization", b"").decode()
        await self.app(scope, receive, send)


def serve_http() -> None:
    """Print the port and serve; a second argument is the port to take."""
    import uvicorn

    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    listening = socket.create_server(("127.0.0.1", port))
    app = Listener(server.streamable_http_app())
    config = uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1)
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    if sys.argv[1:2] == ["http"]:
        serve_http()
    else:
        server.run("stdio")
