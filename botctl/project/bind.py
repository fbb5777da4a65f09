"""Binding: names in a workflow get their meaning. Node types, their data, where edges lead, which handles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError

from botctl.nodes import NODE_TYPES
from botctl.nodes.node_type import NodeType
from botctl.project.graph import ERROR, Edge, Graph, Node
from botctl.source.diagnostic import Diagnostic, Severity
from botctl.source.document import Document
from botctl.source.rule import Finding
from botctl.spec.fields import close_word, field_names, one_of, with_article
from botctl.spec.parse import Subject, parse
from botctl.spec.workflow import EdgeSpec, NodeSpec, WorkflowSpec

TYPES_BY_NAME: Mapping[str, NodeType[Any]] = {node_type.name: node_type for node_type in NODE_TYPES}


RUNNABLE = frozenset({"WF206"})
"""Errors in spite of which there is a graph: an edge by a way out that its node never takes is just not
followed, so `--skip-lint` may run it."""


def bind_workflow(workflow: WorkflowSpec, document: Document) -> tuple[Graph | None, list[Diagnostic]]:
    """The graph of a workflow, or the errors that keep it from having one. Others may come with a graph."""
    binder = _Binder(document)
    nodes = [binder.node(spec) for spec in workflow.nodes]
    lost = _lost_ends(workflow)
    doubled = binder.check_ids(workflow.nodes, lost)
    bound = {node.id: node for node in nodes if node is not None}
    edges = list(binder.edges(workflow, bound))
    for name, ends in lost.items() if len(lost) > doubled else ():  # or it is what a doubled id should be
        binder.edges_to_nowhere(name, ends, workflow)
    if any(one.severity == "error" and one.code not in RUNNABLE for one in binder.diagnostics):
        return None, binder.diagnostics
    return Graph(bound.values(), edges), binder.diagnostics


def _foreign(spec: NodeSpec, node_type: NodeType[Any]) -> list[str]:
    """What stands in a node's data that its type does not know, nor anything that is called much like it."""
    known = field_names(node_type.data, ())
    return [key for key in spec.data if key not in known and not close_word(key, known)]


def _fitting_types(spec: NodeSpec, node_type: NodeType[Any]) -> list[str]:
    """The types that a node's data is right for, where it is not for its own."""
    if not _foreign(spec, node_type):
        return []
    found = []
    for other in NODE_TYPES:
        try:
            other.data.model_validate(dict(spec.data))
        except ValidationError:
            continue
        found.append(other.name)
    return found


def _lost_ends(workflow: WorkflowSpec) -> dict[str, list[tuple[EdgeSpec, str]]]:
    """The ids that edges name and no node has, each with the edges and their ends that name it."""
    ids = {spec.id for spec in workflow.nodes}
    found: dict[str, list[tuple[EdgeSpec, str]]] = {}
    for spec in workflow.edges:
        for end in ("source", "target"):
            name: str = getattr(spec, end)
            if name not in ids:
                found.setdefault(name, []).append((spec, end))
    return found


class _Binder:
    """Goes through one workflow and keeps what it finds wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.diagnostics: list[Diagnostic] = []

    def say(self, code: str, finding: Finding, severity: Severity = "error") -> None:
        """Keep a finding."""
        self.diagnostics.append(self.document.diagnose(code, severity, finding))

    def node(self, spec: NodeSpec) -> Node | None:
        """The node with its type and its data; None if either is wrong."""
        node_type = TYPES_BY_NAME.get(spec.type)
        if node_type is None:
            self._unknown_type(spec)
            return None
        others = _fitting_types(spec, node_type)
        if others:
            self._other_type(spec, others)
            return None
        subject = Subject(family="WF", noun=f"{with_article(spec.type)} node")
        data, diagnostics = parse(
            self.document, node_type.data, (*spec.path, "data"), subject=subject, value=dict(spec.data)
        )
        if not spec.data and len(diagnostics) > 1:
            self._without_data(spec, node_type)
            return None
        self.diagnostics += diagnostics
        if data is None:
            return None
        return Node(id=spec.id, type=node_type, data=data, raw=spec.data, path=spec.path)

    def _unknown_type(self, spec: NodeSpec) -> None:
        close = close_word(spec.type, TYPES_BY_NAME)
        help = f"did you mean `{close}`?" if close else f"the types are {one_of(list(TYPES_BY_NAME), 'and')}"
        message = f"there is no node type `{spec.type[:60]}`"
        self.say("WF211", Finding(message, at=(*spec.path, "type"), label="no such type", help=help))

    def _without_data(self, spec: NodeSpec, node_type: NodeType[Any]) -> None:
        needed = [name for name, field in node_type.data.model_fields.items() if field.is_required()]
        finding = Finding(
            f"node `{spec.id}` has no `data`",
            at=(*spec.path, "id"),
            label="`data` is missing here",
            help=f"add `data`, with {one_of(needed, 'and')}",
        )
        self.say("WF102", finding)

    def _other_type(self, spec: NodeSpec, others: Sequence[str]) -> None:
        own = with_article(spec.type)
        finding = Finding(
            f"the `data` of `{spec.id}` belongs to {with_article(others[0])}, not to {own}",
            at=(*spec.path, "type"),
            label=f"has no {one_of(_foreign(spec, TYPES_BY_NAME[spec.type]), 'and')}",
            help=f"did you mean {one_of(others)}?",
            others=(((*spec.path, "data"), "does not fit"),),
        )
        self.say("WF112", finding)

    def check_ids(self, nodes: tuple[NodeSpec, ...], lost: Mapping[str, Any]) -> int:
        """Every id once; how many are not. lost: the ids that edges name and no node has."""
        first: dict[str, NodeSpec] = {}
        again = [spec for spec in nodes if first.setdefault(spec.id, spec) is not spec]
        for spec in again:
            name = next(iter(lost)) if len(lost) == len(again) == 1 else ""
            finding = Finding(
                f"two nodes have the id `{spec.id}`",
                at=(*spec.path, "id"),
                label="here again",
                help=f"give one of them the id `{name}`, which edges name and no node has"
                if name
                else "give one of them another id, and lead its edges there",
                others=(((*first[spec.id].path, "id"), "first here"),),
            )
            self.say("WF204", finding)
        return len(again)

    def edges(self, workflow: WorkflowSpec, bound: Mapping[str, Node]) -> Iterator[Edge]:
        """The edges, as far as they lead somewhere."""
        ids = {spec.id for spec in workflow.nodes}
        first: dict[tuple[str, str, str], EdgeSpec] = {}
        for spec in workflow.edges:
            if spec.source not in ids or spec.target not in ids:
                continue
            before = first.setdefault((spec.source, spec.target, spec.handle), spec)
            if before is not spec:
                self._edge_again(spec, before)
            elif spec.source in bound:
                self._check_handle(spec, bound[spec.source])
            yield Edge(source=spec.source, target=spec.target, handle=spec.handle, path=spec.path)

    def edges_to_nowhere(
        self, name: str, ends: Sequence[tuple[EdgeSpec, str]], workflow: WorkflowSpec
    ) -> None:
        """Tell of a name that no node has, once for all edges that have it. If they name no node instead that
        is called much like it, its id is what is misspelt."""
        spec, end = ends[0]
        close = close_word(name, dict.fromkeys(node.id for node in workflow.nodes))
        also = tuple((other.path, "also named here") for other, _ in ends[1:4])
        help = (
            f"did you mean `{close}`?" if close else f"add a node with the id `{name}`, or take the edge out"
        )
        named = {getattr(edge, one) for edge in workflow.edges for one in ("source", "target")}
        if len(ends) == 1:
            words = "leads to" if end == "target" else "comes from"
            message = f"an edge {words} `{name}`, which is not a node"
            self.say("WF205", self._at_end(spec, end, message, "no node has this id", help))
            return
        message = f"{len(ends)} edges name `{name}`, which is not a node"
        if close is None or close in named:
            finding = self._at_end(spec, end, message, "no node has this id", help)
            self.say("WF205", replace(finding, others=also))
            return
        at = next((*node.path, "id") for node in workflow.nodes if node.id == close)
        others = ((spec.path, "named here"), *also)
        help = f"did you mean `{name}`?"
        self.say("WF205", Finding(message, at=at, label="no edge names this one", help=help, others=others))

    def _at_end(self, spec: EdgeSpec, end: str, message: str, label: str, help: str) -> Finding:
        """A finding about one end of an edge, in either way of writing it."""
        written = self.document.get(spec.path)
        if not isinstance(written, str):
            at = (*spec.path, end) if end in written else spec.path
            return Finding(message, at=at, label=label, help=help)
        arrow = written.index("->")
        if end == "target":
            name, offset = spec.target, written.index(spec.target, arrow + 2)
        elif end == "source":
            name, offset = spec.source, written.index(spec.source)
        else:
            offset = written.index(spec.source) + len(spec.source)
            name = written[offset:arrow].strip() or spec.source
            offset = written.index(name, offset) if name != spec.source else written.index(name)
            offset, name = (offset + 1, name[1:].strip()) if name.startswith(".") else (offset, name)
        return Finding(message, at=spec.path, within=(offset, len(name)), label=label, help=help)

    def _check_handle(self, spec: EdgeSpec, node: Node) -> None:
        handles = node.type.handles(node.data)
        if spec.handle in handles or spec.handle == ERROR:
            return
        close = close_word(spec.handle, [*handles, ERROR])
        if close:
            help = f"did you mean `{close}`?"
        elif handles:
            help = f"its ways out are {one_of(handles, 'and')}, and `{ERROR}`"
        else:
            help = f"nothing follows this node; only `{ERROR}` may lead on"
        unnamed = spec.handle == "next" and not self._is_handle_written(spec)
        message = (
            f"an edge of `{node.id}` does not say which way out it takes"
            if unnamed and handles
            else f"node `{node.id}` has no way out `{spec.handle}`"
        )
        label = "this edge needs a `sourceHandle`" if unnamed and handles else "no such handle"
        self.say("WF206", self._at_end(spec, "sourceHandle", message, label, help))

    def _is_handle_written(self, spec: EdgeSpec) -> bool:
        written = self.document.get(spec.path)
        if isinstance(written, str):
            return ".next" in written.partition("->")[0]
        return bool(written.get("sourceHandle"))

    def _edge_again(self, spec: EdgeSpec, before: EdgeSpec) -> None:
        finding = Finding(
            f"the edge from `{spec.source}` to `{spec.target}` stands here twice",
            at=spec.path,
            label="here again",
            help="take one of them out",
            others=((before.path, "first here"),),
        )
        self.say("WF207", finding, "warning")
