"""The outline: a workflow as lines of text, branches indented below the node that they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from botctl.drawing.marked import NO_RUN, Taken
from botctl.drawing.words import cut, kind_of
from botctl.project.graph import Graph, Node
from botctl.source.diagnostic import Severity

Paint = Callable[[str, str], str]
"""(text, style) -> text. Styles: error, warning, good, bold, dim."""

_SIGNS = {"error": "✕", "warning": "!"}


def _plain(text: str, style: str) -> str:
    return text


def outline(
    graph: Graph,
    *,
    run: Taken = NO_RUN,
    marks: Mapping[str, Severity] | None = None,
    paint: Paint = _plain,
) -> str:
    """A line a node, in the order in which they are reached; what follows one by one stands one below the
    other, what branches is indented and named by its handle. A node is told once, and referred to after that.
    """
    return "\n".join(_Outline(graph, run, marks or {}, paint).lines())


class _Outline:
    """Goes through one graph, without recursion: a workflow may be longer than Python's stack."""

    def __init__(self, graph: Graph, run: Taken, marks: Mapping[str, Severity], paint: Paint) -> None:
        self.graph = graph
        self.run = run
        self.marks = marks
        self.paint = paint
        self.told: set[str] = set()
        self.entering = dict.fromkeys(graph.nodes, 0)
        self.ways: dict[str, list[tuple[str, str]]] = {id: [] for id in graph.nodes}
        for edge in graph.edges:
            self.entering[edge.target] += 1
            self.ways[edge.source].append((edge.handle, edge.target))

    def lines(self) -> Iterator[str]:
        starts = [*self.graph.triggers, *(id for id in self.graph.nodes if not self.entering[id])]
        for start in (*starts, *self.graph.nodes):
            if start not in self.told:
                if self.told:
                    yield ""
                yield from self._from(start)

    def _from(self, start: str) -> Iterator[str]:
        waiting: list[tuple[str, str, str, str]] = [(start, "", "", "")]  # node, handle, line's head, below
        while waiting:
            id, handle, head, below = waiting.pop()
            way = self.paint(f"{cut(handle, 30)}: ", "dim") if handle else ""
            if id in self.told:
                yield f"{head}{way}{self.paint('→ ' + cut(id, 60), 'dim')}"
                continue
            self.told.add(id)
            yield f"{head}{way}{self._node(self.graph.nodes[id])}"
            ways = self.ways[id]
            if len(ways) == 1 and ways[0][0] == "next":
                waiting.append((ways[0][1], "", below, below))
                continue
            for number, (name, target) in reversed(list(enumerate(ways))):
                is_last = number == len(ways) - 1
                waiting.append(
                    (
                        target,
                        name,
                        below + ("└─ " if is_last else "├─ "),
                        below + ("   " if is_last else "│  "),
                    )
                )

    def _node(self, node: Node) -> str:
        id = cut(node.id, 60)
        name = self.paint(id, "bold")
        if self.run != NO_RUN:
            sign = "◉" if node.id in self.run.at else "●" if node.id in self.run.visited else "○"
            name = self.paint(f"{sign} {id}", "bold" if node.id in self.run.visited else "dim")
        mark = self.marks.get(node.id)
        label = f"  {cut(node.data.label, 60)}" if node.data.label else ""
        found = self.paint(f"  {_SIGNS[mark]} {mark}", mark) if mark else ""
        return f"{name} {self.paint(f'({cut(kind_of(node), 60)})', 'dim')}{label}{found}"
