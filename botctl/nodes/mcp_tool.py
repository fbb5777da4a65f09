"""The mcp_tool node: calls one tool of the bot's workspace.

`toolName` is the tool's full name, `server__tool`; it is taken as written. `arguments` is a JSON object, as
text or as a YAML mapping, with {{placeholders}}: inside a JSON string they are escaped, as a whole value they
keep their type, so what a user writes cannot change the shape of the JSON.

The result (the tool's structured content, else its text, parsed when it is JSON) is kept in
`outputVariable`. A result of more than 3,000 characters of JSON is cut and kept as text.

A tool that the workspace does not have, and arguments that are not JSON or do not fit the tool's schema, do
not fail the node: the variable then is {error: true, message, tool}, so check it before using the result. A
tool that says it failed, a time limit and a dead server do fail it.

After a crash a call whose outcome is unknown is made again only if the tool is marked read-only or
idempotent, or the node says `retry: safe`.

Way out: `next`, and `error` as for every node.

```yaml
- id: look_up
  type: mcp_tool
  data:
    toolName: orders__get_order
    arguments: '{"order_id": "{{message}}"}'
    outputVariable: order_data
    label: Look Up Order
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from botctl.duration import Duration
from botctl.errors import OutsideError
from botctl.execution.outcome import Done, Outcome
from botctl.execution.step import Step
from botctl.expr.path import ExpressionError
from botctl.expr.template import to_text
from botctl.nodes.node_type import Interrupted, NodeData, NodeType
from botctl.nodes.shape import Origin, ResultOf
from botctl.nodes.site import Site
from botctl.nodes.template_rules import JSON_RULES
from botctl.nodes.templates import JsonTemplate, VariableName, render_json
from botctl.source.rule import Finding, Rule
from botctl.tools.arguments import check_arguments

LONGEST_RESULT = 3000
"""Characters of compact JSON, or of plain text (seed 001)."""


class McpToolData(NodeData):
    """`data` of mcp_tool."""

    toolName: str = Field(min_length=1)
    """The tool's full name, server__tool."""
    arguments: JsonTemplate = None
    """A JSON object with {{placeholders}}, as text or as a mapping; {} if left out."""
    outputVariable: VariableName = ""
    """The variable that keeps the result."""
    timeout: Duration | None = None
    """How long the call may take; what the workspace says if left out."""
    retry: Literal["safe"] | None = None
    """safe: calling it twice does no harm, so it is called again when its outcome is unknown."""


async def execute(data: McpToolData, step: Step) -> Outcome:
    """Call the tool and keep its result."""
    tool = await step.tools.find(data.toolName)
    if tool is None:
        return _mistake(data, step, f"the workspace has no tool `{data.toolName}`")
    try:
        arguments = render_json(data.arguments or {}, step)
    except ExpressionError as error:
        return _mistake(data, step, f"the arguments are not JSON: {error.message}")
    step.log.input = {"tool": data.toolName, "arguments": arguments}
    if not isinstance(arguments, dict):
        return _mistake(data, step, "the arguments are not a JSON object")
    problem = check_arguments(tool, arguments)
    if problem:
        return _mistake(data, step, f"the arguments do not fit the tool: {problem}")

    async def call() -> dict[str, Any]:
        result = await step.tools.call(data.toolName, arguments, timeout=data.timeout)
        return {"value": result.value, "text": result.text, "is_error": result.is_error}

    step.log.tool_calls += 1
    repeatable = tool.hints.may_be_repeated or data.retry == "safe"
    result = await step.once("call", call, repeatable=repeatable)
    if result["is_error"]:
        raise OutsideError(f"the tool `{data.toolName}` failed: {result['text'] or to_text(result['value'])}")
    return _keep(data, step, cut_result(result["value"], step))


def cut_result(value: Any, step: Step) -> Any:
    """The result as it is kept: as it came, or cut to text when it is too long, which the trace tells."""
    text = to_text(value)
    if len(text) <= LONGEST_RESULT:
        return value
    step.log.note(f"the result was cut from {len(text)} to {LONGEST_RESULT} characters and is text now")
    return text[:LONGEST_RESULT]


def _mistake(data: McpToolData, step: Step, message: str) -> Done:
    step.log.note(message)
    return _keep(data, step, {"error": True, "message": message, "tool": data.toolName})


def _keep(data: McpToolData, step: Step, result: Any) -> Done:
    step.log.output = result
    return Done(writes={data.outputVariable: result} if data.outputVariable else {})


def writes(data: McpToolData) -> Mapping[str, Origin]:
    """The result, if it is kept."""
    return {data.outputVariable: ResultOf(data.toolName)} if data.outputVariable else {}


def check_tool_exists(site: Site[McpToolData]) -> Iterator[Finding]:
    """A tool that the bot's workspace does not have.

    The name is `server__tool`, as `botctl tools list` shows it. Told of a server's tools once they are locked
    (`botctl tools lock`).

    Bad:

    ```yaml
    - id: look_up
      type: mcp_tool
      data:
        toolName: orders__get_ordr
    ```

    Good:

    ```yaml
    - id: look_up
      type: mcp_tool
      data:
        toolName: orders__get_order
    ```
    """
    name = site.data.toolName
    if site.tools is None or name in site.tools:
        return
    if any(name.startswith(f"{server}__") for server in site.unlocked):
        return
    from difflib import get_close_matches

    close = get_close_matches(name, site.tools, n=1)
    help = f"did you mean `{close[0]}`?" if close else "`botctl tools list` shows the tools it has"
    yield Finding(
        message=f"the workspace has no tool `{name}`", at=("toolName",), label="no such tool", help=help
    )


MCP_TOOL = NodeType(
    name="mcp_tool",
    doc=__doc__,
    data=McpToolData,
    execute=execute,
    rules=(
        *JSON_RULES,
        Rule(code="TL102", severity="error", check=check_tool_exists, doc=check_tool_exists.__doc__),
    ),
    writes=writes,
    if_interrupted=Interrupted.ASK_TOOL,
)
