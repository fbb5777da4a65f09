"""What Slack's payloads say, and what they do not say to the bot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botctl.messages import IncomingMessage
from botctl.platforms.slack_messages import Heard, Listener, MalformedError, SlackFile, read
from botctl.platforms.slack_payload import read_payload
from botctl.platforms.slack_text import escape, linked, plain, unescape, without_mention
from botctl.platforms.slack_threads import MOST_THREADS, Threads
from tests.fakes.slack_server import BOT_USER
from tests.platforms.slack_world import TS, command, event, in_channel, mention, press
from tests.platforms.world import NOW_MS


def heard(body: Mapping[str, Any], *threads: str) -> Heard | None:
    return read(body, Listener("support-bot", BOT_USER, threads), NOW_MS)


def message(body: Mapping[str, Any], *threads: str) -> IncomingMessage:
    found = heard(body, *threads)
    assert found is not None
    return found.message


def test_a_direct_message_is_read() -> None:
    found = heard(event(text="where is <http://example.com|example.com> &amp; co?"))

    assert found == Heard(
        IncomingMessage(
            bot="support-bot",
            platform="slack",
            dedupe_key=f"T1:D1:{TS}",
            channel_id="D1",
            user_id="U1",
            text="where is example.com & co?",
            received_at=NOW_MS,
        )
    )


def test_a_direct_message_in_a_thread_is_of_the_same_conversation_and_answered_in_the_thread() -> None:
    found = heard(event(thread_ts="1.1"))

    assert found and (found.message.thread_id, found.message.reply, found.thread) == (
        "", {"thread_ts": "1.1"}, "",
    )  # fmt: skip


def test_a_mention_in_a_channel_begins_a_thread() -> None:
    found = heard(mention(text=f"<@{BOT_USER}>: where is it?"))

    assert found and found.thread == f"C1:{TS}"
    assert (found.message.channel_id, found.message.thread_id, found.message.text) == (
        "C1",
        TS,
        "where is it?",
    )


def test_a_mention_in_a_thread_stays_in_it() -> None:
    assert message(mention(thread_ts="1.1")).thread_id == "1.1"


def test_the_two_events_of_one_mention_are_one_message() -> None:
    first, second = mention(), in_channel(text=f"<@{BOT_USER}> hi")

    assert first["event_id"] != second["event_id"]
    assert message(first) == message(second)


@pytest.mark.parametrize(
    ("body", "threads"),
    [
        (in_channel(thread_ts="1.1"), ("C1:1.1",)),
        (in_channel(thread_ts="1.1", parent_user_id=BOT_USER), ()),
        (in_channel(thread_ts="1.1", subtype="thread_broadcast"), ("C1:1.1",)),
        (in_channel(thread_ts="1.1", text=f"<@U2> and <@{BOT_USER}|bot>?"), ()),
        (in_channel(channel_type="mpim", channel="G1", text=f"<@{BOT_USER}> hi"), ()),
    ],
)
def test_in_a_channel_threads_it_is_in_and_mentions_are_for_the_bot(
    body: dict[str, Any], threads: tuple[str, ...]
) -> None:
    assert heard(body, *threads) is not None


@pytest.mark.parametrize(
    "body",
    [
        in_channel(),
        in_channel(thread_ts="1.1"),
        in_channel(thread_ts="1.1", text="<@U2> what do you think?"),
        in_channel(channel_type="mpim", channel="G1"),
        event(user=BOT_USER),
        event(bot_id="B1"),
        mention(bot_id="B2", user="U9"),
        event(user="USLACKBOT"),
        event(subtype="bot_message", user=None),
        event(subtype="message_changed", hidden=True, user=None, message={"text": "hello", "ts": TS}),
        event(subtype="message_deleted", hidden=True, user=None, deleted_ts=TS),
        event(subtype="channel_join"),
        event(type="reaction_added", text=None, ts=None),
        {"type": "app_rate_limited", "team_id": "T1"},
        {"type": "view_submission", "user": {"id": "U1"}},
        press(actions=[{"type": "static_select", "action_ts": "1.1"}]),
        press(channel=None, container={"type": "view", "view_id": "V1"}, message=None),
        {},
    ],
)
def test_what_is_not_said_to_the_bot_is_ignored(body: dict[str, Any]) -> None:
    assert heard(body, "C1:7.7") is None


def test_somebody_elses_name_first_in_a_thread_the_bot_is_in_is_not_for_it() -> None:
    assert heard(in_channel(thread_ts="1.1", text=" <@U2> you?"), "C1:1.1") is None


def test_a_pressed_button_is_a_message_of_its_thread() -> None:
    found = heard(press("a &amp; b"))

    assert found and found.thread == f"C1:{TS}"
    assert found.message == IncomingMessage(
        bot="support-bot",
        platform="slack",
        dedupe_key="T1:C1:1767225630.289415",
        channel_id="C1",
        user_id="U1",
        user_name="ada",
        thread_id=TS,
        text="a & b",
        kind="button",
        button_value="a & b",
        received_at=NOW_MS,
    )


def test_a_button_of_a_handoff_reaches_the_router_as_it_left() -> None:
    found = message(press("ho:h1:approved", channel={"id": "D1", "name": "directmessage"}))

    assert (found.kind, found.button_value, found.thread_id) == ("button", "ho:h1:approved", "")


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (command("/ask", "1 &lt; 2?"), "text", "1 < 2?"),
        (command("/reset", ""), "command", "/reset"),
        (command("/status", "now"), "command", "/status now"),
    ],
)
def test_slash_commands_are_messages(body: dict[str, str], kind: str, text: str) -> None:
    found = message(body)

    assert (found.kind, found.text, found.user_name, found.thread_id) == (kind, text, "ada", "")
    assert found.dedupe_key == f"T1:C1:{body['trigger_id']}"


def test_files_are_typed() -> None:
    files = [
        {"id": "F1", "name": "a.png", "mimetype": "image/png", "size": 7, "url_private": "https://x/a"},
        {"id": "F2", "title": "b", "mimetype": "application/pdf", "url_private_download": "https://x/b"},
        {"id": "F3", "mode": "tombstone", "size": True},
        "odd",
    ]

    found = heard(event(subtype="file_share", text="", files=files))

    assert found and found.files == (
        SlackFile("image", "a.png", "image/png", 7, "https://x/a"),
        SlackFile("document", "b", "application/pdf", 0, "https://x/b"),
        SlackFile("document", "file", "", 0, ""),
    )


@pytest.mark.parametrize(
    "body",
    [
        {"type": "event_callback"},
        {"type": "event_callback", "event": []},
        event(user=5),
        event(ts=None),
        event(channel={"id": "D1"}),
        press(actions=[]),
        press(actions="x"),
        press(user=None),
        press(container=[1]),
        press(actions=[{"type": "button", "value": "x"}]),
        command("/ask", trigger_id=""),
    ],
)
def test_a_payload_that_is_not_as_documented_says_so(body: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        heard(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from([event(), mention(), press(), dict(command())]), st.data())
def test_no_payload_breaks_the_reader(body: dict[str, Any], data: st.DataObject) -> None:
    odd = dict(body)
    inner = data.draw(st.sampled_from([name for name in odd if isinstance(odd[name], dict)] or [""]))
    if inner:
        odd[inner] = dict(odd[inner])
    for target in (odd, odd.get(inner, odd)):
        target[data.draw(st.sampled_from(sorted(target)))] = data.draw(JSON)

    try:
        found = heard(odd)
    except MalformedError:
        found = None

    assert found is None or found.message.text.encode() is not None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("mail <mailto:ada@example.com|ada@example.com> now", "mail ada@example.com now"),
        ("call <tel:+15551234|+15551234>", "call +15551234"),
        ("<https://a.example/x?a=1&amp;b=2>", "https://a.example/x?a=1&b=2"),
        ("<http://example.com/|example.com>", "example.com"),
        ("<https://a.example|the shop>", "the shop (https://a.example)"),
        (
            "<@U2> <@U3|bob> <#C9|general> <#C9> <!here> <!subteam^S1|@eng>",
            "@U2 @bob #general #C9 @here @eng",
        ),
        ("&lt;@U2&gt; &amp;lt;", "<@U2> &lt;"),
    ],
)
def test_markup_is_read_as_its_writer_saw_it(written: str, read: str) -> None:
    assert plain(written) == read


def test_half_a_surrogate_pair_is_replaced_since_no_database_takes_it() -> None:
    assert message(event(text="half \ud800 pair")).text == "half ? pair"


@given(st.text())
def test_plain_text_survives_the_way_out_and_in(text: str) -> None:
    assert unescape(escape(text)) == text
    assert not {"<", ">"} & set(escape(text))


@given(st.text(alphabet="<>&@!#|UC1 https://.x", max_size=40))
def test_nobody_is_mentioned_by_what_is_said(text: str) -> None:
    assert not any(mark in linked(text) for mark in ("<@", "<!", "<#", "|>"))


def test_addresses_are_links_without_the_stop_behind_them() -> None:
    assert linked("see https://a.example/x?a=1&b=2. <b>") == (
        "see <https://a.example/x?a=1&amp;b=2>. &lt;b&gt;"
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"<@{BOT_USER}> hi", "hi"),
        (f"<@{BOT_USER}|bot>, hi", "hi"),
        (f"hi <@{BOT_USER}>", "hi"),
        (f"is <@{BOT_USER}> here?", "is here?"),
        (f"<@{BOT_USER}>", ""),
        (f"<@{BOT_USER}> /reset", "/reset"),
        ("<@U2> hi", "<@U2> hi"),
        (", hi", ", hi"),
    ],
)
def test_the_bots_name_is_taken_out(text: str, left: str) -> None:
    assert without_mention(text, BOT_USER) == left


def test_threads_are_known_again_from_the_cursor() -> None:
    threads = Threads(None)
    threads.join("C1:1.1")
    written = threads.cursor
    threads.stored(written)

    assert "C1:1.1" in Threads(written) and "C1:2.2" not in Threads(written)
    assert threads.cursor is None


def test_a_cursor_that_was_not_stored_is_given_again() -> None:
    threads = Threads(None)
    threads.join("C1:1.1")
    old = threads.cursor
    threads.join("C1:2.2")
    threads.stored(old)

    assert threads.cursor == '["C1:1.1", "C1:2.2"]'


def test_only_the_newest_threads_are_remembered() -> None:
    threads = Threads('["C:old", "C:used"]')
    for number in range(MOST_THREADS - 1):
        threads.join("C:used")
        threads.join(f"C:{number}")

    assert "C:old" not in threads and "C:used" in threads


@pytest.mark.parametrize("cursor", ["", "{", "5", '{"a": 1}', "[1, null]"])
def test_an_odd_cursor_is_an_empty_one(cursor: str) -> None:
    assert Threads(cursor).cursor is None


@pytest.mark.parametrize(
    ("content_type", "body", "payload"),
    [
        ("application/json", b'{"type": "x"}', {"type": "x"}),
        ("application/x-www-form-urlencoded; charset=utf-8", b"payload=%7B%22a%22%3A1%7D", {"a": 1}),
        ("application/x-www-form-urlencoded", b"command=%2Fask&text=", {"command": "/ask", "text": ""}),
    ],
)
def test_payloads_come_as_json_or_as_forms(content_type: str, body: bytes, payload: dict[str, Any]) -> None:
    assert read_payload(content_type, body) == payload


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("content_type", ["application/json", "", "application/x-www-form-urlencoded"])
def test_what_is_no_payload_says_so(content_type: str, body: bytes) -> None:
    if content_type.endswith("urlencoded"):
        body = b"payload=" + body

    with pytest.raises(MalformedError):
        read_payload(content_type, body)
