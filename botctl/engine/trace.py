"""The trace: a run told from what the store holds of it, as JSON or as text."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import asdict

from botctl.clock import to_iso
from botctl.engine.run import FAILED, Run, RunStatus, run_from_json
from botctl.engine.shapes import RunShape, SentShape, StepShape, StoryShape, TicketShape, conversation_shape
from botctl.llm.pricing import format_money, to_cents
from botctl.messages import ConversationKey
from botctl.store import conversations, inbox, outbox, runs, steps, usage
from botctl.store.outbox import OutboxRow
from botctl.store.runs import RunRow
from botctl.store.steps import StepRow


class Story(Struct, frozen=True, kw_only=True):
    """All that is known of a run. said: what left, or is to leave; ticket: (id, subject)."""

    row: RunRow
    run: Run
    conversation: ConversationKey
    message: str
    steps: list[StepRow]
    said: list[OutboxRow]
    tickets: list[tuple[str, str]]
    parent: str
    children: list[str]
    micro_cents: int | None


def story_of(connection: sqlite3.Connection, row: RunRow) -> Story:
    """Gather a run's story."""
    return Story(
        row=row,
        run=run_from_json(row.state),
        conversation=conversations.key_of(connection, row.conversation),
        message=inbox.get(connection, row.message).message.text,
        steps=steps.of_run(connection, row.seq),
        said=outbox.of_run(connection, row.seq),
        tickets=list(runs.tickets_of(connection, row.seq)),
        parent=runs.get(connection, row.parent).id if row.parent is not None else "",
        children=runs.ids_of(connection, parent=row.seq),
        micro_cents=usage.cost_of_run(connection, row.id),
    )


def can_be_retried(row: RunRow) -> bool:
    """Whether a run failed at a node, so that it can be taken up there."""
    return row.status in FAILED and run_from_json(row.state).stuck is not None


def run_shape(row: RunRow, conversation: ConversationKey) -> RunShape:
    """A run as lists of them tell it."""
    return RunShape(
        id=row.id,
        bot=row.bot,
        status=RunStatus(row.status),
        kind=row.kind,
        conversation=conversation_shape(conversation),
        started_at=to_iso(row.started_at),
        duration_ms=row.finished_at - row.started_at if row.finished_at is not None else None,
        nodes_executed=row.nodes_executed,
        error_message=row.error_message,
    )


def story_shape(story: Story) -> StoryShape:
    """A run with all that is known of it."""
    run = story.run
    said = [one.text for one in story.said if one.said_by == "node"]
    return StoryShape(
        **asdict(run_shape(story.row, story.conversation)),
        nodes_total=story.row.nodes_total,
        message=story.message,
        waves=waves_of(
            [step for step in story.steps if story.row.kind != "agent" or step.type not in AGENT_PARTS]
        ),
        not_followed=[list(edge) for edge in run.not_followed],
        messages=said + [one.text for one in run.said],
        sent=[
            SentShape(
                id=one.id,
                text=one.text,
                status=one.status,
                sent_at=to_iso(one.sent_at) if one.sent_at is not None else None,
                error=one.error,
            )
            for one in story.said
        ],
        variables=run.variables,
        tickets=[TicketShape(id=id, subject=subject) for id, subject in story.tickets],
        waiting=_waiting(story),
        parent=story.parent or None,
        children=story.children,
        cost_cents=to_cents(story.micro_cents),
        execution_log=[_step_shape(step) for step in story.steps],
    )


def row_json(row: RunRow, conversation: ConversationKey) -> dict[str, Any]:
    """A run as `runs list --json` has it (INTERFACES, JSON of the CLI)."""
    told: dict[str, Any] = to_builtins(run_shape(row, conversation))
    return told


def story_json(story: Story) -> dict[str, Any]:
    """A run as `runs show --json` has it (INTERFACES, JSON of the CLI)."""
    told: dict[str, Any] = to_builtins(story_shape(story))
    return told


AGENT_PARTS = frozenset({"llm_call", "mcp_tool", "delegate_to_bot"})
"""Types of the rows that tell the parts of an agent's step."""


def waves_of(journal: list[StepRow]) -> list[list[str]]:
    """The ids of the nodes executed, wave by wave."""
    waves: dict[int, list[str]] = {}
    for step in journal:
        waves.setdefault(step.wave, []).append(step.node)
    return [waves[number] for number in sorted(waves)]


def story_text(story: Story) -> str:
    """A run as a tree: one branch per wave, one leaf per node, what it wrote and what went wrong below it."""
    row, run = story.row, story.run
    duration = _duration((row.finished_at - row.started_at) * 1000) if row.finished_at is not None else "…"
    key = story.conversation
    lines = [
        f"run {row.id}  {row.bot}  {row.status}  {duration}  {to_iso(row.started_at)}",
        f"  {key.platform} {key.channel_id}, user {key.user_id}: {_short(story.message, 200)}",
        f"  {row.nodes_executed} executions, {row.nodes_total} nodes,"
        f" {row.tool_calls} tool calls, {row.tokens} tokens" + _price(story.micro_cents),
    ]
    wave = -1
    for step in story.steps:
        if step.wave != wave:
            wave = step.wave
            lines.append(f"  wave {wave + 1}")
        lines += _step_lines(step)
    lines += [f"  waits at {node}" for node in _waiting(story)]
    lines += [
        f"  not followed: {source} -> {target}, it had already run" for source, target in run.not_followed
    ]
    lines += [f"  ticket {id}: {subject}" for id, subject in story.tickets]
    lines += [
        f"  {one.status}: {_short(one.text, 300)}" + (f" ({one.error})" if one.error else "")
        for one in story.said
    ]
    if row.error_message:
        lines.append(f"  error: {row.error_message}")
    return "\n".join(lines)


def _price(micro_cents: int | None) -> str:
    return f", {format_money(micro_cents)}" if micro_cents else ""


def _waiting(story: Story) -> list[str]:
    """The nodes that wait; none of a run that was cancelled while it did."""
    if story.row.status not in (RunStatus.RUNNING, RunStatus.WAITING):
        return []
    return [token.node for token in story.run.tokens if token.waiting]


def _step_lines(step: StepRow) -> list[str]:
    frame = "".join(f" {loop}[{index}]" for loop, index in json.loads(step.frame)) if step.frame else ""
    handle = f" -> {step.handle}" if step.handle not in ("", "next") else ""
    tokens = (
        f"  {step.tokens_input}+{step.tokens_output} tokens"
        if step.tokens_input or step.tokens_output
        else ""
    )
    retries = f"  {step.retries} retries" if step.retries else ""
    label = f' "{step.label}"' if step.label else ""
    lines = [
        f"    {step.node} ({step.type}){label}{frame}{handle}  {_duration(step.duration_us)}{tokens}{retries}"
    ]
    lines += _call_lines(step)
    lines += [f"        {name} = {_short(value, 160)}" for name, value in _parts(step.writes)]
    if step.error is not None:
        lines.append(f"        error: {step.error}")
    lines += [f"        note: {note}" for note in _loaded(step.notes) or ()]
    return lines


def _call_lines(step: StepRow) -> list[str]:
    """Of a tool call what it was called with, and what it gave where no variable tells it."""
    call = _loaded(step.input)
    if step.type != "mcp_tool" or not isinstance(call, dict) or "tool" not in call:
        return []
    arguments = json.dumps(call.get("arguments"), ensure_ascii=False)
    lines = [f"        {call['tool']} with {_short(arguments, 160)}"]
    output = _loaded(step.output)
    if step.writes is None and step.error is None and output is not None:
        text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        lines.append(f"        gave {_short(text, 160)}")
    return lines


def _parts(writes: str | None) -> list[tuple[str, str]]:
    value = _loaded(writes)
    if not isinstance(value, dict):
        return []
    return [(name, json.dumps(part, ensure_ascii=False)) for name, part in value.items()]


def _step_shape(step: StepRow) -> StepShape:
    return StepShape(
        seq=step.seq,
        wave=step.wave,
        node=step.node,
        type=step.type,
        label=step.label,
        frame=json.loads(step.frame) if step.frame else [],
        handle=step.handle,
        started_at=to_iso(step.started_at),
        duration_ms=step.duration_us / 1000,
        input=_loaded(step.input),
        output=_loaded(step.output),
        writes=_loaded(step.writes),
        notes=_loaded(step.notes) or [],
        tokens_input=step.tokens_input,
        tokens_output=step.tokens_output,
        model=step.model,
        cost=to_cents(step.micro_cents),
        retries=step.retries,
        error=step.error,
    )


def _loaded(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _short(text: str, length: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def _duration(microseconds: float) -> str:
    if microseconds < 1000:
        return f"{microseconds / 1000:.2f} ms"
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.0f} ms"
    return f"{microseconds / 1_000_000:.1f} s"
