"""The files of messages: typed, limited, below `.botctl/files`; they go away by `retention.files`."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from botctl.clock import Clock, to_datetime
from botctl.ids import new_id
from botctl.messages import Attachment, AttachmentKind
from botctl.platforms.platform import FileRefusedError, SendError

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80


class MessageFiles:
    """See `Files`. One file is written at most once, whole, before its message is stored."""

    def __init__(self, folder: Path, clock: Clock, *, largest: int, types: Sequence[str]) -> None:
        """largest: bytes of one file. types: patterns of media types, such as `image/*`."""
        self._folder = folder
        self._clock = clock
        self._largest = largest
        self._types = types

    async def keep(
        self, kind: AttachmentKind, name: str, media_type: str, chunks: AsyncIterator[bytes]
    ) -> Attachment:
        """See `Files.keep`."""
        media_type = media_type.partition(";")[0].strip().lower()
        if not any(fnmatch(media_type, pattern) for pattern in self._types):
            raise FileRefusedError(f"files of type {media_type or 'unknown'} are not taken")
        month = to_datetime(self._clock.now_ms()).strftime("%Y-%m")
        path = self._folder / month / f"{new_id()}-{_safe(name)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = await self._write(path, chunks)
        return Attachment(
            kind=kind,
            name=name,
            media_type=media_type,
            size=size,
            path=path.relative_to(self._folder).as_posix(),
        )

    async def _write(self, path: Path, chunks: AsyncIterator[bytes]) -> int:
        """Write beside its place and put it there when it is whole; its size."""
        beside, size = path.with_name(path.name + ".part"), 0
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > self._largest:
                    raise FileRefusedError(f"it is larger than {_megabytes(self._largest)}")
                await asyncio.to_thread(os.write, file, chunk)
            await asyncio.to_thread(os.fsync, file)
            os.replace(beside, path)
        finally:
            os.close(file)
            beside.unlink(missing_ok=True)
        return size

    def open(self, attachment: Attachment) -> Path:
        """See `Files.open`."""
        path = (self._folder / attachment.path).resolve()
        if not attachment.path or not path.is_relative_to(self._folder.resolve()) or not path.is_file():
            raise SendError(f"the file `{attachment.name}` does not exist any more", permanent=True)
        return path


def _safe(name: str) -> str:
    """A name that no file system and no shell minds."""
    return _UNSAFE.sub("-", name).strip("-.")[-_LONGEST_NAME:] or "file"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:g} MB"
