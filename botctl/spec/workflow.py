"""The workflow as written: nodes and edges, before any node type means anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botctl.source.span import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSpec:
    """One entry of `nodes`. path is where it stands in the document, for pointing at it."""

    id: str
    type: str
    data: Mapping[str, Any]
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeSpec:
    """One entry of `edges`; handle is its `sourceHandle`, `next` where none is written."""

    source: str
    target: str
    handle: str
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowSpec:
    """A whole workflow; text is the file as written, which runs are pinned to."""

    nodes: tuple[NodeSpec, ...]
    edges: tuple[EdgeSpec, ...]
    file: str
    text: str
