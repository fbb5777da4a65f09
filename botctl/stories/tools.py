"""The tools of a story: what the stubs give, with the schemas and the policy of the real workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botctl.clock import Clock
from botctl.duration import format_duration
from botctl.errors import OutsideError, UserError
from botctl.expr.template import to_text
from botctl.lint.locks import KnownTools
from botctl.runtime.border import OpenTools
from botctl.spec.story import ToolStub
from botctl.spec.workspace import WorkspaceSpec
from botctl.stories.happening import SPOT, Call, Gap, Scene
from botctl.stories.loop import StoryLoop
from botctl.stories.writing import yaml_text
from botctl.tools.policy import Decision, decide
from botctl.tools.skills import SKILLS
from botctl.tools.tool import Tool, ToolResult


@dataclass(slots=True)
class ReadyStub:
    """A stub with how often it may still fit; None without end."""

    stub: ToolStub
    left: int | None

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        """Whether it answers a call with these arguments."""
        wanted = self.stub.arguments or {}
        return self.left != 0 and all(
            name in arguments and same(arguments[name], value) for name, value in wanted.items()
        )


class StubTools:
    """See `OpenTools`. real: the servers that answer themselves, and the skills, which always do."""

    def __init__(
        self,
        stubs: Mapping[str, Sequence[ReadyStub]],
        known: KnownTools,
        spec: WorkspaceSpec,
        real: OpenTools,
        real_servers: Sequence[str],
        clock: Clock,
        loop: StoryLoop,
        scene: Scene,
    ) -> None:
        self._stubs = stubs
        self._known = known
        self._spec = spec
        self._real = real
        self._prefixes = tuple(f"{server}__" for server in (*real_servers, SKILLS))
        self._clock = clock
        self._loop = loop
        self._scene = scene

    async def tools(self) -> list[Tool]:
        """See `ToolBox.tools`."""
        with self._loop.outside():
            found = {tool.name: tool for tool in await self._real.tools()}
        found |= {name: tool for name, tool in self._known.tools.items() if name not in found}
        found |= {name: Tool(name=name) for name in self._stubs if name not in found}
        return [tool for tool in found.values() if self.decide(tool.name) != "deny"]

    def decide(self, name: str) -> Decision:
        """See `ToolBox.decide`."""
        return decide(name, self._known.policy)

    async def find(self, name: str) -> Tool | None:
        """See `ToolBox.find`."""
        if self.decide(name) == "deny":
            return None
        if name.startswith(self._prefixes):
            with self._loop.outside():
                return await self._real.find(name)
        if name in self._known.tools:
            return self._known.tools[name]
        server = name.partition("__")[0]
        if name in self._stubs or server in self._known.unlocked:
            return Tool(name=name)
        return None

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        """See `ToolBox.call`."""
        if self.decide(name) == "deny":
            raise UserError(f"the workspace's policy denies `{name}`", help="see `tools` in its file")
        if name.startswith(self._prefixes):
            with self._loop.outside():
                result = await self._real.call(name, arguments, timeout=timeout)
            self._note(name, arguments, to_text(result.value))
            return result
        ready = next((one for one in self._stubs.get(name, ()) if one.fits(arguments)), None)
        if ready is None:
            gap = self._gap(name, arguments)
            self._scene.now.gaps.append(gap)
            raise UserError(gap.fact, help="add a stub to `tools`")
        if ready.left is not None:
            ready.left -= 1
        return await self._answer(name, arguments, ready.stub, timeout)

    async def close(self) -> None:
        """End what is real."""
        await self._real.close()

    async def _answer(
        self, name: str, arguments: Mapping[str, Any], stub: ToolStub, timeout: float | None
    ) -> ToolResult:
        server = name.partition("__")[0]
        if stub.down:
            raise OutsideError(f"MCP server `{server}` cannot be reached", retryable=True, not_executed=True)
        declared = self._spec.servers.get(server)
        seconds = timeout if timeout is not None else declared.timeout if declared else 30.0
        if stub.silent or (stub.takes or 0) > seconds:
            self._note(name, arguments, "no answer")
            await self._clock.sleep(seconds)
            raise OutsideError(f"`{name}` did not answer within {format_duration(seconds)}", retryable=True)
        if stub.takes:
            await self._clock.sleep(stub.takes)
        if stub.error is not None:
            self._note(name, arguments, f"error: {stub.error}")
            return ToolResult(value=stub.error, text=stub.error, is_error=True)
        self._note(name, arguments, to_text(stub.result))
        return ToolResult(value=stub.result, text=to_text(stub.result))

    def _note(self, name: str, arguments: Mapping[str, Any], outcome: str) -> None:
        self._scene.now.calls.append(
            Call(spot=SPOT.get(), tool=name, arguments=dict(arguments), outcome=outcome)
        )

    def _gap(self, name: str, arguments: Mapping[str, Any]) -> Gap:
        spot = SPOT.get()
        call = f"`{name}` with {to_text(dict(arguments))}"
        stub: dict[str, Any] = {"arguments": dict(arguments), "result": {}} if arguments else {"result": {}}
        return Gap(
            spot=spot,
            fact=f"no stub says what {call} gives (called by `{spot}`)",
            snippet=yaml_text({"tools": {name: [stub]}}),
        )


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def ready_stubs(tools: Mapping[str, Literal["real"] | list[ToolStub]]) -> dict[str, list[ReadyStub]]:
    """The stubs by tool, ready for use in one story."""
    return {
        name: [ReadyStub(stub, stub.times) for stub in stubs]
        for name, stubs in tools.items()
        if stubs != "real"
    }
