"""`botctl test`: which stories are played, what is told, and what exit code it comes to."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from botctl.cli.start import run
from tests.stories.test_stories import REFUND, STUBS
from tests.stories.world import BOT, write_project, write_stories

STORIES = """
stories:
  - {name: a refund is paid, steps: [{say: money, expect: Paid 20.}]}
  - {name: whoever greets is greeted, steps: [{say: hi, expect: {contains: Hello}}]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with two stories that pass, and the current folder in it."""
    write_project(tmp_path, REFUND)
    write_stories(tmp_path, STUBS + STORIES)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    logging.getLogger("botctl").setLevel(logging.NOTSET)  # the command silences it for its process


def test_stories_that_pass_are_counted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["test"])

    assert (code, capsys.readouterr().out[:17]) == (0, "2 passed of 1 bot")


@pytest.mark.parametrize("names", [["shop"], ["bots/shop/tests/all.yaml"], ["-k", "REFUND paid"]])
def test_stories_are_chosen_by_bot_file_and_words(
    project: Path, capsys: pytest.CaptureFixture[str], names: list[str]
) -> None:
    code = run(["test", "--json", *names])

    played = json.loads(capsys.readouterr().out)["stories"]
    expected = ["a refund is paid", "whoever greets is greeted"][: 1 if "-k" in names else 2]
    assert (code, [one["name"] for one in played]) == (0, expected)


def test_a_story_that_fails_is_told_and_is_the_exit_code(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_stories(project, STUBS + STORIES.replace("Paid 20.", "Paid 30."))

    code = run(["test"])

    told = capsys.readouterr().out
    assert code == 1
    assert told.startswith("shop: a refund is paid\n> user: money\n")
    assert "error[ST301]: message 1 (of `done`) is another text\n  --> bots/shop/tests/all.yaml:10:" in told
    assert "\n1 passed, 1 failed of 1 bot" in told


def test_a_failure_as_json_names_line_step_and_node(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_stories(project, STUBS + STORIES.replace("Paid 20.", "Paid 30."))

    code = run(["test", "--json"])

    failure = json.loads(capsys.readouterr().out)["stories"][0]["failure"]
    del failure["told"]
    assert (code, failure) == (
        1,
        {"message": "message 1 (of `done`) is another text", "line": 10, "step": 1, "node": "done"},
    )


def test_a_junit_report_holds_every_story(project: Path) -> None:
    write_stories(project, STUBS + STORIES.replace("Paid 20.", "Paid 30."))

    run(["test", "--junit", "report.xml"])

    root = ElementTree.parse(project / "report.xml").getroot()
    found = [(case.get("name"), case.find("failure") is not None) for case in root.iter("testcase")]
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert found == [("a refund is paid", True), ("whoever greets is greeted", False)]


def test_too_little_coverage_is_the_exit_code(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = [run(["test", "--min-coverage", percent]) for percent in ("20", "95")]

    told = capsys.readouterr().out
    assert codes == [0, 1]
    assert "warning[ST401]: node `late` runs in no story\n  --> bots/shop/workflow.yaml:15:10" in told
    assert "shop: 52 % covered (8 of 14 nodes, 7 of 15 ways out)" in told


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (
            ["test", "shopp"],
            1,
            "error: there is no bot and no file `shopp`\n  = help: did you mean `shop`?\n",
        ),
        (["test", "-k", "nothing"], 1, "error: no story has `nothing` in its name, file or bot"),
        (["test", "--watch", "--json"], 2, "error: `--watch` and `--json` exclude each other"),
    ],
)
def test_what_cannot_be_played_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    found = run(arguments)

    assert found == code
    assert capsys.readouterr().err.startswith(told)


def test_a_file_of_stories_with_mistakes_is_told_and_not_played(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_stories(project, "models: [{reply: a, json: 1}]\nstories: [{name: a, steps: [{say: x, as: bob}]}]")

    code = run(["test"])

    told = capsys.readouterr()
    assert (code, told.err.splitlines()[0]) == (1, "error: nothing was played")
    assert [line for line in told.out.splitlines() if line.startswith("error")] == [
        "error[ST201]: entry 1 of `models`: there is both `reply` and `json`",
        "error[ST205]: there is no user `bob` in this story",
    ]


def test_a_bot_with_mistakes_fails_its_stories_with_the_first_of_them(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "bots/shop/bot.yaml").write_text(BOT + "extra: 1\n")

    code = run(["test", "-k", "refund"])

    fact = "bot `shop` cannot be tested: bots/shop/bot.yaml:9: the bot has no field `extra`"
    assert (code, f"error[ST303]: the story cannot begin: {fact}" in capsys.readouterr().out) == (1, True)
