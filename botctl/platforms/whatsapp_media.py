"""Files that came with WhatsApp messages: fetched from Meta, checked, and kept."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import quote

from botctl.messages import Attachment
from botctl.platforms.platform import FileRefusedError, Files
from botctl.platforms.whatsapp_graph import Graph, GraphError
from botctl.platforms.whatsapp_messages import Media

logger = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds that a file may take: its webhook is acknowledged afterwards, and Meta does not wait for ever."""

_ATTEMPTS = 2


async def attachment_of(media: Media, graph: Graph, files: Files | None, phone_number_id: str) -> Attachment:
    """The file, kept; or an attachment that says why it is not. Only accidents are tried again, once: Meta
    closes the door for half an hour to those who fail often (360dialog, 2026-06)."""
    if files is None:
        return _refused(media, "files are not kept here")
    try:
        async with asyncio.timeout(PATIENCE):
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    async with aclosing(_chunks(media, graph, phone_number_id)) as chunks:
                        return await files.keep(media.kind, media.name, media.media_type, chunks)
                except GraphError as error:
                    logger.warning("a file could not be fetched from WhatsApp: %s", error.message)
                    if not error.is_passing or attempt == _ATTEMPTS:
                        break
    except FileRefusedError as error:
        return _refused(media, str(error))
    except TimeoutError:
        logger.warning("a file could not be fetched from WhatsApp within %g seconds", PATIENCE)
    return _refused(media, "it could not be fetched from WhatsApp")


def _refused(media: Media, why: str) -> Attachment:
    return Attachment(kind=media.kind, name=media.name, media_type=media.media_type, refused=why)


async def _chunks(media: Media, graph: Graph, phone_number_id: str) -> AsyncGenerator[bytes, None]:
    """The file's bytes; a FileRefusedError at the end of one that is not what was announced."""
    found = await graph.get(quote(media.id, safe=""), phone_number_id=phone_number_id)
    announced = _digest(found.get("sha256")) or _digest(media.sha256)
    counted = hashlib.sha256()
    async with graph.download(str(found.get("url") or "")) as response:
        async for chunk in response.aiter_bytes():
            counted.update(chunk)
            yield chunk
    if announced is not None and announced != counted.digest():
        raise FileRefusedError("it arrived damaged")


def _digest(written: object) -> bytes | None:
    """A SHA-256, which Meta writes in base64 in webhooks and in hex elsewhere; None if it is neither."""
    if not isinstance(written, str):
        return None
    try:
        raw = bytes.fromhex(written) if len(written) == 64 else base64.b64decode(written, validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) == 32 else None
