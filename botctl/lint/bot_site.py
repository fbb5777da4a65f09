"""What rules about bot.yaml, workspace files and botctl.yaml see."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

from msgspec import Struct

from botctl.lint.locks import KnownTools
from botctl.lint.workflow_site import Surroundings
from botctl.project.graph import Graph
from botctl.spec.bot import BotSpec
from botctl.spec.project import ProjectSpec
from botctl.spec.workspace import WorkspaceSpec


class BotSite(Struct, frozen=True, kw_only=True):
    """A bot.yaml. Findings have paths from its root, of which `value` is all that is written there.

    graph: its workflow; None for an agent, and while the workflow has errors (`spec.workflow` tells which).
    """

    spec: BotSpec
    value: Any
    around: Surroundings
    project: ProjectSpec
    graph: Graph | None

    @property
    def is_agent(self) -> bool:
        """Whether its model decides what happens, and no workflow."""
        return not self.spec.workflow or not self.spec.workflow_enabled


class WorkspaceSite(Struct, frozen=True, kw_only=True):
    """A workspace file, and what is known of its tools. folder: that of the project."""

    spec: WorkspaceSpec
    value: Any
    known: KnownTools
    folder: FilePath


class ProjectSite(Struct, frozen=True, kw_only=True):
    """A botctl.yaml. bots: the names of all bots."""

    spec: ProjectSpec
    value: Any
    bots: frozenset[str] = frozenset()
