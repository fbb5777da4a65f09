"""The HR system's MCP server: its tools, and what they promise about themselves."""

from __future__ import annotations

from typing import Literal, NotRequired

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from .staff import Refused, Request, Staff

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# The same request or decision again changes nothing, so a crash in between is no trouble.
ASKS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
# A decision overwrites the one before it.
DECIDES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)


class FoundEmployee(TypedDict):
    """found is false for an address that nobody here has; balance is in working days."""

    found: bool
    email: NotRequired[str]
    name: NotRequired[str]
    manager: NotRequired[str]
    balance: NotRequired[int]


class Leave(TypedDict):
    id: str
    email: str
    first: str
    last: str
    days: int
    status: str


def make_server(staff: Staff) -> MCPServer:
    """The server over this staff. The tools are async and quick, so that SQLite stays in one thread."""
    server = MCPServer("hr", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def get_employee(email: str) -> FoundEmployee:
        """An employee, their manager, and how many days of leave they have left."""
        employee = staff.get(email)
        if employee is None:
            return FoundEmployee(found=False)
        return FoundEmployee(
            found=True,
            email=employee.email,
            name=employee.name,
            manager=employee.manager,
            balance=employee.balance,
        )

    @server.tool(annotations=ASKS)
    async def submit_request(email: str, first: str, last: str, days: int) -> Leave:
        """Ask for leave from the first to the last day, such as 2026-03-02; days counts working days."""
        try:
            return _leave(staff.submit(email, first, last, days))
        except Refused as reason:
            raise ToolError(str(reason)) from None

    @server.tool(annotations=DECIDES)
    async def decide_request(request_id: str, status: Literal["approved", "declined"]) -> Leave:
        """Approve or decline a request for leave."""
        try:
            return _leave(staff.decide(request_id, status))
        except Refused as reason:
            raise ToolError(str(reason)) from None

    return server


def _leave(request: Request) -> Leave:
    return Leave(
        id=request.id,
        email=request.email,
        first=request.first,
        last=request.last,
        days=request.days,
        status=request.status,
    )
