"""People on WhatsApp: which number belongs to which business-scoped id, as far as webhooks told both.

Conversations go by the id; operators know numbers. Whoever is written to by number is so found again among
those who have written.
"""

from __future__ import annotations

import json

MOST = 1000
"""Pairs that are remembered, the newest."""


class People:
    """Pairs of (number, id). `dump` is the platform's cursor, which survives restarts."""

    def __init__(self) -> None:
        self._of_number: dict[str, str] = {}
        self._of_person: dict[str, str] = {}

    def load(self, written: str | None) -> None:
        """Remember what an earlier life had learned; what cannot be read counts as nothing."""
        try:
            found = json.loads(written or "{}")
        except (ValueError, RecursionError):
            return
        if isinstance(found, dict):
            for number, person in found.items():
                self.learn(str(number), str(person))

    def dump(self) -> str:
        """All pairs, oldest first."""
        return json.dumps(self._of_number, separators=(",", ":"))

    def learn(self, number: str, person: str) -> bool:
        """Note a pair; whether it is news. A number may change hands, and a person his number."""
        if not number or not person or self._of_number.get(number) == person:
            return False
        self._of_person.pop(self._of_number.pop(number, ""), None)
        self._of_number.pop(self._of_person.pop(person, ""), None)
        self._of_number[number] = person
        self._of_person[person] = number
        if len(self._of_number) > MOST:
            oldest = next(iter(self._of_number))
            del self._of_person[self._of_number.pop(oldest)]
        return True

    def also(self, id: str) -> str:
        """The other name of whoever this number or id belongs to; "" if it is not known."""
        return self._of_number.get(id) or self._of_person.get(id, "")
