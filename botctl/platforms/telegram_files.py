"""Telegram's files: those that come with messages, fetched and kept, and those that leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from botctl.messages import Attachment
from botctl.platforms.platform import FileRefusedError, Files, SendError
from botctl.platforms.telegram_client import TelegramClient
from botctl.platforms.telegram_messages import FileRef

if TYPE_CHECKING:
    from telegram import Message

FETCH_TIME = 60.0
"""Seconds that one file may take; the updates behind it wait."""
LARGEST_PHOTO = 10_000_000
"""Bytes of what may leave as a photo (Bot API 10.1, sendPhoto, 2026-06); larger ones leave as documents."""

_CHUNK = 65_536
_PHOTOS = frozenset(("image/jpeg", "image/png", "image/webp", ""))


async def keep(file: FileRef, client: TelegramClient, files: Files | None) -> Attachment:
    """The file, kept; or an attachment that says why it is not."""
    from httpx import HTTPError, InvalidURL
    from telegram.error import TelegramError

    why = ""
    if files is None:
        return _refused(file, "files are not kept here")
    try:
        async with asyncio.timeout(FETCH_TIME), aclosing(_chunks(file, client)) as chunks:
            return await files.keep(file.kind, file.name, file.media_type, chunks)
    except FileRefusedError as error:
        why = str(error)
    except TelegramError as error:
        # Telegram gives bots no file over 20 MB (Bot API 10.1, getFile, 2026-06).
        is_large = "file is too big" in str(error).lower()
        why = "it is larger than 20 MB" if is_large else f"Telegram did not bring it ({client.told(error)})"
    except (HTTPError, InvalidURL) as error:
        why = f"Telegram did not bring it ({type(error).__name__})"
    except TimeoutError:
        why = "Telegram did not bring it in time"
    return _refused(file, why)


async def _chunks(file: FileRef, client: TelegramClient) -> AsyncGenerator[bytes, None]:
    """The file's bytes as they come: the library would read it whole before its size is looked at."""
    import httpx

    bot = await client.bot()
    url = (await bot.get_file(file.file_id)).file_path or ""
    if not url.startswith(("https://", "http://")):
        raise FileRefusedError("it lies on the disk of the Bot API server")
    async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", url) as response:
        if response.status_code != 200:
            raise FileRefusedError(f"Telegram did not bring it (it answered {response.status_code})")
        async for chunk in response.aiter_bytes(_CHUNK):
            yield chunk


def _refused(file: FileRef, why: str) -> Attachment:
    return Attachment(kind=file.kind, name=file.name, media_type=file.media_type, refused=why)


async def send_file(
    client: TelegramClient,
    files: Files | None,
    chat: int | str,
    attachment: Attachment,
    common: dict[str, Any],
) -> str:
    """Send one file, an image as a photo where Telegram can make one of it; its message's id."""
    from telegram.error import BadRequest

    if files is None:
        raise SendError("this connection sends no files", permanent=True)
    path = files.open(attachment)
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except OSError:
        raise SendError(f"the file `{attachment.name}` does not exist any more", permanent=True) from None
    bot, name = await client.bot(), attachment.name or path.name
    sent: Message | None = None
    if attachment.kind == "image" and attachment.media_type in _PHOTOS and len(content) <= LARGEST_PHOTO:
        try:
            sent = await bot.send_photo(chat, content, filename=name, **common)
        except BadRequest as error:
            # The library (22.8) changes the case of what Telegram says: Image_process_failed.
            if not any(what in str(error).lower() for what in ("photo_", "image_process_failed")):
                raise
    if sent is None:
        sent = await bot.send_document(chat, content, filename=name, **common)
    return str(sent.message_id)
