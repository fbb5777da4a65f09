"""Socket Mode: payloads by a websocket that we open; an envelope is acknowledged when it is on disk."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from botctl.errors import OutsideError
from botctl.platforms.slack_web import SDK_LOGGER, SlackWeb, proxy_for

logger = logging.getLogger(__name__)

STEADY = 30.0
"""Seconds after which a socket that ends counts as one that worked."""

_LONGEST_PAUSE = 30.0
_LAST_WORDS = 5.0
"""Seconds that envelopes under way may still take when their socket is left."""

Take = Callable[[Mapping[str, Any]], Awaitable[None]]
OpenAddress = Callable[[], Awaitable[str]]


async def receive(web: SlackWeb, app_token: str, address: OpenAddress, take: Take, heartbeat: float) -> None:
    """Receive until cancelled. address: asks Slack for the address of a socket, good for one connection.
    An OutsideError when there is no way in. heartbeat: seconds between two looks whether a socket is alive.

    A socket that Slack is about to close is left only when the next one is open.
    """
    app = _app(web, take)
    socket: Socket | None = None
    short_lives = 0
    try:
        while True:
            left, socket = socket, Socket(app, take, web, app_token, heartbeat)
            try:
                await socket.enter(await address())
            finally:
                if left is not None:
                    await left.leave()
            began = asyncio.get_running_loop().time()
            await socket.over.wait()
            lived = asyncio.get_running_loop().time() - began
            short_lives = 0 if lived > STEADY else short_lives + 1
            if short_lives > 1:  # the first time at once
                await asyncio.sleep(min(2.0 ** (short_lives - 2), _LONGEST_PAUSE))
    finally:
        if socket is not None:
            await socket.leave()


def _app(web: SlackWeb, take: Take) -> AsyncApp:
    """An app with one thing to do. It is done before bolt's own authorization, which acknowledges, and so
    loses, what comes while auth.test is down; and not in a listener, since bolt acknowledges events before
    these run (slack-bolt 1.30)."""

    async def store(body: dict[str, Any]) -> BoltResponse:
        await take(body)
        return BoltResponse(status=200)

    return AsyncApp(
        name="botctl",
        client=web.client,
        logger=SDK_LOGGER,
        before_authorize=store,
        request_verification_enabled=False,  # nothing is signed here: the socket is Slack's
    )


class Socket(SocketModeClient):
    """One websocket, from `enter` to `leave`; `over` is set when it ended or is about to.

    The SDK's client would reconnect by itself, but hides refused tokens, writes addresses with their ticket
    into the log, tries one address for ever (it is good for one connection), and starts tasks that nobody
    awaits (slack-sdk 3.47). Receiving, pinging and reading envelopes are its own.
    """

    def __init__(self, app: AsyncApp, take: Take, web: SlackWeb, app_token: str, heartbeat: float) -> None:
        super().__init__(
            app_token=app_token, logger=SDK_LOGGER, web_client=web.client, ping_interval=heartbeat
        )
        self.over = asyncio.Event()
        self._app = app
        self._take = take
        self._under_way: set[asyncio.Task[None]] = set()
        self.socket_mode_request_listeners.append(self._dispatch)

    async def enter(self, url: str) -> None:
        """Connect; an OutsideError if that fails."""
        try:
            self.current_session = await self.aiohttp_client_session.ws_connect(
                url, autoping=False, heartbeat=self.ping_interval, proxy=proxy_for(url, self.proxy)
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:  # their texts show the ticket
            raise OutsideError(
                f"the socket of slack cannot be opened ({type(error).__name__})", retryable=True
            ) from None
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())

    async def leave(self) -> None:
        """Finish what is under way, and close."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_LAST_WORDS)
        await self.close()  # type: ignore[no-untyped-call]
        tasks = (self.message_processor, self.current_session_monitor, self.message_receiver)
        left = [*(task for task in tasks if task is not None), *self._under_way]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """What the SDK does when the socket ends, or Slack says that it will: here `receive` does it."""
        self.over.set()

    async def process_message(self) -> None:
        """Read one message in a task of its own: the SDK keeps no hold of the one it would start."""
        message = json.loads(raw := await self.message_queue.get())
        task = asyncio.create_task(self.run_message_listeners(message, raw))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _dispatch(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Hand an envelope to bolt. One that could not be stored is not acknowledged: it comes again."""
        try:
            asked = AsyncBoltRequest(mode="socket_mode", body=request.payload)
        except (TypeError, AttributeError, KeyError):  # bolt trips over it (1.30); `take` tells what is wrong
            await self._take(request.payload)
        else:
            done = await self._app.async_dispatch(asked)
            if done.status != 200:
                logger.warning("an envelope of slack was not stored (%s); it will come again", done.status)
                return
        with suppress(ConnectionError):  # it will come again, and is known then
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
