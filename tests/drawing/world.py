"""Workflows to draw: the samples, the platform's examples, and some that no person would write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random

from botctl.project.graph import Graph
from botctl.project.workflow_file import load_workflow, pinned_graph

ROOT = Path(__file__).resolve().parents[2]


def sample(bot: str) -> Graph:
    """The graph of a sample bot."""
    graph = load_workflow(ROOT / "bots" / bot / "workflow.yaml").graph
    assert graph is not None
    return graph


def drawn_from(*edges: str, **nodes: Mapping[str, object]) -> Graph:
    """A graph of the nodes that the edges name; messages, but for those described in `nodes`."""
    ids = dict.fromkeys(part.strip().split(".")[0] for edge in edges for part in edge.split("->"))
    ids |= dict.fromkeys(nodes)
    plain = {"type": "send_message", "data": {"message": "Hello"}}
    listed = [{"id": id, **nodes.get(id, plain)} for id in ids]
    return pinned_graph(json.dumps({"nodes": listed, "edges": list(edges)}), "drawn.json")


def tangled(size: int, seed: int) -> Graph:
    """A graph of any shape: edges anywhere, also back, to where they come from, or nowhere."""
    random = Random(seed)
    ids = [f"n{number}" for number in range(size)]
    edges = {(random.choice(ids), random.choice(ids)) for _ in range(random.randrange(2 * size))}
    written = [f"{source} -> {target}" for source, target in sorted(edges)]
    return drawn_from(*written, **{id: {"type": "send_message", "data": {"message": id}} for id in ids})
