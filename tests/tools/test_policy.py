"""Which tools may be called."""

from __future__ import annotations

import pytest

from botctl.tools.policy import Decision, ToolPolicy, decide


@pytest.mark.parametrize(
    ("policy", "decision"),
    [
        (ToolPolicy(), "allow"),
        (ToolPolicy(allow=("pay__*",)), "allow"),
        (ToolPolicy(allow=("orders__*",)), "deny"),
        (ToolPolicy(deny=("pay__re*",)), "deny"),
        (ToolPolicy(deny=("PAY__*",)), "allow"),
        (ToolPolicy(ask=("*__refund",)), "ask"),
        (ToolPolicy(allow=("orders__*",), ask=("pay__refund",)), "ask"),
        (ToolPolicy(allow=("pay__refund",), ask=("pay__refund",)), "ask"),
        (ToolPolicy(allow=("*",), deny=("*",), ask=("*",)), "deny"),
    ],
)
def test_the_first_list_that_fits_decides(policy: ToolPolicy, decision: Decision) -> None:
    assert decide("pay__refund", policy) == decision
