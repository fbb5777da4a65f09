"""A project whose state holds what people are asked: conversations, runs, handoffs and schedules."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from botctl.cli.start import run
from botctl.clock import SystemClock
from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.store import handoffs, inbox, outbox, runs
from botctl.store.database import connect
from botctl.store.handoffs import HandoffRow
from botctl.store.runs import RunRow

NOW = 1_767_225_600_000
HOUR = 3_600_000


class Shop:
    """A project with one conversation, in which run `run1` waits."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.state = folder / ".botctl"
        self._capsys = capsys
        (folder / "bots").mkdir()
        self.state.mkdir()
        with self.opened() as connection:
            message = IncomingMessage(
                bot="support-bot",
                platform="telegram",
                dedupe_key="m:1",
                channel_id="42",
                user_id="zoe",
                text="I want 800 € back\nnow",
                received_at=NOW,
            )
            stored, _ = inbox.add(connection, message)
            self.conversation = stored.conversation
            self.run = runs.add(connection, _waiting(stored.seq, stored.conversation))
            answer = OutgoingMessage(
                id="o1", bot="support-bot", platform="telegram", channel_id="42", text="A \x1b[31mmoment."
            )
            outbox.add(
                connection,
                answer,
                said_by="node",
                conversation=stored.conversation,
                run=self.run,
                now_ms=NOW + 1,
            )

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """A connection to the state."""
        with closing(connect(self.state / "state.db")) as connection:
            yield connection

    def ask(self, id: str, **fields: Any) -> None:
        """Store a handoff of the run, for an hour from the real now."""
        row: dict[str, Any] = {
            "id": id,
            "bot": "support-bot",
            "runner": "support-bot",
            "run": self.run,
            "conversation": self.conversation,
            "node": "ask",
            "frame": "",
            "reason": "a refund of 800 €",
            "ways_out": {"approved": ["refund (mcp_tool orders__refund)"], "rejected": [], "expired": []},
            "variables": {"order_id": "1042", "amount": 800},
            "shown_hash": "h",
            "requester": "zoe",
            "created_at": NOW,
            "expires_at": SystemClock().now_ms() + HOUR,
        }
        with self.opened() as connection:
            handoffs.add(connection, HandoffRow(**{**row, **fields}))

    def handoff(self, id: str) -> HandoffRow:
        """A handoff as it is stored."""
        with self.opened() as connection:
            return handoffs.get(connection, id)

    def botctl(self, *arguments: str) -> tuple[int, str, str]:
        """(exit code, output, errors) of a command in this project."""
        code = run([*arguments, "--project", str(self.folder)])
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err


def _waiting(message: int, conversation: int) -> RunRow:
    return RunRow(
        seq=0,
        id="run1",
        bot="support-bot",
        runner="support-bot",
        kind="workflow",
        conversation=conversation,
        message=message,
        dealing=message,
        awaits_reply=0,
        wake_at=None,
        definition="",
        status="waiting",
        state="{}",
        nodes_executed=1,
        nodes_total=2,
        started_at=NOW,
        finished_at=None,
        error_message="",
        parent=None,
        depth=0,
        in_doubt=0,
        tool_calls=0,
        tokens=0,
    )
