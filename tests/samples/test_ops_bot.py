"""The ops bot answers questions at once and lets a person decide before it changes a service."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from botctl.store import handoffs
from botctl.store.database import connect
from tests.cli.test_commands import botctl
from tests.samples.chat import Chat, sample_project
from workspaces.ops_server.services import Refused, open_services

STATUS = ["checkout 2.4.1 is up", "mail 3.0.2 is up", "search 1.9.0 is up"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return sample_project(tmp_path)


def decide(project: Path, *decision: str) -> str:
    """Decide the one pending handoff in another terminal; its reason."""
    with closing(connect(project / ".botctl" / "state.db")) as connection:
        (handoff,) = handoffs.latest(connection, status="pending")
    command, *options = decision
    done = botctl("handoff", command, handoff.id[:6], *options, cwd=project)
    assert done.returncode == 0, done.stderr
    return handoff.reason


def deployed(project: Path) -> list[tuple[str, str]]:
    """What was rolled out, in order."""
    return open_services(str(project / ".botctl" / "ops.db")).deployments()


def test_questions_are_answered_at_once_and_nobody_is_asked(project: Path) -> None:
    done = botctl("run", "ops-bot", cwd=project, stdin="status?\nerrors of mail\nerrors of search\n")

    assert done.stdout.splitlines() == [
        *STATUS,
        "mail: 12 x a mailbox is full, last 7 h ago",
        "no errors in the last 24 h",
    ]
    assert botctl("handoff", "list", "--status", "all", cwd=project).stdout == ""


@pytest.mark.parametrize(
    ("decision", "answer", "rolled_out"),
    [
        (("approve",), "checkout is at 2.5.0 now; it was at 2.4.1.", [("checkout", "2.5.0")]),
        (
            ("approve", "--set", 'arguments={"service": "checkout", "version": "2.4.2"}'),
            "checkout is at 2.4.2 now; it was at 2.4.1",  # a line for the model follows
            [("checkout", "2.4.2")],
        ),
        (("reject", "--note", "not on a Friday"), "a person declined this call: not on a Friday.", []),
    ],
    ids=["approved", "edited", "rejected"],
)
def test_a_deployment_waits_for_a_person_while_questions_are_answered(
    project: Path, decision: tuple[str, ...], answer: str, rolled_out: list[tuple[str, str]]
) -> None:
    with Chat(project, "ops-bot") as chat:
        chat.say("please deploy checkout 2.5.0")
        chat.say("status?")
        chat.hear(STATUS[-1])
        before = deployed(project)
        reason = decide(project, *decision)
        told = chat.hear("Deployment of checkout: (.*)")

    assert (told, before, deployed(project)) == (answer, [], rolled_out)
    assert reason == ('The bot wants to call `ops__deploy` with {"service":"checkout","version":"2.5.0"}')


def test_a_restart_that_is_approved_while_the_bot_is_away_is_made_when_it_is_back(project: Path) -> None:
    botctl("run", "ops-bot", cwd=project, stdin="restart search\n")
    decide(project, "approve")

    with Chat(project, "ops-bot") as chat:
        told = chat.hear("Restart of .*")

    assert told == "Restart of search: search was restarted and is up."
    assert open_services(str(project / ".botctl" / "ops.db")).get("search").restarts == 1


def test_what_the_data_centre_does_not_know_is_refused_and_changes_nothing() -> None:
    services = open_services(":memory:")
    refusals = []

    for service, version in (("billing", "1.0.0"), ("mail", "latest")):
        with pytest.raises(Refused) as refused:
            services.deploy(service, version)
        refusals.append(str(refused.value))

    assert refusals == [
        "there is no service `billing`, but checkout, mail, search",
        "`latest` is not a version such as 2.5.0",
    ]
    assert services.deployments() == []
