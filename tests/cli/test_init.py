"""`botctl init` as a user calls it: what it writes is checked, tested and run at once."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from botctl.cli.starter import platform_names, provider_names, starter_files, use_cases
from botctl.platforms import PLATFORMS
from botctl.project.workflow_file import workflow_of_file
from botctl.spec.workflow import WorkflowSpec
from tests.cli.test_commands import BOTCTL, ROOT, botctl

TRIAGE = {
    "nodes": [
        {"id": "t", "type": "trigger", "data": {"label": "On Message"}},
        {"id": "ask", "type": "llm_call", "data": {"prompt": "What?", "outputVariable": "intent"}},
        {"id": "by", "type": "logic", "data": {
            "logicType": "switch", "variable": "intent", "cases": ["billing"]}},
        {"id": "pay 1", "type": "mcp_tool", "data": {
            "toolName": "stripe__get", "arguments": '{"id": "1e3"}'}},
        {"id": "tell", "type": "send_proactive", "data": {
            "message": "two\nlines", "target_channel_id": "1e3", "target_platform": "slack"}},
        {"id": "out", "type": "send_message", "data": {"message": "on"}},
    ],
    "edges": [
        {"id": "e1", "source": "t", "target": "ask"},
        {"source": "ask", "target": "by"},
        {"source": "by", "target": "pay 1", "sourceHandle": "case_billing"},
        {"source": "by", "target": "out", "sourceHandle": "case_default"},
        {"source": "pay 1", "target": "tell"},
    ],
}  # fmt: skip


def essence(workflow: WorkflowSpec) -> object:
    """What a workflow says, wherever it stands."""
    nodes = [(node.id, node.type, dict(node.data)) for node in workflow.nodes]
    return nodes, [(edge.source, edge.handle, edge.target) for edge in workflow.edges]


@pytest.mark.parametrize("provider", ["scripted", "anthropic", "custom"])
def test_every_use_case_is_clean_and_tested_with_every_platform(tmp_path: Path, provider: str) -> None:
    for use_case in use_cases():
        for place, text in starter_files(use_case, f"my-{use_case}", platform_names(), provider).items():
            path = tmp_path / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    checked = botctl("validate", "--strict", cwd=tmp_path)
    played = botctl("test", "--min-coverage", "100", cwd=tmp_path)

    assert (checked.stdout, checked.returncode) == ("no mistakes found\n", 0)
    assert played.returncode == 0, played.stdout


def test_a_bot_of_every_use_case_answers_over_a_pipe(tmp_path: Path) -> None:
    first = {
        "hello": "You said: Where is my order 1042, and are you open?",
        "support": "Order 1042 is on its way.",
        "faq": "# Opening hours",
        "booking": "When does it suit you?",
        "approval": "I am asking for permission. You will hear from us here.",
    }
    for use_case in use_cases():
        botctl("init", use_case, "--use-case", use_case, cwd=tmp_path)

    told = {
        use_case: botctl(
            "run", use_case, cwd=tmp_path, stdin="Where is my order 1042, and are you open?\n"
        ).stdout.splitlines()[0]
        for use_case in use_cases()
    }

    assert told == first


def test_nothing_is_written_over_and_nothing_half(tmp_path: Path) -> None:
    (tmp_path / "workspaces").mkdir()
    (tmp_path / "workspaces" / "desk_tools.py").write_text("mine = True\n")

    refused = botctl("init", "desk", "--use-case", "support", cwd=tmp_path)

    assert (refused.returncode, "is there already" in refused.stderr) == (1, True)
    assert (tmp_path / "workspaces" / "desk_tools.py").read_text() == "mine = True\n"
    assert not (tmp_path / "bots").exists()


def test_a_repository_gets_what_it_must_not_hold_and_the_variables_it_needs(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("node_modules/\n.env")
    botctl("init", "a", "--use-case", "support", "--platform", "telegram", cwd=tmp_path)
    botctl("init", "b", "--use-case", "faq", "--platform", "telegram", "--provider", "openai", cwd=tmp_path)

    ignored = (tmp_path / ".gitignore").read_text()
    variables = (tmp_path / ".env.example").read_text()

    assert ignored == "node_modules/\n.env\n.botctl/\n__pycache__/\n"
    assert variables == "TELEGRAM_BOT_TOKEN=\nSUPPORT_EMAIL=\nOPENAI_API_KEY=\n"


def test_a_person_at_the_keyboard_is_asked(tmp_path: Path) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"desk\nfaq\ntelegram\nanthropic\n")

    done = subprocess.run(
        [*BOTCTL, "init"], cwd=tmp_path, stdin=terminal, capture_output=True, text=True, timeout=60
    )

    os.close(terminal)
    os.close(keyboard)
    bot = (tmp_path / "bots" / "desk" / "bot.yaml").read_text()
    assert done.returncode == 0 and "support: Answers customers" in done.stderr
    assert "llm: {provider: anthropic}" in bot and "telegram: {mode: polling" in bot


def test_a_wrong_answer_is_told_and_asked_again(tmp_path: Path) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"Bad Name\ndesk\nfaqs\nfaq\nterminal\ncloudflare\nscripted\n")

    done = subprocess.run(
        [*BOTCTL, "init"], cwd=tmp_path, stdin=terminal, capture_output=True, text=True, timeout=60
    )

    os.close(terminal)
    os.close(keyboard)
    told = [line[line.index("error: ") :] for line in done.stderr.splitlines() if "error: " in line]
    assert (
        done.returncode == 0 and "llm: {provider: scripted" in (tmp_path / "bots/desk/bot.yaml").read_text()
    )
    assert told == [
        "error: `Bad Name` is no name for a bot: use letters, digits, - and _",
        "error: there is no use case `faqs`: did you mean `faq`?",
        "error: models of `cloudflare` cannot call tools, which `faq` lives on: choose another provider",
    ]


def test_a_project_that_is_given_is_where_the_bot_goes_whatever_is_above(tmp_path: Path) -> None:
    (tmp_path / "bots").mkdir()
    (tmp_path / "inner").mkdir()

    done = botctl("init", "foo", "--use-case", "hello", "--project", "inner", cwd=tmp_path)

    written = [folder.relative_to(tmp_path) for folder in tmp_path.glob("**/foo")]
    assert (done.returncode, written) == (0, [Path("inner/bots/foo")])


@pytest.mark.parametrize("name", ["2fa", "e3", "1-2", "none", "a" * 64, "X_y-Z"])
def test_a_name_that_is_taken_can_be_read(tmp_path: Path, name: str) -> None:
    botctl("init", name, "--use-case", "support", cwd=tmp_path)

    checked = botctl("validate", "--strict", cwd=tmp_path)

    assert checked.stdout == "no mistakes found\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--use-case", "suport"), 2, "did you mean `support`"),
        (("--platform", "telegran"), 2, "did you mean `telegram`"),
        (("--provider", "antropic"), 2, "did you mean `anthropic`"),
        (("--use-case", "faq", "--provider", "cloudflare"), 2, "cannot call tools"),
        (("a b",), 2, "is no name for a bot"),
        (("foo.bar",), 2, "use letters, digits, - and _"),
        (("true",), 2, "use another, such as bot-true"),
        (("Null",), 2, "YAML does not read it as text"),
        (("123",), 2, "YAML does not read it as text"),
        (("1e3",), 2, "YAML does not read it as text"),
        (("0x1f",), 2, "YAML does not read it as text"),
        (("on",), 2, "YAML does not read it as text"),
        (("a" * 65,), 2, "a name of 65 characters is too long"),
        (("--name", "x", "y"), 2, "given twice"),
        (("--from", "x.json", "--use-case", "faq"), 2, "excludes"),
        (("--from", "nowhere.json"), 1, "nowhere.json"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = botctl("init", *arguments, cwd=tmp_path)

    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (code, True, False)
    assert not (tmp_path / "bots").exists()


def test_every_platform_and_provider_can_be_chosen() -> None:
    snippets = {path.stem for path in (ROOT / "botctl" / "starters" / "platforms").glob("*.yaml")}

    assert snippets == {platform.name for platform in PLATFORMS}
    assert provider_names()[0] == "scripted"


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(TRIAGE),
        json.dumps(json.dumps(TRIAGE)),
        json.dumps({"workflow_json": json.dumps(TRIAGE)}),
        json.dumps({"workflow_json": TRIAGE}),
    ],
    ids=["object", "string", "string under workflow_json", "object under workflow_json"],
)
def test_an_exported_workflow_is_imported_in_every_form(tmp_path: Path, written: str) -> None:
    (tmp_path / "export.json").write_text(written)

    done = botctl("init", "--from", "export.json", "--name", "desk", cwd=tmp_path)

    workflow = workflow_of_file(tmp_path / "bots" / "desk" / "workflow.yaml")
    assert done.returncode == 0, done.stderr
    assert essence(workflow) == essence(workflow_of_file(tmp_path / "export.json"))
    assert botctl("test", "desk", cwd=tmp_path).stdout.startswith("1 passed")


def test_an_import_tells_what_it_still_needs_and_prepares_it(tmp_path: Path) -> None:
    (tmp_path / "triage.json").write_text(json.dumps(TRIAGE))

    done = botctl("init", "--from", "triage.json", cwd=tmp_path)

    text = (tmp_path / "bots" / "triage" / "workflow.yaml").read_text()
    assert [line for line in done.stdout.splitlines() if line.startswith("  - ")] == [
        "  - server `stripe` must offer stripe__get: say where it is in workspaces/triage.yaml",
        "  - it sends messages on slack: set the variables of `platforms: slack` in .env",
        "  - it asks a model: choose one under `llm` in bot.yaml",
    ]
    assert (tmp_path / ".env.example").read_text() == "SLACK_BOT_TOKEN=\nSLACK_APP_TOKEN=\nSTRIPE_MCP_URL=\n"
    assert "  # On Message\n  - id: t\n" in text and "  - by.case_default -> out\n" in text
    assert "  # --- by.case_billing ---" in text


def test_an_imported_story_says_what_came_of_the_message(tmp_path: Path) -> None:
    (tmp_path / "triage.json").write_text(json.dumps(TRIAGE))
    botctl("init", "--from", "triage.json", cwd=tmp_path)

    story = (tmp_path / "bots" / "triage" / "tests" / "first.yaml").read_text()

    assert "reply: billing" in story  # the first case, so that it leads somewhere
    assert "by.case_billing" in story and "status: completed" in story
