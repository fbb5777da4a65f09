"""The staff: who works here, who leads whom, and leave that was asked for; a small SQLite database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

_SCHEMA = """
create table if not exists employees (
    email   text primary key,
    name    text not null,
    manager text not null,     -- an email address
    days    integer not null   -- of leave in a year
);
create table if not exists requests (
    id     text primary key,   -- of its employee and dates, so that asking again is the same request
    email  text not null references employees,
    first  text not null,      -- days, such as 2026-03-02
    last   text not null,
    days   integer not null,   -- working days
    status text not null check (status in ('pending', 'approved', 'declined'))
);
insert or ignore into employees values
    ('ines@example.com',  'Ines Park',    'morgan@example.com', 25),
    ('tariq@example.com', 'Tariq Haddad', 'morgan@example.com', 4),
    ('morgan@example.com', 'Morgan Wells', 'lead@example.com', 30);
"""


class Refused(Exception):
    """Something that the HR system does not do; the text says why."""


class Employee(NamedTuple):
    """balance: working days of leave that are neither taken nor asked for."""

    email: str
    name: str
    manager: str
    balance: int


class Request(NamedTuple):
    """status: pending, approved or declined."""

    id: str
    email: str
    first: str
    last: str
    days: int
    status: str


class Staff:
    """Employees and their requests."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, email: str) -> Employee | None:
        """An employee by their email address, None if nobody here has it."""
        row = self._connection.execute(
            "select email, name, manager, days from employees where email = ?", (email.strip().lower(),)
        ).fetchone()
        if row is None:
            return None
        (spent,) = self._connection.execute(
            "select coalesce(sum(days), 0) from requests where email = ? and status <> 'declined'", (row[0],)
        ).fetchone()
        return Employee(row[0], row[1], row[2], row[3] - spent)

    def request(self, id: str) -> Request | None:
        """One request."""
        row = self._connection.execute("select * from requests where id = ?", (id,)).fetchone()
        return Request(*row) if row else None

    def submit(self, email: str, first: str, last: str, days: int) -> Request:
        """Ask for leave. The same days asked for again are the same request; Refused if too few are left."""
        employee = self.get(email)
        if employee is None:
            raise Refused(f"nobody here has the address {email}")
        id = f"{employee.email}/{first}/{last}"
        known = self.request(id)
        if known is not None and known.status != "declined":
            return known
        if days > employee.balance:
            raise Refused(f"{employee.name} has {employee.balance} days left, not {days}")
        with self._connection:
            self._connection.execute(
                "insert or replace into requests values (?, ?, ?, ?, ?, 'pending')",
                (id, employee.email, first, last, days),
            )
        return Request(id, employee.email, first, last, days, "pending")

    def decide(self, id: str, status: str) -> Request:
        """Approve or decline a request; deciding the same again changes nothing."""
        if self.request(id) is None:
            raise Refused(f"there is no request {id}")
        with self._connection:
            self._connection.execute("update requests set status = ? where id = ?", (status, id))
        decided = self.request(id)
        assert decided is not None
        return decided


def open_staff(database: str) -> Staff:
    """The staff in a file, or in memory for `:memory:`."""
    if database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.executescript(_SCHEMA)
    return Staff(connection)
