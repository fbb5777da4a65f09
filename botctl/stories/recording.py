"""The recording: a run that happened, as a story that can be played again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from botctl.clock import to_iso
from botctl.errors import UserError
from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.project.load import Bot
from botctl.store import challenges, handoffs, inbox, outbox, recorded, runs, steps
from botctl.store.recorded import RecordedRow
from botctl.store.runs import RunRow

_MINUTE_MS = 60_000
_SECOND_MS = 1_000
_WHO = ("node", "bot", "after_tool")

Written = dict[str, Any]


class _Moment(Struct, kw_only=True):
    """Something that happened to a run, and what came of it."""

    at: int
    kind: Literal["message", "decision", "link", "time"]
    step: Written
    said: list[OutgoingMessage]
    calls: list[Written]
    reasons: list[str]
    has_output: bool = False


class _Family(Struct, frozen=True, kw_only=True):
    """A run and those it called: root first."""

    rows: Sequence[RunRow]

    @property
    def root(self) -> RunRow:
        """The run that the user talked to."""
        return self.rows[0]


def story_of_run(connection: sqlite3.Connection, row: RunRow, bot: Bot) -> Written:
    """A file with one story, as values: what was said, what models and tools answered, who decided what and
    when. A UserError if the run is not over or was not recorded."""
    family = _family(connection, row)
    root = family.root
    if root.finished_at is None and root.status != "waiting":
        raise UserError(f"run {root.id} is `{root.status}`", help="wait until it is over, or waits")
    calls = [one for run in family.rows for one in recorded.of_run(connection, run.seq)]
    calls.sort(key=lambda one: one.number)
    if not calls and any(run.tool_calls or run.tokens for run in family.rows):
        raise UserError(
            f"what models and tools answered in run {root.id} was not recorded",
            help="`record: all` in botctl.yaml keeps it of all runs from now on, not only in the terminal",
        )
    messages = _messages(connection, root)
    if not messages:
        raise UserError(f"the messages of run {root.id} are not kept any more")
    moments = list(_moments(connection, family, messages))
    _share_out(connection, family, moments, calls, messages[0])
    names = {run.seq: run.bot for run in family.rows}
    story: Written = {"name": _name(root, messages[0]), "now": to_iso(messages[0].received_at)}
    verified = _verified(connection, family)
    story["users"] = {"user": _user(messages[0]) | ({"verified": verified} if verified else {})}
    models = list(_models([one for one in calls if one.kind == "model"], names, root.bot))
    if models:
        story["models"] = models
    tools = _tools([one for one in calls if one.kind == "tool"])
    if tools:
        story["tools"] = tools
    story["steps"] = list(_steps(connection, family, moments, bot))
    return {"stories": [story]} if row.seq == root.seq else {"bot": root.bot, "stories": [story]}


def _family(connection: sqlite3.Connection, row: RunRow) -> _Family:
    while row.parent is not None:
        row = runs.get(connection, row.parent)
    rows = [row]
    for one in rows:
        rows += [runs.get(connection, seq) for seq in runs.called_by(connection, one.seq)]
    return _Family(rows=rows)


def _messages(connection: sqlite3.Connection, root: RunRow) -> list[IncomingMessage]:
    """What a run was told, in order; also that with which it is not done yet."""
    found = {one.seq: one.message for one in inbox.of_run(connection, root.seq)}
    for seq in (root.message, root.dealing):
        if seq and seq not in found and inbox.is_kept(connection, seq):
            found[seq] = inbox.get(connection, seq).message
    return [found[seq] for seq in sorted(found)]


def _verified(connection: sqlite3.Connection, family: _Family) -> Written:
    """The contacts by which the user had been verified before, by kind."""
    contacts: Written = {}
    for run in family.rows:
        for row in steps.of_run(connection, run.seq):
            if row.type == "auth_gate" and row.handle == "verified" and "(`remember`)" in (row.notes or ""):
                for contact in json.loads(row.writes or "{}").values():
                    contacts.setdefault("email" if "@" in str(contact) else "phone", contact)
    return contacts


def _name(root: RunRow, first: IncomingMessage) -> str:
    text = " ".join(first.text.split())
    return f"run {root.id}: {text[:60]}".strip()


def _user(message: IncomingMessage) -> Written:
    user: Written = {"id": message.user_id, "platform": message.platform}
    if message.channel_id != message.user_id:
        user["channel"] = message.channel_id
    if message.thread_id:
        user["thread"] = message.thread_id
    if message.user_name:
        user["name"] = message.user_name
    return user


def _moments(
    connection: sqlite3.Connection, family: _Family, messages: Sequence[IncomingMessage]
) -> Iterator[_Moment]:
    """All that happened to a run, in order."""
    codes: dict[str, str] = {}
    found: list[_Moment] = []
    for run in family.rows:
        for method, hash, used_at in challenges.of_run(connection, run.seq):
            codes[hash] = method
            if method == "link" and used_at is not None:
                found.append(_moment(used_at, "link", {"link": "press"}))
        for row in handoffs.of_run(connection, run.seq):
            if row.decided_at is None or row.status == "cancelled":
                continue
            if row.status == "expired":
                found.append(_moment(row.decided_at, "time", {}))
                continue
            answer = "approve" if row.status == "approved" else "reject"
            decision: Written = {"answer": answer, "by": row.decided_by, "node": row.node}
            decision |= {"note": row.note} if row.note else {}
            decision |= {"set": dict(row.sets)} if row.sets else {}
            found.append(_moment(row.decided_at, "decision", {"decide": decision}))
        found += [_moment(at, "time", {}) for at in _alarms(connection, run)]
    found += [_moment(message.received_at, "message", _spoken(message, codes)) for message in messages]
    found.sort(key=lambda moment: moment.at)
    return iter(found)


def _moment(at: int, kind: Literal["message", "decision", "link", "time"], step: Written) -> _Moment:
    return _Moment(at=at, kind=kind, step=step, said=[], calls=[], reasons=[])


def _alarms(connection: sqlite3.Connection, run: RunRow) -> Iterator[int]:
    """When a run was woken by the clock, or said what it had scheduled while it was not over."""
    rows = steps.of_run(connection, run.seq)
    for index, row in enumerate(rows):
        waited_in_vain = row.handle == "timeout" or "longer than" in (row.notes or "")
        if waited_in_vain:
            later = [one.started_at for one in rows[index + 1 :] if one.wave > row.wave]
            yield min(later, default=run.finished_at or row.started_at)
    for at, message in outbox.messages_of(connection, run.seq):
        if message.purpose == "scheduled" and (run.finished_at is None or at <= run.finished_at):
            yield at


def _spoken(message: IncomingMessage, codes: Mapping[str, str]) -> Written:
    """What a user did, as a step."""
    step: Written
    if message.code_hash:
        step = {"code": "right" if message.code_hash in codes else "wrong"}
    elif message.kind == "button":
        step = {"press": message.button_value or message.text}
    else:
        step = {"say": message.text}
    files = [
        {
            name: getattr(one, name)
            for name in ("kind", "name", "media_type", "size", "refused")
            if getattr(one, name)
        }
        for one in message.attachments
    ]
    return {**step, "files": files} if files else step


def _share_out(
    connection: sqlite3.Connection,
    family: _Family,
    moments: Sequence[_Moment],
    calls: Sequence[RecordedRow],
    first: IncomingMessage,
) -> None:
    """Give each thing that came of the run to the moment it came of: the last one before it."""
    for run in family.rows:
        for at, message in outbox.messages_of(connection, run.seq):
            here = (message.platform, message.channel_id) == (first.platform, first.channel_id)
            if here and message.purpose != "notice" and (run.finished_at is None or at <= run.finished_at):
                owner = _owner(moments, at)
                owner.said.append(message)
        for row in handoffs.of_run(connection, run.seq):
            _owner(moments, row.created_at).reasons.append(row.reason)
    for call in calls:
        asked, answered = json.loads(call.asked), json.loads(call.answered)
        if call.kind == "tool" and not answered.get("not_executed"):
            _owner(moments, call.at).calls.append({asked["tool"]: asked["arguments"]})


def _owner(moments: Sequence[_Moment], at: int) -> _Moment:
    before = [moment for moment in moments if moment.at <= at]
    if not before:
        return moments[0]
    owner = before[-1]
    if owner.at == at and len(before) > 1 and not before[-2].has_output and owner.kind == "message":
        owner = before[-2]  # the answer and the next message came in the same millisecond
    owner.has_output = True
    return owner


def _steps(
    connection: sqlite3.Connection, family: _Family, moments: Sequence[_Moment], bot: Bot
) -> Iterator[Written]:
    now = moments[0].at
    least = _SECOND_MS if any(challenges.of_run(connection, run.seq) for run in family.rows) else _MINUTE_MS
    for number, moment in enumerate(moments):
        gap = moment.at - now
        step = dict(moment.step)
        if moment.kind == "time":
            step["after"] = _duration(gap)
            now = moment.at
        elif gap >= least:
            yield {"after": _duration(gap)}
            now = moment.at
        said = [_message(message) for message in moment.said]
        if number == 0 and bot.spec.welcome_message:
            said.insert(0, bot.spec.welcome_message)
        step["expect"] = said[0] if len(said) == 1 and isinstance(said[0], str) else said
        if moment.calls:
            step["called"] = moment.calls
        if moment.reasons:
            step["handoff"] = moment.reasons
        if number == len(moments) - 1:
            step |= _ending(connection, family, is_only=len(moments) == 1)
        yield step


def _duration(ms: int) -> str:
    return f"{ms / 1000:g}s" if ms % 1000 else f"{ms // 1000}s"


def _message(message: OutgoingMessage) -> str | Written:
    if message.buttons:
        return {"text": message.text, "buttons": [button.label for button in message.buttons]}
    return message.text


def _ending(connection: sqlite3.Connection, family: _Family, *, is_only: bool) -> Written:
    """What became of the run; and its path, if nothing woke it meanwhile: then the journal tells it."""
    root = family.root
    ending: Written = {"status": root.status} if root.status != "cancelled" else {}
    if root.kind == "workflow" and is_only and len(family.rows) == 1 and root.status == "completed":
        ending["path"] = [
            f"{row.node}.{row.handle}" if row.handle not in ("", "next") else row.node
            for row in steps.of_run(connection, root.seq)
        ]
    return ending


def _models(calls: Sequence[RecordedRow], names: Mapping[int, str], root: str) -> Iterator[Written]:
    """A stub for each call; what a model is told first stands in the first of a node."""
    told: set[tuple[str, str, str]] = set()
    for call in calls:
        stub = _model(call, names, root)
        system = json.loads(call.asked).get("system", "")
        key = (names[call.run], call.node, system)
        if system and "***" not in system and key not in told:
            told.add(key)
            stub = {**{name: value for name, value in stub.items() if name in _WHO}, "system": system, **stub}
        yield stub


def _model(call: RecordedRow, names: Mapping[int, str], root: str) -> Written:
    """A stub that answers this one call, and only to the very same prompt."""
    asked, answered = json.loads(call.asked), json.loads(call.answered)
    stub: Written = {"node": call.node}
    if names[call.run] != root:
        stub["bot"] = names[call.run]
    if asked["after_tool"]:
        stub["after_tool"] = asked["after_tool"]
    stub |= {"prompt": asked["prompt"], "times": 1}
    if "failed" in answered:
        error = {"message": answered["failed"], "retryable": answered["retryable"]}
        error |= {"retry_after": answered["retry_after"]} if answered["retry_after"] is not None else {}
        return {**stub, "error": error}
    if answered["calls"]:
        stub["calls"] = [
            {"tool": one["tool"], "arguments": one["arguments"]}
            if one["arguments"] is not None
            else {"tool": one["tool"], "malformed": one["raw"]}
            for one in answered["calls"]
        ]
    if answered["text"] or not answered["calls"]:
        stub["reply"] = answered["text"]
    if answered["stop"] in ("length", "refusal"):
        stub["stop"] = answered["stop"]
    return stub


def _tools(calls: Sequence[RecordedRow]) -> Written:
    """Stubs by tool, each for one call."""
    stubs: Written = {}
    last = {json.loads(call.asked)["tool"]: call for call in calls}
    for call in calls:
        asked, answered = json.loads(call.asked), json.loads(call.answered)
        stub: Written = {"arguments": asked["arguments"]} if asked["arguments"] else {}
        if not (answered.get("not_executed") and last[asked["tool"]] is call):
            stub["times"] = 1  # a server that never answered again is down however often it is asked
        if "failed" in answered:
            stub["down" if answered["not_executed"] else "silent"] = True
        elif answered["is_error"]:
            stub["error"] = answered["text"]
        else:
            stub["result"] = answered["value"]
        stubs.setdefault(asked["tool"], []).append(stub)
    return stubs
