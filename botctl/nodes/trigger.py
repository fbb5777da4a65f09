"""The trigger node: where every run starts.

A workflow has at least one trigger. When a message arrives, every trigger starts, and these variables are
set: `message` (the user's text), `user_id`, `user_name` ("" if unknown), `channel_id`, `platform` (telegram,
discord, whatsapp, slack, custom or console) and `attachments`, a list of
{kind, name, media_type, size, path, url}.

When the user pressed a button, `message` is the button's value, and `button` is {label, value}.

Way out: `next`.

```yaml
- id: start
  type: trigger
  data:
    triggerType: message_received
    label: On Message
```
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec.structs import asdict

from botctl.execution.outcome import Done, Outcome
from botctl.execution.step import Step
from botctl.messages import Attachment, IncomingMessage
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.shape import Origin, Shape, list_of, record

_ATTACHMENT = record(
    **{name: Shape.NUMBER if name == "size" else Shape.TEXT for name in Attachment.__struct_fields__}
)


class TriggerData(NodeData):
    """`data` of a trigger."""

    triggerType: Literal["message_received"] = "message_received"
    """What starts a run: message_received."""


async def execute(data: TriggerData, step: Step) -> Outcome:
    """Set the variables that every workflow starts with."""
    return Done(writes=first_variables(step.message))


def first_variables(message: IncomingMessage) -> dict[str, Any]:
    """The variables that a message brings along."""
    variables: dict[str, Any] = {
        "message": message.text,
        "user_id": message.user_id,
        "user_name": message.user_name,
        "channel_id": message.channel_id,
        "platform": message.platform,
        "attachments": [_known(attachment) for attachment in message.attachments],
    }
    if message.kind == "button":
        variables["message"] = message.button_value
        variables["button"] = {"label": message.text, "value": message.button_value}
    return variables


def _known(attachment: Attachment) -> dict[str, Any]:
    """A file as a workflow sees it; `refused` only where it was."""
    fields = asdict(attachment)
    return fields if attachment.refused else {name: fields[name] for name in fields if name != "refused"}


def writes(data: TriggerData) -> Mapping[str, Origin]:
    """The built-in variables; `button` only when one was pressed."""
    return {
        "message": Shape.TEXT,
        "user_id": Shape.TEXT,
        "user_name": Shape.TEXT,
        "channel_id": Shape.TEXT,
        "platform": Shape.TEXT,
        "attachments": list_of(_ATTACHMENT),
        "button": record(label=Shape.TEXT, value=Shape.TEXT),
    }


TRIGGER = NodeType(name="trigger", doc=__doc__, data=TriggerData, execute=execute, writes=writes)
