"""A connection to the terminal: lines in, in order, and answers out."""

from __future__ import annotations

import asyncio
import codecs
import getpass
import os
import re
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from botctl.messages import Answer, Button, IncomingMessage, OutgoingMessage
from botctl.platforms.console import console_kind
from botctl.platforms.platform import ConnectionContext, SendError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_PROMPT = "you> "
_CHUNK = 65_536
_PATIENCE = 5.0
"""Seconds to wait for messages of an answer that the outbox has not handed over yet."""

# Controls but newline and tab, and the marks that reverse the direction of text: what users and models wrote
# must neither steer the terminal nor look like something else.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ESCAPE_SEQUENCE = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    "|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\|$)"  # OSC and the like: titles, links, the clipboard
)


def printable(text: str) -> str:
    """`text` without what would steer a terminal."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("", _ESCAPE_SEQUENCE.sub("", lines))


class LineReader:
    """Lines of a stream, read without holding up the event loop and without reading ahead more than a chunk.

    A daemon thread reads the file descriptor itself. Unlike the loop's own readers that works for terminals,
    pipes and files alike and leaves the terminal blocking; unlike a thread of the executor, or one that holds
    the lock of `sys.stdin`, it does not hold up the end of the process when nobody types.
    """

    def __init__(self, stream: TextIO) -> None:
        self._descriptor = stream.fileno()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._lines: deque[str] = deque()
        self._tail = ""
        self._ended = False

    async def next_line(self) -> str | None:
        """The next line without its end; None when there are no more."""
        while not self._lines and not self._ended:
            chunk = await self._read()
            self._ended = not chunk
            *lines, self._tail = (self._tail + self._decode(chunk, self._ended)).split("\n")
            self._lines.extend(lines)
            if self._ended and self._tail:
                self._lines.append(self._tail)
        return self._lines.popleft().removesuffix("\r") if self._lines else None

    async def _read(self) -> bytes:
        loop = asyncio.get_running_loop()
        chunk: asyncio.Future[bytes] = loop.create_future()

        def arrive(read: bytes) -> None:
            if not chunk.done():
                chunk.set_result(read)

        def read() -> None:
            try:
                read = os.read(self._descriptor, _CHUNK)
            except OSError:  # the terminal is gone
                read = b""
            with suppress(RuntimeError):  # the loop is gone: nobody waits any more
                loop.call_soon_threadsafe(arrive, read)

        threading.Thread(target=read, name="console", daemon=True).start()
        return await chunk


class ConsoleConnection:
    """See `Connection`. One line is one message, answered before the next is read."""

    def __init__(
        self,
        context: ConnectionContext,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        """The streams are the process's own if not given."""
        self._context = context
        self._stdin = stdin or sys.stdin
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        self._kind = console_kind(self._stdin)
        self._user = _user()
        self._count = 0
        self._asked = 0
        self._printed = 0
        self._more = asyncio.Event()
        self._buttons: list[Button] = []
        self._is_prompting = False

    async def run(self) -> None:
        """Read until the input ends and the last answer is out."""
        if self._kind == "closed":
            return
        reader = LineReader(self._stdin)
        try:
            while (line := await self._ask(reader)) is not None:
                if line.strip():
                    await self._converse(line)
        finally:
            if self._is_prompting:  # ^D or ^C: the shell's prompt belongs on a line of its own
                self._is_prompting = False
                self._write("\n")

    async def webhook(self, request: Request) -> Response:
        """A terminal has no webhook."""
        from starlette.responses import JSONResponse

        return JSONResponse({"error": "the console takes no requests", "help": "use platform custom"}, 404)

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Print it."""
        self._count += 1
        answers_this_line = message.reply.get("line") == self._line
        name = f"{message.bot}> " if self._kind == "terminal" else ""
        lines = [name + printable(message.text)]
        lines += [
            f"[{attachment.kind}] {printable(attachment.url or attachment.name)}"
            for attachment in message.attachments
        ]
        if message.buttons:
            first = len(self._buttons) + 1
            self._buttons += message.buttons
            lines += [f"  {n}. {printable(one.label)}" for n, one in enumerate(message.buttons, first)]
        before, after = ("\n", _PROMPT) if self._is_prompting else ("", "")
        try:
            self._write(before + "\n".join(lines) + "\n" + after)
        except (OSError, ValueError) as error:
            raise SendError("nobody reads what is printed any more", permanent=True) from error
        finally:
            if answers_this_line:
                self._printed += 1
                self._more.set()
        return (f"console:{self._count}",)

    async def close(self) -> None:
        """There is nothing to let go of."""

    @property
    def _line(self) -> str:
        """Names the line that is being answered, and none of another process."""
        return f"{os.getpid()}-{id(self)}-{self._asked}"

    async def _ask(self, reader: LineReader) -> str | None:
        if self._kind != "terminal":
            return await reader.next_line()
        self._write(_PROMPT)
        self._is_prompting = True
        line = await reader.next_line()
        if line is not None:
            self._is_prompting = False
        return line

    async def _converse(self, line: str) -> None:
        self._asked += 1
        self._printed = 0
        pressed = self._pressed(line)
        self._buttons = []
        receipt = await self._context.accept(
            IncomingMessage(
                bot=self._context.bot,
                platform="console",
                dedupe_key="",
                channel_id="console",
                user_id=self._user,
                user_name=self._user,
                text=pressed.value if pressed else line,
                kind="button" if pressed else "text",
                button_value=pressed.value if pressed else "",
                received_at=self._context.now_ms(),
                reply={"line": self._line},
            )
        )
        answer = await receipt.answer()
        await self._until_printed(len(answer.messages))
        self._tell(answer)

    def _pressed(self, line: str) -> Button | None:
        """The button whose number was typed."""
        typed = line.strip()
        number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 0
        return self._buttons[number - 1] if 0 < number <= len(self._buttons) else None

    async def _until_printed(self, messages: int) -> None:
        """Wait until the outbox has handed over all messages of the answer, or seems not to."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self._printed < messages:
                    self._more.clear()
                    await self._more.wait()

    def _tell(self, answer: Answer) -> None:
        """What an answer does not say: that it is none, or that something failed."""
        if answer.status == "ignored":
            print(f"not answered: {printable(answer.reason)}", file=self._stderr, flush=True)
        elif answer.status == "error":
            reason = f": {printable(answer.error)}" if answer.error else ""
            way_out = f" (`botctl runs show {answer.run_id}` tells it)" if answer.run_id else ""
            print(f"the run failed{reason}{way_out}", file=self._stderr, flush=True)

    def _write(self, text: str) -> None:
        encoding = self._stdout.encoding or "utf-8"
        self._stdout.write(text.encode(encoding, "replace").decode(encoding))
        self._stdout.flush()


def _user() -> str:
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return "you"
