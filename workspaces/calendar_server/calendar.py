"""The calendar: hours that are free, and who booked which; a small SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

HOURS = (9, 10, 11, 14, 15, 16)
"""The hours at which appointments begin, on working days."""
NOTICE = timedelta(hours=2)
"""How long before an appointment it can still be booked."""
_DAYS_AHEAD = 60
_SCHEMA = """
create table if not exists bookings (
    id       text primary key,
    start    text not null unique,      -- in UTC, so that order and equality are those of moments
    customer text not null,
    name     text not null
);
create table if not exists cancelled (  -- what was taken back; nothing is lost
    id       text not null,
    start    text not null,
    customer text not null,
    name     text not null
)
"""


class Calendar:
    """Bookings of one hour. Moments go in and out in ISO 8601 with the calendar's time zone."""

    def __init__(self, connection: sqlite3.Connection, zone: ZoneInfo, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._zone = zone
        self._now = now

    def free(self, count: int) -> list[dict[str, str]]:
        """The next free hours."""
        booked = {row["start"] for row in self._connection.execute("select start from bookings")}
        soonest = self._now() + NOTICE
        today = self._now().astimezone(self._zone).replace(minute=0, second=0, microsecond=0)
        found = []
        for day in range(_DAYS_AHEAD):
            for hour in HOURS:
                start = (today + timedelta(days=day)).replace(hour=hour)
                if start.weekday() < 5 and start >= soonest and _key(start) not in booked:
                    found.append(self._told(start))
                if len(found) == count:
                    return found
        return found

    def book(self, start: str, customer: str, name: str) -> dict[str, Any] | None:
        """Book an hour; None if it is not free. Booking one's own hour again changes nothing."""
        moment = _moment(start, self._zone)
        row = self._connection.execute("select * from bookings where start = ?", (_key(moment),)).fetchone()
        if row is not None:
            return self._booking(row) if row["customer"] == customer else None
        if moment < self._now() or moment.weekday() > 4 or moment.hour not in HOURS or moment.minute:
            return None
        id = moment.strftime("%m%d%H")
        with self._connection:
            self._connection.execute(
                "insert into bookings values (?, ?, ?, ?)", (f"{id}-{customer}", _key(moment), customer, name)
            )
        return self.next_of(customer, moment)

    def next_of(self, customer: str, after: datetime | None = None) -> dict[str, Any] | None:
        """A customer's next appointment, None if there is none."""
        row = self._connection.execute(
            "select * from bookings where customer = ? and start >= ? order by start limit 1",
            (customer, _key(after or self._now())),
        ).fetchone()
        return self._booking(row) if row else None

    def cancel(self, id: str) -> bool:
        """Give an hour free again; whether it was booked. The booking is kept among those taken back."""
        with self._connection:
            self._connection.execute(
                "insert into cancelled select id, start, customer, name from bookings where id = ?", (id,)
            )
            return self._connection.execute("delete from bookings where id = ?", (id,)).rowcount > 0

    def _booking(self, row: sqlite3.Row) -> dict[str, Any]:
        start = datetime.fromisoformat(row["start"]).astimezone(self._zone)
        return {"id": row["id"], "customer": row["customer"], "name": row["name"], **self._told(start)}

    def _told(self, start: datetime) -> dict[str, str]:
        return {"start": start.isoformat(), "label": start.strftime("%a %d %b, %H:%M")}


def _moment(text: str, zone: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(zone)


def _key(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def open_calendar(
    database: str, zone: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Calendar:
    """The calendar in a file, or in memory for `:memory:`."""
    if database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    with connection:
        connection.executescript(_SCHEMA)
    return Calendar(connection, ZoneInfo(zone), now)
