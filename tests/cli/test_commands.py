"""The commands as a user calls them: real processes, real pipes, real exit codes."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BOTCTL = [sys.executable, "-m", "botctl"]

ECHO = {
    "nodes": [
        {"id": "t", "type": "trigger", "data": {"triggerType": "message_received"}},
        {"id": "say", "type": "send_message", "data": {"message": "you said {{message}}"}},
    ],
    "edges": [{"source": "t", "target": "say"}],
}


def botctl(*arguments: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*BOTCTL, *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on until it is stopped."""
    process = subprocess.Popen(
        [*BOTCTL, *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def address_of(process: subprocess.Popen[str]) -> str:
    """Where a bot's custom platform takes messages, as it says itself."""
    assert process.stderr is not None
    for line in process.stderr:
        if " takes messages at " in line:
            return line.split(" takes messages at ")[1].strip()
    raise AssertionError("it never listened")


def post(url: str, **fields: Any) -> dict[str, Any]:
    """POST JSON and read the JSON answer."""
    body = json.dumps(fields).encode()
    request = urllib.request.Request(url, data=body, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        told: dict[str, Any] = json.load(response)
    return told


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample project with a state of its own."""
    folder = tmp_path_factory.mktemp("shop")
    for name in ("bots", "workspaces"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_the_support_bot_answers_piped_lines_with_what_the_shops_server_knows(shop: Path) -> None:
    lines = "Where is my order 1042?\nWhere is my order 99999?\nhello\nWhere is my order?\n"

    done = botctl("run", "support-bot", cwd=shop, stdin=lines)

    assert done.stdout.splitlines() == [
        "Order 1042 is shipped: 3 items for $49.80 in all.",
        "I know no order 99999. Its number is in the mail that confirmed it.",
        'Hello! Ask me about an order, for example "Where is my order 1042?"',
        "Which order is it? Write its number, for example 1042.",
    ]
    assert done.returncode == 0


def test_a_run_is_found_by_the_beginning_of_its_id_and_told_with_its_variables(shop: Path) -> None:
    listed = json.loads(botctl("runs", "list", "--json", cwd=shop).stdout)
    oldest = listed[-1]["id"]

    told = json.loads(botctl("runs", "show", oldest[:8], "--json", cwd=shop).stdout)
    text = botctl("runs", "show", oldest, cwd=shop).stdout

    assert (told["id"], told["status"], told["variables"]["order_id"]) == (oldest, "completed", "1042")
    assert [step["node"] for step in told["execution_log"]] == [
        node for wave in told["waves"] for node in wave
    ]
    assert "look_up (mcp_tool)" in text and "total = " in text


def test_a_workflow_file_runs_by_itself_as_an_object_and_as_the_text_platforms_store(tmp_path: Path) -> None:
    (tmp_path / "object.json").write_text(json.dumps(ECHO))
    (tmp_path / "text.json").write_text(json.dumps(json.dumps(ECHO)))
    (tmp_path / "export.json").write_text(
        json.dumps({"workflow_json": json.dumps(ECHO), "workflow_enabled": 1})
    )

    told = [botctl("run", name, cwd=tmp_path, stdin="hi\n").stdout for name in ("object.json", "text.json")]
    validated = botctl("validate", "export.json", cwd=tmp_path)

    assert told == ["you said hi\n"] * 2
    assert (validated.returncode, validated.stdout) == (0, "no mistakes found\n")


def test_a_workflow_with_errors_is_refused_and_runs_only_when_told_to(tmp_path: Path) -> None:
    circle = {**ECHO, "edges": [*ECHO["edges"], {"source": "say", "target": "say"}]}
    (tmp_path / "circle.json").write_text(json.dumps(circle))

    refused = botctl("run", "circle.json", cwd=tmp_path, stdin="hi\n")
    forced = botctl("run", "circle.json", "--skip-lint", cwd=tmp_path, stdin="hi\n")

    assert (refused.returncode, refused.stdout) == (1, "") and "error[WF208]" in refused.stderr
    assert (forced.returncode, forced.stdout) == (0, "you said hi\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["rum"], 2, "did you mean `run`?"),
        (["run"], 2, "no bot was named"),
        (["run", "nobody"], 1, "there is no bot `nobody`"),
        (["runs", "show", "zzz"], 1, "there is no state"),
        (["runs", "list", "--status", "done"], 2, "there is no status `done`"),
        (["validate", "nothing.yaml"], 1, "there is no file or folder nothing.yaml"),
        (["validate", "--format", "xml"], 2, "there is no format `xml`"),
        (["explain", "WF999"], 1, "nothing is called `WF999`"),
        (["schema", "cat"], 2, "there is no schema for `cat`"),
        (["run", "--port", "x", "hello"], 2, "--port"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_told_in_words_and_never_as_a_traceback(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    done = botctl(*arguments, cwd=tmp_path)

    assert done.returncode == code
    assert words in done.stderr and "Traceback" not in done.stderr


def test_validate_exits_with_1_on_errors_and_tells_them_as_json(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text('{"nodes": [], "edges": []}')

    text = botctl("validate", "empty.json", cwd=tmp_path)
    told = botctl("validate", "--format", "json", "empty.json", cwd=tmp_path)

    assert (text.returncode, told.returncode) == (1, 1)
    assert "Workflow is empty" in text.stdout and "Workflow is empty" in told.stdout
    assert json.loads(told.stdout)


def test_a_first_bot_runs_at_once(tmp_path: Path) -> None:
    written = botctl("init", "demo", cwd=tmp_path)
    answered = botctl("run", "demo", cwd=tmp_path, stdin="hi\n")

    assert (written.returncode, answered.stdout) == (0, "You said: hi\n")
    assert botctl("validate", cwd=tmp_path).stdout == "no mistakes found\n"


def test_a_bot_that_was_killed_tells_a_repeated_message_the_same_and_runs_nothing_twice(
    tmp_path: Path,
) -> None:
    (tmp_path / "bots").symlink_to(ROOT / "bots")
    with running("run", "hello", "--port", "0", cwd=tmp_path) as process:
        first = post(address_of(process), text="hi", userId="u", messageId="m1")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with running("run", "hello", "--port", "0", cwd=tmp_path) as process:
        url = address_of(process)
        again = post(url, text="hi", userId="u", messageId="m1")
        other = post(url, text="ho", userId="u", messageId="m2")
        process.send_signal(signal.SIGTERM)
        code = process.wait(15)

    assert (again["run_id"], again["messages"]) == (first["run_id"], ["Hello! You said: hi"])
    assert (other["messages"], code) == (["Hello! You said: ho"], 0)
    assert len(json.loads(botctl("runs", "list", "--json", cwd=tmp_path).stdout)) == 2


def test_a_port_that_is_taken_is_told_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "bots").symlink_to(ROOT / "bots")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = botctl(
            "run", "hello", "--port", str(taken.getsockname()[1]), "--platform", "custom", cwd=tmp_path
        )

    assert done.returncode == 1
    assert (
        f"port {taken.getsockname()[1] if taken.fileno() >= 0 else ''}" in done.stderr
        and "--port" in done.stderr
    )


def test_a_secret_of_the_environment_is_in_no_trace_and_in_no_file_of_the_state(tmp_path: Path) -> None:
    bot = tmp_path / "bots" / "b"
    bot.mkdir(parents=True)
    (bot / "bot.yaml").write_text("name: b\nworkflow: w.json\nworkspace: w\nplatforms: {console: {}}\n")
    call = {"id": "c", "type": "mcp_tool", "data": {"toolName": "functions__look", "outputVariable": "seen"}}
    edges = [{"source": "t", "target": "c"}, {"source": "c", "target": "say"}]
    (bot / "w.json").write_text(json.dumps({"nodes": [*ECHO["nodes"], call], "edges": edges}))
    (tmp_path / "workspaces").mkdir()
    (tmp_path / "workspaces" / "w.yaml").write_text(
        'name: w\nfunctions:\n  look: {url: "http://127.0.0.1:9/${TOKEN_OF_W}", description: looks}\n'
    )
    (tmp_path / ".env").write_text("TOKEN_OF_W=open-sesame-please\n")

    done = botctl("run", "b", "--platform", "console", cwd=tmp_path, stdin="hi\n")
    shown = botctl("runs", "list", "--json", cwd=tmp_path).stdout

    assert json.loads(shown)[0]["status"] == "error"
    everything = [path.read_bytes() for path in (tmp_path / ".botctl").rglob("*") if path.is_file()]
    assert b"open-sesame-please" not in b"".join(everything) + done.stdout.encode() + done.stderr.encode()


def test_the_tables_of_the_readme_are_those_of_the_code() -> None:
    from botctl.cli.main import COMMANDS
    from botctl.nodes import NODE_TYPES

    readme = (ROOT / "README.md").read_text()
    commands = [f"| `botctl {command.name}` | {command.summary} |" for command in COMMANDS]
    nodes = [
        line.split("`")[1] for line in readme.splitlines() if line.startswith("| `") and "botctl" not in line
    ]

    assert [line for line in readme.splitlines() if line.startswith("| `botctl ")] == commands
    assert nodes == [node_type.name for node_type in NODE_TYPES]


def test_what_was_left_behind_is_answered_once_beside_what_comes_after_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "bots").symlink_to(ROOT / "bots")
    with running("run", "hello", "--port", "0", cwd=tmp_path) as process:
        post(address_of(process), text="first", userId="u")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with closing(sqlite3.connect(tmp_path / ".botctl" / "state.db")) as state:
        state.execute("UPDATE inbox SET status = 'pending', run = NULL")
        state.execute("DELETE FROM steps")
        state.execute("DELETE FROM outbox")
        state.execute("DELETE FROM runs")
        state.commit()
    with running("run", "hello", "--port", "0", cwd=tmp_path) as process:
        second = post(address_of(process), text="second", userId="u")

    assert second["messages"] == ["Hello! You said: second"]
    assert len(json.loads(botctl("runs", "list", "--json", cwd=tmp_path).stdout)) == 2
