"""The auth_gate node, as far as it is built."""

from __future__ import annotations

import pytest

from botctl.errors import UserError
from botctl.nodes.auth_gate import AUTH_GATE
from botctl.nodes.node_type import Shape
from tests.nodes.world import codes, execute, findings

WRITTEN = {"provider": "resend", "contact_type": "email", "outputVariable": "who"}


def test_executing_it_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="`auth_gate` is not built yet"):
        execute(AUTH_GATE, WRITTEN)


def test_its_ways_out_and_its_variable_are_known() -> None:
    data = AUTH_GATE.data.model_validate({**WRITTEN, "method": "link", "ttl": "5m", "remember": "12h"})

    assert AUTH_GATE.handles(data) == ("verified", "failed")
    assert AUTH_GATE.writes(data) == {"who": Shape.TEXT}


@pytest.mark.parametrize(
    ("provider", "contact", "found"),
    [
        ("resend", "phone", ["WF403"]),
        ("ses", "phone", ["WF403"]),
        ("twilio", "email", ["WF403"]),
        ("msg91", "email", ["WF403"]),
        ("ses", "email", []),
        ("msg91", "phone", []),
        ("custom_http", "email", []),
        ("custom_http", "phone", []),
    ],
)
def test_a_provider_that_cannot_reach_the_contact_is_found(
    provider: str, contact: str, found: list[str]
) -> None:
    assert codes(AUTH_GATE, {"provider": provider, "contact_type": contact}) == found


def test_the_fitting_providers_are_named() -> None:
    ((_, finding),) = findings(AUTH_GATE, {"provider": "resend", "contact_type": "phone"})

    assert finding.help == "use `twilio` or `msg91`, or `contact_type: email`"
