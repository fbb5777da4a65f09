"""The catalogue: a workspace switched on, all its tools under their full names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botctl.errors import BotctlError, UserError
from botctl.tools.functions import PREFIX as FUNCTIONS
from botctl.tools.functions import Function, FunctionSettings
from botctl.tools.mcp import McpServer, ServerSettings
from botctl.tools.policy import Ruling, ToolPolicy, ruling_on
from botctl.tools.skills import PREFIX as SKILLS
from botctl.tools.skills import Skill, read_skill
from botctl.tools.tool import Tool, ToolResult


class Catalogue:
    """The tools of a workspace. Nothing is connected before a tool of it is needed."""

    def __init__(
        self,
        *,
        servers: Sequence[ServerSettings] = (),
        functions: Sequence[FunctionSettings] = (),
        skills: Sequence[Path] = (),
        policy: ToolPolicy | None = None,
        log_folder: Path | None = None,
        faults: Mapping[str, BotctlError] | None = None,
    ) -> None:
        """faults: servers that cannot even be tried, and why (an environment variable is not set)."""
        self._servers = {settings.name: McpServer(settings, log_folder) for settings in servers}
        self._functions = {FUNCTIONS + settings.name: Function(settings) for settings in functions}
        self._skill_folders = tuple(skills)
        self._skills: dict[str, Skill] | None = None
        self._policy = policy or ToolPolicy()
        self._faults = dict(faults or {})
        self._problems: dict[str, str] = {}

    async def tools(self) -> list[Tool]:
        """All tools that may be called, servers connected side by side; `problems` tells which are down."""
        self._problems = {name: fault.message for name, fault in self._faults.items()}
        answers = await asyncio.gather(
            *[server.tools() for server in self._servers.values()], return_exceptions=True
        )
        found: list[Tool] = []
        for name, answer in zip(self._servers, answers, strict=True):
            if isinstance(answer, BotctlError):
                self._problems[name] = answer.message
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += answer.values()
        found += [function.tool for function in self._functions.values()]
        found += [skill.tool for skill in self._known_skills().values()]
        return [tool for tool in found if self.ruling_on(tool.name) != "deny"]

    def problems(self) -> Mapping[str, str]:
        """The servers that were down when `tools` was asked last, and why."""
        return self._problems

    def ruling_on(self, name: str) -> Ruling:
        """What the workspace's policy says about a tool."""
        return ruling_on(name, self._policy)

    async def find(self, name: str) -> Tool | None:
        """The tool of this full name, None if there is none or it is denied; connects its server only."""
        if self.ruling_on(name) == "deny":
            return None
        if name in self._functions:
            return self._functions[name].tool
        if name.startswith(SKILLS):
            skill = self._known_skills().get(name)
            return skill.tool if skill else None
        server, tool = self._split(name)
        if server in self._faults:
            raise self._faults[server]
        if server not in self._servers:
            return None
        return (await self._servers[server].tools()).get(tool)

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        """Call a tool. OutsideError: its server is down, slow or broke off. UserError: no such tool."""
        if name in self._functions:
            return await self._functions[name].call(arguments, timeout)
        if name.startswith(SKILLS) and (skill := self._known_skills().get(name)) is not None:
            return await skill.call()
        server, tool = self._split(name)
        if server in self._faults:
            raise self._faults[server]
        if server not in self._servers:
            raise UserError(f"there is no tool `{name}`", help="`botctl tools list` shows them")
        return await self._servers[server].call(tool, arguments, timeout)

    async def close(self) -> None:
        """Close all connections and end all programs, side by side."""
        await asyncio.gather(
            *[server.close() for server in self._servers.values()],
            *[function.close() for function in self._functions.values()],
        )

    def _split(self, name: str) -> tuple[str, str]:
        """(server, tool) of a full name; a server's name may itself hold `__`, so the longest that fits."""
        names = [server for server in (*self._servers, *self._faults) if name.startswith(server + "__")]
        server = max(names, key=len, default="")
        return server, name.removeprefix(server + "__")

    def _known_skills(self) -> dict[str, Skill]:
        if self._skills is None:
            read = [read_skill(folder) for folder in self._skill_folders]
            self._skills = {SKILLS + skill.name: skill for skill in read}
        return self._skills
