"""A running bot at Telegram: what is on disk when an update is confirmed, whenever the process dies."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from botctl.clock import StandingClock
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.secrets import Environment
from tests.fakes.telegram_server import TOKEN, TelegramServer
from tests.platforms.telegram_world import GROUP, update
from tests.runtime.world import ECHO, live_until

MENTION = [{"type": "mention", "offset": 0, "length": 11}]


@contextmanager
def telegram() -> Iterator[tuple[TelegramServer, Callable[[Any], Any]]]:
    """A server that outlives the loops of those who talk to it, and how to ask something of it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def ask(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    server = TelegramServer()
    ask(server.__aenter__())
    try:
        yield server, ask
    finally:
        ask(server.__aexit__())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def app_of(folder: Path, server: TelegramServer) -> App:
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True, exist_ok=True)
    (bot / "bot.yaml").write_text(
        f"name: b\nworkflow: workflow.yaml\n"
        f"platforms: {{telegram: {{token: '${{TOKEN}}', base_url: '{server.url}'}}}}\n"
    )
    (bot / "workflow.yaml").write_text(ECHO)
    (folder / "botctl.yaml").write_text("server: {port: 0}\n")
    environment = Environment({"TOKEN": TOKEN})
    project = load_project_file(folder, environment)
    loaded, diagnostics = load_bot(project, "b", environment)
    assert loaded is not None, diagnostics
    return App(project, [loaded], environment, clock=StandingClock())


def live(
    folder: Path, server: TelegramServer, holds: Callable[[], Any], query: str = "", dies_after: int = 0
) -> Any:
    """Let the bot receive until something holds at Telegram, or until it dies right after so many commits;
    what the database says then, None if it died."""

    async def story(app: App) -> Any:
        receiving = asyncio.create_task(app.receive())
        asked = asyncio.run_coroutine_threadsafe(server.wait_until(holds), server.loop)
        async with asyncio.timeout(10):
            await asyncio.wrap_future(asked)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        await app.settle()
        return app.database.read(lambda connection: connection.execute(query).fetchall()) if query else []

    if not dies_after:
        return live_until(app_of(folder, server), story, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the dead leave their sockets open
        live_until(app_of(folder, server), story, dies_after)
        gc.collect()
    return None


def texts(server: TelegramServer) -> list[str]:
    return [one["text"] for one in server.sent]


def test_a_poison_update_is_on_disk_with_its_offset_and_answered_with_its_reason(tmp_path: Path) -> None:
    message = {**update(1)["message"], "entities": 5, "text": "my code is 445566"}

    with telegram() as (server, ask):
        ask(server.push({"update_id": 5001, "message": message}, update(2, text="two")))
        query = "SELECT dedupe_key, text, status, rest FROM inbox ORDER BY seq"
        rows = live(tmp_path, server, lambda: len(server.sent) == 2 and server.confirmed == 5003, query)

    told = "I cannot use this message: it came in a form that this bot does not know."
    assert sorted(texts(server)) == sorted([told, "you said two"])
    assert [row[:3] for row in rows] == [("u:5001", "", "ignored"), ("m:7:2", "two", "done")]
    assert json.loads(json.loads(rows[0][3])["reply"]["update"])["message"]["text"] == "my code is ######"


def test_a_poison_update_in_a_group_is_kept_and_starts_nothing(tmp_path: Path) -> None:
    with telegram() as (server, ask):
        wrong = {**update(1)["message"], "chat": GROUP, "entities": 5}
        ask(server.push({"update_id": 5001, "message": wrong}, {"update_id": 5002, "message": "what?"}))
        query = "SELECT dedupe_key, status, (SELECT count(*) FROM runs) FROM inbox ORDER BY seq"
        rows = live(tmp_path, server, lambda: server.confirmed == 5003, query)

    assert (rows, server.sent) == ([("u:5001", "ignored", 0), ("u:5002", "ignored", 0)], [])


def test_the_conversations_of_a_group_that_grew_go_on_in_the_new_one(tmp_path: Path) -> None:
    old, new = {"id": -5, "type": "group"}, {"id": -1005, "type": "supergroup"}
    query = "SELECT channel_id, (SELECT count(*) FROM inbox) FROM conversations"

    with telegram() as (server, ask):
        ask(server.push(update(1, chat=old, text="@SupportBot one", entities=MENTION)))
        live(tmp_path, server, lambda: server.sent)
        ask(server.push(update(2, chat=old, text=None, migrate_to_chat_id=-1005)))
        ask(server.push(update(1, chat=new, text="@SupportBot two", entities=MENTION) | {"update_id": 5003}))
        rows = live(tmp_path, server, lambda: len(server.sent) == 2, query)

    assert rows == [("-1005", 2)]
    assert [(one["chat_id"], one["text"]) for one in server.sent] == [
        ("-5", "you said one"),
        ("-1005", "you said two"),
    ]


@pytest.mark.parametrize("dies_after", range(1, 13))
def test_dying_after_any_commit_loses_no_update_and_answers_none_anew(
    dies_after: int, tmp_path: Path
) -> None:
    with telegram() as (server, ask):
        ask(
            server.push(update(1, text="one"), {"update_id": 5002, "message": "what?"}, update(3, text="two"))
        )
        live(tmp_path, server, lambda: server.confirmed == 5004 and len(server.sent) > 1, "", dies_after)
        query = "SELECT dedupe_key, status FROM inbox ORDER BY seq"
        rows = live(
            tmp_path, server, lambda: server.confirmed == 5004 and len(set(texts(server))) == 2, query
        )

    assert sorted(set(texts(server))) == ["you said one", "you said two"]
    assert len(server.sent) <= 3  # one that was on its way at its death may leave once more
    assert rows == [("m:7:1", "done"), ("u:5002", "ignored"), ("m:7:3", "done")]
