"""The incidents: what broke, how badly, and who leads the repair; a small SQLite database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

SEVERITIES = ("P1", "P2", "P3")
_SCHEMA = """
create table if not exists incidents (
    id       integer primary key,
    service  text not null,
    severity text not null,
    summary  text not null,
    leader   text not null default ''
);
"""


class Incident(NamedTuple):
    """leader: who leads the repair, "" while nobody does."""

    id: int
    service: str
    severity: str
    summary: str
    leader: str


class Incidents:
    """Everything that broke."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> list[Incident]:
        """Every incident, oldest first."""
        return [Incident(*row) for row in self._connection.execute("select * from incidents order by id")]

    def create(self, service: str, severity: str, summary: str) -> Incident:
        """Open an incident. The same alert again is the same incident."""
        same = [known for known in self.all() if known[1:4] == (service, severity, summary)]
        if same:
            return same[0]
        with self._connection:
            self._connection.execute(
                "insert into incidents (service, severity, summary) values (?, ?, ?)",
                (service, severity, summary),
            )
        return self.all()[-1]

    def lead(self, id: int, leader: str) -> Incident | None:
        """Say who leads the repair; None if there is no such incident."""
        with self._connection:
            self._connection.execute("update incidents set leader = ? where id = ?", (leader, id))
        return next((known for known in self.all() if known.id == id), None)


def open_incidents(database: str) -> Incidents:
    """The incidents in a file, or in memory for `:memory:`."""
    if database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.executescript(_SCHEMA)
    return Incidents(connection)
