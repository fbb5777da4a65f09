"""What rules see: a workflow's graph, and what is known of the bot around it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from botctl.project.graph import Graph
from botctl.tools.tool import Tool


class Surroundings(Struct, frozen=True, kw_only=True):
    """The names that a workflow may use; None where that is not known, as for a bare workflow file."""

    platforms: frozenset[str] | None = None
    bots: frozenset[str] | None = None
    tools: Mapping[str, Tool] | None = None


class WorkflowSite(Struct, frozen=True, kw_only=True):
    """A workflow that could be bound. Findings about it have paths from the root of its document."""

    graph: Graph
    around: Surroundings
