"""The door: a message is stored, then acknowledged, then worked on; in that order, whatever happens."""

from __future__ import annotations

import sqlite3
from asyncio import Future, shield
from dataclasses import dataclass

from botctl.clock import Clock
from botctl.messages import Answer, IncomingMessage
from botctl.runtime.router import Router
from botctl.runtime.telemetry import Traffic
from botctl.store import inbox, outbox, runs
from botctl.store.database import Database


@dataclass(slots=True)
class StoredReceipt:
    """What a platform holds once its message is on disk."""

    duplicate: bool
    run_id: str
    future: Future[Answer]

    async def answer(self) -> Answer:
        """Wait until the message was dealt with; giving up waiting does not stop the work."""
        return await shield(self.future)


class Inbox:
    """The one door for messages of all platforms."""

    def __init__(
        self, database: Database, router: Router, clock: Clock, guard: inbox.Guard, traffic: Traffic
    ) -> None:
        """guard: takes out of a message what must not be stored."""
        self._guard = guard
        self._traffic = traffic
        self._database = database
        self._router = router
        self._clock = clock

    async def accept(self, message: IncomingMessage, cursor: str | None = None) -> StoredReceipt:
        """Store a message and the platform's cursor in one transaction; returns when both are on disk."""

        def store(connection: sqlite3.Connection) -> tuple[inbox.Stored, bool]:
            if cursor is not None:
                inbox.save_cursor(connection, message.bot, message.platform, cursor)
            return inbox.add(connection, message, self._guard)

        stored, is_new = await self._database.write(store)
        self._traffic.accepted(message, is_new)
        work = self._router.enqueue(stored) if is_new else self._router.under_way(stored.seq)
        if work is not None:
            return StoredReceipt(not is_new, work.run_id, work.future)
        future = self._finished(stored.seq)
        return StoredReceipt(True, future.result().run_id, future)

    def _finished(self, seq: int) -> Future[Answer]:
        """The answer that a message was given in an earlier life of this process, or of another."""
        status, reason, run = self._database.read(lambda connection: inbox.fate(connection, seq))
        future: Future[Answer] = Future()
        if run is None:
            future.set_result(Answer(run_id="", status=status, reason=reason))
            return future
        row = self._database.read(lambda connection: runs.get(connection, run))
        said = self._database.read(lambda connection: outbox.of_run(connection, run))
        future.set_result(
            Answer(
                run_id=row.id,
                status=row.status,
                messages=tuple(one.text for one in said if one.said_by != "order"),
                error=row.error_message,
                tool_calls=row.tool_calls,
                tokens=row.tokens,
                latency_ms=(row.finished_at or self._clock.now_ms()) - row.started_at,
            )
        )
        return future
