"""A live workspace: a declared workspace as a catalogue of tools, shared by the bots that name it."""

from __future__ import annotations

from pathlib import Path

from botctl.secrets import Environment
from botctl.spec.workspace import FunctionSpec, ServerSpec, WorkspaceSpec
from botctl.tools.catalogue import Catalogue
from botctl.tools.functions import FunctionSettings
from botctl.tools.mcp import ServerSettings
from botctl.tools.policy import ToolPolicy


def open_workspace(
    spec: WorkspaceSpec, environment: Environment, project_folder: Path, state_folder: Path
) -> Catalogue:
    """The tools of a workspace. Its servers are connected when a tool of theirs is first needed."""
    return Catalogue(
        servers=[_server(name, server, environment, project_folder) for name, server in spec.servers.items()],
        functions=[_function(name, function, environment) for name, function in spec.functions.items()],
        skills=[project_folder / skill for skill in spec.skills],
        policy=ToolPolicy(
            allow=tuple(spec.tools.allow), deny=tuple(spec.tools.deny), ask=tuple(spec.tools.ask)
        ),
        log_folder=state_folder / "log",
        project_folder=project_folder,
    )


def _server(name: str, spec: ServerSpec, environment: Environment, folder: Path) -> ServerSettings:
    resolve = environment.resolve
    return ServerSettings(
        name=name,
        command=resolve(spec.command),
        args=tuple(resolve(argument) for argument in spec.args),
        env={variable: resolve(value) for variable, value in spec.env.items()},
        cwd=str((folder / resolve(spec.cwd)).resolve()),
        url=resolve(spec.url),
        headers={header: resolve(value) for header, value in spec.headers.items()},
        connect_timeout=spec.connect_timeout,
        timeout=spec.timeout,
    )


def _function(name: str, spec: FunctionSpec, environment: Environment) -> FunctionSettings:
    return FunctionSettings(
        name=name,
        description=spec.description,
        url=environment.resolve(spec.url),
        method=spec.method,
        headers={header: environment.resolve(value) for header, value in spec.headers.items()},
        python=spec.python,
        parameters=spec.parameters,
        timeout=spec.timeout,
        read_only=spec.read_only,
        idempotent=spec.idempotent,
        destructive=spec.destructive,
    )
