"""The send_proactive node, as far as it is built."""

from __future__ import annotations

import pytest

from botctl.errors import UserError
from botctl.nodes.send_proactive import SEND_PROACTIVE
from tests.nodes.world import codes, execute

WRITTEN = {"message": "help", "target_channel_id": "ops", "target_platform": "slack"}


def test_executing_it_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="`send_proactive` is not built yet"):
        execute(SEND_PROACTIVE, WRITTEN)


@pytest.mark.parametrize(
    ("platform", "known", "found"),
    [
        ("slack", {"slack", "telegram"}, []),
        ("slack", {"telegram"}, ["PF301"]),
        ("slack", None, []),
        ("{{platform}}", {"telegram"}, []),
        ("", {"telegram"}, []),
    ],
)
def test_a_platform_that_is_not_configured_is_found(
    platform: str, known: set[str] | None, found: list[str]
) -> None:
    platforms = None if known is None else frozenset(known)

    assert codes(SEND_PROACTIVE, {**WRITTEN, "target_platform": platform}, platforms=platforms) == found


def test_a_channel_id_that_yaml_reads_as_a_number_is_text() -> None:
    data = SEND_PROACTIVE.data.model_validate({**WRITTEN, "target_channel_id": -100123})

    assert data.target_channel_id == "-100123"
