"""`python -m workspaces.ops_server`: the services' MCP server on stdin and stdout.

OPS_DB names its database file.
"""

import os

from .server import make_server
from .services import open_services

if __name__ == "__main__":
    make_server(open_services(os.environ.get("OPS_DB", ":memory:"))).run("stdio")
