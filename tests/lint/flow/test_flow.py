"""Where a variable is not surely set, and why: one way told, and nothing that is only seemingly amiss."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from botctl.lint.flow.flow import Flow
from tests.lint.flow.world import (
    FAN_OUT,
    WAIT,
    ask,
    call,
    code,
    count,
    doubts,
    each,
    flow_of,
    graph,
    put,
    say,
    think,
)

READ = say("{{v}}")
HANDLER = ("error_handler", {"fallback_message": "{{error.message}}"})
VERIFY = ("auth_gate", {"provider": "resend", "contact_type": "email", "outputVariable": "v"})
DECIDE = ("action", {"actionType": "human_handoff"})
SWITCH = ("logic", {"logicType": "switch", "variable": "message", "cases": ["a", "b"]})
FLAGGING = "const m = ctx.message; if (m) ctx.variables.v = 1; ctx.variables.ok = !!m;"
UNTIL = ("loop", {"loopType": "while", "condition": "{{v}} is_empty"})


@pytest.mark.parametrize(
    ("nodes", "edges", "expected"),
    [
        # never
        ({"say": READ}, ["t -> say"], ["say: v NEVER"]),
        ({"say": say("{{message}} {{platform}} {{attachments.0.name}} {{button.label}}")}, ["t -> say"], []),
        # branches
        ({"q": ask("1 == 1"), "set": put("v"), "say": READ},
         ["t -> q", "q.true -> set", "q.false -> say", "set -> say"], ["say: v SOMETIMES t q.false say"]),
        ({"q": ask("1 == 1"), "a": put("v"), "b": think("v"), "say": READ},
         ["t -> q", "q.true -> a", "q.false -> b", "a -> say", "b -> say"], []),
        ({"q": SWITCH, "set": put("v"), "say": READ},
         ["t -> q", "q.case_a -> set", "q.case_b -> set", "q.case_default -> say", "set -> say"],
         ["say: v SOMETIMES t q.case_default say"]),
        ({"q": ask("1 == 1"), "set": put("v"), "say": READ}, ["t -> q", "q.true -> set", "q.false -> say"],
         ["say: v ELSEWHERE t q.false say"]),
        # a flag set beside what it tells of
        ({"c": code(FLAGGING), "q": ask("{{ok}} == true"),
          "say": READ}, ["t -> c", "c -> q", "q.true -> say"], []),
        ({"c": code(FLAGGING), "q": ask("{{message}} == a"),
          "say": READ}, ["t -> c", "c -> q", "q.true -> say"], ["say: v SOMETIMES t c q.true say"]),
        # order
        ({"say": READ, "set": put("v")}, ["t -> say", "say -> set"], ["say: v LATER t say"]),
        ({"set": put("v", "{{v}}")}, ["t -> set"], ["set: v LATER t set"]),
        # side by side
        ({"a": put("v"), "b": put("w"), "say": say("{{v}} {{w}}")},
         ["t -> a", "t -> b", "a -> say", "b -> say"], []),
        ({"a": put("v"), "b": READ}, ["t -> a", "t -> b"], ["b: v BESIDE t b"]),
        ({"a": put("v"), "b": FAN_OUT, "say": READ}, ["t -> a", "t -> b", "b -> say"], []),
        ({"a": FAN_OUT, "set": put("v"), "b": FAN_OUT, "say": READ},
         ["t -> a", "a -> set", "t -> b", "b -> say"], ["say: v BESIDE t b say"]),
        ({"a": FAN_OUT, "set": put("v"), "b": WAIT, "say": READ},
         ["t -> a", "a -> set", "t -> b", "b -> say"], []),
        ({"p": FAN_OUT, "a": put("v"), "q": ask("1 == 1"), "b": put("w"), "say": say("{{v}} {{w}}")},
         ["t -> p", "p -> a", "p -> q", "q.true -> b", "b -> say", "a -> say"],
         ["say: w SOMETIMES t p a say"]),
        # loops
        ({"l": count(3), "set": put("v"), "say": READ},
         ["t -> l", "l.loop_body -> set", "l.loop_done -> say"], []),
        ({"l": each("attachments"), "set": put("v"), "say": READ},
         ["t -> l", "l.loop_body -> set", "l.loop_done -> say"], ["say: v SOMETIMES t l.loop_done say"]),
        ({"list": put("list", ["a"]), "l": each("list"), "set": put("v"), "say": READ},
         ["t -> list", "list -> l", "l.loop_body -> set", "l.loop_done -> say"], []),
        ({"l": count("{{message}}"), "set": put("v"), "say": READ},
         ["t -> l", "l.loop_body -> set", "set -> l", "l.loop_done -> say"],
         ["say: v SOMETIMES t l.loop_done say"]),
        ({"l": each("attachments", "v"), "a": READ, "say": READ},
         ["t -> l", "l.loop_body -> a", "l.loop_done -> say"], ["say: v SOMETIMES t l.loop_done say"]),
        ({"l": count(3), "say": READ, "set": put("v")}, ["t -> l", "l.loop_body -> say", "say -> set"],
         ["say: v SOMETIMES t l.loop_body say"]),
        ({"l": UNTIL, "w": WAIT, "set": code("if (ctx.message) ctx.variables.v = 1;"), "say": READ},
         ["t -> l", "l.loop_body -> w", "w -> set", "l.loop_done -> say"], []),
        # errors
        ({"c": call("v"), "sorry": READ, "say": READ}, ["t -> c", "c.error -> sorry", "c -> say"],
         ["sorry: v SOMETIMES t c.error sorry"]),
        ({"c": call("v"), "h": HANDLER, "say": READ}, ["t -> c", "c -> say", "h -> say"],
         ["say: v SOMETIMES t c.error h say"]),
        ({"c": call("v"), "h": HANDLER, "say": READ}, ["t -> c", "c -> say", "c -> h"], []),
        ({"p": FAN_OUT, "c": call("v"), "d": say("x"), "h": HANDLER, "say": READ},
         ["t -> p", "p -> c", "p -> d", "c -> say", "d -> say", "c -> h"], []),
        ({"c": call("w"), "say": say("{{error.message}}")}, ["t -> c", "c -> say"], ["say: error NEVER"]),
        # gates and people
        ({"g": VERIFY, "say": READ, "no": READ}, ["t -> g", "g.verified -> say", "g.failed -> no"],
         ["no: v SOMETIMES t g.failed no"]),
        ({"d": DECIDE, "say": say("{{handoff.by}}")}, ["t -> d", "d.rejected -> say", "d.approved -> say"],
         []),
        ({"p": FAN_OUT, "a": say("x"), "d": DECIDE, "set": put("v"), "say": READ},
         ["t -> p", "p -> a", "p -> d", "d.approved -> set", "d.rejected -> set", "set -> say", "a -> say"],
         []),
        # asked before
        ({"q": ask("1 == 1"), "set": put("v"), "is_set": ask("{{v}} is_not_empty"), "say": READ},
         ["t -> q", "q.true -> set", "q.false -> is_set", "set -> is_set", "is_set.true -> say"], []),
        ({"q": ask("{{message}} == x"), "set": put("v"), "again": ask("{{message}} contains x"), "say": READ},
         ["t -> q", "q.true -> set", "q.false -> again", "set -> again", "again.true -> say"], []),
        ({"q": ask("1 == 1"), "yes": put("flag", "yes"), "set": put("v"), "no": put("flag", "no"),
          "again": ask("{{flag}} == yes"), "say": READ},
         ["t -> q", "q.true -> yes", "yes -> set", "q.false -> no", "set -> again", "no -> again",
          "again.true -> say"], []),
        ({"l": each("attachments"), "set": put("v"), "is_any": ask("{{attachments.length}} > 0"),
         "say": READ},
         ["t -> l", "l.loop_body -> set", "l.loop_done -> is_any", "is_any.true -> say"], []),
        ({"w": ask("{{message}} == x"), "a": WAIT, "q": ask("{{message}} == y"), "set": put("v"),
         "say": READ},
         ["t -> w", "w.true -> a", "a -> q", "q.true -> set", "q.false -> say", "set -> say"],
         ["say: v SOMETIMES t w.true a q.false say"]),
        # conditions see null, code may look
        ({"q": ask("1 == 1"), "set": put("v"), "c": ask("{{v}} == 3"),
         "js": code("ctx.variables.w = ctx.variables.v")},
         ["t -> q", "q.true -> set", "q.false -> c", "set -> c", "c.true -> js"], []),
        ({"js": code("ctx.variables.w = ctx.variables.v.x; ctx.variables.y = ctx.variables.z || 1")},
         ["t -> js"],
         ["js: v NEVER", "js: z NEVER"]),
        # not certain: nothing is said
        ({"js": code("fill(ctx.variables)"), "say": READ}, ["t -> js", "js -> say"], []),
        ({"say": READ, "js": code("fill(ctx.variables)")}, ["t -> say", "say -> js"], ["say: v NEVER"]),
        ({"q": ask("1 == 1"), "set": put("v"), "say": READ, "back": say("x")},
         ["t -> q", "q.true -> set", "q.false -> say", "set -> say", "say -> back", "back -> q"], []),
        ({"say": READ, "alone": put("v")}, ["t -> say"], []),
        ({"bad": put("all {{v}}"), "say": READ}, ["t -> bad", "bad -> say"], []),
    ],
)  # fmt: skip
def test_what_is_doubtful(nodes: dict[str, Any], edges: list[str], expected: list[str]) -> None:
    assert doubts(flow_of(nodes, edges)) == expected


def test_a_variable_that_another_bot_hands_over_is_set() -> None:
    nodes, edges = {"say": say("{{customer}} {{custmer}}")}, ["t -> say"]

    assert doubts(flow_of(nodes, edges, given=lambda: frozenset({"customer"}))) == ["say: custmer NEVER"]
    assert doubts(flow_of(nodes, edges, given=lambda: None)) == []


def test_other_bots_are_asked_for_only_when_something_is_amiss() -> None:
    asked: list[str] = []

    def given() -> frozenset[str]:
        asked.append("asked")
        return frozenset()

    told = doubts(flow_of({"set": put("v"), "say": READ}, ["t -> set", "set -> say"], given=given))

    assert (told, asked) == ([], [])


def test_work_grows_with_the_nodes_and_not_faster() -> None:
    small, large = calls_for(20), calls_for(200)

    assert large < 11 * small


def calls_for(size: int) -> int:
    """How many functions are called to look through so many meetings of branches: a clock without time."""
    nodes: dict[str, Any] = {}
    edges: list[str] = []
    before = "t"
    for number in range(size):
        nodes |= {f"a{number}": put(f"v{number}"), f"b{number}": put(f"w{number}")}
        nodes[f"c{number}"] = say(f"{{{{v{number}}}}} {{{{w{number}}}}} {{{{v0}}}}")
        edges += [f"{before} -> a{number}", f"{before} -> b{number}"]
        edges += [f"a{number} -> c{number}", f"b{number} -> c{number}"]
        before = f"c{number}"
    workflow = graph(nodes, edges)
    calls = 0

    def count_call(*_: Any) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count_call)
    found = Flow(workflow).doubts
    sys.setprofile(None)
    assert found == []
    return calls
