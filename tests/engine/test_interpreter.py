"""The shell around the transitions: overlap in time, once, retries, deadlines, crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from botctl.clock import StandingClock, SystemClock
from botctl.engine.interpreter import Interpreter
from botctl.errors import OutsideError
from botctl.store import inbox, runs
from botctl.store.database import Database, open_database
from botctl.tools.tool import Tool
from tests.engine.world import Shelf, graph_of, message_of, play, program_of

TRIGGER = {"id": "t", "type": "trigger", "data": {"triggerType": "message_received"}}


def _tool(id: str, name: str) -> dict[str, Any]:
    return {"id": id, "type": "mcp_tool", "data": {"toolName": name, "outputVariable": f"v_{id}"}}


def _say(id: str, text: str) -> dict[str, Any]:
    return {"id": id, "type": "send_message", "data": {"message": text}}


def _edges(*pairs: str) -> list[dict[str, str]]:
    return [dict(zip(("source", "target"), pair.split(">"), strict=True)) for pair in pairs]


def test_the_nodes_of_a_wave_overlap_in_time() -> None:
    both_there = asyncio.Barrier(2)

    async def meet() -> str:
        await both_there.wait()
        return "met"

    workflow = {
        "nodes": [TRIGGER, _tool("a", "s__meet"), _tool("b", "s__meet"), _say("m", "{{v_a}} {{v_b}}")],
        "edges": _edges("t>a", "t>b", "a>m", "b>m"),
    }

    told = play(workflow, tools=Shelf(s__meet=meet), timeout=5)

    assert (told["status"], told["messages"]) == ("completed", ["met met"])


def test_a_node_that_hangs_is_stopped_at_the_deadline_of_the_turn() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    workflow = {"nodes": [TRIGGER, _tool("a", "s__hang"), _say("m", "after")], "edges": _edges("t>a", "a>m")}

    told = play(workflow, tools=Shelf(s__hang=hang), timeout=0.05)

    assert told["status"] == "error"
    assert told["error_message"] == "the 0.05 s of this turn were used up (`timeout` in bot.yaml)"
    assert [sent["text"] for sent in told["sent"]] == ["fallback"]


def test_the_error_path_has_time_left_when_the_turn_has_none() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    async def help() -> str:
        await asyncio.sleep(0)
        return "helped"

    nodes = [TRIGGER, _tool("a", "s__hang"), _tool("b", "s__help"), _say("m", "{{v_b}}: {{error.message}}")]
    edges = [*_edges("t>a", "b>m"), {"source": "a", "target": "b", "sourceHandle": "error"}]

    told = play({"nodes": nodes, "edges": edges}, tools=Shelf(s__hang=hang, s__help=help), timeout=0.05)

    late = "the 0.05 s of this turn were used up (`timeout` in bot.yaml)"
    assert (told["status"], told["messages"]) == ("completed", [f"helped: {late}"])


def test_a_bug_in_a_tool_ends_the_run_and_not_the_process(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oh")

    workflow = {"nodes": [TRIGGER, _tool("a", "s__broken")], "edges": _edges("t>a")}

    told = play(workflow, tools=Shelf(s__broken=broken))

    assert told["error_message"] == "internal error: ZeroDivisionError: oh"


async def _start(database: Database, shelf: Shelf, clock: StandingClock | SystemClock) -> tuple[str, str]:
    workflow = {
        "nodes": [TRIGGER, _tool("a", "s__pay"), _say("m", "paid {{v_a}}")],
        "edges": _edges("t>a", "a>m"),
    }
    interpreter = Interpreter(database, clock, lambda leaving: None)
    stored, _ = await database.write(lambda connection: inbox.add(connection, message_of("x")))
    life = await interpreter.begin(program_of(graph_of(workflow), tools=shelf), stored)
    return life.status.value, life.error_message


def _in_a_store(tmp_path: Path, story: Callable[[Database], Any]) -> Any:
    async def whole() -> Any:
        database = await open_database(tmp_path / "state.db")
        try:
            return await story(database)
        finally:
            await database.close()

    return asyncio.run(whole())


def test_a_call_that_surely_was_not_executed_is_tried_again(tmp_path: Path) -> None:
    tries = 0

    def pay() -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OutsideError("connection refused", retryable=True, not_executed=True)
        return "5 euros"

    told = _in_a_store(tmp_path, lambda database: _start(database, Shelf(s__pay=pay), StandingClock()))

    assert (told, tries) == (("completed", ""), 3)


def test_a_call_that_may_have_been_executed_is_in_doubt_and_not_repeated(tmp_path: Path) -> None:
    tries = 0

    def pay() -> str:
        nonlocal tries
        tries += 1
        raise OutsideError("no answer within 30 s", retryable=True)

    status, message = _in_a_store(
        tmp_path, lambda database: _start(database, Shelf(s__pay=pay), StandingClock())
    )

    assert (status, tries) == ("error", 1)
    assert message == "in doubt: no answer within 30 s; whether it was done is unknown"


class _Died(BaseException):
    """The process dies here."""


def test_whatever_commit_the_process_dies_after_the_story_ends_the_same_and_nobody_pays_twice(
    tmp_path: Path,
) -> None:
    endings = set()
    for number in range(1, 20):
        path = tmp_path / f"{number}.db"
        payments: list[int] = []
        died = asyncio.run(_die_after(path, number, payments))
        endings.add(asyncio.run(_take_up(path, payments)))
        assert len(payments) <= 1, f"paid twice after dying at commit {number}"
        if not died:
            break
    else:
        pytest.fail("the story never came to its end")

    assert {status for status, _ in endings} <= {"completed", "error"}
    assert ("completed", "paid 1") in endings


def _program(payments: list[int]) -> Any:
    def pay() -> int:
        payments.append(1)
        return len(payments)

    workflow = {
        "nodes": [TRIGGER, _tool("a", "s__pay"), _say("m", "paid {{v_a}}")],
        "edges": _edges("t>a", "a>m"),
    }
    return program_of(graph_of(workflow), tools=Shelf(s__pay=pay))


async def _die_after(path: Path, commits: int, payments: list[int]) -> bool:
    """Run the story and stop the world right after so many commits; whether it came to that."""
    database = await open_database(path)
    dead = asyncio.get_running_loop().create_future()
    left = commits

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0 and not dead.done():
            dead.set_result(None)
            database.after_commit = None
            raise asyncio.CancelledError

    database.after_commit = count

    async def live() -> None:
        interpreter = Interpreter(database, SystemClock(), lambda leaving: None)
        stored, _ = await database.write(lambda connection: inbox.add(connection, message_of("x")))
        await interpreter.begin(_program(payments), stored)

    life = asyncio.ensure_future(live())
    await asyncio.wait([life, dead], return_when=asyncio.FIRST_COMPLETED)
    died = dead.done()
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)
    await database.abandon()
    return died


async def _take_up(path: Path, payments: list[int]) -> tuple[str, str]:
    """Start again: what was left is finished; how the story ends."""
    database = await open_database(path)
    interpreter = Interpreter(database, SystemClock(), lambda leaving: None)
    program = _program(payments)
    interrupted = database.read(lambda connection: runs.unfinished(connection, "b"))
    for row in interrupted:
        stored = database.read(lambda connection, row=row: inbox.get(connection, row.message))
        await interpreter.recover(program, stored, row)
    if not interrupted:
        for stored in database.read(lambda connection: inbox.pending(connection, "b")):
            await interpreter.begin(program, stored)
    ended = database.read(lambda connection: runs.latest(connection, bot="b", status=None, most=10))
    said = database.read(lambda connection: connection.execute("SELECT text FROM outbox").fetchall())
    await database.close()
    assert len(ended) == 1 and len(said) == 1
    return ended[0].status, said[0][0]


def test_a_server_that_is_not_there_yet_is_asked_again_before_the_node_fails(tmp_path: Path) -> None:
    class LateShelf(Shelf):
        asked = 0

        async def find(self, name: str) -> Tool | None:
            self.asked += 1
            if self.asked < 3:
                raise OutsideError("connection refused", retryable=True, not_executed=True)
            return await super().find(name)

    shelf = LateShelf(s__pay=lambda: "5 euros")

    told = _in_a_store(tmp_path, lambda database: _start(database, shelf, StandingClock()))

    assert (told, shelf.asked, len(shelf.calls)) == (("completed", ""), 3, 1)
