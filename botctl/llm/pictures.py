"""The pictures of a request: read from disk, known by their bytes, left out where a model takes none."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from botctl.llm.chat import ChatRequest, Turn
from botctl.llm.service import Refusal
from botctl.messages import Attachment

_WEB_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_HEIC = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1"})
# What servers say that take no pictures: vLLM, llama.cpp and Gemini name them, Groq wants `content` as text.
_ABOUT_PICTURES = re.compile(
    r"image|picture|multi-?modal|vision|mmproj|content\W+must be a string", re.IGNORECASE
)


class PictureRules(Struct, frozen=True, kw_only=True):
    """The pictures a service takes. largest: bytes of one picture, before it is written in base64."""

    types: frozenset[str] = _WEB_TYPES
    largest: int = 15_000_000


class Picture(Struct, frozen=True, kw_only=True):
    """One picture as a service gets it."""

    media_type: str
    content: bytes

    @property
    def base64(self) -> str:
        """The bytes as text."""
        return b64encode(self.content).decode("ascii")


class Pictures(Struct, frozen=True, kw_only=True):
    """The pictures of one request by their paths, and notes about all files that are left out."""

    by_path: Mapping[str, Picture] = {}
    notes: tuple[str, ...] = ()

    def of(self, turn: Turn) -> list[Picture]:
        """The pictures of a turn, in order."""
        if not self.by_path:
            return []
        return [self.by_path[file.path] for file in turn.attachments if file.path in self.by_path]

    def without(self, model: str) -> Pictures:
        """None of them, after a model refused."""
        return Pictures(notes=(*self.notes, f"pictures were left out: {model} did not take them"))


async def read_pictures(request: ChatRequest, folder: Path | None, rules: PictureRules | None) -> Pictures:
    """Read what the users of a request sent. rules None: the service takes no pictures."""
    files = list(_files(request))
    if not files:
        return Pictures()
    if rules is None or folder is None:
        return Pictures(notes=("attachments were left out: the model is given text only",))
    import asyncio

    return await asyncio.to_thread(_read, files, folder, rules)


def is_about_pictures(refusal: Refusal) -> bool:
    """Whether a service did not take a request because of the pictures in it."""
    return refusal.status in (400, 404, 415, 422, 500, 501) and bool(_ABOUT_PICTURES.search(refusal.message))


def _files(request: ChatRequest) -> Iterator[Attachment]:
    for turn in request.turns:
        if turn.role == "user":
            yield from turn.attachments


def _read(files: list[Attachment], folder: Path, rules: PictureRules) -> Pictures:
    read: dict[str, Picture] = {}
    notes: list[str] = []
    for file in files:
        picture = _read_one(file, folder, rules)
        if isinstance(picture, Picture):
            read[file.path] = picture
        else:
            notes.append(f"`{file.name or file.kind}` was left out: {picture}")
    return Pictures(by_path=read, notes=tuple(notes))


def _read_one(file: Attachment, folder: Path, rules: PictureRules) -> Picture | str:
    """The picture, or why it is none."""
    if file.kind != "image":
        return "the model is given text and pictures only"
    if not file.path:
        return "it was not kept"
    path = (folder / file.path).resolve()
    if not path.is_relative_to(folder.resolve()):
        return "it is not among the files of messages"
    try:
        with path.open("rb") as opened:
            content = opened.read(rules.largest + 1)
    except OSError:
        return "it is not there any more"
    if len(content) > rules.largest:
        return f"it is larger than {rules.largest / 1_000_000:g} MB"
    media_type = _type_of(content)
    if media_type not in rules.types:
        return "it is not a kind of picture that the service takes"
    return Picture(media_type=media_type, content=content)


def _type_of(content: bytes) -> str:
    """What the bytes are; platforms and users often name another type."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC:
        return "image/heic"
    return ""
