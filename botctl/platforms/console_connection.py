"""A bot in the terminal: lines in, messages out."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.platforms.platform import ConnectionContext

if TYPE_CHECKING:
    import asyncio
    import threading

    from starlette.requests import Request
    from starlette.responses import Response

_PRINTING_PATIENCE = 10.0


class ConsoleConnection:
    """See `console.py`. The streams are standard input and output unless others are given."""

    def __init__(
        self, context: ConnectionContext, stdin: IO[str] | None = None, stdout: IO[str] | None = None
    ) -> None:
        self._context = context
        self._stdin = stdin or sys.stdin
        self._stdout = stdout or sys.stdout
        self._is_terminal = self._stdin.isatty()
        self._user = _user()
        self._printed = 0
        self._buttons: tuple[str, ...] = ()
        self._more: asyncio.Event | None = None

    async def run(self) -> None:
        """Read until the input ends; each line is answered before the next is read."""
        async for line in self._lines():
            if line.strip():
                await self._converse(line)

    async def webhook(self, request: Request) -> Response:
        """No webhook leads to a terminal."""
        from starlette.responses import Response

        return Response(status_code=404)

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Print it."""
        who = f"{message.bot}> " if self._is_terminal else ""
        print(who + plain(message.text), file=self._stdout, flush=True)
        for number, button in enumerate(message.buttons, start=1):
            print(f"  {number}. {plain(button.label)}", file=self._stdout, flush=True)
        self._buttons = tuple(button.value for button in message.buttons)
        self._printed += 1
        if self._more is not None:
            self._more.set()
        return (f"console:{self._printed}",)

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def _converse(self, line: str) -> None:
        before = self._printed
        number = line.strip()
        pressed = number.isdecimal() and 0 < int(number) <= len(self._buttons)
        text = self._buttons[int(number) - 1] if pressed else line
        message = IncomingMessage(
            bot=self._context.bot,
            platform="console",
            dedupe_key="",
            channel_id="console",
            user_id=self._user,
            user_name=self._user,
            text=text,
            kind="button" if pressed else "text",
            button_value=text if pressed else "",
            received_at=self._context.now_ms(),
        )
        receipt = await self._context.accept(message)
        answer = await receipt.answer()
        await self._until_printed(before + len(answer.messages))
        if answer.status == "ignored":
            print(f"(not answered: {answer.reason})", file=sys.stderr, flush=True)
        elif answer.status == "error":
            told = (
                f"(run {answer.run_id} failed: {answer.error}; `botctl runs show {answer.run_id}` tells it)"
            )
            print(plain(told), file=sys.stderr, flush=True)

    async def _until_printed(self, count: int) -> None:
        """An answer is known a moment before the outbox has printed it."""
        import asyncio

        with suppress(TimeoutError):
            async with asyncio.timeout(_PRINTING_PATIENCE):
                while self._printed < count:
                    self._more = asyncio.Event()
                    await self._more.wait()

    async def _lines(self) -> AsyncIterator[str]:
        """Lines as they are read by a thread of their own, one at a time.

        The thread reads the file descriptor and not the buffered stream, whose lock Python wants back when
        it exits while the thread still waits for a line.
        """
        import asyncio
        import threading

        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        wanted = threading.Semaphore(0)
        reader = threading.Thread(target=_read, args=(self._stdin.fileno(), loop, lines, wanted), daemon=True)
        reader.start()
        while True:
            if self._is_terminal:
                print("you> ", end="", file=self._stdout, flush=True)
            wanted.release()
            line = await lines.get()
            if line is None:
                if self._is_terminal:
                    print(file=self._stdout, flush=True)
                return
            yield line


def _read(
    file: int,
    loop: asyncio.AbstractEventLoop,
    lines: asyncio.Queue[str | None],
    wanted: threading.Semaphore,
) -> None:
    """Read line by line, never further than was asked for, so that ^D on a terminal means now."""
    rest = b""
    ended = False
    while True:
        wanted.acquire()
        while b"\n" not in rest and not ended:
            try:
                part = os.read(file, 65536)
            except OSError:
                part = b""
            ended = not part
            rest += part
        line, _, rest = rest.partition(b"\n")
        told = line.decode(errors="replace").rstrip("\r") if line or not ended or rest else None
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            loop.call_soon_threadsafe(lines.put_nowait, told)
        if told is None:
            return


def plain(text: str) -> str:
    """Without control characters: what users and models wrote must not steer the terminal."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())


def _user() -> str:
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return "you"
