"""The members: who introduced themselves, as what, and what they like to make; a small SQLite database."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import NamedTuple

ROLES = ("maker", "teacher", "visitor")
_SCHEMA = """
create table if not exists members (
    id        text primary key,
    name      text not null,
    role      text not null,
    interests text not null  -- a JSON list
);
"""


class Member(NamedTuple):
    """id: where they write from and as whom, such as `discord:1234`."""

    id: str
    name: str
    role: str
    interests: list[str]


class Members:
    """Who is known by now."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, id: str) -> Member | None:
        """One member, None if nobody introduced themselves under this id."""
        row = self._connection.execute("select * from members where id = ?", (id,)).fetchone()
        return Member(row[0], row[1], row[2], json.loads(row[3])) if row else None

    def save(self, member: Member) -> None:
        """Remember a member; what was known under this id before is replaced."""
        with self._connection:
            self._connection.execute(
                "insert or replace into members values (?, ?, ?, ?)",
                (member.id, member.name, member.role, json.dumps(member.interests)),
            )


def open_members(database: str) -> Members:
    """The members in a file, or in memory for `:memory:`."""
    if database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.executescript(_SCHEMA)
    return Members(connection)
