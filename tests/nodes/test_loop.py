"""The loop node."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import UserError
from botctl.execution.outcome import Iterate
from botctl.execution.step import BotFacts
from botctl.nodes.loop import LOOP
from botctl.nodes.shape import EntryOf, Origin, Shape
from tests.nodes.world import a_step, codes, execute

EACH = {"loopType": "for_each", "arrayVariable": "cart.items", "itemVariable": "current"}


def test_for_each_takes_the_list_as_it_is_now() -> None:
    step = a_step(variables={"cart": {"items": [1, "b"]}})

    assert execute(LOOP, EACH, step) == Iterate(item_variable="current", items=(1, "b"), limit=50)


def test_braces_around_the_array_variable_are_tolerated() -> None:
    step = a_step(variables={"xs": []})

    outcome = execute(LOOP, {"loopType": "for_each", "arrayVariable": "{{xs}}"}, step)

    assert outcome == Iterate(item_variable="item", items=(), limit=50)


@pytest.mark.parametrize(
    ("cart", "message", "help"),
    [
        ({}, "`cart.items` is not set, not a list", "`arrayVariable` names"),
        ({"items": None}, "`cart.items` is null, not a list", "`arrayVariable` names"),
        ({"items": 3}, "`cart.items` is a number, not a list", "`arrayVariable` names"),
        ({"items": {"rows": [1]}}, "`cart.items` is an object, not a list", "`cart.items.rows`"),
        ({"items": "[1]"}, "`cart.items` is a text, not a list", "JSON.parse"),
    ],
)
def test_for_each_over_something_else_names_it(cart: Any, message: str, help: str) -> None:
    with pytest.raises(UserError) as caught:
        execute(LOOP, EACH, a_step(variables={"cart": cart}))

    assert caught.value.message == message
    assert help in (caught.value.help or "")


@pytest.mark.parametrize(("iterations", "count"), [(3, 3), ("3", 3), ("{{n}}", 4), (0, 0), (2.0, 2)])
def test_count_numbers_from_0(iterations: Any, count: int) -> None:
    step = a_step(variables={"n": "4"})

    outcome = execute(LOOP, {"loopType": "count", "iterations": iterations}, step)

    assert outcome == Iterate(item_variable="index", items=tuple(range(count)), limit=50)


@pytest.mark.parametrize("value", ["many", None, [1], -1, 1.5, True])
def test_count_of_something_else_names_it(value: Any) -> None:
    with pytest.raises(UserError, match="`iterations` came to"):
        execute(LOOP, {"loopType": "count", "iterations": "{{n}}"}, a_step(variables={"n": value}))


@pytest.mark.parametrize(
    ("written", "bots", "limit"), [(None, 50, 50), (10, 50, 10), ("10", 50, 10), (80, 50, 50), (30, 20, 20)]
)
def test_the_least_limit_holds_and_one_more_entry_tells_of_the_cut(
    written: Any, bots: int, limit: int
) -> None:
    step = a_step(variables={"cart": {"items": list(range(99))}}, bot=BotFacts(name="b", max_iterations=bots))

    outcome = execute(LOOP, {**EACH, "maxIterations": written}, step)

    assert outcome == Iterate(item_variable="current", items=tuple(range(limit + 1)), limit=limit)


def test_a_huge_count_is_not_laid_out() -> None:
    outcome = execute(LOOP, {"loopType": "count", "iterations": 10**12})

    assert isinstance(outcome, Iterate)
    assert outcome.items == tuple(range(51))


def test_while_gives_its_condition_to_the_engine() -> None:
    outcome = execute(LOOP, {"loopType": "while", "condition": "{{n}} < 3", "maxIterations": 5})

    assert outcome == Iterate(item_variable="", items=None, condition="{{n}} < 3", limit=5)


def test_a_condition_that_cannot_be_read_fails_the_node_not_the_engine() -> None:
    with pytest.raises(UserError, match="cannot be read"):
        execute(LOOP, {"loopType": "while", "condition": "{{n}} <"})


@pytest.mark.parametrize(
    ("written", "writes"),
    [
        (EACH, {"current": EntryOf(("cart", "items"))}),
        ({"loopType": "count", "iterations": 2}, {"index": Shape.NUMBER}),
        ({"loopType": "while", "condition": "x"}, {}),
    ],
)
def test_what_each_iteration_sets_is_known(written: dict[str, Any], writes: dict[str, Origin]) -> None:
    data = LOOP.data.model_validate(written)

    assert LOOP.writes(data) == writes
    assert LOOP.handles(data) == ("loop_body", "loop_done")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"loopType": "for_each"}, "`arrayVariable` is needed for for_each"),
        ({"loopType": "count"}, "`iterations` is needed for count"),
        ({"loopType": "while"}, "`condition` is needed for while"),
        (
            {"loopType": "count", "iterations": 2, "arrayVariable": "x"},
            "`arrayVariable` belongs to for_each, not to count",
        ),
        ({"loopType": "foreach"}, "'for_each', 'count' or 'while'"),
        ({"loopType": "count", "iterations": "many"}, "should be a number, or a {{placeholder}}"),
        ({"loopType": "count", "iterations": -1}, "not negative"),
        ({"loopType": "count", "iterations": 1.5}, "a whole number"),
        ({"loopType": "count", "iterations": 2, "maxIterations": 0}, "greater than or equal to 1"),
    ],
)
def test_fields_that_do_not_fit_are_mistakes(written: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        LOOP.data.model_validate(written)

    assert sentence in str(caught.value)


def test_more_iterations_than_a_loop_makes_are_found() -> None:
    assert codes(LOOP, {"loopType": "count", "iterations": 51}) == ["WF401"]
    assert codes(LOOP, {**EACH, "maxIterations": 50}) == []
