"""The parallel node: marks the place where a workflow fans out.

It does nothing itself. Every node follows all the edges of its handle, and the nodes they lead to run at the
same time; `parallel` makes that visible in the picture. Where the branches meet again, the meeting point
waits for all of them and runs once.

Way out: `next`, usually with several edges.

```yaml
- id: fan_out
  type: parallel
  data:
    label: Fan Out
```
"""

from __future__ import annotations

from botctl.execution.outcome import Done, Outcome
from botctl.execution.step import Step
from botctl.nodes.node_type import NodeData, NodeType


class ParallelData(NodeData):
    """`data` of a parallel node: only a label."""


async def execute(data: ParallelData, step: Step) -> Outcome:
    """Go on."""
    return Done()


PARALLEL = NodeType(name="parallel", doc=__doc__, data=ParallelData, execute=execute)
