"""Runs that failed, taken up where they failed; what is in doubt is done again only when a person says so."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from botctl.cli.start import run as botctl
from botctl.clock import SystemClock
from botctl.platforms.platform import SendError
from botctl.runtime.app import App
from tests.runtime.test_delegation import hire
from tests.runtime.test_waits import say, stories
from tests.runtime.world import HeldClock, Mailbag, app_of, in_an_app, write_bot

PAY = """
nodes:
  - {id: t, type: trigger}
  - {id: p, type: parallel}
  - {id: pay, type: mcp_tool, data: {toolName: functions__pay, outputVariable: paid}}
  - {id: side, type: send_message, data: {message: beside}}
  - {id: thanks, type: send_message, data: {message: "paid {{paid.number}}"}}
edges: [t -> p, p -> pay, p -> side, pay -> thanks, side -> thanks]
"""
CAUGHT = PAY.replace("nodes:", "nodes:\n  - {id: sorry, type: error_handler, data: {fallback_message: Oh.}}")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose tool `pay` hangs for as long as there is a file `hangs`, and else pays."""
    module = f"till_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{module}.py").write_text(
        f"""
import asyncio, pathlib
here = pathlib.Path({str(tmp_path)!r})
async def pay():
    with (here / "calls").open("a") as file:
        file.write("x")
    if (here / "hangs").exists():
        await asyncio.Event().wait()
    return {{"number": len((here / "calls").read_text())}}
"""
    )
    (tmp_path / "workspaces").mkdir()
    (tmp_path / "workspaces" / "w.yaml").write_text(
        f"name: w\nfunctions: {{pay: {{python: '{module}:pay', timeout: 50ms}}}}\n"
    )
    (tmp_path / "hangs").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def calls(shop: Path) -> int:
    """How often the tool was called."""
    return len((shop / "calls").read_text())


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """The status of each run that `runs list` shows."""
    capsys.readouterr()
    assert botctl(["runs", "list", "--json", *options]) == 0
    return [run["status"] for run in json.loads(capsys.readouterr().out)]


def id_of(capsys: pytest.CaptureFixture[str]) -> str:
    """The id of the newest run."""
    capsys.readouterr()
    botctl(["runs", "list", "--json"])
    return str(json.loads(capsys.readouterr().out)[0]["id"])


async def _look(app: App) -> Any:
    await app.settle()
    return stories(app)


@pytest.mark.parametrize(
    ("how", "paid", "called"), [(["--again"], "paid 2", 2), (["--done", '{"number": 77}'], "paid 77", 1)]
)
def test_a_person_says_what_became_of_a_call_in_doubt_and_the_run_goes_on_there(
    shop: Path, capsys: pytest.CaptureFixture[str], how: list[str], paid: str, called: int
) -> None:
    write_bot(shop, PAY, "workspace: w")
    mailbag = Mailbag()

    status = in_an_app(shop, lambda app: say(app, "x"), mailbag, SystemClock())
    in_doubt = listed(capsys, "--in-doubt")
    (shop / "hangs").unlink()
    code = botctl(["runs", "retry", id_of(capsys), *how])
    told = in_an_app(shop, _look, mailbag, SystemClock())

    assert (status, in_doubt, code) == ("error", ["error"], 0)
    assert (mailbag.texts[-1], calls(shop)) == (paid, called)
    assert (told[0]["status"], listed(capsys, "--in-doubt")) == ("completed", [])
    assert mailbag.texts.count("beside") == 1


def test_nothing_in_doubt_is_done_again_without_a_word(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bot(shop, PAY, "workspace: w")

    in_an_app(shop, lambda app: say(app, "x"), clock=SystemClock())
    code = botctl(["runs", "retry", id_of(capsys)])

    assert code == 1
    assert "it is in doubt whether this was done in run" in capsys.readouterr().err
    assert calls(shop) == 1


def test_what_was_in_doubt_and_caught_is_listed_until_it_is_settled(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bot(shop, CAUGHT, "workspace: w")

    status = in_an_app(shop, lambda app: say(app, "x"), clock=SystemClock())
    before = listed(capsys, "--in-doubt")
    code = botctl(["runs", "retry", id_of(capsys)])

    assert (status, before, code, listed(capsys, "--in-doubt")) == ("completed", ["completed"], 0, [])


def test_dead_letters_are_listed_and_sent_again_by_the_running_bot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bot(tmp_path)
    monkeypatch.chdir(tmp_path)
    mailbag = Mailbag()
    mailbag.faults = [SendError("no such chat", permanent=True)]

    async def story() -> tuple[list[str], list[str]]:
        async with app_of(tmp_path, mailbag, SystemClock()) as app:
            await say(app, "x")
            await app.settle()
            undelivered = await asyncio.to_thread(listed, capsys, "--undelivered")
            await asyncio.to_thread(botctl, ["runs", "retry", await asyncio.to_thread(id_of, capsys)])
            async with asyncio.timeout(5):
                await mailbag.holds(1)
            await app.settle()
            return undelivered, await asyncio.to_thread(listed, capsys, "--undelivered")

    assert asyncio.run(story()) == (["completed"], [])
    assert mailbag.texts == ["you said x"]


@pytest.mark.parametrize("is_up", [True, False])
def test_a_cancelled_run_is_not_woken_and_what_it_asked_is_void(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_up: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: ask, type: delegate_to_bot, data: {target_bot_id: other, outputVariable: a}}
edges: [t -> ask]
""",
    )
    asks = """
nodes:
  - {id: t, type: trigger}
  - {id: ho, type: action, data: {actionType: human_handoff, reason: why}}
edges: [t -> ho]
"""
    hire(tmp_path, "other", asks)

    async def story() -> None:
        async with app_of(tmp_path, Mailbag(), HeldClock()) as app:
            await say(app, "x")
            if is_up:
                code = await asyncio.to_thread(botctl, ["runs", "cancel", str(stories(app)[0]["id"])])
                assert code == 0
                await app.settle()

    asyncio.run(story())
    if not is_up:
        capsys.readouterr()
        botctl(["runs", "list", "b", "--json"])
        botctl(["runs", "cancel", json.loads(capsys.readouterr().out)[0]["id"]])

    capsys.readouterr()
    botctl(["handoff", "list", "--status", "all", "--json"])
    assert [row["status"] for row in json.loads(capsys.readouterr().out)] == ["cancelled"]
    assert listed(capsys) == ["cancelled", "cancelled"]
    assert botctl(["runs", "cancel", id_of(capsys)]) == 1
