"""The incidents' MCP server: its tools, and what they promise about themselves."""

from __future__ import annotations

from typing import Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from .incidents import Incident, Incidents

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# The same alert again is the same incident, so a crash in between opens no second one.
OPENS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
# It overwrites who led before.
LEADS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)


class ToldIncident(TypedDict):
    id: int
    service: str
    severity: str
    summary: str
    leader: str


def make_server(incidents: Incidents) -> MCPServer:
    """The server over these incidents. The tools are async and quick, so that SQLite stays in one thread."""
    server = MCPServer("incidents", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def list_incidents() -> list[ToldIncident]:
        """Every incident, oldest first."""
        return [_told(incident) for incident in incidents.all()]

    @server.tool(annotations=OPENS)
    async def create_incident(
        service: str, severity: Literal["P1", "P2", "P3"], summary: str
    ) -> ToldIncident:
        """Open an incident. The same alert again is the same incident."""
        return _told(incidents.create(service, severity, summary))

    @server.tool(annotations=LEADS)
    async def set_leader(incident_id: int, leader: str) -> ToldIncident:
        """Say who leads the repair of an incident."""
        incident = incidents.lead(incident_id, leader)
        if incident is None:
            raise ToolError(f"there is no incident {incident_id}")
        return _told(incident)

    return server


def _told(incident: Incident) -> ToldIncident:
    return ToldIncident(
        id=incident.id,
        service=incident.service,
        severity=incident.severity,
        summary=incident.summary,
        leader=incident.leader,
    )
