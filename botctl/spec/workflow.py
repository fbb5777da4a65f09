"""The workflow as written: nodes and edges, before any node type means anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from botctl.source.span import Path


class NodeSpec(Struct, frozen=True, kw_only=True):
    """One entry of `nodes`. path is where it stands in the document, for pointing at it."""

    id: str
    type: str
    data: Mapping[str, Any]
    path: Path


class EdgeSpec(Struct, frozen=True, kw_only=True):
    """One entry of `edges`; handle is its `sourceHandle`, `next` where none is written."""

    source: str
    target: str
    handle: str
    path: Path


class WorkflowSpec(Struct, frozen=True, kw_only=True):
    """A whole workflow; text is the file as written, which runs are pinned to."""

    nodes: tuple[NodeSpec, ...]
    edges: tuple[EdgeSpec, ...]
    file: str
    text: str
