"""Discord's translations: what is taken for a message to us, and as what our messages leave."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from botctl.errors import UserError
from botctl.messages import Attachment, Button, IncomingMessage
from botctl.platforms.discord import DISCORD, DiscordSettings
from botctl.platforms.discord_answer import parts_of
from botctl.platforms.discord_application import COMMANDS, commands_with
from botctl.platforms.discord_intake import MOST_CHANNELS, newest, read_cursor, write_cursor
from botctl.platforms.discord_messages import ANSWER_TIME, incoming_interaction, incoming_message
from botctl.platforms.discord_payload import Interaction, Message, PoisonError, read, read_json
from tests.fakes.discord_forms import ME
from tests.platforms.discord_world import ADA, command, mention, message, press, to_discord
from tests.platforms.world import NOW_MS, Desk


def incoming(payload: dict[str, Any], is_direct: bool | None = None) -> IncomingMessage | None:
    found = read(payload, Message)
    direct = found.guild_id is None if is_direct is None else is_direct
    return incoming_message(found, bot="b", me=ME, is_direct=direct, now_ms=NOW_MS)


def interaction(payload: dict[str, Any]) -> IncomingMessage | None:
    return incoming_interaction(read(payload, Interaction), bot="b", now_ms=NOW_MS)


def test_a_direct_message_is_one_of_ours_with_its_id_as_key() -> None:
    found = incoming(message("1001", "hi there"))

    assert found == IncomingMessage(
        bot="b",
        platform="discord",
        dedupe_key="1001",
        channel_id="77",
        user_id="5",
        user_name="Ada",
        text="hi there",
        received_at=NOW_MS,
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (f"<@{ME}> where is it?", "where is it?"),
        (f"<@!{ME}>   where is it?", "where is it?"),
        (f"where <@{ME}> is it? <@{ME}>", "where is it?"),
        (f"<@{ME}>", ""),
        (f"ask <@5>, <@{ME}>", "ask <@5>,"),
        ("half \ud83d of it", "half ? of it"),
    ],
)
def test_a_mention_in_a_server_is_for_us_and_is_taken_out_of_the_text(content: str, text: str) -> None:
    found = incoming(mention("1", content))

    assert found is not None
    assert (found.text, found.channel_id, dict(found.reply)) == (text, "88", {"message": "1"})


def test_a_reply_to_us_is_for_us_also_without_a_mention() -> None:
    ours = {"referenced_message": {"id": "9", "author": {"id": ME, "username": "helper", "bot": True}}}

    found = incoming(message("1", "and then?", "88", guild_id="3", type=19, **ours))

    assert found is not None and found.text == "and then?"


@pytest.mark.parametrize(
    "payload",
    [
        message("1", author={"id": ME, "username": "helper", "bot": True}),
        message("1", author={"id": "6", "username": "other", "bot": True}),
        message("1", webhook_id="12"),
        message("1", type=7),
        message("1", "to each other", guild_id="3"),
        message("1", "@everyone", guild_id="3", mention_everyone=True),
        message("1", "to Ada", guild_id="3", mentions=[ADA]),
        message("1", "re", guild_id="3", type=19, referenced_message=None),
        message("1", "re", guild_id="3", type=19, referenced_message={"id": "9", "author": ADA}),
    ],
    ids=["own", "bot", "webhook", "join", "chatter", "everyone", "mention", "deleted", "reply"],
)
def test_what_is_not_for_us_is_ignored(payload: dict[str, Any]) -> None:
    assert incoming(payload) is None


def test_a_nick_name_in_a_server_is_what_people_are_called() -> None:
    found = incoming({**mention("1"), "member": {"nick": "Countess", "roles": []}})

    assert found is not None and found.user_name == "Countess"


@pytest.mark.parametrize(
    ("payload", "kind", "text", "button"),
    [
        (command("ask", question="why?"), "text", "why?", ""),
        (command("reset"), "command", "/reset", ""),
        (command("order", number="12", fast=True), "command", "/order 12 True", ""),
        (press("ho:h1:approved"), "button", "ho:h1:approved", "ho:h1:approved"),
    ],
    ids=["ask", "reset", "other", "press"],
)
def test_commands_and_presses_are_messages(
    payload: dict[str, Any], kind: str, text: str, button: str
) -> None:
    found = interaction(payload)

    assert found is not None
    assert (found.kind, found.text, found.button_value, found.user_id) == (kind, text, button, "5")
    assert (found.dedupe_key, found.channel_id) == (payload["id"], payload["channel_id"])
    assert dict(found.reply) == {"application": "1000", "token": "tok", "until": NOW_MS + ANSWER_TIME}


@pytest.mark.parametrize(
    "payload",
    [
        {**press("x"), "data": {"custom_id": "x", "component_type": 3, "values": ["a"]}},
        {**press("x"), "type": 5},
        {**command("ask"), "user": None},
        {**command("ask"), "channel_id": None},
        {**command("ask"), "data": None},
    ],
    ids=["select", "modal", "nobody", "nowhere", "nothing"],
)
def test_an_interaction_that_we_never_offer_is_no_message(payload: dict[str, Any]) -> None:
    assert interaction(payload) is None


@pytest.mark.parametrize(
    "payload",
    [None, [], {}, {"id": 5}, message("x"), message("1", channel="../5"), message("1", author=None)],
)
def test_a_payload_that_is_none_is_poison(payload: Any) -> None:
    with pytest.raises(PoisonError):
        read(payload, Message)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"id": "1", "type": "2"}', b"null"])
def test_a_body_that_is_none_is_poison(body: bytes) -> None:
    with pytest.raises(PoisonError):
        read_json(body, Interaction)


def test_a_long_text_is_split_at_2000_characters_with_the_buttons_below_the_last() -> None:
    said = to_discord("😀" * 1990 + "\n\n" + "ü" * 1990, buttons=(Button(label="Yes", value="y"),))

    parts = parts_of(said)

    assert [len(part.body["content"]) for part in parts] == [1990, 1990]
    assert "components" not in parts[0].body
    assert parts[1].body["components"] == [
        {"type": 1, "components": [{"type": 2, "style": 1, "label": "Yes", "custom_id": "y"}]}
    ]


def test_nobody_is_ever_pinged() -> None:
    bodies = [part.body for part in parts_of(to_discord("@everyone " * 500))]

    assert [body["allowed_mentions"] for body in bodies] == [{"parse": []}] * 3


def test_twenty_five_buttons_stand_in_five_rows() -> None:
    buttons = tuple(Button(label=str(number), value=f"v{number}") for number in range(25))

    [part] = parts_of(to_discord("choose", buttons=buttons))

    assert [len(row["components"]) for row in part.body["components"]] == [5] * 5


@pytest.mark.parametrize(
    "buttons",
    [
        [Button(label=str(number), value=str(number)) for number in range(26)],
        [Button(label="a", value="v" * 101)],
        [Button(label="a" * 81, value="v")],
        [Button(label="a", value="v"), Button(label="b", value="v")],
        [Button(label="a", value="")],
    ],
    ids=["many", "long value", "long label", "same", "empty"],
)
def test_buttons_that_do_not_fit_become_numbered_text(buttons: list[Button]) -> None:
    [part] = parts_of(to_discord("choose", buttons=tuple(buttons)))

    lines = [f"{number}. {button.label}" for number, button in enumerate(buttons, 1)]
    assert part.body == {"content": "\n".join(["choose", *lines]), "allowed_mentions": {"parse": []}}


def test_files_come_with_the_last_text_ten_at_most_and_addresses_below_it() -> None:
    kept = [Attachment(kind="document", name=str(number), path=f"p{number}") for number in range(12)]
    there = Attachment(kind="image", url="https://example.com/a.png")

    parts = parts_of(to_discord("look", attachments=(there, *kept)))

    assert [part.body.get("content") for part in parts] == ["look\nhttps://example.com/a.png", None]
    assert [len(part.files) for part in parts] == [10, 2]


def test_commands_of_others_stay_and_ours_are_written_only_when_they_differ() -> None:
    other = {"id": "1", "application_id": "1000", "version": "3", "name": "order", "type": 1}
    menu = {"id": "2", "name": "ask", "type": 2}
    asked = {**COMMANDS[0], "id": "3", "nsfw": False, "contexts": [1, 0]}
    reset = {**COMMANDS[1], "id": "4", "description": "Begin again"}

    changed = commands_with([other, asked, reset, menu])
    unchanged = commands_with([other, asked, {**COMMANDS[1], "id": "4"}, menu])

    assert changed == [{"name": "order", "type": 1}, {"name": "ask", "type": 2}, *COMMANDS]
    assert unchanged is None


def test_a_cursor_keeps_the_greatest_id_of_the_channels_that_spoke_last() -> None:
    seen: dict[str, str] = {}
    for number in range(MOST_CHANNELS + 1):
        newest(seen, f"c{number}", "99")
    newest(seen, "c1", "100")
    newest(seen, "c1", "98")

    kept = read_cursor(write_cursor(seen))

    assert (len(kept), kept["c1"], list(kept)[-1]) == (MOST_CHANNELS, "100", "c1")
    assert "c0" not in kept


@pytest.mark.parametrize("cursor", [None, "", "{", "[]", "5", '{"a": 5}', '{"a": "x"}'])
def test_a_cursor_that_is_none_knows_no_channel(cursor: str | None) -> None:
    assert read_cursor(cursor) == {}


@pytest.mark.parametrize("base_url", ["", "discord.com", "ftp://discord.com", "https:///api"])
def test_an_api_that_is_nowhere_is_refused(base_url: str) -> None:
    with pytest.raises(ValidationError):
        DiscordSettings(token="t", base_url=base_url)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mode": "webhook"}, "is not given"),
        ({"mode": "webhook", "public_key": "ab"}, "is not 64 hex digits"),
        ({"public_key": "z" * 64}, "is not 64 hex digits"),
    ],
)
def test_a_public_key_that_cannot_verify_is_said_at_once(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        DISCORD.connect(DiscordSettings(token="t", **settings), Desk().context)

    assert caught.value.help
