"""The picture of a run: the workflow that it is pinned to, with the path it took."""

from __future__ import annotations

import sqlite3

from botctl.drawing.layout import layout_of
from botctl.drawing.marked import path_of
from botctl.drawing.svg import svg
from botctl.engine.run import RunStatus
from botctl.engine.trace import Story
from botctl.errors import BotctlError
from botctl.project.agent_graph import AGENT_DEFINITION, agent_graph
from botctl.project.graph import Graph
from botctl.project.workflow_file import pinned_graph
from botctl.store import runs


def picture_of(connection: sqlite3.Connection, story: Story) -> tuple[str, float]:
    """It as SVG, and its width in pixels; ("", 0) when its workflow can no longer be read."""
    graph = _graph(connection, story.row.definition)
    if graph is None:
        return "", 0
    is_under_way = story.row.status in (RunStatus.RUNNING, RunStatus.WAITING)
    at = [token.node for token in story.run.tokens] if is_under_way else []
    path = path_of(graph, story.steps, at=at)
    title = f"The workflow of {story.row.bot}, with the path that this run took"
    drawn = svg(graph, taken=path.taken, visited=path.visited, at=path.at, title=title)
    return drawn, layout_of(graph).width


def _graph(connection: sqlite3.Connection, definition: str) -> Graph | None:
    if definition == AGENT_DEFINITION:
        return agent_graph(0, {})
    try:
        file, text = runs.definition(connection, definition)
        return pinned_graph(text, file)
    except (BotctlError, TypeError):  # from a botctl that knew other nodes, or pruned
        return None
