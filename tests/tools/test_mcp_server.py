"""MCP servers over real pipes: what they give, and every way in which they go."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from botctl.errors import OutsideError
from botctl.tools.mcp import ServerSettings
from botctl.tools.mcp_server import McpServer
from botctl.tools.tool import ToolHints
from tests.tools.world import SILENT, call, facts, program, stdio, when_found


class Life:
    """One event loop and one misbehaving server, shared by the tests that leave it alive."""

    def __init__(self, log_folder: Path) -> None:
        self._runner = asyncio.Runner()
        self.log_folder = log_folder
        self.server = McpServer(stdio(env={"SHOP_KEY": "sesame"}), log_folder=log_folder)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self.server.close())
        self._runner.close()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    life = Life(tmp_path_factory.mktemp("log"))
    yield life
    life.close()


def value(life: Life, tool: str, **arguments: Any) -> Any:
    return life.run(call(life.server, tool, **arguments)).value


def failure(work: Coroutine[Any, Any, Any], server: McpServer) -> OutsideError:
    """The error of `work`, in a loop of its own, with the server closed after it."""

    async def main() -> OutsideError:
        try:
            with pytest.raises(OutsideError) as caught:
                await work
            return caught.value
        finally:
            await server.close()

    return asyncio.run(main())


# What tools give


def test_a_value_that_the_sdk_wrapped_is_unwrapped(life: Life) -> None:
    assert value(life, "echo", text="hello") == "hello"
    assert value(life, "numbers", count=3) == [0, 1, 2]


def test_an_object_of_the_tool_is_never_unwrapped(life: Life) -> None:
    assert value(life, "own_result") == {"result": "mine"}


def test_text_is_parsed_when_it_is_json_and_joined_when_it_is_not(life: Life) -> None:
    assert value(life, "json_text") == {"a": [1, 2]}
    assert value(life, "texts") == "one\ntwo"


def test_a_picture_is_told_as_text(life: Life) -> None:
    assert value(life, "picture") == "[image, image/png, 2 kB]"


def test_a_tool_that_says_it_failed_is_a_result_and_not_an_exception(life: Life) -> None:
    result = life.run(call(life.server, "fail", reason="no paper"))

    assert result.is_error
    assert "no paper" in result.text


def test_annotations_become_hints(life: Life) -> None:
    tool = life.run(life.server.find("mischief__echo"))

    assert tool.hints == ToolHints(read_only=True, idempotent=True, destructive=False)
    assert tool.hints.may_be_repeated


def test_a_result_that_breaks_the_tools_own_schema_is_not_passed_on(life: Life) -> None:
    with pytest.raises(
        OutsideError, match="`mischief__broken` answered with something that does not fit"
    ) as e:
        value(life, "broken")

    assert facts(e.value) == (False, False)


def test_calls_over_one_connection_overlap(life: Life) -> None:
    async def work() -> list[Any]:
        return await asyncio.gather(*(call(life.server, "meet", people=5) for _ in range(5)))

    assert [result.value for result in life.run(work())] == ["met"] * 5


def test_a_server_gets_only_the_variables_it_names_and_what_a_program_needs(
    life: Life,
) -> None:
    names = set(value(life, "environment"))

    assert "SHOP_KEY" in names
    assert names <= {"SHOP_KEY", "HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LC_CTYPE", "PWD"}
    assert "PYTEST_CURRENT_TEST" in os.environ


def test_a_tool_that_comes_later_is_found(life: Life) -> None:
    value(life, "learn", name="juggle")

    assert life.run(when_found(life.server, "juggle")) == "mischief__juggle"


def test_finding_a_tool_of_a_connected_server_waits_for_nothing(life: Life) -> None:
    life.run(life.server.find("mischief__echo"))
    finding = life.server.find("mischief__echo")

    with pytest.raises(StopIteration) as ended:
        finding.send(None)

    assert ended.value.value.name == "mischief__echo"


# Time


def test_a_call_that_takes_too_long_is_in_doubt_and_leaves_the_connection_alive(life: Life) -> None:
    async def work() -> OutsideError:
        tool = await life.server.find("mischief__hang")
        assert tool is not None
        with pytest.raises(OutsideError) as caught:
            await life.server.call(tool, {}, 0.05)
        return caught.value

    error = life.run(work())

    assert error.message == "`mischief__hang` did not answer within 50ms"
    assert facts(error) == (True, False)
    assert value(life, "echo", text="still here") == "still here"


def test_a_caller_that_is_cancelled_leaves_the_connection_alive(life: Life) -> None:
    async def work() -> None:
        calling = asyncio.create_task(call(life.server, "hang"))
        await call(life.server, "echo", text="")
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

    life.run(work())

    assert value(life, "echo", text="still here") == "still here"


def test_a_server_that_never_gets_ready_fails_in_time() -> None:
    server = McpServer(program(SILENT, connect_timeout=0.1))

    error = failure(server.tools(), server)

    assert error.message == "MCP server `other` was not ready within 100ms"
    assert facts(error) == (True, True)


# Death


def test_a_server_that_dies_in_a_call_fails_that_call_and_is_started_again_for_the_next(life: Life) -> None:
    with pytest.raises(OutsideError) as caught:
        value(life, "die")

    assert caught.value.message == "MCP server `mischief` ended while `mischief__die` was running"
    assert facts(caught.value) == (True, False)
    assert value(life, "echo", text="again") == "again"


def test_what_a_program_says_on_stderr_goes_to_its_log_file(
    life: Life, capfd: pytest.CaptureFixture[str]
) -> None:
    log = (life.log_folder / "mcp-mischief.log").read_text()

    assert "these are my last words" in log
    assert capfd.readouterr().err == ""


def test_a_server_that_left_between_two_calls_costs_no_call(life: Life) -> None:
    async def work() -> Any:
        await call(life.server, "leave")
        connection = life.server._connection
        assert connection is not None
        await connection.ended()
        return (await call(life.server, "echo", text="back")).value

    assert life.run(work()) == "back"


def test_a_server_that_keeps_dying_is_left_alone_for_a_while() -> None:
    server = McpServer(program("raise SystemExit(1)"))

    async def work() -> list[float | None]:
        pauses = []
        for _ in range(3):
            with pytest.raises(OutsideError, match="MCP server `other` ended before it was ready") as caught:
                await server.tools()
            pauses.append(caught.value.retry_after)
            assert facts(caught.value) == (True, True)
        await server.close()
        return pauses

    first, second, third = asyncio.run(work())

    assert (first, second) == (None, None)
    assert third is not None and 0 < third <= 0.5


def test_a_program_that_is_not_there_is_surely_not_executed() -> None:
    server = McpServer(ServerSettings(name="ghost", command="no-such-program"))

    error = failure(server.tools(), server)

    assert error.message == "MCP server `ghost` cannot be started: there is no program `no-such-program`"
    assert facts(error) == (False, True)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    server = McpServer(program(SILENT, cwd=str(tmp_path / "nowhere")))

    error = failure(server.tools(), server)

    assert error.message == f"MCP server `other` cannot be started: there is no folder {tmp_path}/nowhere"


def test_a_program_that_does_not_speak_mcp_cannot_be_connected() -> None:
    server = McpServer(program("print('hello there')"))

    assert "`other` ended before it was ready" in failure(server.tools(), server).message


def test_no_error_repeats_a_secret(tmp_path: Path) -> None:
    talk = (
        "import json, os, sys\n"
        "for line in sys.stdin:\n"
        "    error = {'code': -32603, 'message': 'bad key ' + os.environ['KEY']}\n"
        "    number = json.loads(line)['id']\n"
        "    print(json.dumps({'jsonrpc': '2.0', 'id': number, 'error': error}), flush=True)\n"
    )
    server = McpServer(program(talk, env={"KEY": "open-sesame"}))

    error = failure(server.tools(), server)

    assert error.message == "MCP server `other` refused the connection: bad key ***"


# Closing


def test_closing_while_connecting_leaves_no_task() -> None:
    server = McpServer(program(SILENT))

    async def work() -> int:
        opening = asyncio.create_task(server.tools())
        await asyncio.sleep(0)
        await server.close()
        with pytest.raises(OutsideError, match="the connection to MCP server `other` was closed"):
            await opening
        return len(asyncio.all_tasks())

    assert asyncio.run(work()) == 1


def test_a_closed_connection_leaves_no_child() -> None:
    server = McpServer(stdio())

    async def work() -> int:
        number: int = (await call(server, "process")).value
        await server.close()
        return number

    number = asyncio.run(work())

    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_program_that_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    deaf = f"import os, time; open({str(tmp_path / 'number')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    server = McpServer(program(deaf, connect_timeout=0.5))

    failure(server.tools(), server)

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "number").read_text()), 0)
