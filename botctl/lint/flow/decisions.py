"""The decisions of a workflow that may depend on each other.

Two decisions about one variable, or about what an earlier one led to, do not go every way together: what is
asked twice is answered alike. A way through both is not believed to exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from botctl.lint.flow.variables import Read, Use, Write
from botctl.lint.flow.ways import START, Ways
from botctl.project.graph import ERROR, LOOP_BODY, LOOP_DONE

_ASKING = {Use.CONDITION, Use.SWITCH, Use.LIST, Use.TEXT}


def dependent_decisions(
    ways: Ways, reads: Iterable[Read], writes: Mapping[str, list[Write]]
) -> frozenset[str]:
    """The nodes with several ways out whose outcome may be settled by what was decided before."""
    return _Reaching(ways, reads, writes).dependent()


class _Reaching:
    """What reaches each node, as bits: values that may stand in variables (one bit for each node that sets
    one, and one for being unset), and variables that were asked for and not set since."""

    def __init__(self, ways: Ways, reads: Iterable[Read], writes: Mapping[str, list[Write]]) -> None:
        self._ways = ways
        self._asked = self._asked_by(reads)
        self._names = {name: 1 << number for number, name in enumerate(writes)}
        unset = len(self._names)
        self._values = {name: 1 << unset + number for number, name in enumerate(writes)}
        self._set_by: dict[str, list[tuple[Write, int]]] = {}
        bit = 1 << 2 * unset
        for name, all_writes in writes.items():
            for write in all_writes:
                self._set_by.setdefault(write.node, []).append((write, bit))
                self._values[name] |= bit
                bit <<= 1
        self._start = sum(1 << unset + number for number in range(unset))

    def _asked_by(self, reads: Iterable[Read]) -> dict[str, set[str]]:
        asked: dict[str, set[str]] = {}
        nodes = self._ways.graph.nodes
        for read in reads:
            node = nodes[read.node]
            if read.use in _ASKING and len(node.type.handles(node.data)) > 1:
                asked.setdefault(read.node, set()).add(read.name)
        return asked

    def dependent(self) -> frozenset[str]:
        reaching = {START: self._start}
        found: set[str] = set()
        for source in self._ways.order:
            here = reaching.get(source)
            if here is None:
                continue
            if any(self._depends(name, here) for name in self._asked.get(source, ())):
                found.add(source)
            for handle, targets in self._ways.ahead[source].items():
                after = self._after(source, handle, here)
                for target in targets:
                    reaching[target] = reaching.get(target, 0) | after
        return frozenset(found)

    def _depends(self, name: str, here: int) -> bool:
        if name not in self._names:
            return False
        values = here & self._values[name]
        return bool(here & self._names[name]) or bool(values & (values - 1))

    def _after(self, source: str, handle: str, here: int) -> int:
        for name in self._asked.get(source, ()):
            here |= self._names.get(name, 0)
        if handle in (LOOP_BODY, LOOP_DONE):
            for inside in self._ways.bodies.get(source, ()):
                here |= self._left_by(inside)
        if handle == ERROR:
            return here
        for write, bit in self._set_by.get(source, ()):
            if write.by and handle not in write.by:
                continue
            if write.is_sure:
                here &= ~(self._values[write.name] | self._names[write.name])
            here |= bit
            if not write.is_sure or self._decides(source) or self._sets_some(source):
                here |= self._names[write.name]
        return here

    def _sets_some(self, id: str) -> bool:
        """Whether a node sets a variable on some ways only, of which another that it sets may tell: `found`
        beside what was found."""
        return any(not write.is_sure for write, _ in self._set_by.get(id, ()))

    def _decides(self, id: str) -> bool:
        if id == START:
            return False
        node = self._ways.graph.nodes[id]
        return len(node.type.handles(node.data)) > 1 and not node.is_loop

    def _left_by(self, id: str) -> int:
        """What a node of a loop's body may leave behind in any iteration."""
        here = 0
        for _, bit in self._set_by.get(id, ()):
            here |= bit
        for name in self._asked.get(id, ()):
            here |= self._names.get(name, 0)
        return here
