"""Delivery: paces, moved channels, one message at a time, pauses that outlive the process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from botctl.messages import OutgoingMessage
from botctl.platforms.platform import SendError
from botctl.runtime.app import App
from botctl.runtime.pace import Paces
from botctl.store import conversations
from tests.runtime.test_waits import say
from tests.runtime.world import HeldClock, Mailbag, app_of, in_an_app, write_bot


def test_three_messages_may_go_at_once_and_then_one_per_pace() -> None:
    paces = Paces()

    pauses = [paces.pause("chat", 1.0, now) for now in (100.0, 100.0, 100.0, 100.0, 100.0, 110.0)]

    assert pauses == [0.0, 0.0, 0.0, 1.0, 2.0, 0.0]


def test_one_chat_does_not_slow_another() -> None:
    paces = Paces()

    pauses = [paces.pause(chat, 1.0, 0.0) for chat in "aaaab"]

    assert pauses == [0.0, 0.0, 0.0, 1.0, 0.0]


def test_a_group_that_moved_takes_its_conversation_and_what_is_unsent_along(tmp_path: Path) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()
    mailbag.faults = [SendError("the group was upgraded", permanent=True, migrate_to="-100")]

    async def story(app: App) -> list[str]:
        await say(app, "one")
        await app.settle()
        return app.database.read(lambda c: conversations.channels_of(c, "b", "console"))

    channels = in_an_app(tmp_path, story, mailbag)

    assert [(sent.channel_id, sent.text) for sent in mailbag.sent] == [("-100", "you said one")]
    assert channels == ["-100"]


class SlowMailbag(Mailbag):
    """Takes a message only when it is told to, and knows how many are on their way at once."""

    def __init__(self) -> None:
        super().__init__()
        self.on_the_way = 0
        self.most_at_once = 0
        self.go = asyncio.Event()

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        self.on_the_way += 1
        self.most_at_once = max(self.most_at_once, self.on_the_way)
        await self.go.wait()
        self.on_the_way -= 1
        return await super().send(message)


def test_one_message_at_a_time_is_on_its_way_so_that_a_crash_repeats_one_at_most(tmp_path: Path) -> None:
    write_bot(tmp_path)

    async def story() -> tuple[int, int]:
        mailbag = SlowMailbag()
        async with app_of(tmp_path, mailbag) as app:
            for number in range(5):
                await say(app, "x", f"u{number}")
            mailbag.go.set()
            await app.settle()
            return mailbag.most_at_once, len(mailbag.sent)

    assert asyncio.run(story()) == (1, 5)


def test_a_pause_that_the_platform_asked_for_outlives_the_process(tmp_path: Path) -> None:
    write_bot(tmp_path)
    clock, first, second = HeldClock(), Mailbag(), Mailbag()
    first.faults = [SendError("too many", retry_after=60)]

    async def limited() -> None:
        async with app_of(tmp_path, first, clock) as app:
            await say(app, "x")
            while first.faults:  # noqa: ASYNC110
                await asyncio.sleep(0)
            await app.database.write(lambda connection: None)
            await app.delivery.crew.close(0)

    async def again() -> list[list[str]]:
        async with app_of(tmp_path, second, clock) as app:
            clock.advance(59)
            await app.router.crew.drain()
            before = second.texts
            clock.advance(1)
            await second.holds(1)
            await app.settle()
            return [before, second.texts]

    asyncio.run(limited())

    assert asyncio.run(again()) == [[], ["you said x"]]
