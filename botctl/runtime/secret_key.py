"""The secret key: 32 random bytes in `.botctl/secret.key`, never in the database, that key all hashes."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from pathlib import Path

from botctl.errors import UserError

logger = logging.getLogger(__name__)

FILE_NAME = "secret.key"
LENGTH = 32
"""Bytes."""


def secret_key(state_folder: Path) -> bytes:
    """The key of a project, made when there is none yet; whoever makes one at the same time gets the same.

    UserError when it is damaged, or when anybody on this machine may read it. That its group may is only
    warned about: volumes of containers are often mounted so.
    """
    path = state_folder / FILE_NAME
    try:
        if not path.exists():
            _create(path)
        key, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise UserError(
            f"the key file {path} cannot be used: {error.strerror}",
            help="let the user that runs botctl read and write that folder",
        ) from error
    if len(key) != LENGTH:
        raise UserError(
            f"the key file {path} is damaged: it has {len(key)} bytes, not {LENGTH}",
            help="restore it, or delete it; then codes and links that were sent are void",
        )
    if os.name == "posix":
        _refuse_readers(path, mode)
    return key


def _create(path: Path) -> None:
    """Written whole beside its place, then linked there: nobody reads half a key, the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as writing:
            writing.write(secrets.token_bytes(LENGTH))
            writing.flush()
            os.fsync(writing.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            pass
    finally:
        os.unlink(beside)


def _refuse_readers(path: Path, mode: int) -> None:
    if mode & stat.S_IROTH:
        raise UserError(
            f"the key file {path} can be read by anybody on this machine",
            help=f"`chmod 600 {path}`; or delete it, and codes and links that were sent are void",
        )
    if mode & stat.S_IRGRP:
        logger.warning("the key file %s can be read by its group: `chmod 600` keeps it to yourself", path)
