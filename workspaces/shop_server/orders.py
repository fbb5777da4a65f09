"""The orders: a small SQLite database, filled with the same orders whenever it is new."""

from __future__ import annotations

import sqlite3
from typing import Any

_SCHEMA = """
CREATE TABLE orders (id TEXT PRIMARY KEY, status TEXT, shipped_date TEXT, customer TEXT, email TEXT);
CREATE TABLE items (order_id TEXT, name TEXT, price REAL, quantity INTEGER);
CREATE TABLE refunds (id INTEGER PRIMARY KEY, order_id TEXT, amount REAL);
"""

_ORDERS = [
    ("1042", "shipped", "2026-11-18", "Ada Palmer", "ada@example.com"),
    ("1043", "being packed", None, "Ben Okafor", "ben@example.com"),
    ("1044", "delivered", "2026-11-02", "Ada Palmer", "ada@example.com"),
]
_ITEMS = [
    ("1042", "Kettle", 34.9, 1),
    ("1042", "Green tea", 6.5, 3),
    ("1043", "Teapot", 48.0, 1),
    ("1044", "Espresso machine", 649.0, 1),
    ("1044", "Coffee beans", 14.25, 2),
]


class Orders:
    """The orders in a file, or in memory."""

    def __init__(self, path: str = ":memory:") -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)  # the SDK calls tools on threads
        self._connection.row_factory = sqlite3.Row
        if not self._connection.execute("SELECT name FROM sqlite_master WHERE name = 'orders'").fetchone():
            self._connection.executescript(_SCHEMA)
            self._connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", _ORDERS)
            self._connection.executemany("INSERT INTO items VALUES (?, ?, ?, ?)", _ITEMS)
            self._connection.commit()

    def get(self, order_id: str) -> dict[str, Any] | None:
        """An order with its items and total, None if there is none."""
        row = self._connection.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
        if row is None:
            return None
        items = self.items(order_id)
        total = sum(round(item["price"] * 100) * item["quantity"] for item in items) / 100
        return {**dict(row), "items": items, "total": total}

    def items(self, order_id: str) -> list[dict[str, Any]]:
        """The items of an order."""
        rows = self._connection.execute(
            "SELECT name, price, quantity FROM items WHERE order_id = ?", (order_id,)
        )
        return [dict(row) for row in rows]

    def of_customer(self, email: str) -> list[str]:
        """The ids of a customer's orders."""
        rows = self._connection.execute("SELECT id FROM orders WHERE email = ? ORDER BY id", (email.lower(),))
        return [row["id"] for row in rows]

    def refund(self, order_id: str, amount: float) -> int:
        """Record a refund; its number."""
        cursor = self._connection.execute(
            "INSERT INTO refunds (order_id, amount) VALUES (?, ?)", (order_id, amount)
        )
        self._connection.commit()
        return int(cursor.lastrowid or 0)
