"""What a decision tells of variables."""

from __future__ import annotations

import pytest

from botctl.lint.flow.narrowing import set_where
from tests.lint.flow.world import ask, graph


def told(condition: str) -> tuple[set[str], set[str]]:
    """What is set if the condition holds, and if it does not."""
    node = graph({"check": ask(condition)}, []).nodes["check"]
    return set(set_where(node, "true")), set(set_where(node, "false"))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("{{a}}", ({"a"}, set())),
        ("{{a.b}} is_not_empty", ({"a"}, set())),
        ("{{a}} is_empty", (set(), {"a"})),
        ("{{a}} == x", ({"a"}, set())),
        ("{{a}} != x", (set(), {"a"})),
        ('{{a}} == ""', (set(), {"a"})),
        ("{{a}} != null", ({"a"}, set())),
        ("{{a}} > 3", ({"a"}, set())),
        ("{{a}} < 3", (set(), {"a"})),
        ("{{a}} contains x", ({"a"}, set())),
        ("{{a}} not_contains x", (set(), {"a"})),
        ("{{a}} == {{b}}", (set(), set())),
        ("{{a}} matches x*", (set(), set())),
        ("{{a}} == x and {{b}} == y", ({"a", "b"}, set())),
        ("{{a}} == x or {{b}} == y", (set(), set())),
        ("{{a}} == x or {{a}} == y", ({"a"}, set())),
        ("not ({{a}} is_empty or {{b}} is_empty)", ({"a", "b"}, set())),
        ("x{{a}} == xy", (set(), set())),
    ],
)
def test_a_condition_tells_what_is_set_where_it_holds(
    condition: str, expected: tuple[set[str], set[str]]
) -> None:
    assert told(condition) == expected


def test_a_case_tells_that_its_variable_is_set_and_the_default_does_not() -> None:
    data = {"logicType": "switch", "variable": "intent.text", "cases": ["x"]}
    node = graph({"route": ("logic", data)}, []).nodes["route"]

    assert [set(set_where(node, handle)) for handle in ("case_x", "case_default")] == [{"intent"}, set()]


def test_a_while_tells_in_its_body_and_afterwards() -> None:
    node = graph({"w": ("loop", {"loopType": "while", "condition": "{{a}} is_empty"})}, []).nodes["w"]

    assert [set(set_where(node, handle)) for handle in ("loop_body", "loop_done")] == [set(), {"a"}]
