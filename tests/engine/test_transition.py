"""What SEMANTICS says and no worked example shows, on plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botctl.engine.run import Run, Token, run_from_json
from botctl.engine.standing import ready_tokens
from botctl.engine.transition import Failure, Limits, Result, apply_wave, start_run, wake
from botctl.execution.outcome import Done, End, Event, Iterate, Outcome, Reply, Wait
from botctl.messages import Said
from botctl.project.graph import Graph
from tests.engine.world import graph_of


def _graph(types: Mapping[str, str], *edges: str) -> Graph:
    data: dict[str, dict[str, Any]] = {
        "trigger": {"triggerType": "message_received"},
        "loop": {"loopType": "count", "iterations": 2},
        "send_message": {"message": "m"},
        "parallel": {},
        "error_handler": {},
        "code_block": {"code": "1"},
    }
    nodes = [{"id": id, "type": type, "data": data[type]} for id, type in types.items()]
    ways = []
    for edge in edges:
        source, target = edge.split(" -> ")
        source, _, handle = source.partition(".")
        ways.append({"source": source, "target": target, "sourceHandle": handle or None})
    return graph_of({"nodes": nodes, "edges": ways})


def _step(graph: Graph, run: Run, **outcomes: Outcome | Failure) -> Run:
    """Execute the ready tokens; nodes without a given outcome are just done."""
    wave = ready_tokens(graph, run)
    assert set(outcomes) <= {token.node for token in wave}
    return apply_wave(graph, run, [Result(token, outcomes.get(token.node, Done())) for token in wave])[0]


def _standing(run: Run) -> list[tuple[str, int]]:
    return [(token.node, len(token.frame)) for token in run.tokens]


FAN = _graph(
    {"t": "trigger", "p": "parallel", "a": "send_message", "b": "send_message", "j": "send_message"},
    "t -> p",
    "p -> a",
    "p -> b",
    "a -> j",
    "b -> j",
)


def _fan_of_two() -> Run:
    return _step(FAN, _step(FAN, start_run(FAN, {})))


def test_a_run_before_a_transition_is_not_changed_by_it() -> None:
    before = start_run(FAN, {"n": 1})

    _step(FAN, before, t=Done({"n": 2}, say=(Said(text="hi"),)))

    assert (before.variables, before.said, _standing(before)) == ({"n": 1}, [], [("t", 0)])


def test_the_later_token_wins_when_two_write_one_variable() -> None:
    after = _step(FAN, _fan_of_two(), a=Done({"v": "a"}), b=Done({"v": "b"}))

    assert after.variables == {"v": "b"}


def test_a_join_waits_for_a_branch_that_waits_for_a_reply() -> None:
    waiting = _step(FAN, _fan_of_two(), b=Wait((Reply(),), state={"asked": 1}))

    assert _standing(waiting) == [("b", 0), ("j", 0)]
    assert ready_tokens(FAN, waiting) == []

    woken = wake(waiting, waiting.tokens[0], Event("reply", "yes"))

    assert [token.node for token in ready_tokens(FAN, woken)] == ["b"]


def test_a_waiting_run_comes_back_from_json_as_it_was() -> None:
    waiting = _step(FAN, _fan_of_two(), b=Wait((Reply(),), state={"asked": 1}, say=(Said(text="?"),)))

    assert run_from_json(waiting.to_json()) == waiting


def test_an_uncaught_error_in_the_wave_wins_over_the_end_of_the_conversation() -> None:
    after = _step(FAN, _fan_of_two(), a=End(), b=Failure("boom"))

    assert (after.failure, after.is_over) == ("boom", True)


def test_of_several_uncaught_errors_the_first_in_token_order_is_told() -> None:
    after = _step(FAN, _fan_of_two(), a=Failure("one"), b=Failure("two"))

    assert after.failure == "one"


def test_an_error_of_one_branch_of_an_iteration_drops_the_other_branch_with_it() -> None:
    graph = _graph(
        {
            "t": "trigger",
            "l": "loop",
            "p": "parallel",
            "a": "code_block",
            "b": "send_message",
            "c": "send_message",
            "d": "send_message",
            "h": "error_handler",
        },
        "t -> l",
        "l.loop_body -> p",
        "p -> a",
        "p -> b",
        "b -> c",
        "l.loop_done -> d",
        "l.error -> h",
    )
    run = _step(graph, start_run(graph, {}))
    run = _step(graph, run, l=Iterate("i", (0, 1)))
    run = _step(graph, run)

    run = _step(graph, run, a=Failure("boom"), b=Done(say=(Said(text="b"),)))

    assert (run.tokens, run.loops, [said.text for said in run.said]) == ([Token("h", caught=True)], [], ["b"])
    assert run.variables["error"] == {"node": "a", "type": "code_block", "message": "boom"}


def test_a_loop_over_nothing_leaves_at_once() -> None:
    graph = _graph(
        {"t": "trigger", "l": "loop", "a": "send_message", "d": "send_message"},
        "t -> l",
        "l.loop_body -> a",
        "l.loop_done -> d",
    )

    run = _step(graph, _step(graph, start_run(graph, {})), l=Iterate("i", ()))

    assert _standing(run) == [("d", 0)]


def test_a_loop_of_more_than_fifty_is_cut_and_says_so() -> None:
    graph = _graph(
        {"t": "trigger", "l": "loop", "a": "send_message", "d": "send_message"},
        "t -> l",
        "l.loop_body -> a",
        "l.loop_done -> d",
    )
    run = _step(graph, _step(graph, start_run(graph, {})), l=Iterate("i", tuple(range(70)), limit=99))
    notes: list[str] = []
    while _standing(run) != [("d", 0)]:
        wave = ready_tokens(graph, run)
        run, facts = apply_wave(graph, run, [Result(token, Done()) for token in wave])
        notes += [note for about in facts.notes.values() for note in about]

    assert (run.executed_inside, run.variables["i"]) == (50, 49)
    assert notes == ["loop `l` was cut after 50 iterations"]


def test_three_that_wait_for_each_other_do_not_wait_for_ever() -> None:
    graph = _graph(
        {"t": "trigger", "a": "send_message", "b": "send_message", "c": "send_message"},
        "t -> a",
        "t -> b",
        "t -> c",
        "a -> b",
        "b -> c",
        "c -> a",
    )

    run = _step(graph, start_run(graph, {}))

    assert [token.node for token in ready_tokens(graph, run)] == ["a"]


def test_a_wave_that_would_pass_a_limit_is_told_with_the_limit() -> None:
    run = _fan_of_two()

    assert Limits(max_nodes=3).passed_by(run, run.tokens) == "more than 3 nodes would run (limits.max_nodes)"
    assert Limits(max_nodes=4).passed_by(run, run.tokens) == ""


def test_a_workflow_without_a_trigger_fails_in_the_products_words() -> None:
    assert start_run(_graph({"a": "send_message"}), {}).failure == "No trigger node in workflow"
    assert start_run(Graph((), ()), {}).failure == "Workflow is empty"
