"""What leaves for Slack, through slack-sdk's client: text, buttons, files, and what is made of refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from botctl.messages import Attachment, AttachmentKind, Button
from botctl.platforms.platform import Checkable, Checked, Doorkeeper, FileRefusedError, Registrar, SendError
from botctl.platforms.slack_connection import SlackConnection
from botctl.platforms.slack_post import LONGEST_BLOCK, LONGEST_TEXT, Post, posts_of
from botctl.platforms.slack_text import unescape
from tests.fakes.slack_server import BOT_TOKEN, SCOPES, SlackServer
from tests.platforms.slack_world import (
    TS,
    SlackDesk,
    command,
    connected,
    event,
    outgoing,
    settings,
    talking,
)
from tests.platforms.world import Desk

Story = Callable[[SlackConnection, SlackServer], Awaitable[Any]]
YES_NO = (Button(label="Yes", value="yes"), Button(label="No", value="no"))


def told(story: Story, desk: Desk | None = None) -> Any:
    """What a story returns that is played with a connection that only sends."""

    async def whole() -> Any:
        async with SlackServer() as server, talking(server, desk) as connection:
            result = await story(connection, server)
            assert server.odd == []
            return result

    return asyncio.run(whole())


class Folder:
    """Files that are kept in a dictionary; `largest` bytes each."""

    def __init__(self, folder: Path, largest: int = 100) -> None:
        self.kept: dict[str, bytes] = {}
        self._folder = folder
        self._largest = largest

    async def keep(
        self, kind: AttachmentKind, name: str, media_type: str, chunks: AsyncIterator[bytes]
    ) -> Attachment:
        content = b"".join([chunk async for chunk in chunks])
        if len(content) > self._largest:
            raise FileRefusedError("larger than 100 bytes")
        self.kept[name] = content
        return Attachment(kind=kind, name=name, media_type=media_type, size=len(content), path=name)

    def open(self, attachment: Attachment) -> Path:
        path = self._folder / attachment.path
        if not path.is_file():
            raise SendError("it does not exist any more", permanent=True)
        return path


def test_plain_text_stays_plain() -> None:
    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        ids = await connection.send(outgoing("<!channel> *a* & b", thread=TS))
        return ids, server.posted()

    ids, posted = told(story)

    assert posted == [
        {
            "channel": "D1",
            "thread_ts": TS,
            "text": "&lt;!channel&gt; *a* &amp; b",
            "mrkdwn": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }
    ]
    assert ids == ("1700000000.000001",)


def test_a_direct_message_is_answered_in_the_thread_it_came_from() -> None:
    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        await connection.send(outgoing("hi", reply={"thread_ts": "1.1"}))
        return server.posted()[0]["thread_ts"]

    assert told(story) == "1.1"


def test_a_long_text_is_split_and_all_ids_come_back() -> None:
    text = "\n\n".join(f"{number} & " + "word " * 190 for number in range(12))

    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        return await connection.send(outgoing(text)), [one["text"] for one in server.posted()]

    ids, texts = told(story)

    assert len(ids) == len(set(ids)) == len(texts) == 3
    assert all(len(one) <= LONGEST_TEXT for one in texts)
    assert "".join("\n\n".join(unescape(one) for one in texts).split()) == "".join(text.split())


def test_buttons_are_under_the_last_part() -> None:
    text = "\n\n".join(["word " * 500, "see https://a.example/x. <@U1>"])

    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        await connection.send(outgoing(text, buttons=YES_NO))
        return [(len(one["text"]) <= LONGEST_BLOCK, one.get("blocks")) for one in server.posted()]

    first = told(story)[-1][1]

    assert first is not None
    assert first[0]["text"]["verbatim"] is True and first[0]["text"]["text"].endswith(
        "see <https://a.example/x>. &lt;@U1&gt;"
    )
    assert [(one["action_id"], one["value"], one["text"]["text"]) for one in first[1]["elements"]] == [
        ("button0", "yes", "Yes"),
        ("button1", "no", "No"),
    ]


def test_a_text_that_is_too_long_for_a_block_is_split_before_its_buttons() -> None:
    posts = posts_of(outgoing("& " * 1500, buttons=YES_NO))

    assert [len(post.blocks) for post in posts] == [0, 0, 0, 2][-len(posts) :]
    assert all(len(post.text) <= LONGEST_BLOCK for post in posts)


def test_buttons_without_text_say_what_they_are_in_a_notification() -> None:
    (post,) = posts_of(outgoing("", buttons=YES_NO))

    assert (post.text, [block["type"] for block in post.blocks]) == ("Yes · No", ["actions"])


@pytest.mark.parametrize(
    "buttons",
    [
        tuple(Button(label=f"b{number}", value=str(number)) for number in range(26)),
        (Button(label="b0", value="x" * 2001),),
    ],
)
def test_too_many_buttons_or_too_long_ones_are_a_list(buttons: tuple[Button, ...]) -> None:
    (post,) = posts_of(outgoing("choose", buttons=buttons))

    assert post.blocks == ()
    assert post.text.startswith("choose\n1. b0")


def test_a_long_label_is_cut_and_twenty_five_buttons_fit() -> None:
    buttons = tuple(Button(label="l" * 76, value="x" * 2000) for _ in range(25))

    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        await connection.send(outgoing("choose", buttons=buttons))
        return {one["text"]["text"] for one in server.posted()[0]["blocks"][1]["elements"]}

    assert told(story) == {"l" * 74 + "…"}


def test_nothing_is_posted_of_nothing() -> None:
    assert posts_of(outgoing(" ")) == []


def test_an_attachment_that_is_elsewhere_is_an_address() -> None:
    message = outgoing("look", attachments=(Attachment(kind="image", url="https://a.example/x.png"),))

    assert posts_of(message) == [Post("look\nhttps://a.example/x.png")]


def refusal(error: str, status: int = 200, **headers: str) -> SendError:
    """What `send` raises when Slack answers so."""

    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        server.fail("chat.postMessage", error, status, **headers)
        with pytest.raises(SendError) as caught:
            await connection.send(outgoing("hi"))
        return caught.value, len(server.posted())

    error_raised, tries = told(story)
    assert tries == 1
    assert BOT_TOKEN not in repr(error_raised)
    assert isinstance(error_raised, SendError)
    return error_raised


@pytest.mark.parametrize(("header", "pause"), [("7", 7.0), ("soon", None), ("99999", 3600.0)])
def test_a_429_says_how_long_to_wait(header: str, pause: float | None) -> None:
    error = refusal("ratelimited", 429, Retry_After=header)

    assert (error.retry_after, error.permanent) == (pause, False)


@pytest.mark.parametrize(
    ("code", "status", "permanent"),
    [
        ("channel_not_found", 200, True),
        ("not_in_channel", 200, True),
        ("is_archived", 200, True),
        ("invalid_auth", 200, True),
        ("msg_too_long", 200, True),
        ("missing_scope", 200, True),
        ("internal_error", 200, False),
        ("fatal_error", 500, False),
        ("service_unavailable", 503, False),
    ],
)
def test_some_refusals_are_for_good(code: str, status: int, permanent: bool) -> None:
    error = refusal(code, status)

    assert (error.permanent, error.retry_after) == (permanent, None)
    assert code in error.message


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<a/>",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
def test_a_broken_answer_is_tried_again(answer: bytes) -> None:
    async def whole() -> SendError:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()
            await writer.wait_closed()

        listening = await asyncio.start_server(take, "127.0.0.1", 0)
        async with listening, SlackServer() as server:
            url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/api/"
            connection = SlackConnection(settings(server, base_url=url), Desk().context)
            with pytest.raises(SendError) as caught:
                await connection.send(outgoing("hi"))
            await connection.close()
            return caught.value

    error = asyncio.run(whole())

    assert (error.permanent, error.migrate_to) == (False, "")


def test_what_is_sent_again_goes_on_where_it_had_come_to() -> None:
    text = "\n\n".join(f"{number}" + "x" * 3900 for number in range(3))

    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        server.faults["chat.postMessage"] = [(200, {"ok": True, "ts": "1.1"}, {})]
        server.fail("chat.postMessage", "ratelimited", 429, Retry_After="1")
        with pytest.raises(SendError):
            await connection.send(outgoing(text))
        ids = await connection.send(outgoing(text))
        return ids, [one["text"][0] for one in server.posted()]

    ids, posted = told(story)

    assert posted == ["0", "1", "1", "2"]
    assert (ids[0], len(ids)) == ("1.1", 3)


def test_a_file_leaves_after_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    desk = SlackDesk(files=Folder(tmp_path))
    file = Attachment(kind="document", name="bill.pdf", path="a.pdf")

    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        ids = await connection.send(outgoing("here", thread=TS, attachments=(file,)))
        return ids, server.uploads, server.posted("files.completeUploadExternal")

    ids, uploads, completed = told(story, desk)

    assert uploads == {"F1": b"%PDF"} and ids[1] == "F1"
    assert [(one["channel_id"], one["thread_ts"]) for one in completed] == [("D1", TS)]


def test_a_file_for_a_person_opens_the_channel_first(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    file = Attachment(kind="document", name="bill.pdf", path="a.pdf")

    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        await connection.send(outgoing("", channel="U1", attachments=(file,)))
        return [one["channel_id"] for one in server.posted("files.completeUploadExternal")]

    assert told(story, SlackDesk(files=Folder(tmp_path))) == ["D1"]


def test_a_file_that_is_gone_is_for_good(tmp_path: Path) -> None:
    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        with pytest.raises(SendError) as caught:
            await connection.send(outgoing("", attachments=(Attachment(kind="document", path="no"),)))
        return caught.value.permanent

    assert told(story, SlackDesk(files=Folder(tmp_path))) is True


def test_files_that_come_are_fetched_from_slack_and_kept_once(tmp_path: Path) -> None:
    async def whole() -> Any:
        folder = Folder(tmp_path)
        desk = SlackDesk(files=folder)
        async with SlackServer() as server, connected(desk, server):
            server.files = {"a": ("image/png", b"png"), "big": ("image/png", b"x" * 101)}
            server.files["login"] = ("text/html", b"<html>")
            url = f"http://{server.origin}/files/"
            files = [
                {"name": "a.png", "mimetype": "image/png", "size": 3, "url_private": url + "a"},
                {"name": "big.png", "mimetype": "image/png", "size": 101, "url_private": url + "big"},
                {"name": "b.png", "mimetype": "image/png", "url_private": url + "login"},
                {"name": "c.doc", "mimetype": "x/y", "url_private": "https://drive.example.com/c"},
                {"name": "d.png", "mode": "tombstone"},
                {"name": "e.png", "mimetype": "image/png", "url_private": url + "missing"},
            ]
            payload = event(subtype="file_share", text="", files=files)
            await server.deliver(payload)
            folder.kept.clear()
            await server.deliver(payload)
            taken = desk.accepted[0].attachments
            return [(one.name, one.path, one.size, one.refused) for one in taken], folder.kept

    attachments, kept_again = asyncio.run(whole())

    assert attachments == [
        ("a.png", "a.png", 3, ""),
        ("big.png", "", 101, "larger than 100 bytes"),
        ("b.png", "", 0, "the bot may not see it (scope files:read)"),
        ("c.doc", "", 0, "it is not at Slack"),
        ("d.png", "", 0, "Slack does not have it any more"),
        ("e.png", "", 0, "Slack answered 500"),
    ]
    assert kept_again == {}


@pytest.mark.parametrize(
    ("url", "is_shown"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.png", True),
        ("https://acme.slack.com/files/a", True),
        ("http://files.slack.com/a", False),
        ("https://files.slack.com:8443/a", False),
        ("https://files.slack.com.evil.example/a", False),
        ("https://evilslack.com/a", False),
        ("https://files.slack.com@evil.example/a", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_the_token_is_shown_to_slack_only(url: str, is_shown: bool) -> None:
    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        return connection._web.is_slacks(url)

    assert told(story) is is_shown


def test_a_slash_command_is_answered_where_the_bot_is_no_member() -> None:
    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        reply = {"response_url": f"http://{server.origin}/commands/1"}
        ids = await connection.send(outgoing("<hi>", channel="C404", reply=reply))
        with pytest.raises(SendError) as caught:
            elsewhere = {"response_url": command()["response_url"].replace("slack.com", "evil.example")}
            await connection.send(outgoing("hi", channel="C404", reply=elsewhere))
        return ids, [one["text"] for one in server.responses], caught.value.permanent

    assert told(story) == (("response_url",), ["&lt;hi&gt;"], True)


def checked(scopes: str = SCOPES, *faults: tuple[str, str], **changes: Any) -> tuple[Checked, ...]:
    async def whole() -> tuple[Checked, ...]:
        async with SlackServer(scopes=scopes) as server:
            for method, error in faults:
                server.fail(method, error)
            desk = SlackDesk(url=changes.pop("url", ""))
            connection = SlackConnection(settings(server, **changes), desk.context)
            found = await connection.check()
            await connection.close()
            return found

    return asyncio.run(whole())


def test_the_doctor_finds_all_well() -> None:
    assert [(one.is_well, one.fact) for one in checked()] == [
        (True, "slack knows the bot as support in Acme"),
        (True, "slack opens a socket for the app token"),
    ]


def test_the_doctor_tells_which_scopes_are_missing() -> None:
    found = checked("im:history, app_mentions:read,channels:history,groups:history")

    assert [(one.is_well, one.fact) for one in found[1:4]] == [
        (False, "the bot token has no scope chat:write"),
        (True, "the bot token has no scope files:read: files that people send cannot be taken"),
        (True, "the bot token has no scope files:write: no files can be sent"),
    ]


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
def test_the_doctor_tells_which_token_is_refused(method: str) -> None:
    found = checked(SCOPES, (method, "invalid_auth"))

    (wrong,) = [one for one in found if not one.is_well]
    assert "invalid_auth" in wrong.fact and wrong.help


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
def test_the_doctor_does_not_take_an_outage_for_a_wrong_token(method: str) -> None:
    (wrong,) = [one for one in checked(SCOPES, (method, "internal_error")) if not one.is_well]

    assert wrong.fact == "slack cannot be asked: internal_error"


def test_the_doctor_tells_which_address_to_enter() -> None:
    found = checked(mode="webhook", url="https://bots.example.com/webhooks/support-bot/slack")

    assert found[-1].is_well and "https://bots.example.com/webhooks/support-bot/slack" in found[-1].fact
    assert not checked(mode="webhook")[-1].is_well


def test_it_has_what_slack_lets_a_bot_do() -> None:
    async def story(connection: SlackConnection, server: SlackServer) -> Any:
        return [isinstance(connection, kind) for kind in (Checkable, Doorkeeper, Registrar)]

    assert told(story) == [True, True, False]
