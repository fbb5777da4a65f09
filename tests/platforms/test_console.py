"""The console over real pipes and a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest

from botctl.messages import Answer, Button, IncomingMessage
from botctl.platforms.console import console_kind
from botctl.platforms.console_connection import ConsoleConnection, printable
from botctl.platforms.platform import SendError
from tests.platforms.world import Desk, outgoing, two


@contextmanager
def piped(lines: bytes) -> Iterator[TextIO]:
    """Standard input as a pipe that holds these bytes and ends."""
    reading, writing = os.pipe()
    os.write(writing, lines)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stdin:
        yield stdin


def play(lines: bytes, desk_of: Callable[[], Desk] = Desk) -> tuple[str, str, Desk]:
    """What is printed on the two streams when these lines come by a pipe."""
    stdout, stderr = io.StringIO(), io.StringIO()

    async def whole() -> Desk:
        desk = desk_of()
        with piped(lines) as stdin:
            connection = ConsoleConnection(desk.context, stdin, stdout, stderr)
            desk.connection = connection
            await connection.run()
            printed.append(stdout.getvalue())
            await connection.close()
        return desk

    printed: list[str] = []
    desk = asyncio.run(whole())
    return printed[0], stderr.getvalue(), desk


def test_every_piped_line_is_a_message_and_only_answers_are_printed() -> None:
    printed, errors, desk = play("one\n\n  \ntwo\r\nzwölf".encode())

    assert desk.texts == ["one", "two", "zwölf"]
    assert (printed, errors) == ("you said one\nyou said two\nyou said zwölf\n", "")
    assert {(m.channel_id, m.dedupe_key, m.platform) for m in desk.accepted} == {("console", "", "console")}


def test_no_input_is_no_message() -> None:
    assert play(b"")[0] == ""


def test_the_next_line_waits_for_the_answer_to_the_one_before() -> None:
    async def whole() -> tuple[list[str], list[str]]:
        desk = Desk()
        desk.open.clear()
        with piped(b"one\ntwo\n") as stdin:
            desk.connection = ConsoleConnection(desk.context, stdin, io.StringIO(), io.StringIO())
            running = asyncio.create_task(desk.connection.run())
            await desk.arrived.wait()
            before = list(desk.texts)
            desk.open.set()
            await running
        return before, desk.texts

    assert asyncio.run(whole()) == (["one"], ["one", "two"])


def test_the_end_of_the_input_waits_for_answers_that_the_outbox_hands_over_late() -> None:
    async def whole() -> tuple[bool, str]:
        desk = Desk(two)
        desk.late = asyncio.Event()
        stdout = io.StringIO()
        with piped(b"one\n") as stdin:
            desk.connection = ConsoleConnection(desk.context, stdin, stdout, io.StringIO())
            running = asyncio.create_task(desk.connection.run())
            await desk.arrived.wait()
            await asyncio.sleep(0)
            too_early = running.done()
            desk.late.set()
            await running
            await desk.settle()
        return too_early, stdout.getvalue()

    assert asyncio.run(whole()) == (False, "one\ntwo\n")


def test_a_line_that_arrives_in_parts_is_one_message() -> None:
    async def whole() -> list[str]:
        desk = Desk()
        reading, writing = os.pipe()
        with os.fdopen(reading) as stdin:
            connection = ConsoleConnection(desk.context, stdin, io.StringIO(), io.StringIO())
            desk.connection = connection
            running = asyncio.create_task(connection.run())
            for part in (b"one\nzw", "ö".encode()[:1], "ö".encode()[1:] + b"lf\n"):
                os.write(writing, part)
                await desk.arrived.wait()
            os.close(writing)
            await running
        return desk.texts

    assert asyncio.run(whole()) == ["one", "zwölf"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert play(b"a\xffb\n")[2].texts == ["a\ufffdb"]


def failing(message: IncomingMessage) -> Answer:
    return Answer(run_id="", status="error", error="tool `x` broke")


def ignoring(message: IncomingMessage) -> Answer:
    return Answer(run_id="", status="ignored", reason="no text")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (failing, "the run failed: tool `x` broke (`botctl runs show run1` tells it)\n"),
        (ignoring, "not answered: no text\n"),
    ],
)
def test_why_there_is_no_answer_is_said_on_the_other_stream(
    reply: Callable[[IncomingMessage], Answer], said: str
) -> None:
    printed, errors, _ = play(b"hi\n", lambda: Desk(reply))

    assert (printed, errors) == ("", said)


def with_buttons() -> Desk:
    desk = Desk()
    desk.buttons = (Button(label="Yes, please", value="accept"), Button(label="No", value="decline"))
    return desk


def test_the_number_of_a_button_sends_its_value() -> None:
    printed, _, desk = play(b"offer\n2\n3\n", with_buttons)

    assert printed.startswith("you said offer\n  1. Yes, please\n  2. No\nyou said decline\n")
    assert [(m.kind, m.text, m.button_value) for m in desk.accepted] == [
        ("text", "offer", ""),
        ("button", "decline", "decline"),
        ("text", "3", ""),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with\ttabs\nand lines, ünïcode 👩‍👧", "plain, with\ttabs\nand lines, ünïcode 👩‍👧"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("over\rwritten", "over\nwritten"),
        ("a\x00\x08\x7f\x9b31mb", "a31mb"),
        ("abc\u202efdp.exe", "abcfdp.exe"),
        ("\x1b", ""),
    ],
)
def test_what_is_printed_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_reader_who_went_away_makes_a_dead_letter() -> None:
    async def whole() -> Desk:
        desk = Desk()
        reading, writing = os.pipe()
        os.close(reading)
        with (
            piped(b"") as stdin,
            os.fdopen(writing, "wb", buffering=0) as raw,
            io.TextIOWrapper(raw, write_through=True) as stdout,
        ):
            desk.connection = ConsoleConnection(desk.context, stdin, stdout)
            await desk.send(outgoing("hello"))
        return desk

    (error,) = asyncio.run(whole()).lost
    assert isinstance(error, SendError) and error.permanent


class Terminal:
    """A pseudo-terminal: what a person types and sees."""

    def __init__(self) -> None:
        self._hand, end = pty.openpty()
        self.stdin = os.fdopen(end, "r+b", buffering=0)
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self._hand, text.encode())

    async def see(self, text: str) -> None:
        """Wait until the screen shows this after what was waited for before."""
        loop = asyncio.get_running_loop()
        while text not in self.seen:
            shown = await loop.run_in_executor(None, os.read, self._hand, 4096)
            self.seen += shown.decode()
        self.seen = self.seen.partition(text)[2]

    def close(self) -> None:
        self.stdin.close()
        os.close(self._hand)


def on_a_terminal(story: Callable[[Terminal, Desk], Any], desk_of: Callable[[], Desk] = Desk) -> Any:
    """What a story returns that is played while a console runs on a terminal; it has to end the input."""

    async def whole() -> Any:
        desk, terminal = desk_of(), Terminal()
        with (
            os.fdopen(os.dup(terminal.stdin.fileno()), "r") as stdin,
            os.fdopen(os.dup(terminal.stdin.fileno()), "w") as stdout,
        ):
            desk.connection = ConsoleConnection(desk.context, stdin, stdout, io.StringIO())
            running = asyncio.create_task(desk.connection.run())
            result = await story(terminal, desk)
            await asyncio.wait_for(running, 5)
        terminal.close()
        return result

    return asyncio.run(whole())


def test_a_terminal_has_a_prompt_and_ends_with_control_d() -> None:
    async def story(terminal: Terminal, desk: Desk) -> list[str]:
        await terminal.see("you> ")
        terminal.type("hello\n")
        await terminal.see("support-bot> you said hello\r\n")
        await terminal.see("you> ")
        terminal.type("\x04")
        await terminal.see("\r\n")
        return desk.texts

    assert on_a_terminal(story) == ["hello"]


def test_a_message_that_comes_while_the_prompt_waits_gets_a_line_of_its_own() -> None:
    async def story(terminal: Terminal, desk: Desk) -> None:
        await terminal.see("you> ")
        await desk.send(outgoing("a reminder", purpose="scheduled"))
        await terminal.see("\r\nsupport-bot> a reminder\r\nyou> ")
        terminal.type("\x04")

    on_a_terminal(story)


def test_what_is_typed_while_an_answer_is_pending_is_not_lost() -> None:
    async def story(terminal: Terminal, desk: Desk) -> list[str]:
        desk.open.clear()
        await terminal.see("you> ")
        terminal.type("one\n")
        await desk.arrived.wait()
        terminal.type("two\n\x04")
        desk.open.set()
        await terminal.see("you said two")
        return desk.texts

    assert on_a_terminal(story) == ["one", "two"]


PROGRAM = """
import asyncio, sys
from botctl.platforms.console_connection import ConsoleConnection
from tests.platforms.world import Desk

async def main():
    desk = Desk()
    desk.connection = ConsoleConnection(desk.context)
    await desk.connection.run()

try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_control_c_ends_a_process_that_waits_for_a_line() -> None:
    terminal = Terminal()
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=terminal.stdin,
        stdout=terminal.stdin,
        stderr=subprocess.PIPE,
        cwd=root,
    )
    asyncio.run(terminal.see("you> "))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    terminal.close()

    assert (process.returncode, errors) == (130, b"")


def test_the_kind_of_an_input_is_told() -> None:
    terminal = Terminal()
    with (
        piped(b"") as pipe,
        open(os.devnull) as null,
        open(__file__) as file,
        os.fdopen(os.dup(terminal.stdin.fileno())) as typed,
    ):
        kinds = [console_kind(stdin) for stdin in (pipe, null, file, typed, None, io.StringIO("hi"))]
    terminal.close()

    assert [*kinds, console_kind(file)] == [
        "pipe",
        "closed",
        "pipe",
        "terminal",
        "closed",
        "closed",
        "closed",
    ]


def test_a_file_is_read_like_a_pipe(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("one\ntwo\n")

    async def whole() -> list[str]:
        desk = Desk()
        with lines.open() as stdin:
            desk.connection = ConsoleConnection(desk.context, stdin, io.StringIO(), io.StringIO())
            await desk.connection.run()
        return desk.texts

    assert asyncio.run(whole()) == ["one", "two"]
