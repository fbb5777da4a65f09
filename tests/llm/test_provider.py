"""The list of providers."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

from botctl.llm.default_models import DEFAULT_MODELS


def test_listing_the_providers_loads_no_sdk() -> None:
    program = (
        "import sys, botctl.llm.providers;"
        "print(*{'anthropic', 'openai', 'httpx', 'httpx2', 'asyncio'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_the_sdks_know_the_default_models() -> None:
    from anthropic.types import Model
    from openai.types import ChatModel

    assert DEFAULT_MODELS["openai"] in get_args(ChatModel)
    assert DEFAULT_MODELS["anthropic"] in {name for part in get_args(Model) for name in get_args(part)}
