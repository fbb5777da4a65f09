"""The leads' MCP server: its tools, and what they promise about themselves."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from .leads import MATERIALS, Lead, Leads

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# A lead is one row per customer: saving the same again changes nothing.
SAVES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class Saved(TypedDict):
    """is_new is false for somebody who answered the questions before."""

    customer: str
    score: int
    is_new: bool


class Material(TypedDict):
    use_case: str
    text: str


def make_server(leads: Leads) -> MCPServer:
    """The server over these leads. The tools are async and quick, so that SQLite stays in one thread."""
    server = MCPServer("leads", log_level="WARNING")

    @server.tool(annotations=SAVES)
    async def save_lead(
        customer: str, size: int, use_case: str, timeline: str, score: int, name: str = ""
    ) -> Saved:
        """Remember what a possible customer needs, and how promising they are (0 to 100)."""
        if not 0 <= score <= 100:
            raise ToolError(f"a score is 0 to 100, not {score}")
        is_new = leads.save(Lead(customer, name, size, use_case, timeline, score))
        return Saved(customer=customer, score=score, is_new=is_new)

    @server.tool(annotations=LOOKS)
    async def find_material(use_case: str) -> Material:
        """What to read about a use case: support, sales, operations; an overview for any other."""
        known = use_case if use_case in MATERIALS else "other"
        return Material(use_case=known, text=MATERIALS[known])

    return server
