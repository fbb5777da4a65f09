"""The secret key: made once, kept to its owner."""

from __future__ import annotations

import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from botctl.errors import UserError
from botctl.runtime.secret_key import secret_key


def test_it_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / ".botctl"

    first, again = secret_key(folder), secret_key(folder)

    assert (len(first), again, [file.name for file in folder.iterdir()]) == (32, first, ["secret.key"])
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600


def test_two_projects_have_two_keys(tmp_path: Path) -> None:
    assert secret_key(tmp_path / "a") != secret_key(tmp_path / "b")


def test_whoever_starts_at_the_same_time_gets_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(secret_key, [tmp_path] * 64))

    assert (len(keys), [file.name for file in tmp_path.iterdir()]) == (1, ["secret.key"])


def test_a_key_that_anybody_may_read_is_refused(tmp_path: Path) -> None:
    secret_key(tmp_path)
    (tmp_path / "secret.key").chmod(0o644)

    with pytest.raises(UserError, match="can be read by anybody on this machine") as refused:
        secret_key(tmp_path)

    assert refused.value.help is not None and "chmod 600" in refused.value.help


def test_a_key_that_its_group_may_read_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = secret_key(tmp_path)
    (tmp_path / "secret.key").chmod(0o660)

    with caplog.at_level(logging.WARNING):
        assert secret_key(tmp_path) == key

    assert "can be read by its group" in caplog.text


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"short")
    (tmp_path / "secret.key").chmod(0o600)

    with pytest.raises(UserError, match="is damaged: it has 5 bytes, not 32"):
        secret_key(tmp_path)
