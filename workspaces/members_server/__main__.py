"""`python -m workspaces.members_server`: the list of members as an MCP server on stdin and stdout.

MEMBERS_DB names its database file.
"""

import os

from .members import open_members
from .server import make_server

if __name__ == "__main__":
    make_server(open_members(os.environ.get("MEMBERS_DB", ":memory:"))).run("stdio")
