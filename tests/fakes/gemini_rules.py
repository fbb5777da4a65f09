"""What Gemini refuses, and how it answers: generateContent as of 2026."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.fakes.llm_server import Fails, Says
from tests.fakes.llm_streams import gemini_events

GEMINI_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}\Z")
SIGNATURE = base64.b64encode(b"\xfb\xef\xbe what it thought").decode()
UNSIGNED = base64.urlsafe_b64encode(b"skip_thought_signature_validator").decode()
_STATUS = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}


class GeminiRules:
    """Gemini 3: calls and results pair by name and order, and the first call of a round must be signed."""

    def __init__(self, *takes_no: str) -> None:
        self.takes_no = takes_no
        self.path = r"/v1/models/[\w.-]+:(generateContent|streamGenerateContent\?alt=sse)"

    def refusal(self, body: Mapping[str, Any]) -> Fails | None:
        """The 400 that this request deserves."""
        for name in self.takes_no:
            if name in body.get("generationConfig", {}):
                return Fails(400, f"{name} is not supported by this model")
        contents = body["contents"]
        if contents[0]["role"] != "user":
            return Fails(400, "Please ensure that multiturn requests begin with a user turn")
        parts = [part for content in contents for part in content["parts"]]
        if any(not part.get("text", "x").strip() for part in parts) or not all(c["parts"] for c in contents):
            return Fails(400, "contents.parts must not be empty")
        if any("inlineData" in part for part in parts) and "pictures" in self.takes_no:
            return Fails(400, "Image input modality is not enabled for models/gemini-3.8-flash")
        offers = [offer for tool in body.get("tools", ()) for offer in tool["functionDeclarations"]]
        called = [part["functionCall"]["name"] for part in parts if "functionCall" in part]
        bad = [name for name in [*called, *[o["name"] for o in offers]] if not GEMINI_NAME.match(name)]
        if bad:
            return Fails(400, f"Invalid function name. Must start with a letter or an underscore: {bad}")
        return self._rounds(contents)

    def _rounds(self, contents: list[dict[str, Any]]) -> Fails | None:
        for content, after in zip(contents, [*contents[1:], {"parts": []}], strict=True):
            calls = [part for part in content["parts"] if "functionCall" in part]
            results = [part["functionResponse"] for part in after["parts"] if "functionResponse" in part]
            if [call["functionCall"]["name"] for call in calls] != [result["name"] for result in results]:
                return Fails(400, "the number of function response parts must equal that of function calls")
            if any(not isinstance(result["response"], dict) for result in results):
                return Fails(400, "function_response.response must be an object")
            if calls and not _is_signed(calls[0]):
                told = "Function call is missing a thought_signature in functionCall parts."
                return Fails(400, told)
        return None

    def events(self, document: Mapping[str, Any]) -> Iterator[bytes]:
        """Responses."""
        return gemini_events(document)

    def document(self, says: Says, body: Mapping[str, Any]) -> dict[str, Any]:
        """A GenerateContentResponse."""
        candidate: dict[str, Any] = {"index": 0, "finishReason": "STOP"}
        parts: list[dict[str, Any]] = [{"text": says.text}] if says.text else []
        broken = [f"{name}({written})" for name, written in says.calls if not _is_object(written)]
        for number, (name, written) in enumerate(says.calls):
            signed = {} if number else {"thoughtSignature": SIGNATURE}
            call = {"name": name, "args": json.loads(written)} if not broken else {}
            parts.append({"functionCall": call} | signed)
        if broken:
            told = f"Malformed function call: {broken[0]}"
            candidate |= {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": told}
        else:
            candidate["content"] = {"role": "model", "parts": parts}
        if says.stop != "end":
            candidate["finishReason"] = {"length": "MAX_TOKENS", "refusal": "SAFETY"}[says.stop]
        thinking = {"thoughtsTokenCount": 1, "totalTokenCount": 14}
        return {
            "candidates": [candidate],
            "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 2, **thinking},
        }

    def error(self, fails: Fails) -> dict[str, Any]:
        """A google.rpc.Status."""
        status = fails.code or _STATUS.get(fails.status, "INTERNAL")
        told = {"code": fails.status, "message": fails.message, "status": status}
        return {"error": told | fails.more}


def _is_object(written: str) -> bool:
    try:
        return isinstance(json.loads(written), dict)
    except ValueError:
        return False


def _is_signed(part: Mapping[str, Any]) -> bool:
    written = part.get("thoughtSignature", "")
    try:
        signature = base64.urlsafe_b64decode(written.replace("+", "-").replace("/", "_"))
    except binascii.Error:
        return False
    return signature in (base64.b64decode(SIGNATURE), base64.urlsafe_b64decode(UNSIGNED))
