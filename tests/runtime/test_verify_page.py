"""The page of a link, over a real socket: it asks, its button verifies, once; nothing else does."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from botctl.project.workflow_file import pinned_graph
from botctl.runtime.server import HttpServer
from botctl.runtime.verify_page import VerifyPage, asks_by_link
from botctl.store import challenges, runs
from tests.runtime.gate_world import KEY, GateWorld, Talk, in_a_gate_world


class Visitor:
    """A user with a link, and a browser. woken: how often a run was to be woken."""

    def __init__(self, world: GateWorld, browser: httpx.AsyncClient, talk: Talk) -> None:
        self.world = world
        self.browser = browser
        self.talk = talk
        self.woken = 0

    @property
    def path(self) -> str:
        """The link as it was sent last, on this server."""
        return "/verify/" + self.world.carrier.token

    @property
    def events(self) -> list[tuple[Any, ...]]:
        """What was left for the run."""
        return self.world.rows("SELECT runner, run, kind, value FROM events")

    def wake(self) -> None:
        self.woken += 1


def visit(folder: Path, story: Callable[[Visitor], Awaitable[Any]]) -> Any:
    """What a story returns that begins when a link was sent."""

    async def served(world: GateWorld) -> Any:
        talk = await world.talk(method="link")
        await talk.say("ada@example.com")
        visitors: list[Visitor] = []
        page = VerifyPage(world.database, world.clock, KEY, lambda: visitors[0].wake())
        server = HttpServer(host="127.0.0.1", port=0, connections={}, health=dict, routes=page.routes())
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=10) as browser:
                visitors.append(Visitor(world, browser, talk))
                return await story(visitors[0])
        finally:
            await server.stop()

    return in_a_gate_world(folder, served)


def test_the_link_in_the_message_leads_to_the_public_address(tmp_path: Path) -> None:
    async def story(visitor: Visitor) -> tuple[str, str]:
        (delivery,) = visitor.world.carrier.carried
        return delivery.link, delivery.code

    link, code = visit(tmp_path, story)

    assert re.fullmatch(r"https://bots\.example\.com/verify/[A-Za-z0-9_-]{43}", link) and code == ""


def test_looking_at_the_page_verifies_nobody(tmp_path: Path) -> None:
    async def story(visitor: Visitor) -> tuple[list[int], list[Any], int]:
        looked = [
            (await visitor.browser.request(method, visitor.path)).status_code
            for method in ("GET", "HEAD", "GET", "PUT")
        ]
        return looked, visitor.events, visitor.woken

    assert visit(tmp_path, story) == ([200, 200, 200, 405], [], 0)


def test_the_button_verifies_and_wakes_the_run(tmp_path: Path) -> None:
    async def story(visitor: Visitor) -> tuple[int, bool, list[Any], int, str]:
        shown = await visitor.browser.get(visitor.path)
        pressed = await visitor.browser.post(visitor.path)
        ((_, _, _, value),) = events = visitor.events
        hash = re.findall(r'"token_hash":"(\w+)"', value)[0]
        told = await visitor.talk.press(hash)
        assert '<form method="post">' in shown.text
        return pressed.status_code, "go back to the chat with b" in pressed.text, events, visitor.woken, told

    status, is_thanked, ((runner, run, kind, _),), woken, told = visit(tmp_path, story)

    assert (status, is_thanked, runner, run, kind, woken, told) == (200, True, "b", 1, "link", 1, "verified")


async def _again(visitor: Visitor) -> str:
    await visitor.browser.post(visitor.path)
    return visitor.path


async def _expired(visitor: Visitor) -> str:
    visitor.world.clock.advance(600)
    return visitor.path


async def _unknown(visitor: Visitor) -> str:
    return visitor.path + "x"


async def _cancelled(visitor: Visitor) -> str:
    await visitor.talk.say("cancel")
    return visitor.path


async def _run_over(visitor: Visitor) -> str:
    run = visitor.talk.run
    await visitor.world.database.write(lambda connection: runs.cancel(connection, run, "", 0))
    return visitor.path


async def _newer(visitor: Visitor) -> str:
    path = visitor.path
    visitor.world.clock.advance(30)
    await visitor.talk.say("resend")
    assert visitor.path != path
    return path


async def _newer_that_was_limited(visitor: Visitor) -> str:
    for number in range(4):
        await (await visitor.world.talk(f"user {number}", method="link")).say("ada@example.com")
    path = "/verify/" + visitor.world.carrier.carried[0].link.rpartition("/")[2]
    visitor.world.clock.advance(30)
    await visitor.talk.say("resend")
    return path


@pytest.mark.parametrize(
    ("before", "status", "title"),
    [
        (_again, 410, "This link was used already"),
        (_expired, 410, "This link is no longer good"),
        (_unknown, 404, "There is no such link"),
        (_cancelled, 410, "This link is no longer good"),
        (_run_over, 410, "This link is no longer good"),
        (_newer, 410, "This link is no longer good"),
        (_newer_that_was_limited, 410, "This link is no longer good"),
    ],
)
def test_a_link_that_cannot_be_used_says_why_and_verifies_nobody(
    tmp_path: Path, before: Callable[[Visitor], Awaitable[str]], status: int, title: str
) -> None:
    async def story(visitor: Visitor) -> tuple[list[int], list[str], bool, int]:
        path = await before(visitor)
        left = len(visitor.events)
        answers = [await visitor.browser.request(method, path) for method in ("GET", "POST")]
        titles = [re.findall("<h1>(.*)</h1>", answer.text)[0] for answer in answers]
        has_form = any("<form" in answer.text for answer in answers)
        return [answer.status_code for answer in answers], titles, has_form, len(visitor.events) - left

    assert visit(tmp_path, story) == ([status] * 2, [title] * 2, False, 0)


def test_the_page_loads_nothing_is_kept_nowhere_and_framed_by_nobody(tmp_path: Path) -> None:
    async def story(visitor: Visitor) -> httpx.Response:
        return await visitor.browser.get(visitor.path)

    answer = visit(tmp_path, story)

    policy = answer.headers["content-security-policy"]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/]+=*'; form-action 'self';"
        r" base-uri 'none'; frame-ancestors 'none'",
        policy,
    )
    assert {name: answer.headers[name] for name in ("cache-control", "referrer-policy", "x-robots-tag")} == {
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
    }
    assert re.findall(r"(?:src|href|url)\s*[=(]", answer.text) == []


def test_the_page_escapes_what_it_shows(tmp_path: Path) -> None:
    async def story(visitor: Visitor) -> tuple[str, str]:
        await visitor.world.database.write(
            lambda connection: connection.execute("UPDATE challenges SET bot = '<script>&'")
        )
        shown = await visitor.browser.get(visitor.path)
        unknown = await visitor.browser.get("/verify/%3Cscript%3E")
        return shown.text, unknown.text

    shown, unknown = visit(tmp_path, story)

    assert "&lt;script&gt;&amp; wants to know" in shown and "<script>" not in shown + unknown


def test_the_token_is_nowhere_on_the_disk_or_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)  # below it uvicorn writes down whole requests

    async def story(visitor: Visitor) -> str:
        for method in ("GET", "POST", "POST"):
            await visitor.browser.request(method, visitor.path)
        return visitor.world.carrier.token

    token = visit(tmp_path, story)

    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    ours = [record for record in caplog.records if record.name.split(".")[0] not in ("httpx", "httpcore")]
    logged = [record.getMessage() for record in ours]
    assert token.encode() not in stored
    assert [line for line in logged if token in line] == []


def test_a_link_is_confirmed_once_however_often_it_is_pressed_at_the_same_time(tmp_path: Path) -> None:
    async def story(visitor: Visitor) -> tuple[list[Any], int]:
        (hash,) = visitor.world.rows("SELECT hash FROM challenges")[0]
        write, now_ms = visitor.world.database.write, visitor.world.clock.now_ms()
        pressed = [
            write(lambda connection: challenges.confirm_link(connection, hash, now_ms)) for _ in range(5)
        ]
        return [isinstance(await one, str) for one in pressed], len(visitor.events)

    assert visit(tmp_path, story) == ([False, True, True, True, True], 1)


@pytest.mark.parametrize(("method", "asks"), [("link", True), ("code", False)])
def test_a_workflow_that_sends_links_is_known(method: str, asks: bool) -> None:
    gate = f"{{id: g, type: auth_gate, data: {{provider: resend, contact_type: email, method: {method}}}}}"
    text = f"nodes: [{{id: t, type: trigger}}, {gate}]\nedges: [t -> g]\n"

    assert asks_by_link(pinned_graph(text, "workflow.yaml")) is asks
