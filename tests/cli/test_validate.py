"""`botctl validate` with its options, as a user calls it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.cli.test_commands import botctl, running

FINE = "nodes:\n  - {id: start, type: trigger, data: {}}\nedges: []\n"
BROKEN = "nodes:\n  - {type: trigger, data: {}}\nedges: []\n"


def test_sarif_names_its_tool_and_its_rules(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(BROKEN)

    told = botctl("validate", "--format", "sarif", "w.yaml", cwd=tmp_path)

    run = json.loads(told.stdout)["runs"][0]
    assert (
        told.returncode,
        run["tool"]["driver"]["name"],
        [rule["id"] for rule in run["tool"]["driver"]["rules"]],
    ) == (
        1,
        "botctl",
        ["WF102"],
    )


def test_fix_mends_says_what_and_validates_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(BROKEN)

    told = botctl("validate", "--fix", "w.yaml", cwd=tmp_path)

    assert (told.returncode, told.stdout, told.stderr, (tmp_path / "w.yaml").read_text()) == (
        0,
        "no mistakes found\n",
        "fixed w.yaml:2: gave a node the id `trigger_1`\n",
        "nodes:\n  - {id: trigger_1, type: trigger, data: {}}\nedges: []\n",
    )


def test_fix_goes_on_where_one_mistake_hid_the_next(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        BROKEN.replace(
            "edges: []",
            "  - id: say\n    type: send_message\n    data:\n      message: {{message}}\nedges:\n  - t > say",
        )
    )

    told = botctl("validate", "--fix", "w.yaml", cwd=tmp_path)

    assert (told.returncode, told.stderr.splitlines()) == (
        0,
        [
            "fixed w.yaml:6: put quotes around a text that begins with `{{`",
            "fixed w.yaml:2: gave a node the id `t`",
            "fixed w.yaml:8: wrote the arrow `>` of an edge as `->`",
        ],
    )


def test_watch_checks_again_when_a_file_changes_and_ends_with_the_last_exit_code(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(FINE)
    with running("validate", "--watch", "w.yaml", cwd=tmp_path) as process:
        assert process.stdout is not None and process.stderr is not None
        first = [process.stdout.readline(), process.stderr.readline()]

        (tmp_path / "w.yaml.new").write_text(BROKEN)
        (tmp_path / "w.yaml.new").rename(tmp_path / "w.yaml")  # as editors do

        second = [process.stdout.readline(), process.stderr.readline()]
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=30)
    assert (first, second, code) == (
        ["no mistakes found\n", "watching; ^C ends it\n"],
        ["error[WF102]: this trigger node has no `id`\n", "watching; ^C ends it\n"],
        1,
    )
