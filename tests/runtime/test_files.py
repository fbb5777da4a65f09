"""Files of messages: kept within limits, told of when they are not, opened only where they belong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from botctl.clock import StandingClock
from botctl.messages import Attachment
from botctl.platforms.platform import FileRefusedError, SendError
from botctl.runtime.app import App
from botctl.runtime.files import MessageFiles
from tests.runtime.world import Mailbag, in_an_app, incoming, write_bot


def files_in(folder: Path) -> MessageFiles:
    return MessageFiles(folder, StandingClock(), largest=10, types=("image/*", "text/plain"))


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_a_file_is_kept_whole_under_a_safe_name(tmp_path: Path) -> None:
    files = files_in(tmp_path)

    kept = asyncio.run(files.keep("image", "../../my cat?.png", "image/png; q=1", chunks(b"12345", b"67890")))

    path = files.open(kept)
    assert (path.read_bytes(), path.parent.parent) == (b"1234567890", tmp_path.resolve())
    assert path.name.endswith("-my-cat-.png")
    assert (kept.kind, kept.name, kept.media_type, kept.size) == (
        "image",
        "../../my cat?.png",
        "image/png",
        10,
    )


@pytest.mark.parametrize(
    ("media_type", "content", "why"),
    [
        ("image/png", b"12345678901", "it is larger than 1e-05 MB"),
        ("application/x-msdownload", b"1", "files of type application/x-msdownload are not taken"),
        ("", b"1", "files of type unknown are not taken"),
    ],
)
def test_a_file_that_is_refused_leaves_nothing_behind(
    tmp_path: Path, media_type: str, content: bytes, why: str
) -> None:
    with pytest.raises(FileRefusedError, match=why):
        asyncio.run(files_in(tmp_path).keep("other", "a", media_type, chunks(content)))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("path", ["", "../secret", "gone", "/etc/passwd"])
def test_only_what_was_kept_can_be_opened(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("x")
    files = files_in(tmp_path / "files")

    with pytest.raises(SendError, match="does not exist any more"):
        files.open(Attachment(kind="other", name="a", path=path))


@pytest.mark.parametrize(
    ("text", "said", "status"),
    [
        ("look", ["I cannot use cat.png: it is larger than 20 MB.", "you said look"], "completed"),
        ("", ["I cannot use cat.png: it is larger than 20 MB."], "ignored"),
    ],
)
def test_a_bot_says_which_file_it_cannot_use(tmp_path: Path, text: str, said: list[str], status: str) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()
    refused = Attachment(kind="image", name="cat.png", refused="it is larger than 20 MB")

    async def story(app: App) -> str:
        message = structs.replace(incoming(text), attachments=(refused,))
        return (await (await app.inbox.accept(message)).answer()).status

    assert (in_an_app(tmp_path, story, mailbag), mailbag.texts) == (status, said)
