"""The carriers: identity providers of the bots of a process, each connected when it is first needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from botctl.clock import Clock
from botctl.errors import UserError
from botctl.identity.provider import Carrier, IdentityProvider
from botctl.messages import ConversationKey
from botctl.runtime.platforms import resolved
from botctl.secrets import Environment, references

logger = logging.getLogger(__name__)

CONSOLE = "console"
"""The development provider, which prints codes; and the platform that alone may be live beside it."""


class Carriers:
    """Connected providers by bot and name.

    A provider that is not set up is stood in for by the development provider, which prints the code, if the
    console is the only platform that is live; so a bot can be tried without any account.
    """

    def __init__(
        self,
        providers: Sequence[IdentityProvider],
        sections_of: Callable[[str], Mapping[str, Mapping[str, Any]]],
        only_console: Callable[[str], bool],
        environment: Environment,
        clock: Clock,
    ) -> None:
        """sections_of: a bot's `identity` section, by its name. only_console: whether the console is the only
        live platform of a runner."""
        self._providers = {provider.name: provider for provider in providers}
        self._sections_of = sections_of
        self._only_console = only_console
        self._environment = environment
        self._clock = clock
        self._connected: dict[tuple[str, str], Carrier] = {}
        self._told: set[tuple[str, str]] = set()
        self._connecting = asyncio.Lock()

    async def carrier(self, bot: str, provider: str, conversation: ConversationKey) -> Carrier:
        """See `CarrierOf`."""
        in_terminal = conversation.platform == CONSOLE and self._only_console(conversation.bot)
        section = self._sections_of(bot).get(provider, {})
        if provider == CONSOLE and not in_terminal:
            raise UserError(
                "the provider `console` prints codes where others may read them",
                help="it serves only where the console is the only live platform; use another `provider`",
            )
        lack = self._lack(self._providers[provider], bot, section)
        if lack is not None and not in_terminal:
            raise lack
        if lack is not None:
            if (bot, provider) not in self._told:
                self._told.add((bot, provider))
                logger.warning("%s; until then codes are printed here", lack.message)
            provider, section = CONSOLE, self._sections_of(bot).get(CONSOLE, {})
        async with self._connecting:
            if (bot, provider) not in self._connected:
                self._connected[bot, provider] = await self._connect(bot, provider, section)
        return self._connected[bot, provider]

    async def close(self) -> None:
        """Let go of all connections."""
        for carrier in self._connected.values():
            await carrier.close()
        self._connected.clear()

    def _lack(self, provider: IdentityProvider, bot: str, section: Mapping[str, Any]) -> UserError | None:
        """What a provider needs before it can be used; None if nothing."""
        name = provider.name
        if name not in self._sections_of(bot) and name != CONSOLE:
            needed = [field for field, about in provider.settings.model_fields.items() if about.is_required()]
            fields = ", ".join(f"{field}: ..." for field in dict.fromkeys((*provider.secrets, *needed)))
            return UserError(
                f"bot `{bot}` cannot send codes by {name}: its bot.yaml has no `identity.{name}`",
                help=f"write `identity: {{{name}: {{{fields}}}}}` there",
            )
        for field in provider.secrets:
            default = provider.settings.model_fields[field].get_default()
            written = str(section.get(field, default if isinstance(default, str) else ""))
            missing = self._environment.missing(written)
            if missing or not self._environment.resolve(written):
                names = " and ".join(missing or references(written))
                if names:
                    return UserError(
                        f"bot `{bot}` cannot send codes by {name}: {names} is not set",
                        help=f"set {names}, or write it in .env beside bots/",
                    )
                return UserError(
                    f"bot `{bot}` cannot send codes by {name}: `identity.{name}.{field}` is not given",
                    help=f"write `identity: {{{name}: {{{field}: ...}}}}` in bot.yaml",
                )
        return None

    async def _connect(self, bot: str, provider: str, section: Mapping[str, Any]) -> Carrier:
        record = self._providers[provider]
        try:
            settings = record.settings.model_validate(resolved(section, self._environment))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(("identity", provider, *map(str, first["loc"])))
            raise UserError(
                f"bot `{bot}` cannot send codes by {provider}: `{place}`: {first['msg'].lower()}",
                help=f"`botctl validate {bot}` tells what is wrong in bot.yaml",
            ) from None
        # Importing an SDK may take a second: not on the event loop.
        return await asyncio.to_thread(record.connect, settings, self._clock)
