"""`python -m workspaces.hr_server`: the HR system's MCP server on stdin and stdout.

HR_DB names its database file.
"""

import os

from .server import make_server
from .staff import open_staff

if __name__ == "__main__":
    make_server(open_staff(os.environ.get("HR_DB", ":memory:"))).run("stdio")
