"""The loop node: does the same thing several times.

`loopType: for_each` takes each entry of the list in `arrayVariable`; it is in `itemVariable` (`item` if left
out). `count` goes `iterations` times; `itemVariable` (`index` if left out) counts from 0. `while` goes on as
long as `condition` holds, looked at before each iteration; with an `itemVariable` it counts too.

A loop makes at most 50 iterations, or `maxIterations` if that is less; being cut is told in the trace. The
list is taken once, at the start. A for_each over something that is not a list fails the node, also over text
that would be a list as JSON: parse it in a code_block first.

Ways out: `loop_body` for each iteration, `loop_done` afterwards. The body needs no edge back to the loop.

```yaml
- id: each_file
  type: loop
  data:
    loopType: for_each
    arrayVariable: attachments
    itemVariable: file
    maxIterations: 10

- id: three_times
  type: loop
  data:
    loopType: count
    iterations: 3

- id: until_enough
  type: loop
  data:
    loopType: while
    condition: "{{message}} contains more"
    maxIterations: 5
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from botctl.errors import UserError
from botctl.execution.outcome import Iterate, Outcome
from botctl.execution.step import Step
from botctl.expr.path import MISSING
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.shape import EntryOf, Origin, Shape
from botctl.nodes.site import Site
from botctl.nodes.template_rules import BARE_PATH_RULES, CONDITION_RULES, TEMPLATE_RULES
from botctl.nodes.templates import (
    BarePath,
    Condition,
    NumberOrTemplate,
    VariableName,
    bare_path,
    check_condition,
    find,
    render_value,
)
from botctl.nodes.variants import Variant, check_variant
from botctl.source.rule import Finding, Rule

MOST_ITERATIONS = 50
"""Of one loop (seed 001)."""

VARIANTS = {
    "for_each": Variant(needs=("arrayVariable",), may=("itemVariable", "maxIterations")),
    "count": Variant(needs=("iterations",), may=("itemVariable", "maxIterations")),
    "while": Variant(needs=("condition",), may=("itemVariable", "maxIterations")),
}
"""The fields that belong to each loopType."""


class LoopData(NodeData):
    """`data` of a loop."""

    loopType: Literal["for_each", "count", "while"]
    """for_each, count or while."""
    arrayVariable: BarePath = ""
    """for_each: the variable with the list, or a path into one."""
    itemVariable: VariableName = ""
    """The variable for the current entry (`item`), or for the current number (`index`)."""
    iterations: NumberOrTemplate = None
    """count: how many times; a number, or a {{placeholder}} for one."""
    condition: Condition = ""
    """while: goes on as long as this holds."""
    maxIterations: int | None = Field(default=None, ge=1)
    """At most this many iterations, and never more than 50."""

    @field_validator("iterations")
    @classmethod
    def _whole(cls, iterations: int | float | str | None) -> int | float | str | None:
        if isinstance(iterations, float) and not iterations.is_integer():
            raise ValueError("should be a whole number")
        return iterations

    @model_validator(mode="after")
    def _fields_fit_the_type(self) -> LoopData:
        check_variant(self, self.loopType, VARIANTS)
        return self

    @property
    def item_variable(self) -> str:
        """The variable that each iteration sets; "" if none."""
        return self.itemVariable or {"for_each": "item", "count": "index", "while": ""}[self.loopType]


async def execute(data: LoopData, step: Step) -> Outcome:
    """Start to turn."""
    limit = most_iterations(data.maxIterations, step)
    if data.loopType == "while":
        return turn_while(data.condition, data.item_variable, limit)
    entries = _list(data.arrayVariable, step) if data.loopType == "for_each" else _numbers(data, step, limit)
    # One entry more than will be used: the engine tells that the loop was cut, and the run stays small.
    return Iterate(item_variable=data.item_variable, items=tuple(entries[: limit + 1]), limit=limit)


def most_iterations(written: int | None, step: Step) -> int:
    """How often a loop may turn."""
    return min(written or MOST_ITERATIONS, step.bot.max_iterations, MOST_ITERATIONS)


def turn_while(condition: str, item_variable: str, limit: int) -> Iterate:
    """A loop that asks its condition before each iteration."""
    check_condition(condition)
    return Iterate(item_variable=item_variable, items=None, condition=condition, limit=limit)


def _list(path: str, step: Step) -> list[Any]:
    value = find(path, step)
    if isinstance(value, list):
        return value
    name = path.strip(" {}")
    raise UserError(f"`{name}` is {_kind(value)}, not a list", help=_way_to_a_list(name, value))


def _kind(value: Any) -> str:
    if value is MISSING:
        return "not set"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "an object"
    return "a text" if isinstance(value, str) else "a number"


def _way_to_a_list(name: str, value: Any) -> str:
    if isinstance(value, dict):
        inside = [key for key, entry in value.items() if isinstance(entry, list)]
        if inside:
            return f"name the list in it: `{name}.{inside[0]}`"
    if isinstance(value, str) and value.lstrip().startswith("["):
        return f"parse it in a code_block: ctx.variables.{name} = JSON.parse(ctx.variables.{name})"
    return "`arrayVariable` names a variable that holds a list"


def _numbers(data: LoopData, step: Step, limit: int) -> range:
    written = data.iterations
    value = render_value(written, step) if isinstance(written, str) else written
    try:
        number = float(value) if isinstance(value, str | int | float) else -1.0
    except ValueError:
        number = -1.0
    if isinstance(value, bool) or number < 0 or not number.is_integer():
        raise UserError(
            f"`iterations` came to {value!r}, which is not a whole number",
            help="give a number, or a variable that holds one",
        )
    return range(min(int(number), limit + 1))


def handles(data: LoopData) -> tuple[str, ...]:
    """Each iteration's start, and the way on."""
    return ("loop_body", "loop_done")


def writes(data: LoopData) -> Mapping[str, Origin]:
    """The current entry or number."""
    if not data.item_variable:
        return {}
    if data.loopType != "for_each":
        return {data.item_variable: Shape.NUMBER}
    try:
        return {data.item_variable: EntryOf(bare_path(data.arrayVariable))}
    except UserError:
        return {data.item_variable: Shape.ANY}


def check_limit(site: Site[Any]) -> Iterator[Finding]:
    """A loop asks for more iterations than a loop can make.

    A loop is cut after 50 iterations, whatever `maxIterations` or `iterations` says. Work through longer
    lists in a code_block, or let a tool do it.

    Bad:

    ```yaml
    - id: many
      type: loop
      data:
        loopType: count
        iterations: 200
    ```

    Good:

    ```yaml
    - id: many
      type: loop
      data:
        loopType: count
        iterations: 50
    ```
    """
    for name in ("maxIterations", "iterations"):
        number = getattr(site.data, name, None)
        if isinstance(number, int | float) and number > MOST_ITERATIONS:
            yield Finding(
                message=f"`{name}` is {number}, but a loop makes at most {MOST_ITERATIONS} iterations",
                at=(name,),
                label="the loop is cut before this",
                help=f"write {MOST_ITERATIONS} or less",
            )


LOOP_RULES: tuple[Rule[Site[Any]], ...] = (
    Rule(code="WF401", severity="warning", check=check_limit, doc=check_limit.__doc__),
)

LOOP = NodeType(
    name="loop",
    doc=__doc__,
    data=LoopData,
    execute=execute,
    rules=(*TEMPLATE_RULES, *CONDITION_RULES, *BARE_PATH_RULES, *LOOP_RULES),
    handles=handles,
    writes=writes,
    sets_by=("loop_body",),
)
