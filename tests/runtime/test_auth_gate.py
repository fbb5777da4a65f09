"""auth_gate from the first message to the last, through the whole app, with a provider on a real socket."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from botctl.engine.trace import story_json, story_of
from botctl.runtime.app import App
from botctl.store import runs
from tests.runtime.gate_world import other_than
from tests.runtime.test_delegation import hire
from tests.runtime.world import HeldClock, Mailbag, app_of, incoming, write_bot

GATE = "{id: gate, type: auth_gate, data: {provider: custom_http, contact_type: email, outputVariable: who}}"
WORKFLOW = f"""
nodes:
  - {{id: t, type: trigger}}
  - {GATE}
  - {{id: welcome, type: send_message, data: {{message: "Welcome, {{{{who}}}}, about {{{{message}}}}"}}}}
  - {{id: more, type: logic, data: {{logicType: wait}}}}
  - {{id: order, type: send_message, data: {{message: "order {{{{message}}}}"}}}}
  - {{id: deny, type: send_message, data: {{message: "I do not know you."}}}}
edges: [t -> gate, gate.verified -> welcome, welcome -> more, more -> order, gate.failed -> deny]
"""
BY_LINK = WORKFLOW.replace("outputVariable: who", "outputVariable: who, method: link")


class PostOffice:
    """A provider's server, in a thread of its own: it outlives the process under test."""

    def __init__(self) -> None:
        self.carried: list[dict[str, Any]] = []
        self.tell: Callable[[], None] | None = None
        office = self

        class Counterpart(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                office.carried.append(json.loads(body))
                if office.tell is not None:
                    office.tell()
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Counterpart)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/send"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def code(self) -> str:
        """The last code."""
        return str(self.carried[-1]["code"])


@pytest.fixture
def post() -> Iterator[PostOffice]:
    office = PostOffice()
    yield office
    office.close()


class Life:
    """A process of the bot, whose users talk to it."""

    def __init__(self, app: App, mailbag: Mailbag, clock: HeldClock) -> None:
        self.app = app
        self.mailbag = mailbag
        self.clock = clock

    async def say(self, text: str, *, user: str = "u", key: str = "") -> str:
        """What the bot says to it, in lines."""
        before = len(self.mailbag.sent)
        await (await self.app.inbox.accept(incoming(text, user=user, key=key))).answer()
        await self.app.settle()
        return "\n".join(self.mailbag.texts[before:])

    @property
    def stories(self) -> list[dict[str, Any]]:
        """All runs, newest first."""
        read = self.app.database.read
        rows = read(lambda connection: runs.latest(connection, bot=None, status=None, most=50))
        full = [read(lambda c, seq=row.seq: runs.get(c, seq)) for row in rows]  # type: ignore[misc]
        return [story_json(read(lambda c, row=row: story_of(c, row))) for row in full]  # type: ignore[misc]


def live(folder: Path, story: Callable[[Life], Awaitable[Any]], clock: HeldClock | None = None) -> Any:
    """What a story returns that happens in one life of a process."""

    async def whole() -> Any:
        mailbag, held = Mailbag(), clock or HeldClock()
        async with app_of(folder, mailbag, held) as app:
            return await story(Life(app, mailbag, held))

    return asyncio.run(whole())


def write(folder: Path, post: PostOffice, workflow: str = WORKFLOW) -> None:
    """The bot, with its provider."""
    write_bot(folder, workflow, f"identity: {{custom_http: {{url: '{post.url}'}}}}")


def test_a_user_is_verified_and_the_code_is_nowhere(
    tmp_path: Path, post: PostOffice, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    write(tmp_path, post)

    async def story(life: Life) -> tuple[list[str], dict[str, Any], list[str]]:
        told = [await life.say("my order"), await life.say("ada@example.com")]
        wrong = other_than(post.code)
        told += [await life.say(f"{wrong}?"), await life.say(post.code), await life.say("1042")]
        return told, life.stories[0], [wrong, post.code]

    told, run, secrets = live(tmp_path, story)

    assert told == [
        "To go on I need to make sure who you are. What is your email address?",
        "I am sending a six-digit code to a***@example.com. It is good for 10 minutes. Please type it here."
        " If nothing arrives, say `resend`; to stop, say `cancel`.",
        "That is not the code. 2 tries left.",
        "Welcome, ada@example.com, about my order",
        "order 1042",
    ]
    assert (run["status"], run["variables"]["who"]) == ("completed", "ada@example.com")
    state = b"".join(file.read_bytes() for file in (tmp_path / ".botctl").iterdir())
    shown = "".join(capfd.readouterr()) + caplog.text
    assert [secret for secret in secrets if secret.encode() in state or secret in shown] == []


def test_whoever_does_not_know_the_code_is_denied(tmp_path: Path, post: PostOffice) -> None:
    write(tmp_path, post)

    async def story(life: Life) -> tuple[str, int, dict[str, Any]]:
        await life.say("hi")
        await life.say("ada@example.com")
        for _ in range(8):
            await life.say(other_than(post.code))
        return await life.say(other_than(post.code)), len(post.carried), life.stories[0]

    told, carried, run = live(tmp_path, story)

    assert (told, carried, run["status"]) == ("I do not know you.", 3, "completed")


def test_a_code_of_another_conversation_and_an_old_code_are_wrong(tmp_path: Path, post: PostOffice) -> None:
    write(tmp_path, post)

    async def story(life: Life) -> list[str]:
        for user in ("mallory", "ada"):
            await life.say("hi", user=user)
            await life.say("ada@example.com", user=user)
        old = post.code
        told = [await life.say(old, user="mallory")]
        life.clock.advance(30)
        await life.say("resend", user="ada")
        return [*told, await life.say(old, user="ada")] if old != post.code else told * 2

    assert live(tmp_path, story) == ["That is not the code. 2 tries left."] * 2


def test_after_30_minutes_the_gate_fails_by_itself(tmp_path: Path, post: PostOffice) -> None:
    write(tmp_path, post)

    async def story(life: Life) -> str:
        await life.say("hi")
        life.clock.advance(1800)
        await life.mailbag.holds(2)
        return life.mailbag.texts[-1]

    assert live(tmp_path, story) == "I do not know you."


def test_a_code_survives_a_restart_and_is_still_masked(tmp_path: Path, post: PostOffice) -> None:
    write(tmp_path, post)

    async def before(life: Life) -> None:
        await life.say("hi")
        await life.say("ada@example.com")

    live(tmp_path, before)
    told = live(tmp_path, lambda life: life.say(post.code))

    assert told == "Welcome, ada@example.com, about hi"
    assert post.code.encode() not in (tmp_path / ".botctl" / "state.db").read_bytes()


def test_a_button_on_the_page_verifies_and_the_bot_goes_on_by_itself(
    tmp_path: Path, post: PostOffice
) -> None:
    (tmp_path / "botctl.yaml").write_text("server: {port: 0, public_url: 'https://bots.example.com'}\n")
    write(tmp_path, post, BY_LINK)

    async def story(life: Life) -> list[str]:
        await life.say("hi")
        await life.say("ada@example.com")
        token = post.carried[0]["link"].removeprefix("https://bots.example.com/verify/")
        assert life.app.server is not None
        async with httpx.AsyncClient(base_url=life.app.server.url, trust_env=False, timeout=10) as browser:
            assert (await browser.get(f"/verify/{token}")).status_code == 200
            told = [await life.say("done")]
            assert (await browser.post(f"/verify/{token}")).status_code == 200
        await life.mailbag.holds(4)
        return [*told, life.mailbag.texts[-1]]

    assert live(tmp_path, story) == [
        "Please press the link I sent you, or say `resend` or `cancel`.",
        "Welcome, ada@example.com, about hi",
    ]


def test_a_link_without_a_public_address_is_a_clear_error(tmp_path: Path, post: PostOffice) -> None:
    (tmp_path / "botctl.yaml").write_text("server: {port: 0}\n")
    write(tmp_path, post, BY_LINK)

    async def story(life: Life) -> str:
        await life.say("hi")
        await life.say("ada@example.com")
        return str(life.stories[0]["error_message"])

    assert "nobody knows where the outside finds this server" in live(tmp_path, story)


def test_a_gate_inside_a_bot_that_was_called_goes_on_there(tmp_path: Path, post: PostOffice) -> None:
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: call, type: delegate_to_bot, data: {target_bot_id: helper, outputVariable: answer}}
  - {id: say, type: send_message, data: {message: "it said: {{answer}}"}}
edges: [t -> call, call -> say]
""",
    )
    hire(tmp_path, "helper", WORKFLOW.replace("welcome -> more, more -> order,", ""))
    with (tmp_path / "bots" / "helper" / "bot.yaml").open("a") as file:
        file.write(f"identity: {{custom_http: {{url: '{post.url}'}}}}\n")

    async def story(life: Life) -> str:
        await life.say("hi")
        await life.say("ada@example.com")
        return await life.say(post.code)

    assert live(tmp_path, story) == "it said: Welcome, ada@example.com, about hi"
    assert post.code.encode() not in (tmp_path / ".botctl" / "state.db").read_bytes()


def test_a_user_who_is_remembered_is_not_asked_again(tmp_path: Path, post: PostOffice) -> None:
    write(tmp_path, post, WORKFLOW.replace("outputVariable: who", "outputVariable: who, remember: 12h"))

    async def story(life: Life) -> list[str]:
        for text in ("hi", "ada@example.com"):
            await life.say(text)
        await life.say(post.code)
        await life.say("1042")
        return [await life.say("again"), (await life.say("hi", user="bob"))[:12]]

    assert live(tmp_path, story) == ["Welcome, ada@example.com, about again", "To go on I n"]


def test_two_gates_at_once_do_not_open_or_unmask_one_another(tmp_path: Path, post: PostOffice) -> None:
    write(
        tmp_path,
        post,
        f"""
nodes:
  - {{id: t, type: trigger}}
  - {{id: p, type: parallel}}
  - {GATE}
  - {GATE.replace("id: gate", "id: second").replace("who", "also")}
  - {{id: say, type: send_message, data: {{message: "{{{{who}}}} {{{{also}}}}"}}}}
edges: [t -> p, p -> gate, p -> second, gate.verified -> say, second.verified -> say]
""",
    )

    async def story(life: Life) -> str:
        for text in ("hi", "ada@example.com"):
            await life.say(text)
        first = post.code
        await life.say(first)
        await life.say("bob@example.com")
        return await life.say(post.code)

    assert live(tmp_path, story) == "ada@example.com bob@example.com"
    state = (tmp_path / ".botctl" / "state.db").read_bytes()
    assert [one["code"] for one in post.carried if str(one["code"]).encode() in state] == []


async def _insist(life: Life, post: PostOffice) -> None:
    """What a user does, as often as it takes; a platform delivers each message again until it is stored."""
    await life.say("hi", key="m1")
    await life.say("ada@example.com", key="m2")
    if not post.carried:
        life.clock.advance(30)
        await life.say("resend", key="m3")
    await life.say(post.code, key="m4")


def _one_life(folder: Path, post: PostOffice, clock: HeldClock, dies_after: int) -> dict[str, Any] | None:
    """Let a user insist; the process dies right after so many commits (0: it does not), or when a code has
    arrived if somebody is told of that; and None is told."""
    loop, mailbag = asyncio.new_event_loop(), Mailbag()
    app = app_of(folder, mailbag, clock)
    left = dies_after or -1

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            app.database.after_commit = None
            loop.stop()

    def die() -> None:
        nonlocal left
        left, post.tell = 0, None
        loop.call_soon_threadsafe(loop.stop)

    if post.tell is not None:
        post.tell = die

    async def whole() -> dict[str, Any]:
        await app.__aenter__()
        app.database.after_commit = count
        life = Life(app, mailbag, clock)
        await _insist(life, post)
        if left == 0:
            await asyncio.Event().wait()  # dead, though the loop turns once more
        app.database.after_commit = None
        (run,) = life.stories
        await app.__aexit__(None, None, None)
        return run

    async def bury() -> None:
        await app.database.stop_writing()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await app.database.abandon()
        for lock in app.locks:
            lock.__exit__(None, None, None)

    try:
        return loop.run_until_complete(whole())
    except RuntimeError as error:
        if "stopped before" not in str(error):
            raise
        loop.run_until_complete(bury())
        return None
    finally:
        loop.close()


def test_whenever_the_process_dies_no_code_is_sent_twice_and_the_user_gets_in(
    tmp_path: Path, post: PostOffice
) -> None:
    commits = 0
    while True:
        commits += 1
        folder, clock = tmp_path / str(commits), HeldClock()
        write(folder, post)
        post.carried.clear()
        run = _one_life(folder, post, clock, commits)
        if run is not None:
            break
        run = _one_life(folder, post, clock, 0)

        assert run is not None and run["variables"]["who"] == "ada@example.com", f"dying at {commits}"
        sent = Counter(one["id"] for one in post.carried)
        assert (set(sent.values()), len(sent)) == ({1}, 1), f"dying at commit {commits}"
    assert commits > 6


def test_a_code_that_arrived_when_the_process_died_is_good_and_not_sent_again(
    tmp_path: Path, post: PostOffice
) -> None:
    clock = HeldClock()
    write(tmp_path, post)
    post.tell = lambda: None

    dead = _one_life(tmp_path, post, clock, 0)
    run = _one_life(tmp_path, post, clock, 0)

    assert dead is None and run is not None
    notes = [note for step in run["execution_log"] for note in step["notes"]]
    assert (len(post.carried), run["variables"]["who"]) == (1, "ada@example.com")
    assert notes == ["code 1 may have been sent, or not: nobody knows, and it is not sent again by itself"]
