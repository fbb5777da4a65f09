"""`python -m workspaces.calendar_server`: the calendar's MCP server on stdin and stdout.

CALENDAR_DB names its database file, CALENDAR_ZONE the time zone in which it is open, such as Europe/Berlin.
"""

import os

from .calendar import open_calendar
from .server import make_server

if __name__ == "__main__":
    zone = os.environ.get("CALENDAR_ZONE", "UTC")
    make_server(open_calendar(os.environ.get("CALENDAR_DB", ":memory:"), zone)).run("stdio")
