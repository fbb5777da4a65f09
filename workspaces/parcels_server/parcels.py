"""The parcels of the orders in shop_server: when they arrived, and which go back; a small SQLite database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

# Deliveries are counted back from the day on which the file is made, so that a demo works on any day.
_SCHEMA = """
create table if not exists parcels (
    order_id     text primary key,
    delivered_on text            -- null: not yet
);
create table if not exists returns (
    label    text primary key,
    order_id text not null unique references parcels,
    reason   text not null
);
insert or ignore into parcels values
    ('1041', date('now', '-12 days')),
    ('1042', null),
    ('1043', null),
    ('1044', date('now', '-5 days'));
"""


class NotDelivered(Exception):
    """A return of what never arrived; the text says so."""


class Delivery(NamedTuple):
    """days_ago: since it arrived, None if it did not yet; is_returned: whether it is on its way back."""

    days_ago: int | None
    is_returned: bool


class Parcels:
    """One parcel for each order that was sent."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def delivery(self, order_id: str) -> Delivery | None:
        """How the parcel of an order fares; None if there is none."""
        row = self._connection.execute(
            "select cast(julianday('now', 'start of day') - julianday(delivered_on) as integer),"
            " exists(select 1 from returns where returns.order_id = parcels.order_id)"
            " from parcels where order_id = ?",
            (order_id,),
        ).fetchone()
        return Delivery(row[0], bool(row[1])) if row else None

    def open_return(self, order_id: str, reason: str) -> str:
        """Let an order be sent back: the label to put on the parcel. The same again gives the same label."""
        delivery = self.delivery(order_id)
        if delivery is None or delivery.days_ago is None:
            raise NotDelivered(f"order {order_id} was not delivered")
        label = f"R-{order_id}"
        with self._connection:
            self._connection.execute(
                "insert or ignore into returns values (?, ?, ?)", (label, order_id, reason)
            )
        return label


def open_parcels(database: str) -> Parcels:
    """The parcels in a file, or in memory for `:memory:`."""
    if database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.executescript(_SCHEMA)
    return Parcels(connection)
