"""Metrics: what is counted while bots run, as Prometheus reads it from the server."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from botctl.clock import StandingClock
from botctl.platforms.platform import SendError
from botctl.runtime.app import App
from botctl.runtime.metrics import Histogram, Metrics, MetricsPage, reason_class
from botctl.runtime.server import HttpServer
from botctl.store.database import open_database
from tests.agent.test_agent import agent, office  # noqa: F401 - a fixture
from tests.runtime.test_waits import say
from tests.runtime.world import HeldClock, Mailbag, in_an_app, incoming, write_bot

WAITS = """
nodes:
  - {id: t, type: trigger, data: {triggerType: message_received}}
  - {id: ask, type: action, data: {actionType: human_handoff, reason: "may I?"}}
  - {id: say, type: send_message, data: {message: "yes"}}
edges: [t -> ask, "ask.approved -> say", "ask.rejected -> say"]
"""
Samples = dict[tuple[str, ...], float]


async def page_of(app: App, token: str = "", **headers: str) -> httpx.Response:
    """What the server of an app gives for /metrics."""
    page = MetricsPage(app.telemetry.metrics, app.database, lambda: list(app.bots), token)
    server = HttpServer(host="127.0.0.1", port=0, connections={}, health=dict, routes=page.routes())
    await server.start()
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{server.url}/metrics", headers=headers)
    await server.stop()
    return response


def samples(text: str) -> Samples:
    """Each sample by its name and its labels' values, in the order of the labels' names; those of the process
    and those that are 0 left out."""
    return {
        (sample.name, *[value for _, value in sorted(sample.labels.items())]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("botctl_") and sample.value
    }


def counted(folder: Path, *texts: str, mailbag: Mailbag | None = None) -> Samples:
    """What /metrics tells after these messages."""

    async def story(app: App) -> str:
        for text in texts:
            await say(app, text)
        await app.settle()
        return (await page_of(app)).text

    return samples(in_an_app(folder, story, mailbag or Mailbag(), StandingClock()))


def test_messages_runs_and_what_left_are_counted(tmp_path: Path) -> None:
    write_bot(tmp_path)

    found = counted(tmp_path, "hello", "  ")

    durations = {key: found.pop(key) for key in list(found) if "duration" in key[0]}
    assert found == {
        ("botctl_messages_accepted_total", "b", "console"): 2,
        ("botctl_messages_ignored_total", "b", "console", "no_text"): 1,
        ("botctl_runs_total", "b", "workflow", "completed"): 1,
        ("botctl_outbox_sent_total", "b", "console"): 1,
    }
    assert durations[("botctl_turn_duration_seconds_count", "b", "workflow")] == 1
    assert durations[("botctl_run_duration_seconds_bucket", "b", "workflow", "+Inf")] == 1


def test_model_calls_tokens_and_tool_calls_are_counted(office: Path) -> None:  # noqa: F811
    found = counted(office, "the weather, please")

    calls = {key: value for key, value in found.items() if "model" in key[0] or "tool" in key[0]}
    names = {key[0] for key in calls}
    assert names == {"botctl_model_calls_total", "botctl_model_tokens_total", "botctl_tool_calls_total"}
    assert calls[("botctl_tool_calls_total", "b", "ok", "functions__look")] == 2
    assert calls[("botctl_model_calls_total", "b", "scripted", "ok", "scripted")] == 2


def test_what_waits_is_counted_when_it_is_asked(tmp_path: Path) -> None:
    write_bot(tmp_path, WAITS)

    found = counted(tmp_path, "a refund")

    standing = {key: value for key, value in found.items() if "wait" in key[0] or "pending" in key[0]}
    assert standing == {("botctl_runs_waiting", "b"): 1, ("botctl_handoffs_pending", "b"): 1}
    assert ("botctl_runs_total", "b", "workflow", "waiting") not in found


def test_what_did_not_leave_is_counted(tmp_path: Path) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()
    mailbag.faults = [SendError("busy", retry_after=1.0), SendError("blocked", permanent=True)]

    found = counted(tmp_path, "hello", mailbag=mailbag)

    left = {key: value for key, value in found.items() if "outbox" in key[0]}
    assert left == {
        ("botctl_outbox_retried_total", "b", "console"): 1,
        ("botctl_outbox_dead_total", "b", "console"): 1,
        ("botctl_outbox_dead_letters", "b"): 1,
    }


def test_a_message_that_comes_twice_is_accepted_once(tmp_path: Path) -> None:
    write_bot(tmp_path)

    async def story(app: App) -> Samples:
        for _ in range(2):
            await (await app.inbox.accept(incoming("hello", key="m:1"))).answer()
        return samples((await page_of(app)).text)

    found = in_an_app(tmp_path, story)

    assert {key[0]: value for key, value in found.items() if "messages" in key[0]} == {
        "botctl_messages_accepted_total": 1,
        "botctl_messages_repeated_total": 1,
    }


def test_the_page_speaks_the_format_that_it_names(tmp_path: Path) -> None:
    write_bot(tmp_path)

    async def story(app: App) -> list[tuple[str, bool]]:
        plain = await page_of(app)
        open_metrics = await page_of(app, accept="application/openmetrics-text; version=1.0.0")
        return [
            (response.headers["content-type"].partition(";")[0], response.text.endswith("# EOF\n"))
            for response in (plain, open_metrics)
        ]

    formats = in_an_app(tmp_path, story)

    assert formats == [("text/plain", False), ("application/openmetrics-text", True)]


def test_with_a_token_only_those_who_have_it_may_read(tmp_path: Path) -> None:
    write_bot(tmp_path)

    async def story(app: App) -> list[int]:
        sent = ("", "Bearer wrong", "Bearer right")
        return [(await page_of(app, "right", authorization=one)).status_code for one in sent]

    statuses = in_an_app(tmp_path, story)

    assert statuses == [401, 401, 200]


def test_no_gauge_reads_a_whole_table(tmp_path: Path) -> None:
    async def whole() -> list[str]:
        database = await open_database(tmp_path / "state.db")
        asked: list[str] = []
        database.read(lambda connection: connection.set_trace_callback(asked.append))
        list(MetricsPage(Metrics(HeldClock()), database, lambda: ["b"]).collect())
        database.read(lambda connection: connection.set_trace_callback(None))

        def plans(connection: sqlite3.Connection) -> list[str]:
            return [str(row[3]) for sql in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]

        found = database.read(plans)
        await database.close()
        return found

    plans = asyncio.run(whole())

    assert len(plans) >= 5
    assert [plan for plan in plans if "INDEX" not in plan] == []


def test_a_duration_is_in_the_bucket_of_its_bound_and_in_all_above() -> None:
    histogram = Histogram("h", "", (1.0, 2.0))

    for seconds in (0.5, 1.0, 1.5, 9.0):
        histogram.add(("b",), seconds)

    assert list(histogram.read()) == [(("b",), [("1.0", 2.0), ("2.0", 3.0), ("+Inf", 4.0)], 12.0)]


def test_a_reason_is_counted_by_its_class_and_never_by_its_words() -> None:
    reasons: dict[str, Any] = {
        "not allowed (`allow` in bot.yaml)": "not_allowed",
        "no text": "no_text",
        "kept for the reviewer of handoff abc": "kept_for_reviewer",
        "its files cannot be used": "unusable_files",
        "something about user 77": "other",
    }

    assert {reason: reason_class(reason) for reason in reasons} == reasons
