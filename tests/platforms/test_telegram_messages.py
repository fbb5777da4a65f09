"""Telegram's updates as messages: what is ours, what it says, and what it is called."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.messages import Button
from botctl.platforms.telegram_messages import Me, read_update, texts_of
from tests.platforms.telegram_world import ADA, GROUP, PRIVATE, press, update

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


@pytest.mark.parametrize(
    ("change", "moved"),
    [({"migrate_to_chat_id": -1009}, ("-1001", "-1009")), ({"migrate_from_chat_id": -5}, ("-5", "-1001"))],
)
def test_a_group_that_grew_is_told_from_both_its_sides(
    change: dict[str, Any], moved: tuple[str, str]
) -> None:
    got = read(update(1, chat=GROUP, text=None, **change))

    assert (got.message, got.moved) == (None, moved)


def test_a_place_is_an_attachment_and_words_and_its_steps_are_left_out() -> None:
    venue = {"title": "Shop", "address": "1 Road", "location": {"latitude": 52.5, "longitude": 13.4}}
    place = {"latitude": 52.5, "longitude": 13.4}
    raw = update(1, text=None, venue=venue, location=place)
    step = {"update_id": 9, "edited_message": {**update(1, text=None, location=place)["message"]}}

    got, plain, moving = read(raw), read(update(2, text=None, location=place)), read(step)

    assert (got.message.text, plain.message.text) == ("Shop, 1 Road (52.5,13.4)", "(52.5,13.4)")
    assert [(one.kind, one.url, one.name) for one in got.message.attachments] == [
        ("location", "geo:52.5,13.4", "Shop, 1 Road")
    ]
    assert (moving.message, bool(moving.reason)) == (None, True)


@pytest.mark.parametrize(
    ("field", "file", "kind", "name", "media_type"),
    [
        ("voice", {}, "audio", "voice.ogg", "audio/ogg"),
        ("video_note", {}, "video", "video_note.mp4", "video/mp4"),
        ("sticker", {}, "image", "sticker.webp", "image/webp"),
        ("sticker", {"is_video": True}, "image", "sticker.webm", "video/webm"),
        ("sticker", {"is_animated": True}, "image", "sticker.tgs", "application/x-tgsticker"),
        ("document", {"file_name": "a.pdf", "mime_type": "application/pdf"}, "document", "a.pdf", None),
    ],
)
def test_files_have_a_name_and_a_type_also_when_telegram_tells_none(
    field: str, file: dict[str, Any], kind: str, name: str, media_type: str | None
) -> None:
    got = read(update(1, text=None, **{field: {"file_id": "f", **file}}))

    assert [(one.kind, one.name, one.media_type) for one in got.files] == [
        (kind, name, media_type or "application/pdf")
    ]


def test_a_moving_picture_is_one_file_though_it_is_told_twice() -> None:
    got = read(update(1, text=None, animation={"file_id": "f"}, document={"file_id": "f"}))

    assert [one.kind for one in got.files] == ["video"]


def test_in_a_topic_only_replies_to_the_bot_itself_are_meant_for_it() -> None:
    opened = {"from": {"id": 99}, "message_id": 1, "forum_topic_created": {"name": "t"}}

    got = read(update(1, chat=GROUP, text="just chatting", reply_to_message=opened, message_thread_id=1))

    assert (got.message, got.reason) == (None, "it is not meant for this bot")


def test_only_in_groups_is_it_kept_which_message_is_answered() -> None:
    ours = {"text": "/ask", "entities": [entity("bot_command", 0, 4)]}

    replies = [read(update(3, chat=chat, **ours)).message.reply for chat in (GROUP, PRIVATE)]

    assert replies == [{"message_id": 3}, {}]


@pytest.mark.parametrize("change", [{"message": None}, {"data": None}, {"from": {**ADA, "is_bot": True}}])
def test_a_press_without_a_place_or_a_value_is_answered_and_starts_nothing(change: dict[str, Any]) -> None:
    raw = press(3, **change)
    query = {name: value for name, value in raw["callback_query"].items() if value is not None}

    got = read({**raw, "callback_query": query})

    assert (got.message, got.callback) == (None, "q3")


def test_a_press_below_a_message_that_is_too_old_to_be_told_keeps_its_chat() -> None:
    got = read(press(3, "yes", message={"message_id": 1, "chat": GROUP, "date": 0}))

    assert (got.message.channel_id, got.message.text) == ("-1001", "yes")
