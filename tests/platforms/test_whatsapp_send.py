"""WhatsApp's way out, over real HTTP: texts, choices, files, templates, the 24 hours, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pywa
from pywa import types
from pywa.errors import ReEngagementMessage

from botctl.errors import UserError
from botctl.messages import Attachment, Button
from botctl.platforms.platform import SendError
from tests.fakes.graph_server import NUMBER, TOKEN, Answer, GraphServer, error
from tests.platforms.whatsapp_world import PERSON, PHONE, World, text, webhook, whatsapp

Story = Callable[[World], Awaitable[Any]]
DAY = 24 * 3600 * 1000
YES_NO = (Button(label="Approve", value="ho:1:approved"), Button(label="Reject", value="ho:1:rejected"))


def told(story: Story, folder: Path | None = None, **given: Any) -> Any:
    """What a story returns that is played in the world."""

    async def whole() -> Any:
        async with whatsapp(folder, **given) as world:
            return await story(world)

    return asyncio.run(whole())


async def failure(sending: Awaitable[Any]) -> SendError:
    with pytest.raises(SendError) as caught:
        await sending
    assert TOKEN not in str(caught.value)
    return caught.value


def test_a_text_is_sent_to_a_person_as_an_answer() -> None:
    async def story(world: World) -> Any:
        ids = await world.send("hi", reply={"message_id": "wamid.in"})
        return ids, world.graph.sent

    assert told(story) == (
        ("wamid.sent1",),
        [
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "recipient": PERSON,
                "type": "text",
                "text": {"body": "hi", "preview_url": False},
                "biz_opaque_callback_data": "out1",
                "context": {"message_id": "wamid.in"},
            }
        ],
    )


def test_a_number_is_written_to_as_a_number() -> None:
    async def story(world: World) -> Any:
        world.last[PHONE] = world.desk.now
        await world.send(
            "hi", channel_id="+1 (650) 555-1234", purpose="notice", reply={"message_id": "wamid.x"}
        )
        (sent,) = world.graph.sent
        return sent["to"], "recipient" in sent, "context" in sent

    assert told(story) == (PHONE, False, False)


def test_a_long_text_is_split_and_only_the_first_part_is_an_answer() -> None:
    async def story(world: World) -> Any:
        ids = await world.send("word " * 2000, reply={"message_id": "wamid.in"})
        return (
            ids,
            ["context" in one for one in world.graph.sent],
            [len(one["text"]["body"]) for one in world.graph.sent],
        )

    ids, contexts, lengths = told(story)

    assert ids == ("wamid.sent1", "wamid.sent2", "wamid.sent3")
    assert contexts == [True, False, False]
    assert max(lengths) <= 4096


def test_buttons_are_native_where_whatsapp_takes_them() -> None:
    async def story(world: World) -> Any:
        await world.send("Refund?", buttons=YES_NO)
        return world.graph.sent[0]["interactive"]

    assert told(story) == {
        "type": "button",
        "body": {"text": "Refund?"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "ho:1:approved", "title": "Approve"}},
                {"type": "reply", "reply": {"id": "ho:1:rejected", "title": "Reject"}},
            ]
        },
    }


@pytest.mark.parametrize(
    "buttons",
    [
        [("One", "1"), ("Two", "2"), ("Three", "3"), ("Four", "4")],
        [("A label of more than twenty characters", "1")],
        [("Same", "1"), ("Same", "2")],
        [("One", "1"), ("Two", "1")],
        [("One", "")],
        [("One", "v" * 257)],
    ],
)
def test_other_buttons_become_numbered_lines(buttons: list[tuple[str, str]]) -> None:
    async def story(world: World) -> Any:
        await world.send(
            "Which?", buttons=tuple(Button(label=label, value=value) for label, value in buttons)
        )
        return world.graph.sent[0]["text"]["body"]

    lines = [f"{number}. {label}" for number, (label, _) in enumerate(buttons, 1)]
    assert told(story) == "\n".join(["Which?", *lines])


@pytest.mark.parametrize(
    ("said", "types"),
    [
        ("", ["interactive"]),
        ("word " * 300, ["text", "interactive"]),
        ("w " * 3000, ["text", "text", "interactive"]),
    ],
)
def test_a_choice_has_a_text_that_fits_and_comes_last(said: str, types: list[str]) -> None:
    async def story(world: World) -> Any:
        await world.send(said, buttons=YES_NO)
        return [one["type"] for one in world.graph.sent]

    assert told(story) == types


def kept(folder: Path, name: str, content: bytes = b"content", **more: Any) -> Attachment:
    (folder / name).write_bytes(content)
    fields: dict[str, Any] = {"kind": "document", "name": name, "path": name, "size": len(content)}
    return Attachment(**fields | more)


def test_a_file_is_uploaded_and_takes_the_text_along(tmp_path: Path) -> None:
    invoice = kept(tmp_path, "invoice.pdf", media_type="application/pdf")

    async def story(world: World) -> Any:
        ids = await world.send("Your invoice", attachments=(invoice,))
        return ids, world.graph.uploads, world.graph.sent[0]["document"]

    assert told(story, tmp_path) == (
        ("wamid.sent1",),
        {"media1": ("invoice.pdf", "application/pdf", b"content")},
        {"id": "media1", "filename": "invoice.pdf", "caption": "Your invoice"},
    )


def test_files_leave_in_the_way_that_shows_them_best(tmp_path: Path) -> None:
    files = (
        kept(tmp_path, "a.png", kind="image", media_type="image/png"),
        kept(tmp_path, "b.jpg", kind="image", media_type="image/jpeg", size=6_000_000),
        kept(tmp_path, "c.gif", kind="image"),
        kept(tmp_path, "d.mp3", kind="audio", media_type="audio/mpeg"),
        Attachment(kind="image", url="https://example.com/e.png"),
        Attachment(kind="location", name="HQ", url="geo:37.44,-122.16"),
    )

    async def story(world: World) -> Any:
        await world.send("Six of them", attachments=files)
        types = [one["type"] for one in world.graph.sent]
        return types, world.graph.sent[5]["image"], world.graph.sent[6]["location"]

    types, linked, place = told(story, tmp_path)

    assert types == ["text", "image", "document", "document", "audio", "image", "location"]
    assert linked == {"link": "https://example.com/e.png"}
    assert place == {"latitude": 37.44, "longitude": -122.16, "name": "HQ"}


def test_a_file_that_is_gone_is_a_failure_for_good(tmp_path: Path) -> None:
    gone = Attachment(kind="image", name="gone.png", path="gone.png")

    async def story(world: World) -> Any:
        refused = await failure(world.send("", attachments=(gone,)))
        return refused.permanent, refused.message

    assert told(story, tmp_path) == (True, "the file `gone.png` does not exist any more")


def test_free_text_is_taken_until_24_hours_after_the_last_message() -> None:
    async def story(world: World) -> Any:
        world.last[PERSON] = world.desk.now - DAY + 1
        await world.send("in time")
        world.last[PERSON] = world.desk.now - DAY
        late = await failure(world.send("too late"))
        del world.last[PERSON]
        never = await failure(world.send("unasked"))
        return len(world.graph.sent), late.permanent, late.message, never.permanent

    sent, is_permanent, message, also = told(story)

    assert (sent, is_permanent, also) == (1, True, True)
    assert "more than 24 hours old" in message and "set `template` of platform whatsapp" in message


def test_later_the_text_leaves_in_the_default_template() -> None:
    async def story(world: World) -> Any:
        world.last.clear()
        await world.send("Your order\n\nis   ready", purpose="scheduled", buttons=YES_NO)
        return world.graph.sent[0]["template"]

    words = "Your order is ready 1. Approve 2. Reject"
    assert told(story, template="notice:de") == {
        "name": "notice",
        "language": {"code": "de"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": words}]}],
    }


def test_a_template_of_the_message_goes_before_the_default_and_only_when_it_is_needed() -> None:
    own = {"name": "order_ready", "language": "en", "components": []}

    async def story(world: World) -> Any:
        await world.send("Ready", template=json.dumps(own))
        world.last.clear()
        await world.send("Ready", template=json.dumps(own))
        await world.send("Ready", template="order_ready")
        await world.send("x" * 5000, template="order_ready")
        return [one.get("template", one.get("text")) for one in world.graph.sent]

    free, whole, named, long = told(story, template="notice:de")

    assert free == {"body": "Ready", "preview_url": False}
    assert whole == {"name": "order_ready", "language": {"code": "en"}, "components": []}
    assert named["language"] == {"code": "en_US"}
    assert named["components"][0]["parameters"] == [{"type": "text", "text": "Ready"}]
    assert len(long["components"][0]["parameters"][0]["text"]) == 1000


def test_when_whatsapp_knows_better_that_it_is_late_the_template_is_used() -> None:
    async def story(world: World) -> Any:
        world.graph.answers = [error(400, 131047, "Re-engagement message")]
        ids = await world.send("Ready", template="order_ready")
        return ids, [one["type"] for one in world.graph.sent]

    assert told(story) == (("wamid.sent1",), ["template"])


@pytest.mark.parametrize("message", [{"said": ""}, {"said": " ", "buttons": ()}])
def test_a_message_that_says_nothing_is_a_failure_for_good(message: dict[str, Any]) -> None:
    async def story(world: World) -> Any:
        return (await failure(world.send(**message))).permanent, world.graph.sent

    assert told(story) == (True, [])


def test_a_broken_template_and_a_channel_that_is_none_are_failures_for_good() -> None:
    async def story(world: World) -> Any:
        where = await failure(world.send("hi", channel_id="general"))
        world.last.clear()
        what = await failure(world.send("hi", template="No Such Form"))
        empty = await failure(world.send("", template="order_ready"))
        return [(one.permanent, one.message[:30]) for one in (where, what, empty)]

    assert told(story) == [
        (True, "`general` is neither a number "),
        (True, "the template should be `name:l"),
        (True, "a template carries only text, "),
    ]


def test_a_person_is_found_again_by_the_number() -> None:
    async def by_webhook(world: World) -> Any:
        await world.post(webhook(text("hi")))
        await world.send("notice", channel_id=PHONE, user_id="")
        return world.graph.sent[0]["to"]

    async def by_cursor(world: World) -> Any:
        await world.send("notice", channel_id=PHONE, user_id="")
        return world.graph.sent[0]["to"]

    assert told(by_webhook) == PHONE
    assert told(by_cursor, cursor=json.dumps({PHONE: PERSON})) == PHONE
    with pytest.raises(SendError):
        told(by_cursor, cursor="not json")


PROBLEMS: list[tuple[Answer, bool, float | None, str]] = [
    (error(401, 190, f"Malformed access token {TOKEN}"), True, None, "WhatsApp refused the access token"),
    (error(403, 10), True, None, "the access token has no permission"),
    (error(403, 200), True, None, "the access token has no permission"),
    (error(400, 100), True, None, "WhatsApp refused the message"),
    (error(400, 131026), True, None, "the user cannot be reached"),
    (error(400, 131030), True, None, "a test number sends only"),
    (error(400, 131047), True, None, "more than 24 hours have passed"),
    (error(400, 131048), True, None, "the number is held back"),
    (error(400, 131051), True, None, "WhatsApp does not take this type"),
    (error(400, 131062), True, None, "this needs the user's number"),
    (error(400, 132001), True, None, "WhatsApp refused the message"),
    (error(400, 4), False, 60.0, "WhatsApp asks for a pause"),
    (error(400, 80007), False, 60.0, "WhatsApp asks for a pause"),
    (error(429, 130429), False, 5.0, "WhatsApp asks for a pause"),
    (error(400, 131056), False, 6.0, "WhatsApp asks for a pause"),
    ((429, {}, {"retry-after": "17"}), False, 17.0, "WhatsApp asks for a pause"),
    (error(500, 131000), False, None, "WhatsApp is out of order"),
    (error(400, 131016), False, None, "WhatsApp is out of order"),
    (error(400, 999, is_transient=True), False, None, "WhatsApp is out of order"),
    ((503, {}, {}), False, None, "WhatsApp is out of order"),
    ((404, {"error": "odd"}, {}), True, None, "WhatsApp refused the message"),
]


@pytest.mark.parametrize(("answer", "permanent", "pause", "said"), PROBLEMS)
def test_an_error_says_whether_it_passes(
    answer: Answer, permanent: bool, pause: float | None, said: str
) -> None:
    async def story(world: World) -> Any:
        world.graph.answers = [answer]
        refused = await failure(world.send("hi"))
        return refused.permanent, refused.retry_after, refused.message

    is_permanent, retry_after, message = told(story)

    assert (is_permanent, retry_after) == (permanent, pause)
    assert message.startswith(said)


def test_a_connection_that_breaks_off_passes() -> None:
    async def story(world: World) -> Any:
        world.graph.drops = 1
        cut = await failure(world.send("hi"))
        await world.graph._runner.cleanup()
        gone = await failure(world.send("hi"))
        return cut.permanent, gone.permanent

    assert told(story) == (False, False)


def test_a_message_in_parts_goes_on_where_it_broke_off() -> None:
    async def story(world: World) -> Any:
        said = "\n\n".join(letter * 4000 for letter in "abc")
        world.graph.only = "/messages"
        good: Answer = (200, {"messages": [{"id": "wamid.first"}]}, {})
        world.graph.answers = [good, error(400, 131056)]
        refused = await failure(world.send(said))
        ids = await world.send(said)
        return refused.retry_after, ids, [one["text"]["body"][0] for one in world.graph.sent]

    assert told(story) == (6.0, ("wamid.first", "wamid.sent1", "wamid.sent2"), ["b", "c"])


def test_typing_marks_the_last_message_as_read_and_is_not_repeated_too_soon() -> None:
    async def story(world: World) -> Any:
        await world.connection.typing(PERSON, "")
        await world.post(webhook(text("hi")))
        for pause in (0, 4_000, 30_000):
            world.desk.now += pause
            await world.connection.typing(PERSON, "")
        world.desk.now += 30_000
        world.graph.answers = [error(400, 131000)]
        await world.connection.typing(PERSON, "")
        return world.graph.typed

    shown = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.0",
        "typing_indicator": {"type": "text"},
    }
    assert told(story) == [shown, shown]


def test_the_number_gets_an_address_of_its_own_and_loses_it_again() -> None:
    async def story(world: World) -> Any:
        before = (await world.connection.registration()).url
        await world.connection.register(world.url)
        during = (await world.connection.registration()).url
        await world.connection.unregister()
        after = (await world.connection.registration()).url
        return before, during == world.url, after, world.connection.refused

    old = "https://old.example.com/hook"
    assert told(story) == (old, True, old, 0)


def test_an_address_that_does_not_prove_itself_is_told_of() -> None:
    async def story(world: World) -> Any:
        with pytest.raises(UserError) as caught:
            await world.connection.register(world.url + "x")
        return caught.value.message

    assert told(story).startswith("WhatsApp did not do it: (#2200) Callback verification failed")


def test_the_doctor_sees_the_number_the_token_and_the_address() -> None:
    async def story(world: World) -> Any:
        sound = await world.connection.check()
        world.graph.is_rated = "RED"
        world.graph.webhook = {}
        poor = await world.connection.check()
        return (
            sound,
            [(one.is_well, bool(one.help)) for one in poor],
            {method for method, _ in world.graph.asked},
        )

    sound, poor, methods = told(story, webhook_url="https://old.example.com/hook")

    assert [(one.is_well, one.fact) for one in sound] == [
        (True, "the number is +1 555-078-3881 (Lucky Shrub), quality GREEN"),
        (True, "the access token is valid"),
        (True, "messages go to https://old.example.com/hook"),
    ]
    assert poor == [(False, True), (True, False), (False, True)]
    assert methods == {"GET"}


@pytest.mark.parametrize(
    ("webhook_url", "answers", "said"),
    [
        (
            "https://here.example.com/w",
            [],
            "messages go to https://old.example.com/hook, not to https://here",
        ),
        ("", [error(401, 190, f"Malformed access token {TOKEN}")], "WhatsApp refused the access token"),
    ],
)
def test_the_doctor_tells_what_is_wrong(webhook_url: str, answers: list[Answer], said: str) -> None:
    async def story(world: World) -> Any:
        world.graph.answers = list(answers)
        return [one for one in await world.connection.check() if not one.is_well]

    (found,) = told(story, webhook_url=webhook_url)

    assert found.fact.startswith(said) and found.help
    assert TOKEN not in found.fact


def test_the_token_is_in_no_log(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)

    async def story(world: World) -> Any:
        await world.connection.check()
        await world.send("hi")
        world.graph.answers = [error(401, 190, f"Malformed access token {TOKEN}")]
        await failure(world.send("hi"))
        return [
            (one.name, one.getMessage()) for one in caplog.records if one.name.startswith(("botctl", "http"))
        ]

    lines = told(story, tmp_path)

    assert any(name == "httpx" for name, _ in lines)
    assert [line for name, line in lines if TOKEN in line] == []


def test_pywa_takes_the_server_for_the_real_one() -> None:
    async def story(server: GraphServer) -> Any:
        def talk() -> Any:
            client = pywa.WhatsApp(phone_id=NUMBER, token=TOKEN, server=None)
            client.api._session.base_url = f"{server.url}/v25.0"
            sent = client.send_message(PHONE, "hi", preview_url=False)
            buttons = [types.Button(title="Yes", callback_data="y")]
            client.send_message(PERSON, "sure?", buttons=buttons)
            uploaded = client.upload_media(media=b"content", mime_type="image/png", filename="a.png")
            server.answers = [error(400, 131047)]
            with pytest.raises(ReEngagementMessage):
                client.send_message(PHONE, "late")
            client.api._session.close()
            return sent.id, uploaded.id

        found = await asyncio.to_thread(talk)
        return found, [one["type"] for one in server.sent]

    async def whole() -> Any:
        async with GraphServer() as server:
            return await story(server)

    assert asyncio.run(whole()) == (("wamid.sent1", "media1"), ["text", "interactive"])
