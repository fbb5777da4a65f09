"""Telegram's refusals: what they mean for a message, and that no token is in what is told of them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from botctl.errors import OutsideError, UserError
from botctl.platforms.platform import SendError

if TYPE_CHECKING:
    from telegram.error import TelegramError


def send_error(error: TelegramError, token: str) -> SendError:
    """Why a message was not sent, and whether trying again helps."""
    from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter

    told = f"telegram: {without_token(str(error), token)}"
    if isinstance(error, ChatMigrated):
        return SendError(told, permanent=True, migrate_to=str(error.new_chat_id))
    if isinstance(error, RetryAfter):
        return SendError(told, retry_after=seconds_of(error))
    if isinstance(error, InvalidToken):
        return SendError("telegram refused the bot's token", permanent=True)
    # What is too large is answered with 413, which python-telegram-bot 22.8 takes for trouble on the way.
    is_too_large = "entity too large" in str(error).lower()
    return SendError(told, permanent=is_too_large or isinstance(error, Forbidden | BadRequest))


def seconds_of(error: TelegramError) -> float:
    """How long Telegram asks to wait (python-telegram-bot gives a number or a timedelta)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # python-telegram-bot 22 announces that the type will change
        pause = getattr(error, "retry_after", 1)
    return float(pause.total_seconds() if hasattr(pause, "total_seconds") else pause)


def outside_error(error: TelegramError, bot: str, token: str) -> UserError | OutsideError:
    """Why Telegram could not be asked."""
    from telegram.error import BadRequest, InvalidToken

    if isinstance(error, InvalidToken):
        return UserError(
            f"telegram refused the token of bot `{bot}`",
            help="set it to the value that BotFather gave; `/token` there shows it again",
        )
    retryable = not isinstance(error, BadRequest)
    return OutsideError(f"telegram: {without_token(str(error), token)}", retryable=retryable)


def without_token(text: str, token: str) -> str:
    """The library quotes the token in some of its errors."""
    return text.replace(token, "***") if token else text
