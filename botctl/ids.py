"""Ids: random, short, easy to read aloud; any unique prefix of one stands for it."""

from __future__ import annotations

import os

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id() -> str:
    """Twelve characters, 60 random bits, without letters that look like digits."""
    number = int.from_bytes(os.urandom(8))
    return "".join([_ALPHABET[(number >> shift) & 31] for shift in range(0, 60, 5)])
