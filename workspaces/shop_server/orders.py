"""The shop's orders: a small SQLite database that is filled with a few orders when it is new."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any


class RefundRefused(Exception):
    """A refund that the shop does not make; the text says why."""


class Orders:
    """Orders, their items and their refunds. Amounts go in and out in whole currency, not in cents."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, order_id: str) -> dict[str, Any] | None:
        """An order with its items and total, None if there is none of this number."""
        order = self._connection.execute("select * from orders where id = ?", (order_id,)).fetchone()
        if order is None:
            return None
        items = self._connection.execute(
            "select name, price, quantity from order_items where order_id = ? order by rowid", (order_id,)
        ).fetchall()
        return {
            "id": order["id"],
            "status": order["status"],
            "shipped_date": order["shipped_date"],
            "customer": {"name": order["customer"], "email": order["email"]},
            "items": [{**item, "price": item["price"] / 100} for item in map(dict, items)],
            "total": sum(item["price"] * item["quantity"] for item in items) / 100,
            "refunded": self._refunded(order_id) / 100,
        }

    def of(self, email: str) -> list[dict[str, Any]]:
        """The orders of a customer, newest first."""
        numbers = self._connection.execute(
            "select id from orders where email = ? order by id desc", (email.strip().lower(),)
        ).fetchall()
        return [order for number in numbers if (order := self.get(number["id"]))]

    def items(self) -> list[dict[str, Any]]:
        """Everything the shop sells, with its price."""
        rows = self._connection.execute("select distinct name, price from order_items order by name")
        return [{"name": row["name"], "price": row["price"] / 100} for row in rows]

    def refund(self, order_id: str, amount: float) -> dict[str, Any]:
        """Pay back a part of an order; RefundRefused if that is more than was paid."""
        order = self.get(order_id)
        if order is None:
            raise RefundRefused(f"there is no order {order_id}")
        cents, left = round(amount * 100), round((order["total"] - order["refunded"]) * 100)
        if not 0 < cents <= left:
            raise RefundRefused(f"order {order_id} has {left / 100:.2f} left to pay back, not {amount:.2f}")
        with self._connection:
            row = self._connection.execute(
                "insert into refunds (order_id, amount) values (?, ?)", (order_id, cents)
            )
        return {
            "refund_id": row.lastrowid,
            "order_id": order_id,
            "amount": cents / 100,
            "refunded": self._refunded(order_id) / 100,
        }

    def _refunded(self, order_id: str) -> int:
        row = self._connection.execute(
            "select coalesce(sum(amount), 0) as cents from refunds where order_id = ?", (order_id,)
        ).fetchone()
        return int(row["cents"])


def open_orders(database: str) -> Orders:
    """The orders in a file, or in memory for `:memory:`."""
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    with connection:
        if not connection.execute("select 1 from sqlite_master where name = 'orders'").fetchone():
            connection.executescript((Path(__file__).parent / "schema.sql").read_text(encoding="utf-8"))
    return Orders(connection)
