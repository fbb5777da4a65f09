"""Telegram's updates as messages: what is ours, what it says, and what it is called."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.messages import Button
from botctl.platforms.telegram_messages import Me, read_update, texts_of
from tests.platforms.telegram_world import ADA, GROUP, press, update

ME = Me(99, "SupportBot")


def read(raw: dict[str, Any]) -> Any:
    return read_update(raw, ME, "support-bot", 5)


def entity(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


def test_a_private_message_keeps_who_where_and_what() -> None:
    message = read(update(1, text="hello")).message

    assert (message.text, message.channel_id, message.user_id, message.user_name) == (
        "hello",
        "7",
        "7",
        "Ada L",
    )
    assert (message.dedupe_key, message.kind, message.thread_id) == ("m:7:1", "text", "")


def test_an_edit_is_a_message_of_its_own_and_a_redelivery_is_not() -> None:
    first = update(1)
    edited = {"update_id": 9, "edited_message": {**first["message"], "edit_date": 77}}

    keys = [read(raw).message.dedupe_key for raw in (first, {**first, "update_id": 8}, edited)]

    assert keys == ["m:7:1", "m:7:1", "e:7:1:77"]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"text": "@SupportBot where is it?", "entities": [entity("mention", 0, 11)]}, "where is it?"),
        ({"text": "👍👍 @supportbot hi", "entities": [entity("mention", 5, 11)]}, "👍👍  hi"),
        ({"text": "Bot hi", "entities": [entity("text_mention", 0, 3, user={"id": 99})]}, "hi"),
        ({"text": "yes", "reply_to_message": {"from": {"id": 99}}}, "yes"),
        ({"text": "/ask@SupportBot x", "entities": [entity("bot_command", 0, 15)]}, "/ask x"),
        ({"text": "/reset", "entities": [entity("bot_command", 0, 6)]}, "/reset"),
        ({"text": "just chatting"}, None),
        ({"text": "@other hi", "entities": [entity("mention", 0, 6)]}, None),
        ({"text": "yes", "reply_to_message": {"from": {"id": 98}}}, None),
        ({"text": "/ask@other x", "entities": [entity("bot_command", 0, 10)]}, None),
    ],
)
def test_in_a_group_only_what_is_meant_for_the_bot_is_a_message(
    message: dict[str, Any], text: str | None
) -> None:
    got = read(update(1, chat=GROUP, **message)).message

    assert (got.text if got else None) == text


@pytest.mark.parametrize(
    "message",
    [
        {"from": {**ADA, "is_bot": True}},
        {"via_bot": {"id": 5}},
        {"sender_chat": {"id": -5}},
        {"chat": {"id": -5, "type": "channel"}},
        {"from": None},
        {"text": None, "new_chat_members": []},
        {"text": "/start@other", "entities": [entity("bot_command", 0, 12)]},
    ],
)
def test_bots_channels_and_service_messages_are_left_out_with_a_reason(message: dict[str, Any]) -> None:
    got = read(update(1, **message))

    assert (got.message, bool(got.reason)) == (None, True)


def test_topics_are_threads_and_captions_are_texts() -> None:
    raw = update(
        1,
        text=None,
        caption="look",
        message_thread_id=4,
        is_topic_message=True,
        photo=[
            {"file_id": "small", "width": 1, "file_size": 5},
            {"file_id": "big", "width": 2, "file_size": 9},
        ],
    )

    got = read(raw)

    assert (got.message.text, got.message.thread_id) == ("look", "4")
    assert [(file.kind, file.file_id, file.media_type) for file in got.files] == [
        ("image", "big", "image/jpeg")
    ]


def test_a_pressed_button_is_its_value_under_its_label() -> None:
    got = read(press(3, "ho:abc:approved"))

    assert (got.message.kind, got.message.button_value, got.message.text) == (
        "button",
        "ho:abc:approved",
        "Yes",
    )
    assert (got.message.dedupe_key, got.callback) == ("cb:q3", "q3")


def test_long_texts_are_split_by_utf16_and_wide_buttons_become_numbers() -> None:
    parts, keyboard = texts_of("😀" * 3000, (Button(label="Yes", value="y"),))
    numbered, none = texts_of("Which?", (Button(label="A", value="x" * 65), Button(label="B", value="b")))

    assert [len(part.encode("utf-16-le")) // 2 for part in parts] == [4096, 1904]
    assert keyboard == [[{"text": "Yes", "callback_data": "y"}]]
    assert (numbered, none) == (["Which?\n1. A\n2. B"], [])
