"""The catalogue's MCP server: its tools, all of which only look."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from . import products

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


class FoundProduct(TypedDict):
    """price is in dollars."""

    id: str
    name: str
    about: str
    price: float
    in_stock: bool


def make_server() -> MCPServer:
    """The server over all products. It answers agents, so one tool gives sentences."""
    server = MCPServer("catalogue", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def search(query: str) -> list[FoundProduct]:
        """Find products by words. The list is empty if none fits."""
        return [_told(one) for one in products.search(query)]

    @server.tool(annotations=LOOKS)
    async def describe(product_id: str) -> str:
        """A product in a few sentences, by the id that `search` told."""
        one = _get(product_id)
        stock = "It is in stock." if one.in_stock else "It is out of stock just now."
        return f"{one.name}, ${one.price:.2f}: {one.about} {stock}"

    @server.tool(annotations=LOOKS)
    async def goes_with(product_id: str) -> list[FoundProduct]:
        """What goes with a product."""
        return [_told(_get(id)) for id in _get(product_id).goes_with]

    return server


def _get(id: str) -> products.Product:
    found = products.product(id)
    if found is None:
        raise ToolError(f"there is no product `{id}`: use an id that `search` told")
    return found


def _told(one: products.Product) -> FoundProduct:
    return FoundProduct(id=one.id, name=one.name, about=one.about, price=one.price, in_stock=one.in_stock)
