"""The pages of runs: found, told from beginning to end, cancelled, retried."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from markupsafe import Markup
from msgspec import Struct

from botctl.engine.run import RunStatus
from botctl.engine.trace import Story, can_be_retried, story_of
from botctl.errors import UserError
from botctl.runtime import commands
from botctl.runtime.lock import holder_of
from botctl.store import directory, handoffs, inbox, listing, runs, steps
from botctl.store.runs import RunRow
from botctl.store.steps import StepRow
from botctl.web.office import Act, Missing, Page, Visit
from botctl.web.paging import PAGE, before_of, choice, following
from botctl.web.picture import picture_of

_STATUSES = ("all", *RunStatus)
_LONGEST_NOTE = 4_000
_LONGEST_SEARCH = 200
_WIDE = 1_000
"""Pixels: wider pictures are made to fit, as far as they can still be read."""
_PATH_OF_RUN = "/runs/{id}"


class Told(Struct, frozen=True, kw_only=True):
    """A step for people. place: the loop iterations around it; variables: all that was set when it ended."""

    row: StepRow
    place: str
    input: Any
    output: Any
    writes: Mapping[str, Any]
    notes: Sequence[str]
    variables: Mapping[str, Any]


def show_runs(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """The newest runs, or those that are looked for."""
    status, bot = choice(visit, "status", _STATUSES), visit.query.get("bot", "")
    trouble = choice(visit, "trouble", ("", "in_doubt", "undelivered"))
    search = visit.query.get("search", "").strip()[:_LONGEST_SEARCH]
    rows = listing.runs_before(
        connection,
        before_of(visit),
        PAGE + 1,
        bots=visit.bots(bot),
        status="" if status == "all" else status,
        in_doubt=trouble == "in_doubt",
        undelivered=trouble == "undelivered",
        search=search,
    )
    shown = rows[:PAGE]
    return {
        "rows": shown,
        "people": directory.people(connection, {row.conversation for row in shown}),
        "messages": {row.seq: inbox.get(connection, row.message).message.text for row in shown},
        "status": status,
        "statuses": _STATUSES,
        "bot": bot,
        "trouble": trouble,
        "search": search,
        "next": following(visit, rows, lambda row: row.seq),
    }


def show_run(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """One run from beginning to end."""
    row = _found(visit, connection)
    story = story_of(connection, row)
    is_over = row.finished_at is not None
    picture, width = picture_of(connection, story)
    return {
        "row": row,
        "story": story,
        "person": directory.people(connection, {row.conversation}).get(row.conversation),
        "steps": _told(story),
        "picture": Markup(picture),  # made by `drawing`, which escapes what it is told
        "is_wide": width > _WIDE,
        "handoffs": handoffs.of_run(connection, row.seq),
        "waits_at": [] if is_over else [token.node for token in story.run.tokens if token.waiting],
        "is_over": is_over,
        "doubts": [doubt.what or doubt.node for doubt in steps.in_doubt(connection, row.seq)]
        if row.in_doubt
        else [],
        "may_retry": can_be_retried(row) or bool(row.in_doubt) or any(s.status == "dead" for s in story.said),
    }


async def cancel_run(visit: Visit) -> str:
    """End a run that is not over."""
    note = visit.form.get("note", "").strip()[:_LONGEST_NOTE]
    why = f"cancelled by {visit.reviewer.name}" + (f": {note}" if note else "")
    desk = visit.office.desk
    holder, now_ms = _holder(visit), desk.clock.now_ms()

    def cancel(connection: sqlite3.Connection) -> str:
        row = _found(visit, connection)
        commands.cancel_run(connection, row, why, holder=holder, now_ms=now_ms)
        return row.id

    id = await desk.database.write(cancel)
    desk.look()
    return f"/runs/{id}?told=cancelled"


async def retry_run(visit: Visit) -> str:
    """Take up a run that failed, and send again what could not be sent."""
    answer, desk = _answer(visit.form), visit.office.desk
    holder, now_ms = _holder(visit), desk.clock.now_ms()

    def retry(connection: sqlite3.Connection) -> tuple[str, int, int]:
        row = _found(visit, connection)
        return row.id, *commands.retry_run(connection, row, answer, now_ms)

    id, sent_again, event = await desk.database.write(retry)
    desk.look()
    told = ("retried" if holder else "later") if event else "sent" if sent_again else "settled"
    return f"/runs/{id}?told={told}"


def _answer(form: Mapping[str, str]) -> dict[str, Any] | None:
    """What became of effects that are in doubt, as a person found out."""
    how = form.get("how", "")
    if how == "done":
        try:
            return {"result": msgspec.json.decode(form.get("result", "") or "null")}
        except (msgspec.DecodeError, RecursionError):
            raise UserError("what it gave is not JSON", help='a text is written as "text"') from None
    return {"again": True} if how == "again" else None


def _found(visit: Visit, connection: sqlite3.Connection) -> RunRow:
    found = listing.ids(connection, "runs", visit.id, visit.bots())
    if len(found) != 1:
        raise Missing
    return runs.find(connection, found[0])


def _holder(visit: Visit) -> str:
    desk = visit.office.desk
    row = desk.database.read(lambda connection: _found(visit, connection))
    return holder_of(desk.state_folder, row.runner)


def _told(story: Story) -> list[list[Told]]:
    """The steps wave by wave, each with what was set when it ended."""
    variables: dict[str, Any] = {}
    waves: dict[int, list[Told]] = {}
    for row in story.steps:
        written = _loaded(row.writes)
        writes = written if isinstance(written, dict) else {}
        variables = {**variables, **writes}
        told = Told(
            row=row,
            place=_place(row.frame),
            input=_loaded(row.input),
            output=_loaded(row.output),
            writes=writes,
            notes=_loaded(row.notes) or [],
            variables=variables,
        )
        waves.setdefault(row.wave, []).append(told)
    return [waves[number] for number in sorted(waves)]


def _place(frame: str) -> str:
    return " ".join(f"{loop}[{index}]" for loop, index in json.loads(frame)) if frame else ""


def _loaded(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


_RUN = Page(path=_PATH_OF_RUN, template="run.html", show=show_run)
PAGES = (Page(path="/runs", template="runs.html", show=show_runs), _RUN)
ACTS = (
    Act(path=f"{_PATH_OF_RUN}/cancel", right="manage", act=cancel_run, page=_RUN),
    Act(path=f"{_PATH_OF_RUN}/retry", right="manage", act=retry_run, page=_RUN),
)
