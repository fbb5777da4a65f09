"""Tool calls that come without what every call needs: an id, or arguments that can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botctl.llm.chat import ChatRequest, ToolCall
from botctl.llm.tool_names import ToolNames

_MADE_UP = re.compile(r"call_\d+_\d+\Z")
_NO_TOOL = "unknown_tool"


def made_up_id(request: ChatRequest, number: int) -> str:
    """An id for the `number`th call of the answer to a request.

    Ids must differ within a conversation; how much was said so far makes them so.
    """
    return f"call_{len(request.turns)}_{number}"


def is_made_up(call_id: str) -> bool:
    """Whether an id came from `made_up_id` and not from a provider."""
    return _MADE_UP.match(call_id) is not None


def malformed_call(raw: str, request: ChatRequest, names: ToolNames) -> ToolCall:
    """The call that a service could not read and tells as text: of the offered tool that the text names
    first, or of the only one there is."""
    found = [(raw.find(names.safe(offer.name)), -len(offer.name), offer.name) for offer in request.tools]
    named = sorted(each for each in found if each[0] >= 0)
    only = request.tools[0].name if len(request.tools) == 1 else _NO_TOOL
    return ToolCall(
        id=made_up_id(request, 1), name=named[0][2] if named else only, arguments=None, raw=raw or "nothing"
    )


def arguments_of(call: ToolCall) -> Mapping[str, Any]:
    """The arguments of a call that goes back to its model: always an object, for servers read them as one."""
    return {"malformed": call.raw} if call.arguments is None else call.arguments
