"""Drafts: an answer that takes long is seen while it is written, and is one message in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from botctl.errors import OutsideError
from botctl.llm.chat import ChatReply, ChatRequest
from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.platforms.platform import SendError
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.runtime.border import Border
from botctl.runtime.drafts import PATIENCE, PAUSE
from botctl.secrets import Environment
from botctl.store import outbox
from tests.runtime.test_waits import say, stories
from tests.runtime.world import HeldClock, Mailbag, bury

FIRST = "Your order has been sent today,"
MORE = FIRST + " and should be with you"
WHOLE = MORE + " tomorrow before noon."


class Board(Mailbag):
    """A platform that can edit. shown: what its messages say now, in order; edits: how often one changed."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.edits = 0
        self.is_gone = False
        self.changed = asyncio.Event()

    def can_edit(self, message: IncomingMessage) -> bool:
        return True

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        await super().send(message)
        self.shown.append(message.text)
        self.changed.set()
        return (str(len(self.shown)),)

    async def edit(self, message: OutgoingMessage, ids: tuple[str, ...]) -> tuple[str, ...]:
        if self.is_gone:
            raise SendError("the message to edit is not there", permanent=True)
        self.shown[int(ids[0]) - 1] = message.text
        self.edits += 1
        self.changed.set()
        return ids

    async def says(self, text: str) -> None:
        """Wait until its last message says this."""
        while self.shown[-1:] != [text]:
            self.changed.clear()
            await self.changed.wait()


class SlowModel:
    """A model that says what it is told, piece by piece."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.request: ChatRequest | None = None
        self._end: asyncio.Future[ChatReply] | None = None

    async def reply(self, request: ChatRequest) -> ChatReply:
        self.request, self._end = request, asyncio.get_running_loop().create_future()
        self.asked.set()
        return await self._end

    def write(self, text: str) -> None:
        """So far it has said this."""
        assert self.request is not None and self.request.on_text is not None
        self.request.on_text(text)

    def finish(self, text: str) -> None:
        """That is all."""
        assert self._end is not None
        self._end.set_result(ChatReply(text=text, model="slow"))

    def fail(self) -> None:
        """The service is down."""
        assert self._end is not None
        self._end.set_exception(OutsideError("down", help="wait"))

    async def close(self) -> None:
        pass


class Played(Struct, frozen=True):
    """What became of a story: what the platform shows in the end, and the one run."""

    board: Board
    run: dict[str, Any]


def app_with(folder: Path, board: Board, model: SlowModel, clock: HeldClock) -> App:
    """The app of an agent `b` with this model."""
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True, exist_ok=True)
    (bot / "bot.yaml").write_text(
        "name: b\ntimeout: 1h\nllm: {provider: scripted}\nfallback_message: Sorry.\n"
    )
    environment = Environment({})
    project = load_project_file(folder, environment)
    loaded, _ = load_bot(project, "b", environment)
    assert loaded is not None
    border = Border(model=lambda bot, section: model)
    boards = {("b", "console"): board}
    return App(project, [loaded], environment, clock=clock, connections=boards, border=border)


def played(folder: Path, story: Callable[[Board, SlowModel, HeldClock], Awaitable[None]]) -> Played:
    """A story with an agent whose model is slow, to its end."""

    async def whole() -> Played:
        board, model, clock = Board(), SlowModel(), HeldClock()
        async with app_with(folder, board, model, clock) as app:
            asking = asyncio.create_task(say(app, "where is it?"))
            await model.asked.wait()
            await story(board, model, clock)
            await asking
            await app.settle()
            return Played(board, dict(stories(app)[0]))

    return asyncio.run(whole())


def test_a_long_answer_is_seen_growing_and_is_one_message(tmp_path: Path) -> None:
    async def story(board: Board, model: SlowModel, clock: HeldClock) -> None:
        model.write(FIRST)
        await clock.pass_by(PATIENCE)
        await board.says(FIRST)
        model.write(MORE)
        await clock.pass_by(PAUSE)
        await board.says(MORE)
        model.finish(WHOLE)

    told = played(tmp_path, story)

    assert (told.board.shown, len(told.board.sent), told.board.edits) == ([WHOLE], 1, 2)
    assert [(one["text"], one["status"]) for one in told.run["sent"]] == [(WHOLE, "sent")]


def test_a_quick_answer_is_sent_once_and_never_edited(tmp_path: Path) -> None:
    async def story(board: Board, model: SlowModel, clock: HeldClock) -> None:
        model.write(MORE)
        model.finish(WHOLE)

    told = played(tmp_path, story)

    assert (told.board.shown, told.board.edits) == ([WHOLE], 0)


def test_an_answer_whose_draft_was_deleted_is_sent_anew(tmp_path: Path) -> None:
    async def story(board: Board, model: SlowModel, clock: HeldClock) -> None:
        model.write(FIRST)
        await clock.pass_by(PATIENCE)
        await board.says(FIRST)
        board.is_gone = True
        model.finish(WHOLE)

    told = played(tmp_path, story)

    assert told.board.shown == [FIRST, WHOLE]
    assert [(one["text"], one["status"]) for one in told.run["sent"]] == [(WHOLE, "sent")]


def test_a_draft_of_a_run_that_fails_stays_and_the_fallback_follows(tmp_path: Path) -> None:
    async def story(board: Board, model: SlowModel, clock: HeldClock) -> None:
        model.write(FIRST)
        await clock.pass_by(PATIENCE)
        await board.says(FIRST)
        model.fail()

    told = played(tmp_path, story)

    assert (told.board.shown, told.run["status"]) == ([FIRST, "Sorry."], "error")
    assert [(one["text"], one["status"]) for one in told.run["sent"]] == [(FIRST, "sent"), ("Sorry.", "sent")]


def test_after_a_crash_the_answer_takes_the_place_of_the_draft(tmp_path: Path) -> None:
    board = Board()

    async def dies() -> None:
        model, clock = SlowModel(), HeldClock()
        app = app_with(tmp_path, board, model, clock)
        await app.__aenter__()
        asking = asyncio.create_task(say(app, "where is it?"))
        await model.asked.wait()
        noted = asyncio.Event()

        def look() -> None:
            draft = app.database.read(lambda connection: outbox.draft(connection, 1))
            if draft is not None and draft.sent_ids:
                noted.set()

        app.database.after_commit = look
        model.write(FIRST)
        await clock.pass_by(PATIENCE)
        await noted.wait()
        asking.cancel()
        await bury(app)

    async def lives_again() -> dict[str, Any]:
        model, clock = SlowModel(), HeldClock()
        async with app_with(tmp_path, board, model, clock) as app:
            await model.asked.wait()
            model.finish(WHOLE)
            await app.settle()
            return dict(stories(app)[0])

    asyncio.run(dies())
    run = asyncio.run(lives_again())

    assert (board.shown, run["status"]) == ([WHOLE], "completed")
    assert [(one["text"], one["status"]) for one in run["sent"]] == [(WHOLE, "sent")]
