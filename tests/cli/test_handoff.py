"""`botctl handoff`: what waits is listed, told, and decided once, by whoever may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from botctl.cli import taking
from botctl.runtime.lock import RunnerLock
from botctl.store import events, runs
from botctl.store.database import transaction
from tests.cli.people import NOW, Shop


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("BOTCTL_REVIEWER", "anna")
    return Shop(tmp_path, capsys)


def decisions(shop: Shop) -> list[Any]:
    """The decisions that the run has not taken up."""
    with shop.opened() as connection:
        return [event.value for event in events.for_run(connection, shop.run, "decision")]


def test_what_waits_is_listed_and_what_is_decided_only_when_asked_for(shop: Shop) -> None:
    shop.ask("3f2k9")
    shop.ask("7aaaa")
    shop.ask("8bbbb", bot="other-bot")
    shop.botctl("handoff", "reject", "7", "--note", "no")

    def ids(*arguments: str) -> list[str]:
        code, out, _ = shop.botctl("handoff", "list", *arguments, "--json")
        assert code == 0
        return [row["id"] for row in json.loads(out)]

    assert [ids(), ids("support-bot"), ids("--status", "rejected"), ids("--status", "all")] == [
        ["8bbbb", "3f2k9"],
        ["3f2k9"],
        ["7aaaa"],
        ["8bbbb", "7aaaa", "3f2k9"],
    ]
    assert shop.botctl("handoff", "list", "support-bot")[1].split("\t")[:3] == [
        "3f2k9",
        "support-bot",
        "pending",
    ]


def test_json_tells_a_handoff_with_its_run_and_conversation(shop: Shop) -> None:
    shop.ask("3f2k9", reviewers=("anna",), expires_at=NOW, notify=({"email": "a@b.c"},))

    _, out, _ = shop.botctl("handoff", "show", "3f", "--json")

    assert json.loads(out) == {
        "id": "3f2k9",
        "bot": "support-bot",
        "status": "pending",
        "reason": "a refund of 800 €",
        "run": "run1",
        "node": "ask",
        "conversation": {
            "bot": "support-bot",
            "platform": "telegram",
            "channel_id": "42",
            "user_id": "zoe",
            "thread_id": "",
        },
        "created_at": "2026-01-01T00:00:00.000Z",
        "expires_at": "2026-01-01T00:00:00.000Z",
        "reviewers": ["anna"],
        "decided_by": None,
        "decided_at": None,
        "note": "",
        "frame": "",
        "shown": "h",
        "ways_out": {"approved": ["refund (mcp_tool orders__refund)"], "rejected": [], "expired": []},
        "variables": {"order_id": "1042", "amount": 800},
        "requester": "zoe",
        "told": [{"email": "a@b.c"}],
        "sets": {},
        "transcript": [
            {"who": "user", "text": "I want 800 € back\nnow"},
            {"who": "bot", "text": "A \x1b[31mmoment."},
        ],
    }


def test_show_tells_all_that_a_decision_needs(shop: Shop) -> None:
    shop.ask("3f2k9", expires_at=NOW)

    _, out, _ = shop.botctl("handoff", "show", "3f2k9")

    assert out.splitlines() == [
        "handoff 3f2k9  support-bot  pending",
        "  telegram/42/zoe, run run1, node ask",
        "reason",
        "  a refund of 800 €",
        "what each answer leads to",
        "  approved: refund (mcp_tool orders__refund)",
        "  rejected: nothing more",
        "  nobody decides in time: as if it were rejected",
        "conversation",
        "  user: I want 800 € back",
        "    now",
        "  bot: A  [31mmoment.",
        "variables",
        "  amount = 800",
        '  order_id = "1042"',
        "who may decide",
        "  anybody",
        "to decide, until 2026-01-01T00:00:00.000Z",
        "  botctl handoff approve 3f2k9",
        "  botctl handoff reject 3f2k9",
    ]


def test_show_tells_what_was_decided(shop: Shop) -> None:
    shop.ask("3f2k9")
    shop.botctl("handoff", "approve", "3f2k9", "--note", "but less", "--set", "amount=700")

    told = shop.botctl("handoff", "show", "3f2k9")[1].splitlines()[-3:]

    assert told[0].startswith("approved by anna at ")
    assert told[1:] == ["  but less", "  amount = 700"]


def test_approving_without_a_runner_is_recorded_and_says_when_the_run_goes_on(shop: Shop) -> None:
    shop.ask("3f2k9", runner="root-bot")

    code, out, _ = shop.botctl("handoff", "approve", "3f")

    assert (code, out) == (
        0,
        "approved 3f2k9: no runner is up; the run goes on at the next start of root-bot\n",
    )
    assert decisions(shop) == [
        {"handoff": "3f2k9", "status": "approved", "by": "anna", "note": "", "sets": {}}
    ]


def test_approving_while_a_runner_is_up_says_which_process_goes_on(shop: Shop) -> None:
    shop.ask("3f2k9")
    started = threading.Event()

    def runner() -> None:
        with shop.opened() as connection, RunnerLock(shop.state, "support-bot"):
            started.set()
            while not (left := events.pending(connection, ["support-bot"])):
                pass
            with transaction(connection):
                events.take(connection, left[0].seq)
            finished.wait(30)

    finished = threading.Event()
    thread = threading.Thread(target=runner)
    thread.start()
    started.wait(30)

    code, out, _ = shop.botctl("handoff", "approve", "3f2k9")
    finished.set()
    thread.join()

    assert (code, out) == (0, f"approved 3f2k9: process {os.getpid()} goes on with run run1\n")


def test_a_runner_that_does_not_take_it_up_is_told_of(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.ask("3f2k9")
    monkeypatch.setattr(taking, "_PATIENCE_MS", 0)

    with RunnerLock(shop.state, "support-bot"):
        code, out, _ = shop.botctl("handoff", "reject", "3f2k9")

    assert code == 0
    assert out.startswith(f"rejected 3f2k9: process {os.getpid()} has not taken it up within ")
    assert shop.handoff("3f2k9").status == "rejected"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("800", 800),
        ("-1.5", -1.5),
        ("true", True),
        ("null", None),
        ('"800"', "800"),
        ('{"a": [1]}', {"a": [1]}),
        ("[]", []),
        ("", ""),
        ("007", "007"),
        ("NaN", "NaN"),
        ("1e999", "1e999"),
        ("a=b", "a=b"),
        ("{not json", "{not json"),
        ("Zoë", "Zoë"),
    ],
)
def test_a_value_is_json_where_it_can_be_and_text_elsewhere(shop: Shop, written: str, value: Any) -> None:
    shop.ask("3f2k9")

    shop.botctl("handoff", "approve", "3f2k9", "--set", f"value={written}", "--set", "other=1")

    assert decisions(shop)[0]["sets"] == {"value": value, "other": 1}


@pytest.mark.parametrize("written", ["value", "=1", "a.b=1", "a b=1", "{{a}}=1"])
def test_what_sets_no_plain_variable_is_refused_before_anything_is_decided(shop: Shop, written: str) -> None:
    shop.ask("3f2k9")

    code, _, err = shop.botctl("handoff", "approve", "3f2k9", "--set", written)

    assert (code, err.splitlines()[0]) == (2, f"error: `--set {written}` sets no variable")
    assert shop.handoff("3f2k9").status == "pending"


def test_who_decides_is_said_or_set_or_the_login(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for id in ("aaa", "bbb", "ccc"):
        shop.ask(id)
    shop.botctl("handoff", "approve", "aaa", "--as", "bob")
    shop.botctl("handoff", "approve", "bbb")
    monkeypatch.delenv("BOTCTL_REVIEWER")
    monkeypatch.setenv("LOGNAME", "carl")
    shop.botctl("handoff", "approve", "ccc")

    assert [shop.handoff(id).decided_by for id in ("aaa", "bbb", "ccc")] == ["bob", "anna", "carl"]


def test_refusals_are_told_with_a_way_out_and_exit_with_1(shop: Shop) -> None:
    shop.ask("aaa", reviewers=("boss",))
    shop.ask("bbb")
    shop.botctl("handoff", "approve", "bbb", "--as", "bob")

    def told(*arguments: str) -> tuple[int, str]:
        code, out, err = shop.botctl("handoff", *arguments)
        assert out == ""
        return code, err.split(" at 2")[0]

    assert [
        told("approve", "aaa"),
        told("approve", "bbb"),
        told("approve", "zzz"),
        told("show", "zzz"),
        told("list", "--status", "open"),
    ] == [
        (1, "error: `anna` may not decide handoff `aaa`\n  = help: these may: boss\n"),
        (1, "error: handoff `bbb` was approved by bob"),
        (
            1,
            "error: no handoff has an id that starts with `zzz`\n"
            "  = help: `botctl handoff list` shows them\n",
        ),
        (
            1,
            "error: no handoff has an id that starts with `zzz`\n"
            "  = help: `botctl handoff list` shows them\n",
        ),
        (
            2,
            "error: there is no status `open`\n"
            "  = help: one of pending, approved, rejected, expired, cancelled, all\n",
        ),
    ]


def test_a_handoff_of_a_run_that_is_over_is_not_decided(shop: Shop) -> None:
    shop.ask("3f2k9")
    with shop.opened() as connection:
        runs.cancel(connection, shop.run, "the user went away", NOW)

    code, _, err = shop.botctl("handoff", "approve", "3f2k9")

    assert (code, "its run has moved on" in err, decisions(shop)) == (1, True, [])


def test_of_two_processes_that_decide_at_once_one_wins_and_the_other_is_told(shop: Shop) -> None:
    shop.ask("3f2k9")

    both = [
        subprocess.Popen(
            [sys.executable, "-m", "botctl", "handoff", verb, "3f2k9", "--as", name],
            cwd=shop.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for verb, name in (("approve", "anna"), ("reject", "bob"))
    ]
    errors = {process.communicate(timeout=60)[1].split(" at ")[0] for process in both}

    row = shop.handoff("3f2k9")
    assert sorted(process.returncode for process in both) == [0, 1]
    assert errors == {"", f"error: handoff `3f2k9` was {row.status} by {row.decided_by}"}
    assert len(decisions(shop)) == 1
