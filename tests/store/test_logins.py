"""Logins: what is used up stays so until it is too old, and then it is forgotten."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from botctl.store import logins
from botctl.store.database import connect


def test_a_link_is_used_once_and_forgotten_when_it_is_too_old(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "state.db")) as connection:
        uses = [logins.use(connection, "a", 1_000, now_ms) for now_ms in (1, 2)]
        logins.use(connection, "b", 5_000, 2_000)

        kept = [logins.is_used(connection, mark) for mark in ("a", "b", "c")]

    assert (uses, kept) == ([True, False], [False, True, False])
