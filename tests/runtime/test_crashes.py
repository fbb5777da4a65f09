"""Crashes: the process dies right after any commit there is, starts again, and the story ends the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from botctl.engine.trace import story_json, story_of
from botctl.runtime.app import App
from botctl.store import events, handoffs, runs, schedules, steps
from botctl.store.database import connect, transaction
from tests.runtime.test_delegation import hire
from tests.runtime.world import HeldClock, Mailbag, app_of, incoming, live_until, write_bot

WORKFLOW = """
nodes:
  - {id: t, type: trigger}
  - {id: ask, type: llm_call, data: {prompt: "kind of {{message}}", outputVariable: kind}}
  - {id: p, type: parallel}
  - {id: pay, type: mcp_tool, data: {toolName: functions__pay, outputVariable: paid}}
  - {id: other, type: delegate_to_bot, data: {target_bot_id: helper, outputVariable: help}}
  - {id: note, type: action, data: {actionType: create_ticket, subject: "about {{message}}"}}
  - {id: each, type: loop, data: {loopType: count, iterations: 2, itemVariable: i}}
  - {id: line, type: mcp_tool, data: {toolName: functions__pay, outputVariable: paid_line}}
  - {id: told, type: send_message, data: {message: "line {{i}}"}}
  - {id: later, type: schedule_message, data: {message: "how was {{message}}?", delay_minutes: 60}}
  - {id: ho, type: action, data: {actionType: human_handoff, reason: "send {{kind.text}}?"}}
  - {id: hold, type: logic, data: {logicType: wait}}
  - {id: done, type: send_message, data: {message: "{{kind.text}} {{help}} {{handoff.by}} {{message}}"}}
edges:
  - t -> ask
  - ask -> p
  - p -> pay
  - p -> other
  - p -> note
  - pay -> each
  - other -> each
  - note -> each
  - each.loop_body -> line
  - line -> told
  - each.loop_done -> later
  - later -> ho
  - ho.approved -> hold
  - hold -> done
"""
HELPER = """
nodes:
  - {id: t, type: trigger}
  - {id: ask, type: llm_call, data: {prompt: "help with {{message}}", outputVariable: a}}
  - {id: say, type: send_message}
edges: [t -> ask, ask -> say]
"""
PAID = "paid"


class World:
    """What is outside of the process, and so outlives it: the chat, the till, the reviewer, the clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mailbag = Mailbag()
        self.clock = HeldClock()
        module = f"ledger_{abs(hash(str(folder)))}"
        folder.mkdir()
        (folder / f"{module}.py").write_text(
            f"""
import pathlib
ledger = pathlib.Path({str(folder / PAID)!r})
async def pay():
    with ledger.open("a") as file:
        file.write("x")
    return "ok"
"""
        )
        (folder / "workspaces").mkdir()
        (folder / "workspaces" / "w.yaml").write_text(
            f"name: w\\nfunctions: {{pay: {{python: '{module}:pay'}}}}\\n".replace("\\n", "\n")
        )
        llm = "llm: {provider: scripted, script: script.yaml}"
        write_bot(folder, WORKFLOW, f"workspace: w\n{llm}")
        hire(folder, "helper", HELPER)
        with (folder / "bots" / "helper" / "bot.yaml").open("a") as file:
            file.write(f"{llm}\n")
        for name, reply in (("b", "books"), ("helper", "helped")):
            (folder / "bots" / name / "script.yaml").write_text(f"- reply: {reply}\n")

    @property
    def payments(self) -> int:
        ledger = self.folder / PAID
        return len(ledger.read_text()) if ledger.exists() else 0


async def live(world: World, app: App) -> None:
    """All that happens from outside, as often as it takes: what was done before is not done again."""
    await app.inbox.accept(incoming("books", key="m1"))
    await app.settle()
    while await _operate(world, app) or await _decide(app):
        app.look()
        await app.settle()
    await app.inbox.accept(incoming("thanks", key="m2"))
    await app.settle()
    while await _operate(world, app):
        app.look()
        await app.settle()
    if app.database.read(lambda connection: schedules.next_due(connection, ["b"])) is not None:
        world.clock.advance(3600)
        while app.database.read(lambda connection: schedules.next_due(connection, ["b"])) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await app.settle()


async def _decide(app: App) -> bool:
    """The reviewer says yes, in another process."""
    with closing(connect(app.state_folder / "state.db")) as other, transaction(other):
        rows = handoffs.latest(other, status="pending")
        for row in rows:
            handoffs.decide(other, row.id, status="approved", by="ada", now_ms=app.clock.now_ms())
        return bool(rows)


async def _operate(world: World, app: App) -> bool:
    """A person looks up what became of what is in doubt, and says so."""
    with closing(connect(app.state_folder / "state.db")) as other, transaction(other):
        rows = runs.latest(other, bot=None, status="error", most=9, in_doubt=True)
        for row in rows:
            journal = steps.of_run(other, row.seq)
            finished = sum(1 for step in journal if "pay" in (step.input or "") and not step.error)
            value = {"result": "ok"} if world.payments > finished else {"again": True}
            events.add(other, runner="b", run=row.seq, kind="retry", value=value, now_ms=0)
        return bool(rows)


def tell(app: App) -> dict[str, Any]:
    """How it ended."""
    rows = app.database.read(lambda connection: runs.latest(connection, bot="b", status=None, most=9))
    whole = app.database.read(lambda connection: runs.get(connection, rows[0].seq))
    story = story_json(app.database.read(lambda connection: story_of(connection, whole)))
    said = app.database.read(
        lambda connection: connection.execute(
            "SELECT text FROM outbox WHERE said_by <> 'bot' ORDER BY seq"
        ).fetchall()
    )
    log = [step for step in story["execution_log"] if step["error"] is None]
    return {
        "runs": len(rows),
        "status": story["status"],
        "variables": {name: value for name, value in story["variables"].items() if name != "handoff"},
        "tickets": len(story["tickets"]),
        "said": [text for (text,) in said],
        "nodes": sorted({step["node"] for step in log}),
    }


class Died(Exception):
    """The process died here."""


def one_life(world: World, dies_after: int) -> dict[str, Any] | None:
    """One life of the process, until it dies right after so many commits (0: it does not); None if it did."""

    async def story(app: App) -> dict[str, Any]:
        await live(world, app)
        app.database.after_commit = None
        return tell(app)

    app = app_of(world.folder, world.mailbag, world.clock)
    told: dict[str, Any] | None = live_until(app, story, dies_after)
    return told


def repeated(mailbag: Mailbag) -> int:
    """How many messages were sent more than once."""
    counted = Counter(message.id for message in mailbag.sent)
    return sum(number - 1 for number in counted.values())


def test_whatever_commit_the_process_dies_after_the_story_ends_the_same(tmp_path: Path) -> None:
    whole = World(tmp_path / "whole")
    expected = one_life(whole, 0)
    assert expected is not None and expected["status"] == "completed"
    assert (whole.payments, repeated(whole.mailbag)) == (3, 0)

    commits = 0
    while True:
        commits += 1
        world = World(tmp_path / f"dies-{commits}")
        told = one_life(world, commits)
        if told is not None:
            break
        told = one_life(world, 0)
        assert told == expected, f"after dying at commit {commits}"
        assert world.payments == whole.payments, f"after dying at commit {commits}"
        assert repeated(world.mailbag) <= 1, f"after dying at commit {commits}"

    assert commits > 25


def test_dying_again_and_again_changes_nothing_either(tmp_path: Path) -> None:
    for step in (6, 7, 9):
        world = World(tmp_path / f"every-{step}")
        told, deaths = None, 0
        while told is None:
            told = one_life(world, step)
            deaths += told is None
            assert deaths < 30, "it does not get anywhere"
        assert told["status"] == "completed"
        assert (world.payments, told["tickets"]) == (3, 1)
        assert repeated(world.mailbag) <= deaths
