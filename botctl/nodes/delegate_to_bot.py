"""The delegate_to_bot node: lets another bot answer.

The other bot gets the message and works in its own way, with its own model, workspace and workflow. The keys
of `context` become its variables. What it answers is kept in `outputVariable` as text. `target_bot_id` is the
other bot's `id`, or its name. At most 3 bots delegate on.

Way out: `next`, and `error` as for every node.

```yaml
- id: ask_billing
  type: delegate_to_bot
  data:
    target_bot_id: billing-bot
    outputVariable: specialist_response
    context:
      customer: "{{user_id}}"
    label: Route to Billing Bot
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from botctl.errors import OutsideError, UserError
from botctl.execution.outcome import Call, Done, Outcome
from botctl.execution.step import Step
from botctl.expr.template import to_text
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.shape import Origin, Shape
from botctl.nodes.site import Site
from botctl.nodes.template_rules import JSON_RULES, TEMPLATE_RULES
from botctl.nodes.templates import JsonTemplate, Template, VariableName, render, render_json
from botctl.source.rule import Finding, Rule


class DelegateToBotData(NodeData):
    """`data` of delegate_to_bot."""

    target_bot_id: Template = Field(min_length=1)
    """The other bot's `id` or name."""
    outputVariable: VariableName = ""
    """The variable that keeps its answer, a text."""
    context: JsonTemplate = None
    """A JSON object with {{placeholders}}, as text or a mapping; the other bot's first variables."""


async def execute(data: DelegateToBotData, step: Step) -> Outcome:
    """Call the other bot; woken by its answer, go on with it."""
    if step.event is None:
        target = render(data.target_bot_id, step).strip()
        context = _context(data, step)
        step.log.input = {"target_bot_id": target, "context": context}
        return Call(bot=target, message=to_text(step.variables.get("message", "")), context=context)
    returned = step.event.value
    if returned["error"]:
        raise OutsideError(f"the other bot failed: {returned['error']}")
    step.log.output = returned["text"]
    return Done({data.outputVariable: returned["text"]} if data.outputVariable else {})


def _context(data: DelegateToBotData, step: Step) -> dict[str, Any]:
    if data.context is None or data.context == "":
        return {}
    value = render_json(data.context, step)
    if not isinstance(value, dict):
        raise UserError("`context` is not a JSON object", help='write it like {"customer": "{{user_id}}"}')
    return value


def writes(data: DelegateToBotData) -> Mapping[str, Origin]:
    """The other bot's answer."""
    return {data.outputVariable: Shape.TEXT} if data.outputVariable else {}


def check_target(site: Site[DelegateToBotData]) -> Iterator[Finding]:
    """A delegation to a bot that the project does not have.

    `target_bot_id` is the `id` or the `name` in some bot.yaml of the project. An exported id such as
    `bt_billing` works once that bot's bot.yaml says `id: bt_billing`.

    Bad:

    ```yaml
    - id: ask_billing
      type: delegate_to_bot
      data:
        target_bot_id: biling-bot
    ```

    Good:

    ```yaml
    - id: ask_billing
      type: delegate_to_bot
      data:
        target_bot_id: billing-bot
    ```
    """
    name = site.data.target_bot_id
    if "{{" in name or site.bots is None or name in site.bots:
        return
    from difflib import get_close_matches

    close = get_close_matches(name, site.bots, n=1)
    yield Finding(
        message=f"there is no bot `{name}` in this project",
        at=("target_bot_id",),
        label="no bot has this id or name",
        help=f"did you mean `{close[0]}`?" if close else "give the id or name of a bot in bots/",
    )


DELEGATE_TO_BOT = NodeType(
    name="delegate_to_bot",
    doc=__doc__,
    data=DelegateToBotData,
    execute=execute,
    rules=(
        *TEMPLATE_RULES,
        *JSON_RULES,
        Rule(code="BT301", severity="error", check=check_target, doc=check_target.__doc__),
    ),
    writes=writes,
)
