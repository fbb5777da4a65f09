"""Bugs planted into the workflows of the samples, one at a time: their stories fail and name the step."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from botctl.cli.test import read_stories
from botctl.project.load import load_project_file
from botctl.stories.company import Plan, parts_of, perform
from botctl.stories.transcript import diagnostic

ROOT = Path(__file__).resolve().parents[2]


class Bug(NamedTuple):
    """An edit of a bot's workflow, and the steps of which one should be named."""

    what: str
    bot: str
    right: str
    wrong: str
    steps: tuple[str, ...]


BUGS = (
    Bug("wrong edge", "support-bot", "ask_finance.approved -> refund", "ask_finance.approved -> declined",
        ("ask_finance", "declined")),
    Bug("forgotten rejected path", "support-bot",
        "  - ask_finance.rejected -> declined\n", "", ("ask_finance",)),
    Bug("forgotten failed path", "support-bot", "  - verify.failed -> not_verified\n", "", ("verify",)),
    Bug("wrong variable", "support-bot", "for ${{total}} in all", "for ${{amount_text}} in all", ("answer",)),
    Bug("wrong limit", "support-bot", "{{amount}} >= 500", "{{amount}} >= 5000", ("is_large",)),
    Bug("condition turned round", "support-bot", '"{{is_theirs}} == true"', '"{{is_theirs}} == false"',
        ("is_theirs",)),
    Bug("cents lost", "support-bot",
        "Math.round(item.price * 100) * item.quantity", "Math.round(item.price * 100)",
        ("answer", "add_up")),
    Bug("wrong argument", "support-bot", 'amount: "{{amount}}"}', 'amount: "{{order.total}}"}', ("refund",)),
    Bug("branches swapped", "appointments", "is_booked.true -> moments\n  - is_booked.false -> taken",
        "is_booked.true -> taken\n  - is_booked.false -> moments", ("is_booked",)),
    Bug("off by one in a choice", "appointments", "slots[Number(text) - 1]", "slots[Number(text)]",
        ("book", "confirm", "is_offered", "choose")),
    Bug("reminder an hour late", "appointments", "new Date(start - hour)", "new Date(start)",
        ("remind_an_hour_before",)),
    Bug("reminder left behind", "appointments",
        "  - cancel -> forget_the_day\n", "", ("cancel", "forget_the_hour")),
    Bug("forgotten timeout", "appointments", "  - choice.timeout -> too_late\n", "", ("choice",)),
    Bug("weekends counted", "hr-bot", "day.getUTCDay() % 6 !== 0", "day.getUTCDay() !== 0",
        ("submit", "announce", "ask_manager", "is_too_much")),
    Bug("off by one in a loop over days", "hr-bot", "day <= new Date(last)", "day < new Date(last)",
        ("submit", "announce", "ask_manager", "understood")),
    Bug("expiry that approves", "hr-bot", "ask_manager.expired -> decline", "ask_manager.expired -> approve",
        ("ask_manager",)),
    Bug("anybody may decide", "hr-bot", '      reviewers: ["{{employee.manager}}"]\n', "", ("ask_manager",)),
    Bug("prompt without the question", "hr-bot",
        "Message: {{message}}", "Message: {{mesage}}", ("classify",)),
    Bug("off by one in a loop", "onboarding-bot", "maxIterations: 3", "maxIterations: 2",
        ("each_interest", "ask_interest", "note_interest", "interest_told")),
    Bug("loop that never ends early", "onboarding-bot",
        'condition: "{{is_done}} == false"', 'condition: "true"',
        ("each_interest", "note_interest", "ask_interest", "interest_told")),
    Bug("wrong channel", "oncall-bot", "      target_channel_id: incidents\n      message: \"{{severity}}",
        "      target_channel_id: general\n      message: \"{{severity}}", ("tell_channel",)),
    Bug("wrong severity", "oncall-bot", '"{{severity}} == P1"', '"{{severity}} == p1"', ("is_worst",)),
    Bug("message before its answer", "sales-bot", "value: \"{{message}}\", label: In their words",
        "value: \"{{use_case}}\", label: In their words", ("keep_need", "classify", "ask_sales")),
    Bug("boundary of a score", "sales-bot", "score >= 80", "score > 80", ("by_grade", "score")),
    Bug("join that waits for one", "returns-bot", "  - both -> look_up_delivery\n", "",
        ("both", "judge", "by_verdict", "look_up", "look_up_delivery")),
    Bug("missing escape", "sales-bot", r"(?=\d{3}\b)", "(?=d{3}b)", ("keep_size",)),
    Bug("wrong word of a switch", "returns-bot", "cases: [eligible, unclear, not_delivered, returned]",
        "cases: [eligible, unclear, not_delivered, return]", ("by_verdict",)),
)  # fmt: skip


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the samples, to plant bugs into."""
    folder = tmp_path_factory.mktemp("samples")
    for name in ("bots", "workspaces"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".botctl"))
    return folder


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.bot}: {bug.what}")
def test_a_planted_bug_fails_a_story_that_names_the_step(samples: Path, bug: Bug) -> None:
    workflow = samples / "bots" / bug.bot / "workflow.yaml"
    text = workflow.read_text()
    assert text.count(bug.right) == 1
    workflow.write_text(text.replace(bug.right, bug.wrong))
    try:
        failures = _failures(samples, bug.bot)
    finally:
        workflow.write_text(text)

    assert failures
    assert [said for said in failures if any(re.search(rf"\b{step}\b", said) for step in bug.steps)], failures


def _failures(folder: Path, bot: str) -> list[str]:
    """What the stories say that fail, of a bot and of those that delegate to it."""
    project = load_project_file(folder)
    callers = [
        name
        for name, file in project.bot_files.items()
        if any(f"target_bot_id: {bot}" in path.read_text() for path in file.parent.glob("workflow.yaml"))
    ]
    files = read_stories(project, [bot, *callers])
    by_path = {one.path: one for one in files}
    played = perform(parts_of(files), Plan(folder=folder, processes=1)).played
    told = [diagnostic(one, by_path[one.file]) for one in played if one.failure]
    return [f"{said.message}; {said.help}" for said in told]
