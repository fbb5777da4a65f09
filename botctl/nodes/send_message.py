"""The send_message node: says something to the user.

Messages are kept and sent in order when the run ends or starts to wait. Without a `message`, the most recent
answer of an llm_call (the variable `ai_response`) is said; if there is none, the node fails. A message that
comes out empty is not sent, and the trace says so.

`buttons` offers choices; pressing one makes its value the user's next message. Platforms without buttons
show them as a numbered list. With `useTemplate: false` everything is said as written.

Way out: `next`.

```yaml
- id: greet
  type: send_message
  data:
    message: "Hello {{user_name}}! What can I do for you?"
    buttons:
      - label: Track my order
        value: order
      - label: Talk to a person
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from botctl.errors import UserError
from botctl.execution.outcome import Done, Outcome
from botctl.execution.step import Step
from botctl.expr.template import to_text
from botctl.messages import Attachment, Button, Said
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.template_rules import TEMPLATE_RULES
from botctl.nodes.templates import Template, render
from botctl.section import Section


class ButtonData(Section):
    """One choice under a message."""

    label: Template = Field(min_length=1)
    """What stands on the button."""
    value: Template = ""
    """What the user's message is when it is pressed; the label if left out."""


class AttachmentData(Section):
    """One file that leaves with a message."""

    url: Template = Field(min_length=1)
    """Where the file is."""
    kind: Literal["image", "document", "audio", "video"] = "document"
    """How it is shown."""
    name: Template = ""
    """Its name, as the user sees it."""


class SendMessageData(NodeData):
    """`data` of send_message."""

    message: Template = ""
    """What is said, with {{placeholders}}; the last model's answer (`ai_response`) if left out."""
    useTemplate: bool = True
    """false says everything as it is written, braces included."""
    buttons: list[ButtonData] = []
    """Choices offered with the message."""
    attachments: list[AttachmentData] = []
    """Files sent with the message."""


async def execute(data: SendMessageData, step: Step) -> Outcome:
    """Say the message, or the last answer of a model."""
    if not data.message:
        text = _last_answer(data, step)
    else:
        text = render(data.message, step) if data.useTemplate else data.message
    if not data.buttons and not data.attachments:
        if not text.strip():
            step.log.note("the message came out empty, so nothing was said")
            return Done()
        return Done(say=(Said(text=text),))
    said = Said(
        text=text,
        buttons=tuple(_button(button, data, step) for button in data.buttons),
        attachments=tuple(_attachment(attachment, data, step) for attachment in data.attachments),
    )
    return Done(say=(said,))


def _last_answer(data: SendMessageData, step: Step) -> str:
    if "ai_response" in step.variables:
        return to_text(step.variables["ai_response"])
    if data.attachments:
        return ""
    raise UserError(
        "there is no `ai_response` to say yet",
        help="give the node a `message`, or let an llm_call come before it",
    )


def _button(button: ButtonData, data: SendMessageData, step: Step) -> Button:
    if not data.useTemplate:
        return Button(label=button.label, value=button.value or button.label)
    label = render(button.label, step)
    return Button(label=label, value=render(button.value, step) if button.value else label)


def _attachment(attachment: AttachmentData, data: SendMessageData, step: Step) -> Attachment:
    if not data.useTemplate:
        return Attachment(kind=attachment.kind, url=attachment.url, name=attachment.name)
    return Attachment(
        kind=attachment.kind, url=render(attachment.url, step), name=render(attachment.name, step)
    )


SEND_MESSAGE = NodeType(
    name="send_message", doc=__doc__, data=SendMessageData, execute=execute, rules=TEMPLATE_RULES
)
