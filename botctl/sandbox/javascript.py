"""JavaScript: a small pool of child processes, shared fairly by the bots, each stopped at a deadline."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct

from botctl.errors import UserError
from botctl.sandbox.child import Child, ChildEnded, DeadlinePassed
from botctl.sandbox.command import run_message

LARGEST_INPUT = 4 << 20
LARGEST_OUTPUT = 1 << 20
# Variables that belong to the run, not to the script: what it writes to them is dropped (INTERFACES, Step).
BUILT_IN = frozenset({"message", "user_id", "user_name", "channel_id", "platform"})

_TOO_MUCH_MEMORY = "the code used more than 64 MB of memory"
_TOO_DEEP = "the code nested too deeply"
_UNFIT = {
    "no object": ("ctx.variables is no longer an object", "write to its keys: `ctx.variables.total = 3`"),
    "nested too deeply": ("ctx.variables is nested more than 200 levels deep", None),
    "a BigInt": (None, "JSON has no BigInt: write `Number(...)` or `String(...)`"),
    "a Promise": (None, "wait for it with `await` inside an async function, then write the result"),
    "a Map": (None, "write `Object.fromEntries(...)`"),
    "a Set": (None, "write `[...set]`"),
}


class ScriptError(UserError):
    """The code of a code_block failed or was stopped. line and column count from 1 in the code as written."""

    def __init__(
        self, message: str, *, line: int | None = None, column: int | None = None, help: str | None = None
    ) -> None:
        if line is not None:
            message += f" (line {line}, column {column})" if column is not None else f" (line {line})"
        super().__init__(message, help=help)
        self.line = line
        self.column = column


class JavaScriptPool:
    """At most `size` children. They start at first use; one that was stopped is replaced at once. A bot waits
    for its turn in a round of the bots that wait, so one with many scripts does not hold up the others.

    deadline: seconds, counted from when a child gets the job, not while it waits for one. One event loop.
    """

    def __init__(self, *, size: int = 2, deadline: float = 1.0) -> None:
        self._size = size
        self._deadline = deadline
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._starts: set[asyncio.Task[None]] = set()
        self._queues: dict[str, deque[asyncio.Future[Child]]] = {}
        self._closed = False

    @property
    def own_tasks(self) -> frozenset[asyncio.Task[None]]:
        """The tasks that make children ready; they are the pool's own, not its callers'."""
        return frozenset(self._starts)

    def for_bot(self, bot: str) -> BotJavaScript:
        """The sandbox as this bot's nodes see it."""
        return BotJavaScript(self, bot)

    async def run(
        self, bot: str, code: str, variables: Mapping[str, Any], message: str, user_id: str
    ) -> dict[str, Any]:
        """See BotJavaScript.run."""
        question = _question(code, variables, message, user_id)
        child = await self._turn(bot)
        fit = False
        try:
            letter, payload = await child.ask(question, self._deadline)
            fit = letter.islower()
        except DeadlinePassed:
            raise self._took_too_long() from None
        except ChildEnded:
            if child.stopped_itself:
                raise self._took_too_long() from None
            raise ScriptError(
                "the code's process ended before the code did", help="it may have needed too much memory"
            ) from None
        finally:
            self._busy.discard(child)
            if fit:
                self._idle.append(child)
                self._match()
            else:
                self._replace(child)
        return _changes(letter.lower(), payload, lines=code.count("\n") + 1)

    async def close(self) -> None:
        """Stop every child and wait until they are gone. Scripts that run or wait fail."""
        self._closed = True
        for queue in self._queues.values():
            for turn in queue:
                if not turn.done():
                    turn.set_exception(_closed())
        self._queues.clear()
        children = [*self._idle, *self._busy]
        self._idle.clear()
        await asyncio.gather(*self._starts, *(child.end() for child in children), return_exceptions=True)

    def _took_too_long(self) -> ScriptError:
        return ScriptError(f"the code ran longer than {self._deadline:g}s and was stopped")

    async def _turn(self, bot: str) -> Child:
        """A child for this bot, when it is its turn."""
        if self._closed:
            raise _closed()
        turn: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(bot, deque()).append(turn)
        self._bury()
        self._match()
        self._grow()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._busy.discard(turn.result())
                self._idle.append(turn.result())
                self._match()
            raise

    def _match(self) -> None:
        """Give idle children to those who wait, bot after bot."""
        while self._idle and self._queues:
            bot = next(iter(self._queues))
            queue = self._queues.pop(bot)
            turn = queue.popleft()
            if queue:
                self._queues[bot] = queue
            if turn.done():
                continue
            child = self._idle.pop()
            self._busy.add(child)
            turn.set_result(child)

    def _bury(self) -> None:
        """Replace children that ended while they had nothing to do."""
        for child in [child for child in self._idle if not child.is_alive]:
            self._idle.remove(child)
            self._replace(child)

    def _grow(self) -> None:
        """Start children for those who wait and do not have one coming."""
        waiting = sum(not turn.done() for queue in self._queues.values() for turn in queue)
        free = self._size - len(self._idle) - len(self._busy)
        while len(self._starts) < min(waiting, free):
            self._start(None)

    def _replace(self, child: Child) -> None:
        child.kill()
        if not self._closed:
            self._start(child)

    def _start(self, stopped: Child | None) -> None:
        task = asyncio.get_running_loop().create_task(self._add_child(stopped))
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)

    async def _add_child(self, stopped: Child | None) -> None:
        """Start a child, once the one whose place it takes is gone."""
        if stopped is not None:
            await stopped.end()
        if self._closed:
            return
        try:
            child = await Child.start(self._deadline)
        except UserError as error:
            self._starts.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            if not (self._idle or self._busy or self._starts):
                self._fail_all(error)
            return
        if self._closed:
            await child.end()
            return
        self._idle.append(child)
        self._match()

    def _fail_all(self, error: UserError) -> None:
        """No child is left and none can be started: nobody who waits would ever get one."""
        for queue in self._queues.values():
            for turn in queue:
                if not turn.done():
                    turn.set_exception(UserError(error.message, help=error.help))
        self._queues.clear()


class BotJavaScript(Struct, frozen=True):
    """The sandbox of one bot."""

    pool: JavaScriptPool
    bot: str

    async def run(
        self, code: str, variables: Mapping[str, Any], message: str, user_id: str
    ) -> dict[str, Any]:
        """The top-level variables that the code changed or added, as JSON values.

        A key that was deleted or set to undefined comes as None. After `ctx.variables = {...}` only the keys
        of the new object count. Writes to the built-in variables are dropped. When the caller is cancelled,
        the code is stopped. ScriptError when the code fails, is stopped, or leaves what JSON cannot tell;
        UserError when no child can be started.
        """
        return await self.pool.run(self.bot, code, variables, message, user_id)


def _closed() -> UserError:
    return UserError("JavaScript cannot run: botctl is stopping")


def _question(code: str, variables: Mapping[str, Any], message: str, user_id: str) -> bytes:
    fields = {"code": code, "variables": dict(variables), "message": message, "user_id": user_id}
    try:
        question = run_message(fields)
    except (TypeError, ValueError, RecursionError) as error:
        for name, value in variables.items():
            try:
                run_message({"value": value})
            except (TypeError, ValueError, RecursionError) as why:
                raise ScriptError(f"the variable `{name}` cannot be given to the code: {why}") from error
        raise
    if len(question) > LARGEST_INPUT:
        raise ScriptError("the variables, the message and the code are larger than 4 MB together")
    return question


def _changes(letter: str, payload: bytes, *, lines: int) -> dict[str, Any]:
    """What the worker's answer says. ScriptError unless the code went well."""
    if letter == "x":
        raise _escaped(payload.decode("utf-8", "replace"), lines)
    try:
        text = json.loads(payload)
        answer = json.loads(text)
    except RecursionError:
        raise ScriptError(_TOO_DEEP) from None
    except ValueError:
        raise ScriptError("the code broke the way its result is told") from None
    if "\\ud" in text:
        # Half an emoji, as `text.slice(0, 1)` leaves it, is no Unicode text and could not be stored.
        answer = _whole_characters(answer)
    if isinstance(answer, list):
        # The answer of the syntax check, which has a verdict on the one code that was sent.
        message, line, column = answer[0] or ("it is more than one function body", 1, 1)
        raise ScriptError(f"the code has a syntax error: {message}", line=line, column=column)
    if "threw" in answer:
        raise _threw(answer["threw"], answer["stack"], lines)
    if "unfit" in answer:
        raise _unfit(answer["unfit"], answer["path"])
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST_OUTPUT:
        raise _unfit("too large", [])
    return {name: value for name, value in answer["changed"].items() if name not in BUILT_IN}


def _escaped(text: str, lines: int) -> ScriptError:
    """An exception that nothing in the script caught: of a promise, or of too little memory."""
    said, _, stack = text.partition("\n    at ")
    return _threw(said.strip()[:500], "    at " + stack, lines)


def _threw(said: str, stack: str, lines: int) -> ScriptError:
    frame = re.search(r"<input>:(\d{1,7}):(\d{1,7})", stack)
    line = column = None
    # The code starts on the second line of what is evaluated. A script can make up its stack.
    if frame and 1 <= int(frame[1]) - 1 <= lines:
        line, column = int(frame[1]) - 1, int(frame[2])
    if said.startswith("InternalError: out of memory"):
        return ScriptError(_TOO_MUCH_MEMORY)
    if said.startswith(("RangeError: Maximum call stack", "InternalError: stack overflow")):
        return ScriptError(_TOO_DEEP, line=line, column=column)
    if said.startswith("InternalError: Failed to normalize module"):
        return ScriptError("`import` is not possible in a code block", line=line, column=column)
    return ScriptError(f"the code threw {said}", line=line, column=column)


def _unfit(reason: str, path: list[str | int]) -> ScriptError:
    name = "ctx.variables" + "".join(_step(key) for key in path)
    if reason == "too large":
        what = f"{name} is" if path else "what the code wrote to ctx.variables is"
        return ScriptError(f"{what} larger than 1 MB")
    fact, help = _UNFIT.get(reason, (None, None))
    return ScriptError(fact or f"{name} is {reason}: a variable must be JSON", help=help)


def _step(key: str | int) -> str:
    if isinstance(key, str) and re.fullmatch(r"[A-Za-z_$][\w$]*", key):
        return f".{key}"
    return f"[{json.dumps(key)}]"


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole_characters(each) for each in value]
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(each) for key, each in value.items()}
    return value
