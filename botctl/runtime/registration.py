"""Registration: platforms are told where a bot's webhook is, and nobody else's is taken away by accident."""

from __future__ import annotations

from urllib.parse import urlsplit

from botctl.errors import UserError
from botctl.platforms.platform import Connection, Registrar


def webhook_address(public_url: str, bot: str, platform: str) -> str:
    """Where the outside finds a webhook; "" if nobody said where this server is."""
    return f"{public_url.rstrip('/')}/webhooks/{bot}/{platform}" if public_url else ""


async def register(
    connection: Connection, place: tuple[str, str], address: str, *, may_take_over: bool
) -> str:
    """Tell a platform where the webhook is; a line about it, "" where that needs no telling.

    A UserError if it is somewhere else now and may not be taken over: a trial on one's own machine must not
    silence the bot that people talk to.
    """
    bot, platform = place
    if not isinstance(connection, Registrar):
        return ""
    if not address:
        return (
            f"{bot}: {platform} is not told where its webhook is:"
            " set `server: {public_url: https://...}` in botctl.yaml, or use `botctl webhook set`"
        )
    known = (await connection.registration()).url
    if known and known != address and not may_take_over:
        raise UserError(
            f"the webhook of bot `{bot}` on {platform} is at {urlsplit(known).netloc} now, not here",
            help="`--take-over` moves it here; then nobody else gets this bot's messages any more",
        )
    await connection.register(address)
    return "" if known == address else f"{bot}: {platform} brings its messages to {address} now"
