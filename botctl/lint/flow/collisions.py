"""The collisions of a workflow: variables that two branches set which run side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from msgspec import Struct

from botctl.lint.flow.flow import ERROR_VARIABLE, Flow
from botctl.lint.flow.turns import Turns
from botctl.lint.flow.variables import Read, Use, Write


class Collision(Struct, frozen=True):
    """Two nodes that set one variable in the same run, neither after the other, and who reads it then."""

    first: Write
    second: Write
    read: Read


def collisions(flow: Flow) -> Iterator[Collision]:
    """One for each variable that surely is set on branches side by side and matters afterwards."""
    if not flow.ways.is_regular or all(
        len(targets) < 2 for ahead in flow.ways.ahead.values() for targets in ahead.values()
    ):
        return
    turns = Turns(flow.ways)
    reads_of: dict[str, list[Read]] = {}
    for read in flow.reads:
        if read.use is not Use.GUARDED_CODE:
            reads_of.setdefault(read.name, []).append(read)
    for name, writes in flow.writes.items():
        reads = reads_of.get(name)
        if len(writes) < 2 or not reads or name == ERROR_VARIABLE:
            continue  # two errors at once are seldom, and either will do
        pairs = ((one, other) for one, other in combinations(writes, 2) if one.node != other.node)
        for one, other in pairs:
            shown = _collide(flow, turns, one, other, reads, writes)
            if shown is not None:
                yield Collision(one, other, shown)
                break


def _collide(
    flow: Flow, turns: Turns, one: Write, other: Write, reads: Sequence[Read], writes: Sequence[Write]
) -> Read | None:
    """Where the collision shows; None if there is none, or if that is not certain."""
    if not turns.surely_side_by_side(one.node, other.node) or _set_alike(flow, one, other):
        return None
    own: list[Read] = []
    for read in reads:
        after = [flow.ways.runs_before(write.node, read.node) for write in (one, other)]
        if not any(after) or _is_set_again(flow, one, other, read, writes):
            continue
        if all(after):
            return read
        own.append(read)
    is_in_both = len({flow.ways.runs_before(one.node, read.node) for read in own}) == 2
    return own[0] if is_in_both and turns.is_same_wave(one.node, other.node) else None


def _set_alike(flow: Flow, one: Write, other: Write) -> bool:
    """Whether both set the variable to the same, which is written there."""
    values = [flow.graph.nodes[write.node].raw.get("value") for write in (one, other)]
    return values[0] is not None and values[0] == values[1]


def _is_set_again(flow: Flow, one: Write, other: Write, read: Read, writes: Sequence[Write]) -> bool:
    """Whether another node sets the variable between the two and this read."""
    return any(
        write.node not in (one.node, other.node)
        and flow.ways.runs_before(write.node, read.node)
        and any(flow.ways.runs_before(before.node, write.node) for before in (one, other))
        for write in writes
    )
