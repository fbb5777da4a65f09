"""The support bot pays back what is small at once and asks a person about what is large."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from botctl.store import handoffs
from botctl.store.database import connect
from tests.cli.test_commands import ROOT, botctl
from tests.samples.chat import Chat, sample_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return sample_project(tmp_path)


def decide(project: Path, decision: str) -> str:
    """Decide the one pending handoff in another terminal; its reason."""
    with closing(connect(project / ".botctl" / "state.db")) as connection:
        (handoff,) = handoffs.latest(connection, status="pending")
    done = botctl("handoff", decision, handoff.id[:6], "--as", "finance", cwd=project)
    assert done.returncode == 0, done.stderr
    return handoff.reason


def test_less_than_500_dollars_are_paid_back_at_once_to_the_customer_who_proved_it_and_once(
    project: Path,
) -> None:
    with Chat(project, "support-bot") as chat:
        for answer in ("I have paid back", "is paid back already"):
            chat.say("I want a refund for order 1042")
            chat.verify("Ada@example.com")
            chat.hear(answer)

    assert "I have paid back $49.80 for order 1042." in chat.heard


@pytest.mark.parametrize(
    ("decision", "answer"),
    [
        ("approve", "I have paid back $887.90 for order 1044."),
        ("reject", "Our finance team decided against a refund of order 1044."),
    ],
)
def test_more_waits_for_a_person_in_another_terminal(project: Path, decision: str, answer: str) -> None:
    with Chat(project, "support-bot") as chat:
        chat.say("refund order 1044")
        chat.verify("grace@example.com")
        chat.hear("asking our finance team")
        reason = decide(project, decision)
        chat.hear("1044.")

    assert chat.heard[-1] == answer
    assert reason.startswith("Refund of $887.90 for order 1044 (delivered). grace@example.com asks for it")


def test_a_decision_while_the_bot_is_away_is_taken_up_when_it_is_back(project: Path) -> None:
    with Chat(project, "support-bot") as chat:
        chat.say("refund order 1044")
        chat.verify("grace@example.com")
        chat.hear("asking our finance team")
    decide(project, "approve")

    with Chat(project, "support-bot") as chat:
        told = chat.hear("I have paid back .*")

    assert told == "I have paid back $887.90 for order 1044."


def test_somebody_elses_order_and_one_that_is_not_there_get_the_same_answer(project: Path) -> None:
    with Chat(project, "support-bot") as chat:
        for order in ("1044", "9999"):
            chat.say(f"refund order {order}")
            chat.verify("ada@example.com")
            chat.hear("I find no order")

    told = [line.replace("9999", "1044") for line in chat.heard if "I find no order" in line]
    assert len(told) == 2 and told[0] == told[1]


def test_who_does_not_prove_who_they_are_gets_nothing(project: Path) -> None:
    with Chat(project, "support-bot") as chat:
        chat.say("refund order 1042")
        chat.hear("Which email address")
        chat.say("cancel")
        told = chat.hear("I could not make sure who you are.*")

    assert "cannot pay anything back" in told


def test_when_the_shop_is_down_the_customer_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "bots").symlink_to(ROOT / "bots")
    (tmp_path / "workspaces").mkdir()
    (tmp_path / "workspaces" / "shop.yaml").write_text(
        "name: shop\nservers:\n  orders: &down {command: python, args: [-c, exit()]}\n  payments: *down\n"
    )

    with Chat(tmp_path, "support-bot") as chat:
        chat.say("refund order 1042")
        chat.verify("ada@example.com")
        told = chat.hear("I cannot reach our order system")

    assert told and not any("paid back" in line for line in chat.heard)
