"""The stage: platforms, mail and carriers of codes in a story; they remember what they were given."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from botctl.clock import Clock
from botctl.duration import format_duration
from botctl.errors import OutsideError
from botctl.identity.provider import Carrier, ContactRefusedError, Delivery
from botctl.messages import ConversationKey, IncomingMessage, OutgoingMessage
from botctl.spec.story import StoryUser
from botctl.store import challenges
from botctl.stories.happening import Scene, Spot, Told

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

Carrying = Literal["sent", "down", "refused", "silent"]
_SILENCE = 30.0


class Person(Struct, frozen=True, kw_only=True):
    """A user of a story where they sit."""

    name: str
    bot: str
    platform: str
    channel_id: str
    thread_id: str
    user_id: str
    user_name: str
    verified: Mapping[str, str] = {}

    @property
    def conversation(self) -> ConversationKey:
        """Their conversation with the bot."""
        return ConversationKey(self.bot, self.platform, self.channel_id, self.user_id, self.thread_id)

    def vouch(self, now_ms: int, connection: sqlite3.Connection) -> None:
        """Let them have been verified."""
        message = IncomingMessage(
            bot=self.bot,
            platform=self.platform,
            dedupe_key="",
            channel_id=self.channel_id,
            user_id=self.user_id,
            text="",
            received_at=now_ms,
        )
        for kind, contact in self.verified.items():
            challenges.remember(connection, self.bot, message, kind, contact, now_ms)


def person(name: str, written: StoryUser, bot: str, platform: str) -> Person:
    """A user as they are written, with what was left out."""
    id = written.id or name
    return Person(
        name=name,
        bot=written.bot or bot,
        platform=written.platform or platform,
        channel_id=written.channel or id,
        thread_id=written.thread,
        user_id=id,
        user_name=written.name,
        verified={str(kind): contact for kind, contact in written.verified.items()},
    )


class Stage:
    """All that leaves a bot comes here. people: the users of the story; said_by: what node said a text."""

    def __init__(self, people: Sequence[Person], scene: Scene, clock: Clock, carrying: Carrying) -> None:
        self._people = people
        self._scene = scene
        self._clock = clock
        self._carrying = carrying
        self._seen: set[str] = set()
        self.said_by: Callable[[str], Spot] = lambda text: Spot()
        self.delivered: dict[ConversationKey, Delivery] = {}
        self._told: dict[str, list[OutgoingMessage]] = {}

    def take(self, message: OutgoingMessage) -> None:
        """A message left. The same once more, after a crash, is the same: platforms are told its id."""
        if message.id in self._seen:
            return
        self._seen.add(message.id)
        told = Told(message=message, user=self._user(message), spot=self.said_by(message.text))
        self._scene.now.told.append(told)
        self._told.setdefault(told.user, []).append(message)

    def told_to(self, user: str) -> list[OutgoingMessage]:
        """All that a user was told so far."""
        return self._told.get(user, [])

    def _user(self, message: OutgoingMessage) -> str:
        here = [
            one
            for one in self._people
            if (one.platform, one.channel_id) == (message.platform, message.channel_id)
            and one.thread_id == message.thread_id
        ]
        named = [one for one in here if one.user_id == message.user_id]
        return (named or here)[0].name if here else ""

    async def carrier(self, bot: str, provider: str, conversation: ConversationKey) -> Carrier:
        """See `CarrierOf`."""
        return _Carrier(self, conversation, self._carrying, self._clock)


class StagePlatform:
    """A platform of a bot in a story."""

    sends_in_memory = True

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def run(self) -> None:
        """Nothing is received here: the story brings the messages."""

    async def webhook(self, request: Request) -> Response:
        """No webhook leads here."""
        raise NotImplementedError

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Hand it to the stage."""
        self._stage.take(message)
        return (message.id,)

    async def close(self) -> None:
        """There is nothing to let go of."""


class _Carrier:
    """Who sends codes and links in a story."""

    def __init__(self, stage: Stage, conversation: ConversationKey, carrying: Carrying, clock: Clock) -> None:
        self._stage = stage
        self._conversation = conversation
        self._carrying = carrying
        self._clock = clock

    async def carry(self, delivery: Delivery) -> str:
        """See `Carrier.carry`."""
        match self._carrying:
            case "down":
                raise OutsideError("the provider of codes cannot be reached", not_executed=True)
            case "refused":
                raise ContactRefusedError("the provider of codes cannot reach this contact")
            case "silent":
                await self._clock.sleep(_SILENCE)
                told = f"the provider of codes did not answer within {format_duration(_SILENCE)}"
                raise OutsideError(told, retryable=True)
        self._stage.delivered[self._conversation] = delivery
        return delivery.id

    async def close(self) -> None:
        """There is nothing to let go of."""
