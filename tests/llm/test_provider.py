"""The list of providers."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from botctl.llm.default_models import DEFAULT_MODELS
from botctl.llm.provider import ModelSettings
from botctl.llm.providers import PROVIDERS
from botctl.llm.service import service_of


def test_listing_the_providers_loads_no_sdk() -> None:
    program = (
        "import sys, botctl.llm.providers;"
        "print(*{'anthropic', 'openai', 'google.genai', 'httpx', 'httpx2', 'asyncio'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_the_sdks_know_the_default_models() -> None:
    from anthropic.types import Model
    from google.genai._gaos.types.interactions.model import Model as Gemini
    from openai.types import ChatModel

    assert DEFAULT_MODELS["openai"] in get_args(ChatModel)
    assert DEFAULT_MODELS["google"] in {name for part in get_args(Gemini) for name in get_args(part)}
    assert DEFAULT_MODELS["anthropic"] in {name for part in get_args(Model) for name in get_args(part)}


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("google", "https://generativelanguage.googleapis.com"),
        ("groq", "https://api.groq.com/openai/v1"),
        ("cloudflare", "https://api.cloudflare.com/client/v4/accounts/abc123/ai/v1"),
    ],
)
def test_a_provider_is_asked_at_its_usual_address(name: str, address: str) -> None:
    provider = next(each for each in PROVIDERS if each.name == name)
    settings = ModelSettings(provider=name, api_key="k", account_id="abc123")

    service = service_of(provider, settings)

    assert (service.base_url, service.name) == (address, name)


def test_the_names_of_the_issue_find_their_providers() -> None:
    names = {name for provider in PROVIDERS for name in (provider.name, *provider.aliases)}

    assert names >= {"anthropic", "openai", "google", "gemini", "groq", "cloudflare", "workers-ai", "custom"}
