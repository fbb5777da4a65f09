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

import re
from collections.abc import Mapping

from botctl.execution.outcome import Done, Outcome
from botctl.execution.step import Step
from botctl.nodes.node_type import NodeData, NodeType, Shape

ANY_VARIABLE = "*"
"""Stands among a node's writes when it may set variables that cannot be told from its text."""

_MENTION = re.compile(r"\bctx\b(?!\s*\.\s*(?:message|user_id)\b)")
_NAMED = re.compile(r"""\bctx\s*\.\s*variables\s*(?:\.\s*([A-Za-z_$][\w$]*)|\[\s*(["'])([^"'\\]*)\2\s*\])""")
_ASSIGNED = re.compile(r"\s*(?:(?:[-+*/%&|^]|\*\*|\|\||&&|\?\?|<<|>>>?)?=(?![=>])|\+\+|--)")
_BEFORE = re.compile(r"(?:\+\+|--)\s*$")


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


def writes(data: CodeBlockData) -> Mapping[str, Shape]:
    """The variables whose assignment can be seen, and `*` if the code may set others."""
    found: dict[str, Shape] = {}
    mentions = len(_MENTION.findall(data.code))
    for named in _NAMED.finditer(data.code):
        mentions -= 1
        before, after = data.code[: named.start()], data.code[named.end() :]
        if _ASSIGNED.match(after) or _BEFORE.search(before):
            found[named[1] or named[3]] = Shape.ANY
    if mentions > 0:
        found[ANY_VARIABLE] = Shape.ANY
    return found


CODE_BLOCK = NodeType(name="code_block", doc=__doc__, data=CodeBlockData, execute=execute, writes=writes)
