"""The parallel node."""

from __future__ import annotations

import pytest

from botctl.execution.outcome import Done
from botctl.nodes.parallel import PARALLEL
from tests.nodes.world import execute


def test_it_goes_on() -> None:
    assert execute(PARALLEL, {"label": "Fan Out"}) == Done()


def test_it_has_no_other_fields() -> None:
    with pytest.raises(ValueError, match="branches"):
        PARALLEL.data.model_validate({"branches": 3})
