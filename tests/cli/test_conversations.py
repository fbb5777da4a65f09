"""`botctl conversations`, as real processes over a filled state."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from botctl.runtime.lock import RunnerLock
from botctl.store import events, runs
from botctl.store.database import connect
from tests.cli.test_commands import BOTCTL, botctl
from tests.store.filled import Filled


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two conversations: Ada's, in which a run waits for a person, and Bob's."""
    (tmp_path / ".botctl").mkdir()
    with closing(connect(tmp_path / ".botctl" / "state.db")) as connection:
        filled = Filled(connection)
        filled.run(filled.message("hi", user="ada", user_name="Ada", ago=2), ago=2)
        waiting = filled.run(filled.message("pay me\nback", user="ada", key="m:2", ago=1), status="waiting")
        filled.handoff(waiting)
        filled.run(filled.message("hello", user="bob"))
    return tmp_path


def rows(project: Path, query: str) -> list[tuple[object, ...]]:
    """What the state says."""
    with closing(connect(project / ".botctl" / "state.db")) as connection:
        return connection.execute(query).fetchall()


def test_conversations_are_listed_newest_first_with_their_counts(project: Path) -> None:
    text = botctl("conversations", "list", cwd=project).stdout
    told = json.loads(botctl("conversations", "list", "b", "--limit", "1", "--json", cwd=project).stdout)

    assert [line.split("\t")[:3] + line.split("\t")[4:] for line in text.splitlines()] == [
        ["2", "b/custom/bob/bob", "", "1", "1", "0"],
        ["1", "b/custom/ada/ada", "", "2", "2", "1"],
    ]
    assert told == [
        {
            "number": 2,
            "bot": "b",
            "platform": "custom",
            "channel_id": "bob",
            "user_id": "bob",
            "thread_id": "",
            "user_name": "",
            "started_at": "2027-01-15T08:00:00.000Z",
            "last_at": "2027-01-15T08:00:00.000Z",
            "messages": 1,
            "runs": 1,
            "waiting": 0,
            "taken_by": None,
        }
    ]


def test_a_conversation_is_told_message_by_message_with_its_runs(project: Path) -> None:
    text = botctl("conversations", "show", "custom/ada", cwd=project).stdout
    told = json.loads(botctl("conversations", "show", "1", "--json", cwd=project).stdout)

    assert re.sub(r"20\S+Z", "<time>", text).splitlines() == [
        "conversation 1  b/custom/ada/ada  ",
        "  2 messages, 2 runs, 1 of them waiting",
        "<time>  run1  done",
        "  user> hi",
        "<time>  run1  sent",
        "  bot> reply to hi",
        "<time>  run2  done",
        "  user> pay me",
        "  user> back",
        "<time>  run2  sent",
        "  bot> reply to pay me",
        "  bot> back",
    ]
    assert [(line["who"], line["run"]) for line in told["transcript"]] == [
        ("user", "run1"),
        ("bot", "run1"),
        ("user", "run2"),
        ("bot", "run2"),
    ]


def test_reset_cancels_what_waits_closes_its_handoffs_and_forgets_the_history(project: Path) -> None:
    done = botctl("conversations", "reset", "b/custom/ada", cwd=project)

    assert done.stdout == "reset conversation 1; cancelled 1 waiting run\n"
    assert rows(project, "SELECT status FROM runs ORDER BY seq") == [
        ("completed",),
        ("cancelled",),
        ("completed",),
    ]
    assert rows(project, "SELECT status FROM handoffs") == [("cancelled",)]
    assert rows(project, "SELECT cut_at FROM conversations ORDER BY seq") == [(2,), (0,)]


def test_reset_leaves_the_cancelling_to_the_process_that_runs_the_bot(project: Path) -> None:
    with RunnerLock(project / ".botctl", "b"):
        done = botctl("conversations", "reset", "1", cwd=project)

    with closing(connect(project / ".botctl" / "state.db")) as connection:
        left = [(event.run, event.kind) for event in events.pending(connection, ["b"])]
        status = runs.get(connection, 2).status
    assert done.stdout == f"reset conversation 1; process {os.getpid()} cancels 1 waiting run\n"
    assert (left, status) == ([(2, "cancel")], "waiting")


def test_erase_tells_what_it_removed_from_which_table_and_leaves_no_byte(project: Path) -> None:
    attachment = project / ".botctl" / "files" / "a.png"
    attachment.parent.mkdir()
    attachment.write_bytes(b"x")
    secret = project / "secret.txt"
    secret.write_text("not a file of a message")
    rest = {"attachments": [{"kind": "image", "path": path} for path in ("a.png", "../../secret.txt")]}
    with closing(connect(project / ".botctl" / "state.db")) as connection:
        connection.execute("UPDATE inbox SET rest = ? WHERE seq = 1", (json.dumps(rest),))

    done = botctl("conversations", "erase", "1", "--yes", cwd=project)

    told = dict(line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    assert told == {
        "steps": "2",
        "once": "2",
        "outbox": "2",
        "handoffs": "1",
        "runs": "2",
        "inbox": "2",
        "conversations": "1",
        "files": "1",
    }
    assert "bare keys of the newest messages stay" in done.stdout
    state = b"".join(path.read_bytes() for path in (project / ".botctl").iterdir() if path.is_file())
    assert (b"pay me" in state, b"ada" in state, attachment.exists(), secret.exists()) == (
        False,
        False,
        False,
        True,
    )
    assert botctl("db", "check", cwd=project).stdout == "the state is sound\n"


def test_erase_is_refused_while_the_bot_works_on_it(project: Path) -> None:
    with closing(connect(project / ".botctl" / "state.db")) as connection:
        connection.execute("UPDATE runs SET status = 'running' WHERE seq = 2")

    with RunnerLock(project / ".botctl", "b"):
        refused = botctl("conversations", "erase", "1", "--yes", cwd=project)
    afterwards = botctl("conversations", "erase", "1", "--yes", "--json", cwd=project)

    assert refused.returncode == 1
    assert f"in use by process {os.getpid()}: a run of it is under way" in refused.stderr
    assert json.loads(afterwards.stdout)["removed"]["runs"] == 2


def test_erase_asks_on_a_terminal_and_insists_on_yes_elsewhere(project: Path) -> None:
    piped = botctl("conversations", "erase", "1", cwd=project)
    here, there = pty.openpty()
    with subprocess.Popen(
        [*BOTCTL, "conversations", "erase", "1"],
        cwd=project,
        stdin=there,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(here, b"n\n")
        asked, _ = process.communicate(timeout=30)
    os.close(here)
    os.close(there)

    assert (piped.returncode, "--yes" in piped.stderr) == (2, True)
    assert (process.returncode, "Erase conversation 1 (b/custom/ada/ada, 2 messages) for ever?" in asked) == (
        130,
        True,
    )
    assert rows(project, "SELECT count(*) FROM conversations") == [(2,)]


@pytest.mark.parametrize("command", ["show", "reset", "erase"])
def test_a_conversation_that_is_not_there_is_told_with_a_way_out(project: Path, command: str) -> None:
    done = botctl("conversations", command, "b/custom/eve", cwd=project)

    assert done.returncode == 1
    assert "there is no conversation `b/custom/eve`" in done.stderr and "= help: " in done.stderr
