"""A world for tests of the dashboard: an app with its pages on loopback, and browsers that are logged in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from botctl.clock import Clock
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.secrets import Environment
from botctl.web.pages import pages
from tests.runtime.world import HeldClock, Mailbag, incoming, write_bot

REFUND = """
nodes:
  - {id: start, type: trigger, data: {triggerType: message_received}}
  - {id: amount, type: code_block, data: {code: 'ctx.variables.amount = 700;', label: What was paid}}
  - id: ask
    type: action
    data:
      actionType: human_handoff
      label: Ask the finance team
      reason: "Refund of ${{amount}} for {{message}}"
  - {id: paid, type: send_message, data: {message: "I have paid back ${{amount}}."}}
  - {id: declined, type: send_message, data: {message: "Our finance team decided against it."}}
edges:
  - start -> amount
  - amount -> ask
  - ask.approved -> paid
  - ask.rejected -> declined
"""
"""A refund that a person must approve."""

DASHBOARD = """
dashboard:
  enabled: true
  reviewers:
    - {name: ada, token: "${ADA_TOKEN}"}
    - {name: bob, token: "${BOB_TOKEN}", rights: [see]}
    - {name: eve, token: "${EVE_TOKEN}", bots: [another]}
"""
TOKENS = {name: f"token-of-{name}-{'x' * 16}" for name in ("ada", "bob", "eve")}
ENVIRONMENT = {f"{name.upper()}_TOKEN": token for name, token in TOKENS.items()}


class Browser:
    """A client that keeps cookies and sends forms as browsers do."""

    def __init__(self, app: App, client: httpx.AsyncClient) -> None:
        self.app = app
        self.client = client

    async def log_in(self, name: str = "ada") -> None:
        """Log in with a reviewer's token."""
        answer = await self.client.post("/login", data={"token": TOKENS[name]})
        assert answer.status_code == 303, answer.text

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(path, **more)

    async def send(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Fill in a form of a page and send it, with what the page keeps for its forms."""
        text = (await self.client.get(page)).text
        shown = re.search(r'name="shown" value="(\w+)"', text)
        kept = {"shown": shown[1]} if shown else {}
        return await self.client.post(action, data={"csrf": csrf_of(text), **kept, **fields})


def csrf_of(page: str) -> str:
    """The token that the forms of a page send along."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found is not None, page
    return found[1]


def project_with_dashboard(folder: Path, workflow: str = REFUND, settings: str = "", more: str = "") -> None:
    """A project with the bot `b`, and reviewers: ada with all rights, bob who may only see, eve of another
    bot."""
    write_bot(folder, workflow, settings)
    (folder / "botctl.yaml").write_text(DASHBOARD + more)


def app_with_pages(folder: Path, mailbag: Mailbag, clock: Clock | None = None) -> App:
    """An app of that bot with its console replaced by a mailbag, serving the dashboard on any free port."""
    environment = Environment(ENVIRONMENT)
    project = load_project_file(folder, environment)
    bot, diagnostics = load_bot(project, "b", environment)
    assert bot is not None, diagnostics
    connections: Any = {("b", "console"): mailbag}
    return App(
        project, [bot], environment, clock=clock or HeldClock(), connections=connections, port=0, pages=pages
    )


def in_a_browser(
    folder: Path,
    story: Callable[[Browser], Awaitable[Any]],
    *,
    mailbag: Mailbag | None = None,
    clock: Clock | None = None,
) -> Any:
    """Switch an app with its dashboard on, let a story happen; what the story returned."""

    async def whole() -> Any:
        async with app_with_pages(folder, mailbag or Mailbag(), clock) as app:
            assert app.server is not None
            async with httpx.AsyncClient(base_url=app.server.url) as client:
                return await story(Browser(app, client))

    return asyncio.run(whole())


async def tell(browser: Browser, text: str, user: str = "u") -> str:
    """A user writes to the bot; the id of the run once that has waited or ended."""
    receipt = await browser.app.inbox.accept(incoming(text, user=user))
    return (await receipt.answer()).run_id


async def handoff_of(browser: Browser) -> str:
    """The id of the newest handoff."""
    page = (await browser.get("/handoffs")).text
    found = re.search(r'href="/handoffs/([0-9a-z]+)"', page)
    assert found is not None, page
    return found[1]
