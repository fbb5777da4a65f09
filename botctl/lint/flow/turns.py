"""The turns of nodes: which may run in one run, and which of them cannot come earlier than another."""

from __future__ import annotations

from functools import cached_property
from math import inf

from botctl.lint.flow.ways import START, Ways

_WAITING = {"auth_gate", "delegate_to_bot"}
_WAITS = {"wait", "human_handoff"}


class Turns:
    """Nodes in their waves, as far as the graph alone tells."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    def may_run_together(self, one: str, other: str) -> bool:
        """Whether two nodes, neither of which leads to the other, may both run in one run."""
        place = self._ways.place
        for targets in self._forks:
            here = {id for id in targets if self._after[id] >> place[one] & 1}
            there = {id for id in targets if self._after[id] >> place[other] & 1}
            if here and there and len(here | there) > 1:
                return True
        return False

    def surely_side_by_side(self, one: str, other: str) -> bool:
        """Whether two nodes stand on different branches of a fan-out, and one of them runs whenever the other
        may: nothing is decided on its branch."""
        for targets in self._forks:
            here = [id for id in targets if self._after[id] >> self._ways.place[one] & 1]
            there = [id for id in targets if self._after[id] >> self._ways.place[other] & 1]
            if len(here) == len(there) == 1 and here != there:
                return self._is_certain(here[0], one) or self._is_certain(there[0], other)
        return False

    def is_same_wave(self, one: str, other: str) -> bool:
        """Whether two nodes surely run in the same wave, if both run."""
        waves = {turns[id] for turns in (self._earliest, self._latest) for id in (one, other)}
        return len(waves) == 1

    def _is_certain(self, start: str, id: str) -> bool:
        """Whether nothing is decided from `start` up to a node."""
        between = self._after[start] & self._ways.before[id]
        nodes = self._ways.graph.nodes
        return all(
            len(nodes[other].type.handles(nodes[other].data)) == 1
            for other in self._ways.order
            if other != START and between >> self._ways.place[other] & 1
        )

    @cached_property
    def _forks(self) -> list[list[str]]:
        ahead = self._ways.ahead.values()
        return [targets for ways in ahead for targets in ways.values() if len(targets) > 1]

    def is_no_earlier(self, one: str, other: str) -> bool:
        """Whether the first node surely runs in the wave of the second, or in a later one."""
        return self._earliest[one] >= self._latest[other]

    @cached_property
    def _after(self) -> dict[str, int]:
        """For each node, as bits, itself and all that it may lead to."""
        after = {id: 1 << self._ways.place[id] for id in self._ways.order}
        for source in reversed(self._ways.order):
            for targets in self._ways.ahead[source].values():
                for target in targets:
                    after[source] |= after[target]
        return after

    @cached_property
    def _earliest(self) -> dict[str, float]:
        earliest: dict[str, float] = dict.fromkeys(self._ways.order, inf)
        earliest[START] = 0
        for source, _, target in self._ways.ways():
            earliest[target] = min(earliest[target], earliest[source] + 1)
        return earliest

    @cached_property
    def _latest(self) -> dict[str, float]:
        latest: dict[str, float] = dict.fromkeys(self._ways.order, 0)
        for source, _, target in self._ways.ways():
            latest[target] = max(latest[target], latest[source] + self._lasts(source))
        return latest

    def _lasts(self, id: str) -> float:
        """How many waves a node may take: any number where it waits or turns."""
        if id == START:
            return 1
        node = self._ways.graph.nodes[id]
        waits = (
            getattr(node.data, "logicType", "") in _WAITS or getattr(node.data, "actionType", "") in _WAITS
        )
        return inf if waits or node.is_loop or node.type.name in _WAITING else 1
