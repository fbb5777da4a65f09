"""Paths: how they are read, and where they lead."""

from __future__ import annotations

import pytest

from botctl.expr.path import MISSING, ExpressionError, look_up, parse_bare_path, parse_path

VARIABLES = {
    "order": {"items": [{"price": 5}, {"price": 7}], "order-id": "A1", "@type": "Order", "note": None},
    "box": {"length": 30},
    "name": "Zoë",
    "42": "a key that looks like an index",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "Zoë"),
        ("order.items.1.price", 7),
        ("order.items.length", 2),
        ("name.length", 3),
        ("box.length", 30),
        ("order.order-id", "A1"),
        ("order.@type", "Order"),
        ("order.note", None),
        ("42", "a key that looks like an index"),
        ("order.items.2", MISSING),
        ("order.items.-1", MISSING),
        ("order.items.01", MISSING),
        ("order.items.99999999999999999999", MISSING),
        ("order.items.price", MISSING),
        ("order.note.text", MISSING),
        ("order.length", MISSING),
        ("name.0", MISSING),
        ("nobody", MISSING),
    ],
)
def test_a_path_leads_to_its_value_or_nowhere(path: str, value: object) -> None:
    assert look_up(parse_path(path), VARIABLES) == value


def test_a_field_that_names_a_variable_tolerates_braces() -> None:
    assert parse_bare_path("{{ order.items }}") == parse_bare_path(" order.items ") == ("order", "items")


@pytest.mark.parametrize(
    ("text", "offset", "length", "help"),
    [
        ("", 0, 1, "write the variable's name"),
        ("a..b", 1, 1, "one dot between"),
        (".a", 0, 1, "one dot between"),
        ("a.", 1, 1, "one dot between"),
        ("items[0]", 0, 8, "write `items.0`"),
        ("order['id']", 0, 11, "write `order.id`"),
        (" name | upper", 1, 12, "there are no filters: write `name`"),
        ("#if x", 0, 5, "there are no blocks"),
        ("a + b", 0, 5, "compute values in a code_block"),
        ("{{ a b }}", 3, 3, "only a path"),
    ],
)
def test_what_is_no_path_is_refused_at_its_place_with_a_way_out(
    text: str, offset: int, length: int, help: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_bare_path(text)
    assert (caught.value.offset, caught.value.length) == (offset, length)
    assert help in (caught.value.help or "")
