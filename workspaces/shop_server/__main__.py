"""`python -m shop_server`: the orders over stdio. ORDERS_DB names a file; without it they live in memory."""

from __future__ import annotations

import os
from typing import Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations

from shop_server.orders import Orders

server = MCPServer("orders", log_level="WARNING")
orders = Orders(os.environ.get("ORDERS_DB") or ":memory:")

LOOKS = ToolAnnotations(read_only_hint=True)
PAYS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False)


@server.tool(annotations=LOOKS)
def get_order(order_id: str) -> dict[str, Any]:
    """An order with its status, items and total; {found: false} for a number that no order has."""
    order = orders.get(order_id)
    return {"found": True, **order} if order else {"found": False, "order_id": order_id}


@server.tool(annotations=LOOKS)
def find_orders(email: str) -> list[str]:
    """The numbers of a customer's orders."""
    return orders.of_customer(email)


@server.tool(annotations=LOOKS)
def list_items(order_id: str) -> list[dict[str, Any]]:
    """The items of an order, each {name, price, quantity}."""
    return orders.items(order_id)


@server.tool(annotations=PAYS)
def refund(order_id: str, amount: float) -> dict[str, Any]:
    """Pay an amount back. Calling it twice pays twice."""
    if orders.get(order_id) is None:
        raise ValueError(f"there is no order {order_id}")
    return {"refund_id": orders.refund(order_id, amount), "order_id": order_id, "amount": amount}


server.run("stdio")
