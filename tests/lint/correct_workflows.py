"""Correct workflows, made by a seeded generator: every node type, branches, joins, loops, parallel branches,
error paths and waits, in the company of each other.

What a workflow may read at a place is followed as it is written: a variable that only one branch sets is not
read behind both, and side by side no two branches set the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from botctl.lint.workflow_site import Surroundings
from botctl.tools.tool import Tool, ToolHints

Ends = list[tuple[str, str]]
"""Ways out that lead nowhere yet: (node, handle)."""
Scope = dict[str, str]
"""Paths that may be read here, each with its kind: text, number, list or truth."""

FIRST: Scope = {"message": "text", "user_id": "text", "channel_id": "text", "platform": "text"}
HELPER = "helper"
MOST_TOP_NODES = 40

_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            name="shop__order",
            input_schema={"type": "object", "properties": {"id": _TEXT}, "required": ["id"]},
            output_schema={
                "type": "object",
                "properties": {
                    "status": _TEXT,
                    "total": _NUMBER,
                    "items": {"type": "array", "items": {"type": "object", "properties": {"name": _TEXT}}},
                },
                "required": ["status", "total", "items"],
            },
            hints=ToolHints(read_only=True),
        ),
        Tool(
            name="shop__count",
            input_schema={"type": "object", "properties": {"of": _TEXT, "most": {"type": "integer"}}},
            output_schema={"type": "object", "properties": {"count": _NUMBER}, "required": ["count"]},
            hints=ToolHints(idempotent=True),
        ),
        Tool(name="shop__unsteady", hints=ToolHints(read_only=True)),
        Tool(name="shop__remove", hints=ToolHints(destructive=True)),
    )
}
AROUND = Surroundings(
    platforms=frozenset({"console", "telegram"}),
    bots=frozenset({HELPER}),
    identity=frozenset({"resend"}),
    tools=TOOLS,
)
"""What the linter is told of the bot around these workflows."""


def correct_workflow(seed: int) -> str:
    """The text of a workflow, as YAML with JSON in it, or as JSON; always the same for one seed."""
    sketch = _Sketch(Random(seed))
    sketch.whole()
    nodes, edges = sketch.nodes, sketch.edges
    if seed % 3 == 0:
        return json.dumps({"nodes": nodes, "edges": edges}, indent=1 if seed % 2 else None)
    lines = ["nodes:", *(f"  - {json.dumps(node)}" for node in nodes), "edges:"]
    for edge in edges:
        way = f".{edge['sourceHandle']}" if "sourceHandle" in edge else ""
        lines.append(
            f"  - {edge['source']}{way} -> {edge['target']}" if seed % 2 else f"  - {json.dumps(edge)}"
        )
    return "\n".join(lines) + "\n"


class _Sketch:
    """A workflow while it is being drawn."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, str]] = []
        self.count = 0
        self.is_beside = 0
        """How many parallels are around: no waiting for the user there, who would answer only one branch."""
        self.may_fail = False
        """Whether a node may fail that has no error edge: the next handler behind it catches that, too."""
        self.in_loop = 0

    def whole(self) -> None:
        """Trigger, what follows, and perhaps a handler for all that is not caught."""
        start = self.node("trigger", triggerType="message_received")
        ends, scope = self.sequence([(start, "next")], dict(FIRST), depth=0, length=self.random.randint(2, 7))
        if ends:
            self.say(ends, scope)
        if self.random.random() < 0.3:
            rescue = self.node("error_handler", fallback_message="Sorry: {{error.message}}")
            self.say([(rescue, "next")], {**FIRST, "error.node": "text"})

    # Blocks: each leads the ways out that it is given to what it adds, and gives its own.

    def sequence(self, ends: Ends, scope: Scope, *, depth: int, length: int) -> tuple[Ends, Scope]:
        for _ in range(length):
            if not ends or len(self.nodes) >= MOST_TOP_NODES - 8:
                break
            ends, scope = self.a_block(depth)(ends, scope, depth)
        return ends, scope

    def a_block(self, depth: int) -> Callable[[Ends, Scope, int], tuple[Ends, Scope]]:
        simple = [
            self.saying,
            self.setting,
            self.asking,
            self.calling,
            self.coding,
            self.telling,
            self.ticketing,
        ]
        simple += [self.scheduling, self.delegating, self.catching, self.asking_for_json]
        nested = [self.deciding, self.switching, self.side_by_side, self.counting, self.going_through]
        nested += [self.repeating]
        waiting = [self.waiting, self.verifying, self.handing_off]
        choice = self.random.random()
        if depth < 3 and choice < 0.4:
            return self.random.choice(nested)
        if not self.is_beside and choice < 0.55:
            return self.random.choice(waiting)
        return self.random.choice(simple)

    def saying(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        return [(self.say(ends, scope), "next")], scope

    def setting(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        name = self.name("set")
        value = self.random.choice([f"a {self.a_text(scope)}", 3, True])
        node = self.follow(ends, "action", actionType="set_variable", variable=name, value=value)
        kind = "text" if isinstance(value, str) else "truth" if value is True else "number"
        return [(node, "next")], {**scope, name: kind}

    def asking(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        name = self.name("answer")
        node = self.follow(ends, "llm_call", prompt=f"What of {self.a_text(scope)}?", outputVariable=name)
        if not self.is_beside and self.random.random() < 0.3:
            node = self.follow([(node, "next")], "send_message")
        return [(node, "next")], {**scope, f"{name}.text": "text", f"{name}.tokensInput": "number"}

    def asking_for_json(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        name = self.name("lead")
        schema = {
            "type": "object",
            "properties": {"name": _TEXT, "score": _NUMBER},
            "required": ["name", "score"],
        }
        node = self.follow(
            ends, "llm_call", prompt=f"Who is it? {self.a_text(scope)}", outputVariable=name, schema=schema
        )
        return [(node, "next")], {**scope, f"{name}.json.name": "text", f"{name}.json.score": "number"}

    def calling(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        name = self.name("result")
        if self.random.random() < 0.5:
            arguments: Any = {"id": self.a_text(scope, "text")}
            if self.random.random() < 0.4:
                arguments = json.dumps(arguments)
            node = self.follow(
                ends, "mcp_tool", toolName="shop__order", arguments=arguments, outputVariable=name
            )
            found = {f"{name}.status": "text", f"{name}.total": "number", f"{name}.items": "list"}
            return [(node, "next")], {**scope, **found}
        arguments = {"of": self.a_text(scope, "text"), "most": 3}
        node = self.follow(ends, "mcp_tool", toolName="shop__count", arguments=arguments, outputVariable=name)
        return [(node, "next")], {**scope, f"{name}.count": "number"}

    def coding(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        name = self.name("made")
        code, kind = self.random.choice(
            [
                (f"ctx.variables.{name} = String(ctx.message).length;", "number"),
                (f"ctx.variables.{name} = ['a', 'b', 'c'].slice(0, 2);", "list"),
                (f"const text = String(ctx.message);\nctx.variables.{name} = text.trim();", "text"),
            ]
        )
        return [(self.follow(ends, "code_block", code=code), "next")], {**scope, name: kind}

    def telling(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        node = self.follow(
            ends,
            "send_proactive",
            message=f"Somebody wrote {self.a_text(scope)}",
            target_platform="telegram",
            target_channel_id="1234",
        )
        return [(node, "next")], scope

    def ticketing(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        node = self.follow(ends, "action", actionType="create_ticket", subject=f"About {self.a_text(scope)}")
        return [(node, "next")], scope

    def scheduling(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        when: dict[str, Any] = self.random.choice(
            [{"delay_minutes": 5}, {"scheduled_time": "2031-05-01T09:00:00Z"}]
        )
        node = self.follow(ends, "schedule_message", message=f"Later: {self.a_text(scope)}", **when)
        return [(node, "next")], scope

    def delegating(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        name = self.name("told")
        node = self.follow(
            ends,
            "delegate_to_bot",
            target_bot_id=HELPER,
            outputVariable=name,
            context={"who": self.a_text(scope)},
        )
        return [(node, "next")], {**scope, name: "text"}

    def catching(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        """A tool that fails, and what happens then; both ways meet, or the one after the error ends."""
        could_fail_before = self.may_fail
        node = self.follow(ends, "mcp_tool", toolName="shop__unsteady")
        self.may_fail = could_fail_before
        handler = self.follow([(node, "error")], "error_handler", fallback_message="Sorry: {{error.message}}")
        if could_fail_before or self.random.random() < 0.5:
            self.say([(handler, "next")], {**FIRST, "error.node": "text"})
            return [(node, "next")], scope
        return [(node, "next"), (handler, "next")], scope

    def deciding(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        node = self.follow(ends, "logic", logicType="if_else", condition=self.a_condition(scope))
        return self.branches([(node, "true"), (node, "false")], scope, depth)

    def switching(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        texts = [path for path, kind in scope.items() if kind == "text"]
        cases = self.random.sample(["order", "refund", "hello", "other"], self.random.randint(1, 3))
        path = self.random.choice(texts)
        node = self.follow(ends, "logic", logicType="switch", variable=path, cases=cases)
        handles = [*(f"case_{case}" for case in cases), "case_default"]
        return self.branches([(node, handle) for handle in handles], scope, depth)

    def branches(self, ways: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        """One of several ways is taken. They meet, but for those that end; what all set is set then."""
        shared = self.name("choice")
        sets_shared = self.random.random() < 0.4
        open_ends: Ends = []
        for number, way in enumerate(ways):
            ends, inner = [way], dict(scope)
            if number and not sets_shared and len(ways) == 2 and self.random.random() < 0.4:
                open_ends += ends  # nothing on this way
                continue
            if sets_shared:
                node = self.follow(
                    ends, "action", actionType="set_variable", variable=shared, value=f"{number}"
                )
                ends = [(node, "next")]
            else:
                ends = [(self.say(ends, inner), "next")]
            ends, inner = self.sequence(ends, inner, depth=depth + 1, length=self.random.randint(0, 2))
            if ends and self.random.random() < 0.2 and number:
                self.finish(ends, inner)
                continue
            open_ends += ends
        return open_ends, {**scope, shared: "text"} if sets_shared else scope

    def finish(self, ends: Ends, scope: Scope) -> None:
        """The end of a branch, or of the whole run where nothing else is under way."""
        if not self.is_beside and not self.in_loop and self.random.random() < 0.5:
            self.follow(ends, "action", actionType="end_conversation")
        else:
            self.say(ends, scope)

    def side_by_side(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        """Branches that all run, and a node behind them that waits for all."""
        node = self.follow(ends, "parallel", label="all at once")
        self.is_beside += 1
        open_ends: Ends = []
        together = dict(scope)
        for _ in range(self.random.randint(2, 3)):
            ends = [(self.say([(node, "next")], scope), "next")]
            ends, inner = self.sequence(ends, dict(scope), depth=depth + 2, length=self.random.randint(0, 2))
            open_ends += ends
            together |= inner
        self.is_beside -= 1
        return open_ends, together

    def counting(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        name = self.name("number")
        loop = self.follow(
            ends, "loop", loopType="count", iterations=self.random.randint(1, 3), itemVariable=name
        )
        return self.body(loop, {**scope, name: "number"}, scope, depth)

    def going_through(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        lists = [path for path, kind in scope.items() if kind == "list"]
        if not lists:
            ends, scope = self.calling_for_a_list(ends, scope)
            lists = [path for path, kind in scope.items() if kind == "list"]
        name = self.name("one")
        loop = self.follow(
            ends, "loop", loopType="for_each", arrayVariable=self.random.choice(lists), itemVariable=name
        )
        return self.body(loop, scope, scope, depth)

    def calling_for_a_list(self, ends: Ends, scope: Scope) -> tuple[Ends, Scope]:
        name = self.name("listed")
        code = f"ctx.variables.{name} = ['a', 'b'];"
        return [(self.follow(ends, "code_block", code=code), "next")], {**scope, name: "list"}

    def repeating(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        """A while that its own body ends."""
        name = self.name("turns")
        before = self.follow(ends, "action", actionType="set_variable", variable=name, value=0)
        condition = f"{{{{{name}}}}} < {self.random.randint(1, 3)}"
        if self.random.random() < 0.3:
            loop = self.follow([(before, "next")], "logic", logicType="while", condition=condition)
        else:
            loop = self.follow([(before, "next")], "loop", loopType="while", condition=condition)
        code = f"ctx.variables.{name} = ctx.variables.{name} + 1;"
        counter = self.follow([(loop, "loop_body")], "code_block", code=code)
        outside = {**scope, name: "number"}
        return self.body(loop, outside, outside, depth, begun=[(counter, "next")])

    def body(
        self, loop: str, inside: Scope, outside: Scope, depth: int, begun: Ends | None = None
    ) -> tuple[Ends, Scope]:
        """What a loop repeats; with an edge back to it, or without."""
        self.in_loop += 1
        ends = begun or [(self.say([(loop, "loop_body")], inside), "next")]
        ends, _ = self.sequence(ends, dict(inside), depth=depth + 1, length=self.random.randint(0, 2))
        self.in_loop -= 1
        if self.random.random() < 0.4:
            for source, handle in ends:
                self.edge(source, handle, loop)
        return [(loop, "loop_done")], outside

    def waiting(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        asked = self.say(ends, scope)
        if self.random.random() < 0.5:
            return [(self.follow([(asked, "next")], "logic", logicType="wait"), "next")], scope
        node = self.follow([(asked, "next")], "logic", logicType="wait", timeout="1h")
        if self.random.random() < 0.5:
            return [(node, "next"), (node, "timeout")], scope
        self.say([(node, "timeout")], scope)
        return [(node, "next")], scope

    def verifying(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        name = self.name("email")
        node = self.follow(ends, "auth_gate", provider="resend", contact_type="email", outputVariable=name)
        self.say([(node, "failed")], scope)
        inside = {**scope, name: "text"}
        if self.random.random() < 0.4:
            node = self.follow([(node, "verified")], "mcp_tool", toolName="shop__remove")
            return [(node, "next")], inside
        return [(node, "verified")], inside

    def handing_off(self, ends: Ends, scope: Scope, depth: int) -> tuple[Ends, Scope]:
        node = self.follow(ends, "action", actionType="human_handoff", reason=f"May I? {self.a_text(scope)}")
        inside = {**scope, "handoff.status": "text", "handoff.note": "text"}
        ways = [(node, "approved"), (node, "rejected")]
        if self.random.random() < 0.5:
            ways.append((node, "expired"))
        if self.random.random() < 0.5:
            self.say(ways[1:], inside)
            return ways[:1], inside
        return [(self.say([way], inside), "next") for way in ways], inside

    # What blocks are made of

    def say(self, ends: Ends, scope: Scope) -> str:
        return self.follow(ends, "send_message", message=f"I tell you {self.a_text(scope)}.")

    def follow(self, ends: Ends, type: str, **data: Any) -> str:
        node = self.node(type, **data)
        for source, handle in ends:
            self.edge(source, handle, node)
        return node

    def node(self, type: str, **data: Any) -> str:
        self.count += 1
        id = f"{type}_{self.count}"
        self.nodes.append({"id": id, "type": type, "data": data})
        self.may_fail |= type in ("llm_call", "mcp_tool", "delegate_to_bot", "auth_gate")
        return id

    def edge(self, source: str, handle: str, target: str) -> None:
        edge = {"source": source, "target": target}
        self.edges.append(edge if handle == "next" else {**edge, "sourceHandle": handle})

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}_{self.count}"

    def a_text(self, scope: Scope, *kinds: str) -> str:
        wanted = kinds or ("text", "number", "truth")
        path = self.random.choice([path for path, kind in scope.items() if kind in wanted])
        return f"{{{{{path}}}}}"

    def a_condition(self, scope: Scope) -> str:
        path, kind = self.random.choice([one for one in scope.items() if one[1] != "list"])
        if kind == "number":
            return f"{{{{{path}}}}} {self.random.choice(['>', '<=', '=='])} {self.random.randint(0, 9)}"
        if kind == "truth":
            return f"{{{{{path}}}}} == true"
        return self.random.choice(
            [
                f"{{{{{path}}}}} contains order",
                f"{{{{{path}}}}} is_not_empty",
                f"not {{{{{path}}}}} == hello",
                f'{{{{{path}}}}} starts_with "he" or {{{{message}}}} == hello',
            ]
        )
