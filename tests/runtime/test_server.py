"""The HTTP server: where it listens, what it finds, and how it stops."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from botctl.errors import UserError
from botctl.messages import OutgoingMessage
from botctl.platforms.console_connection import ConsoleConnection
from botctl.platforms.custom import CUSTOM, CustomSettings
from botctl.platforms.platform import Connection
from botctl.runtime.server import LARGEST_BODY, HttpServer
from tests.platforms.world import Desk


class Echo:
    """A connection that answers a webhook with its body; a GET before the gate opens waits for it."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked = asyncio.Event()

    async def run(self) -> None:
        pass

    async def webhook(self, request: Request) -> Response:
        if request.method == "GET":
            self.asked.set()
            await self.gate.wait()
            return PlainTextResponse(request.query_params.get("hub.challenge", ""))
        return PlainTextResponse(str(len(await request.body())))

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        return ()

    async def close(self) -> None:
        pass


Story = Callable[[HttpServer, httpx.AsyncClient, Echo], Awaitable[Any]]


def served(story: Story, *, routes: tuple[Route, ...] = ()) -> Any:
    """What a story returns that is played against a running server."""

    async def whole() -> Any:
        echo = Echo()
        server = HttpServer(
            host="127.0.0.1",
            port=0,
            connections={("b.1", "echo"): echo, ("b.1", "console"): _console()},
            health=lambda: {"bots": ["b.1"]},
            routes=routes,
        )
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=10) as client:
                return await story(server, client, echo)
        finally:
            echo.gate.set()
            await server.stop()

    return asyncio.run(whole())


def _console() -> Connection:
    with open("/dev/null") as nothing:
        return ConsoleConnection(Desk().context, nothing, nothing, nothing)


def test_a_webhook_reaches_its_connection() -> None:
    async def story(server: HttpServer, client: httpx.AsyncClient, echo: Echo) -> Any:
        echo.gate.set()
        posted = await client.post("/webhooks/b.1/echo", content=b"12345")
        asked = await client.get("/webhooks/b.1/echo", params={"hub.challenge": "42"})
        return posted.text, asked.text

    assert served(story) == ("5", "42")


def test_health_is_told_and_the_server_does_not_say_what_it_is() -> None:
    async def story(server: HttpServer, client: httpx.AsyncClient, echo: Echo) -> Any:
        response = await client.get("/healthz")
        return response.status_code, response.json(), "server" in response.headers

    assert served(story) == (200, {"status": "ok", "bots": ["b.1"], "refused": {}}, False)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/webhooks/b.1", 404),
        ("POST", "/webhooks/other/echo", 404),
        ("POST", "/webhooks/b.1/telegram", 404),
        ("POST", "/webhooks/b.1/echo/more", 404),
        ("POST", "/webhooks/b.1/console", 404),
        ("DELETE", "/webhooks/b.1/echo", 405),
        ("POST", "/healthz", 405),
    ],
)
def test_what_is_not_there_is_told_in_json(method: str, path: str, status: int) -> None:
    async def story(server: HttpServer, client: httpx.AsyncClient, echo: Echo) -> Any:
        response = await client.request(method, path)
        return response.status_code, sorted(response.json())

    assert served(story) == (status, ["error", "help"])


def test_routes_may_be_handed_in() -> None:
    async def page(request: Request) -> Response:
        return PlainTextResponse("a page")

    async def story(server: HttpServer, client: httpx.AsyncClient, echo: Echo) -> Any:
        return (await client.get("/page")).text

    assert served(story, routes=(Route("/page", page),)) == "a page"


def test_a_body_is_bounded_while_it_is_read_whatever_its_length_was_said_to_be() -> None:
    async def chunks(count: int) -> Any:
        for _ in range(count):
            yield b"x" * (LARGEST_BODY // 4)

    async def story(server: HttpServer, client: httpx.AsyncClient, echo: Echo) -> Any:
        fitting = await client.post("/webhooks/b.1/echo", content=b"x" * LARGEST_BODY)
        in_parts = await client.post("/webhooks/b.1/echo", content=chunks(4))
        larger = await client.post("/webhooks/b.1/echo", content=chunks(5))
        return fitting.text, in_parts.text, larger.status_code, larger.json()["error"]

    assert served(story) == ("4194304", "4194304", 413, "the body is longer than 4194304 bytes")


def test_requests_under_way_are_answered_before_the_server_stops() -> None:
    async def story(server: HttpServer, client: httpx.AsyncClient, echo: Echo) -> Any:
        asked = asyncio.create_task(client.get("/webhooks/b.1/echo", params={"hub.challenge": "x"}))
        await echo.asked.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        echo.gate.set()
        await stopping
        async with httpx.AsyncClient(trust_env=False) as late:
            with pytest.raises(httpx.ConnectError):
                await late.get(server.url)
        return (await asked).text

    assert served(story) == "x"


def test_stopping_twice_or_before_the_start_does_nothing() -> None:
    async def whole() -> None:
        server = HttpServer(host="127.0.0.1", port=0, connections={}, health=dict)
        await server.stop()
        await server.start()
        await server.stop()
        await server.stop()

    asyncio.run(whole())


def test_signals_are_left_to_the_command_line() -> None:
    async def story(server: HttpServer, client: httpx.AsyncClient, echo: Echo) -> Any:
        return signal.getsignal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)

    assert served(story) == before


def start(host: str, port: int, connections: Mapping[tuple[str, str], Connection] | None = None) -> UserError:
    """The error with which a server does not start."""

    async def whole() -> None:
        server = HttpServer(host=host, port=port, connections=connections or {}, health=dict)
        await server.start()
        await server.stop()

    with pytest.raises(UserError) as caught:
        asyncio.run(whole())
    return caught.value


def test_a_port_that_is_taken_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = start("127.0.0.1", port)

    assert error.message == f"port {port} on 127.0.0.1 is taken by another program"
    assert error.help and "--port" in error.help


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("192.0.2.1", "this machine has no address `192.0.2.1`"),
        ("no such host", "there is no address `no such host` to listen on"),
    ],
)
def test_an_address_that_is_not_ours_is_refused(host: str, message: str) -> None:
    assert start(host, 0).message == message


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_without_a_secret_strangers_are_kept_out(host: str) -> None:
    connection = CUSTOM.connect(CustomSettings(), Desk().context)

    error = start(host, 0, {("b", "custom"): connection})

    reached = host or "this machine"
    assert error.message == (
        f"platform `custom` of bot `b` has no secret, so anybody who reaches {reached} could talk to it"
    )


@pytest.mark.parametrize(
    ("host", "secret"),
    [("127.0.0.1", ""), ("localhost", ""), ("0.0.0.0", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
)
def test_on_this_machine_or_with_a_secret_it_listens(host: str, secret: str) -> None:
    async def whole() -> int:
        connection = CUSTOM.connect(CustomSettings(secret=secret), Desk().context)
        server = HttpServer(host=host, port=0, connections={("b", "custom"): connection}, health=dict)
        await server.start()
        async with httpx.AsyncClient(trust_env=False) as client:
            status = (await client.get(server.url + "/healthz")).status_code
        await server.stop()
        return status

    assert asyncio.run(whole()) == 200
