"""WhatsApp's webhook over a real server: what is trusted, what is stored, and which files come along."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pywa.utils import webhook_updates_validator

from botctl.errors import UserError
from botctl.messages import IncomingMessage
from botctl.platforms.platform import Checkable, Doorkeeper, Registrar, Typist
from botctl.platforms.whatsapp import WHATSAPP
from botctl.platforms.whatsapp_signature import signature_fault
from tests.fakes.graph_server import error
from tests.platforms.whatsapp_world import (
    PATH,
    PERSON,
    PHONE,
    SECRET,
    VECTORS,
    World,
    payload,
    settings,
    signature,
    silent,
    text,
    webhook,
    whatsapp,
)
from tests.platforms.world import Desk, DeskReceipt

Story = Callable[[World], Awaitable[Any]]
PICTURE = b"\xff\xd8 a picture" * 1000


def told(story: Story, folder: Path | None = None, **given: Any) -> Any:
    """What a story returns that is played in the world."""

    async def whole() -> Any:
        async with whatsapp(folder, **given) as world:
            return await story(world)

    return asyncio.run(whole())


def image(name: str = "p1", **more: Any) -> dict[str, Any]:
    return {"type": "image", "image": {"id": name, "mime_type": "image/jpeg", "caption": "see", **more}}


def test_the_webhook_is_proven_as_in_the_official_vector() -> None:
    vector = VECTORS["whatsapp_verify_get"]
    wrong: list[dict[str, str]] = [
        {"hub.verify_token": "wrong"},
        {"hub.verify_token": "vü"},
        {"hub.verify_token": ""},
        {"hub.mode": "unsubscribe"},
        {"hub.challenge": ""},
    ]

    async def story(world: World) -> Any:
        right = await world.client.get(PATH, params=vector["query"])
        statuses = [(await world.client.get(PATH, params=vector["query"] | one)).status_code for one in wrong]
        bare = await world.client.get(PATH)
        media_type = right.headers["content-type"]
        return (
            right.status_code,
            right.text,
            media_type,
            [*statuses, bare.status_code],
            world.connection.refused,
        )

    assert told(story) == (200, vector["expect"]["body"], "text/plain; charset=utf-8", [403] * 6, 6)


def test_a_webhook_is_trusted_as_in_the_official_vector_and_as_pywa_does() -> None:
    vector = VECTORS["whatsapp_x_hub_signature_256"]
    header = vector["headers"]["X-Hub-Signature-256"]
    body = vector["body"].encode()

    async def story(world: World) -> Any:
        answer = await world.client.post(PATH, content=body, headers=vector["headers"])
        return answer.status_code, world.desk.texts

    assert vector["app_secret"] == SECRET
    assert webhook_updates_validator(SECRET, body, header)
    assert told(story) == (200, ["Does it come in another color?"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256=zz"},
        {"x-hub-signature-256": "sha256=" + "ü" * 32},
        {"x-hub-signature-256": signature(b"{}")[7:]},
        {"x-hub-signature-256": signature(b"{}").upper()},
        {"x-hub-signature-256": signature(b"{}", "another")},
        {"x-hub-signature": signature(b"{}")},
        [("x-hub-signature-256", signature(b"{}")), ("x-hub-signature-256", signature(b"{}"))],
    ],
)
def test_a_webhook_that_is_not_signed_rightly_is_refused_and_counted(headers: Any) -> None:
    pairs = headers.items() if isinstance(headers, dict) else headers
    raw = [(name.encode(), value.encode()) for name, value in pairs]

    async def story(world: World) -> Any:
        answer = await world.client.post(PATH, content=b"{}", headers=raw)
        return answer.status_code, answer.json()["help"], world.connection.refused

    assert told(story) == (401, "sign it with `app_secret`", 1)


def test_a_thousand_tampered_webhooks_are_refused() -> None:
    vector = VECTORS["whatsapp_x_hub_signature_256"]
    body, header = vector["body"].encode(), vector["headers"]["X-Hub-Signature-256"].encode()
    dice = random.Random(4)

    def tampered(whole: bytes) -> bytes:
        at = dice.randrange(len(whole))
        changed = bytes([whole[at] ^ dice.randrange(1, 256)])
        return whole[:at] + dice.choice([changed, b"", changed + whole[at : at + 1]]) + whole[at + 1 :]

    trusted = 0
    for _ in range(1000):
        is_body = dice.random() < 0.5
        one, proof = (tampered(body), header) if is_body else (body, tampered(header))
        trusted += (one, proof) != (body, header) and not signature_fault(
            SECRET, [(b"x-hub-signature-256", proof)], one
        )

    assert trusted == 0
    assert signature_fault(SECRET, [(b"x-hub-signature-256", header)], body) == ""


def test_a_redelivered_message_is_accepted_once_and_acknowledged_again() -> None:
    async def story(world: World) -> Any:
        document = webhook(text("one"), text("two"))
        again = webhook(text("two", id="wamid.1"), text("three", id="wamid.2"))
        answers = [await world.post(one) for one in (document, document, again)]
        return [one.status_code for one in answers], world.desk.texts

    assert told(story) == ([200, 200, 200], ["one", "two", "three"])


def test_a_message_is_acknowledged_only_when_it_is_stored() -> None:
    desk = Desk(silent)
    is_broken = True

    async def accept(message: IncomingMessage, cursor: str | None = None) -> DeskReceipt:
        receipt = await desk.accept(message, cursor)  # it is on disk, and then the process dies
        if is_broken:
            raise OSError("the disk is gone")
        return receipt

    async def story(world: World) -> Any:
        nonlocal is_broken
        first = await world.post(payload("text"))
        is_broken = False
        again = await world.post(payload("text"))
        return (
            first.status_code,
            again.status_code,
            len(desk.accepted),
            len({m.dedupe_key for m in desk.accepted}),
        )

    assert told(story, desk=desk, accept=accept) == (500, 200, 1, 1)


def test_a_signed_webhook_that_is_not_json_is_told_of_and_not_asked_for_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(world: World) -> Any:
        statuses = []
        for body in (b"{", b"[" * 100_000, b"\xff", b"7", b"null"):
            headers = {"x-hub-signature-256": signature(body)}
            statuses.append((await world.client.post(PATH, content=body, headers=headers)).status_code)
        await world.post(payload("text"))
        return statuses, world.desk.texts

    assert told(story) == ([200] * 5, ["Does it come in another color?"])
    assert caplog.text.count("is not JSON") == 3


def test_what_is_left_aside_and_what_failed_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "botctl")

    async def story(world: World) -> Any:
        await world.post(webhook({"type": "reaction"}))
        await world.post(webhook(text("hi"), number="999"))
        await world.post(payload("status_failed_24h"))
        await world.post(payload("status_delivered"))
        return world.desk.texts

    accepted = told(story)

    ours = [(one.levelname, one.getMessage()) for one in caplog.records if "whatsapp" in one.name]
    assert accepted == []
    assert ours[0] == ("INFO", "left aside on WhatsApp: a reaction asks for no answer wamid.0")
    assert [level for level, _ in ours] == ["INFO", "WARNING", "WARNING"]
    assert ours[2][1].startswith("WhatsApp could not deliver message ? of bot support-bot: 131047 Message")
    assert ours[2][1].endswith("(wamid.out2)")


def test_a_webhook_is_acknowledged_within_50_ms_while_runs_are_slow() -> None:
    async def story(world: World) -> Any:
        world.desk.open.clear()  # no run comes to an end
        took = []
        for number in range(60):
            before = time.perf_counter()
            await world.post(webhook(text("hi", id=f"wamid.{number}")))
            took.append(time.perf_counter() - before)
        world.desk.open.set()
        return sorted(took)[30]

    assert told(story) < 0.05


def test_a_file_is_fetched_with_the_token_and_kept(tmp_path: Path) -> None:
    async def story(world: World) -> Any:
        world.graph.files = {"p1": ("image/jpeg", PICTURE)}
        await world.post(webhook(image()))
        (message,) = world.desk.accepted
        (file,) = message.attachments
        return (
            message.text,
            file.kind,
            file.name,
            file.size,
            file.refused,
            (tmp_path / file.path).read_bytes(),
        )

    assert told(story, tmp_path) == ("see", "image", "image.jpg", len(PICTURE), "", PICTURE)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.com/p1",
        "https://lookaside.fbsbx.com.evil.example/p1",
        "https://evilfbsbx.com/p1",
        "http://lookaside.fbsbx.com/p1",
        "https://u:p@lookaside.fbsbx.com/p1",
        "https://lookaside.fbsbx.com:8443/p1",
        "http://127.0.0.1:1/p1",
        "file:///etc/passwd",
        "https://[::1",
        "",
    ],
)
def test_a_file_is_fetched_from_nowhere_but_meta(
    tmp_path: Path, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(world: World) -> Any:
        world.graph.files = {"p1": ("image/jpeg", PICTURE)}
        world.graph.addresses = {"p1": address}
        await world.post(webhook(image()))
        return world.desk.accepted[0].attachments[0].refused

    assert told(story, tmp_path) == "it could not be fetched from WhatsApp"
    assert caplog.text.count("its address is not one of Meta's") == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        (image(mime_type="text/html"), "files of type text/html are not taken"),
        (image("gone"), "it could not be fetched from WhatsApp"),
        (image("../../me"), "it could not be fetched from WhatsApp"),
        (image("large"), "it is larger than 0.015 MB"),
        (image("torn"), "it arrived damaged"),
    ],
)
def test_a_file_that_is_not_kept_says_why_and_its_message_comes_through(
    tmp_path: Path, message: dict[str, Any], refused: str
) -> None:
    async def story(world: World) -> Any:
        world.graph.files = {"large": ("image/jpeg", PICTURE * 2), "torn": ("image/jpeg", PICTURE)}
        if message["image"]["id"] == "torn":
            url = f"{world.graph.url}/attachments/torn"
            world.graph.answers = [(200, {"url": url, "sha256": "00" * 32}, {})]
        answer = await world.post(webhook(message))
        (one,) = world.desk.accepted
        return answer.status_code, one.text, one.attachments[0].refused.startswith(refused)

    assert told(story, tmp_path, largest=15_000) == (200, "see", True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_accident_while_fetching_is_tried_again_once(tmp_path: Path) -> None:
    async def story(world: World) -> Any:
        world.graph.files = {"p1": ("image/jpeg", PICTURE)}
        world.graph.answers = [error(500, 2, "again, please")]
        await world.post(webhook(image()))
        first = world.desk.accepted[0].attachments[0].refused
        world.graph.answers = [error(500, 2, "again, please")] * 2
        await world.post(webhook(image() | {"id": "wamid.8"}, text("and?", id="wamid.9")))
        return first, world.desk.texts, world.desk.accepted[1].attachments[0].refused

    assert told(story, tmp_path) == (
        "",
        ["see", "see", "and?"],
        "it could not be fetched from WhatsApp",
    )


def test_a_redelivered_file_is_not_fetched_again(tmp_path: Path) -> None:
    async def story(world: World) -> Any:
        world.graph.files = {"p1": ("image/jpeg", PICTURE)}
        await world.post(webhook(image()))
        calls = len(world.graph.asked)
        answer = await world.post(webhook(image()))
        return answer.status_code, len(world.graph.asked) - calls, len(world.desk.accepted)

    assert told(story, tmp_path) == (200, 0, 1)


def test_words_do_not_overtake_the_file_they_are_about(tmp_path: Path) -> None:
    async def story(world: World) -> Any:
        world.graph.files = {"p1": ("image/jpeg", PICTURE)}
        first = asyncio.create_task(world.post(webhook(image())))
        await world.graph.asked_once.wait()
        await asyncio.gather(first, world.post(webhook(text("what is this?", id="wamid.2"))))
        return world.desk.texts

    assert told(story, tmp_path) == ["see", "what is this?"]


def test_without_a_place_for_files_a_file_says_so() -> None:
    async def story(world: World) -> Any:
        await world.post(webhook(image()))
        return world.desk.accepted[0].attachments[0].refused

    assert told(story) == "files are not kept here"


def test_numbers_of_people_are_remembered_with_their_messages() -> None:
    async def story(world: World) -> Any:
        await world.post(webhook(text("hi"), text("again")))
        return world.cursors

    assert told(story) == [f'{{"{PHONE}":"{PERSON}"}}', None]


def test_the_connection_keeps_the_protocols_that_the_runtime_asks_for() -> None:
    async def story(world: World) -> Any:
        assert await world.connection.run() is None  # type: ignore[func-returns-value]
        protocols = (Doorkeeper, Registrar, Checkable, Typist)
        return [isinstance(world.connection, one) for one in protocols], world.connection.is_verified

    assert told(story) == ([True] * 4, True)


@pytest.mark.parametrize("name", ["phone_number_id", "access_token", "verify_token", "app_secret"])
def test_without_a_secret_there_is_no_connection(name: str) -> None:
    with pytest.raises(UserError, match=f"`{name}` of platform `whatsapp` of bot `support-bot` is empty"):
        WHATSAPP.connect(settings(**{name: ""}), Desk().context)
    with pytest.raises(ValidationError):
        type(settings()).model_validate(settings().model_dump(exclude={name}))

    assert name in WHATSAPP.secrets


def test_a_token_with_a_line_end_is_refused_without_being_told() -> None:
    with pytest.raises(UserError, match="holds what no token does") as caught:
        WHATSAPP.connect(settings(access_token="EAAx\nEAAy"), Desk().context)

    assert "EAA" not in caught.value.message


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "polling"},
        {"api_version": "25"},
        {"base_url": "graph.facebook.com"},
        {"template": "Not A Template"},
        {"template": '{"language": "en"}'},
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(**changes)
