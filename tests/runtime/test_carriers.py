"""The carriers: which provider carries, when the terminal stands in, and what is told when neither can."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from botctl.clock import Clock, StandingClock
from botctl.errors import UserError
from botctl.identity.provider import Carrier, IdentityProvider, ProviderSettings
from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.identity.providers.console import ConsoleCarrier
from botctl.messages import ConversationKey
from botctl.runtime.carriers import Carriers
from botctl.secrets import Environment
from tests.runtime.gate_world import RecordingCarrier

TERMINAL = ConversationKey("b", "console", "c", "u", "")
TELEGRAM = ConversationKey("b", "telegram", "c", "u", "")


class PigeonSettings(ProviderSettings):
    """`identity: pigeon:`."""

    seed: str
    """What it eats."""
    loft: str
    """Where it lives."""


class PigeonCarrier(RecordingCarrier):
    """A carrier that knows what it was connected with."""

    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings = settings


def connect(settings: Any, clock: Clock) -> Carrier:
    return PigeonCarrier(settings)


PIGEON = IdentityProvider(
    name="pigeon",
    doc=None,
    contact_types=("email",),
    settings=PigeonSettings,
    connect=connect,
    secrets=("seed",),
)
WHOLE = {"pigeon": {"seed": "${SEED}", "loft": "roof"}}


def carriers(
    sections: dict[str, dict[str, Any]], variables: dict[str, str] | None = None, *, only_console: bool = True
) -> Carriers:
    """The carriers of a bot with this `identity` section."""
    return Carriers(
        (*IDENTITY_PROVIDERS, PIGEON),
        lambda bot: sections,
        lambda runner: only_console,
        Environment(variables or {}),
        StandingClock(),
    )


def carrier(there: Carriers, provider: str = "pigeon", conversation: ConversationKey = TERMINAL) -> Any:
    """The carrier for a conversation."""
    return asyncio.run(there.carrier("b", provider, conversation))


def test_a_provider_is_connected_once_with_its_secrets_put_in() -> None:
    there = carriers(WHOLE, {"SEED": "oats"})

    async def story() -> tuple[Any, Any]:
        first, again = [await there.carrier("b", "pigeon", TELEGRAM) for _ in range(2)]
        await there.close()
        return first, again

    first, again = asyncio.run(story())

    assert (first is again, first.settings.seed, first.is_closed) == (True, "oats", True)


@pytest.mark.parametrize("sections", [{}, WHOLE, {"pigeon": {"seed": "", "loft": "roof"}}])
def test_the_terminal_stands_in_for_a_provider_that_is_not_set_up_and_says_so_once(
    sections: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    there = carriers(sections)

    with caplog.at_level(logging.WARNING):
        found = [carrier(there), carrier(there)]

    assert [type(one) for one in found] == [ConsoleCarrier, ConsoleCarrier]
    assert [record.message.endswith("until then codes are printed here") for record in caplog.records] == [
        True
    ]


@pytest.mark.parametrize(
    ("sections", "message", "help"),
    [
        (
            {},
            "bot `b` cannot send codes by pigeon: its bot.yaml has no `identity.pigeon`",
            "write `identity: {pigeon: {seed: ..., loft: ...}}` there",
        ),
        (
            WHOLE,
            "bot `b` cannot send codes by pigeon: SEED is not set",
            "set SEED, or write it in .env beside bots/",
        ),
        (
            {"pigeon": {"loft": "roof"}},
            "bot `b` cannot send codes by pigeon: `identity.pigeon.seed` is not given",
            "write `identity: {pigeon: {seed: ...}}` in bot.yaml",
        ),
        (
            {"pigeon": {"seed": "oats"}},
            "bot `b` cannot send codes by pigeon: `identity.pigeon.loft`: field required",
            "`botctl validate b` tells what is wrong in bot.yaml",
        ),
    ],
)
@pytest.mark.parametrize(
    ("only_console", "conversation"), [(False, TERMINAL), (False, TELEGRAM), (True, TELEGRAM)]
)
def test_nothing_stands_in_where_others_may_read(
    sections: dict[str, Any], message: str, help: str, only_console: bool, conversation: ConversationKey
) -> None:
    with pytest.raises(UserError) as refused:
        carrier(carriers(sections, only_console=only_console), conversation=conversation)

    assert (refused.value.message, refused.value.help) == (message, help)


def test_the_development_provider_serves_in_the_terminal_only() -> None:
    assert isinstance(carrier(carriers({}), "console"), ConsoleCarrier)
    for there, conversation in ((carriers({}), TELEGRAM), (carriers({}, only_console=False), TERMINAL)):
        with pytest.raises(UserError, match="prints codes where others may read them"):
            carrier(there, "console", conversation)
