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
from typing import TYPE_CHECKING, Any

from pydantic import Field

from botctl.clock import to_iso
from botctl.errors import UserError
from botctl.execution.outcome import Done, Order, Outcome, Schedule, Unschedule
from botctl.execution.step import Step
from botctl.expr.template import to_text
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.site import Site
from botctl.nodes.template_rules import TEMPLATE_RULES
from botctl.nodes.templates import NumberOrTemplate, Template, render, render_value
from botctl.section import Section
from botctl.source.rule import Finding, Rule

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_MOST_MINUTES = 10 * 366 * 24 * 60.0


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
    """Order it, or take the one with the key away."""
    cancel = render(data.cancel, step).strip()
    orders: tuple[Order, ...] = (Unschedule(key=cancel),) if cancel else ()
    if cancel and not _given_times(data):
        step.log.input = {"cancel": cancel}
        return Done(orders=orders)
    zone, zone_name = _zone(render(data.timezone, step).strip())
    every = render(data.every, step).strip()
    at_ms = next_occurrence(every, zone_name, step.now_ms) if every else _moment(data, step, zone)
    text = render(data.message, step)
    platform, channel = _target(data, step)
    step.log.input = {"message": text, "at": to_iso(at_ms), **({"every": every} if every else {})}
    if not text.strip():
        step.log.note("the message came to nothing, so nothing is scheduled")
        return Done(orders=orders)
    order = Schedule(
        text=text,
        at_ms=at_ms,
        every=every,
        timezone=zone_name,
        key=render(data.key, step).strip(),
        platform=platform,
        channel_id=channel,
    )
    return Done(orders=(*orders, order))


def _moment(data: ScheduleMessageData, step: Step, zone: ZoneInfo) -> int:
    """When it is said, in milliseconds since 1970; a moment in the past is now."""
    if data.delay_minutes is not None:
        return step.now_ms + round(_minutes(data.delay_minutes, step) * 60_000)
    text = render(data.scheduled_time, step).strip()
    if not text:
        raise UserError("this message has no time at which to be sent", help="a variable in it is empty")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        at_ms = round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise UserError(
            f"`{text}` is not a moment in ISO 8601",
            help="write it like 2026-12-24T18:00 or 2026-12-24T18:00:00Z",
        ) from None
    if at_ms > step.now_ms:
        return at_ms
    step.log.note(f"{text} is in the past, so it is said now")
    return step.now_ms


def _minutes(written: int | float | str, step: Step) -> float:
    value = render_value(written, step) if isinstance(written, str) else written
    try:
        minutes = float(value)
    except (TypeError, ValueError):
        minutes = -1.0
    if isinstance(value, bool) or not 0 <= minutes <= _MOST_MINUTES:
        raise UserError(
            f"`delay_minutes` came to {to_text(value)!r}, which is no number of minutes",
            help="it should be a number, 0 or more",
        )
    return minutes


def _zone(name: str) -> tuple[ZoneInfo, str]:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name or "UTC"), name or "UTC"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"there is no time zone `{name}`", help="write it like Europe/Berlin") from None


def _target(data: ScheduleMessageData, step: Step) -> tuple[str, str]:
    """(platform, channel) of a message that goes elsewhere; both "" for this conversation."""
    if data.target is None:
        return "", ""
    platform = render(data.target.platform, step).strip() or step.message.platform
    channel = render(data.target.channel_id, step).strip()
    if platform not in step.bot.platforms:
        raise UserError(f"bot `{step.bot.name}` has no platform `{platform}`", help="add it to bot.yaml")
    if not channel:
        raise UserError("`target.channel_id` came to nothing", help="a variable in it is empty")
    return platform, channel


def next_occurrence(every: str, timezone: str, after_ms: int) -> int:
    """The next moment of a cron expression after a moment, both in milliseconds since 1970."""
    from cronsim import CronSim, CronSimError

    zone, _ = _zone(timezone)
    try:
        moments = CronSim(every, datetime.fromtimestamp(after_ms / 1000, zone))
        return round(next(moments).timestamp() * 1000)
    except CronSimError as error:
        raise UserError(
            f"`{every}` is not a cron expression: {str(error).lower()}", help="write it like `0 9 * * mon`"
        ) from None
    except StopIteration:
        raise UserError(f"`{every}` never comes again", help="write it like `0 9 * * mon`") from None


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
