"""A run that happened becomes a story that passes at once, and fails when the bot says something else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from botctl.cli.export import exported
from botctl.messages import IncomingMessage
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.runtime.commands import cancel_run
from botctl.secrets import Environment
from botctl.store import handoffs, runs
from botctl.store.database import connect, transaction
from tests.runtime.world import HeldClock, Mailbag
from tests.stories.world import verdict, write_project

SETTINGS = """\
name: shop
workspace: shop
workflow: workflow.yaml
llm: {provider: scripted, script: script.yaml}
handoff: {notify: [{email: "${BOSS}"}]}
identity: {console: {}}
"""
TOOLS = """\
def get(id):
    return {"id": id, "total": 900 if id == "9" else 20, "items": [1, 2, 3]}

def pay(amount):
    return f"paid {amount}"

def find(word):
    raise ValueError("there is no such thing")
"""
SCRIPT = """\
- {match: "say it nicely: (.*)", reply: "Dear {{1}}."}
- {match: nine, reply: "9"}
- match: lookup
  calls: [{tool: functions__get, arguments: {id: "7"}}, {tool: functions__find, arguments: {word: x}}]
- {after_tool: functions__find, reply: "Found {{result}}"}
- {reply: "1"}
"""


def shop(folder: Path, workflow: str, settings: str = SETTINGS) -> Path:
    """A project whose tools are Python functions and whose model is a script."""
    module = f"tools_{abs(hash(str(folder)))}"
    functions = "".join(f"  {name}: {{python: '{module}:{name}'}}\n" for name in ("get", "pay", "find"))
    more = {
        "workspaces/shop.yaml": f"name: shop\nfunctions:\n{functions}",
        "bots/shop/script.yaml": SCRIPT,
        f"{module}.py": TOOLS,
    }
    return write_project(folder, workflow, settings, more)


class Hand:
    """Somebody at a terminal."""

    def __init__(self, app: App, clock: HeldClock, mailbag: Mailbag) -> None:
        self.app = app
        self.mailbag = mailbag
        self.clock = clock

    async def say(self, text: str, after: float = 5) -> None:
        """Write something some seconds later, and wait for all that comes of it."""
        self.clock.advance(after)
        await self.app.inbox.accept(
            IncomingMessage(
                bot="shop",
                platform="console",
                dedupe_key="",
                channel_id="console",
                user_id="ada",
                user_name="Ada",
                text=text,
                received_at=self.clock.now_ms(),
            )
        )
        await self.app.settle()
        self.clock.advance(1)

    async def decide(self, status: Literal["approved", "rejected"], **sets: object) -> None:
        """Decide the pending handoff."""
        row = self.app.database.read(lambda connection: handoffs.latest(connection, status="pending"))[0]
        now_ms = self.clock.now_ms()
        await self.app.database.write(
            lambda connection: handoffs.decide(
                connection,
                row.id,
                status=status,
                by="boss",
                note="fine",
                sets=sets,
                now_ms=now_ms,
            )
        )
        self.app.router.attend()
        await self.app.settle()
        self.clock.advance(1)


def recorded(
    folder: Path, happens: Callable[[Hand], Awaitable[None]], number: int = -1, boss: str = "boss@example.com"
) -> str:
    """Let something happen by hand; a run as a file of stories, the first if no other number is given."""
    environment = Environment({"BOSS": boss})
    project = load_project_file(folder, environment)
    bot, _ = load_bot(project, "shop", environment)
    assert bot is not None

    async def live() -> None:
        clock, mailbag = HeldClock(), Mailbag()
        app = App(project, [bot], environment, clock=clock, connections={("shop", "console"): mailbag})
        async with app:
            await happens(Hand(app, clock, mailbag))

    asyncio.run(live())
    with closing(connect(folder / ".botctl" / "state.db")) as connection:
        row = runs.latest(connection, bot="shop", status=None, most=9)[number]
        return exported(connection, runs.get(connection, row.seq), project, environment)


PAYING = """\
nodes:
  - {id: start, type: trigger}
  - {id: think, type: llm_call, data: {prompt: "say it nicely: {{message}}", outputVariable: nice}}
  - {id: which, type: llm_call, data: {prompt: "{{message}}", outputVariable: id}}
  - id: get
    type: mcp_tool
    data: {toolName: functions__get, arguments: {id: "{{id.text}}"}, outputVariable: o}
  - {id: both, type: parallel}
  - {id: left, type: mcp_tool, data: {toolName: functions__get, arguments: {id: left}, outputVariable: l}}
  - {id: right, type: mcp_tool, data: {toolName: functions__get, arguments: {id: right}, outputVariable: r}}
  - {id: each, type: loop, data: {loopType: for_each, arrayVariable: o.items, itemVariable: n}}
  - {id: one, type: mcp_tool, data: {toolName: functions__pay, arguments: {amount: "{{n}}"}}}
  - {id: large, type: logic, data: {logicType: if_else, condition: "{{o.total}} >= 500"}}
  - {id: ask, type: action, data: {actionType: human_handoff, reason: "Pay {{o.total}}"}}
  - id: pay
    type: mcp_tool
    data: {toolName: functions__pay, arguments: {amount: "{{o.total}}"}, outputVariable: p}
  - {id: tell, type: send_message, data: {message: "{{ai_response}} {{p}} {{l.id}} {{r.id}}"}}
  - {id: no, type: send_message, data: {message: "No: {{handoff.note}}"}}
edges:
  - start -> think
  - think -> which
  - which -> get
  - get -> both
  - both -> left
  - both -> right
  - left -> each
  - right -> each
  - each.loop_body -> one
  - each.loop_done -> large
  - large.true -> ask
  - large.false -> pay
  - ask.approved -> pay
  - ask.rejected -> no
  - pay -> tell
"""


def test_a_run_with_parallel_branches_and_a_loop_passes_at_once(tmp_path: Path) -> None:
    folder = shop(tmp_path, PAYING)

    async def happens(hand: Hand) -> None:
        await hand.say("three things")

    text = recorded(folder, happens)

    assert verdict(folder, text) == "passed"
    assert text.count("functions__pay") == 1 + 4  # the stubs, and the calls that are expected


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_a_run_that_a_person_decided_passes_at_once(
    tmp_path: Path, decision: Literal["approved", "rejected"]
) -> None:
    folder = shop(tmp_path, PAYING)

    async def happens(hand: Hand) -> None:
        await hand.say("nine")
        await hand.say("are you there?")
        await hand.decide(decision)

    text = recorded(folder, happens)

    assert verdict(folder, text) == "passed"
    assert "are you there" not in text  # it was not this run's


def test_codes_contacts_and_times_are_recorded_without_the_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = """\
    nodes:
      - {id: start, type: trigger}
      - {id: gate, type: auth_gate, data: {provider: console, contact_type: email, outputVariable: who}}
      - {id: in, type: send_message, data: {message: "Welcome {{who}}"}}
      - {id: out, type: send_message, data: {message: Go away}}
    edges: [start -> gate, gate.verified -> in, gate.failed -> out]
    """
    folder = shop(tmp_path, workflow)
    codes: list[str] = []

    async def happens(hand: Hand) -> None:
        await hand.say("hi")
        await hand.say("ada@example.com")
        codes.append(capsys.readouterr().err.strip()[-6:])
        await hand.say(f"{(int(codes[0]) + 1) % 1_000_000:06d}")
        await hand.say("resend", after=60)
        codes.append(capsys.readouterr().err.strip()[-6:])
        await hand.say(codes[1])

    text = recorded(folder, happens)

    assert verdict(folder, text) == "passed"
    assert ("code: right" in text, "code: wrong" in text, codes[0] in text, codes[1] in text) == (
        True,
        True,
        False,
        False,
    )


def test_a_run_that_waited_in_vain_passes_at_once(tmp_path: Path) -> None:
    workflow = """\
    nodes:
      - {id: start, type: trigger}
      - {id: wait, type: logic, data: {logicType: wait, timeout: 2h}}
      - {id: gone, type: send_message, data: {message: Are you there?}}
      - {id: here, type: send_message, data: {message: "You said {{message}}"}}
      - {id: again, type: logic, data: {logicType: wait}}
      - {id: end, type: send_message, data: {message: Bye}}
    edges: [start -> wait, wait.timeout -> gone, wait -> here, gone -> again, again -> end]
    """
    folder = shop(tmp_path, workflow)

    async def happens(hand: Hand) -> None:
        await hand.say("hi")
        hand.clock.advance(7200)
        await hand.mailbag.holds(1)
        await hand.app.settle()
        await hand.say("yes")

    text = recorded(folder, happens)

    assert verdict(folder, text) == "passed"
    assert "7201s" in text


def test_an_agents_run_passes_at_once(tmp_path: Path) -> None:
    settings = SETTINGS.replace("workflow: workflow.yaml\n", "welcome_message: Welcome!\n")
    folder = shop(tmp_path, PAYING, settings)

    async def happens(hand: Hand) -> None:
        await hand.say("lookup please")

    text = recorded(folder, happens)

    assert verdict(folder, text) == "passed"


def test_after_a_change_of_a_prompt_a_recorded_run_fails_and_shows_the_prompt(tmp_path: Path) -> None:
    folder = shop(tmp_path, PAYING)

    async def happens(hand: Hand) -> None:
        await hand.say("three things")

    text = recorded(folder, happens)
    workflow = folder / "bots/shop/workflow.yaml"
    workflow.write_text(workflow.read_text().replace("say it nicely:", "say it kindly:"))

    told = verdict(folder, text).splitlines()

    assert "error[ST302]: the prompt of `think` is not the one that its stub was written for" in told
    assert ("  - say it nicely: three things" in told, "  + say it kindly: three things" in told) == (
        True,
        True,
    )


def test_what_was_not_recorded_is_not_exported(tmp_path: Path) -> None:
    folder = shop(tmp_path, PAYING)
    (folder / "botctl.yaml").write_text("record: none\n")

    async def happens(hand: Hand) -> None:
        await hand.say("three things")

    with pytest.raises(Exception, match="was not recorded") as refused:
        recorded(folder, happens)

    assert "record: all" in str(getattr(refused.value, "help", ""))


def test_secrets_are_masked_and_needed_variables_are_given(tmp_path: Path) -> None:
    folder = shop(tmp_path, PAYING)

    async def happens(hand: Hand) -> None:
        await hand.say("is it boss@example.com?")

    text = recorded(folder, happens)

    assert ("boss@example.com" in text, "BOSS: masked" in text) == (False, True)


def test_secrets_are_masked_however_yaml_would_write_them(tmp_path: Path) -> None:
    folder = shop(tmp_path, PAYING)
    boss = 'boss\'s "own"@example.com'

    async def happens(hand: Hand) -> None:
        await hand.say(f"is it\t{boss} or {'somebody else ' * 9}{boss}?")

    text = recorded(folder, happens, boss=boss)

    assert ("own" in text, text.count("***") >= 2) == (False, True)


def test_after_a_change_of_what_a_model_is_told_first_a_recorded_run_fails_and_shows_it(
    tmp_path: Path,
) -> None:
    settings = SETTINGS + "system_prompt: Be kind.\n"
    folder = shop(tmp_path, PAYING, settings)

    async def happens(hand: Hand) -> None:
        await hand.say("three things")

    text = recorded(folder, happens)
    before = verdict(folder, text)
    (folder / "bots/shop/bot.yaml").write_text(settings.replace("kind", "rude"))
    after = verdict(folder, text).splitlines()

    assert before == "passed"
    assert "error[ST302]: the system prompt of `think` is not the one that its stub was written for" in after
    assert ("  - Be kind." in after, "  + Be rude." in after) == (True, True)


def test_a_run_of_somebody_who_was_remembered_passes_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = """\
    nodes:
      - {id: start, type: trigger}
      - id: gate
        type: auth_gate
        data: {provider: console, contact_type: email, outputVariable: who, remember: 1h}
      - {id: in, type: send_message, data: {message: "Welcome {{who}}"}}
    edges: [start -> gate, gate.verified -> in]
    """
    folder = shop(tmp_path, workflow)

    async def happens(hand: Hand) -> None:
        await hand.say("hi")
        await hand.say("ada@example.com")
        await hand.say(capsys.readouterr().err.strip()[-6:])
        await hand.say("hi again")

    text = recorded(folder, happens, number=0)

    assert verdict(folder, text) == "passed"
    assert "hi again" in text and "email: ada@example.com" in text


def test_a_run_that_was_cancelled_passes_at_once(tmp_path: Path) -> None:
    folder = shop(tmp_path, PAYING)

    async def happens(hand: Hand) -> None:
        await hand.say("nine")

    text = recorded(folder, happens)
    with closing(connect(folder / ".botctl" / "state.db")) as connection, transaction(connection):
        (row,) = runs.latest(connection, bot="shop", status=None, most=9)
        cancel_run(connection, row, "", holder="", now_ms=row.started_at + 9)

    project = load_project_file(folder)
    with closing(connect(folder / ".botctl" / "state.db")) as connection:
        cancelled = exported(connection, runs.get(connection, row.seq), project, Environment({}))

    assert ("status: waiting" in text, "status:" in cancelled) == (True, False)
    assert verdict(folder, cancelled) == "passed"


def test_a_run_whose_server_could_not_be_reached_passes_at_once(tmp_path: Path) -> None:
    folder = shop(tmp_path, PAYING.replace("functions__pay", "gone__pay"))
    workspace = folder / "workspaces/shop.yaml"
    workspace.write_text(workspace.read_text() + "servers: {gone: {command: there-is-no-such-program}}\n")

    async def happens(hand: Hand) -> None:
        await hand.say("three things")

    text = recorded(folder, happens)

    assert ("gone__pay" in text, "down: true" in text) == (True, True)
    assert verdict(folder, text) == "passed"
