"""The diagram: a workflow in Mermaid's language, as many sites and editors draw it."""

from __future__ import annotations

from collections.abc import Mapping

from botctl.drawing.marked import NO_RUN, Taken
from botctl.drawing.words import cut, kind_of, name_of
from botctl.project.graph import ERROR, Edge, Graph, Node
from botctl.source.diagnostic import Severity

_SHAPES = {"trigger": ("([", "])"), "logic": ("{{", "}}"), "loop": ("{{", "}}")}
_CLASSES = {
    "error": "stroke:#d1242f,stroke-width:2px",
    "warning": "stroke:#b58105,stroke-width:2px",
    "visited": "stroke:#1f6feb,stroke-width:2px",
    "at": "stroke:#1f6feb,stroke-width:3px,stroke-dasharray:2 4",
}


def mermaid(graph: Graph, *, run: Taken = NO_RUN, marks: Mapping[str, Severity] | None = None) -> str:
    """A flowchart. Nodes are numbered as they stand in the file: ids may hold what Mermaid has a use for."""
    numbers = {id: f"n{number}" for number, id in enumerate(graph.nodes)}
    lines = ["flowchart TD"]
    lines += [f"    {numbers[node.id]}{_box(node)}" for node in graph.nodes.values()]
    lines += [f"    {numbers[edge.source]} {_arrow(edge)} {numbers[edge.target]}" for edge in graph.edges]
    followed = [
        str(number)
        for number, edge in enumerate(graph.edges)
        if (edge.source, edge.handle, edge.target) in run.taken
    ]
    if followed:
        lines.append(f"    linkStyle {','.join(followed)} stroke:#1f6feb,stroke-width:3px")
    groups: dict[str, list[str]] = {}
    for id, number in numbers.items():
        states = [
            (marks or {}).get(id),
            "at" if id in run.at else None,
            "visited" if id in run.visited else None,
        ]
        state = next((one for one in states if one is not None), None)
        if state is not None:
            groups.setdefault(state, []).append(number)
    for state, members in groups.items():
        lines += [f"    classDef {state} {_CLASSES[state]}", f"    class {','.join(members)} {state}"]
    return "\n".join(lines)


def _box(node: Node) -> str:
    opening, closing = _SHAPES.get(node.type.name, ("[", "]"))
    return f'{opening}"{_quoted(name_of(node))}<br/><small>{_quoted(kind_of(node))}</small>"{closing}'


def _arrow(edge: Edge) -> str:
    line = "-.->" if edge.handle == ERROR else "-->"
    return line if edge.handle == "next" else f'{line}|"{_quoted(edge.handle)}"|'


def _quoted(text: str) -> str:
    """A text between double quotes: what has a meaning there is written as a character's number."""
    return "".join(f"#{ord(one)};" if one in '"&<>#;`\\|' else one for one in cut(text, 60))
