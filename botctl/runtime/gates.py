"""The gates: codes and links by which users prove who they are, issued for steps and guarded at the door."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial

from msgspec import Struct, structs

from botctl.clock import Clock
from botctl.errors import OutsideError, UserError
from botctl.execution.step import Gatekeeper
from botctl.identity.codes import (
    code_hash,
    contact_hash,
    digits_of,
    masked,
    new_code,
    new_token,
    token_hash,
    user_hash,
)
from botctl.identity.provider import Carrier, ContactRefusedError, ContactType, Delivery
from botctl.messages import ConversationKey, IncomingMessage
from botctl.store import challenges
from botctl.store.challenges import ChallengeRow
from botctl.store.database import Database
from botctl.store.inbox import Stored

HOUR_MS = 3_600_000
CONTACT_HOURLY = 5
CONTACT_DAILY = 20
USER_HOURLY = 10
"""The most codes and links in that time, to one contact and for one user, across runs and bots."""

CarrierOf = Callable[[str, str, ConversationKey], Awaitable[Carrier]]
"""(bot, provider, the conversation it is for) -> the provider, connected; UserError when it is not set up."""


class Gates:
    """What issues and checks for all bots of a process; made once.

    The conversations in which a code was sent are kept in memory, so that messages of others cost nothing.
    """

    def __init__(
        self, database: Database, clock: Clock, key: bytes, carrier_of: CarrierOf, public_url: str
    ) -> None:
        """key: the secret key. public_url: where the outside finds this server; "" if that is not known."""
        self.database = database
        self.clock = clock
        self.key = key
        self.carrier_of = carrier_of
        self.public_url = public_url.rstrip("/")
        self._awaiting: set[int] = set()

    def recover(self, runner: str) -> None:
        """Take up what a former life of this process had sent for a runner's conversations."""
        self._awaiting |= self.database.read(
            lambda connection: challenges.awaiting_conversations(connection, runner)
        )

    def gate(self, bot: str, runner: str, run: int, stored: Stored) -> Gatekeeper:
        """The gatekeeper of one step of a bot, in a run that a runner's process runs, for a message."""
        return Gate(self, bot, runner, run, stored)

    def awaits_code(self, conversation: int) -> bool:
        """Whether a code was sent in a conversation; False surely means that none is awaited there."""
        return conversation in self._awaiting

    def expect(self, conversation: int) -> None:
        """A code is about to be sent."""
        self._awaiting.add(conversation)

    def guard(
        self, connection: sqlite3.Connection, message: IncomingMessage, conversation: int
    ) -> IncomingMessage:
        """What may be stored of a message: while a code is awaited no digit of it, but their keyed hash; and
        later not the code itself, if the user types it once more."""
        if not self.awaits_code(conversation) or message.kind not in ("text", "command"):
            return message
        digits = digits_of(message.text)
        if not digits:
            return message
        hash = code_hash(self.key, message.conversation, digits)
        user = user_hash(self.key, message.conversation)
        if challenges.awaits_code(connection, conversation) or challenges.was_sent(connection, user, hash):
            return structs.replace(message, text=masked(message.text), code_hash=hash)
        return message


class Gate(Struct, frozen=True):
    """See `Gatekeeper`."""

    gates: Gates
    bot: str
    runner: str
    run: int
    stored: Stored

    async def issue(
        self, *, challenge: str, provider: str, contact_type: str, contact: str, method: str, ttl: float
    ) -> str:
        """See `Gatekeeper.issue`. Under an id that was issued already, another code makes the first void."""
        gates, conversation = self.gates, self.stored.message.conversation
        secret = new_token() if method == "link" else new_code()
        now_ms = gates.clock.now_ms()
        row = ChallengeRow(
            id=challenge,
            bot=self.bot,
            runner=self.runner,
            run=self.run,
            conversation=self.stored.conversation,
            user=user_hash(gates.key, conversation),
            contact=contact_hash(gates.key, contact_type, contact),
            method=method,
            hash=(
                token_hash(gates.key, secret)
                if method == "link"
                else code_hash(gates.key, conversation, secret)
            ),
            created_at=now_ms,
            expires_at=now_ms + round(ttl * 1000),
        )
        if not await gates.database.write(partial(_store, row)):
            return "limited"
        if method == "code":
            gates.expect(self.stored.conversation)
        try:
            return await self._carry(provider, contact_type, contact, secret, row)
        except OutsideError as error:
            if error.not_executed or not error.retryable:  # else it may be under way, and must stay good
                await gates.database.write(lambda connection: challenges.withdraw(connection, row.id))
            raise
        except UserError:
            await gates.database.write(lambda connection: challenges.withdraw(connection, row.id))
            raise

    async def _carry(
        self, provider: str, contact_type: str, contact: str, secret: str, row: ChallengeRow
    ) -> str:
        gates, by_link = self.gates, row.method == "link"
        delivery = Delivery(
            id=row.id,
            contact_type=_contact_type(contact_type),
            contact=contact,
            minutes=max(1, (row.expires_at - row.created_at) // 60_000),
            code="" if by_link else secret,
            link=self._link(secret) if by_link else "",
            sender=self.bot,
        )
        carrier = await gates.carrier_of(self.bot, provider, self.stored.message.conversation)
        try:
            await carrier.carry(delivery)
        except ContactRefusedError:
            await gates.database.write(lambda connection: challenges.close(connection, row.id))
            return "refused"
        return "sent"

    def _link(self, token: str) -> str:
        if not self.gates.public_url:
            raise UserError(
                "a link cannot be sent: nobody knows where the outside finds this server",
                help="set `server: {public_url: https://...}` in botctl.yaml, or use `method: code`",
            )
        return f"{self.gates.public_url}/verify/{token}"

    def hash_of(self, challenge: str) -> str:
        """See `Gatekeeper.hash_of`."""
        return self.gates.database.read(lambda connection: challenges.hash_of(connection, challenge))

    def remembered(self, contact_type: str, since_ms: int) -> str:
        """See `Gatekeeper.remembered`."""
        message = self.stored.message
        return self.gates.database.read(
            lambda connection: challenges.remembered(connection, self.runner, message, contact_type, since_ms)
        )


def _store(row: ChallengeRow, connection: sqlite3.Connection) -> bool:
    """Store what is about to be sent; False if too much was sent already, and then this must not be."""
    now_ms, id = row.created_at, row.id
    hour_ago, day_ago = now_ms - HOUR_MS, now_ms - 24 * HOUR_MS
    if (
        challenges.sent_to_contact(connection, row.contact, hour_ago, id) >= CONTACT_HOURLY
        or challenges.sent_to_contact(connection, row.contact, day_ago, id) >= CONTACT_DAILY
        or challenges.sent_for_user(connection, row.user, hour_ago, id) >= USER_HOURLY
    ):
        if row.method == "link":  # of codes the last one stays open for as long as it must be masked
            challenges.supersede(connection, row.run, row.contact)
        return False
    challenges.add(connection, row)
    return True


def _contact_type(text: str) -> ContactType:
    return "phone" if text == "phone" else "email"
