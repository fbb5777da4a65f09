"""The directory: conversations as people look for them, and what was said in one."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from msgspec import Struct

from botctl.errors import UserError
from botctl.messages import ConversationKey

_NAME = "platform || '/' || channel_id || '/' || user_id || iif(thread_id = '', '', '/' || thread_id)"
_SOMEBODY = "(channel_id <> '' OR user_id <> '' OR thread_id <> '')"  # see `erasure`


class Entry(Struct, frozen=True):
    """A conversation with what there is of it. messages: those that came; waiting: runs that wait;
    taken_by: the person who answers in place of the bot, "" if nobody does. Times in milliseconds since 1970,
    UTC."""

    seq: int
    key: ConversationKey
    user_name: str
    started_at: int
    last_at: int
    messages: int
    runs: int
    waiting: int
    taken_by: str = ""


class Line(Struct, frozen=True):
    """One message of a conversation. who: user, bot, or `person:<name>` of one who answered. run: the
    id of the run it belongs to, "" if none. remark: why it was not answered, or why it did not leave.
    """

    at_ms: int
    who: str
    text: str
    run: str
    status: str
    remark: str


def latest(connection: sqlite3.Connection, *, bot: str | None, most: int) -> list[Entry]:
    """The conversations with the newest messages, newest first."""
    where = f"{_SOMEBODY} AND bot = ?" if bot is not None else _SOMEBODY
    return _entries(connection, where, (bot,) if bot is not None else (), most)


def page(
    connection: sqlite3.Connection,
    after: tuple[int, int] | None,
    most: int,
    *,
    bots: Sequence[str] | None = None,
) -> list[Entry]:
    """The same for these bots (None: all), from after (last_at, number) on."""
    asked: list[str] = [_SOMEBODY]
    values: list[object] = []
    if bots is not None:
        asked.append(f"bot IN ({', '.join('?' * len(bots))})")
        values += [*bots]
    if after is not None:
        asked.append("(last_at, seq) < (?, ?)")
        values += [*after]
    return _entries(connection, " AND ".join(asked), tuple(values), most)


def find(connection: sqlite3.Connection, text: str) -> Entry:
    """The one conversation of this number, or whose `bot/platform/channel/user/thread` (or that without the
    bot) starts so; a UserError when there is none, or more than one."""
    if text.isdecimal():
        found = _entries(connection, f"{_SOMEBODY} AND seq = ?", (int(text),), 1)
    else:
        names = (f"bot || '/' || {_NAME}", _NAME)
        found = _entries(connection, " OR ".join(f"{name} = ?" for name in names), (text, text), 6)
        starts = " OR ".join(f"substr({name}, 1, length(?)) = ?" for name in names)
        found = found or _entries(connection, f"{_SOMEBODY} AND ({starts})", (text,) * 4, 6)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UserError(f"there is no conversation `{text}`", help="`botctl conversations list` shows them")
    numbers = ", ".join(f"{entry.seq} ({name_of(entry.key)})" for entry in found[:5])
    raise UserError(f"several conversations start with `{text}`: {numbers}", help="give more, or the number")


def name_of(key: ConversationKey) -> str:
    """A conversation as people may write it."""
    return "/".join(key if key.thread_id else key[:-1])


def said_in(connection: sqlite3.Connection, conversation: int, most: int) -> list[Line]:
    """The last `most` messages of a conversation, oldest first."""
    rows = connection.execute(
        "SELECT at, who, text, run, status, remark FROM ("
        " SELECT i.received_at AS at, 'user' AS who, i.text AS text, coalesce(r.id, '') AS run,"
        "  i.status AS status, i.reason AS remark, i.seq AS seq"
        "  FROM inbox i LEFT JOIN runs r ON r.seq = i.run WHERE i.conversation = :conversation"
        " UNION ALL"
        " SELECT o.created_at, iif(o.said_by LIKE 'person:%', o.said_by, 'bot'), o.text, coalesce(r.id, ''),"
        "  o.status, o.error, o.seq"
        "  FROM outbox o LEFT JOIN runs r ON r.seq = o.run WHERE o.conversation = :conversation"
        ") ORDER BY at DESC, who = 'user', seq DESC LIMIT :most",
        {"conversation": conversation, "most": most},
    ).fetchall()
    return [Line(*row) for row in reversed(rows)]


def newest_message(connection: sqlite3.Connection, conversation: int) -> int:
    """The number of its newest message, 0 if none is left."""
    row = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM inbox WHERE conversation = ?", (conversation,)
    ).fetchone()
    return int(row[0])


def _entries(
    connection: sqlite3.Connection, where: str, values: tuple[object, ...], most: int
) -> list[Entry]:
    # Counted only for those that are shown. A run is found by the message that started it: there is no
    # index of all runs by conversation, which every run would have to pay for.
    rows = connection.execute(
        "SELECT seq, bot, platform, channel_id, user_id, thread_id, user_name, started_at, last_at,"
        " (SELECT count(*) FROM inbox i WHERE i.conversation = c.seq),"
        " (SELECT count(*) FROM inbox i JOIN runs r ON r.message = i.seq WHERE i.conversation = c.seq),"
        " (SELECT count(*) FROM runs r WHERE r.conversation = c.seq AND r.status = 'waiting'),"
        " taken_by"
        f" FROM (SELECT * FROM conversations WHERE {where} ORDER BY last_at DESC, seq DESC LIMIT ?) c",
        (*values, most),
    ).fetchall()
    return [Entry(row[0], ConversationKey(*row[1:6]), *row[6:]) for row in rows]


class Person(Struct, frozen=True):
    """Who is talked to in a conversation, and where."""

    key: ConversationKey
    user_name: str

    @property
    def name(self) -> str:
        """What a person is called by people."""
        return self.user_name or self.key.user_id or self.key.channel_id


def people(connection: sqlite3.Connection, numbers: Collection[int]) -> dict[int, Person]:
    """Who is talked to in these conversations, by number; those that are gone are left out."""
    found: dict[int, Person] = {}
    for number in numbers:
        row = connection.execute(
            "SELECT bot, platform, channel_id, user_id, thread_id, user_name FROM conversations"
            " WHERE seq = ?",
            (number,),
        ).fetchone()
        if row is not None:
            found[number] = Person(ConversationKey(*row[:5]), row[5])
    return found
