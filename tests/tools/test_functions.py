"""Functions: real HTTP over loopback, and Python callables from a project's folder."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from botctl.errors import OutsideError, UserError
from botctl.tools.functions import Functions, FunctionSettings
from botctl.tools.tool import ToolHints, ToolResult
from tests.tools.world import facts

ANSWERS = {
    "/429": (429, "slow down"),
    "/404": (404, '{"error": "no such order"}'),
    "/500": (500, "boom"),
    "/302": (302, ""),
    "/text": (200, "plain words"),
}


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked, or what the path demands."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        if self.path == "/hang":
            self.server.stop.wait(5)  # type: ignore[attr-defined]
        asked = {
            "method": self.command,
            "path": self.path,
            "body": body,
            "key": self.headers.get("x-key"),
        }
        status, text = ANSWERS.get(self.path, (200, json.dumps(asked)))
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "3")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *words: Any) -> None:
        pass


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.stop = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.stop.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def call(settings: FunctionSettings, arguments: dict[str, Any], folder: Path | None = None) -> ToolResult:
    async def main() -> ToolResult:
        functions = Functions([settings], folder)
        try:
            return await functions.call(f"functions__{settings.name}", arguments)
        finally:
            await functions.close()

    return asyncio.run(main())


def web(url: str, method: str = "POST", **settings: Any) -> FunctionSettings:
    return FunctionSettings(name="ask", url=url, method=method, **settings)


def failure(settings: FunctionSettings) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        call(settings, {})
    return caught.value


# HTTP


def test_arguments_go_into_the_url_the_query_or_the_body(place: str) -> None:
    arguments = {"id": "10/4 2?", "tags": ["a", "b&c"], "deep": {"x": True}, "none": None}

    got = call(web(f"http://{place}/orders/{{id}}?v=1", "GET"), arguments).value
    posted = call(web(f"http://{place}/orders/{{id}}", "PUT", headers={"X-Key": "k"}), arguments).value

    assert (got["method"], got["body"]) == ("GET", "")
    assert got["path"] == "/orders/10%2F4%202%3F?v=1&tags=a&tags=b%26c&deep=%7B%22x%22%3Atrue%7D"
    assert (posted["method"], posted["path"], posted["key"]) == ("PUT", "/orders/10%2F4%202%3F", "k")
    assert json.loads(posted["body"]) == {"tags": ["a", "b&c"], "deep": {"x": True}, "none": None}


@pytest.mark.parametrize("value", ["..", ".", "", None])
def test_an_argument_cannot_climb_out_of_its_place_in_the_url(place: str, value: Any) -> None:
    result = call(web(f"http://{place}/orders/{{id}}/notes"), {"id": value})

    assert result.is_error
    assert "the argument `id` is part of the url" in result.text


def test_an_argument_cannot_bring_a_placeholder_of_its_own(place: str) -> None:
    got = call(web(f"http://{place}/{{a}}/{{b}}", "GET"), {"a": "{b}", "b": "x"}).value

    assert got["path"] == "/%7Bb%7D/x"


def test_text_that_is_not_json_stays_text(place: str) -> None:
    assert call(web(f"http://{place}/text"), {}) == ToolResult(value="plain words", text="plain words")


def test_a_4xx_is_the_functions_own_no(place: str) -> None:
    result = call(web(f"http://{place}/404"), {})

    assert result == ToolResult(
        value={"error": "no such order"}, text='HTTP 404: {"error": "no such order"}', is_error=True
    )


def test_429_is_surely_not_executed_and_5xx_is_in_doubt(place: str) -> None:
    busy, broken = failure(web(f"http://{place}/429")), failure(web(f"http://{place}/500"))

    assert (facts(busy), busy.retry_after) == ((True, True), 3.0)
    assert facts(broken) == (True, False)


def test_a_redirect_is_not_followed(place: str) -> None:
    assert "a redirect, which is not followed" in failure(web(f"http://{place}/302")).message


def test_a_function_that_takes_too_long_is_in_doubt(place: str) -> None:
    error = failure(web(f"http://{place}/hang", timeout=0.05))

    assert error.message == "`functions__ask` did not answer within 50ms"
    assert facts(error) == (True, False)


def test_a_port_where_nobody_listens_is_surely_not_executed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]

    error = failure(web(f"http://user:secret@127.0.0.1:{free}/x?key=secret"))

    assert error.message.startswith(f"`functions__ask` at 127.0.0.1:{free} cannot be reached")
    assert facts(error) == (True, True)
    assert "secret" not in error.message


def test_a_header_that_http_does_not_allow_is_not_repeated(place: str) -> None:
    for value in ("open-sesame\n", "open-sésame"):
        error = failure(web(f"http://{place}/", headers={"X-Key": value}))

        assert "have characters that HTTP does not allow" in error.message
        assert "same" not in error.message


# Python


def module(folder: Path, source: str, name: str) -> FunctionSettings:
    (folder / f"{name}.py").write_text(source)
    return FunctionSettings(name="ask", python=f"{name}:answer")


def test_a_callable_takes_its_arguments_by_name(tmp_path: Path) -> None:
    settings = module(tmp_path, "def answer(a, b=2):\n    return {'sum': a + b}\n", "plain_callable")

    assert call(settings, {"a": 1}, tmp_path) == ToolResult(value={"sum": 3}, text='{"sum": 3}')


def test_an_async_callable_works_and_its_own_error_is_its_result(tmp_path: Path) -> None:
    source = "async def answer(a):\n    raise KeyError(a)\n"

    result = call(module(tmp_path, source, "async_callable"), {"a": "x"}, tmp_path)

    assert result == ToolResult(value="KeyError: 'x'", text="KeyError: 'x'", is_error=True)


def test_what_a_callable_returns_must_be_json(tmp_path: Path) -> None:
    result = call(module(tmp_path, "def answer():\n    return {1, 2}\n", "set_callable"), {}, tmp_path)

    assert result.is_error
    assert "returned what is not JSON" in result.text


@pytest.mark.parametrize("python", ["no_such_module:answer", "json:nothing", "json", "json:__name__"])
def test_a_callable_that_cannot_be_loaded_is_named(python: str) -> None:
    with pytest.raises(UserError, match=python):
        call(FunctionSettings(name="ask", python=python), {})


def test_what_the_workspace_says_of_a_function_becomes_hints() -> None:
    tool = FunctionSettings(name="ask", python="json:dumps", read_only=True, destructive=False).tool

    assert (tool.name, tool.hints) == ("functions__ask", ToolHints(read_only=True, destructive=False))
