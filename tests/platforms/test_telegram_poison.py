"""Telegram's poison: updates that nobody can read are stored as they came, answered, and hold nothing up."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botctl.messages import IncomingMessage
from botctl.platforms.telegram_messages import Me, PoisonError, read_update
from botctl.platforms.telegram_poison import poison
from tests.fakes.telegram_server import TelegramServer
from tests.platforms.telegram_world import GROUP, PRIVATE, TelegramDesk, play, polling, press, sent, update

ME = Me(99, "SupportBot")
READABLE: dict[str, Any] = update(1)["message"]
ENTITY = {"type": "bot_command", "offset": 0, "length": 1}

POISONS: dict[str, dict[str, Any]] = {
    "a message that is a text": {"message": "what?"},
    "a message that is a list": {"message": []},
    "a message that is nothing": {"message": {}},
    "a chat that is a text": {"message": {**READABLE, "chat": "what?"}},
    "a chat without an id": {"message": {**READABLE, "chat": {"type": "private"}}},
    "a chat whose id is a list": {"message": {**READABLE, "chat": {"id": [7], "type": "private"}}},
    "a sender that is a number": {"message": {**READABLE, "from": 7}},
    "a text that is an object": {"message": {**READABLE, "text": {"a": 1}}},
    "a number in place of a text": {"message": {**READABLE, "text": 445566}},
    "entities that are a number": {"message": {**READABLE, "entities": 5}},
    "an entity without an offset": {"message": {**READABLE, "entities": [{"type": "bot_command"}]}},
    "an entity that is a text": {"message": {**READABLE, "entities": ["?"]}},
    "a photo that is a text": {"message": {**READABLE, "photo": "what?"}},
    "a file without an id": {"message": {**READABLE, "document": {}}},
    "a file whose id is an object": {"message": {**READABLE, "document": {"file_id": {}}}},
    "a place that is nowhere": {"message": {**READABLE, "location": {"latitude": 1e400, "longitude": 0}}},
    "a press that is a text": {"callback_query": "what?"},
    "a press of nobody": {"callback_query": {**press(1)["callback_query"], "from": None}},
    "a press whose keyboard is a text": {
        "callback_query": {
            **press(1)["callback_query"],
            "message": {"message_id": 1, "chat": PRIVATE, "reply_markup": {"inline_keyboard": "??"}},
        }
    },
    "an edit without a date": {"edited_message": READABLE},
}


@pytest.mark.parametrize("name", POISONS)
def test_a_poison_update_stops_no_polling_and_is_stored_with_its_offset(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        await server.push({"update_id": 5001, **POISONS[name]}, update(2, text="two"))
        async with polling(desk, server):
            texts = await sent(server, 1)
            await server.wait_until(lambda: server.confirmed == 5003)
        stored = desk.accepted[0]
        return texts, desk.texts, stored.dedupe_key, sorted(stored.reply), desk.offset

    told = play(story)

    assert told == (["you said two"], ["", "two"], "u:5001", ["poison", "update"], 5003)
    assert "update 5001 cannot be read" in caplog.text


def test_dying_after_a_poison_update_was_stored_goes_on_behind_it() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.crashes = 1
        await server.push({"update_id": 5001, "message": "what?"}, update(2, text="two"))
        async with polling(desk, server) as running:
            await asyncio.wait([running])
        async with polling(desk, server):
            await sent(server, 1)
        return desk.texts, server.offsets()

    texts, offsets = play(story)

    assert (texts, offsets[:2]) == (["", "two"], [None, 5002])


def test_who_wrote_it_in_a_private_chat_is_told_and_a_group_is_not() -> None:
    wrong = [{**READABLE, "entities": 5}, {**READABLE, "chat": GROUP, "entities": 5}, "what?"]

    notes = [_poisoned({"update_id": 1, "message": message}) for message in wrong]

    assert [(one.channel_id, one.user_id, [note.refused for note in one.attachments]) for one in notes] == [
        ("7", "7", ["it came in a form that this bot does not know"]),
        ("-1001", "7", []),
        ("unknown", "", []),
    ]


def test_it_is_kept_as_it_came_but_for_digits_that_could_be_a_code() -> None:
    message = {
        **READABLE,
        "text": "my code is 445566 or ٤٤٥٥٦٦",
        "caption": 445566,
        "contact": {"phone_number": "445566", "vcard": 445566},
        "entities": 5,
    }

    stored = _poisoned({"update_id": 5001, "message": message})

    kept = json.loads(stored.reply["update"])
    assert (kept["update_id"], kept["message"]["chat"]) == (5001, PRIVATE)
    assert kept["message"]["text"] == "my code is ###### or ######"
    assert "445566" not in json.dumps(stored.reply, ensure_ascii=False)


@pytest.mark.parametrize("text", ["\ud800", "a\udc00b", "\udc00\ud800"])
def test_halves_of_surrogate_pairs_are_replaced_wherever_they_stand(text: str) -> None:
    who = {"id": 7, "first_name": text}
    document = {"file_id": "f", "file_name": text, "mime_type": text}

    read = read_update(update(1, text=text, **{"from": who}, document=document), ME, "b", 1)

    assert read.message is not None
    names = (read.message.text, read.message.user_name, read.files[0].name, read.files[0].media_type)
    assert names == (text.encode(errors="replace").decode(),) * 4


def test_an_update_with_half_of_a_surrogate_pair_is_answered() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        await server.push(update(1, text="a\ud800"), press(2, "b\udc00"), update(3, text="three"))
        async with polling(desk, server):
            return await sent(server, 3)

    assert play(story) == ["you said a?", "you said b?", "you said three"]


def test_one_that_is_nested_deeper_than_anybody_reads_is_cut() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]

    stored = _poisoned({"update_id": 1, "message": {**READABLE, "entities": deep}})

    assert "…" in stored.reply["update"]


def _poisoned(update: dict[str, Any]) -> IncomingMessage:
    with pytest.raises(PoisonError) as error:
        read_update(update, ME, "b", 1)
    return poison(update, error.value, "b", 1)


RICH: list[dict[str, Any]] = [
    update(
        1,
        entities=[ENTITY, {"type": "text_mention", "offset": 0, "length": 1, "user": {"id": 99}}],
        reply_to_message={"from": {"id": 99}, "message_id": 1},
        message_thread_id=3,
        is_topic_message=True,
        chat=GROUP,
    ),
    update(2, text=None, caption="c", photo=[{"file_id": "a", "width": 1}, {"file_id": "b", "file_size": 2}]),
    update(3, text=None, venue={"title": "t", "address": "a", "location": {"latitude": 1, "longitude": 2}}),
    update(4, document={"file_id": "f", "file_name": "n", "mime_type": "text/plain"}),
    update(5, text=None, migrate_to_chat_id=-5, chat=GROUP),
    press(6),
    {"update_id": 7, "edited_message": {**READABLE, "edit_date": 5}},
]
STRANGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=5),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=4), below, max_size=2),
    max_leaves=4,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in an update."""
    if path:
        yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in below:
        yield from _places(one, (*path, name))


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_whatever_stands_in_an_update_it_is_a_message_that_can_be_stored(data: st.DataObject) -> None:
    changed = copy.deepcopy(data.draw(st.sampled_from(RICH)))
    *way, last = data.draw(st.sampled_from([one for one in _places(changed) if one != ("update_id",)]))
    below = changed
    for name in way:
        below = below[name]
    below[last] = data.draw(STRANGE)

    try:
        read = read_update(changed, ME, "b", 1)
        message, callback = read.message, read.callback
        assert all(isinstance(file.file_id, str) for file in read.files)
    except PoisonError as error:
        message, callback = poison(changed, error, "b", 1), ""

    if message is not None:
        fields = [message.text, message.user_name, message.button_value, message.dedupe_key]
        fields += [message.channel_id, message.user_id, message.thread_id]
        fields += [json.dumps(dict(message.reply), ensure_ascii=False)]
        fields += [part for one in message.attachments for part in (one.name, one.url)]
        assert all(field.encode() is not None for field in fields)
    assert callback.encode() is not None
