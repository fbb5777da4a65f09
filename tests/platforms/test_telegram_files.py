"""Telegram's files: what comes is kept or refused with a reason, what leaves is a photo or a document."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from botctl.clock import StandingClock
from botctl.messages import Attachment
from botctl.platforms.platform import SendError
from botctl.runtime.files import MessageFiles
from tests.fakes.telegram_server import TOKEN, TelegramServer
from tests.platforms.telegram_world import TelegramDesk, connected, outgoing, play, polling, sent, update

TEXT = {"file_name": "a.txt", "mime_type": "text/plain"}


def files_of(folder: Path, largest: int = 30_000_000) -> MessageFiles:
    return MessageFiles(folder, StandingClock(), largest=largest, types=("image/*", "text/plain"))


def test_files_come_in_within_limits_and_leave_as_documents(tmp_path: Path) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.files = files = files_of(tmp_path, largest=10)
        server.files = {"f1": b"hello", "f2": b"x" * 11}
        async with polling(desk, server):
            await server.push(
                update(1, text=None, caption="see", document={"file_id": "f1", **TEXT}),
                update(2, text=None, caption="big", document={"file_id": "f2", **TEXT}),
            )
            await sent(server, 2)
            kept, refused = (message.attachments[0] for message in desk.accepted)
            assert desk.connection is not None
            ids = await desk.connection.send(outgoing("here", id="o2", attachments=(kept,)))
        return files.open(kept).read_bytes(), refused.refused, len(ids), server.calls[-1][0]

    assert play(story) == (b"hello", "it is larger than 1e-05 MB", 2, "sendDocument")


REFUSED = [
    ("gone", "Telegram did not bring it (Invalid file_id)"),
    ("large", "it is larger than 20 MB"),
    ("broken", "Telegram did not bring it (it answered 404)"),
]


@pytest.mark.parametrize(("id", "why"), REFUSED)
def test_a_file_that_telegram_does_not_bring_costs_no_message_and_the_next_is_answered(
    id: str, why: str, tmp_path: Path
) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.files = files_of(tmp_path)
        server.files = {"large": b"x" * 20_000_001, "broken": b"x"}
        server.broken = {"broken"}
        async with polling(desk, server):
            await server.push(
                update(1, text=None, caption="see", document={"file_id": id, **TEXT}), update(2, text="two")
            )
            texts = await sent(server, 2)
        return texts, [one.refused for one in desk.accepted[0].attachments]

    assert play(story) == (["you said see", "you said two"], [why])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_where_no_files_are_kept_a_message_says_so() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with polling(desk, server):
            await server.push(update(1, text="see", document={"file_id": "f", **TEXT}))
            await sent(server, 1)
        return desk.accepted[0].attachments[0].refused

    assert play(story) == "files are not kept here"


def test_the_token_stands_in_no_log_line_about_a_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.files = files_of(tmp_path)
        server.files = {"f1": b"hello", "f2": b"hello"}
        server.broken = {"f2"}
        async with polling(desk, server):
            for number, id in enumerate(("f1", "f2", "f3"), start=1):
                await server.push(update(number, text="see", document={"file_id": id, **TEXT}))
            return len(await sent(server, 3))

    assert play(story) == 3
    assert "/file/bot***/docs/f1" in caplog.text and TOKEN not in caplog.text


LEAVING = [
    (b"\xff\xd8 small", "image/jpeg", ["sendPhoto"]),
    (b"<svg/>", "image/png", ["sendPhoto", "sendDocument"]),
    (b"<svg/>", "image/svg+xml", ["sendDocument"]),
    (b"x" * 10_000_001, "image/jpeg", ["sendDocument"]),
]


@pytest.mark.parametrize(("content", "media_type", "methods"), LEAVING)
def test_an_image_leaves_as_a_photo_where_telegram_makes_one_of_it(
    content: bytes, media_type: str, methods: list[str], tmp_path: Path
) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.files = files_of(tmp_path)
        (tmp_path / "a").write_bytes(content)
        image = Attachment(kind="image", name="a", media_type=media_type, path="a")
        async with connected(desk, server) as connection:
            await connection.send(outgoing("", attachments=(image,)))
        return [method for method, _ in server.calls if method.startswith("send")], len(server.sent)

    assert play(story) == (methods, 1)


def test_a_file_that_is_gone_is_a_dead_letter(tmp_path: Path) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.files = files_of(tmp_path)
        gone = Attachment(kind="image", name="a.png", path="2026-01/gone.png")
        async with connected(desk, server) as connection:
            with pytest.raises(SendError) as refused:
                await connection.send(outgoing("hi", attachments=(gone,)))
        return refused.value.permanent, refused.value.message

    assert play(story) == (True, "the file `a.png` does not exist any more")


def test_a_file_that_did_not_leave_is_tried_again_without_its_text(tmp_path: Path) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.files = files_of(tmp_path)
        (tmp_path / "a").write_bytes(b"hello")
        server.faults["sendDocument"] = [(500, {"ok": False, "error_code": 500, "description": "no"})]
        message = outgoing("hi", attachments=(Attachment(kind="document", name="a", path="a"),))
        async with connected(desk, server) as connection:
            with pytest.raises(SendError):
                await connection.send(message)
            ids = await connection.send(message)
        return ids, [one.get("text") for one in server.sent]

    assert play(story) == (("1001", "1002"), ["hi", None])
