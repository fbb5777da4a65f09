"""The parcels' MCP server: its tools, and what they promise about themselves."""

from __future__ import annotations

from typing import NotRequired

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from .parcels import NotDelivered, Parcels

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# An order is sent back once: opening its return again gives the same label.
OPENS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class FoundDelivery(TypedDict):
    """days_ago is null for what has not arrived yet."""

    found: bool
    days_ago: NotRequired[int | None]
    is_returned: NotRequired[bool]


class Return(TypedDict):
    label: str
    order_id: str


def make_server(parcels: Parcels) -> MCPServer:
    """The server over these parcels. The tools are async and quick, so that SQLite stays in one thread."""
    server = MCPServer("parcels", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def get_delivery(order_id: str) -> FoundDelivery:
        """How many days ago an order arrived, and whether it is on its way back."""
        delivery = parcels.delivery(order_id.strip().lstrip("#"))
        if delivery is None:
            return FoundDelivery(found=False)
        return FoundDelivery(found=True, days_ago=delivery.days_ago, is_returned=delivery.is_returned)

    @server.tool(annotations=OPENS)
    async def open_return(order_id: str, reason: str) -> Return:
        """Let an order be sent back; gives the label to put on the parcel."""
        try:
            return Return(label=parcels.open_return(order_id, reason), order_id=order_id)
        except NotDelivered as refused:
            raise ToolError(str(refused)) from None

    return server
