"""The node types: the one list of them, in the order of the product's documents."""

from __future__ import annotations

from typing import Any

from botctl.nodes.action import ACTION
from botctl.nodes.auth_gate import AUTH_GATE
from botctl.nodes.code_block import CODE_BLOCK
from botctl.nodes.delegate_to_bot import DELEGATE_TO_BOT
from botctl.nodes.error_handler import ERROR_HANDLER
from botctl.nodes.llm_call import LLM_CALL
from botctl.nodes.logic import LOGIC
from botctl.nodes.loop import LOOP
from botctl.nodes.mcp_tool import MCP_TOOL
from botctl.nodes.node_type import NodeType
from botctl.nodes.parallel import PARALLEL
from botctl.nodes.schedule_message import SCHEDULE_MESSAGE
from botctl.nodes.send_message import SEND_MESSAGE
from botctl.nodes.send_proactive import SEND_PROACTIVE
from botctl.nodes.trigger import TRIGGER

NODE_TYPES: tuple[NodeType[Any], ...] = (
    TRIGGER,
    LLM_CALL,
    LOGIC,
    MCP_TOOL,
    SEND_MESSAGE,
    ACTION,
    LOOP,
    CODE_BLOCK,
    AUTH_GATE,
    SCHEDULE_MESSAGE,
    SEND_PROACTIVE,
    DELEGATE_TO_BOT,
    ERROR_HANDLER,
    PARALLEL,
)
