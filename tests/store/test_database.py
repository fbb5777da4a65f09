"""Group commit: one transaction for all who wait, one savepoint for each."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from botctl.errors import UserError
from botctl.store.database import connect, open_database


def _count(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM definitions").fetchone()[0])
    finally:
        connection.close()


def _add(connection: sqlite3.Connection, hash: str) -> None:
    connection.execute("INSERT INTO definitions VALUES (?, 'f', 't')", (hash,))


def test_writers_that_wait_at_the_same_time_share_a_commit(tmp_path: Path) -> None:
    async def story() -> int:
        database = await open_database(tmp_path / "state.db")
        commits = 0

        def count() -> None:
            nonlocal commits
            commits += 1

        database.after_commit = count
        await asyncio.gather(*[database.write(lambda c, n=n: _add(c, str(n))) for n in range(100)])
        await database.close()
        return commits

    commits = asyncio.run(story())

    assert (commits <= 2, _count(tmp_path / "state.db")) == (True, 100)


def test_what_was_awaited_is_seen_by_another_process(tmp_path: Path) -> None:
    async def story() -> int:
        database = await open_database(tmp_path / "state.db")
        await database.write(lambda connection: _add(connection, "one"))
        seen = await asyncio.to_thread(_count, tmp_path / "state.db")
        await database.close()
        return seen

    assert asyncio.run(story()) == 1


def test_one_failing_statement_fails_one_caller(tmp_path: Path) -> None:
    async def story() -> list[object]:
        database = await open_database(tmp_path / "state.db")
        writes = [
            database.write(lambda connection, hash=hash: _add(connection, hash)) for hash in ("a", "a", "b")
        ]
        results = await asyncio.gather(*writes, return_exceptions=True)
        await database.close()
        return [type(result) for result in results]

    results = asyncio.run(story())

    assert results == [type(None), sqlite3.IntegrityError, type(None)]
    assert _count(tmp_path / "state.db") == 2


@pytest.mark.parametrize("fault", [OverflowError, RecursionError, AttributeError, MemoryError])
def test_whatever_fails_in_a_caller_fails_nobody_else(tmp_path: Path, fault: type[Exception]) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        raise fault("too much")

    async def whole() -> tuple[list[str], int]:
        database = await open_database(tmp_path / "state.db")
        writes = [database.write(fail), database.write(lambda connection: 1)]
        results = await asyncio.gather(*writes, return_exceptions=True)
        later = await database.write(lambda connection: 7)
        await database.close()
        return [type(result).__name__ for result in results], later

    assert asyncio.run(whole()) == ([fault.__name__, "int"], 7)


def test_nobody_waits_for_ever_when_the_committer_breaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def whole() -> list[str]:
        database = await open_database(tmp_path / "state.db")

        def breaks() -> None:
            raise OSError("a crash test that went wrong")

        database.after_commit = breaks
        first = await database.write(lambda connection: "written")
        await asyncio.sleep(0)
        later = await asyncio.gather(database.write(lambda connection: 1), return_exceptions=True)
        await database.close()
        return [first, str(later[0])]

    assert asyncio.run(whole()) == ["written", "nothing can be written: a crash test that went wrong"]
    assert "the state cannot be written any more" in caplog.text


def test_writers_wait_for_another_process_that_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "state.db"

    async def story() -> bool:
        database = await open_database(path)
        other = connect(path)
        other.execute("BEGIN IMMEDIATE")
        write = asyncio.ensure_future(database.write(lambda connection: _add(connection, "late")))
        for _ in range(50):
            await asyncio.sleep(0)
        was_waiting = not write.done()
        other.execute("COMMIT")
        other.close()
        await write
        await database.close()
        return was_waiting

    assert asyncio.run(story())
    assert _count(path) == 1


def test_a_file_that_is_no_database_is_named_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("this is not a database, it is a letter to nobody in particular")

    with pytest.raises(UserError, match="cannot be opened") as caught:
        connect(path)

    assert caught.value.help


@pytest.mark.parametrize(("version", "told"), [(99, "newer botctl"), (1, "before its first release")])
def test_a_state_of_another_schema_is_refused(tmp_path: Path, version: int, told: str) -> None:
    path = tmp_path / "state.db"
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {version}")
    other.close()

    with pytest.raises(UserError, match=told):
        connect(path)
