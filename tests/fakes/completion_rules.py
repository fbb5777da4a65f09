"""What Groq and Cloudflare do differently from OpenAI on OpenAI's wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.llm_server import Fails, OpenAIRules, Says

ACCOUNT = "0123456789abcdef0123456789abcdef"


class GroqRules(OpenAIRules):
    """Groq, below /openai/v1."""

    def __init__(self, *takes_no: str) -> None:
        super().__init__(*takes_no)
        self.path = "/openai/v1/chat/completions"


class CloudflareRules(OpenAIRules):
    """Workers AI, below an account; its errors stand in a list, with a number for each kind."""

    def __init__(self, *takes_no: str) -> None:
        super().__init__(*takes_no)
        self.path = f"/client/v4/accounts/{ACCOUNT}/ai/v1/chat/completions"

    def refusal(self, body: Mapping[str, Any]) -> Fails | None:
        """As OpenAI, and no pictures at all."""
        if "image_url" in json.dumps(body["messages"]):
            return Fails(400, "AiError: bad input", "5006")
        return super().refusal(body)

    def document(self, says: Says, body: Mapping[str, Any]) -> dict[str, Any]:
        """As OpenAI, without the fields that Workers AI leaves out."""
        written = super().document(says, body)
        if says.stop != "refusal":
            del written["choices"][0]["message"]["refusal"]
        return written

    def error(self, fails: Fails) -> dict[str, Any]:
        """Cloudflare's envelope."""
        code = int(fails.code) if fails.code.isdigit() else fails.code
        told = {"message": fails.message} | ({"code": code} if code else {})
        return {"success": False, "errors": [told], "messages": [], "result": None}
