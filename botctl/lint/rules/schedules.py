"""Rules about times: cron expressions and time zones that are none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.schedule_message import ScheduleMessageData
from botctl.source.rule import Finding, Rule


def check_every(site: WorkflowSite) -> Iterator[Finding]:
    """A cron expression that cannot be read, or never comes.

    Five fields: minute, hour, day of the month, month, day of the week.

    Bad:

    ```yaml
    - id: digest
      type: schedule_message
      data: {message: Good morning!, every: "0 9 31 2 *"}
    ```

    Good:

    ```yaml
    - id: digest
      type: schedule_message
      data: {message: Good morning!, every: "0 9 * * mon-fri"}
    ```
    """
    for node in site.graph.nodes.values():
        if not isinstance(node.data, ScheduleMessageData):
            continue
        every = node.data.every.strip()
        fault = _fault_of(every) if every and "{{" not in every else ""
        if fault:
            yield Finding(
                f"`{every[:60]}` {fault}",
                at=(*node.path, "data", "every"),
                label="minute, hour, day, month, day of the week",
                help="write it like `0 9 * * mon`: every Monday at nine",
            )


def check_timezone(site: WorkflowSite) -> Iterator[Finding]:
    """A time zone that does not exist.

    Zones are called as in the tz database: Europe/Berlin, America/New_York, UTC.

    Bad:

    ```yaml
    - id: digest
      type: schedule_message
      data: {message: Good morning!, every: "0 9 * * *", timezone: Europe/Berln}
    ```

    Good:

    ```yaml
    - id: digest
      type: schedule_message
      data: {message: Good morning!, every: "0 9 * * *", timezone: Europe/Berlin}
    ```
    """
    for node in site.graph.nodes.values():
        if not isinstance(node.data, ScheduleMessageData):
            continue
        zone = node.data.timezone.strip()
        if zone and "{{" not in zone and not _is_zone(zone):
            from difflib import get_close_matches
            from zoneinfo import available_timezones

            close = get_close_matches(zone, sorted(available_timezones()), n=1, cutoff=0.85)
            yield Finding(
                f"there is no time zone `{zone[:60]}`",
                at=(*node.path, "data", "timezone"),
                label="not in the tz database",
                help=f"did you mean `{close[0]}`?" if close else "write it like Europe/Berlin",
            )


def _fault_of(every: str) -> str:
    """What is wrong with a cron expression, as the end of a sentence; "" if nothing is."""
    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(every, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return f"is not a cron expression: {str(error).lower()}"
    except StopIteration:
        return "never comes"
    return ""


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


EVERY = Rule(code="WF421", severity="error", check=check_every, doc=check_every.__doc__)
TIMEZONE = Rule(code="WF422", severity="error", check=check_timezone, doc=check_timezone.__doc__)
