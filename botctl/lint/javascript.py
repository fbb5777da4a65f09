"""The JavaScript of code blocks: mistakes in its syntax, found by a child process without running it."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.nodes.code_block import CodeBlockData
from botctl.project.graph import Graph, Node
from botctl.sandbox.syntax import SyntaxCheck
from botctl.source.rule import Finding

CODE = "WF301"
PAGE = """JavaScript that cannot be parsed.

The code of a code_block has a syntax error, so the node fails whenever it is executed.

Bad:

```yaml
- id: add
  type: code_block
  data:
    code: "ctx.variables.total = 1 +;"
```

Good:

```yaml
- id: add
  type: code_block
  data:
    code: "ctx.variables.total = 1 + 1;"
```
"""


class JavaScriptCheck:
    """A check of all code blocks of a graph; it runs while the caller does something else."""

    def __init__(self, graph: Graph) -> None:
        self._nodes = [node for node in graph.nodes.values() if isinstance(node.data, CodeBlockData)]
        self._check = SyntaxCheck([node.data.code for node in self._nodes]) if self._nodes else None

    def findings(self) -> Iterator[tuple[Node, Finding]]:
        """What is wrong, with paths relative to the node's `data`. Ask once."""
        faults = self._check.faults() if self._check is not None else []
        for node, fault in zip(self._nodes, faults, strict=True):
            if fault is not None:
                message, line, column = fault
                yield (
                    node,
                    Finding(
                        f"the code of `{node.id}` has a syntax error",
                        at=("code",),
                        within=(_offset(node.data.code, line, column), 1),
                        label=message,
                        help="mend the JavaScript here",
                    ),
                )


def _offset(code: str, line: int, column: int) -> int:
    lines = code.split("\n")
    if line > len(lines):
        return max(0, len(code.rstrip()) - 1)
    return sum(len(before) + 1 for before in lines[: line - 1]) + min(column - 1, len(lines[line - 1]))
