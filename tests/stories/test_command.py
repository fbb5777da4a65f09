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
from tests.stories.world import BOT, ECHO, write_project, write_stories

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


@pytest.mark.parametrize("names", [["shop"], ["bots/shop/tests/all.yaml"], ["bots/shop/tests"], ["."],
              ["shop", "bots/shop"], ["-k", "REFUND paid"]])  # fmt: skip
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


def test_a_junit_report_is_xml_whatever_stories_are_called(project: Path) -> None:
    write_stories(project, STUBS + r'stories: [{name: "a\ab\uFFFE", steps: [{say: hi}]}]')

    run(["test", "--junit", "report.xml"])

    root = ElementTree.parse(project / "report.xml").getroot()
    assert [case.get("name") for case in root.iter("testcase")] == ["a\ufffdb\ufffd"]


@pytest.mark.parametrize(
    ("report", "reason"), [("nowhere/x.xml", "no such file or directory"), ("bots", "it is a folder")]
)
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_played(
    project: Path, capsys: pytest.CaptureFixture[str], report: str, reason: str
) -> None:
    code = run(["test", "--junit", report])

    told = capsys.readouterr()
    assert (code, told.out, told.err.splitlines()[0]) == (
        1,
        "",
        f"error: {report} cannot be written: {reason}",
    )


def test_a_refused_command_leaves_no_empty_report(project: Path) -> None:
    code = run(["test", "-k", "nothing", "--junit", "report.xml"])

    assert (code, (project / "report.xml").exists()) == (1, False)


def test_a_workflow_without_stories_is_covered_by_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, settings in {"bare": "workflow: workflow.yaml\n", "agent": ""}.items():
        (project / "bots" / name).mkdir()
        (project / "bots" / name / "bot.yaml").write_text(
            f"name: {name}\n{settings}llm: {{provider: anthropic}}\n"
        )
    (project / "bots/bare/workflow.yaml").write_text(ECHO)

    least = ["--min-coverage", "20"]
    codes = [run(["test", *more]) for more in ([], least, ["bots", *least], ["shop", *least])]

    told = capsys.readouterr().out
    assert codes == [0, 1, 1, 0]
    assert told.count("bare: 0 % covered (0 of 2 nodes, 0 of 1 ways out)") == 2 and "agent" not in told


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
        (["test", "bots/shop/bot.txt"], 1, "error: there is no bot and no file `bots/shop/bot.txt`\n"),
        (["test", "out.txt"], 1, "error: out.txt is no file of stories\n  = help: their names end in .yaml"),
        (["test", "workspaces/empty"], 1, "error: there is no file of stories in workspaces/empty\n"),
        (["test", "-k", "nothing"], 1, "error: no story has `nothing` in its name, file or bot"),
        (["test", "--watch", "--json"], 2, "error: `--watch` and `--json` exclude each other"),
    ],
)
def test_what_cannot_be_played_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    (project / "out.txt").touch()
    (project / "workspaces" / "empty").mkdir()

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


@pytest.mark.parametrize(
    ("stories", "message", "help"),
    [
        (
            "bot: shopp\nstories: [{name: a, steps: [{say: x}]}]",
            "error[ST204]: there is no bot `shopp`",
            "did you mean `shop`?",
        ),
        (
            "platform: telegran\nstories: [{name: a, steps: [{say: x}]}]",
            "error[ST104]: there is no platform `telegran`",
            "did you mean `telegram`?",
        ),
        (
            "stories: [{name: a, users: {u: {platform: teams}}, steps: [{say: x}]}]",
            "error[ST104]: there is no platform `teams`",
            "use `console`, `custom`, `discord`, `slack`, `telegram` or `whatsapp`",
        ),
        (
            "stories: [{name: a, steps: [{say: x, elsewhere: [{platform: emial}, {platform: email}]}]}]",
            "error[ST104]: there is no platform `emial`",
            "did you mean `email`?",
        ),
        (
            "stories: [{name: a, steps: [{sya: hi}]}]",
            "error[ST101]: entry 1 of `steps` has no field `sya`",
            "did you mean `say`?",
        ),
    ],
)
def test_a_word_that_was_misspelt_is_told_with_the_one_that_was_meant(
    project: Path, capsys: pytest.CaptureFixture[str], stories: str, message: str, help: str
) -> None:
    write_stories(project, stories)

    code = run(["test"])

    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("error", "  = help"))]
    assert (code, told) == (1, [message, f"  = help: {help}"])


def test_a_bot_with_mistakes_fails_its_stories_with_the_first_of_them(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "bots/shop/bot.yaml").write_text(BOT + "extra: 1\n")

    code = run(["test", "-k", "refund"])

    fact = "bot `shop` cannot be tested: bots/shop/bot.yaml:9: the bot has no field `extra`"
    assert (code, f"error[ST303]: the story cannot begin: {fact}" in capsys.readouterr().out) == (1, True)
