"""Locks: what the linter knows of the tools of a workspace without starting a server."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import isfile
from pathlib import Path

from msgspec import Struct

from botctl.errors import UserError
from botctl.project.load import Project, Workspace
from botctl.source.diagnostic import Diagnostic
from botctl.source.rule import Finding
from botctl.spec.workspace import FunctionSpec
from botctl.tools.lock import LOCK_SUFFIX, read_lock
from botctl.tools.policy import ToolPolicy
from botctl.tools.skills import read_skill
from botctl.tools.tool import FUNCTIONS, Tool, ToolHints


class KnownTools(Struct, frozen=True, kw_only=True):
    """The tools of a workspace by full name, those that its policy denies too.

    unlocked: the servers of whose tools nothing is known. policy: which tools may be called.
    """

    tools: Mapping[str, Tool] = {}
    unlocked: frozenset[str] = frozenset()
    policy: ToolPolicy = ToolPolicy()


def is_lock(path: Path) -> bool:
    """Whether a file is the lock of some workspace."""
    return path.name.endswith(LOCK_SUFFIX)


def lock_path(workspace: Workspace) -> Path:
    """Where the lock of a workspace is, or would be."""
    return workspace.path.parent / f"{workspace.spec.name}{LOCK_SUFFIX}"


def known_tools(project: Project, workspace: Workspace) -> KnownTools:
    """What lock, functions and skills of a workspace tell. A lock that does not fit tells nothing."""
    spec = workspace.spec
    locked, _ = load_lock(project, workspace)
    tools = {name: tool for server in spec.servers for name, tool in locked.get(server, {}).items()}
    for name, function in spec.functions.items():
        tool = _function(name, function)
        tools[tool.name] = tool
    for folder in spec.skills:
        if not isfile(project.folder / folder / "SKILL.md"):
            continue  # told when the workspace is read
        try:
            skill = read_skill(project.folder / folder)
        except UserError:
            continue
        tools[skill.tool.name] = skill.tool
    return KnownTools(
        tools=tools,
        unlocked=frozenset(spec.servers) - frozenset(locked),
        policy=ToolPolicy(
            allow=tuple(spec.tools.allow), deny=tuple(spec.tools.deny), ask=tuple(spec.tools.ask)
        ),
    )


def load_lock(
    project: Project, workspace: Workspace
) -> tuple[Mapping[str, Mapping[str, Tool]], list[Diagnostic]]:
    """The tools of each locked server, and why the lock cannot be used. Nothing where there is no lock."""
    path = lock_path(workspace)
    if not isfile(path):
        return {}, []
    document, diagnostics = project.read(path)
    if document is None:
        return {}, list(diagnostics)
    try:
        return read_lock(document.value), []
    except UserError as error:
        finding = Finding(
            error.message,
            at=("hash",),
            label="as long as this does not fit, the lock tells nothing",
            help=f"`botctl tools lock {workspace.spec.name}` writes it anew",
        )
        return {}, [document.diagnose("TL301", "warning", finding)]


def check_lock(project: Project, path: Path) -> list[Diagnostic]:
    """What is wrong with a lock file; nothing if no workspace has it."""
    for name in project.workspace_names():
        workspace, _ = project.load_workspace(name)
        if workspace is not None and lock_path(workspace).absolute() == path.absolute():
            return load_lock(project, workspace)[1]
    return []


def _function(name: str, spec: FunctionSpec) -> Tool:
    return Tool(
        name=f"{FUNCTIONS}__{name}",
        description=spec.description,
        input_schema=spec.parameters,
        hints=ToolHints(read_only=spec.read_only, idempotent=spec.idempotent, destructive=spec.destructive),
    )
