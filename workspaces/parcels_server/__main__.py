"""`python -m workspaces.parcels_server`: parcels as an MCP server on stdin and stdout.

PARCELS_DB names its database file.
"""

import os

from .parcels import open_parcels
from .server import make_server

if __name__ == "__main__":
    make_server(open_parcels(os.environ.get("PARCELS_DB", ":memory:"))).run("stdio")
