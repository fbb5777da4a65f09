"""The catalogue: a workspace switched on, every tool of it under one roof."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botctl.errors import BotctlError, OutsideError, UserError
from botctl.tools.functions import Functions, FunctionSettings
from botctl.tools.mcp import ServerSettings
from botctl.tools.mcp_server import McpServer
from botctl.tools.policy import Decision, ToolPolicy, decide
from botctl.tools.skills import SKILLS, Skill, read_skill
from botctl.tools.tool import Tool, ToolResult


class Catalogue:
    """The tools of a workspace: those of its MCP servers, its functions and its skills, as far as the policy
    lets them be called. Bots that name the same workspace share it, and the connections with it.

    skills: folders with a SKILL.md. log_folder: where the programs of stdio servers may write their stderr;
    None drops it. project_folder: where Python callables are looked for.
    """

    def __init__(
        self,
        *,
        servers: Sequence[ServerSettings] = (),
        functions: Sequence[FunctionSettings] = (),
        skills: Sequence[Path] = (),
        policy: ToolPolicy | None = None,
        log_folder: Path | None = None,
        project_folder: Path | None = None,
    ) -> None:
        self._servers = {
            server.prefix: McpServer(server, log_folder=log_folder)
            for server in sorted(servers, key=lambda server: len(server.name), reverse=True)
        }
        self._in_order = [server.prefix for server in servers]
        self._functions = Functions(functions, project_folder)
        self._skill_folders = tuple(skills)
        self._skills: dict[str, Skill] | None = None
        self._skill_problems: dict[str, UserError] = {}
        self._policy = policy or ToolPolicy()
        self._decisions: dict[str, Decision] = {}

    def decide(self, name: str) -> Decision:
        """What the workspace's policy says of a tool: allow, deny, or ask a person first."""
        decision = self._decisions.get(name)
        if decision is None:
            decision = self._decisions[name] = decide(name, self._policy)
        return decision

    async def tools(self) -> list[Tool]:
        """All tools that may be called, in the order of the workspace file. Connects every server, all at the
        same time; those that are down are left out and told by `problems`."""
        found: list[Tool] = []
        for listed in await asyncio.gather(*(self._tools_of(prefix) for prefix in self._in_order)):
            found.extend(listed.values())
        found.extend(self._functions.tools.values())
        found.extend(skill.tool for skill in self._read_skills().values())
        return [tool for tool in found if self.decide(tool.name) != "deny"]

    async def listed(self) -> dict[str, Mapping[str, Tool]]:
        """What each MCP server offers, by its name, whatever the policy says; without those that are down."""
        listed = await asyncio.gather(*(self._tools_of(prefix) for prefix in self._in_order))
        servers = [self._servers[prefix] for prefix in self._in_order]
        return {
            server.settings.name: tools
            for server, tools in zip(servers, listed, strict=True)
            if server.problem is None
        }

    def problems(self) -> dict[str, str]:
        """Which servers and skills could not be switched on last time, and why."""
        told: dict[str, BotctlError] = {}
        for prefix in self._in_order:
            server = self._servers[prefix]
            if server.problem is not None:
                told[server.settings.name] = server.problem
        told.update(self._skill_problems)
        return {name: f"{e.message} ({e.help})" if e.help else e.message for name, e in told.items()}

    async def find(self, name: str) -> Tool | None:
        """The tool of this full name; None if there is none or the policy denies it.

        Connects the one server that the name begins with; OutsideError if that is down.
        """
        if self.decide(name) == "deny":
            return None
        own = self._functions.tools.get(name)
        if own is not None:
            return own
        skill = self._skill(name)
        if skill is not None:
            return skill.tool
        server = self._server_of(name)
        return await server.find(name) if server is not None else None

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        """Call a tool. timeout is in seconds; what the workspace says if left out.

        A tool that says it failed is a result with `is_error`. OutsideError when the service behind it is
        down, slow or breaks; UserError when there is no such tool or the policy denies it.
        """
        if self.decide(name) == "deny":
            raise UserError(f"the workspace's policy denies `{name}`", help="see `tools` in its file")
        if name in self._functions.tools:
            return await self._functions.call(name, arguments, timeout)
        skill = self._skill(name)
        if skill is not None:
            return skill.load()
        server = self._server_of(name)
        tool = await server.find(name) if server is not None else None
        if server is None or tool is None:
            raise UserError(f"the workspace has no tool `{name}`", help="`botctl tools list` shows them")
        return await server.call(tool, arguments, timeout)

    async def close(self) -> None:
        """Close every connection and end the programs behind them, all at the same time."""
        await asyncio.gather(*(server.close() for server in self._servers.values()), self._functions.close())

    async def _tools_of(self, prefix: str) -> Mapping[str, Tool]:
        try:
            return await self._servers[prefix].tools()
        except OutsideError:
            return {}  # `problems` tells it

    def _server_of(self, name: str) -> McpServer | None:
        """The server whose name the tool's begins with; the longest, should one name begin with another."""
        for prefix, server in self._servers.items():
            if name.startswith(prefix):
                return server
        return None

    def _skill(self, name: str) -> Skill | None:
        return self._read_skills().get(name) if name.startswith(f"{SKILLS}__") else None

    def _read_skills(self) -> dict[str, Skill]:
        """The skills by full name, read once; what is wrong with one does not hide the others."""
        if self._skills is None:
            self._skills = {}
            for folder in self._skill_folders:
                try:
                    skill = read_skill(folder)
                except UserError as error:
                    self._skill_problems[f"{SKILLS}/{folder.name}"] = error
                else:
                    self._skills[skill.tool.name] = skill
        return self._skills
