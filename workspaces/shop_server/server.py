"""The shop's MCP server: its tools, and what they promise about themselves."""

from __future__ import annotations

from typing import NotRequired

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from .orders import Orders, RefundRefused

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
PAYS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)


class Customer(TypedDict):
    name: str
    email: str


class Item(TypedDict):
    name: str
    price: float


class OrderItem(Item):
    quantity: int


class Order(TypedDict):
    id: str
    status: str
    shipped_date: str | None
    customer: Customer
    items: list[OrderItem]
    total: float
    refunded: float


class FoundOrder(TypedDict):
    """found is false for a number that no order has; then there is nothing else but order_id."""

    found: bool
    order_id: str
    id: NotRequired[str]
    status: NotRequired[str]
    shipped_date: NotRequired[str | None]
    customer: NotRequired[Customer]
    items: NotRequired[list[OrderItem]]
    total: NotRequired[float]
    refunded: NotRequired[float]


class Refund(TypedDict):
    refund_id: int
    order_id: str
    amount: float
    refunded: float


def make_server(orders: Orders) -> MCPServer:
    """The server over these orders. The tools are async and quick, so that SQLite stays in one thread."""
    server = MCPServer("shop", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def get_order(order_id: str) -> FoundOrder:
        """Look an order up by its number. `found` is false if there is none."""
        order = orders.get(order_id.strip().lstrip("#"))
        return {"found": order is not None, "order_id": order_id, **(order or {})}

    @server.tool(annotations=LOOKS)
    async def find_orders(email: str) -> list[Order]:
        """The orders of the customer with this email address, newest first."""
        return orders.of(email)

    @server.tool(annotations=LOOKS)
    async def list_items() -> list[Item]:
        """Everything the shop sells, with prices."""
        return orders.items()

    @server.tool(annotations=PAYS)
    async def refund(order_id: str, amount: float) -> Refund:
        """Pay back a part of an order. Each call pays again."""
        try:
            return orders.refund(order_id, amount)
        except RefundRefused as reason:
            raise ToolError(str(reason)) from None

    return server
