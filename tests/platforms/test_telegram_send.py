"""What leaves to Telegram: texts, buttons, quotes, markup; what refusals mean; how it goes on."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import UserError
from botctl.messages import Attachment, Button
from botctl.platforms.platform import SendError
from tests.fakes.telegram_server import TOKEN, TelegramServer
from tests.platforms.telegram_world import (
    GROUP,
    TelegramDesk,
    connected,
    outgoing,
    play,
    polling,
    sent,
    update,
)

MENTION = [{"type": "mention", "offset": 0, "length": 11}]
BROKEN = (500, {"ok": False, "error_code": 500, "description": "Internal Server Error"})


def sending(*messages: Any, **changes: Any) -> list[dict[str, Any]]:
    """What arrives at Telegram of messages."""

    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server, **changes) as connection:
            for message in messages:
                await connection.send(message)
        return server.sent

    found: list[dict[str, Any]] = play(story)
    return found


def keyboard(arrived: dict[str, Any]) -> list[tuple[str, str]]:
    """The (label, value) of the buttons below a message."""
    rows = arrived.get("reply_markup", {}).get("inline_keyboard", [])
    return [(button["text"], button["callback_data"]) for row in rows for button in row]


def test_a_text_stands_as_written_and_fetches_no_preview() -> None:
    arrived = sending(outgoing("2 * 3 * 4 <b> _x_ https://example.com"))

    plain = {"chat_id": "7", "text": "2 * 3 * 4 <b> _x_ https://example.com"}
    assert arrived == [{**plain, "link_preview_options": {"is_disabled": True}}]


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", "null", "a\x00b", "&lt;", "/start"])
def test_a_text_that_looks_like_something_else_is_a_text(text: str) -> None:
    assert [one["text"] for one in sending(outgoing(text))] == [text]


def test_buttons_stand_below_the_last_part() -> None:
    two = (Button(label="Yes", value="y"), Button(label="No", value="n"))

    arrived = sending(outgoing("a" * 4096 + "\n" + "b", buttons=two))

    assert [(one["text"][:1], keyboard(one)) for one in arrived] == [
        ("a", []),
        ("b", [("Yes", "y"), ("No", "n")]),
    ]


NUMBERED: list[tuple[str, tuple[Button, ...], str]] = [
    ("", (Button(label="A", value="a"), Button(label="B", value="b")), "1. A\n2. B"),
    (" ", (Button(label="A", value="a"),), "1. A"),
    ("Which?", (Button(label="A", value="x" * 65),), "Which?\n1. A"),
    ("Which?", (Button(label="A", value="ü" * 33),), "Which?\n1. A"),
    ("Which?", (Button(label="A", value=""),), "Which?\n1. A"),
    ("Which?", (Button(label="A", value="\ud800"),), "Which?\n1. A"),
    ("Which?", (Button(label=" ", value="a"), Button(label="B", value="b")), "Which?\n1.  \n2. B"),
]


@pytest.mark.parametrize(("text", "buttons", "arrives"), NUMBERED)
def test_buttons_that_telegram_does_not_take_are_numbered_in_the_text(
    text: str, buttons: tuple[Button, ...], arrives: str
) -> None:
    arrived = sending(outgoing(text, buttons=buttons))

    assert [(one["text"], keyboard(one)) for one in arrived] == [(arrives, [])]


@pytest.mark.parametrize(("number", "below"), [(100, 100), (101, 0)])
def test_a_hundred_buttons_are_taken_and_more_are_numbered(number: int, below: int) -> None:
    many = tuple(Button(label=f"B{one}", value=str(one)) for one in range(number))

    arrived = sending(outgoing("Which?", buttons=many))

    assert len(keyboard(arrived[-1])) == below
    assert ("101. B100" in arrived[0]["text"]) == (below == 0)


def test_an_attachment_elsewhere_is_a_link_in_the_text() -> None:
    picture = Attachment(kind="image", name="a", url="https://example.com/a.png")

    arrived = sending(outgoing("look", attachments=(picture,)), outgoing("", id="o2", attachments=(picture,)))

    assert [one["text"] for one in arrived] == [
        "look\nhttps://example.com/a.png",
        "https://example.com/a.png",
    ]


def test_halves_of_surrogate_pairs_do_not_keep_a_message_back() -> None:
    arrived = sending(outgoing("a\ud800", buttons=(Button(label="b\udc00", value="c"),)))

    assert (arrived[0]["text"], keyboard(arrived[0])) == ("a?", [("b?", "c")])


def test_a_thread_that_is_none_of_telegrams_is_left_out() -> None:
    arrived = sending(outgoing("a", thread="4"), outgoing("b", id="o2", thread="x"))

    assert [one.get("message_thread_id") for one in arrived] == ["4", None]


def test_in_a_group_the_first_part_quotes_what_it_answers_and_in_private_none_does() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with polling(desk, server):
            text = "@SupportBot " + "a " * 2500
            await server.push(update(1, chat=GROUP, text=text, entities=MENTION), update(2, text="hi"))
            await sent(server, 3)
        return [(one["chat_id"], one.get("reply_parameters")) for one in server.sent]

    quote = {"message_id": 1, "allow_sending_without_reply": True}
    assert sorted(play(story), key=str) == [("-1001", None), ("-1001", quote), ("7", None)]


@pytest.mark.parametrize(
    ("text", "arrives", "mode"),
    [
        ("**Total:** `5 < 6` & more", "<b>Total:</b> <code>5 &lt; 6</code> &amp; more", "HTML"),
        ("2 * 3 and snake_case_names stay", "2 * 3 and snake_case_names stay", None),
        ("[**a](https://x.example.com) b**", "[**a](https://x.example.com) b**", None),
    ],
)
def test_markdown_is_sent_as_html_and_what_is_none_stays_plain(
    text: str, arrives: str, mode: str | None
) -> None:
    arrived = sending(outgoing(text), format="markdown")

    assert [(one["text"], one.get("parse_mode")) for one in arrived] == [(arrives, mode)]


def test_markup_that_telegram_refuses_is_sent_again_as_it_was_written() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        told = "Bad Request: can't parse entities: Character is reserved"
        server.faults["sendMessage"] = [(400, {"ok": False, "error_code": 400, "description": told})]
        async with connected(desk, server, format="markdown") as connection:
            await connection.send(outgoing("**a**", buttons=(Button(label="Yes", value="y"),)))
        return [(one["text"], one.get("parse_mode"), keyboard(one)) for one in server.sent]

    assert play(story) == [("**a**", None, [("Yes", "y")])]


FAULTS: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
    (
        429,
        {"description": "Too Many Requests: retry after 3", "parameters": {"retry_after": 3}},
        {"retry_after": 3.0},
    ),
    (403, {"description": "Forbidden: bot was blocked by the user"}, {"permanent": True}),
    (403, {"description": "Forbidden: user is deactivated"}, {"permanent": True}),
    (403, {"description": "Forbidden: bot was kicked from the supergroup chat"}, {"permanent": True}),
    (400, {"description": "Bad Request: chat not found"}, {"permanent": True}),
    (413, {"description": "Request Entity Too Large"}, {"permanent": True}),
    (401, {"description": "Unauthorized"}, {"permanent": True}),
    (
        400,
        {"description": "Bad Request: upgraded", "parameters": {"migrate_to_chat_id": -1002}},
        {"permanent": True, "migrate_to": "-1002"},
    ),
    (500, {"description": f"what is {TOKEN}?"}, {}),
    (502, {"description": "Bad Gateway"}, {}),
]


@pytest.mark.parametrize(("status", "document", "meaning"), FAULTS)
def test_refusals_mean_what_they_mean(status: int, document: dict[str, Any], meaning: dict[str, Any]) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> SendError:
        server.faults["sendMessage"] = [(status, {"ok": False, "error_code": status, **document})]
        async with connected(desk, server) as connection:
            with pytest.raises(SendError) as refused:
                await connection.send(outgoing("hi"))
        return refused.value

    error = play(story)

    told = {"permanent": error.permanent, "retry_after": error.retry_after, "migrate_to": error.migrate_to}
    assert told == {"permanent": False, "retry_after": None, "migrate_to": "", **meaning}
    assert TOKEN not in error.message


@pytest.mark.parametrize("message", [outgoing(""), outgoing(" \n"), outgoing("hi", channel="")])
def test_what_can_never_be_sent_is_said_to_be_so(message: Any) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server) as connection:
            with pytest.raises(SendError) as refused:
                await connection.send(message)
        return refused.value.permanent, server.sent

    assert play(story) == (True, [])


def test_telegram_being_away_is_no_reason_to_give_a_message_up() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        server.faults["getMe"] = [BROKEN]
        async with connected(desk, server) as connection:
            with pytest.raises(SendError) as refused:
                await connection.send(outgoing("hi"))
            ids = await connection.send(outgoing("hi"))
        return refused.value.permanent, ids

    assert play(story) == (False, ("1001",))


def test_a_long_message_goes_on_where_it_stopped() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        yes = (Button(label="Yes", value="y"),)
        message = outgoing("a" * 4096 + "\n" + "b" * 10, buttons=yes, thread="4")
        first = {"ok": True, "result": {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}}}
        server.faults["sendMessage"] = [(200, first), BROKEN]
        async with connected(desk, server) as connection:
            with pytest.raises(SendError):
                await connection.send(message)
            ids = await connection.send(message)
        return ids, [(one["text"], keyboard(one), one["message_thread_id"]) for one in server.sent]

    assert play(story) == (("1", "1001"), [("b" * 10, [("Yes", "y")], "4")])


def test_a_message_that_was_given_up_starts_anew_when_it_is_tried_again() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        message = outgoing("a" * 4096 + "\n" + "b")
        blocked = (403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked"})
        first = {"ok": True, "result": {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}}}
        server.faults["sendMessage"] = [(200, first), blocked]
        async with connected(desk, server) as connection:
            with pytest.raises(SendError):
                await connection.send(message)
            return await connection.send(message)

    assert play(story) == ("1001", "1002")


def test_a_message_to_a_group_that_grew_is_told_where_it_lives_now() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        server.moved = {-5: -1005}
        async with connected(desk, server) as connection:
            with pytest.raises(SendError) as refused:
                await connection.send(outgoing("hi", channel="-5"))
            ids = await connection.send(outgoing("hi", channel=refused.value.migrate_to))
        return refused.value.migrate_to, ids, [one["chat_id"] for one in server.sent]

    assert play(story) == ("-1005", ("1001",), ["-1005"])


def test_a_public_channel_is_written_to_by_its_name() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server) as connection:
            with pytest.raises(SendError):
                await connection.send(outgoing("hi", channel="@news"))
        return server.called("sendMessage")[0]["chat_id"]

    assert play(story) == "@news"


def test_after_closing_a_connection_it_can_be_closed_again() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server) as connection:
            await connection.send(outgoing("hi"))
            await connection.close()
        return len(server.sent)

    assert play(story) == 1


def test_a_refused_token_is_no_traceback_for_who_sends() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server, token="1:wrong") as connection:
            with pytest.raises(SendError) as refused:
                await connection.send(outgoing("hi"))
            with pytest.raises(UserError):
                await connection.registration()
        return refused.value.permanent, refused.value.message

    assert play(story) == (True, "telegram refused the token of bot `support-bot`")
