"""The services' MCP server: its tools, and what they promise about themselves."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from .services import Refused, Services

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
CHANGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)


def make_server(services: Services) -> MCPServer:
    """The server over these services; it answers in sentences, for people and models.

    The tools are async and quick, so that SQLite stays in one thread.
    """
    server = MCPServer("ops", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def service_status() -> str:
        """Which services run, in which version, one a line."""
        return "\n".join(
            f"{service.name} {service.version} is up" + _restarted(service.restarts)
            for service in services.all()
        )

    @server.tool(annotations=LOOKS)
    async def recent_errors(service: str = "", hours: int = 24) -> str:
        """What a service, or every one, complained of in the last hours, most frequent first."""
        try:
            errors = services.errors(service, hours)
        except Refused as reason:
            raise ToolError(str(reason)) from None
        if not errors:
            return f"no errors in the last {hours} h"
        return "\n".join(
            f"{error.service}: {error.times} x {error.message}, last {error.hours_ago} h ago"
            for error in errors
        )

    @server.tool(annotations=CHANGES)
    async def restart_service(service: str) -> str:
        """Stop a service and start it again. Who uses it is interrupted."""
        try:
            restarted = services.restart(service)
        except Refused as reason:
            raise ToolError(str(reason)) from None
        return f"{restarted.name} was restarted and is up"

    @server.tool(annotations=CHANGES)
    async def deploy(service: str, version: str) -> str:
        """Roll a version of a service out, such as 2.5.0. Each call rolls out again."""
        try:
            before = services.deploy(service, version)
        except Refused as reason:
            raise ToolError(str(reason)) from None
        return f"{service} is at {version} now; it was at {before.version}"

    return server


def _restarted(times: int) -> str:
    return f", restarted {times} x" if times else ""
