"""`botctl dashboard`: the link that it prints logs in, to the running app or to what it serves itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from botctl.clock import SystemClock
from botctl.runtime.address import address_of
from tests.runtime.world import Mailbag
from tests.web.pages_world import (
    ENVIRONMENT,
    Browser,
    in_a_browser,
    project_with_dashboard,
    tell,
)

KEPT = ("csrf", "shown")
COMMAND = (sys.executable, "-m", "botctl", "dashboard", "--project")


def environment(folder: Path) -> dict[str, str]:
    """The environment of a command, with the reviewers' tokens."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), **ENVIRONMENT}


@contextmanager
def served(folder: Path, told: list[str] | None = None) -> Iterator[str]:
    """The dashboard served by the command itself; its link. told: where the lines beside the link are put."""
    with subprocess.Popen(
        [*COMMAND, str(folder), "--as", "ada", "--port", "0"],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None and command.stderr is not None
        try:
            link = command.stdout.readline().strip()
            assert link, command.stderr.read()
            yield link
        finally:
            command.terminate()
            _, lines = command.communicate()
            (told if told is not None else []).extend(lines.splitlines())
    assert command.returncode == 0


def test_the_link_of_the_command_logs_in_to_the_app_that_runs(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[str, int, str]:
        command = await asyncio.create_subprocess_exec(
            *COMMAND,
            str(tmp_path),
            "--as",
            "ada",
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await command.communicate()
        answer = await browser.client.post(out.decode().strip())
        page = await browser.get("/runs")
        return err.decode().strip(), answer.status_code, page.text

    told, code, page = in_a_browser(tmp_path, story)

    assert (told, code) == ("it logs in `ada`, once, within 10 minutes", 303)
    assert "<bdi>ada</bdi>" in page


def test_the_command_serves_the_dashboard_itself_when_no_bot_runs(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)
    in_a_browser(tmp_path, lambda browser: tell(browser, "order 1043"), clock=SystemClock())

    with served(tmp_path) as link, httpx.Client(base_url=link.partition("/login/")[0]) as client:
        client.post(link)
        waiting = client.get("/handoffs").text
        bots = client.get("/bots").text

    assert "Refund of $700 for order 1043" in waiting
    assert "is-off" in bots
    assert address_of(tmp_path / ".botctl") == ""


def test_a_decision_without_a_runner_is_taken_up_at_the_next_start(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)
    in_a_browser(tmp_path, lambda browser: tell(browser, "order 1043"), clock=SystemClock())
    with served(tmp_path) as link:
        asyncio.run(_approve(link))
    mailbag = Mailbag()

    in_a_browser(tmp_path, lambda _: mailbag.holds(1), mailbag=mailbag, clock=SystemClock())

    assert mailbag.texts == ["I have paid back $700."]


async def _approve(link: str) -> None:
    async with httpx.AsyncClient(base_url=link.partition("/login/")[0]) as client:
        await client.post(link)
        page = (await client.get("/handoffs")).text
        handoff = page.partition('href="/handoffs/')[2].partition('"')[0]
        page = (await client.get(f"/handoffs/{handoff}")).text
        kept = {name: page.partition(f'name="{name}" value="')[2].partition('"')[0] for name in KEPT}
        answer = await client.post(f"/handoffs/{handoff}", data={**kept, "decision": "approved"})
        assert answer.headers["location"].endswith("?told=later"), answer.text


@pytest.mark.parametrize(
    ("server", "is_told"),
    [
        ("{host: 0.0.0.0}", True),
        ("{host: 0.0.0.0, public_url: 'http://bots.example.com'}", True),
        ("{host: 0.0.0.0, public_url: 'https://bots.example.com'}", False),
        ("{host: 127.0.0.1}", False),
    ],
)
def test_a_dashboard_whose_tokens_travel_unencrypted_says_so(
    tmp_path: Path, server: str, is_told: bool
) -> None:
    project_with_dashboard(tmp_path, more=f"server: {server}\n")

    async def story(browser: Browser) -> list[str]:
        return browser.app.notes

    notes = in_a_browser(tmp_path, story)

    assert ["the tokens of the dashboard travel unencrypted" in note for note in notes] == [True] * is_told


def test_the_command_that_serves_it_says_so_too(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, more="server: {host: 0.0.0.0}\n")
    in_a_browser(tmp_path, lambda browser: tell(browser, "order 1043"), clock=SystemClock())

    told: list[str] = []
    with served(tmp_path, told) as link:
        assert link

    assert [line.partition(": it")[0] for line in told] == [
        "the tokens of the dashboard travel unencrypted",
        "it logs in `ada`, once, within 10 minutes",
    ]


def test_without_a_state_there_is_nothing_to_show(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    done = subprocess.run(
        [*COMMAND, str(tmp_path)], env=environment(tmp_path), capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "there is no state" in done.stderr


def test_a_notice_has_a_link_to_its_handoff_where_others_reach_the_dashboard(tmp_path: Path) -> None:
    project_with_dashboard(
        tmp_path,
        settings="handoff: {notify: [{console: boss}]}",
        more="server: {public_url: 'https://bots.example.com/'}\n",
    )
    mailbag = Mailbag()

    async def story(browser: Browser) -> str:
        await tell(browser, "order 1043")
        await mailbag.holds(1)
        return mailbag.texts[0]

    notice = in_a_browser(tmp_path, story, mailbag=mailbag)

    link, approve = (line.strip() for line in notice.splitlines()[-2 - 1 : -1])
    assert link.startswith("https://bots.example.com/handoffs/")
    assert approve == f"botctl handoff approve {link.rpartition('/')[2]}"
