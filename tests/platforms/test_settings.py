"""What may stand under `platforms:` in bot.yaml."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from botctl.platforms import PLATFORMS
from botctl.platforms.platform import Platform

RECORDS = {platform.name: platform for platform in PLATFORMS}
DOCUMENTED: dict[str, dict[str, Any]] = {
    "telegram": {
        "mode": "webhook",
        "token": "${T}",
        "webhook_secret": "${S}",
        "format": "markdown",
        "base_url": "http://127.0.0.1:1",
    },
    "discord": {
        "mode": "polling",
        "token": "${T}",
        "application_id": "1012",
        "public_key": "ab",
        "base_url": "http://127.0.0.1:1",
    },
    "slack": {
        "mode": "polling",
        "bot_token": "${B}",
        "app_token": "${A}",
        "signing_secret": "${S}",
        "base_url": "http://127.0.0.1:1",
    },
    "whatsapp": {
        "mode": "webhook",
        "phone_number_id": "106",
        "access_token": "${T}",
        "verify_token": "${V}",
        "app_secret": "${S}",
        "api_version": "v25.0",
        "template": "notice:en_US",
        "base_url": "http://127.0.0.1:1",
    },
    "custom": {"secret": "${S:-}", "callback_url": "https://example.com/answers", "answer_timeout": "10s"},
    "console": {},
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_setting_is_taken(name: str) -> None:
    settings = RECORDS[name].settings.model_validate(DOCUMENTED[name])

    assert set(DOCUMENTED[name]) == settings.model_fields_set == set(type(settings).model_fields)


def test_all_platforms_are_listed() -> None:
    assert set(RECORDS) == set(DOCUMENTED)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_an_unknown_setting_is_refused(platform: Platform) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        platform.settings.model_validate({**DOCUMENTED[platform.name], "tokn": "x"})


@pytest.mark.parametrize(
    "settings",
    [{"callback_url": "ftp://x"}, {"answer_timeout": "soon"}, {"answer_timeout": 0}, {"secret": None}],
)
def test_settings_of_custom_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RECORDS["custom"].settings.model_validate(settings)


def test_an_address_from_the_environment_is_looked_at_when_it_is_known() -> None:
    assert RECORDS["custom"].settings.model_validate({"callback_url": "${CALLBACK}"})


def test_the_list_of_platforms_loads_no_library_that_talks() -> None:
    program = (
        "import sys, botctl.platforms, botctl.platforms.console;"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    slow = {"asyncio", "httpx", "starlette", "uvicorn", "standardwebhooks", "anyio"}
    assert set(done.stdout.split()) & slow == set()
