"""Agents in a running app: rounds of tools, people asked first, other bots called, crashes in between."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from botctl.cli.start import run as botctl
from botctl.clock import Clock, SystemClock
from botctl.runtime.app import App
from botctl.store import handoffs, steps
from botctl.store.database import connect
from tests.runtime.test_delegation import BILLING, hire
from tests.runtime.test_handoffs import decide
from tests.runtime.test_waits import say, stories
from tests.runtime.world import HeldClock, Mailbag, app_of, in_an_app, live_until

TWO_CALLS = """
- match: weather
  calls:
    - {tool: functions__look, arguments: {place: Rome}}
    - {tool: functions__look, arguments: {place: Oslo}}
- match: book
  calls: [{tool: functions__pay, arguments: {amount: 5}}]
- match: forever
  calls: [{tool: functions__look, arguments: {place: again}}]
- match: broken
  calls: [{tool: functions__look, malformed: "{oops"}, {tool: functions__nothing}, {tool: functions__look}]
- match: billing
  calls: [{tool: delegate__helper, arguments: {message: "how much?"}}]
- after_tool: functions__look
  reply: "so {{result}}"
- after_tool: functions__pay
  reply: "done: {{result}}"
- after_tool: delegate__helper
  reply: "they say {{result}}"
- reply: hello
"""
PENDING = "A person is looking at this. You will hear from us here."
EDITED = 'a person allowed this call with other arguments: {"amount":3})'
UNCLEAR = "a person changed this call in a way that cannot be understood, so it was not made"
TOOLS = """
import asyncio, pathlib
here = pathlib.Path({folder!r})
async def look(place):
    with (here / "looked").open("a") as file:
        file.write(place + " ")
    return "sun in " + place
async def pay(amount):
    with (here / "paid").open("a") as file:
        file.write(str(amount) + " ")
    if (here / "hangs").exists():
        await asyncio.Event().wait()
    return "paid " + str(amount)
"""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an agent bot `b` that has two tools, one of which costs money."""
    module = f"tools_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{module}.py").write_text(TOOLS.format(folder=str(tmp_path)))
    (tmp_path / "workspaces").mkdir()
    schema = "{type: object, properties: {place: {type: string}}, required: [place]}"
    (tmp_path / "workspaces" / "w.yaml").write_text(
        f"""
name: w
functions:
  look: {{python: '{module}:look', read_only: true, parameters: {schema}}}
  pay: {{python: '{module}:pay', timeout: 100ms}}
"""
    )
    agent(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def agent(folder: Path, more: str = "") -> None:
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True, exist_ok=True)
    (bot / "script.yaml").write_text(TWO_CALLS)
    (bot / "bot.yaml").write_text(
        f"name: b\nworkspace: w\nllm: {{provider: scripted, script: script.yaml}}\n{more}\n"
    )


def play(folder: Path, *texts: str, clock: Clock | None = None) -> tuple[list[str], list[dict[str, Any]]]:
    """What the bot says to these messages, and its runs."""
    mailbag = Mailbag()

    async def story(app: App) -> list[dict[str, Any]]:
        for text in texts:
            await say(app, text)
        await app.settle()
        return [dict(one) for one in stories(app)]

    runs = in_an_app(folder, story, mailbag, clock or HeldClock())
    return mailbag.texts, runs


def journal(run: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """(type, label, output) of each row of the trace."""
    return [(step["type"], step["label"], step["output"]) for step in run["execution_log"]]


def test_no_tool_needed_is_one_model_call(office: Path) -> None:
    texts, runs = play(office, "hi there")

    assert texts == ["hello"]
    assert (runs[0]["kind"], runs[0]["status"]) == ("agent", "completed")
    assert journal(runs[0])[2:] == [("llm_call", "model 0", "hello")]


def test_two_calls_of_one_round_are_steps_of_their_own(office: Path) -> None:
    texts, runs = play(office, "what weather?")

    assert texts == ["so sun in Oslo"]
    assert journal(runs[0])[2:] == [
        ("llm_call", "model 0", ""),
        ("mcp_tool", "functions__look", "sun in Rome"),
        ("mcp_tool", "functions__look", "sun in Oslo"),
        ("llm_call", "model 1", "so sun in Oslo"),
    ]


def test_after_the_last_round_the_model_must_answer_without_tools(office: Path) -> None:
    calls = "  calls: [{tool: functions__look, arguments: {place: P}}]\n"
    script, first = f"- match: x\n  after_tool: functions__look\n{calls}", f"- match: x\n{calls}"
    agent(office, "max_loop_iterations: 3")
    (office / "bots" / "b" / "script.yaml").write_text(script + first)

    _, runs = play(office, "x")

    assert (office / "looked").read_text() == "P P P "
    assert [label for kind, label, _ in journal(runs[0]) if kind == "llm_call"][-1] == "model last"


def test_wrong_calls_are_told_to_the_model_and_not_made(office: Path) -> None:
    texts, runs = play(office, "broken")

    errors = [step["error"] for step in runs[0]["execution_log"]]
    assert texts == ["so the arguments do not fit the tool: 'place' is a required property"]
    assert [error for error in errors if error] == [
        "the arguments are not a JSON object",
        "there is no tool `functions__nothing`",
        "the arguments do not fit the tool: 'place' is a required property",
    ]
    assert runs[0]["status"] == "completed"
    assert not (office / "looked").exists()


@pytest.mark.parametrize(
    ("status", "sets", "answer", "paid"),
    [
        ("approved", {}, "done: paid 5", "5 "),
        ("approved", {"arguments": {"amount": 3}}, f"done: paid 3\n({EDITED}", "3 "),
        ("rejected", {}, "done: a person declined this call: too much", ""),
        ("approved", {"arguments": "oops"}, f"done: {UNCLEAR}", ""),  # left by a botctl that did not look
        ("approved", {"argumnets": {"amount": 3}}, f"done: {UNCLEAR}", ""),
    ],
)
def test_a_tool_under_ask_waits_for_a_person_who_may_edit_it(
    office: Path, status: str, sets: dict[str, Any], answer: str, paid: str
) -> None:
    with (office / "workspaces" / "w.yaml").open("a") as file:
        file.write("tools: {ask: [functions__pay]}\n")
    mailbag = Mailbag()

    async def story() -> str:
        async with app_of(office, mailbag, SystemClock()) as app:
            await say(app, "book it")
            row = app.database.read(lambda connection: handoffs.latest(connection))[0]
            assert not (office / "paid").exists()
            decide(app, status, note="too much" if status == "rejected" else "", sets=sets)
            async with asyncio.timeout(5):
                await mailbag.holds(2)
            await app.settle()
            return row.reason

    reason = asyncio.run(story())

    assert reason == 'The bot wants to call `functions__pay` with {"amount":5}'
    assert mailbag.texts == [PENDING, answer]
    assert ((office / "paid").read_text() if paid else "") == paid


def test_what_a_model_says_beside_a_call_is_heard_while_a_person_is_asked(office: Path) -> None:
    with (office / "workspaces" / "w.yaml").open("a") as file:
        file.write("tools: {ask: [functions__pay]}\n")
    script = (
        "- match: book\n  reply: One moment.\n  calls: [{tool: functions__pay, arguments: {amount: 5}}]\n"
    )
    (office / "bots" / "b" / "script.yaml").write_text(script)

    said, _ = play(office, "book it", "and now?")

    assert said == ["One moment."]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ("arguments=oops", "`arguments` is not a JSON object"),
        ("arguments={}", "`functions__pay` cannot be called so: 'amount' is a required property"),
        (
            "amount=much",
            "`functions__pay` cannot be called so: argument `amount`: 'much' is not of type 'number'",
        ),
        ("amuont=3", "`amuont` is no argument of `functions__pay`"),
        ("amount=3", ""),
    ],
)
def test_an_edit_that_does_not_fit_the_tool_decides_nothing(
    office: Path, capsys: pytest.CaptureFixture[str], edit: str, told: str
) -> None:
    schema = "{type: object, properties: {amount: {type: number}}, required: [amount]}"
    workspace = (
        (office / "workspaces" / "w.yaml").read_text().replace("pay', ", f"pay', parameters: {schema}, ")
    )
    (office / "workspaces" / "w.yaml").write_text(workspace + "tools: {ask: [functions__pay]}\n")
    play(office, "book it", clock=SystemClock())

    async def look(app: App) -> str:
        return app.database.read(lambda connection: handoffs.latest(connection))[0].id

    code = botctl(["handoff", "approve", in_an_app(office, look, clock=SystemClock()), "--set", edit])
    texts, _ = play(office, clock=SystemClock())

    err = capsys.readouterr().err
    assert (code, told in err) == (1 if told else 0, True), err
    assert texts == ([] if told else [f"done: paid 3\n({EDITED}"])


def test_a_model_that_never_says_a_word_is_an_error_that_the_user_hears_of(office: Path) -> None:
    (office / "bots" / "b" / "script.yaml").write_text("- {reply: '', stop: length}\n")

    texts, runs = play(office, "hi")

    assert (texts, runs[0]["status"]) == (
        ["Sorry, something went wrong on our side. Please try again."],
        "error",
    )
    assert runs[0]["error_message"].startswith("the model gave no answer: it reached `max_tokens`")


def test_two_calls_in_doubt_are_named_and_settled_one_after_the_other(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = "[{tool: functions__pay, arguments: {amount: 5}}, {tool: functions__pay, arguments: {amount: 6}}]"
    answer = "- {after_tool: functions__pay, reply: 'done: {{result}}'}"
    script = f"- {{match: book, calls: {calls}}}\n{answer}\n"
    (office / "bots" / "b" / "script.yaml").write_text(script)
    (office / "hangs").touch()

    _, runs = play(office, "book both", clock=SystemClock())
    (office / "hangs").unlink()
    id = runs[0]["id"]
    codes = [botctl(["runs", "retry", id]), botctl(["runs", "retry", id, "--done", "1"])]
    refused = capsys.readouterr().err
    codes.append(botctl(["runs", "retry", id, "--call", "1", "--done", '"paid 5, says the bank"']))
    codes.append(botctl(["runs", "retry", id, "--call", "1", "--again"]))
    texts, after = play(office, clock=SystemClock())

    both = '1. agent: `functions__pay` with {"amount":5}; 2. agent: `functions__pay` with {"amount":6}'
    assert (codes, refused.count(both)) == ([1, 1, 0, 0], 2)
    assert (texts, (office / "paid").read_text()) == (["done: paid 6"], "5 6 6 ")
    outputs = [
        output for kind, _, output in journal(after[0]) if kind == "mcp_tool" and "doubt" not in str(output)
    ]
    assert outputs == ["paid 5, says the bank", "paid 6"]


def test_a_handoff_says_what_an_answer_does_to_an_agents_call(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (office / "workspaces" / "w.yaml").open("a") as file:
        file.write("tools: {ask: [functions__pay]}\n")
    play(office, "book it")

    async def look(app: App) -> str:
        return app.database.read(lambda connection: handoffs.latest(connection))[0].id

    code = botctl(["handoff", "show", in_an_app(office, look)])

    lines = capsys.readouterr().out.splitlines()
    place = lines.index("what each answer leads to")
    assert (code, lines[place + 1 : place + 3]) == (
        0,
        [
            "  approved: the call is made; with other arguments by `--set name=value`",
            "  rejected: the call is not made, and the model is told so, with the note",
        ],
    )


def test_another_bot_is_a_tool(office: Path) -> None:
    agent(office, "delegate: [helper]")
    hire(office, "helper", BILLING.replace("({{intent}})", "!"))

    texts, runs = play(office, "billing please")

    assert texts == ["they say {{customer}} asked `how much?` !"]
    assert len(runs[0]["children"]) == 1


def test_a_call_in_doubt_stops_the_run_until_a_person_says_what_became_of_it(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (office / "hangs").touch()

    texts, runs = play(office, "book it", clock=SystemClock())
    (office / "hangs").unlink()
    code = botctl(["runs", "retry", runs[0]["id"], "--done", '"paid 5, says the bank"'])
    again, after = play(office, clock=SystemClock())

    assert (runs[0]["status"], "in doubt" in runs[0]["error_message"]) == ("error", True)
    assert texts == ["Sorry, something went wrong on our side. Please try again."]
    assert (code, again, after[0]["status"]) == (0, ["done: paid 5, says the bank"], "completed")
    assert (office / "paid").read_text() == "5 "


def test_dying_between_rounds_repeats_no_finished_call(office: Path) -> None:
    for dies_after in range(1, 12):
        died, calls = _die(office, dies_after)
        _, runs = play(office)
        assert runs[0]["status"] == "completed", dies_after
        made = sorted(output or "" for kind, _, output in journal(runs[0]) if kind == "mcp_tool")
        assert made == ["sun in Oslo", "sun in Rome"], dies_after
        looked = (office / "looked").read_text().split()
        assert all(looked.count(place) == 1 for place in calls), dies_after
        (office / "looked").unlink()
        (office / ".botctl" / "state.db").unlink()
        if not died:
            break
    else:
        pytest.fail("it never came to its end")


def _die(folder: Path, dies_after: int) -> tuple[bool, list[str]]:
    """Let the agent answer until the process dies right after so many commits; the calls it finished."""

    async def story(app: App) -> bool:
        await say(app, "what weather?")
        await app.settle()
        return True

    died = live_until(app_of(folder, Mailbag(), HeldClock()), story, dies_after) is None
    with closing(connect(folder / ".botctl" / "state.db")) as connection:
        rows = steps.of_run(connection, 1)
    return died, [
        json.loads(row.input or "{}")["arguments"]["place"] for row in rows if row.type == "mcp_tool"
    ]


@pytest.mark.parametrize(
    ("how", "texts"),
    [
        ("hold", [PENDING]),
        ("new_run", [PENDING, "hello"]),
    ],
)
def test_messages_that_come_while_a_person_is_asked_are_held_or_answered(
    office: Path, how: str, texts: list[str]
) -> None:
    with (office / "workspaces" / "w.yaml").open("a") as file:
        file.write("tools: {ask: [functions__pay]}\n")
    agent(office, f"handoff: {{while_waiting: {how}}}")

    said, _ = play(office, "book it", "hi there")

    assert said == texts


def test_whoever_is_told_about_handoffs_is_told_of_a_call_in_doubt(office: Path) -> None:
    agent(office, "handoff: {notify: [{console: ops}]}")
    (office / "hangs").touch()
    mailbag = Mailbag()

    async def story(app: App) -> str:
        await say(app, "book it")
        await app.settle()
        return str(stories(app)[0]["id"])

    run = in_an_app(office, story, mailbag, SystemClock())

    notice = next(sent.text for sent in mailbag.sent if sent.channel_id == "ops")
    assert notice.startswith("b does not know whether this was done: in doubt: ")
    assert f"botctl runs retry {run} --again" in notice
