"""`python -m workspaces.leads_server`: the leads' MCP server on stdin and stdout.

LEADS_DB names its database file.
"""

import os

from .leads import open_leads
from .server import make_server

if __name__ == "__main__":
    make_server(open_leads(os.environ.get("LEADS_DB", ":memory:"))).run("stdio")
