"""Telegram's long polling: updates are asked for, stored one by one, and confirmed by asking for the next."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from botctl.platforms.telegram_client import TelegramClient
from botctl.platforms.telegram_errors import seconds_of
from botctl.platforms.telegram_messages import number_of

logger = logging.getLogger(__name__)

FORGOTTEN_MS = 6 * 86_400_000
"""A week after the last update their numbers start anew, at random (Bot API 10.1, 2026-06); an old offset
would then confirm what nobody saw. An update may have waited for a day before it was seen, hence six. Without
an offset Telegram gives what is not confirmed: nothing is lost, and what comes twice is known."""

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_MOST_FAILURES = 5


class Position:
    """How far updates were seen: the offset behind the last one, and when that came (ms since 1970)."""

    def __init__(self, cursor: str | None) -> None:
        self._offset: int | None = None
        self._at = 0
        try:
            known = json.loads(cursor or "{}")
            self._offset, self._at = int(known["offset"]), int(known["at"])
        except (KeyError, TypeError, ValueError):
            pass  # the first start; or nobody knows what that was, and Telegram gives what is not confirmed

    def offset(self, now_ms: int) -> int | None:
        """What to ask for; None when it is not known any more."""
        return self._offset if now_ms - self._at < FORGOTTEN_MS else None

    def move(self, number: int, now_ms: int) -> str:
        """Behind the update of this number; the cursor that says so."""
        self._offset, self._at = number + 1, now_ms
        return json.dumps({"offset": self._offset, "at": now_ms})


async def poll(
    client: TelegramClient,
    position: Position,
    *,
    bot: str,
    now_ms: Callable[[], int],
    take: Callable[[Mapping[str, Any], str], Awaitable[None]],
    leave_webhook: Callable[[], Awaitable[None]],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Ask until cancelled. take stores an update, with the cursor behind it. Short troubles are waited for
    here; an OutsideError after several in a row, a UserError when the token is refused or there is a webhook.
    """
    from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

    failures, pause = 0, _FIRST_PAUSE
    while True:
        try:
            updates = await client.updates(position.offset(now_ms()))
        except RetryAfter as error:
            await sleep(seconds_of(error))
            continue
        except Conflict as error:
            await leave_webhook()
            logger.error(
                "telegram: another program asks for the updates of bot %s, and only one may: stop it, or give"
                " each its own bot; again in %g s (%s)",
                bot,
                pause,
                client.told(error),
            )
            await sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            continue
        except TelegramError as error:
            failures += 1
            if isinstance(error, InvalidToken) or failures >= _MOST_FAILURES:
                raise client.outside_error(error) from None
            logger.warning("telegram: no updates for bot %s: %s", bot, client.told(error))
            await sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            continue
        failures, pause = 0, _FIRST_PAUSE
        for update in updates:
            number = number_of(update)
            if number is None:
                logger.error("telegram: something that is no update came to bot %s; it is left out", bot)
            else:
                await take(update, position.move(number, now_ms()))
        if updates and all(number_of(update) is None for update in updates):
            await sleep(_LONGEST_PAUSE)  # it cannot be confirmed, so it comes again at once
