"""The search for a way on which a variable is not set."""

from __future__ import annotations

from collections.abc import Mapping

from botctl.lint.flow.occasions import occasions
from botctl.lint.flow.ways import START, Ways
from botctl.project.graph import LOOP_BODY, LOOP_DONE

Gains = Mapping[tuple[str, str], frozenset[str]]
Trail = dict[str, tuple[str, str]]


class Search:
    """Which variables are surely set where. Branches beside a way are taken to go well.

    sets, tells: by (node, handle) the variables that are set, or known to be set, where the node is left by
    this handle. setters: as bits, the nodes that set a variable at all. open: nodes that may set any
    variable, which are taken to. turning: loops that are taken to turn at least once. dependent: decisions
    whose outcome may depend on others before them, so that a way through them is only believed as long as
    the variable cannot be set before.
    """

    def __init__(
        self,
        ways: Ways,
        *,
        sets: Gains,
        tells: Gains,
        setters: Mapping[str, int],
        open: frozenset[str] = frozenset(),
        turning: frozenset[str] = frozenset(),
        dependent: frozenset[str] = frozenset(),
    ) -> None:
        self._ways = ways
        self._sets = sets
        self._tells = tells
        self._open = open
        self._turning = turning
        self._dependent = dependent
        self._setters = setters
        self._bits = {name: 1 << number for number, name in enumerate(self._setters)}
        self._known = self._quickly_known()
        self._trails: dict[tuple[str, int], Trail] = {}

    def is_sure(self, id: str, name: str) -> bool:
        """Whether the variable is set whenever this node runs."""
        return id in self._known and not self.way_without(id, name)

    def way_without(self, id: str, name: str) -> tuple[str, ...]:
        """The nodes of a way, from a trigger to this one, on which the variable is not set; () if there is
        none. A node that is left by another way out than `next` is told with it: `check.false`."""
        known = self._known.get(id)
        if known is None or known & self._bits.get(name, 0):
            return ()
        relevant = self._setters.get(name, 0) & self._ways.before[id]
        came_from = self._trails.get((name, relevant))
        if came_from is None:
            came_from = self._trails[name, relevant] = self._trail(name, relevant)
        way: list[str] = [id] if id in came_from else []
        while way and came_from[id][0] != START:
            id, handle = came_from[id]
            way.append(id if handle == "next" else f"{id}.{handle}")
        return tuple(reversed(way))

    def _quickly_known(self) -> dict[str, int]:
        """What is easily seen to be set at each node that some way leads to.

        Where branches meet that all run in the same runs, what each of them sets is set; where they do not,
        what all of them set.
        """
        all_names = (1 << len(self._bits)) - 1
        known: dict[str, int] = {START: 0}
        meeting = occasions(self._ways)
        for source in self._ways.order:
            if source not in known:
                continue
            for handle, targets in self._ways.ahead[source].items():
                names = self._gained(source, handle)
                gained = all_names if source in self._open else sum(self._bits.get(name, 0) for name in names)
                for target in targets:
                    here = known[source] | gained
                    if target not in known:
                        known[target] = here
                    elif target in meeting:
                        known[target] |= here
                    else:
                        known[target] &= here
        return known

    def _gained(self, source: str, handle: str) -> frozenset[str]:
        at = (source, handle)
        return self._sets.get(at, frozenset()) | self._tells.get(at, frozenset())

    def _trail(self, name: str, relevant: int) -> Trail:
        """For each node that can be come to without the variable how it is come to, on a shortest way."""
        ways = self._ways
        bound = self._bound_to_set(name, relevant)
        came_from: Trail = {}
        queue = [START]
        for source in queue:  # grows as it goes
            if source in self._open or self._is_doubtful(source, name):
                continue
            for handle, targets in ways.ahead[source].items():
                if name in self._gained(source, handle) or self._is_set_by_turning(
                    source, handle, name, bound
                ):
                    continue
                setting = [target for target in targets if target in bound]
                for target in targets:
                    if target not in came_from and not any(other != target for other in setting):
                        came_from[target] = (source, handle)
                        queue.append(target)
        return came_from

    def _is_doubtful(self, source: str, name: str) -> bool:
        if source not in self._dependent:
            return False
        return bool(self._ways.before[source] & self._setters.get(name, 0))

    def _is_set_by_turning(self, loop: str, handle: str, name: str, bound: set[str]) -> bool:
        if handle != LOOP_DONE or loop not in self._turning:
            return False
        if name in self._gained(loop, LOOP_BODY):
            return True
        return any(target in bound for target in self._ways.targets(loop, LOOP_BODY))

    def _bound_to_set(self, name: str, relevant: int) -> set[str]:
        """The nodes that, once they run, lead to the variable being set by one of the `relevant` nodes,
        whatever is decided after them."""
        bound: set[str] = set()
        nodes = self._ways.graph.nodes
        for id in reversed(self._ways.order):
            if id == START:
                continue
            node = nodes[id]
            if node.is_loop:
                handles = (LOOP_DONE, LOOP_BODY) if id in self._turning else (LOOP_DONE,)
                if any(self._leads_to_set(id, handle, name, relevant, bound) for handle in handles):
                    bound.add(id)
                continue
            ways_out = self._ways.ways_out(id)
            if ways_out and all(self._leads_to_set(id, handle, name, relevant, bound) for handle in ways_out):
                bound.add(id)
        return bound

    def _leads_to_set(self, id: str, handle: str, name: str, relevant: int, bound: set[str]) -> bool:
        if name in self._tells.get((id, handle), ()):
            return True
        if relevant >> self._ways.place[id] & 1 and name in self._sets.get((id, handle), ()):
            return True
        return any(target in bound for target in self._ways.targets(id, handle))
