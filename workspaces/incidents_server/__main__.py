"""`python -m workspaces.incidents_server`: incidents as an MCP server on stdin and stdout.

INCIDENTS_DB names its database file.
"""

import os

from .incidents import open_incidents
from .server import make_server

if __name__ == "__main__":
    make_server(open_incidents(os.environ.get("INCIDENTS_DB", ":memory:"))).run("stdio")
