"""A filled state: conversations, messages and runs, written the short way."""

from __future__ import annotations

import sqlite3
from typing import Any

from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.store import challenges, handoffs, inbox, outbox, runs, schedules
from botctl.store.handoffs import HandoffRow
from botctl.store.runs import RunRow
from botctl.store.schedules import ScheduleRow

DAY = 86_400_000
NOW = 1_800_000_000_000


class Filled:
    """A state that is written into. Each method gives the number of the row it made; `ago` is in days."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        runs.pin(connection, "hash", "workflow.yaml", "nodes: []")

    def message(self, text: str, *, user: str = "u", ago: float = 0, key: str = "", **fields: Any) -> int:
        """A message that came."""
        return inbox.add(self.connection, delivered(text, user=user, ago=ago, key=key, **fields))[0].seq

    def run(self, message: int, *, status: str = "completed", ago: float = 0, **fields: Any) -> int:
        """A run that dealt with it, with a step, a memory and a reply."""
        stored = inbox.get(self.connection, message)
        seq = self._run(message, stored.conversation, status, NOW - round(ago * DAY), fields)
        self.connection.execute(
            "INSERT INTO steps (run, seq, wave, node, type, label, frame, handle, started_at, duration_us,"
            " tokens_input, tokens_output, model, retries) VALUES (?, 1, 0, 'n', 't', '', '', '', 0, 0, 0, 0,"
            " '', 0)",
            (seq,),
        )
        self.connection.execute(
            "INSERT INTO once (run, node, frame, key, result) VALUES (?, 'n', '', 'k', '1')", (seq,)
        )
        inbox.finish(self.connection, message, seq)
        said = self.reply(seq, f"reply to {stored.message.text}", stored.conversation, ago=ago)
        outbox.sent(self.connection, said, ["1"], NOW)
        return seq

    def _run(
        self, message: int, conversation: int, status: str, started_at: int, fields: dict[str, Any]
    ) -> int:
        return runs.add(
            self.connection,
            RunRow(
                **{
                    "seq": 0,
                    "id": f"run{message}{fields.get('parent', '')}",
                    "bot": "b",
                    "runner": "b",
                    "kind": "workflow",
                    "conversation": conversation,
                    "message": message,
                    "dealing": message,
                    "awaits_reply": int(status == "waiting"),
                    "wake_at": None,
                    "definition": "hash",
                    "status": status,
                    "state": "{}",
                    "nodes_executed": 1,
                    "nodes_total": 1,
                    "started_at": started_at,
                    "finished_at": None if status in ("waiting", "running") else started_at + 5,
                    "error_message": "",
                    "parent": None,
                    "depth": 0,
                    "in_doubt": 0,
                    "tool_calls": 0,
                    "tokens": 0,
                    **fields,
                }
            ),
        )

    def reply(
        self, run: int | None, text: str, conversation: int, *, ago: float = 0, said_by: str = "node"
    ) -> int:
        """Something said, still to be sent."""
        id = f"out{self.connection.execute('SELECT count(*) FROM outbox').fetchone()[0]}"
        message = OutgoingMessage(id=id, bot="b", platform="custom", channel_id="u", text=text)
        now_ms = NOW - round(ago * DAY)
        return outbox.add(
            self.connection, message, said_by=said_by, conversation=conversation, run=run, now_ms=now_ms
        ).seq

    def handoff(self, run: int, *, status: str = "pending") -> int:
        """A question to a person."""
        return handoffs.add(
            self.connection,
            HandoffRow(
                id=f"handoff{run}",
                bot="b",
                runner="b",
                run=run,
                conversation=runs.get(self.connection, run).conversation,
                node="n",
                frame="",
                reason="because of u",
                ways_out={},
                variables={},
                shown_hash="",
                created_at=NOW,
                expires_at=NOW + DAY,
                status=status,  # type: ignore[arg-type]
            ),
        )

    def schedule(self, run: int, *, status: str = "pending") -> int:
        """Something to be said later."""
        return schedules.add(
            self.connection,
            ScheduleRow(
                id=f"schedule{run}",
                bot="b",
                platform="custom",
                channel_id="u",
                conversation=runs.get(self.connection, run).conversation,
                run=run,
                text="later",
                next_at=NOW + DAY,
                every="0 9 * * *",
                created_at=NOW,
                status=status,  # type: ignore[arg-type]
            ),
        )

    def ticket(self, run: int) -> None:
        """A ticket of a run."""
        conversation = runs.get(self.connection, run).conversation
        runs.add_ticket(
            self.connection, id=f"t{run}", bot="b", run=run, conversation=conversation, subject="s", now_ms=1
        )

    def challenge(self, run: int, *, ago: float = 0) -> None:
        """A code that was sent."""
        conversation = runs.get(self.connection, run).conversation
        self.connection.execute(
            "INSERT INTO challenges (id, bot, runner, run, conversation, user, contact, method, hash,"
            " created_at, expires_at, is_open) VALUES (?, 'b', 'b', ?, ?, 'h', 'h', 'code', 'h', ?, ?, 0)",
            (f"c{run}", run, conversation, NOW - round(ago * DAY), NOW),
        )

    def verified(self, user: str) -> None:
        """A user who proved an address."""
        contact = f"{user}@example.com"
        challenges.remember(self.connection, "b", delivered("", user=user), "email", contact, NOW)

    def texts(self, table: str) -> list[str]:
        """The texts of inbox or outbox, in order."""
        return [row[0] for row in self.connection.execute(f"SELECT text FROM {table} ORDER BY seq")]

    def count(self, table: str) -> int:
        """The rows of a table."""
        return int(self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def delivered(text: str, *, user: str = "u", ago: float = 0, key: str = "", **fields: Any) -> IncomingMessage:
    """A message as a platform delivers it."""
    received_at = NOW - round(ago * DAY)
    return IncomingMessage(
        bot="b",
        platform="custom",
        dedupe_key=key,
        channel_id=user,
        user_id=user,
        text=text,
        received_at=received_at,
        **fields,
    )
