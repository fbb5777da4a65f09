"""Standing: which tokens may go now, and which wait for others that can still arrive (SEMANTICS, Joins)."""

from __future__ import annotations

from botctl.engine.run import Frame, Run, Token
from botctl.project.graph import Graph


def ready_tokens(graph: Graph, run: Run) -> list[Token]:
    """The tokens of the next wave, in order of arrival. Empty when the run waits for something outside."""
    tokens = run.tokens
    if len(tokens) == 1 and not run.loops and tokens[0].waiting is None:
        return list(tokens)
    ready = [token for token in tokens if _may_go(graph, run, token)]
    if ready or not tokens:
        return ready
    if any(token.waiting is not None for token in tokens):
        return []
    return tokens[:1]


def leaves_iteration(graph: Graph, frame: Frame, target: str) -> bool:
    """Whether entering `target` would end the iteration that `frame` stands for."""
    return any(target == loop or target in graph.past_loop(loop) for loop, _ in frame)


def _may_go(graph: Graph, run: Run, token: Token) -> bool:
    if token.waiting is not None:
        return token.waiting.event is not None
    ran = run.ran.get(token.frame, frozenset())
    earlier = True
    for other in run.tokens:
        if other is token:
            earlier = False
        elif other.frame == token.frame and _can_arrive(graph, ran, other.node, token.node):
            mutual = not earlier and _can_arrive(graph, ran, token.node, other.node)
            if not mutual:
                return False
    return not any(
        loop.frame == token.frame and _can_arrive(graph, ran, loop.node, token.node) for loop in run.loops
    )


def _can_arrive(graph: Graph, ran: frozenset[str], source: str, target: str) -> bool:
    """Along edges of any handle, never through a node that has run in this frame, never into a loop body."""
    seen: set[str] = set()
    waiting = list(graph.onward_outside_bodies[source])
    while waiting:
        node = waiting.pop()
        if node == target:
            return True
        if node not in seen and node not in ran:
            seen.add(node)
            waiting += graph.onward_outside_bodies[node]
    return False
