"""The life of a run: the run under way in this process, with what the store knows of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from botctl.engine.deadline import Deadline
from botctl.engine.program import Program
from botctl.engine.run import Run, RunStatus
from botctl.llm.pricing import to_cents
from botctl.messages import Answer
from botctl.store.inbox import Stored


@dataclass(slots=True, kw_only=True)
class Life:
    """A run in memory. seq: its number in the store, 0 until it is there.

    once: what its unfinished steps did or meant to do, by (node, frame text, key); None: outcome unknown.
    runner: the root's bot; parent and depth: of a run that another called. called: the runs it called in its
    last wave, not begun yet. taking: numbers of the events that its next write takes away. result: what a
    called run has to say to its caller, once it is over; left_event: the event that tells the caller.
    has_scheduled: something is to happen at a moment because of it. last_part: the last row of a part.
    micro_cents: what its model calls cost, once it is over or waits; None: not known. excuse: what
    whoever called it is told of its failure.
    """

    id: str
    program: Program
    stored: Stored
    run: Run
    started_at: int
    deadline: Deadline
    runner: str
    parent: int | None = None
    depth: int = 0
    seq: int = 0
    status: RunStatus = RunStatus.RUNNING
    error_message: str = ""
    excuse: str = ""
    tool_calls: int = 0
    tokens: int = 0
    once: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    used_once: bool = False
    in_doubt: bool = False
    spoken: list[str] = field(default_factory=list)
    called: list[Life] = field(default_factory=list)
    taking: list[int] = field(default_factory=list)
    result: str = ""
    left_event: int = 0
    has_scheduled: bool = False
    last_part: int = 0
    micro_cents: int | None = None

    def answer(self, now_ms: int) -> Answer:
        """What became of the message that started it, as far as it has come."""
        return Answer(
            run_id=self.id,
            status=self.status.value,
            messages=tuple(self.spoken),
            error=self.error_message,
            tool_calls=self.tool_calls,
            tokens=self.tokens,
            cost_cents=to_cents(self.micro_cents),
            latency_ms=now_ms - self.stored.message.received_at,
        )
