"""The dashboard with a hundred thousand runs: every page is little work."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from botctl.clock import StandingClock
from botctl.engine.run import Run
from botctl.project.load import load_project_file
from botctl.runtime.standing import BotShape
from botctl.secrets import Environment
from botctl.store.database import Database, connect, open_database
from botctl.web.access import Access, Reviewer
from botctl.web.api_gate import Tries
from botctl.web.api_operation import Desk
from botctl.web.office import Office, Page, Visit
from botctl.web.pages import PAGES
from botctl.web.rendering import Rendering

RUNS = 100_000
PEOPLE = 20_000
WORK = 0.3
"""Seconds of work that a page may be."""
NOW = 1_767_225_600_000
STATE = Run(variables={"message": "hello", "order": {"id": 1042}}).to_json()
WORKFLOW = """
nodes:
  - {id: t, type: trigger, data: {triggerType: message_received}}
  - {id: say, type: send_message, data: {message: "hello"}}
edges: [t -> say]
"""
PATHS = (
    "/handoffs",
    "/handoffs?status=all",
    "/handoffs?status=expired",
    "/handoffs/h0000000001",
    "/runs",
    "/runs?before=50000",
    "/runs?status=error",
    "/runs?status=completed&bot=b",
    "/runs?trouble=in_doubt",
    "/runs?trouble=undelivered",
    "/runs?search=message+77777",
    "/runs?search=nobody+ever+said+this",
    "/runs/r0000050000",
    "/conversations",
    "/conversations?bot=b",
    "/conversations/777",
    "/schedules",
    "/schedules?which=all",
    "/letters",
    "/usage",
    "/usage?days=365",
    "/bots",
)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state file with a hundred thousand runs."""
    path = tmp_path_factory.mktemp("large") / "state.db"
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        _fill(connection)
        connection.execute("COMMIT")
    yield path


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_a_hundred_thousand_runs_is_little_work(state: Path, path: str) -> None:
    spent = asyncio.run(_work(state, path, Reviewer(name="ada")))

    assert spent < WORK


@pytest.mark.parametrize(
    "path", ["/runs", "/runs?search=message+77777", "/conversations", "/letters", "/usage"]
)
def test_a_page_for_who_may_see_some_bots_only_is_little_work_too(state: Path, path: str) -> None:
    spent = asyncio.run(_work(state, path, Reviewer(name="eve", bots=("c", "d"))))

    assert spent < WORK


async def _work(state: Path, path: str, reviewer: Reviewer) -> float:
    """The seconds of processor time that a page takes, the best of three."""
    database = await open_database(state)
    try:
        office = office_of(state, database, asyncio.Event())
        rendering = Rendering(str)
        where, _, text = path.partition("?")
        query = dict(one.replace("+", " ").split("=") for one in text.split("&") if one)
        page = next(page for page in PAGES if _is_at(page, where))
        visit = Visit(
            office=office,
            reviewer=reviewer,
            cookie="",
            id=where.rpartition("/")[2] if "{id}" in page.path else "",
            path=where,
            query=query,
            found=[BotShape(bot="b")],
        )
        around = {
            "visit": visit,
            "csrf": "",
            "told": "",
            "bots": ["b", "c"],
            "to_decide": 1,
            "dead": 1,
            "root": "/",
        }
        spent = []
        for _ in range(3):
            began = time.process_time()
            with closing(connect(state)) as connection:
                values = page.show(visit, connection)
            rendering.page(page.template, {**around, **values})
            spent.append(time.process_time() - began)
        return min(spent)
    finally:
        await database.close()


def _is_at(page: Page, where: str) -> bool:
    start, is_one, _ = page.path.partition("{id}")
    return where.startswith(start) and where != start if is_one else page.path == where


def office_of(state: Path, database: Database, closing_time: asyncio.Event) -> Office:
    """What the pages of a state file work with, for its owner."""
    project = load_project_file(state.parent, Environment({}))

    async def standing() -> list[BotShape]:
        return []

    clock = StandingClock(NOW)
    return Office(
        desk=Desk(
            database=database,
            clock=clock,
            state_folder=state.parent,
            look=lambda: None,
            standing=standing,
            faults=dict,
        ),
        access=Access(project.spec.dashboard, Environment({}), b"k" * 32, clock),
        tries=Tries(clock),
        public_url="",
        host="127.0.0.1",
        bots=lambda: ["b", "c"],
        mask=str,
        closing=closing_time,
    )


def _fill(connection: sqlite3.Connection) -> None:
    many = connection.executemany
    connection.execute("INSERT INTO definitions VALUES ('d', 'workflow.yaml', ?)", (WORKFLOW,))
    many(
        "INSERT INTO conversations (seq, bot, platform, channel_id, user_id, thread_id, user_name,"
        " started_at, last_at) VALUES (?, ?, 'telegram', ?, ?, '', ?, ?, ?)",
        ((n, "bcde"[n % 4], f"c{n}", f"u{n}", f"Person {n}", NOW, NOW + n) for n in range(1, PEOPLE + 1)),
    )
    numbers = range(1, RUNS + 1)
    many(
        "INSERT INTO inbox (seq, conversation, bot, platform, dedupe_key, text, rest, received_at, status,"
        " run) VALUES (?, ?, ?, 'telegram', ?, ?, '{}', ?, 'done', ?)",
        ((n, n % PEOPLE + 1, _bot(n), f"k{n}", f"message {n} of many words", NOW + n, n) for n in numbers),
    )
    many(
        "INSERT INTO runs (seq, id, bot, runner, kind, conversation, message, dealing, awaits_reply,"
        " definition, status, state, nodes_executed, nodes_total, started_at, finished_at, error_message,"
        " in_doubt, tokens) VALUES (?, ?, ?, ?, 'workflow', ?, ?, ?, 0, 'd', ?, ?, 2, 2, ?, ?, ?, ?, 10)",
        (
            (n, f"r{n:010d}", _bot(n), _bot(n), n % PEOPLE + 1, n, n, *_end(n), int(n % 5000 == 0))
            for n in numbers
        ),
    )
    many(
        "INSERT INTO steps VALUES (?, ?, ?, ?, 'send_message', '', '', 'next', ?, 100, NULL, NULL, '{}',"
        " NULL, 0, 0, '', 0, NULL, NULL)",
        ((n, s, s, ("t", "say")[s], NOW) for n in numbers for s in (0, 1)),
    )
    many(
        "INSERT INTO outbox (seq, id, bot, platform, channel_id, conversation, run, said_by, text, rest,"
        " created_at, status) VALUES (?, ?, ?, 'telegram', 'c', ?, ?, 'node', 'hello', '{}', ?, ?)",
        (
            (n, f"o{n:010d}", _bot(n), n % PEOPLE + 1, n, NOW + n, "dead" if n % 2000 == 0 else "sent")
            for n in numbers
        ),
    )
    many(
        "INSERT INTO usage (bot, runner, run, conversation, user, provider, model, tokens_input,"
        " tokens_output, micro_cents, in_doubt, at) VALUES (?, ?, ?, ?, 'u', 'p', ?, 100, 10, 5000, 0, ?)",
        (
            (_bot(n), _bot(n), f"r{n:010d}", n % PEOPLE + 1, f"m{n % 5}", NOW - n % 360 * 86_400_000)
            for n in numbers
        ),
    )
    many(
        "INSERT INTO handoffs (id, bot, runner, run, conversation, node, frame, reason, ways_out, variables,"
        " shown_hash, reviewers, notify, escalate, requester, allow_self, created_at, expires_at, status)"
        " VALUES (?, ?, ?, ?, ?, 'n', '', 'why', '{}', '{}', 'h', '[]', '[]', '[]', '', 0, ?, ?, ?)",
        (
            (f"h{n:010d}", _bot(n), _bot(n), n, n % PEOPLE + 1, NOW, NOW, "pending" if n % 40 else "expired")
            for n in range(1, 20_001)
        ),
    )
    many(
        "INSERT INTO schedules (id, bot, platform, channel_id, user_id, thread_id, conversation, run, key,"
        " text, next_at, every, timezone, status, created_at)"
        " VALUES (?, ?, 'telegram', 'c', 'u', '', ?, ?, '', 'later', ?, '', 'UTC', 'pending', ?)",
        ((f"s{n:010d}", _bot(n), n % PEOPLE + 1, n, NOW + n, NOW) for n in range(1, 20_001)),
    )


def _bot(number: int) -> str:
    return "bcde"[(number % PEOPLE + 1) % 4]


def _end(number: int) -> tuple[str, str, int, int, str]:
    """Status, state, start, end and error of a run."""
    status, error = ("error", "it broke") if number % 1000 == 0 else ("completed", "")
    return status, STATE, NOW + number, NOW + number, error
