"""The pictures of a request."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from botctl.llm.chat import ChatReply, ChatRequest, Turn
from botctl.messages import Attachment
from tests.fakes.llm_server import Says
from tests.llm.world import (
    ANTHROPIC_CASE,
    CLOUDFLARE_CASE,
    CUSTOM_CASE,
    GOOGLE_CASE,
    GROQ_CASE,
    OPENAI_CASE,
    Case,
    World,
    talk,
)

PNG = b"\x89PNG\r\n\x1a\n and so on"
IN_TEXT = base64.b64encode(PNG).decode()
SEEING = (OPENAI_CASE, CUSTOM_CASE, GROQ_CASE, ANTHROPIC_CASE, GOOGLE_CASE)
seeing = pytest.mark.parametrize("case", SEEING, ids=lambda case: case.provider.name)

WIRE: dict[str, Any] = {
    "anthropic": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": IN_TEXT},
    },
    "google": {"inlineData": {"mime_type": "image/png", "data": IN_TEXT.replace("+", "-").replace("/", "_")}},
}
DATA_URL = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IN_TEXT}"}}


def see(
    case: Case,
    folder: Path | None,
    *files: Attachment,
    text: str = "What is this?",
    takes_no: tuple[str, ...] = (),
) -> tuple[ChatReply, list[Any]]:
    """The reply to a message with files, and the content of the last user message of each request."""
    request = ChatRequest(turns=(Turn(role="user", text=text, attachments=files),))

    async def act(world: World) -> tuple[ChatReply, list[Any]]:
        said = await world.model.reply(request)
        bodies = [received.body for received in world.received]
        last = [(body.get("messages") or body.get("contents"))[-1] for body in bodies]
        return said, [message.get("content") or message["parts"] for message in last]

    return talk(case, (Says("A cat."),), act, takes_no=takes_no, files=folder)


def image(path: str = "a.png", **more: Any) -> Attachment:
    return Attachment(kind="image", name="cat.png", media_type="image/jpeg", path=path, **more)


@seeing
def test_a_picture_is_shown_beside_the_text_as_what_its_bytes_are(case: Case, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)

    said, (content,) = see(case, tmp_path, image())

    assert (said.text, said.notes, len(content)) == ("A cat.", (), 2)
    assert WIRE.get(case.provider.name, DATA_URL) in content
    assert "What is this?" in str(content)


@seeing
def test_a_picture_may_come_without_a_text(case: Case, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)

    _, (content,) = see(case, tmp_path, image(), text="")

    assert content == [WIRE.get(case.provider.name, DATA_URL)]


@seeing
def test_a_model_that_takes_no_pictures_gets_the_text_only(case: Case, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)

    said, contents = see(case, tmp_path, image(), takes_no=("pictures",))

    assert (said.text, len(contents), IN_TEXT in str(contents[1])) == ("A cat.", 2, False)
    assert "What is this?" in str(contents[1])
    assert said.notes[-1].startswith("pictures were left out: ")


@pytest.mark.parametrize("case", [CLOUDFLARE_CASE, OPENAI_CASE], ids=["cloudflare", "no folder"])
def test_where_no_picture_can_be_shown_a_note_says_so(case: Case, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)

    said, contents = see(case, tmp_path if case is CLOUDFLARE_CASE else None, image())

    assert (contents, said.notes) == (
        ["What is this?"],
        ("attachments were left out: the model is given text only",),
    )


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (
            Attachment(kind="document", name="a.pdf", path="a.pdf"),
            "the model is given text and pictures only",
        ),
        (image("gone.png"), "it is not there any more"),
        (image("", refused="it is larger than 20 MB"), "it was not kept"),
        (image("text.png"), "it is not a kind of picture that the service takes"),
        (image("large.png"), "it is larger than 3.75 MB"),
        (image("../secret.png"), "it is not among the files of messages"),
    ],
    ids=["no picture", "gone", "refused", "text", "large", "elsewhere"],
)
def test_a_file_that_is_left_out_is_told_with_the_reason(tmp_path: Path, file: Attachment, why: str) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder / "text.png").write_bytes(b"I am no picture")
    (folder / "large.png").write_bytes(PNG + bytes(3_750_000))

    said, (content,) = see(ANTHROPIC_CASE, folder, file)

    assert (content, said.notes) == (
        [{"type": "text", "text": "What is this?"}],
        (f"`{file.name}` was left out: {why}",),
    )
