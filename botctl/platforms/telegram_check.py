"""What `botctl doctor` asks Telegram about a bot; nothing is changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from botctl.errors import BotctlError
from botctl.platforms.platform import Checked, Registration
from botctl.platforms.telegram_client import TelegramClient


async def check_telegram(
    client: TelegramClient,
    registration: Callable[[], Awaitable[Registration]],
    mode: str,
    webhook_url: str,
) -> tuple[Checked, ...]:
    """The token, what the bot may see, and where its messages go. webhook_url: where they should, "" if
    nobody said."""
    from telegram.error import TelegramError

    try:
        me = await (await client.bot()).get_me()
        known = await registration()
    except BotctlError as error:
        return (Checked(is_well=False, fact=error.message, help=error.help or ""),)
    except TelegramError as error:
        told = client.outside_error(error)
        return (Checked(is_well=False, fact=told.message, help=told.help or ""),)
    sees = (
        "sees all messages of its groups"
        if me.can_read_all_group_messages
        else "sees in groups what is meant for it (privacy mode)"
    )
    return (Checked(is_well=True, fact=f"@{me.username}, {sees}"), *_way(mode, known, webhook_url))


def _way(mode: str, known: Registration, webhook_url: str) -> tuple[Checked, ...]:
    """Whether messages come the way that the mode says."""
    if mode == "polling":
        if not known.url:
            return ()
        help = "`botctl webhook delete`, or `botctl run --take-over`"
        return (Checked(is_well=False, fact="a webhook is set, so polling gets nothing", help=help),)
    if not known.url:
        help = "`botctl run` sets it when `server.public_url` is given"
        return (Checked(is_well=False, fact="no webhook is set", help=help),)
    if webhook_url and known.url != webhook_url:
        fact, help = f"messages go to {known.url}, not to {webhook_url}", "`botctl webhook set --take-over`"
        return (Checked(is_well=False, fact=fact, help=help),)
    trouble = f", last error: {known.last_error}" if known.last_error else ""
    help = "see that this server is reached from outside, by https" if trouble else ""
    fact = f"webhook at {known.url}, {known.pending} updates wait{trouble}"
    return (Checked(is_well=not trouble, fact=fact, help=help),)
