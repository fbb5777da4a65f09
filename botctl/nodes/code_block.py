r"""The code_block node: JavaScript that works on the run's variables, in a sandbox.

`ctx.variables` is read and written; `ctx.message` and `ctx.user_id` are read. JSON, Math, Date, String,
Number, Array, Object, parseInt, parseFloat, isNaN, encodeURIComponent and decodeURIComponent are there;
fetch, require and import are not, nor files, nor the network. `return` at the top ends the code early; its
value is not used. Code is never templated: `{{` and `${` are JavaScript here.

The variables that the code changed or added are kept; what is not JSON (a function, say) fails the node, as
do an exception and running longer than allowed.

Way out: `next`.

```yaml
- id: count_words
  type: code_block
  data:
    code: |
      const words = ctx.message.split(" ").filter((word) => word !== "");
      ctx.variables.word_count = words.length;
    label: Count words
```
"""

from __future__ import annotations

from botctl.execution.outcome import Done, Outcome
from botctl.execution.step import Step
from botctl.nodes.node_type import NodeData, NodeType


class CodeBlockData(NodeData):
    """`data` of code_block."""

    code: str
    """JavaScript (ES2023)."""


async def execute(data: CodeBlockData, step: Step) -> Outcome:
    """Run the code and keep the variables that it changed."""
    message = step.variables.get("message", step.message.text)
    text = message if isinstance(message, str) else step.message.text
    changed = await step.sandbox.run(data.code, step.variables, text, step.message.user_id)
    return Done(writes=changed)


CODE_BLOCK = NodeType(name="code_block", doc=__doc__, data=CodeBlockData, execute=execute)
