"""Discord's application: its commands, the address of its endpoint, and whether all of it is well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botctl.errors import BotctlError
from botctl.platforms.discord_payload import Application
from botctl.platforms.discord_rest import DiscordRest
from botctl.platforms.platform import Checked, ConnectionContext

COMMANDS: tuple[Mapping[str, Any], ...] = (
    {
        "name": "ask",
        "type": 1,
        "description": "Ask the bot",
        "options": [
            {
                "type": 3,
                "name": "question",
                "description": "Your question",
                "required": True,
                "max_length": 2000,
            }
        ],
        "contexts": [0, 1],
    },
    {"name": "reset", "type": 1, "description": "Start over", "contexts": [0, 1]},
)
"""Ours: contexts 0 is servers, 1 direct messages with the bot."""

_READS_CONTENT = 1 << 18 | 1 << 19
"""Flags of an application that has the message content intent, of many servers and of few."""
_MADE_BY_DISCORD = frozenset(("id", "application_id", "guild_id", "version", "name_localized"))


def reads_content(application: Application) -> bool:
    """Whether the message content intent is on in the portal."""
    return bool(application.flags & _READS_CONTENT)


async def register_commands(rest: DiscordRest, application_id: str) -> bool:
    """Make `/ask` and `/reset` known if they are not yet as they should be; whether anything was changed."""
    known = await rest.call("GET", "/applications/{application_id}/commands", application_id=application_id)
    wanted = commands_with(known)
    if wanted is None:
        return False
    await rest.call(
        "PUT", "/applications/{application_id}/commands", body=wanted, application_id=application_id
    )
    return True


def commands_with(known: list[dict[str, Any]]) -> list[Mapping[str, Any]] | None:
    """All commands that there should be: those of others as they are, and ours; None if all is so already.

    Putting commands replaces every one that the application has.
    """
    ours = {command["name"] for command in COMMANDS}
    of_ours = [command for command in known if _is_chat(command) and command.get("name") in ours]
    if len(of_ours) == len(COMMANDS) and all(
        any(_covers(command, one) for command in of_ours) for one in COMMANDS
    ):
        return None
    others = [
        {name: value for name, value in command.items() if name not in _MADE_BY_DISCORD}
        for command in known
        if command not in of_ours
    ]
    return [*others, *COMMANDS]


async def register_endpoint(rest: DiscordRest, url: str) -> None:
    """Have interactions sent to this address. Discord tries it at once: the server must be listening."""
    if (await rest.application()).interactions_endpoint_url != url:
        await _set_endpoint(rest, url)


async def unregister_endpoint(rest: DiscordRest) -> None:
    """Have interactions sent over the gateway again."""
    if (await rest.application()).interactions_endpoint_url:
        await _set_endpoint(rest, None)


async def _set_endpoint(rest: DiscordRest, url: str | None) -> None:
    await rest.call("PATCH", "/applications/@me", body={"interactions_endpoint_url": url})


async def check(
    rest: DiscordRest, context: ConnectionContext, *, mode: str, public_key: str
) -> tuple[Checked, ...]:
    """Whether token, intent, endpoint, key and commands are as this mode needs them."""
    try:
        me = await rest.me()
        application = await rest.application()
        known = await rest.call(
            "GET", "/applications/{application_id}/commands", application_id=application.id
        )
        checks = [
            Checked(is_well=True, fact=f"discord knows the token: it is {me.username}"),
            _commands(known),
        ]
        if mode == "webhook":
            checks += _of_webhook(application, context, public_key)
        else:
            checks += _of_gateway(application, await rest.call("GET", "/gateway/bot"))
    except BotctlError as error:
        return (Checked(is_well=False, fact=error.message, help=error.help or ""),)
    return tuple(checks)


def _commands(known: list[dict[str, Any]]) -> Checked:
    if commands_with(known) is None:
        return Checked(is_well=True, fact="/ask and /reset are registered")
    return Checked(
        is_well=False,
        fact="/ask and /reset are not registered as they are now",
        help="`botctl run` registers them",
    )


def _of_webhook(application: Application, context: ConnectionContext, public_key: str) -> list[Checked]:
    is_key = application.verify_key.lower() == public_key.lower()
    known = application.interactions_endpoint_url or ""
    is_here = bool(known) and known == context.webhook_url
    place = f"to {urlsplit(known).netloc}" if known else "nowhere: no endpoint is set"
    return [
        Checked(
            is_well=is_key,
            fact="`public_key` is that of the application" if is_key else "`public_key` is another one's",
            help="" if is_key else "copy it from the application's page of the developer portal",
        ),
        Checked(
            is_well=is_here,
            fact=f"interactions go {'here' if is_here else place}",
            help="" if is_here else "`botctl webhook set` sends them here",
        ),
    ]


def _of_gateway(application: Application, gateway: Mapping[str, Any]) -> list[Checked]:
    known = application.interactions_endpoint_url or ""
    left = (gateway.get("session_start_limit") or {}).get("remaining")
    checks = [
        Checked(
            is_well=not known,
            fact=f"commands and buttons go to {urlsplit(known).netloc}, not over the gateway"
            if known
            else "commands and buttons come over the gateway",
            help="`botctl webhook delete`, or use `mode: webhook`" if known else "",
        ),
        Checked(
            is_well=True,
            fact="the message content intent is on"
            if reads_content(application)
            else "the message content intent is off: direct messages and mentions are read, but replies to"
            " the bot that do not mention it come without their text",
            help="" if reads_content(application) else "switch it on under Bot in the developer portal",
        ),
    ]
    if isinstance(left, int):
        checks.append(
            Checked(
                is_well=left > 0,
                fact=f"the gateway may be entered {left} more times today",
                help="" if left > 0 else "something starts this bot over and over; wait until tomorrow",
            )
        )
    return checks


def _is_chat(command: Mapping[str, Any]) -> bool:
    return bool(command.get("type", 1) == 1)


def _covers(known: Any, wanted: Any) -> bool:
    """Whether something is as wanted; Discord adds fields of its own, and puts lists in its own order."""
    if isinstance(wanted, Mapping):
        return isinstance(known, Mapping) and all(
            _covers(known.get(name), value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        if not isinstance(known, list) or len(known) != len(wanted):
            return False
        return all(any(_covers(one, value) for one in known) for value in wanted)
    return bool(known == wanted)
