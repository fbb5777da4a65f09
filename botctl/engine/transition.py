"""Transition: from a run and the outcomes of a wave to the run after it. Pure: no clock, no store, no await.

This is SEMANTICS.md as code. `apply_wave` applies outcomes in token order, then settles the loops; whoever
wants to know why something happened reads the facts it returns beside the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from botctl.engine.run import TOP, Frame, Run, Token, Turning, Waiting
from botctl.engine.standing import leaves_iteration
from botctl.execution.outcome import (
    Call,
    Decision,
    Done,
    End,
    Event,
    Iterate,
    Link,
    Outcome,
    Reply,
    Return,
    Until,
    Wait,
)
from botctl.expr.condition import parse_condition
from botctl.expr.path import ExpressionError
from botctl.project.graph import ERROR, LOOP_BODY, LOOP_DONE, Graph

MOST_ITERATIONS = 50


class Failure(Struct, frozen=True):
    """A node that failed, after its retries. in_doubt: an effect of it may or may not have been made.

    cap_message: not None when a budget is used up: the run ends here, whatever handlers there are, with these
    words.
    """

    message: str
    in_doubt: bool = False
    cap_message: str | None = None


class Result(Struct, frozen=True):
    """What one token of a wave came to. begun: when it started to wait, the step, wave and moment it began
    with. call: the id of the run that a Call makes."""

    token: Token
    outcome: Outcome | Failure
    begun: tuple[int, int, int] = (0, 0, 0)
    call: str = ""


@dataclass(slots=True)
class Facts:
    """What happened beside the run itself: sentences for the trace, by the index of the wave's result;
    uncaught: the results that were failures which nothing caught."""

    notes: dict[int, list[str]] = field(default_factory=dict)
    started_to_wait: bool = False
    uncaught: set[int] = field(default_factory=set)

    def note(self, index: int, sentence: str) -> None:
        """Tell something about one result of the wave."""
        self.notes.setdefault(index, []).append(sentence)


class Limits(Struct, frozen=True):
    """How many nodes a run may execute: outside of loops, and inside of iterations."""

    max_nodes: int = 50
    max_loop_nodes: int = 1000

    def passed_by(self, run: Run, wave: Sequence[Token]) -> str:
        """Which limit this wave would pass, as a sentence; "" if none."""
        fresh = [token for token in wave if token.waiting is None]
        top = sum(1 for token in fresh if not token.frame)
        if run.executed_top + top > self.max_nodes:
            return f"more than {self.max_nodes} nodes would run (limits.max_nodes)"
        if run.executed_inside + len(fresh) - top > self.max_loop_nodes:
            return f"more than {self.max_loop_nodes} nodes would run inside loops (limits.max_loop_nodes)"
        return ""


def start_run(graph: Graph, variables: dict[str, Any]) -> Run:
    """A run with one token per trigger, in file order."""
    run = Run(variables=variables, tokens=[Token(trigger) for trigger in graph.triggers])
    if not graph.nodes:
        run.failure = "Workflow is empty"
    elif not run.tokens:
        run.failure = "No trigger node in workflow"
    return run


def apply_wave(graph: Graph, before: Run, results: Sequence[Result]) -> tuple[Run, Facts]:
    """The run after a wave whose tokens came to `results`, given in token order."""
    run, facts = before.copy(), Facts()
    _leave_places(run, results)
    run.wave += 1
    for index, result in enumerate(results):
        _apply(graph, run, facts, index, result)
    if facts.uncaught:
        rest = [result for index, result in enumerate(results) if index not in facts.uncaught]
        run.stuck, _ = apply_wave(graph, before, rest)
    if run.failure or run.ended:
        run.tokens, run.loops = [], []
    _settle(graph, run, facts)
    return run, facts


def retry(run: Run) -> tuple[Run, list[Token]]:
    """A failed run, once more before the nodes that failed; a ValueError if nothing of that kind is known.

    What other tokens waited for went with the run: their nodes begin anew. They are the second value.
    """
    if run.stuck is None:
        raise ValueError("the run did not fail at a node")
    after = run.copy()
    after.loops, after.ran = run.stuck.loops, run.stuck.ran
    anew = [token for token in run.stuck.tokens if token.waiting and not token.waiting.event]
    after.tokens = [
        Token(token.node, token.frame, token.caught) if token in anew else token for token in run.stuck.tokens
    ]
    after.stuck, after.failure = None, ""
    return after, anew


def wake(run: Run, token: Token, event: Event) -> Run:
    """The run in which a waiting token has its event and is ready to go on."""
    if token.waiting is None:
        raise ValueError(f"the token at {token.node} does not wait")
    after = run.copy()
    waiting = Waiting(
        token.waiting.seq,
        token.waiting.wave,
        token.waiting.started_at,
        token.waiting.for_,
        token.waiting.state,
        event,
    )
    after.tokens[after.tokens.index(token)] = Token(token.node, token.frame, token.caught, waiting)
    return after


def waiting_for(run: Run, event: Event) -> Token | None:
    """The oldest token that waits for such an event and has none yet."""
    for token in run.tokens:
        if token.waiting is not None and token.waiting.event is None:
            for wait in token.waiting.for_:
                match wait, event.kind:
                    case (Reply(), "reply"):
                        return token
                    case (Until(at_ms), "until") if at_ms <= event.value:
                        return token
                    case (Decision(handoff), "decision") if handoff == event.value["handoff"]:
                        return token
                    case (Link(token_hash), "link") if token_hash == event.value["token_hash"]:
                        return token
                    case (Return(call), "returned") if call == event.value["call"]:
                        return token
    return None


def _leave_places(run: Run, results: Sequence[Result]) -> None:
    """Take the wave's tokens off the graph and count them; those that wait keep their places."""
    gone: set[Token] = set()
    for result in results:
        token = result.token
        if token.waiting is None:
            if token.frame:
                run.executed_inside += 1
            else:
                run.executed_top += 1
        if isinstance(result.outcome, Wait | Call):
            continue
        gone.add(token) if token.waiting is None else _remove(run, token)
        run.ran[token.frame] = run.ran.get(token.frame, frozenset()) | {token.node}
    if len(gone) == len(run.tokens):
        run.tokens = []
    elif gone:
        run.tokens = [token for token in run.tokens if token.waiting is not None or token not in gone]


def _remove(run: Run, token: Token) -> None:
    run.tokens = [other for other in run.tokens if other is not token]


def _apply(graph: Graph, run: Run, facts: Facts, index: int, result: Result) -> None:
    token, outcome = result.token, result.outcome
    match outcome:
        case Done():
            run.variables.update(outcome.writes)
            run.said += outcome.say
            if _is_live(run, token.frame):
                _follow(graph, run, facts, index, token.node, outcome.handle, token.frame)
        case Iterate():
            if _is_live(run, token.frame):
                loop = Turning(
                    token.node,
                    token.frame,
                    -1,
                    outcome.item_variable,
                    outcome.items,
                    outcome.condition,
                    min(outcome.limit, MOST_ITERATIONS),
                )
                run.loops.append(loop)
                _next_iteration(graph, run, facts, index, loop)
        case Wait():
            run.said += outcome.say
            facts.started_to_wait = True
            _put_away(run, token, outcome, result.begun)
        case Call():
            facts.started_to_wait = True
            _put_away(run, token, Wait((Return(result.call),), outcome.state), result.begun)
        case End():
            run.ended = True
        case Failure():
            if _is_live(run, token.frame):
                _fail(graph, run, facts, index, token, outcome)


def _put_away(run: Run, token: Token, outcome: Wait, begun: tuple[int, int, int]) -> None:
    if token.waiting is not None:
        begun = (token.waiting.seq, token.waiting.wave, token.waiting.started_at)
    waiting = Waiting(*begun, outcome.for_, outcome.state)
    place = next((i for i, other in enumerate(run.tokens) if other is token), None)
    if place is None:
        return  # an error earlier in the wave dropped the iteration it stood in
    run.tokens[place] = Token(token.node, token.frame, token.caught, waiting)


def _is_live(run: Run, frame: Frame) -> bool:
    """Whether the iterations of a frame still turn; an error earlier in the wave may have dropped them."""
    return all(
        any(loop.node == node and loop.frame == frame[:depth] and loop.index == index for loop in run.loops)
        for depth, (node, index) in enumerate(frame)
    )


def _follow(graph: Graph, run: Run, facts: Facts, index: int, source: str, handle: str, frame: Frame) -> bool:
    """Follow the edges of a handle; whether one was entered, or ended an iteration."""
    went_on = False
    for target in graph.targets(source, handle):
        if frame and leaves_iteration(graph, frame, target):
            went_on = True
        elif target in run.ran.get(frame, frozenset()):
            run.not_followed.append((source, target))
            facts.note(index, f"the edge to `{target}` was not followed: it has already run")
        else:
            caught = handle == ERROR and graph.nodes[target].type.name == "error_handler"
            _enter(run, target, frame, caught=caught)
            went_on = True
    return went_on


def _enter(run: Run, node: str, frame: Frame, *, caught: bool = False) -> None:
    """A token at a node; where one stands already they are one."""
    for place, token in enumerate(run.tokens):
        if token.node == node and token.frame == frame:
            if caught:
                run.tokens[place] = Token(node, frame, True, token.waiting)
            return
    run.tokens.append(Token(node, frame, caught))


def _next_iteration(graph: Graph, run: Run, facts: Facts, index: int, loop: Turning) -> None:
    """Begin a loop's next iteration, or leave it."""
    place = run.loops.index(loop)
    run.ran.pop(loop.iteration, None)
    number = loop.index + 1
    if loop.items is not None:
        more = number < len(loop.items)
    else:
        try:
            more = parse_condition(loop.condition).holds(run.variables)
        except ExpressionError as error:  # a pattern that a variable holds cannot be checked before
            del run.loops[place]
            _fail(graph, run, facts, index, Token(loop.node, loop.frame), Failure(error.message))
            return
    if more and number >= loop.limit:
        facts.note(index, f"loop `{loop.node}` was cut after {loop.limit} iterations")
        more = False
    if not more:
        del run.loops[place]
        _follow(graph, run, facts, index, loop.node, LOOP_DONE, loop.frame)
        return
    turning = Turning(
        loop.node, loop.frame, number, loop.item_variable, loop.items, loop.condition, loop.limit
    )
    run.loops[place] = turning
    if loop.item_variable:
        run.variables[loop.item_variable] = number if loop.items is None else loop.items[number]
    _follow(graph, run, facts, index, loop.node, LOOP_BODY, turning.iteration)


def _settle(graph: Graph, run: Run, facts: Facts) -> None:
    """Move on every loop whose iteration is over, innermost first, then by start order."""
    while run.loops:
        over = [loop for loop in run.loops if not _is_occupied(run, loop)]
        if not over:
            return
        _next_iteration(graph, run, facts, -1, max(over, key=lambda loop: len(loop.frame)))


def _is_occupied(run: Run, loop: Turning) -> bool:
    iteration = loop.iteration
    depth = len(iteration)
    return any(token.frame[:depth] == iteration for token in run.tokens) or any(
        other.frame[:depth] == iteration for other in run.loops
    )


def _fail(graph: Graph, run: Run, facts: Facts, index: int, token: Token, failure: Failure) -> None:
    """Find who goes on after an error: its `error` edges, a handler downstream, the loop, a lone handler."""
    if failure.cap_message is not None:
        run.failure = run.failure or failure.message
        facts.uncaught.add(index)
        return
    node, frame = token.node, token.frame
    error = {"node": node, "type": graph.nodes[node].type.name, "message": failure.message}
    while True:
        if _follow(graph, run, facts, index, node, ERROR, frame):
            break
        handler = _nearest_handler(graph, run, node, frame)
        if handler:
            _enter(run, handler, frame, caught=True)
            facts.note(index, f"caught by `{handler}`")
            break
        if not frame:
            handler = next((id for id in graph.lone_handlers if not _has_run(run, id)), "")
            if not handler:
                run.failure = run.failure or failure.message
                facts.uncaught.add(index)
                return
            _enter(run, handler, TOP, caught=True)
            facts.note(index, f"caught by `{handler}`")
            break
        _drop_iterations(run, frame[-1][0], frame[:-1])
        node, frame = frame[-1][0], frame[:-1]
    run.variables["error"] = error


def _nearest_handler(graph: Graph, run: Run, node: str, frame: Frame) -> str:
    ran = run.ran.get(frame, frozenset())
    seen = {node}
    level = [node]
    while level:
        onward: list[str] = []
        for source in level:
            for target in graph.onward(source):
                if target in seen or (frame and leaves_iteration(graph, frame, target)):
                    continue
                seen.add(target)
                if graph.nodes[target].type.name == "error_handler" and target not in ran:
                    return target
                onward.append(target)
        level = onward
    return ""


def _has_run(run: Run, node: str) -> bool:
    return any(node in nodes for nodes in run.ran.values())


def _drop_iterations(run: Run, loop: str, frame: Frame) -> None:
    """Drop a loop's iterations with everything that is in them."""
    depth = len(frame) + 1

    def inside(other: Frame) -> bool:
        return len(other) >= depth and other[: depth - 1] == frame and other[depth - 1][0] == loop

    run.tokens = [token for token in run.tokens if not inside(token.frame)]
    run.loops = [
        turning
        for turning in run.loops
        if not inside(turning.frame) and not (turning.node == loop and turning.frame == frame)
    ]
    run.ran = {other: nodes for other, nodes in run.ran.items() if not inside(other)}
