"""The flow of a workflow's variables: for every place that reads one, whether it is set by then.

A variable that no node sets at all is told apart from one that is set elsewhere. Where nothing certain can be
said (a circle, code that may set anything, branches that run beside each other) there is no doubt either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cached_property
from typing import Any

from msgspec import Struct

from botctl.lint.flow.decisions import dependent_decisions
from botctl.lint.flow.javascript_facts import CodeFacts, code_facts
from botctl.lint.flow.narrowing import set_where
from botctl.lint.flow.search import Search
from botctl.lint.flow.shapes import Shapes
from botctl.lint.flow.turns import Turns
from botctl.lint.flow.variables import Read, Use, Write, reads_of, writes_of
from botctl.lint.flow.ways import Ways
from botctl.lint.javascript_names import names_that_fail
from botctl.nodes.code_block import CodeBlockData
from botctl.nodes.shape import Shape, record
from botctl.project.graph import ERROR, LOOP_DONE, Graph, Node
from botctl.spec.fields import close_word
from botctl.tools.tool import Tool

ERROR_VARIABLE = "error"
_ERROR = record(node=Shape.TEXT, type=Shape.TEXT, message=Shape.TEXT)
_LOOKING = {Use.CONDITION, Use.SWITCH, Use.GUARDED_CODE, Use.CODE}


class Lack(Enum):
    """How a variable is not set where it is read."""

    NEVER = "no node sets it"
    SOMETIMES = "some way leads here on which it is not set"
    LATER = "only nodes that run later set it"
    ELSEWHERE = "only nodes on other branches set it"
    BESIDE = "only nodes that run at the same time set it"


class Doubt(Struct, frozen=True):
    """A read of a variable that is not surely set. way: one way to it that does not set it, as
    `Search.way_without` tells it."""

    read: Read
    lack: Lack
    way: tuple[str, ...] = ()


class Flow:
    """The variables of one workflow. tools: as far as they are known. given: tells the variables that other
    bots hand over, None if that may be any; asked only when something is amiss, because it costs reading."""

    def __init__(
        self,
        graph: Graph,
        tools: Mapping[str, Tool] | None = None,
        given: Callable[[], frozenset[str] | None] = frozenset,
    ) -> None:
        self.graph = graph
        self._ask_given = given
        self.ways = Ways(graph)
        self.codes: dict[str, CodeFacts] = {
            node.id: code_facts(node.data.code)
            for node in graph.nodes.values()
            if isinstance(node.data, CodeBlockData)
        }
        self._tools = tools or {}
        self.open = frozenset(id for id, node in graph.nodes.items() if self._sets_anything(node))
        self.writes = self._all_writes()
        self.reads = [
            read for node in graph.nodes.values() for read in reads_of(node, self.codes.get(node.id))
        ]

    def _sets_anything(self, node: Node) -> bool:
        """Whether nobody can tell which variables a node sets."""
        if node.id in self.codes:
            return self.codes[node.id].is_open or any(names_that_fail(node.data.code))
        is_setting = getattr(node.data, "actionType", "") == "set_variable"
        return is_setting and not node.type.writes(node.data)  # a name that cannot be read

    def _all_writes(self) -> Mapping[str, list[Write]]:
        found: dict[str, list[Write]] = {}
        for node in self.graph.nodes.values():
            for write in writes_of(node, self.codes.get(node.id)):
                found.setdefault(write.name, []).append(write)
        for id in self._sources_of_errors():
            at = (*self.graph.nodes[id].path, "id")
            write = Write(node=id, name=ERROR_VARIABLE, origin=_ERROR, at=at, by=(ERROR,))
            found.setdefault(ERROR_VARIABLE, []).append(write)
        return found

    def _sources_of_errors(self) -> list[str]:
        """The nodes that set `error` when they fail; all, where nobody can tell."""
        if not any(node.type.name == "error_handler" for node in self.graph.nodes.values()):
            return list(dict.fromkeys(edge.source for edge in self.graph.edges if edge.handle == ERROR))
        found = [id for id in self.graph.nodes if ERROR in self.ways.ahead[id]]
        return found or list(self.graph.nodes)[:1]

    def doubt(self, read: Read) -> Doubt | None:
        """What is doubtful about a variable being set where it is read; None if nothing is, or if that cannot
        be told."""
        if self.is_never_set(read):
            return Doubt(read, Lack.NEVER)
        name, ways = read.name, self.ways
        if not ways.is_regular or read.use is Use.GUARDED_CODE or name not in self.writes:
            return None
        setters = [write.node for write in self.writes[name]]
        if not ways.reached.issuperset(setters):
            return None  # a node that is never reached is told instead
        way = self._doubts.way_without(read.node, name)
        doubt = self._sorted_out(read, setters, way) if way else None
        return doubt if doubt is not None and not self.may_be_given(name) else None

    def is_surely_set(self, id: str, name: str) -> bool:
        """Whether the variable is set whenever this node runs, unless a node in a branch beside it fails."""
        return self.ways.is_regular and self._claims.is_sure(id, name)

    def is_never_set(self, read: Read) -> bool:
        """Whether no node and no other bot sets the variable, as far as that can be told."""
        if read.name in self.writes or self.may_be_given(read.name):
            return False
        if not self.open:
            return True
        return self.ways.is_regular and all(self.ways.runs_before(read.node, id) for id in self.open)

    def meant_by(self, name: str) -> str | None:
        """The variable that was surely meant by a name that no node sets; None if none is close."""
        return close_word(name, [known for known in self.writes if known != ERROR_VARIABLE])

    def follows_a_person(self, id: str) -> bool:
        """Whether somebody may have decided about a handoff by then, who may set any variable."""
        return any(
            getattr(node.data, "actionType", "") == "human_handoff" and id in self.graph.reachable([node.id])
            for node in self.graph.nodes.values()
        )

    def may_be_given(self, name: str) -> bool:
        """Whether another bot may hand this variable over."""
        return self._given is None or name in self._given

    @cached_property
    def _given(self) -> frozenset[str] | None:
        return self._ask_given()

    @cached_property
    def doubts(self) -> list[Doubt]:
        """What is doubtful in nodes that can be reached, in the order in which it is written."""
        if not self.graph.triggers:
            return []
        found = (self.doubt(read) for read in self.reads if read.node in self.ways.reached)
        return [doubt for doubt in found if doubt is not None]

    def _sorted_out(self, read: Read, setters: list[str], way: tuple[str, ...]) -> Doubt | None:
        """Why the variable is not set on this way."""
        ways, id = self.ways, read.node
        before = [setter for setter in setters if ways.runs_before(setter, id)]
        loops = set(ways.loops_around(id))
        rest = [setter for setter in setters if setter not in before and setter != id]
        later = [setter for setter in rest if ways.runs_before(id, setter)]
        beside = [
            setter for setter in rest if setter not in later and self._turns.may_run_together(setter, id)
        ]
        if any(not self._turns.is_no_earlier(setter, id) for setter in beside):
            return None
        again = [one for one in (*later, id) if one in setters and loops & set(ways.loops_around(one))]
        if before or again:
            is_open = bool(again) or any(self._may_have_set(setter, read.name, id) for setter in before)
            return None if read.use in _LOOKING and is_open else Doubt(read, Lack.SOMETIMES, way)
        if self.graph.nodes[id].is_loop and read.use is Use.CONDITION:
            return None
        if {*later, id} >= set(setters):
            return Doubt(read, Lack.LATER, way)
        return Doubt(read, Lack.BESIDE if beside else Lack.ELSEWHERE, way)

    def _may_have_set(self, setter: str, name: str, id: str) -> bool:
        """Whether a node that runs before another may have set the variable by then: not if the other is only
        come to by ways out of it, such as `failed`, by which it has not."""
        by = {
            handle
            for write in self.writes[name]
            if write.node == setter
            for handle in self._handles_of(write)
        }
        graph = self.graph
        if setter in graph.loops or self.ways.loops_around(setter) or graph.wired(setter) <= by:
            return True
        edges = (edge for edge in graph.edges if edge.source != setter or edge.handle in by)
        return id in Graph(graph.nodes.values(), edges).reachable([*graph.triggers, *graph.lone_handlers])

    @cached_property
    def shapes(self) -> Shapes:
        """What is known of the values of the variables."""
        unknown = frozenset(self.writes) if self.open else frozenset()
        changed = frozenset(path for code in self.codes.values() for path in code.changed)
        return Shapes(self.writes, self._tools, unknown=unknown, changed=changed)

    @cached_property
    def _turns(self) -> Turns:
        return Turns(self.ways)

    @cached_property
    def _sets(self) -> dict[tuple[str, str], frozenset[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for name, writes in self.writes.items():
            for write in writes:
                if write.is_sure or write.is_default:
                    for handle in self._handles_of(write):
                        found.setdefault((write.node, handle), set()).add(name)
        return {at: frozenset(names) for at, names in found.items()}

    def _handles_of(self, write: Write) -> list[str]:
        if ERROR in write.by:
            return [ERROR]
        node = self.graph.nodes[write.node]
        return [handle for handle in node.type.handles(node.data) if not write.by or handle in write.by]

    @cached_property
    def _tells(self) -> dict[tuple[str, str], frozenset[str]]:
        found = {}
        for node in self.graph.nodes.values():
            for handle in node.type.handles(node.data):
                names = set_where(node, handle)
                if names:
                    found[node.id, handle] = names
        return found

    @cached_property
    def _setters(self) -> dict[str, int]:
        place = self.ways.place
        return {
            name: sum(1 << place[id] for id in {write.node for write in writes})
            for name, writes in self.writes.items()
        }

    @cached_property
    def _claims(self) -> Search:
        turning = frozenset(id for id in self.graph.loops if self._surely_turns(self.graph.nodes[id]))
        tells = {at: names for at, names in self._tells.items() if at[1] != LOOP_DONE}  # it may be cut
        return Search(self.ways, sets=self._sets, tells=tells, setters=self._setters, turning=turning)

    @cached_property
    def _doubts(self) -> Search:
        nodes, loops = self.graph.nodes, self.graph.loops
        dependent = dependent_decisions(self.ways, self.reads, self.writes)
        turning = {id for id in loops if self._surely_turns(nodes[id]) or nodes[id].data.condition}
        return Search(
            self.ways,
            sets=self._sets,
            tells=self._tells,
            setters=self._setters,
            open=self.open,
            turning=frozenset(turning | (dependent & loops)),
            dependent=dependent - loops,
        )

    def _surely_turns(self, node: Node) -> bool:
        """Whether a loop makes at least one iteration: its number, or its list, is written out."""
        data: Any = node.data
        iterations = getattr(data, "iterations", None)
        if isinstance(iterations, int | float):
            return iterations >= 1
        writes = self.writes.get(getattr(data, "arrayVariable", "").strip(" {}"), ())
        values = [self.graph.nodes[write.node].raw.get("value") for write in writes]
        return bool(values) and all(isinstance(value, list) and value for value in values)
