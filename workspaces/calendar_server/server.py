"""The calendar's MCP server: its tools, and what they promise about themselves."""

from __future__ import annotations

from typing import NotRequired

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from .calendar import Calendar

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# Both may be called again with the same arguments, and a crash in between is therefore no trouble. Cancelling
# destroys nothing: the booking is kept, and its hour can be booked again.
CHANGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class Slot(TypedDict):
    """start is ISO 8601; label is for people."""

    start: str
    label: str


class Booking(Slot):
    id: str
    customer: str
    name: str


class Outcome(TypedDict):
    """booked is false for an hour that is not free (any more); then there is no booking."""

    booked: bool
    booking: NotRequired[Booking]


class Found(TypedDict):
    found: bool
    booking: NotRequired[Booking]


class Freed(TypedDict):
    freed: bool


def make_server(calendar: Calendar) -> MCPServer:
    """The server over this calendar. The tools are async and quick, so that SQLite stays in one thread."""
    server = MCPServer("calendar", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def find_slots(count: int = 3) -> list[Slot]:
        """The next free hours, soonest first."""
        return [Slot(**slot) for slot in calendar.free(min(max(count, 1), 20))]

    @server.tool(annotations=LOOKS)
    async def next_booking(customer: str) -> Found:
        """The next appointment of a customer. `found` is false if there is none."""
        booking = calendar.next_of(customer)
        return Found(found=True, booking=Booking(**booking)) if booking else Found(found=False)

    @server.tool(annotations=CHANGES)
    async def book(start: str, customer: str, name: str = "") -> Outcome:
        """Book an hour for a customer. `booked` is false if somebody else was quicker."""
        try:
            booking = calendar.book(start, customer, name)
        except ValueError:
            raise ToolError(f"`{start}` is not a moment in ISO 8601") from None
        return Outcome(booked=True, booking=Booking(**booking)) if booking else Outcome(booked=False)

    @server.tool(annotations=CHANGES)
    async def cancel(booking_id: str) -> Freed:
        """Give the hour of a booking free again."""
        return Freed(freed=calendar.cancel(booking_id))

    return server
