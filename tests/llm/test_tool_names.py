"""Tool names on the wire."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from botctl.llm.tool_names import ToolNames

NAMES = st.lists(st.text(max_size=80) | st.from_regex(r"[a-z_.]{1,70}", fullmatch=True), max_size=8)


@given(NAMES)
def test_every_name_becomes_legal_and_comes_back(names: list[str]) -> None:
    mapped = ToolNames(names)

    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", mapped.safe(name)) for name in names)
    assert [mapped.real(mapped.safe(name)) for name in names] == names


def test_a_legal_name_stays_and_another_tells_what_it_was() -> None:
    mapped = ToolNames(["shop__get_order", "shop__get.order"])

    assert mapped.safe("shop__get_order") == "shop__get_order"
    assert mapped.safe("shop__get.order").startswith("shop__get_order_")


def test_a_server_cannot_take_the_name_that_another_tool_got() -> None:
    taken = ToolNames(["shop.refund"]).safe("shop.refund")

    mapped = ToolNames(["shop.refund", taken])

    assert (mapped.real(taken), mapped.real(mapped.safe("shop.refund"))) == (taken, "shop.refund")


def test_a_name_that_was_never_offered_stays_as_the_model_wrote_it() -> None:
    assert ToolNames(["a"]).real("made_up") == "made_up"
