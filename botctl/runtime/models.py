"""The models of a bot: the one it is declared with, those that answer when it is down, and who pays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from botctl.clock import Clock
from botctl.llm.chat import ChatModel
from botctl.llm.fallback import Candidate, FallbackModel
from botctl.llm.pricing import Tariff
from botctl.runtime.bot import LateModel, connect_model, provider_named
from botctl.runtime.metering import Meter, tariff_of
from botctl.runtime.spans import ModelPlace
from botctl.secrets import Environment
from botctl.spec.bot import BotSpec, ModelSection
from botctl.store.inbox import Stored
from botctl.store.usage import Payer


class _Link(Struct, frozen=True):
    """One model of the chain."""

    name: str
    model: LateModel
    tariff: Tariff


class Models:
    """Connected when they are first asked. first: the declared one, not metered, for whoever has no run."""

    def __init__(
        self,
        spec: BotSpec,
        folder: Path,
        environment: Environment,
        clock: Clock,
        meter: Meter,
        files: Path,
        watch: Callable[[ChatModel, ModelPlace], ChatModel],
        stand_in: Callable[[str, ModelSection], ChatModel | None] = lambda bot, section: None,
    ) -> None:
        """folder: where bot.yaml stands; files: where the attachments of messages are; stand_in: who answers
        for a declared model, from (bot, section), if it is not that model itself."""
        self._spec = spec
        self._meter = meter

        def late(section: ModelSection | None) -> LateModel:
            other = stand_in(spec.name, section) if section is not None else None
            if other is not None:
                return LateModel(lambda: other, other)
            return connect_model(spec.name, section, folder, environment, clock, files, watch)

        self.first = late(spec.llm)
        self._chain: list[_Link] = []
        for place, section in enumerate(_sections(spec)):
            model = late(section) if place else self.first
            provider = provider_named(section.provider)
            tariff = tariff_of(section, provider, environment.resolve(section.base_url))
            self._chain.append(_Link(provider.name, model, tariff))

    def metered(self, runner: str, run: str, stored: Stored) -> ChatModel:
        """The model of one step: each call is held to the budget before it is made, and booked after."""
        message = stored.message
        payer = Payer(
            bot=self._spec.name,
            runner=runner,
            run=run,
            conversation=stored.conversation,
            user=f"{message.platform}:{message.user_id}",
        )
        billing = self._spec.billing
        paid = [
            Candidate(
                name=link.name,
                model=self._meter.model(link.model.connected, link.tariff, payer, billing),
            )
            for link in self._chain
        ]
        return paid[0].model if len(paid) == 1 else FallbackModel(paid)

    async def close(self) -> None:
        """Let go of all connections."""
        await self.first.close()
        for link in self._chain[1:]:
            await link.model.close()


def _sections(spec: BotSpec) -> list[ModelSection]:
    """The declared model and its fallbacks; time limit, length and temperature are those of the first."""
    section = spec.llm
    if section is None:
        return []
    return [
        section,
        *[
            section.model_copy(
                update={
                    "provider": other.provider,
                    "model": other.model,
                    "api_key": other.api_key,
                    "base_url": other.base_url,
                    "account_id": other.account_id,
                    "price": other.price,
                    "script": "",
                }
            )
            for other in section.fallback
        ],
    ]
