"""Slack's Web API: calls over one session, and what went wrong with them in one shape."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from botctl.platforms.slack_post import Post

SDK_LOGGER = logging.getLogger("botctl.slack_sdk")
"""The libraries log through it. They would log whole messages and addresses of sockets, which hold a ticket,
for debugging: not below a warning, whatever the root logger says."""
SDK_LOGGER.setLevel(logging.WARNING)

TIMEOUT = 30.0
"""Seconds that a call may take."""

TOKEN_FAULTS = frozenset(
    ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired",
     "not_allowed_token_type", "no_permission", "missing_scope")
)  # fmt: skip
_PASSING = frozenset(
    ("internal_error", "fatal_error", "service_unavailable", "request_timeout",
     "accesslimited", "team_added_to_org")
)  # fmt: skip
"""After these the same call may go well (docs.slack.dev/reference/methods/chat.postMessage, read 2026-11)."""

_LONGEST_PAUSE = 3600.0
_HOME = ("localhost", "127.0.0.1", "::1")


class SlackFault(Exception):
    """A call that failed. code: Slack's word for it, or what broke; is_passing: another try may go well;
    retry_after: seconds that Slack asks for."""

    def __init__(self, code: str, *, is_passing: bool, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.is_passing = is_passing
        self.retry_after = retry_after


class SlackWeb:
    """One bot's way to Slack. Opens its session with the first call."""

    def __init__(self, token: str, base_url: str) -> None:
        self.base_url = base_url
        self._token = token
        self._client: AsyncWebClient | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def client(self) -> AsyncWebClient:
        """The SDK's client; only within a running event loop."""
        if self._client is None:
            self._client = AsyncWebClient(
                token=self._token,
                base_url=self.base_url,
                timeout=round(TIMEOUT),
                session=self.session,
                logger=SDK_LOGGER,
                retry_handlers=[],  # the outbox tries again, and knows what it did
            )
            self._client.proxy = proxy_for(self.base_url, self._client.proxy)
        return self._client

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session that all calls share; only within a running event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    @property
    def authorization(self) -> dict[str, str]:
        """The header that shows the bot token; only for addresses that `is_slacks` knows."""
        return {"authorization": f"Bearer {self._token}"}

    def is_slacks(self, url: str) -> bool:
        """Whether the bot token may be shown at this address: Slack's own hosts, or the API's."""
        try:
            address, home = urlsplit(url), urlsplit(self.base_url)
            if (address.scheme, address.hostname, address.port) == (home.scheme, home.hostname, home.port):
                return True
            host = address.hostname or ""
            return address.scheme == "https" and address.port in (None, 443) and host.endswith(".slack.com")
        except ValueError:  # not an address
            return False

    async def call(
        self, what: Callable[[AsyncWebClient], Awaitable[AsyncSlackResponse]]
    ) -> AsyncSlackResponse:
        """One call of the API; a SlackFault if it failed."""
        try:
            return await what(self.client)
        except SlackApiError as error:
            raise _fault(error.response) from None
        except (SlackClientError, AttributeError) as error:
            # AttributeError: the SDK, of a page of text in the place of JSON, as a proxy may send (3.47).
            raise SlackFault(f"an odd answer ({type(error).__name__})", is_passing=True) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SlackFault(type(error).__name__, is_passing=True) from None

    async def post(self, channel: str, thread: str, post: Post) -> str:
        """Post into a channel, or a thread of it; the `ts` that is the message's id."""
        posted = await self.call(
            lambda client: client.chat_postMessage(
                channel=channel, thread_ts=thread or None, **post.arguments
            )
        )
        return str(posted.get("ts", ""))

    async def edit(self, channel: str, ts: str, post: Post) -> str:
        """Let a message say this instead; its `ts`."""
        shown = {name: value for name, value in post.arguments.items() if not name.startswith("unfurl")}
        await self.call(lambda client: client.chat_update(channel=channel, ts=ts, **shown))
        return ts

    async def upload(self, path: Path, name: str, channel: str, thread: str) -> str:
        """Put a file into a channel; its id."""
        content = await asyncio.to_thread(path.read_bytes)
        if channel.startswith(("U", "W")):  # a person, whom only chat.postMessage knows as a place
            opened = await self.call(lambda client: client.conversations_open(users=[channel]))
            channel = str((opened.get("channel") or {}).get("id", channel))
        uploaded = await self.call(
            lambda client: client.files_upload_v2(
                file=content, filename=name or "file", channel=channel, thread_ts=thread or None
            )
        )
        files = uploaded.get("files") or [{}]
        return str(files[0].get("id", ""))

    async def respond(self, url: str, post: Post) -> None:
        """Answer a slash command at its `response_url`, seen by who gave it alone."""
        client = AsyncWebhookClient(url, session=self.session, logger=SDK_LOGGER, retry_handlers=[])
        client.proxy = proxy_for(url, client.proxy)
        try:
            answer = await client.send_dict(post.arguments)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SlackFault(type(error).__name__, is_passing=True) from None
        if answer.status_code != 200:
            passing = answer.status_code == 429 or answer.status_code >= 500
            raise SlackFault(f"response_url answered {answer.status_code}", is_passing=passing)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def proxy_for(url: str, proxy: str | None) -> str | None:
    """The proxy for an address. The SDK takes the environment's for all of them, also for this machine's."""
    host = urlsplit(url).hostname or ""
    return None if host in _HOME or proxy_bypass(host) else proxy


def _fault(response: object) -> SlackFault:
    """Success is `ok: true`, not the HTTP status. response: the SDK's, or aiohttp's if it was no JSON."""
    status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    document = getattr(response, "data", None)
    said = document.get("error") if isinstance(document, dict) else None
    if status == 429 or said in ("ratelimited", "rate_limited"):
        written = str(getattr(response, "headers", {}).get("Retry-After", ""))
        return SlackFault("ratelimited", is_passing=True, retry_after=_seconds(written))
    if isinstance(said, str):
        return SlackFault(said, is_passing=said in _PASSING or status >= 500)
    return SlackFault(f"HTTP {status}", is_passing=status in (0, 200, 408) or status >= 500)


def _seconds(written: str) -> float | None:
    return min(float(written), _LONGEST_PAUSE) if written.isascii() and written.isdecimal() else None
