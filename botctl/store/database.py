"""The database: one SQLite file, written by groups, one transaction for all who wait."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from botctl.errors import BotctlError, UserError

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 6
# One caller's statements or values are at fault: an OverflowError is a number that SQLite cannot hold.
_FAULTS = (
    *(sqlite3.Error, BotctlError, ValueError, TypeError, LookupError),
    *(ArithmeticError, AttributeError, AssertionError, RuntimeError, MemoryError),
)
_LOCKED_PAUSE = 0.005
_LOCKED_PATIENCE = 2000  # pauses, ten seconds in all


class Database:
    """The open state of a project. Create it with `open_database`.

    `write` is group commit: whoever calls it while a commit is under way shares the next one. The statements
    of a group run on the event loop (microseconds each, and no other thread competes for the interpreter);
    only COMMIT, which waits for the disk, runs on aiosqlite's thread. Each caller has its own savepoint, so
    that one failing statement fails one caller. `after_commit` is called after each commit: crash tests
    die there.
    """

    def __init__(self, raw: sqlite3.Connection, writer: aiosqlite.Connection, path: Path) -> None:
        self.path = path
        self.after_commit: Callable[[], None] | None = None
        self._raw = raw
        self._writer = writer
        self._waiting: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._group: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._broken: BaseException | None = None
        self._committer = asyncio.create_task(self._commit_groups(), name="group commit")
        self._committer.add_done_callback(self._lost)

    def write(self, work: Work[T]) -> asyncio.Future[T]:
        """Run `work` in the next transaction; the future is done when its group is on disk.

        `work` must not await, must not commit, and must do nothing but SQL: it may be one of many.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._broken is not None:
            future.set_exception(sqlite3.OperationalError(f"nothing can be written: {self._broken}"))
            return future
        self._waiting.append((work, future))
        self._wake.set()
        return future

    def read(self, work: Work[T]) -> T:
        """Run a short query at once; it sees everything written so far, also what is not yet on disk."""
        return work(self._raw)

    def version(self) -> int | None:
        """A number that changes when another connection has written; None while a transaction is open."""
        if self._raw.in_transaction:
            return None
        return int(self._raw.execute("PRAGMA data_version").fetchone()[0])

    async def close(self) -> None:
        """Commit what waits, then close."""
        self._closing = True
        self._wake.set()
        await asyncio.gather(self._committer, return_exceptions=self._broken is not None)
        await self._writer.close()

    async def stop_writing(self) -> None:
        """Stop as a crash would: what is not yet committed never will be. Reading goes on."""
        self._committer.cancel()
        await asyncio.gather(self._committer, return_exceptions=True)

    async def abandon(self) -> None:
        """Stop as a crash would, and let go of the file. Nobody may read any more."""
        await self.stop_writing()
        await self._writer.rollback()  # on its thread: a COMMIT that was under way there ends before
        await self._writer.close()

    async def _commit_groups(self) -> None:
        while True:
            if not self._waiting:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(0)  # let everybody who is ready join this group
            group, self._waiting = self._waiting, []
            self._group = group
            try:
                await self._commit(group)
            except sqlite3.Error as error:
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
            else:
                if self.after_commit:
                    self.after_commit()

    async def _commit(self, group: list[tuple[Work[Any], asyncio.Future[Any]]]) -> None:
        await self._begin()
        done: list[tuple[asyncio.Future[Any], Any]] = []
        execute = self._raw.execute
        for work, future in group:
            execute("SAVEPOINT caller")
            try:
                done.append((future, work(self._raw)))
            except _FAULTS as error:
                execute("ROLLBACK TO caller")
                if not future.done():
                    future.set_exception(error)
            execute("RELEASE caller")
        try:
            await self._writer.commit()
        except sqlite3.Error:
            if self._raw.in_transaction:
                self._raw.rollback()
            raise
        for future, result in done:
            if not future.done():
                future.set_result(result)

    def _lost(self, committer: asyncio.Task[None]) -> None:
        """Nobody may wait for ever for a committer that broke; whoever writes now hears so."""
        error = None if committer.cancelled() else committer.exception()
        if error is None:
            return
        self._broken = error
        logger.critical("the state cannot be written any more: %r; start botctl again", error)
        for _, future in (*self._group, *self._waiting):
            if not future.done():
                future.set_exception(sqlite3.OperationalError(f"nothing can be written: {error}"))

    async def _begin(self) -> None:
        for _ in range(_LOCKED_PATIENCE):
            try:
                self._raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                await asyncio.sleep(_LOCKED_PAUSE)
            else:
                return
        self._raw.execute("BEGIN IMMEDIATE")


class Changes:
    """Sees whether anybody has written since it looked last, also this process: it has a connection of its
    own. A look costs some microseconds."""

    def __init__(self, path: Path) -> None:
        self._raw = sqlite3.connect(path, isolation_level=None)
        self._seen = self._version()

    def look(self) -> bool:
        """Whether something was written since the last look."""
        seen, self._seen = self._seen, self._version()
        return seen != self._seen

    def close(self) -> None:
        """Look no more."""
        self._raw.close()

    def _version(self) -> int:
        return int(self._raw.execute("PRAGMA data_version").fetchone()[0])


async def open_database(path: Path) -> Database:
    """Open the state, creating or migrating it. UserError when it is not ours or from a newer botctl."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = connect(path)
    writer = aiosqlite.Connection(lambda: raw, 64)
    await writer
    return Database(raw, writer, path)


def connect(path: Path) -> sqlite3.Connection:
    """A plain connection to the state with everything set, its schema up to date."""
    try:
        raw = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=10.0, cached_statements=256
        )
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")  # acknowledged means on disk
        raw.execute("PRAGMA cache_size = -8000")  # kilobytes: the inner pages of a few hundred thousand runs
        _migrate(raw, path)
        raw.execute("PRAGMA busy_timeout = 0")  # the event loop must not wait inside SQLite
    except sqlite3.DatabaseError as error:
        raise UserError(
            f"the state file {path} cannot be opened: {error}", help="move it away, or restore a backup"
        ) from error
    return raw


@contextmanager
def transaction(raw: sqlite3.Connection) -> Iterator[None]:
    """A transaction of a command: all that is done within, or nothing if that raises. It waits up to ten
    seconds for other processes to end theirs."""
    raw.execute("PRAGMA busy_timeout = 10000")
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield
        raw.execute("COMMIT")
    finally:
        if raw.in_transaction:
            raw.execute("ROLLBACK")


def _migrate(raw: sqlite3.Connection, path: Path) -> None:
    version = raw.execute("PRAGMA user_version").fetchone()[0]
    if version == SCHEMA_VERSION:
        return
    if version > SCHEMA_VERSION:
        raise UserError(
            f"the state file {path} is from a newer botctl: its schema is {version}, not {SCHEMA_VERSION}",
            help="upgrade botctl",
        )
    if 0 < version < SCHEMA_VERSION:
        raise UserError(
            f"the state file {path} is from a botctl before its first release: its schema is {version}",
            help="move the file away; a new one is made at the next start",
        )
    schema = files("botctl.store").joinpath("schema.sql").read_text()
    raw.execute("BEGIN IMMEDIATE")
    if raw.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in _statements(schema):
            raw.execute(statement)
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    raw.execute("COMMIT")


def _statements(script: str) -> list[str]:
    statements, lines = [], []
    for line in script.splitlines():
        lines.append(line)
        if sqlite3.complete_statement("\n".join(lines)):
            statements.append("\n".join(lines))
            lines = []
    return statements


def quick_check(raw: sqlite3.Connection) -> str:
    """`ok`, or what SQLite finds wrong with the file."""
    return str(raw.execute("PRAGMA quick_check").fetchone()[0])
