"""A child: one running worker process, seen from the event loop."""

from __future__ import annotations

import asyncio
import signal
from typing import cast

from botctl.errors import UserError
from botctl.sandbox.command import LARGEST_ANSWER, REINSTALL, split_message, worker_command

# A Python starts in 20 ms; a machine that is swapping needs longer.
START = 10.0


class DeadlinePassed(Exception):
    """The child did not answer in time."""


class ChildEnded(Exception):
    """The child ended, or wrote what it never writes, instead of answering."""


class _Ears(asyncio.SubprocessProtocol):
    """What the child says, gathered into messages."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.received = bytearray()
        self.message: asyncio.Future[tuple[str, bytes]] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.received += data
        if self.message.done():
            return
        if len(self.received) > LARGEST_ANSWER:
            self.message.cancel()
        elif (message := split_message(self.received)) is not None:
            self.received.clear()
            self.message.set_result(message)

    def process_exited(self) -> None:
        self.message.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        self.message.cancel()
        if not self.ended.done():
            self.ended.set_result(None)

    async def next_message(self, seconds: float) -> tuple[str, bytes]:
        # asyncio.wait, not a timeout that cancels: when the loop itself was held up, an answer that came in
        # time is still taken.
        await asyncio.wait([self.message], timeout=seconds)
        if not self.message.done():
            raise DeadlinePassed
        if self.message.cancelled():
            raise ChildEnded
        return self.message.result()


class Child:
    """Answers one job at a time. Whoever owns it calls `end` at last."""

    def __init__(self, transport: asyncio.SubprocessTransport, ears: _Ears) -> None:
        self._transport = transport
        self._ears = ears

    @classmethod
    async def start(cls, deadline: float) -> Child:
        """A child that is ready. UserError when it cannot be started."""
        command = worker_command(deadline)
        loop = asyncio.get_running_loop()
        try:
            # A session of its own: ^C on the terminal reaches botctl, not the child.
            transport, ears = await loop.subprocess_exec(
                _Ears,
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                cwd="/",
                close_fds=True,
                start_new_session=True,
            )
        except OSError as error:
            raise UserError(f"the JavaScript process cannot start: {error}", help=REINSTALL) from error
        child = cls(transport, ears)
        ready = False
        try:
            letter, reason = await ears.next_message(START)
            if letter != "y":
                told = reason.decode("utf-8", "replace")
                raise UserError(f"the JavaScript process cannot start: {told}", help=REINSTALL)
            ready = True
        except (DeadlinePassed, ChildEnded) as error:
            raise UserError("the JavaScript process did not start", help=REINSTALL) from error
        finally:
            if not ready:
                await child.end()
        return child

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._transport.get_returncode() is None and not self._ears.ended.done()

    @property
    def stopped_itself(self) -> bool:
        """Whether it ended by its own alarm, because the job lasted too long."""
        return self._transport.get_returncode() == -signal.SIGALRM

    async def ask(self, message: bytes, deadline: float) -> tuple[str, bytes]:
        """Send a job, and the letter and payload of the answer. DeadlinePassed after that many seconds,
        ChildEnded when there will be none. After either, and when cancelled, the child must be ended."""
        ears = self._ears
        ears.message = asyncio.get_running_loop().create_future()
        if not self.is_alive:
            raise ChildEnded
        stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        stdin.write(message)
        return await ears.next_message(deadline)

    def kill(self) -> None:
        """Stop it at once, without waiting until it is gone."""
        try:
            self._transport.kill()
        except ProcessLookupError:
            pass

    async def end(self) -> None:
        """Stop it and wait until it is gone. Ending it twice is fine."""
        # close() last: it may reap a running process before asyncio's watcher does, which then complains.
        self.kill()
        await asyncio.wait([self._ears.ended])
        self._transport.close()
