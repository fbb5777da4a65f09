"""The occasions of nodes: what has to be decided for a node to run, so far as it is easily seen.

Nodes with one occasion run in the same runs. This is what makes a meeting of branches that run side by side
another thing than one of branches of which only one was taken.
"""

from __future__ import annotations

from botctl.lint.flow.ways import START, Ways
from botctl.project.graph import LOOP_DONE

Occasion = tuple[str, str]


def occasions(ways: Ways) -> frozenset[str]:
    """The nodes where only branches meet that run in the same runs."""
    of: dict[str, Occasion] = {START: (START, "")}
    led_by: dict[str, set[Occasion]] = {}
    meeting: set[str] = set()
    for id in ways.order:
        if id != START:
            leading = led_by.get(id)
            if not leading:
                continue
            if len(leading) == 1:
                meeting.add(id)
            else:
                leading = _settled(leading, ways, of)
            of[id] = leading.pop() if len(leading) == 1 else (id, "")
        for handle, targets in ways.ahead[id].items():
            occasion = of[id] if _always_left_by(id, handle, ways) else (id, handle)
            for target in targets:
                led_by.setdefault(target, set()).add(occasion)
    return frozenset(meeting)


def _always_left_by(id: str, handle: str, ways: Ways) -> bool:
    if handle == LOOP_DONE:
        return True
    return ways.ways_out(id) == (handle,)


def _settled(occasions: set[Occasion], ways: Ways, of: dict[str, Occasion]) -> set[Occasion]:
    """Without the decisions that lead here whichever way they go."""
    left = set(occasions)
    for id, _ in sorted(occasions, key=lambda occasion: -ways.place[occasion[0]]):
        whole = {(id, handle) for handle in ways.ways_out(id)}
        if whole and whole <= left:
            left = (left - whole) | {of[id]}
    return left
