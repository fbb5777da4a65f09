"""Wallets: what was paid in for a bot, and what is left of it."""

from __future__ import annotations

import sqlite3

from msgspec import Struct


class Wallet(Struct, frozen=True):
    """A bot's wallet, in micro-cents. reserved: held for calls under way, still part of the balance."""

    bot: str
    balance: int
    reserved: int


class Deposit(Struct, frozen=True):
    """Money paid in. at: milliseconds since 1970, UTC."""

    bot: str
    micro_cents: int
    note: str
    at: int


def of_bot(connection: sqlite3.Connection, bot: str) -> Wallet:
    """A bot's wallet; an empty one if nothing was ever paid in."""
    row = connection.execute("SELECT bot, balance, reserved FROM wallets WHERE bot = ?", (bot,)).fetchone()
    return Wallet(*row) if row else Wallet(bot, 0, 0)


def every(connection: sqlite3.Connection) -> list[Wallet]:
    """All wallets, by bot."""
    rows = connection.execute("SELECT bot, balance, reserved FROM wallets ORDER BY bot")
    return [Wallet(*row) for row in rows]


def deposits(connection: sqlite3.Connection, bot: str, most: int) -> list[Deposit]:
    """What was paid in for a bot, newest first."""
    rows = connection.execute(
        "SELECT bot, micro_cents, note, at FROM deposits WHERE bot = ? ORDER BY seq DESC LIMIT ?", (bot, most)
    )
    return [Deposit(*row) for row in rows]


def deposit(connection: sqlite3.Connection, bot: str, micro_cents: int, note: str, now_ms: int) -> Wallet:
    """Pay in; the wallet after it."""
    connection.execute(
        "INSERT INTO deposits (bot, micro_cents, note, at) VALUES (?, ?, ?, ?)",
        (bot, micro_cents, note, now_ms),
    )
    move(connection, bot, balance=micro_cents)
    return of_bot(connection, bot)


def move(connection: sqlite3.Connection, bot: str, *, balance: int = 0, reserved: int = 0) -> None:
    """Add to what is there and to what is held; below zero takes away."""
    connection.execute(
        "INSERT INTO wallets (bot, balance, reserved) VALUES (?, ?, ?) ON CONFLICT (bot)"
        " DO UPDATE SET balance = balance + excluded.balance, reserved = reserved + excluded.reserved",
        (bot, balance, reserved),
    )
