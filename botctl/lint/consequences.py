"""Consequences: variables that are missing only because an edge leads astray.

An edge is to blame for a doubt if the doubt is gone in the same graph with that edge mended, while all nodes
can still be reached.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from msgspec.structs import replace

from botctl.lint.flow.flow import Doubt, Flow, Lack
from botctl.lint.flow.variables import Use
from botctl.lint.guards import guarding_handle, unguarded
from botctl.lint.open_calls import open_calls
from botctl.lint.workflow_site import WorkflowSite
from botctl.project.analysis import unreachable
from botctl.project.graph import Edge, Graph, Node

_MOST_NODES = 2000
"""Nodes of all graphs together that are looked at for one question: each costs as much as in a check."""


def without_consequences(site: WorkflowSite, doubts: Sequence[Doubt]) -> list[Doubt]:
    """The doubts for which no edge is to blame that is told already: one by which a destructive tool can be
    reached past its guard, or one that should lead to the only node that can never be reached."""
    instead = misled(site) if doubts else None
    if instead is not None:
        mended = _flow(site, instead[1])
        return [doubt for doubt in doubts if not _is_settled(mended, doubt)]
    past = _past_guards(site) if doubts else set()
    left = list(doubts)
    for edge in [one for one in site.graph.edges if (one.source, one.target) in past]:
        if edge.handle != guarding_handle(site.graph.nodes[edge.source]):
            mended = _flow(site, _without(site.graph, edge))
            left = [
                one for one in left if edge not in _edges_of(site.graph, one) or not _is_settled(mended, one)
            ]
    return left


def is_open_by_mistake(site: WorkflowSite, node: Node) -> bool:
    """Whether a call is only reached past its guard by an edge that is told of already."""
    instead = misled(site)
    return instead is not None and node.id not in unguarded(instead[1])


def misled(site: WorkflowSite) -> tuple[Edge, Graph] | None:
    """The edge that surely should lead to the only node that can never be reached, and the graph in which it
    does; None if there is none: that one edge brings a variable that is not set, or a tool without its guard,
    and all of them are gone where it leads there."""
    graph = site.graph
    lost = unreachable(graph) if graph.triggers else []
    if len(lost) != 1 or not site.flow.ways.is_regular:
        return None
    calls = [node.id for node, _, _ in open_calls(site)]
    doubts = [doubt for doubt in site.flow.doubts if doubt.lack is not Lack.NEVER]
    if not calls and not doubts:
        return None
    into = Counter(edge.target for edge in graph.edges)
    for edge in _some(site, [one for one in graph.edges if into[one.target] > 1]):
        edges = (replace(one, target=lost[0]) if one is edge else one for one in graph.edges)
        mended = Graph(graph.nodes.values(), edges)
        if unreachable(mended) or any(call in unguarded(mended) for call in calls):
            continue
        flow = _flow(site, mended) if doubts else None
        if flow is None or all(_is_settled(flow, doubt) for doubt in doubts):
            return edge, mended
    return None


def by_edge(site: WorkflowSite, doubts: Sequence[Doubt]) -> list[list[Doubt]]:
    """The doubts in their order, those together for which one and the same edge is to blame, or one and the
    same node that could set them all."""
    if len(doubts) < 2 or any(doubt.read.use is Use.LAST_ANSWER for doubt in doubts):
        return [[doubt] for doubt in doubts]
    into = Counter(edge.target for edge in site.graph.edges)
    edges = dict.fromkeys(edge for doubt in doubts for edge in _edges_of(site.graph, doubt))
    found: list[list[Doubt]] = []
    left = list(doubts)
    for edge in _some(site, [one for one in edges if into[one.target] > 1]):
        mended = _flow(site, _without(site.graph, edge))
        brought = [one for one in left if _is_settled(mended, one)]
        if len(brought) > 1:
            found.append(brought)
            left = [one for one in left if one not in brought]
    together: dict[object, list[Doubt]] = {}
    for one in left:
        setters = frozenset(write.node for write in site.flow.writes[one.read.name])
        together.setdefault((one.way, setters), []).append(one)
    found += together.values()
    return sorted(found, key=lambda brought: doubts.index(brought[0]))


def _edges_of(graph: Graph, doubt: Doubt) -> list[Edge]:
    """The edges of the way on which the variable is not set."""
    steps = set()
    for step, onward in pairwise(doubt.way):
        source, _, handle = step.rpartition(".") if step not in graph.nodes else (step, "", "next")
        target = onward if onward in graph.nodes else onward.rpartition(".")[0]
        steps.add((source, handle, target))
    return [edge for edge in graph.edges if (edge.source, edge.handle, edge.target) in steps]


def _past_guards(site: WorkflowSite) -> set[tuple[str, str]]:
    """The steps by which ways to tools that want a guard come in behind one."""
    graph = site.graph
    behind = graph.reachable(
        target
        for node in graph.nodes.values()
        if (handle := guarding_handle(node))
        for target in graph.targets(node.id, handle)
    )
    ways = [way for _, _, way in open_calls(site)] if behind else []
    return {step for way in ways for step in pairwise(way) if step[1] in behind and step[0] not in behind}


def _without(graph: Graph, edge: Edge) -> Graph:
    return Graph(graph.nodes.values(), (one for one in graph.edges if one is not edge))


def _some(site: WorkflowSite, edges: list[Edge]) -> list[Edge]:
    return edges[: max(1, _MOST_NODES // len(site.graph.nodes))]


def _flow(site: WorkflowSite, graph: Graph) -> Flow:
    return Flow(graph, site.around.tools, site.around.given)


def _is_settled(flow: Flow, doubt: Doubt) -> bool:
    """Whether the variable is surely set in a graph of which every node can be reached."""
    return not unreachable(flow.graph) and flow.ways.is_regular and flow.doubt(doubt.read) is None
