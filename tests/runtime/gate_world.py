"""A world for gates: a real store, a carrier that keeps what it carries, users who talk to an auth_gate."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from botctl.clock import StandingClock
from botctl.execution.outcome import Done, Event, LeaveGate, Outcome, Wait
from botctl.identity.provider import Carrier, Delivery
from botctl.messages import ConversationKey, IncomingMessage
from botctl.nodes.auth_gate import AUTH_GATE
from botctl.runtime.gates import Gates
from botctl.store import challenges, inbox, runs
from botctl.store.database import Database, open_database
from botctl.store.inbox import Stored
from botctl.store.runs import RunRow
from tests.nodes.world import RememberingJournal, a_step

KEY = b"k" * 32
WRITTEN = {"provider": "custom_http", "contact_type": "email", "outputVariable": "who"}


class RecordingCarrier:
    """Keeps what it is given to carry. `faults` are raised one by one instead; `hold`: it never ends."""

    def __init__(self, *faults: Exception) -> None:
        self.carried: list[Delivery] = []
        self.faults = list(faults)
        self.hold = False
        self.is_closed = False
        self.asked = asyncio.Event()

    async def carry(self, delivery: Delivery) -> str:
        if self.faults:
            raise self.faults.pop(0)
        self.carried.append(delivery)
        self.asked.set()
        if self.hold:
            await asyncio.Event().wait()
        return delivery.id

    async def close(self) -> None:
        self.is_closed = True

    @property
    def code(self) -> str:
        """The last code."""
        return self.carried[-1].code

    @property
    def token(self) -> str:
        """The last link's token."""
        return self.carried[-1].link.rpartition("/")[2]


class GateWorld:
    """A store, gates and a carrier."""

    def __init__(self, database: Database, public_url: str = "https://bots.example.com/") -> None:
        self.database = database
        self.clock = StandingClock()
        self.carrier = RecordingCarrier()
        self.gates = Gates(database, self.clock, KEY, self._carrier_of, public_url)

    async def _carrier_of(self, bot: str, provider: str, conversation: ConversationKey) -> Carrier:
        return self.carrier

    async def receive(self, text: str, user: str, kind: str = "text") -> Stored:
        """What the inbox stores of a message, once it is on disk."""
        message = IncomingMessage(
            bot="b",
            platform="console",
            dedupe_key="",
            channel_id=user,
            user_id=user,
            text=text,
            received_at=self.clock.now_ms(),
            kind=kind,  # type: ignore[arg-type]
        )
        stored, _ = await self.database.write(
            lambda connection: inbox.add(connection, message, self.gates.guard)
        )
        return stored

    async def talk(self, user: str = "ada", **written: Any) -> Talk:
        """A user at the first question of a gate of their own, in a new run."""
        stored = await self.receive("hello", user)
        run = await self.database.write(lambda connection: runs.add(connection, _run(stored)))
        talk = Talk(self, user, run, written)
        await talk.happens(None, stored)
        return talk

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        return self.database.read(lambda connection: connection.execute(query).fetchall())


class Talk:
    """A user at an auth_gate, whose orders are carried out."""

    def __init__(self, world: GateWorld, user: str, run: int, written: Mapping[str, Any]) -> None:
        self.world = world
        self.user = user
        self.run = run
        self.outcome: Outcome | None = None
        self.state: Any = None
        self.journal = RememberingJournal()
        self._written = {**WRITTEN, **written}

    async def say(self, text: str) -> str:
        """What the gate comes to: the sentence it says, or the handle it leaves by."""
        stored = await self.world.receive(text, self.user)
        return await self.happens(Event("reply", stored.message.text), stored)

    async def press(self, token_hash: str) -> str:
        """The same for a link that was confirmed."""
        stored = self.world.database.read(lambda connection: inbox.get(connection, 1))
        return await self.happens(Event("link", {"token_hash": token_hash}), stored)

    async def happens(self, event: Event | None, stored: Stored) -> str:
        """Enter the node as the engine would, and do what its outcome says."""
        step = structs.replace(
            a_step(message=stored.message, journal=self.journal, state=self.state, event=event),
            now_ms=self.world.clock.now_ms(),
            gate=self.world.gates.gate("b", "b", self.run, stored),
        )
        self.outcome = await AUTH_GATE.execute(AUTH_GATE.data.model_validate(self._written), step)
        assert isinstance(self.outcome, Done | Wait)
        for order in self.outcome.orders:
            assert isinstance(order, LeaveGate)
            await self.world.database.write(
                lambda connection, order=order: self._leave(connection, order, stored)
            )  # type: ignore[misc]
        if isinstance(self.outcome, Done):
            return self.outcome.handle
        self.state = self.outcome.state
        return self.outcome.say[0].text

    def _leave(self, connection: sqlite3.Connection, order: LeaveGate, stored: Stored) -> None:
        challenges.leave(connection, self.run, order.challenges)
        if order.contact:
            now_ms = self.world.clock.now_ms()
            challenges.remember(connection, "b", stored.message, order.contact_type, order.contact, now_ms)


def in_a_gate_world(
    folder: Path, story: Callable[[GateWorld], Awaitable[Any]], public_url: str = "https://bots.example.com/"
) -> Any:
    """What a story returns that happens over a store in a folder."""

    async def whole() -> Any:
        database = await open_database(folder / "state.db")
        try:
            return await story(GateWorld(database, public_url))
        finally:
            await database.close()

    return asyncio.run(whole())


def other_than(code: str) -> str:
    """A wrong code."""
    return f"{(int(code) + 1) % 10**6:06d}"


def shape(told: str) -> str:
    """What is told without what differs from user to user."""
    return re.sub(r"\S+@\S+", "<contact>", told)


def _run(stored: Stored) -> RunRow:
    return RunRow(
        seq=0,
        id=f"run {stored.seq}",
        bot="b",
        runner="b",
        kind="workflow",
        conversation=stored.conversation,
        message=stored.seq,
        dealing=stored.seq,
        awaits_reply=1,
        wake_at=None,
        definition="",
        status="waiting",
        state="",
        nodes_executed=1,
        nodes_total=2,
        started_at=stored.message.received_at,
        finished_at=None,
        error_message="",
        parent=None,
        depth=0,
        in_doubt=0,
        tool_calls=0,
        tokens=0,
    )
