"""The site: what a node's own lint rules see of the place it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from botctl.tools.tool import Tool

D = TypeVar("D")


class Site(Struct, Generic[D], frozen=True, kw_only=True):
    """A node where it stands. raw: its `data` as written. wired: the handles that have an edge.

    platforms, bots, tools: the names that are configured; None where they are not known (a bare workflow).
    unlocked: MCP servers of whose tools nothing is known, so that names which begin with theirs may be right.
    """

    node_id: str
    data: D
    raw: Mapping[str, Any]
    wired: frozenset[str]
    platforms: frozenset[str] | None = None
    bots: frozenset[str] | None = None
    tools: Mapping[str, Tool] | None = None
    unlocked: frozenset[str] = frozenset()
