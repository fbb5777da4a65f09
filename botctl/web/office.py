"""The office: what the pages of the dashboard work with, whoever serves them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from botctl.errors import BotctlError
from botctl.store.database import connect
from botctl.store.listing import Bots
from botctl.web.access import Access, Reviewer
from botctl.web.api_gate import Tries
from botctl.web.api_operation import Desk

T = TypeVar("T")


class Missing(LookupError):
    """What a page is about is not there, or not for this reviewer: nobody is told which."""


class Office(Struct, frozen=True, kw_only=True):
    """desk: the state, and what is shared with the API. tries: wrong tokens, by address. bots: the names of
    all bots. mask takes secrets out of what is shown. closing is set when the server is about to stop."""

    desk: Desk
    access: Access
    tries: Tries
    public_url: str
    host: str
    bots: Callable[[], Sequence[str]]
    mask: Callable[[str], str]
    closing: asyncio.Event

    @property
    def is_encrypted(self) -> bool:
        """Whether browsers reach the server by https."""
        return self.public_url.lower().startswith("https:")

    @property
    def public_place(self) -> str:
        """The host, with its port, under which the outside reaches the server; "" if none is set."""
        return urlsplit(self.public_url).netloc.lower()

    def root(self, path: str) -> str:
        """What addresses of ours begin with in the answer to a request for `path`. Where the public address
        has a path of its own, a proxy takes that away: then only the way up from `path` leads home."""
        if not urlsplit(self.public_url).path.strip("/"):
            return "/"
        return "../" * (path.count("/") - 1) or "./"

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Ask the state beside the event loop: no bot waits for a page."""
        return await asyncio.to_thread(self._read, work)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with closing(connect(self.desk.database.path)) as connection:
            return work(connection)


class Fault(Struct, frozen=True):
    """Why something was not done, in sentences: the fact, and the way out or ""."""

    fact: str
    way_out: str


def fault_of(error: BotctlError) -> Fault:
    """A message of ours as sentences; it may end in a list or a command."""
    return Fault(sentence(error.message), sentence(error.help or ""))


def sentence(text: str) -> str:
    """A text that begins as sentences do."""
    return text[:1].upper() + text[1:]


class Visit(Struct, frozen=True, kw_only=True):
    """A request of a reviewer that was let in. id: of the path, "" where it has none. found: what was
    gathered for its page before. fault: why the form was refused, when its page is shown again with what was
    typed into it."""

    office: Office
    reviewer: Reviewer
    cookie: str
    id: str = ""
    path: str
    query: Mapping[str, str] = {}
    form: Mapping[str, str] = {}
    found: object = None
    fault: Fault | None = None

    def may(self, right: str) -> bool:
        """Whether he has a right."""
        return right in self.reviewer.rights

    def bots(self, only: str = "") -> Bots:
        """The bots that may be told of, of which perhaps only one is asked for; None: all."""
        own = self.reviewer.bots
        if not only:
            return sorted(own) or None
        return [only] if not own or only in own else []

    def check(self, bot: str) -> None:
        """Missing, when what belongs to this bot is not for him."""
        if self.reviewer.bots and bot not in self.reviewer.bots:
            raise Missing

    def names(self) -> list[str]:
        """The bots that he may be told of, by name."""
        own = self.reviewer.bots
        return [name for name in sorted(self.office.bots()) if not own or name in own]


class Page(Struct, frozen=True, kw_only=True):
    """What a path shows. show runs beside the event loop; what it gives is what the template is filled with.
    gather: what is to be found out on the event loop before; the visit has it as `found`."""

    path: str
    template: str
    show: Callable[[Visit, sqlite3.Connection], Mapping[str, object]]
    gather: Callable[[Visit], Awaitable[object]] | None = None


class Act(Struct, frozen=True, kw_only=True):
    """What a form does, and the right to it. act tells where to go then; it may end with `?told=` and a word
    of TOLD. page: shown again with what was typed, when it is refused; None: only the refusal is."""

    path: str
    right: str
    act: Callable[[Visit], Awaitable[str]]
    page: Page | None = None


TOLD: Mapping[str, str] = {
    "approved": "Approved. The run goes on.",
    "rejected": "Rejected. The run goes on.",
    "cancelled": "Cancelled.",
    "retried": "The run is taken up again.",
    "settled": "Noted: nothing about this run is in doubt any more.",
    "sent": "It is sent again.",
    "reset": "The conversation starts over.",
    "taken": "You have the conversation. The bot is silent until you hand it back.",
    "said": "Your answer is on its way.",
    "handed-back": "The bot has the conversation again.",
    "later": "It is recorded. No runner is up; the bot takes it up at its next start.",
}
"""What is said after something was done: only words of our own, whatever stands in an address."""
