"""The send_proactive node: says something somewhere else.

The message goes to `target_channel_id` on `target_platform`, another platform of the same bot or the same
one: a team's channel, an engineer on call, another user.

Way out: `next`.

```yaml
- id: notify_ops
  type: send_proactive
  data:
    message: "Alert: {{user_name}} reported a critical issue. Details: {{message}}"
    target_channel_id: ops-alerts-channel
    target_platform: slack
    label: Notify Ops Channel
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field

from botctl.errors import UserError
from botctl.execution.outcome import Done, Outcome, Proactive
from botctl.execution.step import Step
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.site import Site
from botctl.nodes.template_rules import TEMPLATE_RULES
from botctl.nodes.templates import Template, Writing, render
from botctl.source.rule import Finding, Rule


def _id_as_text(value: object) -> object:
    """Telegram's chat ids are numbers, and YAML reads them as such."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class SendProactiveData(NodeData):
    """`data` of send_proactive."""

    message: Template = Field(min_length=1)
    """What is said, with {{placeholders}}."""
    target_channel_id: Annotated[str, BeforeValidator(_id_as_text), Writing.TEMPLATE] = Field(min_length=1)
    """The channel or user it is said to."""
    target_platform: Template = ""
    """The platform it is said on; that of the conversation if left out."""


async def execute(data: SendProactiveData, step: Step) -> Outcome:
    """Order the message. It is stored with the step, so it is ordered as often as the step is done: once."""
    platform = render(data.target_platform, step).strip() or step.message.platform
    channel = render(data.target_channel_id, step).strip()
    text = render(data.message, step)
    if platform not in step.bot.platforms:
        known = ", ".join(sorted(step.bot.platforms))
        raise UserError(
            f"bot `{step.bot.name}` has no platform `{platform}`", help=f"it has {known}; add it to bot.yaml"
        )
    if not channel:
        raise UserError("`target_channel_id` came to nothing", help="a variable in it is empty")
    step.log.input = {"platform": platform, "channel_id": channel}
    if not text.strip():
        step.log.note("the message came to nothing, so nothing is sent")
        return Done()
    return Done(orders=(Proactive(platform=platform, channel_id=channel, text=text),))


def check_platform(site: Site[SendProactiveData]) -> Iterator[Finding]:
    """A message goes to a platform that the bot does not have.

    `target_platform` must stand among the `platforms` of bot.yaml.

    Bad:

    ```yaml
    - id: notify
      type: send_proactive
      data:
        message: "{{user_name}} needs help"
        target_channel_id: ops
        target_platform: slakc
    ```

    Good:

    ```yaml
    - id: notify
      type: send_proactive
      data:
        message: "{{user_name}} needs help"
        target_channel_id: ops
        target_platform: slack
    ```
    """
    name = site.data.target_platform
    if not name or "{{" in name or site.platforms is None or name in site.platforms:
        return
    has = ", ".join(sorted(site.platforms)) or "none"
    yield Finding(
        message=f"the platform `{name}` is not configured for this bot",
        at=("target_platform",),
        label="not among the bot's platforms",
        help=f"add it to `platforms` in bot.yaml, or use one that is there: {has}",
    )


SEND_PROACTIVE = NodeType(
    name="send_proactive",
    doc=__doc__,
    data=SendProactiveData,
    execute=execute,
    rules=(
        *TEMPLATE_RULES,
        Rule(code="PF301", severity="error", check=check_platform, doc=check_platform.__doc__),
    ),
)
