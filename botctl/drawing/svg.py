"""The picture: a workflow as SVG, with the path that a run took and what was found wrong.

It has classes and no styles of its own, so that it may stand in a page whose policy forbids them; STYLE is
the style sheet that it wants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from botctl.drawing.layout import BOX_HEIGHT, BOX_WIDTH, Box, Layout, Point, Way, layout_of
from botctl.drawing.words import columns, cut, kind_of, name_of
from botctl.project.graph import ERROR, Edge, Graph, Node
from botctl.source.diagnostic import Severity

_LONGEST_LABEL = 22
_LONGEST_HANDLE = 18
_CORNER = 8.0
_ALONG = (0.5, 0.38, 0.62, 0.26, 0.74, 0.15, 0.85)
"""Where on the first stretch of its edge a handle may stand, best first."""

FAMILIES: Mapping[str, str] = {
    "trigger": "start",
    "llm_call": "model",
    "agent": "model",
    "logic": "choice",
    "loop": "choice",
    "parallel": "choice",
    "mcp_tool": "work",
    "code_block": "work",
    "delegate_to_bot": "work",
    "send_message": "message",
    "send_proactive": "message",
    "schedule_message": "message",
    "auth_gate": "person",
    "action": "work",
    "error_handler": "trouble",
}
"""Which colour a type has."""

STYLE = """\
.workflow { --paper: #ffffff; --ink: #1d2733; --soft: #66727f; --line: #8a96a3; --box: #f7f8fa;
  --rim: #c3cbd4; --start: #2f7d4f; --model: #7a4fc0; --choice: #b7791f; --work: #2b6cb0; --message: #0f8a8a;
  --person: #c2417c; --trouble: #c53030; --path: #1f6feb; --error: #d1242f; --warning: #b58105;
  font-family: system-ui, sans-serif; max-width: 100%; height: auto; }
@media (prefers-color-scheme: dark) {
  .workflow { --paper: #14181d; --ink: #e6eaee; --soft: #9aa6b2; --line: #76828f; --box: #1f252c;
    --rim: #414b56; --start: #56b381; --model: #a98be0; --choice: #d9a441; --work: #63a4e6;
    --message: #45b8b8; --person: #e07aa8; --trouble: #f07575; --path: #58a6ff;
    --error: #ff6b6b; --warning: #e3b341; }
}
.workflow .paper { fill: var(--paper); }
.workflow .edge .line { fill: none; stroke: var(--line); stroke-width: 1.4; }
.workflow .edge .tip { fill: var(--line); }
.workflow .edge.error .line { stroke: var(--trouble); stroke-dasharray: 5 4; }
.workflow .edge.error .tip { fill: var(--trouble); }
.workflow .edge.taken .line { stroke: var(--path); stroke-width: 2.6; stroke-dasharray: none; }
.workflow .edge.taken .tip { fill: var(--path); }
.workflow .handle { font-size: 11px; fill: var(--soft); text-anchor: middle; stroke: var(--paper);
  stroke-width: 5px; stroke-linejoin: round; paint-order: stroke; }
.workflow .handle.error { fill: var(--trouble); }
.workflow .handle.taken { fill: var(--path); }
.workflow .node .box { fill: var(--box); stroke: var(--rim); stroke-width: 1; }
.workflow .node .bar { fill: var(--work); }
.workflow .node.start .bar { fill: var(--start); }
.workflow .node.model .bar { fill: var(--model); }
.workflow .node.choice .bar { fill: var(--choice); }
.workflow .node.message .bar { fill: var(--message); }
.workflow .node.person .bar { fill: var(--person); }
.workflow .node.trouble .bar { fill: var(--trouble); }
.workflow .node.trouble .box { stroke-dasharray: 5 4; }
.workflow .node .label { font-size: 12.5px; font-weight: 600; fill: var(--ink); }
.workflow .node .type { font-size: 11px; fill: var(--soft); }
.workflow.run .node:not(.visited), .workflow.run .edge:not(.taken), .workflow.run .handle:not(.taken) {
  opacity: 0.45; }
.workflow .node.visited .box { stroke: var(--path); stroke-width: 2; }
.workflow .node.at .box { stroke: var(--path); stroke-width: 3; stroke-dasharray: 2 5;
  stroke-linecap: round; }
.workflow .node.at .here { fill: var(--path); }
.workflow .node.with-error .box { stroke: var(--error); stroke-width: 2; }
.workflow .node.with-warning .box { stroke: var(--warning); stroke-width: 2; }
.workflow .mark { fill: var(--warning); }
.workflow .with-error .mark { fill: var(--error); }
.workflow .mark-text { font-size: 12px; font-weight: 700; text-anchor: middle; fill: var(--paper); }
"""
"""The style sheet of pictures, light and dark."""


def svg(
    graph: Graph,
    *,
    taken: frozenset[tuple[str, str, str]] = frozenset(),
    visited: frozenset[str] = frozenset(),
    at: frozenset[str] = frozenset(),
    marks: Mapping[str, Severity] | None = None,
    title: str = "Workflow",
) -> str:
    """One whole `<svg>`.

    taken: the edges that a run followed, as (source, handle, target); visited: the nodes it executed; at:
    where it stands and waits; marks: the worst that was found in each node.
    """
    layout = layout_of(graph)
    is_run = " run" if taken or visited or at else ""
    width, height = round(layout.width), round(layout.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="workflow{is_run}" role="img"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>{_text(title, 200)}</title>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    ways = sorted(
        zip(graph.edges, layout.ways, strict=True), key=lambda one: _is_taken(one[0], taken)
    )  # what was taken is drawn over what was not
    lines += [_edge(edge, way, _is_taken(edge, taken)) for edge, way in ways]
    lines += _handles(ways, taken, layout)
    for node in graph.nodes.values():
        state = (" visited" if node.id in visited else "") + (" at" if node.id in at else "")
        lines.append(_node(node, layout.boxes[node.id], state, (marks or {}).get(node.id)))
    lines.append("</svg>")
    return "\n".join(lines)


def standalone(picture: str) -> str:
    """A picture of `svg` with its style sheet in it, for a file of its own."""
    head, separator, rest = picture.partition("</title>")
    return f"{head}{separator}\n<style>\n{STYLE}</style>{rest}\n"


def _is_taken(edge: Edge, taken: frozenset[tuple[str, str, str]]) -> bool:
    return (edge.source, edge.handle, edge.target) in taken


def _node(node: Node, box: Box, state: str, mark: Severity | None) -> str:
    family = FAMILIES.get(node.type.name, "work")
    if node.type.name == "action" and node.data.actionType == "human_handoff":
        family = "person"
    classes = f"node {family}{state}" + (f" with-{mark}" if mark else "")
    x, y = _number(box.left), _number(box.y)
    parts = [
        f'<g class="{classes}" data-node={_attribute(node.id)} transform="translate({x} {y})">',
        f"<title>{_text(_told(node), 300)}</title>",
        _shape(node, family),
        f'<text class="label" x="16" y="20">{_text(name_of(node), _LONGEST_LABEL)}</text>',
        f'<text class="type" x="16" y="36">{_text(kind_of(node), 30)}</text>',
    ]
    if " at" in state:
        parts.append(f'<circle class="here" cx="{_number(BOX_WIDTH - 14)}" cy="32" r="4.5"/>')
    if mark:
        right = _number(BOX_WIDTH - 4)
        parts.append(f'<circle class="mark" cx="{right}" cy="3" r="9"><title>{mark}</title></circle>')
        parts.append(f'<text class="mark-text" x="{right}" y="7">{"✕" if mark == "error" else "!"}</text>')
    return "".join((*parts, "</g>"))


def _shape(node: Node, family: str) -> str:
    width, height = _number(BOX_WIDTH), _number(BOX_HEIGHT)
    radius = 22 if family == "start" else 7
    inset = 7 if family == "start" else 5
    bar = f'<rect class="bar" x="{inset}" y="9" width="4" height="{_number(BOX_HEIGHT - 18)}" rx="2"/>'
    return f'<rect class="box" width="{width}" height="{height}" rx="{radius}"/>{bar}'


def _told(node: Node) -> str:
    return f"{node.id} ({kind_of(node)})" + (f": {node.data.label}" if node.data.label else "")


def _edge(edge: Edge, way: Way, is_taken: bool) -> str:
    classes = "edge" + (" error" if edge.handle == ERROR else "") + (" taken" if is_taken else "")
    line = _cornered(way.points) if way.is_back else _curved(way.points)
    about = f"{edge.source}.{edge.handle} -> {edge.target}"
    return (
        f'<g class="{classes}" data-edge={_attribute(about)}><title>{_text(about, 200)}</title>'
        f'<path class="line" d="{line}"/>{_tip(way)}</g>'
    )


def _curved(points: tuple[Point, ...]) -> str:
    """Down from row to row in curves, straight past a row."""
    line = [f"M{_at(points[0])}"]
    for number, (start, end) in enumerate(pairwise(points)):
        if number == len(points) - 2:
            end = (end[0], end[1] - 6)
        if number % 2 or abs(start[0] - end[0]) < 0.5:
            line.append(f"L{_at(end)}")
        else:
            middle = (start[1] + end[1]) / 2
            line.append(f"C{_at((start[0], middle))} {_at((end[0], middle))} {_at(end)}")
    return "".join(line)


def _cornered(points: tuple[Point, ...]) -> str:
    """From point to point with round corners."""
    line = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        line.append(f"L{_at(_toward(corner, before))}Q{_at(corner)} {_at(_toward(corner, after))}")
    line.append(f"L{_at(_toward(points[-1], points[-2], 6))}")
    return "".join(line)


def _toward(start: Point, end: Point, most: float = _CORNER) -> Point:
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])
    part = min(most, length / 2) / length if length else 0.0
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _tip(way: Way) -> str:
    """The arrow's head. Not a marker: those are found by an id, which two pictures in a page would share."""
    x, y = way.points[-1]
    if way.is_back and way.points[-2][1] == y:
        side = 1 if way.points[-2][0] > x else -1
        corners = ((x, y), (x + side * 8, y - 4), (x + side * 8, y + 4))
    else:
        corners = ((x, y), (x - 4, y - 8), (x + 4, y - 8))
    return f'<path class="tip" d="M{" ".join(_at(corner) for corner in corners)}z"/>'


def _handles(
    ways: list[tuple[Edge, Way]], taken: frozenset[tuple[str, str, str]], layout: Layout
) -> Iterator[str]:
    """The names of the ways out, each on the first stretch of its edge where no other stands; once for all
    the edges of a way out that begin together."""
    placed: dict[int, list[tuple[float, float, float]]] = {}
    told: set[tuple[str, str]] = set()
    by_source = sorted(ways, key=lambda one: not _is_taken(one[0], taken))
    for edge, way in by_source:
        if edge.handle == "next":
            continue
        name = cut(edge.handle, _LONGEST_HANDLE)
        half = columns(name) * 3.1 + 3
        x, y = _place(way, half, placed)
        key = (edge.source, edge.handle)
        if key in told and not way.is_back and _first_turn(way) < 1:
            continue
        told.add(key)
        placed.setdefault(int(y // 20), []).append((x, y, half))
        classes = "handle" + (" error" if edge.handle == ERROR else "")
        classes += " taken" if _is_taken(edge, taken) else ""
        yield f'<text class="{classes}" x="{_number(x)}" y="{_number(y + 4)}">{escape(name)}</text>'


def _first_turn(way: Way) -> float:
    return abs(way.points[0][0] - way.points[1][0])


def _place(way: Way, half: float, placed: Mapping[int, list[tuple[float, float, float]]]) -> Point:
    choices = [_along(way, part) for part in _ALONG]
    for x, y in choices:
        near = [one for row in (-1, 0, 1) for one in placed.get(int(y // 20) + row, ())]
        if all(abs(x - other) >= half + width or abs(y - height) >= 13 for other, height, width in near):
            return x, y
    return choices[0]


def _along(way: Way, part: float) -> Point:
    """A point of the first stretch of an edge: of its curve, or of the lane of one that leads back."""
    if way.is_back:
        lane = max(pairwise(way.points), key=lambda one: abs(one[0][1] - one[1][1]))
        return lane[0][0], lane[0][1] + (lane[1][1] - lane[0][1]) * (1 - part)
    (x, top), (end, bottom) = way.points[0], way.points[1]
    bend = part * part * (3 - 2 * part)
    middle = 1.5 * part * (1 - part) + part**3
    return x + (end - x) * bend, top + (bottom - top) * middle


def _text(text: str, longest: int) -> str:
    return escape(cut(text, longest))


def _attribute(text: str) -> str:
    return quoteattr(cut(text, 400))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _at(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"
