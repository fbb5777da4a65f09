"""Messages of Slack: payloads of the Events API, of buttons and of slash commands, read.

Shapes: docs.slack.dev/reference/events/message, /app_mention, /interaction-payloads/block_actions-payload and
/interactivity/implementing-slash-commands, read 2026-11. The same payloads come by Socket Mode.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from msgspec import Struct

from botctl.messages import AttachmentKind, IncomingMessage
from botctl.platforms.slack_text import mentions, plain, storable, unescape, without_mention

_SPOKEN = frozenset(("", "file_share", "thread_broadcast"))
"""Subtypes of what people say; all others are edits, deletions, joins and the like."""

_SLACKBOT = "USLACKBOT"
_KINDS: Mapping[str, AttachmentKind] = {"image": "image", "audio": "audio", "video": "video"}


class MalformedError(ValueError):
    """A payload that is not as Slack documents it; says where, without what stands in it."""


class SlackFile(Struct, frozen=True):
    """A file that Slack holds. url: where it is; "" if it cannot be had."""

    kind: AttachmentKind
    name: str
    media_type: str
    size: int
    url: str


class Heard(Struct, frozen=True):
    """What somebody said to the bot. thread: the channel's thread that the bot is in from now on, if any."""

    message: IncomingMessage
    files: tuple[SlackFile, ...] = ()
    thread: str = ""


class Listener(Struct, frozen=True):
    """Who listens: the bot, its user at Slack, and the threads (`<channel>:<ts>`) that it is in."""

    bot: str
    user: str
    threads: Container[object]


def read(body: Mapping[str, Any], listener: Listener, now_ms: int) -> Heard | None:
    """What a payload says to the bot; None if nothing. A MalformedError where it cannot be told."""
    if body.get("type") == "event_callback":
        return _event(body, listener, now_ms)
    if body.get("type") == "block_actions":
        return _press(body, listener, now_ms)
    if "command" in body:
        return _command(body, listener, now_ms)
    return None


def bot_user(body: Mapping[str, Any]) -> str:
    """The bot's own user, which every event names; "" if this one does not."""
    authorizations = body.get("authorizations")
    for one in authorizations if isinstance(authorizations, list) else ():
        if isinstance(one, dict) and one.get("is_bot") is True:
            return _text(one, "user_id")
    return ""


def _event(body: Mapping[str, Any], listener: Listener, now_ms: int) -> Heard | None:
    event = _map(body, "event")
    if event.get("type") not in ("message", "app_mention") or _text(event, "subtype") not in _SPOKEN:
        return None
    if event.get("hidden") or event.get("bot_id") or event.get("bot_profile"):
        return None
    user, channel, ts = (_needed(event, name) for name in ("user", "channel", "ts"))
    if user in (listener.user, _SLACKBOT):
        return None
    text, thread = _text(event, "text"), _text(event, "thread_ts")
    is_direct = _is_direct(channel, event)
    if not is_direct and not _is_for(listener, event, channel, text, thread):
        return None
    place = _place(is_direct, channel, thread, ts)
    message = IncomingMessage(
        bot=listener.bot,
        platform="slack",
        # An event_id tells deliveries apart, not messages: a mention comes as two events of one ts.
        dedupe_key=f"{_text(body, 'team_id')}:{channel}:{ts}",
        channel_id=channel,
        user_id=user,
        text=plain(without_mention(text, listener.user)),
        received_at=now_ms,
        thread_id=place.thread_id,
        reply=place.reply,
    )
    return Heard(message, _files(event), place.joined)


def _is_for(listener: Listener, event: Mapping[str, Any], channel: str, text: str, thread: str) -> bool:
    """Whether what is said in a channel is said to the bot."""
    if event.get("type") == "app_mention" or mentions(text, listener.user):
        return True
    is_in = f"{channel}:{thread}" in listener.threads or event.get("parent_user_id") == listener.user
    return bool(thread) and is_in and not text.lstrip().startswith("<@")


def _press(body: Mapping[str, Any], listener: Listener, now_ms: int) -> Heard | None:
    actions = body.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], dict):
        raise MalformedError("block_actions without `actions`")
    action, user = actions[0], _map(body, "user")
    container = _map(body, "container") if body.get("container") else {}
    channel = _text(_map(body, "channel") if body.get("channel") else {}, "id")
    channel = channel or _text(container, "channel_id")
    if action.get("type") != "button" or not channel:
        return None
    pressed = _map(body, "message") if body.get("message") else {}
    ts = _text(container, "message_ts") or _needed(pressed, "ts")
    thread = _text(container, "thread_ts") or _text(pressed, "thread_ts")
    place = _place(_is_direct(channel, {}), channel, thread, ts)
    # Slack gives & < > of what a button has back as entities (bolt-python issue 513, 2021-11).
    value = unescape(_text(action, "value"))
    team = _text(_map(body, "team") if body.get("team") else {}, "id") or _text(user, "team_id")
    message = IncomingMessage(
        bot=listener.bot,
        platform="slack",
        dedupe_key=f"{team}:{channel}:{_needed(action, 'action_ts')}",
        channel_id=channel,
        user_id=_needed(user, "id"),
        user_name=_text(user, "username") or _text(user, "name"),
        text=value,
        kind="button",
        button_value=value,
        received_at=now_ms,
        thread_id=place.thread_id,
        reply=place.reply,
    )
    return Heard(message, thread=place.joined)


def _command(body: Mapping[str, Any], listener: Listener, now_ms: int) -> Heard | None:
    """`/ask` is followed by what is asked; every other command is the message itself."""
    command, said = _needed(body, "command"), plain(_text(body, "text")).strip()
    is_question = command == "/ask"
    channel = _needed(body, "channel_id")
    message = IncomingMessage(
        bot=listener.bot,
        platform="slack",
        dedupe_key=f"{_text(body, 'team_id')}:{channel}:{_needed(body, 'trigger_id')}",
        channel_id=channel,
        user_id=_needed(body, "user_id"),
        user_name=_text(body, "user_name"),
        text=said if is_question else f"{command} {said}".strip(),
        kind="text" if is_question else "command",
        received_at=now_ms,
        reply={"response_url": _text(body, "response_url")} if body.get("response_url") else {},
    )
    return Heard(message)


class _Place(Struct, frozen=True):
    """Where a message belongs to: its conversation's thread, where the answer goes, the thread joined."""

    thread_id: str
    reply: Mapping[str, Any]
    joined: str


def _place(is_direct: bool, channel: str, thread: str, ts: str) -> _Place:
    """A direct channel is one conversation, answered where it was asked; elsewhere each thread is one."""
    if is_direct:
        return _Place("", {"thread_ts": thread} if thread else {}, "")
    return _Place(thread or ts, {}, f"{channel}:{thread or ts}")


def _is_direct(channel: str, event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "im" or channel.startswith("D")


def _files(event: Mapping[str, Any]) -> tuple[SlackFile, ...]:
    files = event.get("files")
    return tuple(_file(one) for one in files if isinstance(one, dict)) if isinstance(files, list) else ()


def _file(file: Mapping[str, Any]) -> SlackFile:
    media_type, size = _text(file, "mimetype"), file.get("size")
    is_there = file.get("mode") not in ("tombstone", "hidden_by_limit")
    url = _text(file, "url_private_download") or _text(file, "url_private")
    return SlackFile(
        kind=_KINDS.get(media_type.partition("/")[0], "document"),
        name=unescape(_text(file, "name") or _text(file, "title")) or "file",
        media_type=media_type,
        size=size if isinstance(size, int) and not isinstance(size, bool) else 0,
        url=url if is_there else "",
    )


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return storable(value) if isinstance(value, str) else ""


def _needed(found: Mapping[str, Any], name: str) -> str:
    value = _text(found, name)
    if not value:
        raise MalformedError(f"`{name}` is missing")
    return value


def _map(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    if not isinstance(value, dict):
        raise MalformedError(f"`{name}` is not an object")
    return value
