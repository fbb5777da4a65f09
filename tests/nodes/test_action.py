"""The action node."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from botctl.errors import UserError
from botctl.execution.outcome import AskPerson, Decision, Done, End, Event, Ticket, Wait
from botctl.nodes.action import ACTION
from botctl.nodes.shape import Origin, SameAs, Shape, list_of, record
from tests.nodes.world import a_step, codes, execute

TEXT = Shape.TEXT


def setting(variable: str, *value: Any) -> dict[str, Any]:
    written = {"actionType": "set_variable", "variable": variable}
    return {**written, "value": value[0]} if value else written


VARIABLES = {"user_name": "Ada", "n": 7, "order": {"id": 1, "lines": [{"p": 1}, {"p": 2}]}, "t": "text"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Hello, {{user_name}}!", "Hello, Ada!"),
        ("{{n}}", 7),
        ("{{order}}", VARIABLES["order"]),
        ("n={{n}}", "n=7"),
        (3, 3),
        (None, None),
        ({"who": "{{user_name}}", "n": ["{{n}}", True]}, {"who": "Ada", "n": [7, True]}),
    ],
)
def test_a_value_keeps_its_type(value: Any, kept: Any) -> None:
    outcome = execute(ACTION, setting("v", value), a_step(variables=VARIABLES))

    assert outcome == Done(writes={"v": kept})


def test_a_value_left_out_is_empty_text() -> None:
    assert execute(ACTION, setting("{{v}}")) == Done(writes={"v": ""})


@pytest.mark.parametrize(
    ("path", "writes"),
    [
        ("order.note", {"order": {"id": 1, "lines": [{"p": 1}, {"p": 2}], "note": "x"}}),
        ("order.lines.1.p", {"order": {"id": 1, "lines": [{"p": 1}, {"p": "x"}]}}),
        ("fresh.deep.er", {"fresh": {"deep": {"er": "x"}}}),
    ],
)
def test_a_path_sets_one_entry_and_leaves_the_variables_as_they_are(
    path: str, writes: dict[str, Any]
) -> None:
    step = a_step(variables=VARIABLES)

    outcome = execute(ACTION, setting(path, "x"), step)

    assert outcome == Done(writes=writes)
    assert VARIABLES["order"] == {"id": 1, "lines": [{"p": 1}, {"p": 2}]}


@pytest.mark.parametrize("path", ["t.a", "order.lines.2", "order.lines.a", "n.0"])
def test_a_path_into_something_else_names_it(path: str) -> None:
    with pytest.raises(UserError, match=rf"`{path}` cannot be set"):
        execute(ACTION, setting(path, "x"), a_step(variables=VARIABLES))


def test_end_conversation_ends_it() -> None:
    assert execute(ACTION, {"actionType": "end_conversation", "label": "End"}) == End()


def test_a_ticket_is_ordered_and_the_user_is_told_nothing() -> None:
    written = {"actionType": "create_ticket", "subject": "Issue with order {{order.id}}"}

    outcome = execute(ACTION, written, a_step(variables=VARIABLES))

    assert outcome == Done(orders=(Ticket(subject="Issue with order 1"),))


HANDOFF = {"actionType": "human_handoff", "reason": "Refund ${{order.id}}", "reviewers": ["{{n}}", "bo"]}


def test_a_handoff_asks_once_with_what_its_texts_came_to() -> None:
    data = ACTION.data.model_validate(HANDOFF)

    outcome = execute(ACTION, {**HANDOFF, "expires": "2h"}, a_step(variables={**VARIABLES, "n": "ada"}))

    assert isinstance(outcome, Wait)
    order = outcome.orders[0]
    assert isinstance(order, AskPerson)
    assert (order.reason, order.reviewers, order.expires) == ("Refund $1", ("ada", "bo"), 7200.0)
    assert outcome.for_ == (Decision(order.handoff_id),)
    assert (ACTION.handles(data), ACTION.writes(data)) == (
        ("approved", "rejected", "expired"),
        {"handoff": record(id=TEXT, status=TEXT, by=TEXT, note=TEXT)},
    )


@pytest.mark.parametrize(
    ("status", "wired", "handle"),
    [
        ("approved", {"approved"}, "approved"),
        ("rejected", set(), "rejected"),
        ("expired", {"approved", "expired"}, "expired"),
        ("expired", {"approved", "rejected"}, "rejected"),
    ],
)
def test_a_handoff_goes_on_by_the_decision(status: str, wired: set[str], handle: str) -> None:
    decision = {"handoff": "h1", "status": status, "by": "ada", "note": "ok", "sets": {"limit": 5}}
    step = a_step(event=Event("decision", decision))

    outcome = execute(ACTION, HANDOFF, structs.replace(step, wired=frozenset(wired)))

    told = {"id": "h1", "status": status, "by": "ada", "note": "ok"}
    assert outcome == Done(writes={"limit": 5, "handoff": told}, handle=handle)


@pytest.mark.parametrize(
    ("written", "shapes"),
    [
        (setting("a", "x"), {"a": TEXT}),
        (setting("a", "{{x.y}}"), {"a": SameAs(("x", "y"))}),
        (setting("a", "{{x}}!"), {"a": TEXT}),
        (setting("a.b", "x"), {"a": Shape.OBJECT}),
        (setting("a", 1), {"a": Shape.NUMBER}),
        (setting("a", []), {"a": Shape.LIST}),
        (setting("a", [1, 2]), {"a": list_of(Shape.NUMBER)}),
        (setting("a", {"b": "x", "c": "{{x}}"}), {"a": record(b=TEXT, c=Shape.ANY)}),
        ({"actionType": "create_ticket", "subject": "x"}, {}),
    ],
)
def test_what_an_action_sets_is_known(written: dict[str, Any], shapes: dict[str, Origin]) -> None:
    assert ACTION.writes(ACTION.data.model_validate(written)) == shapes


def test_nothing_follows_the_end_of_a_conversation() -> None:
    assert ACTION.handles(ACTION.data.model_validate({"actionType": "end_conversation"})) == ()


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"actionType": "set_variable", "value": "x"}, "`variable` is needed for set_variable"),
        ({"actionType": "create_ticket"}, "`subject` is needed for create_ticket"),
        ({"actionType": "end_conversation", "reason": "x"}, "`reason` belongs to human_handoff, not to"),
        ({"actionType": "set"}, "'set_variable', 'end_conversation', 'human_handoff' or 'create_ticket'"),
    ],
)
def test_fields_that_do_not_fit_are_mistakes(written: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        ACTION.data.model_validate(written)

    assert sentence in str(caught.value)


def test_templates_deep_in_a_value_are_checked() -> None:
    assert codes(ACTION, setting("a", {"b": ["fine", "{{ }}"]})) == ["VR301"]
