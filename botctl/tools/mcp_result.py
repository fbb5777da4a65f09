"""What an MCP server says of its tools and gives from them, in botctl's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botctl.tools.parsed_text import parse_text
from botctl.tools.tool import Tool, ToolHints, ToolResult

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock
    from mcp_types import Tool as McpTool


def to_tool(prefix: str, tool: McpTool) -> Tool:
    """A listed tool under its full name."""
    said = tool.annotations
    return Tool(
        name=prefix + tool.name,
        description=tool.description or tool.title or "",
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        hints=ToolHints()
        if said is None
        else ToolHints(
            read_only=said.read_only_hint,
            destructive=said.destructive_hint,
            idempotent=said.idempotent_hint,
            open_world=said.open_world_hint,
        ),
    )


def to_result(result: CallToolResult, tool: Tool) -> ToolResult:
    """The structured content if there is any, else the text, parsed when it is JSON."""
    text = "\n".join(_text(block) for block in result.content)
    if result.is_error:
        text = text or "it failed and gave no reason"
        return ToolResult(value=text, text=text, is_error=True)
    if result.structured_content is not None or "structured_content" in result.model_fields_set:
        return ToolResult(value=_unwrapped(result.structured_content, tool), text=text)
    return ToolResult(value=parse_text(text), text=text)


def _unwrapped(content: Any, tool: Tool) -> Any:
    """The value itself where the server's SDK only wrapped it as {"result": value}."""
    if not isinstance(content, dict) or content.keys() != {"result"}:
        return content
    return content["result"] if is_wrapped(tool.output_schema or {}) else content


def is_wrapped(schema: Mapping[str, Any]) -> bool:
    """Whether this output schema is of a value that the server's SDK wraps as {"result": value}.

    The Python SDK does so for every return type that is not an object, under a schema titled
    `<function>Output` (mcp 2.3.0, func_metadata.py); FastMCP marks the schema instead. A class of the
    server's own that happens to have the one field `result` is left alone: class names begin with a capital.
    """
    title = str(schema.get("title", ""))
    by_sdk = title.endswith("Output") and not title[0].isupper() and schema.get("required") == ["result"]
    return bool(by_sdk or schema.get("x-fastmcp-wrap-result"))


def _text(block: ContentBlock) -> str:
    """One part of an answer as text; what is not text is named with its type and size."""
    if block.type == "text":
        return block.text
    if block.type == "image" or block.type == "audio":
        return f"[{block.type}, {block.mime_type}, {_size(block.data)}]"
    if block.type == "resource_link":
        return f"[resource {block.name}: {block.uri}]"
    resource = block.resource
    if hasattr(resource, "text"):
        return str(resource.text)
    return f"[resource {resource.uri}, {resource.mime_type or 'unknown type'}, {_size(resource.blob)}]"


def _size(base64: str) -> str:
    size = len(base64) * 3 // 4
    return f"{size} bytes" if size < 1024 else f"{size // 1024} kB"
