"""The error_handler node: what happens when another node fails.

A node that fails looks for somebody to go on with: its own `error` edges, else the nearest error_handler that
its edges lead to, else an error_handler that no edge leads to. The handler says its `fallback_message` and
follows its edges; the variable `error` is {node, type, message} there.

Reached by an ordinary edge, without an error, it says nothing and its edges are not followed.

Way out: `next`.

```yaml
- id: rescue
  type: error_handler
  data:
    fallback_message: Something went wrong. A support agent will follow up shortly.
    label: Handle Errors
```
"""

from __future__ import annotations

from botctl.execution.outcome import Done, Outcome
from botctl.execution.step import Step
from botctl.messages import Said
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.template_rules import TEMPLATE_RULES
from botctl.nodes.templates import Template, render

CAUGHT = "caught"
"""What `step.state` is when the handler was entered by an error."""


class ErrorHandlerData(NodeData):
    """`data` of an error handler."""

    fallback_message: Template = ""
    """What the user is told, with {{placeholders}}; nothing if left out."""


async def execute(data: ErrorHandlerData, step: Step) -> Outcome:
    """Say the fallback message after an error; stop here otherwise."""
    if step.state != CAUGHT:
        return Done(handle="")
    text = render(data.fallback_message, step)
    return Done(say=(Said(text=text),) if text.strip() else ())


ERROR_HANDLER = NodeType(
    name="error_handler", doc=__doc__, data=ErrorHandlerData, execute=execute, rules=TEMPLATE_RULES
)
