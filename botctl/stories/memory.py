"""A store in memory: the real schema and the real group commit, without a disk."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from typing import cast

import aiosqlite

from botctl.store.database import Database, connect


@cache
def _empty() -> bytes:
    """An empty state, made once."""
    raw = connect(Path(":memory:"))
    try:
        return raw.serialize()
    finally:
        raw.close()


class Memory:
    """The disk of a story: what was committed survives the death of whoever wrote it."""

    def __init__(self) -> None:
        self.raw = sqlite3.connect(":memory:", isolation_level=None, cached_statements=256)
        self.raw.deserialize(_empty())

    async def open(self, path: Path) -> Database:
        """A database on it. path: where it would be."""
        return Database(self.raw, cast("aiosqlite.Connection", _Writer(self.raw)), path)

    def close(self) -> None:
        """Forget everything."""
        self.raw.close()


class _Writer:
    """What Database asks of aiosqlite, done at once: there is no disk to wait for."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    async def commit(self) -> None:
        self._raw.commit()

    async def rollback(self) -> None:
        self._raw.rollback()

    async def close(self) -> None:
        """The memory stays."""
