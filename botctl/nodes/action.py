"""The action node: a side effect without a message to the user.

`actionType: set_variable` sets `variable` to `value`. A value that is one placeholder keeps its type; the
texts in a list or mapping are templates too. A path such as `order.note` sets one entry of an object, which
is made if it is not there yet; the other entries stay.

`end_conversation` ends the run and closes the conversation. `create_ticket` records a ticket and tells those
whom the bot's `handoff.notify` names, not the user; for a ticket in another system call its tool.

`human_handoff` asks a person and puts the run away until they decide, with `botctl handoff approve <id>`
or where they were told. `reason` is what they see. After `expires` without a decision it goes on by
`expired`, or by `rejected` if no edge leaves by `expired`. `handoff` is set to {id, status, by, note}.

Ways out: `next`; of end_conversation none; of human_handoff `approved`, `rejected` and `expired`.

```yaml
- id: remember_name
  type: action
  data:
    actionType: set_variable
    variable: greeting
    value: "Hello, {{user_name}}!"
    label: Set Greeting

- id: ticket
  type: action
  data:
    actionType: create_ticket
    subject: "{{user_name}} asks: {{message}}"

- id: bye
  type: action
  data:
    actionType: end_conversation
```
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import model_validator

from botctl.duration import Duration
from botctl.errors import UserError
from botctl.execution.outcome import AskPerson, Decision, Done, End, Outcome, Ticket, Wait
from botctl.execution.step import Step
from botctl.expr.path import ExpressionError, Parts
from botctl.expr.template import parse_template
from botctl.ids import new_id
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.shape import Kind, Origin, SameAs, Shape, list_of, record
from botctl.nodes.template_rules import BARE_PATH_RULES, TEMPLATE_RULES
from botctl.nodes.templates import SetPath, Template, Writing, bare_path, render, render_value
from botctl.nodes.variants import Variant, check_variant

VARIANTS = {
    "set_variable": Variant(needs=("variable",), may=("value",)),
    "end_conversation": Variant(),
    "create_ticket": Variant(needs=("subject",)),
    "human_handoff": Variant(may=("reason", "reviewers", "notify", "expires")),
}
"""The fields that belong to each actionType."""


class ActionData(NodeData):
    """`data` of an action."""

    actionType: Literal["set_variable", "end_conversation", "human_handoff", "create_ticket"]
    """set_variable, end_conversation, human_handoff or create_ticket."""
    variable: SetPath = ""
    """set_variable: the variable, or a path into an object."""
    value: Annotated[Any, Writing.TEMPLATE] = ""
    """set_variable: its value: a text with {{placeholders}}, or any other JSON value."""
    subject: Template = ""
    """create_ticket: what the ticket is about."""
    reason: Template = ""
    """human_handoff: why a person is asked, which they see."""
    reviewers: Annotated[list[str], Writing.TEMPLATE] = []
    """human_handoff: who may decide; those of the bot's `handoff` if left out."""
    notify: list[dict[str, Any]] = []
    """human_handoff: whom to tell, such as `- email: finance@example.com`; by default as the bot."""
    expires: Duration | None = None
    """human_handoff: after this long without a decision it expires; by default as the bot."""

    @model_validator(mode="after")
    def _fields_fit_the_type(self) -> ActionData:
        check_variant(self, self.actionType, VARIANTS)
        return self


async def execute(data: ActionData, step: Step) -> Outcome:
    """Do what actionType says."""
    if data.actionType == "set_variable":
        value = _value(data.value, step)
        return Done(writes=with_entry(step.variables, bare_path(data.variable), value))
    if data.actionType == "end_conversation":
        return End()
    if data.actionType == "create_ticket":
        return Done(orders=(Ticket(subject=render(data.subject, step)),))
    return _ask(data, step)


def _ask(data: ActionData, step: Step) -> Outcome:
    """Ask once; woken by the decision, go on with it."""
    if step.event is None:
        handoff = new_id()
        order = AskPerson(
            handoff_id=handoff,
            reason=render(data.reason, step),
            reviewers=tuple(name for one in data.reviewers if (name := render(one, step).strip())),
            notify=tuple(data.notify),
            expires=data.expires,
        )
        step.log.input = {"reason": order.reason}
        return Wait((Decision(handoff),), state={"reason": order.reason}, orders=(order,))
    decision = step.event.value
    step.log.input = step.state
    status = decision["status"]
    told = {"id": decision["handoff"], "status": status, "by": decision["by"], "note": decision["note"]}
    handle = "rejected" if status == "expired" and "expired" not in step.wired else status
    return Done(writes={**decision["sets"], "handoff": told}, handle=handle)


def _value(written: Any, step: Step) -> Any:
    if isinstance(written, str):
        return render_value(written, step)
    if isinstance(written, dict):
        return {key: _value(entry, step) for key, entry in written.items()}
    if isinstance(written, list):
        return [_value(entry, step) for entry in written]
    return written


def with_entry(variables: Mapping[str, Any], parts: Parts, value: Any) -> dict[str, Any]:
    """The one variable to write so that the path `parts` holds `value`; `variables` stay as they are."""
    root = parts[0]
    if len(parts) == 1:
        return {root: value}
    return {root: _with_entry(variables.get(root), parts, 1, value)}


def _with_entry(around: Any, parts: Parts, depth: int, value: Any) -> Any:
    if depth == len(parts):
        return value
    part = parts[depth]
    if isinstance(around, list):
        index = int(part) if part.isdecimal() else len(around)
        if index < len(around):
            return [
                *around[:index],
                _with_entry(around[index], parts, depth + 1, value),
                *around[index + 1 :],
            ]
    elif around is None or isinstance(around, dict):
        inside = around or {}
        return {**inside, part: _with_entry(inside.get(part), parts, depth + 1, value)}
    before, whole = ".".join(parts[:depth]), ".".join(parts)
    raise UserError(
        f"`{whole}` cannot be set: `{before}` has no entry `{part}` to replace",
        help=f"`{before}` should be an object, or a list with that index",
    )


def handles(data: ActionData) -> tuple[str, ...]:
    """The ways out, by actionType."""
    if data.actionType == "human_handoff":
        return ("approved", "rejected", "expired")
    return () if data.actionType == "end_conversation" else ("next",)


def writes(data: ActionData) -> Mapping[str, Origin]:
    """The variable that is set, or `handoff`."""
    if data.actionType == "human_handoff":
        text = Shape.TEXT
        return {"handoff": record(id=text, status=text, by=text, note=text)}
    if data.actionType != "set_variable":
        return {}
    try:
        parts = bare_path(data.variable)
    except UserError:
        return {}
    return {parts[0]: Shape.OBJECT if len(parts) > 1 else _shape(data.value)}


def _shape(value: Any) -> Origin:
    if isinstance(value, str):
        try:
            template = parse_template(value)
        except ExpressionError:
            return Shape.ANY
        return SameAs(template.placeholders[0].parts) if template.is_value else Shape.TEXT
    if isinstance(value, dict):
        keys = {key: shape for key, entry in value.items() if isinstance(shape := _shape(entry), Shape)}
        return Shape(Kind.OBJECT, {key: keys.get(key, Shape.ANY) for key in value}, is_closed=True)
    if isinstance(value, list):
        shapes = [_shape(entry) for entry in value]
        first = shapes[0] if shapes else None
        return (
            list_of(first) if isinstance(first, Shape) and shapes.count(first) == len(shapes) else Shape.LIST
        )
    if isinstance(value, bool):
        return Shape.TRUTH
    return Shape.NUMBER if isinstance(value, int | float) else Shape.ANY


ACTION = NodeType(
    name="action",
    doc=__doc__,
    data=ActionData,
    execute=execute,
    rules=(*TEMPLATE_RULES, *BARE_PATH_RULES),
    handles=handles,
    writes=writes,
)
