"""The logic node: which way to go on.

`logicType: if_else` follows `true` or `false`, as its `condition` says.

`switch` looks at `variable` and follows `case_<value>` of the case it equals, else `case_default`. Spaces
around it do not matter; upper and lower case only if no case fits exactly. Of an llm_call's answer, and of
any object with a `text`, the text is looked at. Without an edge for the outcome the branch ends.

`wait` puts the run away until the user's next message, which then is `message`; with a `timeout` it goes on
by `timeout` when none came in time. `while` is the loop of that type, under the same handles.

Ways out: `true` and `false`; `case_<value>` and `case_default`; `next` (and `timeout`); `loop_body` and
`loop_done`.

```yaml
- id: is_greeting
  type: logic
  data:
    logicType: if_else
    condition: "{{message}} starts_with hello"

- id: by_platform
  type: logic
  data:
    logicType: switch
    variable: platform
    cases: [telegram, slack]
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from botctl.duration import Duration
from botctl.execution.outcome import Done, Outcome, Reply, Until, Wait
from botctl.execution.step import Step
from botctl.expr.path import MISSING
from botctl.expr.template import to_text
from botctl.nodes.loop import LOOP_RULES, most_iterations, turn_while
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.shape import Origin, Shape
from botctl.nodes.site import Site
from botctl.nodes.template_rules import BARE_PATH_RULES, CONDITION_RULES
from botctl.nodes.templates import BarePath, Condition, VariableName, find, holds
from botctl.nodes.trigger import first_variables
from botctl.nodes.variants import Variant, check_variant
from botctl.source.rule import Finding, Rule

VARIANTS = {
    "if_else": Variant(needs=("condition",)),
    "switch": Variant(needs=("variable", "cases")),
    "wait": Variant(may=("timeout",)),
    "while": Variant(needs=("condition",), may=("itemVariable", "maxIterations")),
}
"""The fields that belong to each logicType."""


class LogicData(NodeData):
    """`data` of a logic node."""

    logicType: Literal["if_else", "switch", "wait", "while"]
    """if_else, switch, wait or while."""
    condition: Condition = ""
    """if_else and while: what is asked, such as `{{intent.text}} == billing`."""
    variable: BarePath = ""
    """switch: the variable that is looked at, or a path into one."""
    cases: list[str | int | float | bool] = []
    """switch: the values that have a way out of their own, `case_<value>`."""
    timeout: Duration | None = None
    """wait: how long to wait before going on by `timeout`; for ever if left out."""
    itemVariable: VariableName = ""
    """while: a variable that counts the iterations from 0."""
    maxIterations: int | None = Field(default=None, ge=1)
    """while: at most this many iterations, and never more than 50."""

    @model_validator(mode="after")
    def _fields_fit_the_type(self) -> LogicData:
        check_variant(self, self.logicType, VARIANTS)
        return self


async def execute(data: LogicData, step: Step) -> Outcome:
    """Decide."""
    if data.logicType == "if_else":
        return Done(handle="true" if holds(data.condition, step) else "false")
    if data.logicType == "switch":
        return Done(handle=f"case_{_chosen(data, step)}")
    if data.logicType == "while":
        return turn_while(data.condition, data.itemVariable, most_iterations(data.maxIterations, step))
    return _wait(data, step)


def _wait(data: LogicData, step: Step) -> Outcome:
    """Wait for the next message, or for the timeout; woken, go on with what came."""
    if step.event is not None and step.event.kind == "reply":
        return Done(first_variables(step.message))
    if step.event is not None:
        return Done(handle="timeout")
    if data.timeout is None:
        return Wait((Reply(),))
    return Wait((Reply(), Until(step.now_ms + round(data.timeout * 1000))))


def _chosen(data: LogicData, step: Step) -> str:
    value = find(data.variable, step)
    if value is MISSING:
        return "default"
    if isinstance(value, dict) and "text" in value:
        value = value["text"]
    text = to_text(value).strip()
    step.log.input = text
    cases = case_texts(data)
    if text in cases:
        return text
    folded = text.casefold()
    return next((case for case in cases if case.casefold() == folded), "default")


def case_texts(data: LogicData) -> tuple[str, ...]:
    """The cases of a switch as they are compared and as they stand in handles."""
    return tuple(case.strip() if isinstance(case, str) else to_text(case) for case in data.cases)


def handles(data: LogicData) -> tuple[str, ...]:
    """The ways out, by logicType."""
    if data.logicType == "if_else":
        return ("true", "false")
    if data.logicType == "switch":
        return (*dict.fromkeys(f"case_{case}" for case in case_texts(data)), "case_default")
    if data.logicType == "while":
        return ("loop_body", "loop_done")
    return ("next",) if data.timeout is None else ("next", "timeout")


def writes(data: LogicData) -> Mapping[str, Origin]:
    """What a wait and a while set; decisions set nothing."""
    if data.logicType == "wait":
        return {"message": Shape.TEXT}
    return {data.itemVariable: Shape.NUMBER} if data.itemVariable else {}


def check_cases(site: Site[LogicData]) -> Iterator[Finding]:
    """A switch names one case twice.

    Both would leave by the same handle, so one of them is too many, or was meant to be another.

    Bad:

    ```yaml
    - id: route
      type: logic
      data:
        logicType: switch
        variable: platform
        cases: [telegram, slack, telegram]
    ```

    Good:

    ```yaml
    - id: route
      type: logic
      data:
        logicType: switch
        variable: platform
        cases: [telegram, slack, discord]
    ```
    """
    first: dict[str, int] = {}
    for index, case in enumerate(case_texts(site.data)):
        if case in first:
            yield Finding(
                message=f"the case `{case}` stands here twice",
                at=("cases", index),
                label="the same as a case before it",
                help="take one of them out",
                others=((("cases", first[case]), "first here"),),
            )
        first.setdefault(case, index)


LOGIC = NodeType(
    name="logic",
    doc=__doc__,
    data=LogicData,
    execute=execute,
    rules=(
        *CONDITION_RULES,
        *BARE_PATH_RULES,
        *LOOP_RULES,
        Rule(code="WF402", severity="warning", check=check_cases, doc=check_cases.__doc__),
    ),
    handles=handles,
    writes=writes,
    sets_by=("next", "loop_body"),
)
