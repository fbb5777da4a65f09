"""The examples that need people, time and other bots, run as their notes say, with real MCP servers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from botctl.clock import Clock, SystemClock
from botctl.runtime.app import App
from botctl.store import handoffs, schedules
from tests.identity.world import ProviderServer, Reply, Request
from tests.runtime.test_delegation import hire
from tests.runtime.test_handoffs import decide
from tests.runtime.test_waits import say, stories
from tests.runtime.world import HeldClock, Mailbag, app_of

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "tests" / "examples" / "constructed"


def project(folder: Path, example: str, *servers: str, script: str = "- reply: ok\n", more: str = "") -> None:
    """A bot `b` with an example for its workflow, and a workspace with these servers."""
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True)
    shutil.copy(next(EXAMPLES.glob(f"{example}*")), bot / "workflow.json")
    (bot / "script.yaml").write_text(script)
    llm = "llm: {provider: scripted, script: script.yaml}"
    (bot / "bot.yaml").write_text(f"name: b\nworkspace: w\nworkflow: workflow.json\n{llm}\n{more}\n")
    (folder / "workspaces").mkdir()
    declared = "".join(
        f"  {name}: {{command: python, args: [-m, tests.fakes.tool_server, {name}], cwd: '{ROOT}'}}\n"
        for name in servers
    )
    (folder / "workspaces" / "w.yaml").write_text(
        f"name: w\nservers:\n{declared}" if servers else "name: w\n"
    )


def live(folder: Path, story: Callable[[App, Mailbag], Awaitable[Any]], clock: Clock | None = None) -> Any:
    """What a story returns that happens while the bot runs."""

    async def whole() -> Any:
        mailbag = Mailbag()
        async with app_of(folder, mailbag, clock or SystemClock()) as app, asyncio.timeout(30):
            return await story(app, mailbag)

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("email", "decision", "ending"),
    [
        ("small@example.com", "", "Refund re_o7 issued."),
        ("big@example.com", "approved", "Refund re_o7 issued."),
        ("big@example.com", "rejected", "The refund was declined."),
    ],
)
def test_c02_a_refund_needs_an_identity_and_a_large_one_a_person(
    tmp_path: Path, email: str, decision: str, ending: str
) -> None:
    codes: list[str] = []

    def resend(request: Request) -> Reply:
        assert request.headers["authorization"] == "Bearer re_123456"
        codes.append("".join(filter(str.isdigit, request.document["text"]))[:6])
        return Reply(200, {"id": "mail-1"})

    async def story(app: App, mailbag: Mailbag) -> dict[str, Any]:
        for text in ("I want my money back", email, codes and codes[-1]):
            await say(app, str(text or codes[-1]))
        if decision:
            row = app.database.read(lambda connection: handoffs.latest(connection, status="pending"))[0]
            assert row.reason == f"Refund $900 for {email}"
            decide(app, decision)
        while not mailbag.texts or mailbag.texts[-1] != ending:
            await mailbag.holds(len(mailbag.texts) + 1)
        await app.settle()
        return dict(stories(app)[0])

    async def with_resend() -> dict[str, Any]:
        async with ProviderServer(resend) as server:
            settings = f"{{api_key: re_123456, sender: shop@example.com, base_url: '{server.url}'}}"
            project(tmp_path, "c02", "database", "stripe", more=f"identity: {{resend: {settings}}}")
            mailbag = Mailbag()
            async with app_of(tmp_path, mailbag, SystemClock()) as app, asyncio.timeout(30):
                return await story(app, mailbag)

    told = asyncio.run(with_resend())

    assert told["status"] == "completed"
    assert told["variables"]["verified_identity"] == email


@pytest.mark.parametrize(
    ("intent", "said"),
    [("billing", "billing got billing"), ("Tech ", "tech got Tech"), ("else", "else")],
)
def test_c03_the_reception_hands_over_to_the_bot_that_knows(tmp_path: Path, intent: str, said: str) -> None:
    project(tmp_path, "c03", script=f'- reply: "{intent}"\n')
    for name in ("billing", "tech", "hr"):
        workflow = f"""
nodes:
  - {{id: t, type: trigger}}
  - {{id: s, type: send_message, data: {{message: "{name} got {{{{intent}}}}"}}}}
edges: [t -> s]
"""
        hire(tmp_path, f"{name}-bot", workflow, f"bt_{name}")

    async def story(app: App, mailbag: Mailbag) -> list[str]:
        await say(app, "please")
        await app.settle()
        return [text.strip() for text in mailbag.texts]

    assert live(tmp_path, story) == [said]


def test_c04_reminders_come_a_day_before_and_an_hour_after_and_survive_a_restart(tmp_path: Path) -> None:
    project(tmp_path, "c04", "calendar")
    clock = HeldClock()  # 2026-01-01T00:00Z

    async def book(app: App, mailbag: Mailbag) -> list[str]:
        await say(app, "an appointment please")
        await app.settle()
        return mailbag.texts

    async def wait(app: App, mailbag: Mailbag) -> list[str]:
        clock.advance(3600)
        await mailbag.holds(1)
        clock.advance(34 * 3600)
        await mailbag.holds(2)
        await app.settle()
        left = app.database.read(lambda connection: schedules.next_due(connection, ["b"]))
        assert left is None
        return mailbag.texts

    assert live(tmp_path, book, clock) == ["Booked 2026-01-03T10:00:00Z."]
    assert live(tmp_path, wait, clock) == [
        "In one hour: 2026-01-03T10:00:00Z",
        "Tomorrow: 2026-01-03T10:00:00Z",
    ]


@pytest.mark.parametrize(
    ("message", "severity", "said"),
    [
        ('the "shop" is slow', "P3", ["Logged P-18."]),
        ("fire", "P1", ["Logged P-4."]),
        ("all is down", "P3", ["Could not reach a downstream system.", "Logged {{incident.id}}."]),
    ],
)
def test_c06_an_incident_is_logged_told_and_for_p1_asked_about(
    tmp_path: Path, message: str, severity: str, said: list[str]
) -> None:
    slack = "platforms: {console: {}, slack: {bot_token: '${NO_TOKEN:-}', app_token: '${NO_TOKEN:-}'}}"
    project(tmp_path, "c06", "pagerduty", script=f"- reply: {severity}\n", more=slack)

    async def story(app: App, mailbag: Mailbag) -> tuple[list[str], list[str], str]:
        await say(app, message)
        if severity == "P1":
            decide(app, "approved")
            await mailbag.holds(1)
        await app.settle()
        elsewhere = app.database.read(
            lambda c: c.execute("SELECT platform, channel_id, text FROM outbox WHERE said_by = 'order'")
        ).fetchall()
        return mailbag.texts, ["/".join(row) for row in elsewhere], str(stories(app)[0]["status"])

    told, elsewhere, status = live(tmp_path, story)

    assert told == said
    assert elsewhere == [f"slack/ops-alerts/{severity}: {message}"]
    assert status == "completed"
