"""Discord's gateway by discord.py's client: a session that brings raw payloads, until it breaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

import aiohttp
from discord import (
    Client,
    ConnectionClosed,
    HTTPException,
    Intents,
    LoginFailure,
    MemberCacheFlags,
    VoiceClient,
)

from botctl.errors import OutsideError, UserError
from botctl.platforms.discord_application import reads_content
from botctl.platforms.discord_rest import DiscordHttp, DiscordRest, refused_token

Take = Callable[[str, Any], None]
"""Is handed the name of an event and its payload, in the order in which they come."""

_TAKEN = ("MESSAGE_CREATE", "INTERACTION_CREATE")
_FATAL = {
    4010: "the shard is not one of this bot",
    4011: "this bot is in so many servers that it needs shards, which botctl does not have",
    4012: "the gateway does not know this version of the API",
    4013: "the gateway does not know an intent",
    4014: "the message content intent was switched off in the developer portal",
}
"""Close codes after which connecting again cannot help (Opcodes and Status Codes, read 2026-08)."""


class GatewayClient(Client):
    """discord.py's client, but the events that matter are handed over raw and none is kept in its caches.

    Payloads are taken where the client would parse them: its own events come as tasks without order, and its
    messages cannot be written down again as they came.
    """

    def __init__(self, take: Take, *, reads_content: bool, http: DiscordHttp | None = None) -> None:
        VoiceClient.warn_dave = VoiceClient.warn_nacl = False  # nobody speaks here
        super().__init__(
            intents=Intents(
                guilds=True, guild_messages=True, dm_messages=True, message_content=reads_content
            ),
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=MemberCacheFlags.none(),
        )
        if http is not None:
            self.http = http  # Client has no parameter for it (discord.py 2.7.1)
            self._connection.http = http
        parsers = self._connection.parsers
        for event in _TAKEN:
            parsers[event] = partial(take, event)
        parsers["READY"] = partial(self._ready_with, parsers["READY"], take)

    def _ready_with(self, parse: Callable[[Any], None], take: Take, payload: Any) -> None:
        parse(payload)
        take("READY", payload)


async def receive(rest: DiscordRest, bot: str, take: Take) -> NoReturn:
    """Be connected until that breaks; sessions that can be resumed are, without anything being lost.

    UserError where connecting again cannot help. Anything else may be tried again, after a pause: a bot that
    enters the gateway a thousand times within a day gets its token taken away.
    """
    application = await rest.application()
    gateway = await rest.call("GET", "/gateway/bot")
    _refuse_last_sessions(gateway)
    http = DiscordHttp(rest.base_url)
    http.gateway_url = str(gateway["url"])
    client = GatewayClient(take, reads_content=reads_content(application), http=http)
    try:
        async with client:
            await client.start(rest.token, reconnect=False)
    except AttributeError as error:
        if client.ws is not None:
            raise
        # discord.py 2.7.1 stumbles over a gateway that hangs up before it said hello.
        raise OutsideError("discord's gateway did not say hello", retryable=True) from error
    except LoginFailure:
        raise refused_token(bot) from None
    except ConnectionClosed as error:
        if error.code == 4004:
            raise refused_token(bot) from None
        if error.code in _FATAL:
            raise UserError(
                f"discord closed the gateway to bot `{bot}`: {_FATAL[error.code]}",
                help="start it again when that is changed",
            ) from None
        raise OutsideError(f"discord closed the gateway ({error.code})", retryable=True) from error
    except (HTTPException, OSError, TimeoutError, aiohttp.ClientError) as error:
        raise OutsideError(f"discord's gateway broke off: {type(error).__name__}", retryable=True) from error
    raise OutsideError("discord closed the gateway", retryable=True)


def _refuse_last_sessions(gateway: Mapping[str, Any]) -> None:
    limit = gateway.get("session_start_limit") or {}
    if limit.get("remaining") == 0:
        wait = int(limit.get("reset_after") or 0) / 1000
        raise OutsideError(
            f"discord lets this bot enter the gateway again in {wait:.0f} seconds", retry_after=wait
        )
