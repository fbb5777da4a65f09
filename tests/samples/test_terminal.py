"""Every sample talks in a terminal: with its own servers and its own script, without any account."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from botctl.store import handoffs
from botctl.store.database import connect
from tests.cli.test_commands import botctl
from tests.samples.chat import Chat, sample_project
from workspaces.hr_server.staff import open_staff
from workspaces.incidents_server.incidents import open_incidents
from workspaces.leads_server.leads import open_leads
from workspaces.members_server.members import Member, open_members


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return sample_project(tmp_path)


def decide(project: Path, *decision: str) -> None:
    """Decide the one pending handoff in another terminal."""
    with closing(connect(project / ".botctl" / "state.db")) as connection:
        (handoff,) = handoffs.latest(connection, status="pending")
    command, *options = decision
    done = botctl("handoff", command, handoff.id[:6], *options, cwd=project)
    assert done.returncode == 0, done.stderr


def test_a_newcomer_is_remembered_in_a_file(project: Path) -> None:
    done = botctl("run", "onboarding-bot", cwd=project, stdin="hi\nI teach\nlamps\ndone\nhi\n")

    known = only_member(project)
    assert done.stdout.splitlines()[-2:] == [
        "Thank you! I have you down as a teacher. You like: lamps. The next open evening is on Thursday.",
        "Good to see you again! I have you down as a teacher.",
    ]
    assert known is not None and (known.role, known.interests) == ("teacher", ["lamps"])


def only_member(project: Path) -> Member | None:
    """The one who talked in this terminal, as the bot knows them."""
    with closing(connect(project / ".botctl" / "state.db")) as connection:
        (user,) = connection.execute("select distinct user_id from conversations").fetchone()
    return open_members(str(project / ".botctl" / "members.db")).get(f"console:{user}")


def test_a_lead_books_a_demo_or_gets_something_to_read(project: Path) -> None:
    done = botctl("run", "sales-bot", cwd=project, stdin="hi\n50\nhelp our support\nthis quarter\n2\n")
    read = botctl("run", "sales-bot", cwd=project, stdin="hi\n3\nI like bots\nlater\n")

    (lead,) = open_leads(str(project / ".botctl" / "leads.db")).all()
    assert done.stdout.splitlines()[-1].startswith("Your demo is booked: ")
    assert read.stdout.splitlines()[-1].startswith(
        "Here is something to read in the meantime: What bots can do"
    )
    assert (lead.size, lead.use_case, lead.timeline, lead.score) == (3, "other", "later", 10)


def test_leave_is_asked_for_and_agreed_to_by_the_manager_alone(project: Path) -> None:
    with Chat(project, "hr-bot") as chat:
        chat.say("I need a day off")
        chat.verify("ines@example.com")
        chat.hear("You have 25 days left")
        chat.say("2027-03-01 to 2027-03-05")
        chat.hear("I am asking morgan@example.com about 5 days")
        decide(project, "approve", "--as", "morgan@example.com")
        told = chat.hear("morgan@example.com agreed: .*")

    employee = open_staff(str(project / ".botctl" / "hr.db")).get("ines@example.com")
    assert told == "morgan@example.com agreed: you are away from 2027-03-01 to 2027-03-05. Enjoy it!"
    assert employee is not None and employee.balance == 20


def test_a_question_about_benefits_is_answered_by_another_bot(project: Path) -> None:
    asked = "What does the insurance pay?\n"

    by_itself = botctl("run", "benefits-bot", cwd=project, stdin=asked)
    delegated = botctl("run", "hr-bot", cwd=project, stdin=asked)

    assert by_itself.stdout.startswith("# Health insurance")
    assert delegated.stdout == by_itself.stdout


def test_an_order_goes_back_with_a_label(project: Path) -> None:
    with Chat(project, "returns-bot") as chat:
        chat.say("return order 1041")
        chat.verify("ada@example.com")
        chat.hear("3. I changed my mind")
        chat.say("1")
        label = chat.hear("Write (.*) on the parcel")
        chat.say("return order 1044")
        chat.verify("grace@example.com")
        too_dear = chat.hear("That one I may not decide.*")

    assert (label, too_dear) == ("R-1041", "That one I may not decide by myself. I am asking my colleagues.")


def test_a_question_about_products_is_answered_by_another_bot(project: Path) -> None:
    asked = "Do you have a desk lamp?\n"

    by_itself = botctl("run", "catalogue-bot", cwd=project, stdin=asked)
    delegated = botctl("run", "returns-bot", cwd=project, stdin=asked)

    assert by_itself.stdout == delegated.stdout
    assert by_itself.stdout.startswith("Desk lamp, $39.90: ")


def test_an_alert_opens_an_incident_that_the_manager_leads(project: Path) -> None:
    with Chat(project, "monitoring-bot") as chat:
        chat.say("search: latency is up")
        chat.hear("P3 search: incident 1 is open")
        chat.say("checkout: down")
        chat.say("anything")  # is held while the manager is asked
        chat.hear("will hear from us")
        decide(project, "approve", "--as", "kim")
        led = chat.hear("P1 .*")

    incidents = open_incidents(str(project / ".botctl" / "incidents.db")).all()
    assert led == "P1 checkout: incident 2 is led by kim."
    assert [incident.leader for incident in incidents] == ["", "kim"]


def test_the_oncall_bot_works_on_alerts_only(project: Path) -> None:
    done = botctl("run", "oncall-bot", cwd=project, stdin="everything is down\n")

    assert done.stdout == "I work on alerts of the monitoring bot only.\n"
