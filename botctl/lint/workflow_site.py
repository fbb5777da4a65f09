"""What rules see: a workflow's graph, and what is known of the bot around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from botctl.lint.flow.flow import Flow
from botctl.project.graph import Graph
from botctl.tools.policy import Decision, ToolPolicy, decide
from botctl.tools.tool import Tool


def no_bots(target: str) -> tuple[str, ...]:
    """Nobody is known to delegate to anybody."""
    return ()


class Surroundings(Struct, frozen=True, kw_only=True):
    """The names that a workflow may use; None where that is not known, as for a bare workflow file.

    lacking: platforms that the bot does not have, which is told in bot.yaml. identity: providers that are set
    up to send codes. tools: by full name, those that the policy denies too. unlocked: servers of whose tools
    nothing is known. allows_only_some: whether bot.yaml says who may talk to the bot. public_url: where the
    outside finds the server; "" if nobody said, None if that is not known. given: the variables that other
    bots hand over when they delegate to this one; None if that may be any. circle_over, chain_over: the bots
    that answer in turn once this one lets the bot of that id or name answer: back to this one, and as many as
    there can be. max_nodes, max_loop_nodes: how many nodes a run may execute outside of loops, and in them.
    turn_seconds: how long one turn of work may take.
    """

    platforms: frozenset[str] | None = None
    lacking: frozenset[str] = frozenset()
    bots: frozenset[str] | None = None
    identity: frozenset[str] | None = None
    tools: Mapping[str, Tool] | None = None
    unlocked: frozenset[str] = frozenset()
    policy: ToolPolicy = ToolPolicy()
    allows_only_some: bool = False
    public_url: str | None = None
    given: Callable[[], frozenset[str] | None] = frozenset
    circle_over: Callable[[str], tuple[str, ...]] = no_bots
    chain_over: Callable[[str], tuple[str, ...]] = no_bots
    max_nodes: int = 50
    max_loop_nodes: int = 1000
    turn_seconds: float | None = None

    def decide(self, tool: str) -> Decision:
        """What the workspace's policy says of a tool."""
        return decide(tool, self.policy)


class WorkflowSite(Struct, frozen=True, kw_only=True, dict=True):
    """A workflow that could be bound. Findings about it have paths from the root of its document, of which
    `value` is all that is written there."""

    graph: Graph
    around: Surroundings
    value: Any = None

    @cached_property
    def flow(self) -> Flow:
        """Where the workflow's variables are set and read."""
        return Flow(self.graph, self.around.tools, self.around.given)
