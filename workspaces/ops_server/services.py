"""The services: a played data centre, whose versions and restarts are kept in a small SQLite database."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import NamedTuple

_SCHEMA = """
create table if not exists services (
    name     text primary key,
    version  text not null,
    restarts integer not null default 0
);
create table if not exists deployments (
    id      integer primary key,
    service text not null references services,
    version text not null
);
insert or ignore into services (name, version)
values ('checkout', '2.4.1'), ('search', '1.9.0'), ('mail', '3.0.2');
"""


class Refused(Exception):
    """Something that the data centre does not do; the text says why."""


class Service(NamedTuple):
    """restarts: how often it was restarted, deployments not counted."""

    name: str
    version: str
    restarts: int


class ErrorCount(NamedTuple):
    """How often a service said this, and how many hours ago last."""

    service: str
    message: str
    times: int
    hours_ago: int


# A real server would ask its log store. These are always the same, so that a demonstration is.
_ERRORS = (
    ErrorCount("checkout", "the payment provider did not answer within 5 s", 41, 2),
    ErrorCount("checkout", "no stock is known of an item", 3, 20),
    ErrorCount("mail", "a mailbox is full", 12, 7),
    ErrorCount("search", "the index was rebuilt while it was read", 1, 60),
)


class Services:
    """What runs, in which version. Every method that names a service raises Refused if there is none."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> list[Service]:
        """Every service, by name."""
        return [Service(*row) for row in self._connection.execute("select * from services order by name")]

    def get(self, name: str) -> Service:
        """One service."""
        found = {service.name: service for service in self.all()}
        if name not in found:
            raise Refused(f"there is no service `{name}`, but " + ", ".join(found))
        return found[name]

    def errors(self, name: str, hours: int) -> list[ErrorCount]:
        """What a service, or every service for "", complained of in the last hours; most frequent first."""
        if name:
            self.get(name)
        fitting = [error for error in _ERRORS if name in ("", error.service) and error.hours_ago < hours]
        return sorted(fitting, key=lambda error: -error.times)

    def restart(self, name: str) -> Service:
        """Stop a service and start it again."""
        self.get(name)
        with self._connection:
            self._connection.execute("update services set restarts = restarts + 1 where name = ?", (name,))
        return self.get(name)

    def deploy(self, name: str, version: str) -> Service:
        """Roll a version out; the service as it was before. Each call rolls out again."""
        before = self.get(name)
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            raise Refused(f"`{version}` is not a version such as 2.5.0")
        with self._connection:
            self._connection.execute("update services set version = ? where name = ?", (version, name))
            self._connection.execute(
                "insert into deployments (service, version) values (?, ?)", (name, version)
            )
        return before

    def deployments(self) -> list[tuple[str, str]]:
        """(service, version) of each deployment, oldest first."""
        return list(self._connection.execute("select service, version from deployments order by id"))


def open_services(database: str) -> Services:
    """The services in a file, or in memory for `:memory:`."""
    if database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.executescript(_SCHEMA)
    return Services(connection)
