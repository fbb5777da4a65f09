"""Telegram's client: python-telegram-bot's Bot, opened when it is first needed, silent about its token."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

from botctl.platforms.telegram_errors import outside_error, without_token
from botctl.platforms.telegram_messages import UPDATES, Me

if TYPE_CHECKING:
    from telegram import Bot
    from telegram.error import TelegramError

    from botctl.errors import OutsideError, UserError

POLL_SECONDS = 50
"""The longest that Telegram lets one getUpdates wait (Bot API server, 2026-05)."""

_SLACK = 15.0
_TALKATIVE = (
    "httpx",
    "httpcore.http11",
    "telegram.Bot",
    "telegram.request.BaseRequest",  # it quotes answers that are no JSON: a proxy's page may hold the address
    "telegram.request.HTTPXRequest",
)


class _WithoutToken(logging.Filter):
    """Telegram's addresses hold the token, and the HTTP library logs addresses (httpx 0.28, level INFO)."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        if self._token in told:
            record.msg, record.args = without_token(told, self._token), ()
        return True


class TelegramClient:
    """One bot's way to the Bot API. name: the bot's, for errors."""

    def __init__(self, *, token: str, base_url: str, name: str) -> None:
        self._token = token
        self._base_url = base_url.rstrip("/")
        self._name = name
        self._open: Bot | None = None
        self._opening = asyncio.Lock()
        self._silence = _WithoutToken(token)

    async def bot(self) -> Bot:
        """The library's Bot, which has asked Telegram who it is. A UserError when the token is refused, an
        OutsideError when Telegram cannot be asked."""
        if self._open is not None:
            return self._open
        async with self._opening:
            if self._open is None:
                self._open = await self._opened()
        return self._open

    async def me(self) -> Me:
        """Who the bot is."""
        bot = await self.bot()
        return Me(bot.id, bot.username)

    async def updates(self, offset: int | None) -> list[Any]:
        """What has not been confirmed, as it came: what the library cannot parse must not hide the updates
        beside it. It confirms everything below `offset`."""
        from telegram.error import EndPointNotFound, InvalidToken, TelegramError

        bot = await self.bot()
        # Names of methods may be in any case (Bot API 10.1); in lower case the library does not plead for
        # get_updates, which parses.
        try:
            found: Any = await bot.do_api_request(
                "getupdates",
                api_kwargs={"offset": offset, "timeout": POLL_SECONDS, "allowed_updates": list(UPDATES)},
                read_timeout=POLL_SECONDS + _SLACK,
            )
        except EndPointNotFound:  # what python-telegram-bot 22.8 makes of a token that is taken back
            raise InvalidToken from None
        if not isinstance(found, list):
            raise TelegramError("what it gave for updates is no list")
        return found

    def outside_error(self, error: TelegramError) -> UserError | OutsideError:
        """Why Telegram could not be asked."""
        return outside_error(error, self._name, self._token)

    def told(self, error: TelegramError) -> str:
        """An error in words, without the token."""
        return without_token(str(error), self._token)

    async def close(self) -> None:
        """Let go of its connections."""
        if self._open is not None:
            await self._open.shutdown()
            self._be_silent(False)

    async def _opened(self) -> Bot:
        from telegram import Bot
        from telegram.error import TelegramError
        from telegram.request import HTTPXRequest

        os.environ.setdefault("PTB_TIMEDELTA", "true")  # else each 429 warns that a type will change
        self._be_silent(True)
        bot = Bot(
            self._token,
            base_url=f"{self._base_url}/bot",
            base_file_url=f"{self._base_url}/file/bot",
            request=HTTPXRequest(connection_pool_size=64, connect_timeout=10, read_timeout=30),
            get_updates_request=HTTPXRequest(connection_pool_size=2, connect_timeout=10),
        )
        try:
            await bot.initialize()
        except TelegramError as error:
            await bot.shutdown()
            self._be_silent(False)
            raise self.outside_error(error) from None
        return bot

    def _be_silent(self, is_silent: bool) -> None:
        for name in _TALKATIVE:
            logger = logging.getLogger(name)
            (logger.addFilter if is_silent else logger.removeFilter)(self._silence)
