"""The code_block node."""

from __future__ import annotations

import pytest

from botctl.errors import UserError
from botctl.execution.outcome import Done
from botctl.nodes.code_block import CODE_BLOCK
from tests.nodes.world import RecordingSandbox, a_message, a_step, execute


def test_what_the_code_changed_is_kept() -> None:
    sandbox = RecordingSandbox(changed={"total": 3})
    step = a_step(sandbox=sandbox, message=a_message("hi"))

    outcome = execute(CODE_BLOCK, {"code": "ctx.variables.total = 3"}, step)

    assert outcome == Done(writes={"total": 3})
    assert sandbox.ran == [("ctx.variables.total = 3", "hi", "u1")]


def test_the_message_is_the_latest_one() -> None:
    sandbox = RecordingSandbox()

    execute(CODE_BLOCK, {"code": "1"}, a_step(sandbox=sandbox, variables={"message": "newer"}))

    assert sandbox.ran == [("1", "newer", "u1")]


def test_code_is_never_templated() -> None:
    sandbox = RecordingSandbox()

    execute(CODE_BLOCK, {"code": "`${{a: 1}.a} {{message}}`"}, a_step(sandbox=sandbox))

    assert sandbox.ran[0][0] == "`${{a: 1}.a} {{message}}`"


def test_a_script_that_fails_fails_the_node() -> None:
    with pytest.raises(UserError, match="boom"):
        execute(CODE_BLOCK, {"code": "throw 1"}, a_step(sandbox=RecordingSandbox(failure=UserError("boom"))))
