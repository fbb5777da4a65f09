"""Files that come with messages of Slack: fetched with the bot token, from Slack only, and kept."""

from __future__ import annotations

import asyncio

import aiohttp

from botctl.messages import Attachment
from botctl.platforms.platform import FileRefusedError, Files
from botctl.platforms.slack_messages import SlackFile
from botctl.platforms.slack_web import SlackWeb, proxy_for

FETCH_TIME = 60.0
"""Seconds that one file may take."""

_CHUNK = 65_536


async def fetch(web: SlackWeb, files: Files | None, file: SlackFile) -> Attachment:
    """Keep one file. One that cannot be had or is not taken costs its message nothing: the attachment has no
    path then, and says why."""
    if files is None:
        return _left_out(file, "files are not kept here")
    if not file.url:
        return _left_out(file, "Slack does not have it any more")
    if not web.is_slacks(file.url):
        return _left_out(file, "it is not at Slack")
    try:
        async with asyncio.timeout(FETCH_TIME):
            return await _fetch(web, files, file)
    except FileRefusedError as refused:
        return _left_out(file, str(refused))
    except (aiohttp.ClientError, TimeoutError) as error:
        return _left_out(file, f"Slack did not bring it ({type(error).__name__})")


async def _fetch(web: SlackWeb, files: Files, file: SlackFile) -> Attachment:
    # No redirects: to whom the token is not good enough Slack shows its page for logging in.
    request = web.session.get(
        file.url,
        headers=web.authorization,
        allow_redirects=False,
        proxy=proxy_for(file.url, web.client.proxy),
    )
    async with request as response:
        is_page = response.content_type == "text/html" and file.media_type != "text/html"
        if response.status in (301, 302, 303, 307, 308, 401, 403) or is_page:
            return _left_out(file, "the bot may not see it (scope files:read)")
        if response.status != 200:
            return _left_out(file, f"Slack answered {response.status}")
        return await files.keep(file.kind, file.name, file.media_type, response.content.iter_chunked(_CHUNK))


def _left_out(file: SlackFile, reason: str) -> Attachment:
    return Attachment(
        kind=file.kind,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        refused=reason,
    )
