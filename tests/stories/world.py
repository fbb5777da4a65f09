"""A world for tests of stories: a small shop's project in a folder, and stories about it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from botctl.project.load import load_project_file
from botctl.project.stories import load_stories
from botctl.source.render import render
from botctl.stories.company import Performance, Plan, parts_of, perform
from botctl.stories.play import Played
from botctl.stories.transcript import told

BOT = """\
name: shop
workspace: shop
workflow: workflow.yaml
llm: {provider: anthropic, model: claude-haiku-4-5}
platforms: {console: {}, telegram: {token: "${TELEGRAM_BOT_TOKEN:-}"}, slack: {bot_token: x}}
handoff: {notify: [{email: boss@example.com}], expires: 24h}
timeout: 5m
fallback_message: Sorry.
"""
WORKSPACE = """\
name: shop
servers:
  orders: {command: python, args: [-m, nowhere]}
tools: {deny: ["orders__delete_*"]}
"""
ECHO = """\
nodes:
  - {id: start, type: trigger}
  - {id: echo, type: send_message, data: {message: "you said {{message}}"}}
edges: [start -> echo]
"""


def write_project(
    folder: Path, workflow: str = ECHO, settings: str = BOT, more: dict[str, str] | None = None
) -> Path:
    """A project with the bot `shop`; more: further files, by their paths."""
    files = {
        "bots/shop/bot.yaml": settings,
        "bots/shop/workflow.yaml": dedent(workflow),
        "workspaces/shop.yaml": WORKSPACE,
        **(more or {}),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def perform_in(folder: Path, stories: str, bot: str = "shop", processes: int = 1) -> Performance:
    """Play a file of stories about a bot of the project in a folder."""
    path = write_stories(folder, stories, bot)
    loaded, diagnostics = load_stories(load_project_file(folder), path, bot)
    assert loaded is not None, render(diagnostics)
    return perform(parts_of([loaded]), Plan(folder=folder, processes=processes))


def play_in(folder: Path, stories: str, bot: str = "shop") -> list[Played]:
    """The same; what was played."""
    return list(perform_in(folder, stories, bot).played)


def write_stories(folder: Path, stories: str, bot: str = "shop") -> Path:
    """A file of stories."""
    path = folder / "bots" / bot / "tests" / "all.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(stories))
    return path


def verdict(folder: Path, stories: str, bot: str = "shop") -> str:
    """What is told about the first story that fails; "passed" if none does."""
    path = write_stories(folder, stories, bot)
    loaded, diagnostics = load_stories(load_project_file(folder), path, bot)
    assert loaded is not None, render(diagnostics)
    for one in perform(parts_of([loaded]), Plan(folder=folder, processes=1)).played:
        if one.failure is not None:
            return told(one, loaded)
    return "passed"


def verdicts(played: list[Played]) -> list[str]:
    """Why stories failed; "" for those that passed."""
    return [one.failure.fact if one.failure else "" for one in played]
