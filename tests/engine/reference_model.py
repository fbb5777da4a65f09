"""The reference model: SEMANTICS.md as slow, plain code, one function per paragraph, independent of botctl.

Where a sentence can be read in two ways the model takes one, and `READINGS` names the other: pass its name
to `run_model` to
run under it. So a difference from the engine can be told apart: a mistake, or a reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.engine.reference_nodes import Outcome, Rounds, execute, holds, is_loop

Frame = tuple[tuple[str, int], ...]
Edge = dict[str, Any]
Error = dict[str, str]

MAX_NODES = 50
MAX_LOOP_NODES = 1000
READINGS = {
    "start_at_settle": (
        "the first iteration begins (or a loop of nothing leaves) when loops settle, not when outcomes apply"
    ),
    "nothing_leaves_at_settle": (
        "a loop of nothing leaves when loops settle, other loops start when outcomes apply"
    ),
    "body_edges_unchecked": "a `loop_body` edge makes a token even where it leads out of the iteration",
    "dropped_says_nothing": (
        "what a later token of the wave said, wrote or ended is lost when its iteration was dropped"
    ),
    "handlers_outside_bodies": "the search for a handler does not go along `loop_body` edges",
    "handlers_not_through_ran": "the search for a handler does not pass nodes that have run in the frame",
    "handlers_not_standing": "a handler where a token stands already is not a candidate",
    "arrive_through_exits": "a path of `can arrive` may use edges that would end the iteration",
    "arrive_without_error_edges": "a path of `can arrive` does not use `error` edges",
    "exits_without_error_edges": "what a loop's `loop_done` reaches does not count `error` edges",
    "exits_outside_bodies": "what a loop's `loop_done` reaches does not go along `loop_body` edges",
    "while_looks_after_the_wave": "the first look of a `while` sees what its own wave wrote",
    "loops_settle_at_the_end": "loops settle once more after the wave that ends the run",
    "run_when_applied": "a node has run when its outcome is applied, not when its wave starts",
}


@dataclass(frozen=True)
class Token:
    """ "A *token* is (node, frame)." `caught`: a handler that is entered with an error."""

    node: str
    frame: Frame
    caught: bool = False


@dataclass
class Loop:
    """A loop that iterates in `frame`; its iteration stands in `inner()`. index -1: before the first."""

    node: str
    frame: Frame
    rounds: Rounds
    index: int = -1
    begun: bool = False

    def inner(self) -> Frame:
        return (*self.frame, (self.node, self.index))

    def holds_frame(self, frame: Frame) -> bool:
        """Whether `frame` is an iteration of this loop or inside one."""
        depth = len(self.frame)
        return len(frame) > depth and frame[:depth] == self.frame and frame[depth][0] == self.node


def run_model(workflow: dict[str, Any], message: str, *readings: str) -> dict[str, Any]:
    """Runs a workflow to its end; `readings` are names of READINGS to take instead of the model's own."""
    unknown = set(readings) - set(READINGS)
    if unknown:
        raise ValueError(f"no such reading: {sorted(unknown)}")
    return Model(workflow, message, frozenset(readings)).run()


class Model:
    """One run."""

    def __init__(self, workflow: dict[str, Any], message: str, readings: frozenset[str]) -> None:
        self.nodes: dict[str, dict[str, Any]] = {node["id"]: node for node in workflow["nodes"]}
        self.edges: list[Edge] = list(workflow.get("edges", []))
        self.readings = readings
        self.ways_out = {name: self.way_out(name) for name, node in self.nodes.items() if is_loop(node)}
        self.variables: dict[str, Any] = {"message": message, "attachments": []}
        self.before: dict[str, Any] = dict(self.variables)
        self.tokens: list[Token] = []
        self.loops: list[Loop] = []
        self.ran: set[tuple[str, Frame]] = set()
        self.waves: list[list[str]] = []
        self.messages: list[str] = []
        self.not_followed: list[list[str]] = []
        self.cut: list[str] = []
        self.executed = {"max_nodes": 0, "max_loop_nodes": 0}
        self.uncaught: list[Error] = []
        self.conversation_ended = False
        self.limit: str | None = None

    # Standing, Wave, Ending

    def run(self) -> dict[str, Any]:
        """ "A run starts with one token per trigger, in file order, in frame ()." """
        self.tokens = [Token(name, ()) for name, node in self.nodes.items() if node["type"] == "trigger"]
        if not self.tokens:
            return self.told("error", "No trigger node in workflow")
        # "No token and no loop left: `completed`."
        while self.tokens or self.loops:
            wave = self.next_wave()
            self.limit = self.passed_limit(wave)
            if self.limit:
                return self.told("error", self.limit)
            self.run_wave(wave)
            over = bool(self.uncaught) or self.conversation_ended
            if not over or "loops_settle_at_the_end" in self.readings:
                # "Then loops settle (innermost first, then by start order), then the next wave."
                self.settle()
            if self.uncaught:
                # "an uncaught error in the same wave wins"; "of several, the first in token order"
                return self.told("error", self.uncaught[0]["message"])
            if over:
                return self.told("completed", None)
        return self.told("completed", None)

    def told(self, status: str, error: str | None) -> dict[str, Any]:
        return {
            "waves": self.waves,
            "messages": self.messages,
            "status": status,
            "not_followed": self.not_followed,
            "variables": self.variables,
            "limit": self.limit,
            "error": error,
            "cut": self.cut,
            "nodes_executed": sum(self.executed.values()),
        }

    def next_wave(self) -> list[Token]:
        """ "All ready tokens run at the same time"; "If nothing is ready ..., the first token goes." """
        ready = [token for token in self.tokens if self.is_ready(token)]
        return ready or self.tokens[:1]

    def run_wave(self, wave: list[Token]) -> None:
        """ "seeing the variables as they were before the wave. When all have an outcome, outcomes are
        applied in token
        order: variables written (a later token's write wins), messages appended, edges followed." """
        self.before = dict(self.variables)
        outcomes = [execute(self.nodes[token.node], token.caught, self.before) for token in wave]
        self.waves.append([token.node for token in wave])
        for token in wave:
            self.tokens.remove(token)
            self.executed["max_loop_nodes" if token.frame else "max_nodes"] += 1
            if "run_when_applied" not in self.readings:
                self.ran.add((token.node, token.frame))
        for token, outcome in zip(wave, outcomes, strict=True):
            self.ran.add((token.node, token.frame))
            self.apply(token, outcome)

    def apply(self, token: Token, outcome: Outcome) -> None:
        """One outcome. A token whose iteration was dropped earlier in this wave ran all the same: what it
        wrote and said
        stays, but it leads nowhere ("dropped with all that is in them")."""
        dropped = not self.is_live(token.frame)
        if dropped and "dropped_says_nothing" in self.readings:
            return
        self.variables.update(outcome.writes)
        self.messages.extend(outcome.said)
        self.conversation_ended = self.conversation_ended or outcome.ends_conversation
        if dropped:
            return
        if outcome.failure is not None:
            # "`error` holds {node, type, message}."
            kind = self.nodes[token.node]["type"]
            self.fail(token.node, token.frame, {"node": token.node, "type": kind, "message": outcome.failure})
        elif outcome.rounds is not None:
            self.start(token, outcome.rounds)
        elif outcome.handle is not None:
            self.follow(token.node, outcome.handle, token.frame)

    def is_live(self, frame: Frame) -> bool:
        """Whether the iteration around a token still goes on."""
        return all(
            any(loop.frame == frame[:depth] and loop.inner() == frame[: depth + 1] for loop in self.loops)
            for depth in range(len(frame))
        )

    # Following

    def out_edges(self, node: str, *handles: str) -> list[Edge]:
        """ "each edge of n with that handle, in file order (no `sourceHandle` = `next`)"; no handles: all."""
        edges = [edge for edge in self.edges if edge["source"] == node]
        return [edge for edge in edges if not handles or handle_of(edge) in handles]

    def follow(self, node: str, handle: str, frame: Frame, error: Error | None = None) -> int:
        """ "From node n with handle h, each edge"; returns how many were entered, or ended an iteration."""
        return sum(self.follow_edge(edge, frame, error) for edge in self.out_edges(node, handle))

    def follow_edge(self, edge: Edge, frame: Frame, error: Error | None, unchecked: bool = False) -> bool:
        target = edge["target"]
        if not unchecked and self.leaves(target, frame):
            return True
        # "if (t, frame) has already run, the edge is not followed, and the trace says so"
        if (target, frame) in self.ran:
            self.not_followed.append([edge["source"], target])
            return False
        self.enter(target, frame, error)
        return True

    def leaves(self, target: str, frame: Frame) -> bool:
        """ "in an iteration: if t is any enclosing loop, or can be reached from an enclosing loop's
        `loop_done` edges
        without passing that loop, the token's iteration ends here; nothing is entered" """
        return any(target == loop or target in self.ways_out[loop] for loop, _ in frame)

    def way_out(self, loop: str) -> set[str]:
        """What can be reached from the loop's `loop_done` edges without passing the loop."""
        reached: set[str] = set()
        ahead = [edge["target"] for edge in self.out_edges(loop, "loop_done")]
        while ahead:
            node = ahead.pop()
            if node in reached or node == loop:
                continue
            reached.add(node)
            ahead += [edge["target"] for edge in self.out_edges(node) if self.counts_as_way_out(edge)]
        return reached

    def counts_as_way_out(self, edge: Edge) -> bool:
        handle = handle_of(edge)
        if handle == "error" and "exits_without_error_edges" in self.readings:
            return False
        return not (self.is_body_edge(edge) and "exits_outside_bodies" in self.readings)

    def enter(self, target: str, frame: Frame, error: Error | None) -> None:
        """ "if a token stands at (t, frame), they are one; else a token is added at the end." A handler
        that any of them
        reached with an error was entered with an error; a later error's variable wins."""
        caught = error is not None and self.nodes[target]["type"] == "error_handler"
        if error is not None:
            self.variables["error"] = error
        for place, token in enumerate(self.tokens):
            if (token.node, token.frame) == (target, frame):
                self.tokens[place] = replace(token, caught=token.caught or caught)
                return
        self.tokens.append(Token(target, frame, caught))

    # Waiting for others (joins)

    def is_ready(self, token: Token) -> bool:
        """ "A token at t is ready unless another live thing in its frame can still arrive at t. Live
        things in a frame are
        its other tokens, waiting ones too, and its loops that are iterating." """
        # "an iterating loop goes before any token"
        for loop in self.loops:
            if loop.frame == token.frame and self.can_arrive(loop.node, token.node, token.frame):
                return False
        mine = self.tokens.index(token)
        for place, other in enumerate(self.tokens):
            if other == token or other.frame != token.frame:
                continue
            if not self.can_arrive(other.node, token.node, token.frame):
                continue
            # "Of two tokens that could each arrive at the other's node, the earlier goes"
            if mine < place and self.can_arrive(token.node, other.node, token.frame):
                continue
            return False
        return True

    def can_arrive(self, source: str, target: str, frame: Frame) -> bool:
        """ "*Can arrive*: along edges, never through a node that has run in this frame, never into a loop
        body." An edge
        that would end the iteration arrives nowhere in it."""
        reached: set[str] = set()
        ahead = [source]
        while ahead:
            for edge in self.out_edges(ahead.pop()):
                node = edge["target"]
                if not self.is_way_in_frame(edge, frame):
                    continue
                if node == target:
                    return True
                if node not in reached and (node, frame) not in self.ran:
                    reached.add(node)
                    ahead.append(node)
        return False

    def is_way_in_frame(self, edge: Edge, frame: Frame) -> bool:
        if self.is_body_edge(edge):
            return False
        if handle_of(edge) == "error" and "arrive_without_error_edges" in self.readings:
            return False
        return "arrive_through_exits" in self.readings or not self.leaves(edge["target"], frame)

    def is_body_edge(self, edge: Edge) -> bool:
        return handle_of(edge) == "loop_body" and is_loop(self.nodes[edge["source"]])

    # Loops

    def start(self, token: Token, rounds: Rounds) -> None:
        """ "A token at a loop makes it iterate". A loop of nothing leaves at once, in token order."""
        loop = Loop(token.node, token.frame, rounds)
        self.loops.append(loop)
        nothing = not self.goes_on(loop, self.first_look())
        later = "start_at_settle" in self.readings or (
            "nothing_leaves_at_settle" in self.readings and nothing
        )
        if not later:
            self.advance(loop, self.first_look())

    def first_look(self) -> dict[str, Any]:
        """A `while` is a node of its wave: its first look sees "the variables as they were before the
        wave"."""
        return self.variables if "while_looks_after_the_wave" in self.readings else self.before

    def goes_on(self, loop: Loop, seen: dict[str, Any]) -> bool:
        """Whether there is another iteration: "`while` looks before each iteration"; "At most 50
        iterations, then it leaves
        by `loop_done` and the trace says that it was cut." """
        return self.has_more(loop, seen) and loop.index + 1 < loop.rounds.most

    def has_more(self, loop: Loop, seen: dict[str, Any]) -> bool:
        rounds = loop.rounds
        if rounds.items is not None:
            return loop.index + 1 < len(rounds.items)
        return holds(rounds.condition or "", seen)

    def advance(self, loop: Loop, seen: dict[str, Any]) -> None:
        """ "then the next begins, or the loop leaves by `loop_done` in its own frame" """
        if not self.goes_on(loop, seen):
            if self.has_more(loop, seen):
                self.cut.append(loop.node)
            self.loops.remove(loop)
            self.follow(loop.node, "loop_done", loop.frame)
            return
        # "item variable set, a token per `loop_body` edge in the new frame"
        loop.index += 1
        loop.begun = True
        rounds = loop.rounds
        if rounds.items is not None and rounds.item_variable:
            self.variables[rounds.item_variable] = rounds.items[loop.index]
        unchecked = "body_edges_unchecked" in self.readings
        for edge in self.out_edges(loop.node, "loop_body"):
            self.follow_edge(edge, loop.inner(), None, unchecked)

    def settle(self) -> None:
        """ "An iteration is over when no token is left in it (in frames inside it too)"; "Then loops
        settle (innermost first,
        then by start order)"."""
        for loop in sorted(self.loops, key=lambda loop: -len(loop.frame)):
            while loop in self.loops and not self.is_occupied(loop):
                seen = self.variables if loop.begun else self.first_look()
                self.advance(loop, seen)

    def is_occupied(self, loop: Loop) -> bool:
        return any(loop.holds_frame(token.frame) for token in self.tokens) or any(
            loop.holds_frame(other.frame) for other in self.loops
        )

    # Counting

    def passed_limit(self, wave: list[Token]) -> str | None:
        """ "Executions in frame () count against `max_nodes` (50), executions inside iterations against
        1,000 per run. A wave
        that would pass a limit is not started" """
        inside = sum(1 for token in wave if token.frame)
        if self.executed["max_nodes"] + len(wave) - inside > MAX_NODES:
            return "max_nodes"
        if self.executed["max_loop_nodes"] + inside > MAX_LOOP_NODES:
            return "max_loop_nodes"
        return None

    # Errors

    def fail(self, node: str, frame: Frame, error: Error) -> None:
        """ "A node that fails gives no plain handle. Then, in this order:" """
        # 1. "its `error` edges ...; if at least one was entered, or ended an iteration, the error is handled"
        if self.follow(node, "error", frame, error):
            return
        # 2. "the nearest error_handler that its edges lead to"
        handler = next(self.handlers_ahead(node, frame), None)
        if handler is not None:
            self.enter(handler, frame, error)
            return
        # 3. "the loop's iterations are dropped with all that is in them, and it is as if the loop itself
        # had failed"
        if frame:
            loop, around = frame[-1][0], frame[:-1]
            self.drop(loop, around)
            self.fail(loop, around, error)
            return
        # 4. "the first error_handler in the file that has no incoming edge and has not run"
        alone = next(self.handlers_alone(), None)
        if alone is not None:
            self.enter(alone, frame, error)
            return
        # 5. "the run ends after this wave with status `error`"
        self.uncaught.append(error)

    def handlers_ahead(self, node: str, frame: Frame) -> Iterator[str]:
        """ "breadth first over all handles, not leaving the iteration, not yet run in this frame" """
        seen = {node}
        queue = [node]
        while queue:
            for edge in self.out_edges(queue.pop(0)):
                target = edge["target"]
                if target in seen or self.leaves(target, frame):
                    continue
                if self.is_body_edge(edge) and "handlers_outside_bodies" in self.readings:
                    continue
                if (target, frame) in self.ran and "handlers_not_through_ran" in self.readings:
                    continue
                seen.add(target)
                queue.append(target)
                if self.is_free_handler(target, frame):
                    yield target

    def handlers_alone(self) -> Iterator[str]:
        targets = {edge["target"] for edge in self.edges}
        for name in self.nodes:
            if name not in targets and self.is_free_handler(name, ()):
                yield name

    def is_free_handler(self, name: str, frame: Frame) -> bool:
        if self.nodes[name]["type"] != "error_handler" or (name, frame) in self.ran:
            return False
        standing = any((token.node, token.frame) == (name, frame) for token in self.tokens)
        return not (standing and "handlers_not_standing" in self.readings)

    def drop(self, loop: str, frame: Frame) -> None:
        """The loop, its iterations, and all tokens and loops in them."""
        gone = next(one for one in self.loops if (one.node, one.frame) == (loop, frame))
        self.tokens = [token for token in self.tokens if not gone.holds_frame(token.frame)]
        self.loops = [one for one in self.loops if one is not gone and not gone.holds_frame(one.frame)]


def handle_of(edge: Edge) -> str:
    return edge.get("sourceHandle") or "next"
