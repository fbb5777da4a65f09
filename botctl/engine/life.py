"""The life of a run: the run under way in this process, with what the store knows of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from botctl.engine.deadline import Deadline
from botctl.engine.program import Program
from botctl.engine.run import Run, RunStatus
from botctl.messages import Answer
from botctl.store.inbox import Stored


@dataclass(slots=True, kw_only=True)
class Life:
    """A run in memory. seq: its number in the store, 0 until it is there.

    once: what its unfinished steps did or meant to do, by (node, frame text, key); None: outcome unknown.
    """

    id: str
    program: Program
    stored: Stored
    run: Run
    started_at: int
    deadline: Deadline
    seq: int = 0
    status: RunStatus = RunStatus.RUNNING
    error_message: str = ""
    tool_calls: int = 0
    tokens: int = 0
    once: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    used_once: bool = False
    spoken: list[str] = field(default_factory=list)

    def answer(self, now_ms: int) -> Answer:
        """What became of the message that started it, as far as it has come."""
        return Answer(
            run_id=self.id,
            status=self.status.value,
            messages=tuple(self.spoken),
            error=self.error_message,
            tool_calls=self.tool_calls,
            tokens=self.tokens,
            latency_ms=now_ms - self.stored.message.received_at,
        )
