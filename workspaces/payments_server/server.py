"""The payment provider's MCP server: it only looks; the shop pays back, because it keeps the books."""

from __future__ import annotations

from typing import NotRequired

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from .payments import payment_of

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


class FoundPayment(TypedDict):
    """found is false for an order that nobody tried to pay; then there is nothing else."""

    found: bool
    status: NotRequired[str]
    amount: NotRequired[float]
    card: NotRequired[str]


def make_server() -> MCPServer:
    """The server over all payments."""
    server = MCPServer("payments", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def get_payment(order_id: str) -> FoundPayment:
        """Whether the money for an order arrived (authorized, captured, voided), and its card's digits."""
        payment = payment_of(order_id.strip().lstrip("#"))
        if payment is None:
            return FoundPayment(found=False)
        return FoundPayment(found=True, status=payment.status, amount=payment.amount, card=payment.card)

    return server
