"""The threads that the bot is in: in these it is talked to without being mentioned."""

from __future__ import annotations

import json

MOST_THREADS = 500
"""How many are remembered; in an older one it must be mentioned again."""


class Threads:
    """Written down as the connection's cursor, so that one is known again after a restart: it is stored in
    the same transaction as the message that it began with."""

    def __init__(self, cursor: str | None) -> None:
        """cursor: what `cursor` gave in an earlier life."""
        self._places: dict[str, None] = dict.fromkeys(_read(cursor))
        self._is_changed = False

    def __contains__(self, place: object) -> bool:
        return place in self._places

    def join(self, place: str) -> None:
        """Be in a thread, `<channel>:<ts>` of its first message. The one longest without a word is left."""
        self._is_changed |= place not in self._places
        self._places.pop(place, None)
        self._places[place] = None
        while len(self._places) > MOST_THREADS:
            del self._places[next(iter(self._places))]

    @property
    def cursor(self) -> str | None:
        """What must be stored; None if that is stored already."""
        return json.dumps(list(self._places)) if self._is_changed else None

    def stored(self, cursor: str | None) -> None:
        """This one is on disk."""
        if cursor is not None and cursor == self.cursor:
            self._is_changed = False


def _read(cursor: str | None) -> list[str]:
    try:
        places = json.loads(cursor or "[]")
    except ValueError:  # another version's
        return []
    return [place for place in places if isinstance(place, str)] if isinstance(places, list) else []
