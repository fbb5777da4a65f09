"""`python -m shop_server`: the shop's MCP server on stdin and stdout. ORDERS_DB names its database file."""

import os

from .orders import open_orders
from .server import make_server

if __name__ == "__main__":
    make_server(open_orders(os.environ.get("ORDERS_DB", ":memory:"))).run("stdio")
