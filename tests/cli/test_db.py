"""`botctl db`, as real processes over a filled state."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from botctl.runtime.lock import RunnerLock
from botctl.store.database import connect
from tests.cli.test_commands import botctl
from tests.store.filled import Filled

LONG_AGO = 4000.0
"""Days before `filled.NOW`: old by any clock these tests run under."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a run of long ago, one of the future, and a definition that no run uses."""
    (tmp_path / ".botctl").mkdir()
    with closing(connect(tmp_path / ".botctl" / "state.db")) as connection:
        filled = Filled(connection)
        filled.run(filled.message("old", user="ada", ago=LONG_AGO), ago=LONG_AGO)
        filled.run(filled.message("new", user="bob"))
        connection.execute("INSERT INTO definitions VALUES ('older', 'f', 't')")
    return tmp_path


GOES = {"runs": 1, "steps": 1, "once": 1, "outbox": 1, "inbox": 1, "conversations": 1, "definitions": 1}


def count(path: Path) -> int:
    """How many runs a state has."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])


def test_stat_tells_files_tables_rows_and_bytes(project: Path) -> None:
    text = botctl("db", "stat", cwd=project).stdout
    told = json.loads(botctl("db", "stat", "--json", cwd=project).stdout)

    assert text.startswith("state.db\t")
    assert ("state.db" in told["files"], {row["table"]: row["rows"] for row in told["tables"]}["runs"]) == (
        True,
        2,
    )


def test_prune_removes_what_is_old_and_a_dry_run_only_tells_it(project: Path) -> None:
    dry = json.loads(botctl("db", "prune", "--older", "30d", "--dry-run", "--json", cwd=project).stdout)
    before = count(project / ".botctl" / "state.db")
    done = json.loads(botctl("db", "prune", "--vacuum", "--json", cwd=project).stdout)
    again = botctl("db", "prune", cwd=project)

    assert dry == {"dry_run": True, "removed": GOES}
    assert done == {"dry_run": False, "removed": GOES}
    assert (before, count(project / ".botctl" / "state.db"), again.stderr) == (2, 1, "nothing is old\n")
    assert sorted(path.name for path in (project / ".botctl").iterdir()) == ["state.db"]


def test_prune_keeps_what_botctl_yaml_wants_to_keep(project: Path) -> None:
    (project / "botctl.yaml").write_text("retention: {runs: 5000d, messages: 5000d}\n")

    done = botctl("db", "prune", "--json", cwd=project)

    assert json.loads(done.stdout)["removed"] == {"definitions": 1}


def test_definitions_are_left_to_a_bot_that_runs_and_vacuum_would_hold_it_up(project: Path) -> None:
    with RunnerLock(project / ".botctl", "b"):
        refused = botctl("db", "prune", "--vacuum", cwd=project)
        done = botctl("db", "prune", "--json", cwd=project)

    assert (refused.returncode, f"b (process {os.getpid()})" in refused.stderr) == (1, True)
    assert json.loads(done.stdout)["removed"] == {
        table: rows for table, rows in GOES.items() if table != "definitions"
    }


def test_an_age_that_is_none_is_a_usage_error(project: Path) -> None:
    done = botctl("db", "prune", "--older", "long", cwd=project)

    assert (done.returncode, "should be a duration such as 30s" in done.stderr) == (2, True)


def test_a_backup_can_be_put_in_place_of_the_state(project: Path) -> None:
    done = botctl("db", "backup", "copy.db", cwd=project)
    refused = botctl("db", "backup", "copy.db", cwd=project)
    os.replace(project / "copy.db", project / ".botctl" / "state.db")

    assert (done.returncode, refused.returncode) == (0, 1)
    assert len(json.loads(botctl("runs", "list", "--json", cwd=project).stdout)) == 2


def test_check_exits_with_1_when_something_does_not_hold(project: Path) -> None:
    sound = botctl("db", "check", cwd=project)
    with closing(connect(project / ".botctl" / "state.db")) as connection:
        connection.execute("DELETE FROM definitions WHERE hash = 'hash'")
    unsound = botctl("db", "check", cwd=project)
    told = json.loads(botctl("db", "check", "--json", cwd=project).stdout)

    assert (sound.returncode, sound.stdout) == (0, "the state is sound\n")
    assert unsound.returncode == 1
    assert told["findings"] == unsound.stdout.splitlines()
    assert told["findings"][0] == "run run1 is pinned to a definition that is not there"


@pytest.mark.parametrize("command", [["stat"], ["prune"], ["check"], ["backup", "x.db"]])
def test_without_a_state_each_command_says_so(tmp_path: Path, command: list[str]) -> None:
    done = botctl("db", *command, cwd=tmp_path)

    assert (done.returncode, "there is no state" in done.stderr) == (1, True)
