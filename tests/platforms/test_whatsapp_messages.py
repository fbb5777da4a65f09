"""WhatsApp's webhooks as messages: recorded payloads, odd ones, and a second opinion."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import pywa
from pywa import filters, types

from botctl.messages import Attachment, IncomingMessage
from botctl.platforms.whatsapp_messages import Brought, Heard, LeftAside, Undelivered, read_webhook
from tests.fakes.graph_server import NUMBER
from tests.platforms.whatsapp_world import PERSON, PHONE, payload, text, webhook

NOT_HANDED_ON = "WhatsApp does not hand messages of this kind on to bots"


def read(document: Any) -> list[Brought]:
    return list(read_webhook(document, bot="b", phone_number_id=NUMBER, now_ms=7))


def heard(document: Any) -> Heard:
    (one,) = read(document)
    assert isinstance(one, Heard)
    return one


def test_a_recorded_text_becomes_a_message() -> None:
    one = heard(payload("text"))

    assert one.message == IncomingMessage(
        bot="b",
        platform="whatsapp",
        dedupe_key="wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
        channel_id=PERSON,
        user_id=PERSON,
        user_name="Sheena Nelson",
        text="Does it come in another color?",
        received_at=7,
        reply={
            "message_id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
            "number": PHONE,
        },
    )


@pytest.mark.parametrize(
    ("name", "words", "media"),
    [
        ("image", "see", ("image", "1003383421387256", "image.jpg", "image/jpeg")),
        ("document", "inv", ("document", "1003383421387256", "a.pdf", "application/pdf")),
    ],
)
def test_a_recorded_file_is_to_be_fetched(name: str, words: str, media: tuple[str, ...]) -> None:
    one = heard(payload(name))

    assert one.media is not None
    assert (one.media.kind, one.media.id, one.media.name, one.media.media_type) == media
    assert one.message.text == words


def test_a_recorded_place_is_an_attachment_and_words() -> None:
    message = heard(payload("location")).message

    assert message.text == "HQ, 1 Hacker Way (37.44,-122.16)"
    assert message.attachments == (
        Attachment(kind="location", name="HQ, 1 Hacker Way", url="geo:37.44,-122.16"),
    )


def test_a_recorded_button_is_pressed_by_its_presser() -> None:
    message = heard(payload("button_reply")).message

    assert (message.kind, message.text, message.button_value) == ("button", "Approve", "ho:1:a")
    assert message.user_id == PERSON


def test_recorded_statuses_tell_only_of_what_failed() -> None:
    details = (
        "131047 Message failed to send because more than 24 hours have passed since the customer last replied"
        " to this number."
    )
    failed = payload("status_failed_24h")
    failed["entry"][0]["changes"][0]["value"]["statuses"][0]["biz_opaque_callback_data"] = "out7"

    assert read(payload("status_delivered")) == []
    assert read(failed) == [Undelivered(wamid="wamid.out2", outbox_id="out7", code=131047, reason=details)]


SAID: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
    (text("/reset"), ("command", "/reset", "")),
    (text("/ 3"), ("text", "/ 3", "")),
    (
        {
            "type": "interactive",
            "interactive": {
                "type": "list_reply",
                "list_reply": {"id": "v", "title": "T", "description": "d"},
            },
        },
        ("button", "T", "v"),
    ),
    ({"type": "button", "button": {"payload": "yes-1", "text": "Yes"}}, ("button", "Yes", "yes-1")),
    (
        {
            "type": "interactive",
            "interactive": {"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": '{"a": 1}'}},
        },
        ("text", '{"a": 1}', ""),
    ),
    (
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Ada Lovelace"},
                    "phones": [{"phone": "+44 20", "type": "WORK"}],
                    "emails": [{"email": "ada@example.com"}],
                },
                {"name": {"formatted_name": "Bob"}},
            ],
        },
        ("text", "Ada Lovelace: +44 20, ada@example.com\nBob", ""),
    ),
    (
        {"type": "edit", "edit": {"original_message_id": "wamid.old", "message": text("corrected")}},
        ("text", "corrected", ""),
    ),
    (text("half a \ud800 pair"), ("text", "half a ? pair", "")),
]


@pytest.mark.parametrize(("message", "expected"), SAID)
def test_what_is_said_by_other_means_is_said(message: dict[str, Any], expected: tuple[str, ...]) -> None:
    one = heard(webhook(message)).message

    assert (one.kind, one.text, one.button_value) == expected


@pytest.mark.parametrize(
    ("type", "part", "kind", "name"),
    [
        ("video", {"mime_type": "video/mp4"}, "video", "video.mp4"),
        ("audio", {"mime_type": "audio/ogg; codecs=opus", "voice": True}, "audio", "voice.oga"),
        ("sticker", {"mime_type": "image/webp"}, "image", "sticker.webp"),
        ("document", {"mime_type": "x/unknown"}, "document", "document"),
    ],
)
def test_files_without_a_name_get_one(type: str, part: dict[str, Any], kind: str, name: str) -> None:
    media = heard(webhook({"type": type, type: {"id": "5", **part}})).media

    assert media is not None
    assert (media.kind, media.name.replace(".ogg", ".oga")) == (kind, name)


UNSUPPORTED = {"code": 131051, "title": "Message type unknown", "error_data": {"details": "not supported"}}


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"type": "unsupported", "errors": [UNSUPPORTED]}, f"{NOT_HANDED_ON} (not supported)"),
        ({"type": "hologram", "hologram": {"id": "1"}}, NOT_HANDED_ON),
        ({"type": "image", "image": {}}, NOT_HANDED_ON),
        ({"type": "interactive", "interactive": {"type": "call_permission_reply"}}, NOT_HANDED_ON),
        ({"type": None}, NOT_HANDED_ON),
    ],
)
def test_what_cannot_be_read_reaches_the_bot_as_a_file_that_was_refused(
    message: dict[str, Any], why: str
) -> None:
    one = heard(webhook(message)).message

    assert one.attachments == (Attachment(kind="other", name="your message", refused=why),)


@pytest.mark.parametrize("type", ["reaction", "system", "request_welcome", "revoke"])
def test_what_asks_for_no_answer_is_left_aside_with_its_reason(type: str) -> None:
    (one,) = read(webhook({"type": type, type: {"emoji": "👍"}}))

    assert isinstance(one, LeftAside) and one.reason and one.id == "wamid.0" and not one.is_odd


def test_a_user_without_a_number_is_known_by_his_business_scoped_id() -> None:
    contact = {"profile": {"username": "sheena"}, "user_id": PERSON}
    hidden = webhook(text("hi"), contacts=[contact])
    message = hidden["entry"][0]["changes"][0]["value"]["messages"][0]
    del message["from"]
    bare = json.loads(json.dumps(hidden))
    del bare["entry"][0]["changes"][0]["value"]["messages"][0]["from_user_id"]

    for document in (hidden, bare):
        one = heard(document).message
        assert (one.channel_id, one.user_id, one.user_name) == (PERSON, PERSON, "sheena")
        assert "number" not in one.reply


def test_a_user_without_a_business_scoped_id_is_known_by_his_number() -> None:
    document = webhook(text("hi"), contacts=[{"profile": {"name": "Ada"}, "wa_id": PHONE}])
    del document["entry"][0]["changes"][0]["value"]["messages"][0]["from_user_id"]
    one = heard(document).message

    assert (one.channel_id, one.user_id, one.user_name) == (PHONE, PHONE, "Ada")


def test_all_messages_of_a_webhook_come_in_order_and_with_their_own_names() -> None:
    other = {"from": "49170", "from_user_id": "DE.2"}
    contacts = [
        {"profile": {"name": "Sheena"}, "user_id": PERSON, "wa_id": PHONE},
        {"profile": {"name": "Otto"}, "user_id": "DE.2", "wa_id": "49170"},
    ]
    document = webhook(text("one"), text("two", **other), contacts=contacts)
    document["entry"][0]["changes"] += webhook(text("three"))["entry"][0]["changes"]
    document["entry"] += webhook(text("four"))["entry"]

    found = [(one.message.text, one.message.user_name) for one in read(document) if isinstance(one, Heard)]

    assert found == [
        ("one", "Sheena"),
        ("two", "Otto"),
        ("three", "Sheena Nelson"),
        ("four", "Sheena Nelson"),
    ]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (webhook(text("hi"), number="999"), "it is for the number with the id 999"),
        (webhook(text("hi", group_id="g")), "it was said in a group"),
        (webhook({"type": "text", "id": ""}), "a message of type `text` has no id"),
        (
            webhook({"type": "text", "from": None, "from_user_id": None}, contacts=[]),
            "a message of type `text` has no sender",
        ),
    ],
)
def test_what_should_not_have_come_is_told_of(document: Any, said: str) -> None:
    (one,) = read(document)

    assert isinstance(one, LeftAside) and one.reason.startswith(said) and one.is_odd


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"entry": 5},
        {"entry": [None, {"changes": [7, {"field": "messages", "value": []}]}]},
        {"entry": [{"changes": [{"field": "messages", "value": {"metadata": 1, "messages": ["x"]}}]}]},
    ],
)
def test_a_shape_that_nobody_knows_brings_nothing_and_raises_nothing(document: Any) -> None:
    assert read(document) == []


def test_no_damage_to_a_webhook_raises_anything() -> None:
    junk: list[Any] = [None, 5, "x", [], {}, [[]], {"a": 1}, True, -1.5, "\ud800"]
    names = ["text", "image", "document", "location", "button_reply", "status_failed_24h"]

    def damaged(value: Any) -> list[Any]:
        """The value with each of its parts replaced, one at a time."""
        if isinstance(value, dict):
            return [{**value, k: bad} for k, v in value.items() for bad in (*junk, *damaged(v))]
        if isinstance(value, list):
            return [[bad] for v in value for bad in (*junk, *damaged(v))]
        return []

    documents = [document for name in names for document in damaged(payload(name))]
    read_all = [read(document) for document in documents]

    assert len(read_all) > 1000


def test_pywa_reads_the_recorded_webhooks_the_same_way() -> None:
    seen: list[tuple[str, str, str, str]] = []
    done = threading.Event()
    client = pywa.WhatsApp(phone_id=NUMBER, token="t", server=None)

    def note(update: Any, words: str) -> None:
        seen.append((update.id, update.from_user.bsuid, update.from_user.name, words))
        done.set()

    @client.on_message(filters.text | filters.media)
    def on_message(_: pywa.WhatsApp, message: types.Message) -> None:
        note(message, message.text or message.caption or "")

    @client.on_callback_button
    def on_button(_: pywa.WhatsApp, pressed: types.CallbackButton[str]) -> None:
        note(pressed, pressed.data)

    for name in ("text", "image", "document", "button_reply"):
        done.clear()
        client.webhook_update_handler(json.dumps(payload(name)).encode())
        assert done.wait(10)

    ours = [heard(payload(name)).message for name in ("text", "image", "document", "button_reply")]
    assert seen == [
        (one.dedupe_key, one.channel_id, one.user_name, one.button_value or one.text) for one in ours
    ]
