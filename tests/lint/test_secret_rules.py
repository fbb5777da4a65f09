"""Secrets in files are told, and what only looks like one is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from botctl.lint.rules.secrets import check_fields, check_open_way, check_shapes


class Written(Struct, frozen=True):
    """A file with this value."""

    value: Any


def shapes(text: str) -> list[str]:
    return [finding.message for finding in check_shapes(Written({"field": text}))]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1", "a token of Telegram"),
        ("bot 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1", "a token of Telegram"),
        ("xoxb-" + "1234567890-abcdefghijkl", "a token of Slack"),
        ("xapp-" + "1-A012345-678901234567-abcdef", "a token of Slack"),
        ("AKIA" + "IOSFODNN7SAMPLE3", "a key of AWS"),
        ("AIza" + "SyA1234567890abcdefghijklmnopqrstuv", "a key of Google"),
        ("sk-" + "proj-abcdefghijklmnopqrstuvwx", "a key of a model provider"),
        ("sk_" + "live_abcdefghijklmnop", "a key of Stripe"),
        ("re_" + "abcdefgh_abcdefghijklmnopqrst", "a key of Resend"),
        ("ghp_" + "a" * 36, "a token of GitHub"),
        ("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a signing secret"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII", "a private key"),
        ("-----BEGIN PRIVATE KEY-----\nMII", "a private key"),
        (
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
            "a signed token",
        ),
        ("postgres://ada:lovelace@db.internal/books", "a password in an address"),
        ("${KEY:-sk-abcdefghijklmnopqrstuvwxyz}", "a key of a model provider"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_told(text: str, what: str) -> None:
    assert shapes(text) == [f"{what} stands in this file"]


@pytest.mark.parametrize(
    "text",
    [
        "${TELEGRAM_BOT_TOKEN}",
        "postgres://${USER}:${PASSWORD}@db.internal/books",
        "https://example.com/a:b@c",
        "mail ada@example.com or see https://example.com:8080/x",
        "AKIAIOSFODNN7EXAMPLE",
        "your key looks like sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-to-do-list",
        "task-abcdefghijklmnopqrstuvwxyz0123456789",
        "Order 12345678: 1 table, 2 chairs and a very long description of them",
        "more_abcdefgh_abcdefghijklmnopqrst",
        "eyJhbGciOiJIUzI1NiJ9",
        "My.Namespaced.Package.With.Many.Words.In.It",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert shapes(text) == []


def fields(value: Any) -> list[str]:
    return [".".join(map(str, finding.at)) for finding in check_fields(Written(value))]


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ({"llm": {"provider": "openai", "api_key": "correct-horse"}}, ["llm.api_key"]),
        ({"llm": {"fallback": [{"api_key": "correct-horse"}]}}, ["llm.fallback.0.api_key"]),
        ({"platforms": {"slack": {"app_token": "correct-horse"}}}, ["platforms.slack.app_token"]),
        ({"identity": {"twilio": {"auth_token": "correct-horse"}}}, ["identity.twilio.auth_token"]),
        ({"servers": {"a": {"env": {"A_API_KEY": "correct-horse"}}}}, ["servers.a.env.A_API_KEY"]),
        (
            {"servers": {"a": {"headers": {"Authorization": "Bearer horse"}}}},
            ["servers.a.headers.Authorization"],
        ),
        (
            {"functions": {"a": {"headers": {"X-Api-Key": "correct-horse"}}}},
            ["functions.a.headers.X-Api-Key"],
        ),
        ({"smtp": {"password": "correct-horse"}}, ["smtp.password"]),
        ({"dashboard": {"tokens": {"ada": "correct-horse"}}}, ["dashboard.tokens.ada"]),
    ],
)
def test_a_secret_that_is_written_out_is_told_where_it_stands(value: Any, places: list[str]) -> None:
    assert fields(value) == places


@pytest.mark.parametrize(
    "value",
    [
        {"llm": {"api_key": "${KEY}"}},
        {"llm": {"api_key": "none"}},
        {"llm": {"api_key": "correct-horse", "base_url": "http://127.0.0.1:8000/v1"}},
        {"platforms": {"slack": {"app_token": ""}, "discord": {"public_key": "a" * 64}, "console": None}},
        {"platforms": {"telegram": {"token": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"}}},
        {"servers": {"a": {"env": {"KEYBOARD": "qwerty-layout", "TOKENIZER": "wordpiece"}}}},
        {"servers": {"a": {"headers": {"Accept": "application/json"}}}},
        {"functions": {"login": {"parameters": {"properties": {"password": {"type": "string"}}}}}},
        {"nodes": [{"data": {"token": "correct-horse"}}]},
        {"llm": "openai", "platforms": [], "servers": {"a": None}, "dashboard": {"tokens": []}},
        None,
        [],
    ],
)
def test_what_is_no_secret_or_told_by_its_shape_is_left_alone(value: Any) -> None:
    assert fields(value) == []


@pytest.mark.parametrize(
    ("url", "is_told"),
    [
        ("http://mcp.example.com", True),
        ("http://203.0.114.9/mcp", True),
        ("HTTP://mcp.example.com:8080", True),
        ("https://mcp.example.com", False),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
        ("http://localhost", False),
        ("http://tools:8080", False),
        ("http://tools.internal", False),
        ("http://printer.local", False),
        ("http://10.0.0.7", False),
        ("http://${HOST}/mcp", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_a_secret_over_http_is_told_only_where_it_surely_leaves_the_house(url: str, is_told: bool) -> None:
    value = {"servers": {"a": {"url": url, "headers": {"Authorization": "Bearer ${KEY}"}}}}

    found = list(check_open_way(Written(value)))

    assert [finding.at for finding in found] == ([("servers", "a", "url")] if is_told else [])


def test_the_samples_hold_no_secrets() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [*root.glob("bots/*/*.yaml"), *root.glob("workspaces/*.yaml"), *root.glob("workspaces/*.json")]

    told = {file.name: shapes(file.read_text()) for file in files}

    assert {name: found for name, found in told.items() if found} == {}
