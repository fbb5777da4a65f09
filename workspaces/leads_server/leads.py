"""The leads: who may become a customer, and how likely; a small SQLite database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

MATERIALS = {
    "support": "Answering customers with a bot: a guide of twelve pages, https://example.com/guides/support",
    "sales": "Leads that qualify themselves: a guide of eight pages, https://example.com/guides/sales",
    "operations": "Deployments with a second pair of eyes: a guide, https://example.com/guides/operations",
    "other": "What bots can do, in ten examples: https://example.com/guides/overview",
}
"""By use case."""
_SCHEMA = """
create table if not exists leads (
    customer text primary key,
    name     text not null,
    size     integer not null,  -- people in their company
    use_case text not null,
    timeline text not null,
    score    integer not null
);
"""


class Lead(NamedTuple):
    """customer: where they write from and as whom, such as `whatsapp:49151234`; score: 0 to 100."""

    customer: str
    name: str
    size: int
    use_case: str
    timeline: str
    score: int


class Leads:
    """Everybody who answered the questions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> list[Lead]:
        """Every lead, the most promising first."""
        rows = self._connection.execute("select * from leads order by score desc, customer")
        return [Lead(*row) for row in rows]

    def save(self, lead: Lead) -> bool:
        """Remember a lead; whether they are new. What they said before is replaced."""
        is_new = not any(known.customer == lead.customer for known in self.all())
        with self._connection:
            self._connection.execute("insert or replace into leads values (?, ?, ?, ?, ?, ?)", lead)
        return is_new


def open_leads(database: str) -> Leads:
    """The leads in a file, or in memory for `:memory:`."""
    if database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.executescript(_SCHEMA)
    return Leads(connection)
