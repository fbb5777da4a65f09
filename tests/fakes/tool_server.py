"""An MCP server over stdio with the tools that the examples call. Its argument says which ones."""

from __future__ import annotations

import sys
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

SLOTS = [{"id": "s1", "start": "2026-01-03T10:00:00Z"}, {"id": "s2", "start": "2026-01-03T11:00:00Z"}]


async def query_orders(email: str) -> dict[str, Any]:
    """The newest order of a customer."""
    return {"id": "o7", "total": 40 if email.startswith("small") else 900, "email": email}


async def create_refund(order_id: str) -> dict[str, Any]:
    """Pay an order back."""
    return {"id": f"re_{order_id}"}


async def find_slots() -> list[dict[str, Any]]:
    """The free slots."""
    return SLOTS


async def book(slot: str, user: str) -> dict[str, Any]:
    """Take a slot."""
    start = next(one["start"] for one in SLOTS if one["id"] == slot)
    return {"start": start, "user": user, "remind_24h": start.replace("-03T", "-02T")}


async def create_incident(title: str) -> dict[str, Any]:
    """Wake somebody."""
    if "down" in title:
        raise ToolError("the pager is down")
    return {"id": f"P-{len(title)}"}


TOOLS = {
    "database": (query_orders,),
    "stripe": (create_refund,),
    "calendar": (find_slots, book),
    "pagerduty": (create_incident,),
}

if __name__ == "__main__":
    server = MCPServer(sys.argv[1], log_level="WARNING")
    for tool in TOOLS[sys.argv[1]]:
        server.tool()(tool)
    server.run("stdio")
