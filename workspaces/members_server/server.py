"""The members' MCP server: its tools, and what they promise about themselves."""

from __future__ import annotations

from typing import NotRequired

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from .members import ROLES, Member, Members

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# Saying the same again changes nothing, so a crash in between is no trouble. People save themselves only.
SAVES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class FoundMember(TypedDict):
    """found is false for somebody who is new; then there is nothing else."""

    found: bool
    name: NotRequired[str]
    role: NotRequired[str]
    interests: NotRequired[list[str]]


class Saved(TypedDict):
    role: str
    interests: list[str]


def make_server(members: Members) -> MCPServer:
    """The server over these members. The tools are async and quick, so that SQLite stays in one thread."""
    server = MCPServer("members", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def get_member(member: str) -> FoundMember:
        """What a member told about themselves. `found` is false for somebody new."""
        known = members.get(member)
        if known is None:
            return FoundMember(found=False)
        return FoundMember(found=True, name=known.name, role=known.role, interests=known.interests)

    @server.tool(annotations=SAVES)
    async def save_member(member: str, role: str, interests: list[str], name: str = "") -> Saved:
        """Remember what a member told about themselves. The role is maker, teacher or visitor."""
        if role not in ROLES:
            raise ToolError(f"there is no role `{role}`, but " + ", ".join(ROLES))
        members.save(Member(member, name, role, interests))
        return Saved(role=role, interests=interests)

    return server
