"""The schedule_message node: says something later.

`delay_minutes` counts from now; `scheduled_time` is a moment in ISO 8601, in `timezone` (UTC if left out)
unless it names its own; a moment in the past means now. The message is rendered when it is scheduled. It goes
to the user of the conversation, or to `target`.

`every` repeats it by a cron expression until it is cancelled. A schedule with a `key` replaces the one that
had the key, and `cancel: <key>` takes it away.

Way out: `next`.

```yaml
- id: remind
  type: schedule_message
  data:
    message: "Reminder, {{user_name}}: your appointment is in 1 hour. Reply to confirm or cancel."
    delay_minutes: 1380
    label: 24h Reminder
```
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import Field

from botctl.execution.outcome import Outcome
from botctl.execution.step import Step
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.site import Site
from botctl.nodes.template_rules import TEMPLATE_RULES
from botctl.nodes.templates import NumberOrTemplate, Template
from botctl.nodes.unbuilt import unbuilt
from botctl.section import Section
from botctl.source.rule import Finding, Rule


class TargetData(Section):
    """Where a scheduled message goes, if not to its conversation."""

    channel_id: Template = Field(min_length=1)
    """The channel or user."""
    platform: Template = ""
    """The platform; that of the conversation if left out."""


class ScheduleMessageData(NodeData):
    """`data` of schedule_message."""

    message: Template = ""
    """What is said, with {{placeholders}}."""
    delay_minutes: NumberOrTemplate = None
    """Minutes from now; a number, or a {{placeholder}} for one."""
    scheduled_time: Template = ""
    """The moment, in ISO 8601, such as 2026-12-24T18:00."""
    every: Template = ""
    """A cron expression, such as `0 9 * * mon`: said again and again."""
    timezone: Template = ""
    """The time zone of `scheduled_time` and `every`, such as Europe/Berlin; UTC if left out."""
    target: TargetData | None = None
    """Where it goes; to this conversation if left out."""
    key: Template = ""
    """A name for the schedule, by which it is replaced or cancelled."""
    cancel: Template = ""
    """The key of a schedule that is taken away."""


async def execute(data: ScheduleMessageData, step: Step) -> Outcome:
    """Not built yet."""
    raise unbuilt("schedule_message")


def check_time(site: Site[ScheduleMessageData]) -> Iterator[Finding]:
    """A scheduled message without a time, or with several.

    It needs exactly one of `delay_minutes`, `scheduled_time` and `every`, unless it only cancels another.

    Bad:

    ```yaml
    - id: remind
      type: schedule_message
      data:
        message: See you soon
        delay_minutes: 60
        scheduled_time: "2026-12-24T18:00"
    ```

    Good:

    ```yaml
    - id: remind
      type: schedule_message
      data:
        message: See you soon
        delay_minutes: 60
    ```
    """
    times = _given_times(site.data)
    if len(times) > 1:
        first, second = times[:2]
        yield Finding(
            message=f"both `{first}` and `{second}` are given",
            at=(second,),
            label="a second time",
            help="take one of them out",
            others=(((first,), "the first"),),
        )
    elif not times and not site.data.cancel:
        yield Finding(
            message="this message has no time at which to be sent",
            help="give `delay_minutes`, `scheduled_time` or `every`",
        )


def _given_times(data: ScheduleMessageData) -> list[str]:
    given: dict[str, Any] = {
        "delay_minutes": data.delay_minutes is not None,
        "scheduled_time": bool(data.scheduled_time),
        "every": bool(data.every),
    }
    return [name for name, is_given in given.items() if is_given]


def check_moment(site: Site[ScheduleMessageData]) -> Iterator[Finding]:
    """A `scheduled_time` that is not a moment in ISO 8601.

    Bad:

    ```yaml
    - id: remind
      type: schedule_message
      data:
        message: See you soon
        scheduled_time: tomorrow at six
    ```

    Good:

    ```yaml
    - id: remind
      type: schedule_message
      data:
        message: See you soon
        scheduled_time: "2026-12-24T18:00:00Z"
    ```
    """
    text = site.data.scheduled_time
    if text and "{{" not in text and not is_moment(text):
        yield Finding(
            message=f"`{text}` is not a moment in ISO 8601",
            at=("scheduled_time",),
            label="cannot be read as a date and time",
            help="write it like 2026-12-24T18:00 or 2026-12-24T18:00:00Z",
        )


def is_moment(text: str) -> bool:
    """Whether this is a date and time in ISO 8601."""
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


SCHEDULE_MESSAGE = NodeType(
    name="schedule_message",
    doc=__doc__,
    data=ScheduleMessageData,
    execute=execute,
    rules=(
        *TEMPLATE_RULES,
        Rule(code="WF404", severity="error", check=check_time, doc=check_time.__doc__),
        Rule(code="WF405", severity="error", check=check_moment, doc=check_moment.__doc__),
    ),
)
