"""A workspace file: the MCP servers, functions and skills that bots may use, and which of their tools."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from botctl.duration import Duration
from botctl.section import Section


class ServerSpec(Section):
    """One MCP server: a program that is started (`command`), or an address (`url`)."""

    command: str = ""
    """The program to start; `python` is botctl's own interpreter."""
    args: list[str] = []
    """Its arguments."""
    env: dict[str, str] = {}
    """The environment variables it gets; no others are handed on, except what a program needs to start."""
    cwd: str = ""
    """The folder it runs in, relative to the project; the project itself if left out."""
    url: str = ""
    """The address of a streamable HTTP server."""
    headers: dict[str, str] = {}
    """HTTP headers sent to `url`, such as Authorization."""
    connect_timeout: Duration = 15.0
    """How long connecting may take."""
    timeout: Duration = 30.0
    """How long one tool call may take."""

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> ServerSpec:
        if bool(self.command) == bool(self.url):
            raise ValueError("a server has either `command` or `url`")
        return self


class FunctionSpec(Section):
    """A plain HTTP endpoint, or a Python callable, offered as a tool `functions__<name>`."""

    description: str = ""
    """What it does, for models and people."""
    url: str = ""
    """The endpoint; `{name}` in it is replaced by the argument of that name."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    """The HTTP method; GET and DELETE send the arguments in the query, the others as JSON."""
    headers: dict[str, str] = {}
    """HTTP headers, such as Authorization."""
    python: str = ""
    """A callable `module:function` that takes the arguments by name."""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object"})
    """The JSON Schema of its arguments."""
    timeout: Duration = 30.0
    """How long one call may take."""
    read_only: bool | None = None
    """true: calling it changes nothing, so it may be called again after a crash."""
    idempotent: bool | None = None
    """true: calling it twice is the same as calling it once."""
    destructive: bool | None = None
    """true: calling it may delete or overwrite something."""

    @model_validator(mode="after")
    def _one_way_to_call_it(self) -> FunctionSpec:
        if bool(self.python) == bool(self.url):
            raise ValueError("a function has either `url` or `python`")
        return self


class ToolPolicySpec(Section):
    """`tools`: which tools may be called. The first list with a fitting pattern decides: deny, ask, allow."""

    allow: list[str] = []
    """Patterns such as `orders__*`; if given, what fits none of them is not offered."""
    deny: list[str] = []
    """Patterns of tools that are never called."""
    ask: list[str] = []
    """Patterns of tools that an agent calls only after a person said yes."""


class WorkspaceSpec(Section):
    """A workspace as written in workspaces/<name>.yaml."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """The workspace's name: what bot.yaml refers to."""
    description: str = ""
    """One sentence for people."""
    servers: dict[str, ServerSpec] = {}
    """MCP servers by name; their tools are called `<name>__<tool>`."""
    functions: dict[str, FunctionSpec] = {}
    """Plain HTTP endpoints or Python callables offered as tools."""
    skills: list[str] = []
    """Folders with a SKILL.md, relative to the project."""
    tools: ToolPolicySpec = Field(default_factory=ToolPolicySpec)
    """Which tools may be called."""
