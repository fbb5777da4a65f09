"""A model server: speaks the real wire of a provider over loopback, and misbehaves on demand."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from tests.fakes.llm_streams import completion_events, message_events

SAFE_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


@dataclass(frozen=True)
class Says:
    """A good answer. calls are (name, arguments as written)."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    stop: Literal["end", "length", "refusal"] = "end"


@dataclass(frozen=True)
class Fails:
    """An answer that is not 2xx. more: fields that stand beside the message."""

    status: int
    message: str = "something"
    code: str = ""
    param: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sends:
    """These bytes as the body of a 200, or with `promised` set, fewer than promised."""

    body: bytes
    content_type: str = "application/json"
    promised: int = 0
    status: int = 200


@dataclass(frozen=True)
class Breaks:
    """The first events of a streamed answer, and then the connection; with `quietly` the stream just ends."""

    says: Says
    events: int
    quietly: bool = False


@dataclass(frozen=True)
class Drops:
    """The connection, without a word."""


@dataclass(frozen=True)
class Hangs:
    """No answer until the client goes away; with `drip`, a byte now and then."""

    drip: bool = False


Answer = Says | Fails | Sends | Breaks | Drops | Hangs


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class Rules(Protocol):
    """What a service refuses, and how it writes an answer and an error. path: a pattern of the only path."""

    path: str

    def refusal(self, body: Mapping[str, Any]) -> Fails | None:
        """The refusal that this request deserves."""

    def document(self, says: Says, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a good answer."""

    def events(self, document: Mapping[str, Any]) -> Iterator[bytes]:
        """The same in pieces, as it is streamed."""

    def error(self, fails: Fails) -> dict[str, Any]:
        """The body of an error."""


class OpenAIRules:
    """What OpenAI refuses; `takes_no` names fields that this server does not take."""

    def __init__(self, *takes_no: str) -> None:
        self.takes_no = takes_no
        self.path = "/v1/chat/completions"

    def refusal(self, body: Mapping[str, Any]) -> Fails | None:
        """The 400 that this request deserves."""
        for name in self.takes_no:
            if name in body:
                other = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
                message = f"Unsupported parameter: '{name}' is not supported with this model.{other}"
                return Fails(400, message, "unsupported_parameter", name)
        names = [tool["function"]["name"] for tool in body.get("tools", ())]
        open_calls: set[str] = set()
        for message in body["messages"]:
            functions = [call["function"] for call in message.get("tool_calls", ())]
            names += [function["name"] for function in functions]
            if not all(isinstance(json.loads(function["arguments"]), dict) for function in functions):
                return Fails(400, "tool call arguments must be a JSON object")
            if isinstance(message["content"], list) and "pictures" in self.takes_no:
                return Fails(400, f"'messages.{len(names)}.content' : content must be a string")
            if message["role"] == "tool":
                if message["tool_call_id"] not in open_calls:
                    return Fails(400, "messages with role 'tool' must follow 'tool_calls'")
                open_calls.remove(message["tool_call_id"])
            elif open_calls:
                return Fails(400, f"tool_call_ids without response: {sorted(open_calls)}")
            open_calls |= {call["id"] for call in message.get("tool_calls", ())}
        return _bad_name(names)

    def document(self, says: Says, body: Mapping[str, Any]) -> dict[str, Any]:
        """A chat completion."""
        message: dict[str, Any] = {"role": "assistant", "content": says.text or None, "refusal": None}
        if says.stop == "refusal":
            message |= {"content": None, "refusal": says.text}
        if says.calls:
            message["tool_calls"] = [
                {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
                for n, (name, arguments) in enumerate(says.calls)
            ]
        reason = "tool_calls" if says.calls else {"length": "length"}.get(says.stop, "stop")
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
        }

    def events(self, document: Mapping[str, Any]) -> Iterator[bytes]:
        """Chunks."""
        return completion_events(document)

    def error(self, fails: Fails) -> dict[str, Any]:
        """OpenAI's error body."""
        told = {"message": fails.message, "type": "error", "param": fails.param or None}
        return {"error": told | {"code": fails.code or None} | fails.more}


class AnthropicRules:
    """What Anthropic refuses under its version of 2026-10-21."""

    def __init__(self, *takes_no: str) -> None:
        self.takes_no = ("temperature", "top_p", "top_k", *takes_no)
        self.path = "/v1/messages"

    def refusal(self, body: Mapping[str, Any]) -> Fails | None:
        """The 400 that this request deserves."""
        for name in self.takes_no:
            if name in body:
                return Fails(400, f"{name}: Extra inputs are not permitted", "invalid_request_error")
        if body["messages"][0]["role"] != "user":
            return Fails(400, "messages: first message must use the `user` role", "invalid_request_error")
        names = [tool["name"] for tool in body.get("tools", ())]
        open_calls: set[str] = set()
        for message in body["messages"]:
            blocks = message["content"]
            answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
            if answered != open_calls:
                return Fails(400, "tool_use ids need tool_result blocks immediately after", "invalid_request")
            uses = [block for block in blocks if block["type"] == "tool_use"]
            open_calls = {block["id"] for block in uses}
            names += [block["name"] for block in uses]
            if any(block["type"] == "image" for block in blocks) and "pictures" in self.takes_no:
                return Fails(400, "messages: this model takes no image", "invalid_request_error")
            if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
                return Fails(400, "messages: text content blocks must be non-empty", "invalid_request_error")
        if any(name not in {tool["name"] for tool in body.get("tools", ())} for name in names):
            return Fails(400, "tools: every tool_use needs its tool", "invalid_request_error")
        return _bad_name(names)

    def document(self, says: Says, body: Mapping[str, Any]) -> dict[str, Any]:
        """A message."""
        content: list[dict[str, Any]] = [{"type": "text", "text": says.text}] if says.text else []
        for n, (name, arguments) in enumerate(says.calls):
            written = json.loads(arguments) if arguments.startswith('{"') else arguments
            content.append({"type": "tool_use", "id": f"call_{n}", "name": name, "input": written})
        reason = "tool_use" if says.calls else {"length": "max_tokens", "refusal": "refusal"}.get(says.stop)
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": content,
            "stop_reason": reason or "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 5, "cache_read_input_tokens": 6, "output_tokens": 3},
        }

    def events(self, document: Mapping[str, Any]) -> Iterator[bytes]:
        """Events of a message."""
        return message_events(document)

    def error(self, fails: Fails) -> dict[str, Any]:
        """Anthropic's error body."""
        return {"type": "error", "error": {"type": fails.code or "api_error", "message": fails.message}}


def _bad_name(names: list[str]) -> Fails | None:
    bad = [name for name in names if not SAFE_NAME.match(name)]
    return Fails(400, f"tools name must match the pattern: {bad}") if bad else None


class ModelServer:
    """A server on a free loopback port that gives these answers in order, and the last one for ever."""

    def __init__(self, rules: Rules, *answers: Answer) -> None:
        self.rules = rules
        self.answers = list(answers)
        self.received: list[Received] = []
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._more = asyncio.Event()

    async def has_received(self, requests: int) -> None:
        """Wait until so many requests have come."""
        while len(self.received) < requests:
            self._more.clear()
            await self._more.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._connections.values():
            writer.close()
        await asyncio.gather(*self._connections)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            while await self._answer_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            del self._connections[task]

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection is still open afterwards."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in pairs}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))))
        path = head[0].split()[1]
        self.received.append(Received(path, headers, body))
        self._more.set()
        is_streamed = bool(body.get("stream")) or "streamGenerateContent" in path
        answer = self._answer(path, body)
        if isinstance(answer, Breaks) or (is_streamed and isinstance(answer, Says)):
            return await self._stream(answer, body, writer)
        return await self._send(answer, body, reader, writer)

    async def _stream(
        self, answer: Says | Breaks, body: dict[str, Any], writer: asyncio.StreamWriter
    ) -> bool:
        """The answer in pieces, each in a chunk of its own."""
        says = answer.says if isinstance(answer, Breaks) else answer
        events = list(self.rules.events(self.rules.document(says, body)))
        head = "HTTP/1.1 200 Said\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for event in events[: answer.events] if isinstance(answer, Breaks) else events:
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
            await writer.drain()
        if isinstance(answer, Breaks) and not answer.quietly:
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    def _answer(self, path: str, body: dict[str, Any]) -> Answer:
        if not re.fullmatch(self.rules.path, path):
            return Sends(b"<html>no such page</html>", "text/html", status=404)
        refusal = self.rules.refusal(body)
        if refusal:
            return refusal
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def _send(
        self,
        answer: Answer,
        body: dict[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        match answer:
            case Says():
                return await _write(writer, 200, json.dumps(self.rules.document(answer, body)).encode())
            case Fails():
                told = json.dumps(self.rules.error(answer)).encode()
                return await _write(writer, answer.status, told, answer.headers)
            case Sends():
                headers = {"content-type": answer.content_type}
                await _write(writer, answer.status, answer.body, headers, answer.promised)
                return not answer.promised
            case Hangs(drip=True):
                await _write(writer, 200, b"{", {}, 1000)
                while not reader.at_eof():
                    await asyncio.sleep(0.01)
                    writer.write(b" ")
                    await writer.drain()
            case Hangs():
                await reader.read()
            case Drops():
                pass
        return False


async def _write(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    promised: int = 0,
) -> bool:
    fields = {"content-type": "application/json", "content-length": str(promised or len(body))}
    lines = [f"{name}: {value}" for name, value in {**fields, **(headers or {})}.items()]
    writer.write("\r\n".join([f"HTTP/1.1 {status} Said", *lines, "", ""]).encode() + body)
    await writer.drain()
    return True
